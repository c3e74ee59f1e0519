"""How predicted parameters are written in a Stan program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brmspy.data import Design
from brmspy.families import Family
from brmspy.formula import LinearPredictor, NonlinearPredictor
from brmspy.formula.nonlinear import NonlinearExpr
from brmspy.nonlinear import repeated, to_stan
from brmspy.priors import PriorSet
from brmspy.program.compose import TermSet
from brmspy.program.parameters import StanParameter, stan_parameter

__all__ = [
    "Covariate",
    "Likelihood",
    "NonlinearBody",
    "StanPredictor",
    "covariates_of",
    "family_parameters",
    "likelihood",
    "predictors_of",
]


@dataclass(frozen=True)
class Covariate:
    """A column that a non-linear formula reads, and its name in the program."""

    name: str
    stan: str


@dataclass(frozen=True)
class NonlinearBody:
    """A non-linear formula in Stan: local variables first, then the expression."""

    statements: tuple[str, ...]
    expression: str


@dataclass(frozen=True)
class StanPredictor:
    """A parameter that the program computes from others.

    Attributes
    ----------
    variable : str
        Name of the local variable that holds it.
    type : str
        ``real`` if all rows share one value, else ``vector[N]``.
    value : str
        Stan text of the value, on the scale that the likelihood wants; empty if the likelihood
        takes the pieces of the linear predictor itself.
    body : NonlinearBody or None
        Statements that come before, for non-linear formulas.
    comment : str
        The formula.
    """

    name: str
    variable: str
    type: str
    value: str
    body: NonlinearBody | None = None
    comment: str = ""


@dataclass(frozen=True)
class Likelihood:
    """What a family's template needs to write the density of the response.

    Attributes
    ----------
    function : str
        Stan's function without ``_lpdf`` or ``_lpmf``.
    glm : bool
        Whether Stan's GLM form is used.
    alpha, X, b : str
        What the GLM form takes: intercepts, columns, coefficients.
    arguments : mapping
        Name of the variable that holds each distributional parameter.
    vectors : frozenset of str
        Distributional parameters that differ from row to row.
    lpmf : str
        What the density of a family with a constant ends in: ``"lupmf"`` leaves the constant out.
    """

    function: str
    glm: bool
    alpha: str
    X: str
    b: str
    arguments: Mapping[str, str]
    vectors: frozenset[str]
    lpmf: str

    def at(self, parameter: str, row: str) -> str:
        """Return the parameter's variable, indexed by `row` if it differs from row to row."""
        return self.arguments[parameter] + (row if parameter in self.vectors else "")

    def whole(self, parameter: str) -> str:
        """Return the parameter's variable, not indexed."""
        return self.arguments[parameter]


def covariates_of(design: Design) -> tuple[Covariate, ...]:
    """Return the columns that non-linear formulas read, numbered for the program."""
    return tuple(
        Covariate(name, f"C_{number}")
        for number, name in enumerate(design.arrays.covariates, start=1)
    )


def family_parameters(design: Design, family: Family, priors: PriorSet) -> dict[str, StanParameter]:
    """Return the distributional parameters that are estimated as one number."""
    given = {p.name for p in design.terms.predictors} | {p.name for p in design.terms.fixed}
    return {
        dpar.name: stan_parameter(
            dpar.name,
            priors.for_(dpar.name).elements,
            natural=(dpar.lower, dpar.upper),
            comment=dpar.description,
        )
        for dpar in family.dpars
        if dpar.name not in given
    }


def predictors_of(
    design: Design,
    family: Family,
    terms: TermSet,
    suffixes: Mapping[str, str],
    covariates: Sequence[Covariate],
) -> tuple[tuple[StanPredictor, ...], tuple[str, ...]]:
    """Return the predicted parameters in order of evaluation, and Stan functions that they call."""
    stan_names = {covariate.name: covariate.stan for covariate in covariates}
    scalars: set[str] = set()
    helpers: dict[str, None] = {}
    predictors = []
    bodies = [p.body for p in design.terms.predictors if isinstance(p, NonlinearPredictor)]
    shared, known = repeated(*bodies), dict[NonlinearExpr, str]()
    for predictor in design.terms.predictors:
        body = None
        if isinstance(predictor, NonlinearPredictor):
            local = f"e{suffixes[predictor.name]}_"
            text = to_stan(
                predictor.body,
                stan_names,
                frozenset(scalars),
                local=local,
                shared=shared,
                known=known,
            )
            body = NonlinearBody(text.statements, text.expression)
            value, is_scalar = text.expression, text.is_scalar
        else:
            pieces = terms.pieces(predictor.name)
            value, is_scalar = pieces.value, pieces.is_scalar
        if predictor.nlpar:
            variable = f"nlp{suffixes[predictor.name]}"
            stan_names[predictor.name] = variable
            if is_scalar:
                scalars.add(predictor.name)
        else:
            variable = predictor.name
            value = _on_family_scale(predictor, design, family, terms, value)
            link = family.dpar(predictor.name).link
            if link.helper is not None and f"{link.helper}(" in value:
                helpers[link.helper] = None
        predictors.append(
            StanPredictor(
                name=predictor.name,
                variable=variable,
                type="real" if is_scalar else "vector[N]",
                value=value,
                body=body,
                comment=" ".join(predictor.source.split()),
            )
        )
    if terms.integrated is not None:
        helpers["integrated_normal"] = None
    return tuple(predictors), tuple(helpers)


def _on_family_scale(
    predictor: LinearPredictor | NonlinearPredictor,
    design: Design,
    family: Family,
    terms: TermSet,
    value: str,
) -> str:
    """Return a distributional parameter as the likelihood takes it, or nothing for a GLM's mean."""
    if predictor.name == "mu":
        if terms.integrated is not None or _glm(design, family, terms):
            return ""
        if family.likelihood.mu_on_link_scale:
            return value
    inverse = family.dpar(predictor.name).link.stan_inverse
    return (
        inverse.format(x=value)
        if inverse == "{x}" or "(" in inverse
        else inverse.format(x=f"({value})")
    )


def _glm(design: Design, family: Family, terms: TermSet) -> bool:
    """Whether the likelihood can be one of Stan's GLM primitives."""
    mean = design.terms.predictor("mu")
    rowwise = {name for name in _rowwise(design, terms) if name != "mu"}
    return (
        family.likelihood.glm is not None
        and rowwise <= family.likelihood.glm_rowwise
        and isinstance(mean, LinearPredictor)
        and terms.pieces("mu").product is not None
        and design.arrays.weights is None
    )


def _rowwise(design: Design, terms: TermSet) -> frozenset[str]:
    """Return the distributional parameters that differ from row to row."""
    return frozenset(
        predictor.name
        for predictor in design.terms.predictors
        if not predictor.nlpar
        and not (isinstance(predictor, LinearPredictor) and terms.pieces(predictor.name).is_scalar)
    )


def likelihood(
    design: Design, family: Family, terms: TermSet, without_constant: bool = False
) -> Likelihood:
    """Return what the family's template needs to write the density of the response."""
    glm = _glm(design, family, terms)
    pieces = terms.pieces("mu")
    X, b = pieces.product if glm and pieces.product is not None else ("", "")
    return Likelihood(
        function=family.likelihood.function,
        glm=glm,
        alpha=pieces.alpha,
        X=X,
        b=b,
        arguments={name: name for name in family.dpar_names},
        vectors=_rowwise(design, terms),
        lpmf="lupmf" if without_constant else "lpmf",
    )
