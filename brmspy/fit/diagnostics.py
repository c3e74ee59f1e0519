"""How well chains mixed: R-hat, effective sample sizes and Monte Carlo errors, vectorised.

All functions take draws of shape (chain, draw, ...) and return one number for each parameter. They
work on blocks of parameters that fit into the processor's cache, and rank the draws of a parameter
only once.

References
----------
Vehtari, A., Gelman, A., Simpson, D., Carpenter, B. and Bürkner, P.-C. (2021). Rank-normalization,
folding, and localization: An improved R-hat for assessing convergence of MCMC. Bayesian Analysis,
16(2). https://doi.org/10.1214/20-BA1221
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

__all__ = ["Diagnostics", "diagnose", "e_bfmi", "mcse_mean", "mcse_sd"]

FloatArray = NDArray[np.float64]

_MIN_DRAWS = 4
_BLOCK_VALUES = 2**17  # draws in a block: 1 MB, so that the temporaries stay in the cache
_THREADS = min(4, os.cpu_count() or 1)
_TAILS = (0.05, 0.95)


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """Diagnostics of many parameters.

    Attributes
    ----------
    rhat : ndarray
        Rank-normalised split R-hat, the larger of bulk and folded. NaN for constants.
    ess_bulk : ndarray
        Effective sample size of the rank-normalised draws.
    ess_tail : ndarray
        The smaller of the effective sample sizes of the 5 % and 95 % quantiles.
    finite : ndarray of bool
        Whether all draws are finite numbers.
    """

    rhat: FloatArray
    ess_bulk: FloatArray
    ess_tail: FloatArray
    finite: NDArray[np.bool_]


def diagnose(draws: FloatArray, pools: Sequence[Sequence[int]] = ()) -> Diagnostics:
    """Return R-hat, bulk ESS and tail ESS of every parameter.

    Parameters
    ----------
    draws : ndarray, shape (chain, draw, ...)
        Draws after warm-up; four a chain at least.
    pools : sequence of sequence of int, optional
        Places of the chains that draw from the same distribution, if not all do: those of several
        data sets. R-hat is then the largest of the pools', and the effective sample sizes are the
        sum of theirs.

    Returns
    -------
    Diagnostics
        Arrays of the parameters' shape; NaN where a draw is NaN. R-hat of one chain compares its
        halves.

    References
    ----------
    Vehtari et al. (2021), https://doi.org/10.1214/20-BA1221, sections 3 and 4.

    Examples
    --------
    >>> import numpy as np
    >>> from brmspy.fit.diagnostics import diagnose
    >>> draws = np.random.default_rng(1).normal(size=(4, 1000, 3))
    >>> diagnose(draws).rhat.round(2)
    array([1., 1., 1.])
    """
    if len(pools) > 1:
        return _together([diagnose(draws[list(chains)]) for chains in pools])
    rhat, ess_bulk, ess_tail = _by_block(draws, _diagnose_block, 3)
    finite = np.asarray(np.isfinite(draws).all(axis=(0, 1)))
    return Diagnostics(rhat, ess_bulk, ess_tail, finite)


def _together(pools: Sequence[Diagnostics]) -> Diagnostics:
    """Return the diagnostics of draws from a mixture of distributions, one pool from each."""
    return Diagnostics(
        np.fmax.reduce([pool.rhat for pool in pools]),
        np.sum([pool.ess_bulk for pool in pools], axis=0),
        np.sum([pool.ess_tail for pool in pools], axis=0),
        np.all([pool.finite for pool in pools], axis=0),
    )


def mcse_mean(draws: FloatArray, pools: Sequence[Sequence[int]] = ()) -> FloatArray:
    """Return the Monte Carlo standard error of every parameter's mean.

    Parameters
    ----------
    draws : ndarray, shape (chain, draw, ...)
        Draws after warm-up.
    pools : sequence of sequence of int, optional
        As for `diagnose`.

    Returns
    -------
    ndarray
        Of the parameters' shape.
    """
    if len(pools) > 1:
        shares = [len(chains) / len(draws) for chains in pools]
        errors = [mcse_mean(draws[list(chains)]) for chains in pools]
        squares = [(share * error) ** 2 for share, error in zip(shares, errors, strict=True)]
        return np.asarray(np.sqrt(np.sum(squares, axis=0)))
    return _by_block(draws, _mcse_mean_block, 1)[0]


def mcse_sd(draws: FloatArray) -> FloatArray:
    """Return the Monte Carlo standard error of every parameter's standard deviation.

    Parameters
    ----------
    draws : ndarray, shape (chain, draw, ...)
        Draws after warm-up.

    Returns
    -------
    ndarray
        Of the parameters' shape.

    References
    ----------
    Kenney, J. F. and Keeping, E. S. (1951). Mathematics of Statistics, volume 2, section 7.8: the
    variance of a variance, with the effective sample size in place of the number of draws.
    """
    return _by_block(draws, _mcse_sd_block, 1)[0]


def e_bfmi(energy: FloatArray) -> FloatArray:
    """Return the estimated Bayesian fraction of missing information of every chain.

    Parameters
    ----------
    energy : ndarray, shape (chain, draw)
        Energy of the Hamiltonian at each draw.

    Returns
    -------
    ndarray, shape (chain,)
        Below 0.3 the momentum's energy varies too little to explore the posterior's tails.

    References
    ----------
    Betancourt, M. (2016). Diagnosing suboptimal cotangent disintegrations in Hamiltonian Monte
    Carlo. https://arxiv.org/abs/1604.00695
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        change = np.square(np.diff(energy, axis=1)).mean(axis=1)
        return np.asarray(change / np.var(energy, axis=1, ddof=1))


