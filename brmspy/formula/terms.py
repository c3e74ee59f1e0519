"""The typed terms of a model: what `parse` makes of a formula."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from brmspy.formula.expression import Binary, Expr, Name, Span, Unary, deparse, names_in
from brmspy.formula.nonlinear import CurveCall, NonlinearExpr

if TYPE_CHECKING:
    from brmspy.formula.formulas import Formula

__all__ = [
    "FixedParameter",
    "FixedPart",
    "FixedTerm",
    "GroupTerm",
    "LinearPredictor",
    "ModelTerms",
    "NonlinearPredictor",
    "Response",
]

_NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class FixedTerm:
    """One term of R's model formula, such as ``x`` or the interaction ``f:log(x)``.

    Attributes
    ----------
    factors : tuple of Expr
        The variables that are multiplied with each other.
    """

    factors: tuple[Expr, ...]

    @property
    def label(self) -> str:
        """R's label, ``"f:log(x)"``."""
        return ":".join(deparse(factor) for factor in self.factors)

    @property
    def order(self) -> int:
        """Number of variables that interact."""
        return len(self.factors)

    @property
    def variables(self) -> tuple[str, ...]:
        """Columns of the data that the term reads."""
        return _unique(names_in(factor) for factor in self.factors)

    @property
    def is_intercept(self) -> bool:
        """Whether this is the reserved variable of ``0 + Intercept``."""
        return self.factors == (Name("Intercept"),)

    def __str__(self) -> str:
        return ":".join(
            f"({deparse(factor)})" if isinstance(factor, Binary | Unary) else deparse(factor)
            for factor in self.factors
        )


@dataclass(frozen=True, slots=True)
class FixedPart:
    """Terms of a linear predictor in R's order: by order of interaction, then by appearance.

    Attributes
    ----------
    intercept : bool
        Whether there is an implicit intercept.
    terms : tuple of FixedTerm
        All other terms. The reserved variable of ``0 + Intercept + x`` is an ordinary term and
        comes first.
    offsets : tuple of Expr
        What stands inside each ``offset()``.
    """

    intercept: bool
    terms: tuple[FixedTerm, ...] = ()
    offsets: tuple[Expr, ...] = ()

    @property
    def variables(self) -> tuple[str, ...]:
        """Columns of the data that the part reads, the reserved ``Intercept`` excepted."""
        terms = (term.variables for term in self.terms if not term.is_intercept)
        return _unique([*terms, *map(names_in, self.offsets)])

    def __str__(self) -> str:
        pieces = ["1" if self.intercept else "0"]
        pieces += [str(term) for term in self.terms]
        pieces += [f"offset({deparse(offset)})" for offset in self.offsets]
        return " + ".join(pieces)


@dataclass(frozen=True, slots=True)
class GroupTerm:
    """Effects that vary between the levels of one grouping factor.

    Attributes
    ----------
    effects : FixedPart
        What varies; without offsets.
    factors : tuple of str
        Columns whose combinations are the levels: ``("g", "h")`` for ``g:h``.
    correlated : bool
        Whether the effects' correlations are estimated: ``|`` against ``||``.
    id : str or None
        The ID of ``(x | ID | g)``.
    span : Span
        Where the term stands in `source`.
    source : str
        The formula it stands in.
    """

    effects: FixedPart
    factors: tuple[str, ...]
    correlated: bool = True
    id: str | None = None
    span: Span = field(default=_NOWHERE, compare=False)
    source: str = field(default="", compare=False)

    @property
    def group(self) -> str:
        """Name of the grouping factor, ``"g:h"``."""
        return ":".join(self.factors)

    @property
    def variables(self) -> tuple[str, ...]:
        """Columns of the data that the term reads."""
        return _unique([self.effects.variables, self.factors])

    def __str__(self) -> str:
        bar = "|" if self.correlated else "||"
        bar = bar if self.id is None else f"| {self.id} |"
        return f"({self.effects} {bar} {self.group})"


@dataclass(frozen=True, slots=True)
class Response:
    """The left-hand side of a model formula.

    Attributes
    ----------
    expr : Expr
        The response.
    label : str
        Its name.
    trials, weights : Expr or None
        What stands inside ``trials()`` and ``weights()``.
    scale_weights : bool
        Whether the weights are scaled to sum to the number of rows.
    source : str
        The formula it stands in.
    """

    expr: Expr
    label: str
    trials: Expr | None = None
    weights: Expr | None = None
    scale_weights: bool = False
    source: str = field(default="", compare=False)

    @property
    def variables(self) -> tuple[str, ...]:
        """Columns of the data that the response side reads."""
        parts = (self.expr, self.trials, self.weights)
        return _unique(names_in(part) for part in parts if part is not None)

    def __str__(self) -> str:
        additions = []
        if self.trials is not None:
            additions.append(f"trials({deparse(self.trials)})")
        if self.weights is not None:
            scale = ", scale = TRUE" if self.scale_weights else ""
            additions.append(f"weights({deparse(self.weights)}{scale})")
        return self.label + (f" | {' + '.join(additions)}" if additions else "")


