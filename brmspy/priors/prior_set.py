"""The priors of a model: one for each of its parameters."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from brmspy.markup import Table, block
from brmspy.priors.elements import ElementPrior
from brmspy.priors.parameters import ParameterBlock
from brmspy.priors.table import PriorRow, prior_table

__all__ = ["BlockPriors", "PriorSet"]


@dataclass(frozen=True)
class BlockPriors:
    """The priors of a block of parameters.

    Attributes
    ----------
    block : ParameterBlock
        The parameters.
    elements : tuple of ElementPrior
        Their priors, in the same order.
    rows : tuple of PriorRow
        Where they come from, for the table of priors in use.
    """

    block: ParameterBlock
    elements: tuple[ElementPrior, ...]
    rows: tuple[PriorRow, ...] = field(repr=False)


@dataclass(frozen=True)
class PriorSet:
    """One prior for each parameter of a model; made by `resolve`.

    Attributes
    ----------
    blocks : tuple of BlockPriors
        The priors, block by block.
    """

    blocks: tuple[BlockPriors, ...]

    def for_(self, class_: str, *, dpar: str = "", nlpar: str = "", group: str = "") -> BlockPriors:
        """Return the priors of one block.

        Parameters
        ----------
        class_, dpar, nlpar, group : str
            Which block.

        Raises
        ------
        KeyError
            If the model has no such block.
        """
        place = (class_, dpar, nlpar, group)
        for priors in self.blocks:
            if (priors.block.class_, *priors.block.scope, priors.block.group) == place:
                return priors
        raise KeyError(place)

    def element(
        self, class_: str, *, coef: str, group: str = "", dpar: str = "", nlpar: str = ""
    ) -> ElementPrior:
        """Return the prior of one coefficient.

        Parameters
        ----------
        class_, coef, group, dpar, nlpar : str
            Which one, by brms' name.

        Raises
        ------
        KeyError
            If the model has no such coefficient.
        """
        priors = self.for_(class_, dpar=dpar, nlpar=nlpar, group=group)
        if coef not in priors.block.coefs:
            raise KeyError((class_, dpar, nlpar, group, coef))
        return priors.elements[priors.block.coefs.index(coef)]

    @property
    def improper(self) -> tuple[str, ...]:
        """Names of the parameters whose prior does not integrate to one, as in draws."""
        return tuple(
            name
            for priors in self.blocks
            for name, element in zip(priors.block.names, priors.elements, strict=True)
            if element.improper
        )

    def table(self) -> pd.DataFrame:
        """Return the priors in use.

        Returns
        -------
        DataFrame
            Text in brms' columns prior, class, coef, group, resp, dpar, nlpar, lb, ub, source.
            The source is ``"default"``, ``"user"``, or ``"(vectorized)"`` for parameters that take
            the prior of a more general row.
        """
        return prior_table(row for priors in self.blocks for row in priors.rows)

    def formatted(self) -> str:
        """Return the table of priors in use as text, without its empty columns.

        Returns
        -------
        str
        """
        return self._shown().to_string(index=False)

    def _shown(self) -> pd.DataFrame:
        """Return the table without its empty columns."""
        table = self.table()
        return table.loc[:, (table != "").any()]

    def _repr_html_(self) -> str:
        shown = self._shown()
        heads = tuple(map(str, shown.columns))
        rows = tuple((first, tuple(cells)) for first, *cells in shown.itertuples(index=False))
        table = Table("", heads[1:], rows, frozenset(heads), corner=heads[0])
        return block("priors", "Priors", [table.html()])

    def __str__(self) -> str:
        return self.formatted()
