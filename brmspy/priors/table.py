"""Tables of priors with brms' columns and order of rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from brmspy.priors.numbers import format_number
from brmspy.priors.parameters import ParameterBlock

__all__ = ["COLUMNS", "PriorRow", "default_prior_table", "prior_table", "rows_of"]

# In the order of the Unicode collation algorithm, which R's sorting follows.
_SIGNS = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"

COLUMNS = ("prior", "class", "coef", "group", "resp", "dpar", "nlpar", "lb", "ub", "source")


@dataclass(frozen=True)
class PriorRow:
    """One row of a table of priors.

    Attributes
    ----------
    class_, dpar, nlpar, group, coef : str
        Which parameters.
    prior : str
        Density.
    lower, upper : float
        Bounds.
    source : str
        ``"default"``, ``"user"``, or ``"(vectorized)"`` if it is taken from a more general row.
    """

    class_: str
    dpar: str
    nlpar: str
    group: str = ""
    coef: str = ""
    prior: str = ""
    lower: float = -math.inf
    upper: float = math.inf
    source: str = "default"

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What identifies the row."""
        return self.class_, self.dpar, self.nlpar, self.group, self.coef

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text, in the order of `COLUMNS`."""
        # That correlations lie between -1 and 1 is no bound that anybody could set.
        bounds = ("", "") if self.class_ == "cor" else (_bound(self.lower), _bound(self.upper))
        place = (self.class_, self.coef, self.group, "", self.dpar, self.nlpar)
        return self.prior, *place, *bounds, self.source


def default_prior_table(blocks: Sequence[ParameterBlock]) -> pd.DataFrame:
    """Return everything that can have a prior, with the defaults.

    Parameters
    ----------
    blocks : sequence of ParameterBlock
        The parameters of a model.

    Returns
    -------
    DataFrame
        Text in the columns prior, class, coef, group, resp, dpar, nlpar, lb, ub, source. A blank
        prior is flat in a row of a class; in others the prior of the class holds.

    Examples
    --------
    >>> from brmspy.priors import ParameterBlock, default_prior_table
    >>> blocks = [ParameterBlock("b", coefs=("x",)), ParameterBlock("sigma", lower=0.0)]
    >>> default_prior_table(blocks)[["class", "coef", "lb"]].to_records(index=False).tolist()
    [('b', '', ''), ('b', 'x', ''), ('sigma', '', '0')]
    """
    return prior_table(row for block in blocks for row in rows_of(block))


def rows_of(block: ParameterBlock) -> Iterator[PriorRow]:
    """Yield the row of a block's class, of its group, and of each of its coefficients."""
    place = (block.class_, *block.scope)
    yield PriorRow(*place, prior=block.default, lower=block.lower, upper=block.upper)
    if block.group:
        yield PriorRow(*place, block.group)
    if block.has_coefs:
        own = block.coef_defaults or ("",) * len(block.coefs)
        yield from (
            PriorRow(*place, block.group, coef, prior)
            for coef, prior in zip(block.coefs, own, strict=True)
        )


def prior_table(rows: Iterable[PriorRow]) -> pd.DataFrame:
    """Return rows as a table in brms' order; of rows for the same parameters the first counts."""
    unique: dict[tuple[str, ...], PriorRow] = {}
    for row in rows:
        unique.setdefault(row.key, row)
    ordered = sorted(unique.values(), key=_order)
    return pd.DataFrame([row.cells for row in ordered], columns=list(COLUMNS), dtype="str")


def _bound(value: float) -> str:
    """Return a bound as text, none for an infinite one."""
    return format_number(value) if math.isfinite(value) else ""


def _order(row: PriorRow) -> tuple[object, ...]:
    """Return what rows are sorted by."""
    return tuple(
        _collation(text) for text in (row.dpar, row.nlpar, row.class_, row.group, row.coef)
    )


def _collation(text: str) -> tuple[object, ...]:
    """Return what R sorts text by: signs, digits, letters; then lower case before upper."""
    signs_first = ((c.isalnum() + c.isalpha(), _SIGNS.find(c), c) for c in text.casefold())
    return tuple(signs_first), text.swapcase()