@dataclass(frozen=True, slots=True)
class LinearPredictor:
    """A parameter that is predicted by population-level and group-level terms.

    Attributes
    ----------
    name : str
        The predicted parameter.
    nlpar : bool
        Whether it is a non-linear parameter; otherwise it is a distributional one.
    fixed : FixedPart
        Population-level terms.
    groups : tuple of GroupTerm
        Group-level terms, one for each grouping factor of each.
    center : bool
        Centre the columns and give the intercept its own prior class. The usual for distributional
        parameters, not for non-linear ones.
    cmc : bool
        Full indicators for the first factor where the intercept is removed, as in R.
    source : str
        The formula as the user wrote it.
    """

    name: str
    nlpar: bool
    fixed: FixedPart
    groups: tuple[GroupTerm, ...] = ()
    center: bool = True
    cmc: bool = True
    source: str = field(default="", compare=False)

    @property
    def variables(self) -> tuple[str, ...]:
        """Columns of the data that the predictor reads."""
        return _unique([self.fixed.variables, *(group.variables for group in self.groups)])

    def __str__(self) -> str:
        return f"{self.name} ~ " + " + ".join(map(str, (self.fixed, *self.groups)))


@dataclass(frozen=True, slots=True)
class NonlinearPredictor:
    """A parameter that is predicted by a non-linear formula.

    Attributes
    ----------
    name : str
        The predicted parameter.
    nlpar : bool
        Whether it is a non-linear parameter; otherwise it is a distributional one.
    body : NonlinearExpr
        The formula's right-hand side, named curves written out.
    covariates : tuple of str
        Columns of the data that it reads.
    parameters : tuple of str
        Non-linear parameters that it reads.
    source : str
        The formula as the user wrote it.
    curve : CurveCall or None
        The named curve that the right-hand side is, if it is a call of one and nothing else.
    """

    name: str
    nlpar: bool
    body: NonlinearExpr
    covariates: tuple[str, ...]
    parameters: tuple[str, ...]
    source: str = field(default="", compare=False)
    curve: CurveCall | None = None

    @property
    def groups(self) -> tuple[GroupTerm, ...]:
        """Group-level terms: none, they belong to the parameters."""
        return ()

    @property
    def variables(self) -> tuple[str, ...]:
        """Columns of the data that the predictor reads."""
        return self.covariates

    def __str__(self) -> str:
        return f"{self.name} ~ {self.source.partition('~')[2].strip()}"


@dataclass(frozen=True, slots=True)
class FixedParameter:
    """A distributional parameter that is set to a number.

    Attributes
    ----------
    name : str
        The parameter.
    value : float
        Its value, on its natural scale.
    """

    name: str
    value: float

    def __str__(self) -> str:
        return f"{self.name} = {self.value:g}"


@dataclass(frozen=True, slots=True)
class ModelTerms:
    """A model's formula, understood.

    Attributes
    ----------
    response : Response
        The left-hand side.
    predictors : tuple of LinearPredictor or NonlinearPredictor
        In the order in which they can be computed: non-linear parameters before what reads them,
        then distributional parameters, ``mu`` last.
    fixed : tuple of FixedParameter
        Distributional parameters that are set to a number.
    formula : Formula
        What the user wrote.
    """

    response: Response
    predictors: tuple[LinearPredictor | NonlinearPredictor, ...]
    fixed: tuple[FixedParameter, ...]
    formula: Formula

    def predictor(self, name: str) -> LinearPredictor | NonlinearPredictor:
        """Return the predictor of a parameter."""
        for predictor in self.predictors:
            if predictor.name == name:
                return predictor
        raise KeyError(name)

    @property
    def variables(self) -> tuple[str, ...]:
        """All columns of the data that the model reads, the response first."""
        return _unique([self.response.variables, *(p.variables for p in self.predictors)])

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        """Yield one line for each part."""
        yield f"response: {self.response}"
        yield from map(str, self.predictors)
        yield from map(str, self.fixed)


def _unique(names: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Join several sequences of names, each name once."""
    return tuple(dict.fromkeys(name for group in names for name in group))
