"""Checks after sampling: what is wrong with the draws, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.fit.diagnostics import Diagnostics, e_bfmi
from brmspy.fit.importance import GOOD_K, USABLE_K
from brmspy.fit.record import FitRecord

__all__ = ["Finding", "diagnosis", "findings", "verdict"]

_RHAT_CLEAR = 1.05  # what brms warns about
_RHAT_STRICT = 1.01  # Vehtari et al. (2021), section 4.2
_ESS_PER_CHAIN = 100  # the same, section 4.1
_ESS_OF_CHAINS = 400  # what that makes for the usual four
_LOW_E_BFMI = 0.3
_SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """Something about the draws that the user should know.

    Attributes
    ----------
    kind : str
        ``"interrupted"``, ``"failed_chains"``, ``"not_finite"``, ``"pareto_k"``,
        ``"divergences"``, ``"treedepth"``, ``"e_bfmi"``, ``"rhat"`` or ``"ess"``.
    message : str
        What was found.
    advice : str
        What to do.
    said_by_sampler : bool
        Whether the sampler has already warned of it, so that it need not be said again.
    """

    kind: str
    message: str
    advice: str
    said_by_sampler: bool = False

    def __str__(self) -> str:
        return f"{self.message} {self.advice}"


def findings(
    record: FitRecord,
    stats: Mapping[str, NDArray[Any]],
    names: Sequence[str],
    diagnostics: Diagnostics,
) -> tuple[Finding, ...]:
    """Check a run.

    Parameters
    ----------
    record : FitRecord
        How the run was made.
    stats : mapping of str to ndarray, shape (chain, draw)
        The sampler's statistics; those that are absent are not checked.
    names : sequence of str
        Names of the parameters.
    diagnostics : Diagnostics
        Their diagnostics, in the same order.

    Returns
    -------
    tuple of Finding
        The most serious first; empty if all is well.

    References
    ----------
    Vehtari, A., Gelman, A., Simpson, D., Carpenter, B. and Bürkner, P.-C. (2021), for the limits of
    R-hat and of the effective sample size: https://doi.org/10.1214/20-BA1221

    Yao, Y., Vehtari, A., Simpson, D. and Gelman, A. (2018), for those of Pareto k:
    https://proceedings.mlr.press/v80/yao18a.html
    """
    found = (
        _interrupted(record, stats),
        _failed(record),
        _not_finite(names, diagnostics),
        _pareto_k(record),
        _importance(record),
        _divergences(record, stats),
        _treedepth(record, stats),
        _e_bfmi(record, stats),
        _rhat(names, diagnostics),
        _ess(record, names, diagnostics),
    )
    return tuple(finding for finding in found if finding is not None)


def diagnosis(
    record: FitRecord,
    stats: Mapping[str, NDArray[Any]],
    chains: int,
    diagnostics: Diagnostics,
) -> str:
    """Say in one line how the chains went.

    Parameters
    ----------
    record : FitRecord
        How the run was made.
    stats : mapping of str to ndarray, shape (chain, draw)
        The sampler's statistics.
    chains : int
        Number of chains.
    diagnostics : Diagnostics
        R-hat and effective sample sizes of all parameters.

    Returns
    -------
    str
        Such as ``"4 chains, max Rhat 1.003, min ESS 812, 0 divergences"``; empty for an
        approximation.
    """
    if record.approximation is not None:
        return ""
    parts = [_count(chains, "chain")]
    rhat = diagnostics.rhat[np.isfinite(diagnostics.rhat)]
    ess = np.concatenate([diagnostics.ess_bulk, diagnostics.ess_tail])
    ess = ess[np.isfinite(ess)]
    if rhat.size:
        parts.append(f"max Rhat {rhat.max():.3f}")
    if ess.size:
        parts.append(f"min ESS {ess.min():.0f}")
    if "diverging" in stats:
        parts.append(_count(_hits(stats, "diverging")[0], "divergence"))
    return ", ".join(parts)


def _interrupted(record: FitRecord, stats: Mapping[str, NDArray[Any]]) -> Finding | None:
    if not record.interrupted:
        return None
    chains, iterations = record.options["chains"], record.options["iter_sampling"]
    draws = stats["lp"].shape[1]
    others = f" The others: {'; '.join(record.failures)}." if record.failures else ""
    return Finding(
        "interrupted",
        f"Sampling was interrupted: {len(record.chain_ids)} of {chains} chains are kept, with "
        f"{draws} of {-(-iterations // record.options['thin'])} draws each.{others}",
        "Fit again to get all draws.",
        said_by_sampler=True,
    )


def _failed(record: FitRecord) -> Finding | None:
    # Of Pathfinder's paths, which start at random, some may fail: k judges what came out.
    if record.interrupted or record.approximation is not None or not record.failures:
        return None
    return Finding(
        "failed_chains",
        f"{_count(len(record.failures), 'chain')} failed: {'; '.join(record.failures)}.",
        "The draws are those of the other chains. Check the priors and the initial values.",
        said_by_sampler=True,
    )


def _pareto_k(record: FitRecord) -> Finding | None:
    found = record.approximation
    if found is None or found.pareto_k <= USABLE_K:
        return None
    failed = "".join(f" {failure[0].upper()}{failure[1:]}." for failure in record.failures)
    return Finding(
        "pareto_k",
        f"Pareto k is {_k(found.pareto_k)} (> {USABLE_K}): {found.title} misses a part of the "
        f"posterior, and weighting its draws cannot make up for it.{failed}",
        'Do not trust these draws, least of all their intervals. Fit with algorithm="nuts".',
    )


def _importance(record: FitRecord) -> Finding | None:
    found = record.approximation
    if found is None or found.pareto_k > USABLE_K or found.ess >= _ESS_OF_CHAINS:
        return None
    return Finding(
        "ess",
        f"The draws of {found.title} are worth only {found.ess:.0f} independent ones "
        f"(< {_ESS_OF_CHAINS}): means and intervals are imprecise.",
        'Take more draws (raise iter_sampling), or fit with algorithm="nuts".',
    )


def verdict(pareto_k: float) -> str:
    """Say how good an approximation is.

    Parameters
    ----------
    pareto_k : float
        Shape of the tail of the importance ratios.

    Returns
    -------
    str
        The number and what it means.

    Examples
    --------
    >>> from brmspy.fit.advice import verdict
    >>> verdict(0.31)
    '0.31, good: the draws stand for the posterior'
    """
    if pareto_k < GOOD_K:
        meaning = "good: the draws stand for the posterior"
    elif pareto_k <= USABLE_K:
        meaning = 'usable: good enough to explore; confirm with algorithm="nuts"'
    else:
        meaning = 'bad: do not trust these draws; use algorithm="nuts"'
    return f"{_k(pareto_k)}, {meaning}"


def _k(pareto_k: float) -> str:
    """Return k so that rounding does not move it across a limit."""
    if not np.isfinite(pareto_k):
        return "infinite"
    near = any(f"{pareto_k:.2f}" == f"{limit:.2f}" for limit in (GOOD_K, USABLE_K))
    return f"{pareto_k:.{4 if near else 2}f}"


def _not_finite(names: Sequence[str], diagnostics: Diagnostics) -> Finding | None:
    bad = ~diagnostics.finite
    if not bad.any():
        return None
    return Finding(
        "not_finite",
        f"Draws of {_some(names, bad)} are not finite numbers.",
        "Check the data for extreme values, and use stronger priors.",
    )


def _divergences(record: FitRecord, stats: Mapping[str, NDArray[Any]]) -> Finding | None:
    count, total = _hits(stats, "diverging")
    if not count:
        return None
    delta = record.options["adapt_delta"]
    raised = next((value for value in (0.95, 0.99, 0.999) if value > delta), None)
    retry = "" if raised is None else f"Fit again with adapt_delta={raised}; if they stay, use"
    return Finding(
        "divergences",
        f"{count} of {total} draws ({100 * count / total:.2g} %) ended in a divergence, so the "
        "posterior may be biased.",
        f"{retry or 'Use'} stronger priors or a simpler model. See "
        "https://mc-stan.org/misc/warnings.html#divergent-transitions",
    )


def _treedepth(record: FitRecord, stats: Mapping[str, NDArray[Any]]) -> Finding | None:
    count, total = _hits(stats, "reached_max_treedepth")
    if not count:
        return None
    depth = record.options["max_treedepth"]
    return Finding(
        "treedepth",
        f"{count} of {total} draws reached the maximum tree depth of {depth}. They are valid, but "
        "sampling is slow.",
        f"Fit again with max_treedepth={depth + 2}, or rescale the predictors.",
    )


def _e_bfmi(record: FitRecord, stats: Mapping[str, NDArray[Any]]) -> Finding | None:
    if "energy" not in stats:
        return None
    fractions = e_bfmi(np.asarray(stats["energy"]))
    low = fractions < _LOW_E_BFMI
    if not low.any():
        return None
    chains = ", ".join(str(record.chain_ids[chain]) for chain in np.flatnonzero(low))
    return Finding(
        "e_bfmi",
        f"E-BFMI is low ({fractions.min():.2f} < {_LOW_E_BFMI}) in chain {chains}: the tails of "
        "the posterior may not be explored.",
        "Use stronger priors, above all on standard deviations, or more iter_warmup.",
    )


def _rhat(names: Sequence[str], diagnostics: Diagnostics) -> Finding | None:
    rhat = diagnostics.rhat
    known = np.where(np.isnan(rhat), 0.0, rhat)
    if not known.size or known.max() <= _RHAT_STRICT:
        return None
    if known.max() > _RHAT_CLEAR:
        bad = known > _RHAT_CLEAR
        return Finding(
            "rhat",
            f"The chains have not converged: R-hat is up to {known.max():.2f} "
            f"(> {_RHAT_CLEAR}) for {_some(names, bad, known)}.",
            "Do not use these draws. Sample longer (iter_warmup, iter_sampling) or use stronger "
            "priors.",
        )
    return Finding(
        "rhat",
        f"The chains have not mixed well: R-hat is up to {known.max():.3f} (> {_RHAT_STRICT}) "
        f"for {_some(names, known > _RHAT_STRICT, known)}.",
        "Sample longer: raise iter_sampling.",
    )


def _ess(record: FitRecord, names: Sequence[str], diagnostics: Diagnostics) -> Finding | None:
    limit = _ESS_PER_CHAIN * len(record.chain_ids)
    parts = []
    for kind, ess, use in (
        ("bulk", diagnostics.ess_bulk, "means and medians"),
        ("tail", diagnostics.ess_tail, "intervals"),
    ):
        low = ess < limit
        if low.any():
            shown = _some(names, low, -ess)
            parts.append(
                f"{kind.capitalize()} ESS is down to {np.nanmin(ess):.0f} (< {limit}) for {shown}: "
                f"{use} are imprecise."
            )
    if not parts:
        return None
    return Finding("ess", " ".join(parts), "Sample longer: raise iter_sampling.")


def _hits(stats: Mapping[str, NDArray[Any]], name: str) -> tuple[int, int]:
    """Return how many draws have a flag, and how many draws there are."""
    flags = np.asarray(stats.get(name, np.zeros((0, 0))))
    return int(flags.sum()), flags.size


def _some(
    names: Sequence[str], which: NDArray[np.bool_], badness: NDArray[np.float64] | None = None
) -> str:
    """Return the names of the worst, and how many there are besides."""
    places = np.flatnonzero(which)
    if badness is not None:
        places = places[np.argsort(-badness[places], kind="stable")]
    shown = ", ".join(names[place] for place in places[:_SHOWN])
    more = len(places) - _SHOWN
    return shown if more <= 0 else f"{shown} and {_count(more, 'other parameter')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
