"""Standard deviations, correlations and covariances of group-level effects and residuals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.errors import BrmspyError
from brmspy.fit import Fit
from brmspy.parameters.draws import Coefficient, labels_of
from brmspy.parameters.tables import summary_of, table_of
from brmspy.program import correlated_pairs, group_members

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["VarCorr"]

FloatArray = NDArray[np.float64]

_RESIDUAL = "residual__"


@dataclass(frozen=True)
class _Block:
    """A grouping factor, or the residuals: `pairs` are the correlations that are estimated."""

    group: str
    coefs: tuple[str, ...]
    sd: FloatArray
    pairs: tuple[tuple[int, int], ...] = ()
    cor: FloatArray | None = None

    def entries(self) -> Iterator[tuple[str, str, str, FloatArray]]:
        """Yield kind, coefficients and draws (chain, draw) of everything that is estimated."""
        for place, name in enumerate(self.coefs):
            yield "sd", name, name, self.sd[..., place]
        products = []
        for k, (i, j) in enumerate(self.pairs):
            assert self.cor is not None, "pairs have correlations"
            cor = self.cor[..., k]
            yield "cor", self.coefs[i], self.coefs[j], cor
            products.append((i, j, cor * self.sd[..., i] * self.sd[..., j]))
        for place, name in enumerate(self.coefs):
            yield "cov", name, name, np.square(self.sd[..., place])
        for i, j, cov in products:
            yield "cov", self.coefs[i], self.coefs[j], cov

    def dataset(self) -> xr.Dataset:
        """Return the draws: `sd`, and the matrices `cor` and `cov`."""
        import xarray as xr

        chains, length, size = self.sd.shape
        cor = np.zeros((chains, length, size, size))
        cor[..., np.arange(size), np.arange(size)] = 1.0
        for k, (i, j) in enumerate(self.pairs):
            assert self.cor is not None, "pairs have correlations"
            cor[..., i, j] = cor[..., j, i] = self.cor[..., k]
        cov = cor * self.sd[..., :, None] * self.sd[..., None, :]
        draws, names = ("chain", "draw"), np.array(self.coefs, dtype=object)
        return xr.Dataset(
            {
                "sd": ((*draws, "coef"), self.sd),
                "cor": ((*draws, "coef", "coef2"), cor),
                "cov": ((*draws, "coef", "coef2"), cov),
            },
            coords={
                "chain": np.arange(chains),
                "draw": np.arange(length),
                "coef": names,
                "coef2": names,
            },
        )


@overload
def VarCorr(
    fit: Fit, *, summary: Literal[True] = ..., prob: float = ..., robust: bool = ...
) -> pd.DataFrame: ...
@overload
def VarCorr(
    fit: Fit, *, summary: Literal[False], prob: float = ..., robust: bool = ...
) -> dict[str, xr.Dataset]: ...
def VarCorr(  # noqa: N802 -- its name in nlme, lme4 and brms
    fit: Fit, *, summary: bool = True, prob: float = 0.95, robust: bool = False
) -> pd.DataFrame | dict[str, xr.Dataset]:
    """Return standard deviations, correlations and covariances of the group-level effects.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    summary : bool
        Whether to summarise the draws.
    prob : float
        Probability of the central interval.
    robust : bool
        Use the median and the scaled median absolute deviation for the mean and the standard
        deviation.

    Returns
    -------
    DataFrame or dict of str to xarray.Dataset
        One row for each number that is estimated. Columns group; kind, which is ``"sd"``,
        ``"cor"`` or ``"cov"``; coef and coef2, which are the same for standard deviations and
        variances; Estimate, Est.Error, and the interval's ends, such as Q2.5 and Q97.5. Where
        ``sigma`` is a single estimated number, it is the group ``residual__``. Without `summary`
        the draws by group: `sd`, dimensions (chain, draw, coef), and the matrices `cor` and `cov`,
        dimensions (chain, draw, coef, coef2), with zeros for effects that are uncorrelated in the
        model.

    Raises
    ------
    BrmspyError
        If the model has neither group-level effects nor ``sigma``, or `prob` is no probability.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> table = fit.VarCorr()
    >>> table.loc[table["kind"] != "cov", ["group", "kind", "coef", "coef2"]]
            group kind       coef      coef2
    0     Subject   sd  Intercept  Intercept
    1     Subject   sd       Days       Days
    2     Subject  cor  Intercept       Days
    6  residual__   sd
    """
    blocks = [*_groups(fit), *_residual(fit)]
    if not blocks:
        raise BrmspyError(
            f"The model has no group-level effects, and no sigma: a {fit.family.name} model "
            "without terms such as (1 | group) has no standard deviations."
        )
    if not summary:
        return {block.group: block.dataset() for block in blocks}
    entries = [(block.group, *entry) for block in blocks for entry in block.entries()]
    groups, kinds, first, second, draws = zip(*entries, strict=True)
    labels = {"group": groups, "kind": kinds, "coef": first, "coef2": second}
    return table_of(labels, summary_of(np.stack(draws, axis=-1), prob, robust))


def _groups(fit: Fit) -> Iterator[_Block]:
    """Yield the grouping factors."""
    blocks = fit.model.design.groups
    posterior = fit.groups["posterior"]
    for group, members in group_members(blocks).items():
        named = (blocks[block].coefs[place] for block, place in members)
        coefs = [Coefficient(coef.predictor, coef.name.brms) for coef in named]
        where = {member: position for position, member in enumerate(members)}
        pairs = [
            (where[block, first], where[block, second])
            for block, first, second in correlated_pairs(blocks, group)
        ]
        cor = posterior[f"cor_{group}"].to_numpy() if pairs else None
        sd = posterior[f"sd_{group}"].to_numpy()
        yield _Block(group, tuple(labels_of(coefs)), sd, tuple(pairs), cor)


def _residual(fit: Fit) -> Iterator[_Block]:
    """Yield the residuals if they have one standard deviation."""
    if any(v.name == "sigma" and v.section == "family" for v in fit.variables):
        yield _Block(_RESIDUAL, ("",), fit.groups["posterior"]["sigma"].to_numpy()[..., None])