def _by_block(
    draws: FloatArray, function: Callable[[FloatArray], tuple[FloatArray, ...]], count: int
) -> tuple[FloatArray, ...]:
    """Apply a function of (parameter, chain, draw) arrays to blocks of parameters, in threads."""
    draws = np.asarray(draws, dtype=np.float64)
    chains, length = draws.shape[:2]
    shape = draws.shape[2:]
    flat = draws.reshape(chains, length, math.prod(shape))
    results = np.full((count, flat.shape[2]), np.nan)
    if chains == 0 or length < _MIN_DRAWS:
        return tuple(row.reshape(shape) for row in results)

    def work(columns: slice) -> None:
        block = np.ascontiguousarray(np.moveaxis(flat[:, :, columns], 2, 0))
        known = ~np.isnan(block).any(axis=(1, 2))
        if known.any():
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                results[:, columns][:, known] = function(block if known.all() else block[known])

    step = max(1, _BLOCK_VALUES // (chains * length))
    blocks = [slice(start, start + step) for start in range(0, flat.shape[2], step)]
    # NumPy sorts and transforms without the interpreter's lock.
    with ThreadPoolExecutor(min(_THREADS, max(1, len(blocks)))) as threads:
        for _ in threads.map(work, blocks):
            pass
    return tuple(row.reshape(shape) for row in results)


def _diagnose_block(x: FloatArray) -> tuple[FloatArray, ...]:
    """Return R-hat, bulk ESS and tail ESS of draws (parameter, chain, draw)."""
    halves = _split(x)
    flat = halves.reshape(len(x), -1)
    order = np.argsort(flat, axis=1)
    ordered = np.take_along_axis(flat, order, axis=1)
    z = _normal_scores(order, ordered).reshape(halves.shape)

    folded = np.abs(flat - _median(ordered)[:, None])
    order = np.argsort(folded, axis=1)
    z_folded = _normal_scores(order, np.take_along_axis(folded, order, axis=1))
    rhat = np.fmax(_rhat(z), _rhat(z_folded.reshape(halves.shape)))

    if x.shape[2] % 2:
        # Splitting left out the middle draws, which count for the quantiles.
        ordered = np.sort(x.reshape(len(x), -1), axis=1)
    tails = [
        _ess(_split((x <= _quantile(ordered, p)[:, None, None]).astype(float))) for p in _TAILS
    ]
    return rhat, _ess(z), np.minimum(*tails)


def _mcse_mean_block(x: FloatArray) -> tuple[FloatArray, ...]:
    return (np.std(x, axis=(1, 2), ddof=1) / np.sqrt(_ess(_split(x))),)


def _mcse_sd_block(x: FloatArray) -> tuple[FloatArray, ...]:
    squares = (x - x.mean(axis=(1, 2), keepdims=True)) ** 2
    variance = squares.mean(axis=(1, 2))
    error = ((squares**2).mean(axis=(1, 2)) - variance**2) / _ess(_split(squares))
    return (np.sqrt(error / variance / 4),)


def _split(x: FloatArray) -> FloatArray:
    """Cut chains in two; the middle draw of an odd number is left out."""
    half = x.shape[2] // 2
    return np.concatenate([x[:, :, :half], x[:, :, -half:]], axis=1)


def _median(ordered: FloatArray) -> FloatArray:
    """Return the median of sorted rows."""
    middle = ordered.shape[1] // 2
    if ordered.shape[1] % 2:
        return np.asarray(ordered[:, middle])
    return np.asarray((ordered[:, middle - 1] + ordered[:, middle]) / 2)


def _quantile(ordered: FloatArray, prob: float) -> FloatArray:
    """Return R's quantile of type 7 of sorted rows."""
    size = ordered.shape[1]
    place = size * prob + (1 - prob)
    below = int(np.clip(np.floor(place), 1, size - 1))
    weight = min(max(place - below, 0.0), 1.0)
    return np.asarray((1 - weight) * ordered[:, below - 1] + weight * ordered[:, below])


def _normal_scores(order: NDArray[np.intp], ordered: FloatArray) -> FloatArray:
    """Replace values by the normal quantiles of their ranks; ties get their mean rank.

    Ranks are whole or half numbers, so a table of quantiles serves all rows.
    """
    count, size = ordered.shape
    table = ndtri((np.arange(2, 2 * size + 1) / 2 - 3 / 8) / (size + 1 / 4))
    scores = np.tile(table[::2], (count, 1))
    tied = np.zeros((count, size + 1), dtype=bool)
    np.equal(ordered[:, 1:], ordered[:, :-1], out=tied[:, 1:-1])
    if tied.any():
        # tied[:, i] says that i - 1 and i are equal; a run of ties starts before its first True.
        flags = tied.ravel().astype(np.int8)
        edges = np.diff(flags)
        first = np.flatnonzero(edges == 1)
        last = np.flatnonzero(edges == -1)
        rank_sum = first % (size + 1) + last % (size + 1)
        members = tied[:, 1:] | tied[:, :-1]
        scores[members] = np.repeat(table[rank_sum], last - first + 1)
    result = np.empty_like(scores)
    np.put_along_axis(result, order, scores, axis=1)
    return result


def _rhat(x: FloatArray) -> FloatArray:
    """Return R-hat of (parameter, chain, draw), without splitting or ranking."""
    length = x.shape[2]
    between = length * np.var(x.mean(axis=2), axis=1, ddof=1)
    within = np.var(x, axis=2, ddof=1).mean(axis=1)
    rhat = np.sqrt((between / within + length - 1) / length)
    rhat[np.ptp(x, axis=(1, 2)) == 0] = np.nan
    return np.asarray(rhat)


def _ess(x: FloatArray) -> FloatArray:
    """Return the effective sample size of (parameter, chain, draw), by Geyer's sequences."""
    _, chains, length = x.shape
    covariance = _mean_autocovariance(x)
    within = covariance[:, 0] * length / (length - 1)
    total = covariance[:, 0].copy()
    if chains > 1:
        total += np.var(x.mean(axis=2), axis=1, ddof=1)
    rho = 1 - (within[:, None] - covariance) / total[:, None]
    rho[:, 0] = 1
    tau = np.maximum(_autocorrelation_time(rho), 1 / np.log10(chains * length))
    ess = chains * length / tau
    ess[np.ptp(x, axis=(1, 2)) < np.finfo(float).resolution] = chains * length
    return np.asarray(ess)


def _mean_autocovariance(x: FloatArray) -> FloatArray:
    """Return the chains' mean autocovariance at all lags, shape (parameter, lag).

    The mean is taken over spectra, which saves the way back for each chain.
    """
    length = x.shape[2]
    padded = _fast_length(2 * length)
    spectrum = np.fft.rfft(x - x.mean(axis=2, keepdims=True), n=padded, axis=2)
    parts = spectrum.view(np.float64)
    power = np.einsum("pcf,pcf->pf", parts, parts).reshape(len(x), -1, 2).sum(axis=2)
    covariance = np.fft.irfft(power, n=padded, axis=1)[:, :length]
    return np.asarray(covariance / (x.shape[1] * length))


def _autocorrelation_time(rho: FloatArray) -> FloatArray:
    """Sum autocorrelations up to the end of Geyer's initial positive, monotone sequence."""
    count, length = rho.shape
    pairs = max(0, (length - 3) // 2) + 1
    even, odd = rho[:, 0 : 2 * pairs : 2], rho[:, 1 : 2 * pairs : 2]
    sums = even[:, : odd.shape[1]] + odd
    negative = sums <= 0
    last = np.where(negative.any(axis=1), negative.argmax(axis=1), sums.shape[1] - 1)
    monotone = np.minimum.accumulate(sums, axis=1)
    monotone[np.arange(sums.shape[1]) >= last[:, None]] = 0
    rows = np.arange(count)
    end, end_sum = even[rows, last], sums[rows, last]
    remainder = np.where((end > 0) | (end_sum >= 0), end, 0.0)
    return np.asarray(-1 + 2 * monotone.sum(axis=1) + remainder)


def _fast_length(target: int) -> int:
    """Return the smallest number from `target` on whose only factors are 2, 3 and 5."""
    best = 1 << (target - 1).bit_length()
    five = 1
    while five < best:
        three = five
        while three < best:
            quotient = -(-target // three)
            best = min(best, three << max(0, (quotient - 1).bit_length()))
            three *= 3
        five *= 5
    return best
