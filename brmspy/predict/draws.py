"""Which draws of the posterior take part in a prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from brmspy.errors import BrmspyError
from brmspy.fit import Fit

__all__ = ["ChosenDraws", "choose_draws"]


@dataclass(frozen=True)
class ChosenDraws:
    """Draws of the user's parameters, one after the other.

    Attributes
    ----------
    values : mapping of str to ndarray, shape (chain * draw, ...)
        By variable of the posterior.
    chain, draw : ndarray
        Labels of the chains and draws; their lengths multiply to the number of draws.
    """

    values: Mapping[str, NDArray[np.float64]]
    chain: NDArray[np.int64]
    draw: NDArray[np.int64]

    @property
    def count(self) -> int:
        """Number of draws."""
        return len(self.chain) * len(self.draw)


def choose_draws(
    fit: Fit, ndraws: int | None = None, draw_ids: Sequence[int] | None = None
) -> ChosenDraws:
    """Return all draws of a fit, or some of them.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    ndraws : int, optional
        How many draws, evenly spaced. If it is a multiple of the number of chains, as many from
        each; otherwise they come as one chain.
    draw_ids : sequence of int, optional
        Which draws: positions from zero, chain after chain. They come as one chain.

    Returns
    -------
    ChosenDraws

    Raises
    ------
    BrmspyError
        If there are no such draws.
    """
    posterior = fit.groups["posterior"]
    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
    arrays = {v.name: posterior[v.name].to_numpy() for v in fit.variables}
    if ndraws is not None and draw_ids is not None:
        raise BrmspyError("Give ndraws or draw_ids, not both.")
    if draw_ids is not None:
        return _one_chain(arrays, _checked_ids(draw_ids, chains * draws))
    if ndraws is None:
        labels = posterior["chain"].to_numpy(), posterior["draw"].to_numpy()
        return ChosenDraws({name: _flat(a) for name, a in arrays.items()}, *labels)
    _check_ndraws(ndraws, chains * draws)
    if ndraws % chains:
        return _one_chain(arrays, _spaced(ndraws, chains * draws))
    ids = _spaced(ndraws // chains, draws)
    chosen = {name: _flat(array[:, ids]) for name, array in arrays.items()}
    return ChosenDraws(chosen, posterior["chain"].to_numpy(), posterior["draw"].to_numpy()[ids])


def _one_chain(arrays: Mapping[str, NDArray[np.float64]], ids: NDArray[np.int64]) -> ChosenDraws:
    """Return the draws at some positions."""
    chosen = {name: _flat(array)[ids] for name, array in arrays.items()}
    return ChosenDraws(chosen, np.zeros(1, dtype=np.int64), ids)


def _flat(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the chains one after the other."""
    return array.reshape(-1, *array.shape[2:])


def _spaced(count: int, total: int) -> NDArray[np.int64]:
    """Return evenly spaced positions."""
    return ((np.arange(count) + 0.5) * total / count).astype(np.int64)


def _check_ndraws(ndraws: object, total: int) -> None:
    whole = isinstance(ndraws, Integral) and not isinstance(ndraws, bool)
    if not whole or not 1 <= int(ndraws) <= total:  # type: ignore[call-overload]
        raise BrmspyError(
            f"ndraws = {ndraws!r} is not valid: it is a whole number from 1 to {total}, the number "
            "of draws of the fit."
        )


def _checked_ids(draw_ids: Sequence[int], total: int) -> NDArray[np.int64]:
    """Return positions of draws, or raise."""
    ids = np.asarray(draw_ids)
    if ids.ndim != 1 or ids.size == 0 or ids.dtype.kind not in "iu":
        raise BrmspyError(f"draw_ids = {draw_ids!r} is not valid: it is a list of whole numbers.")
    if ids.min() < 0 or ids.max() >= total:
        raise BrmspyError(
            f"draw_ids must be from 0 to {total - 1}, positions in the draws of all chains; they "
            f"go from {ids.min()} to {ids.max()}."
        )
    return ids.astype(np.int64)
