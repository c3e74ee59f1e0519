"""A model in LaTeX: response, predictors, group-level effects and priors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from brmspy.data import Design, GroupInfo
from brmspy.families import Family
from brmspy.fit import Fit, FittedModel
from brmspy.formula import LinearPredictor, NonlinearPredictor
from brmspy.formula.expression import Number, deparse
from brmspy.priors import BlockPriors, ElementPrior
from brmspy.priors.numbers import format_number
from brmspy.words.expressions import in_latex
from brmspy.words.symbols import effect, escaped, joined, of_row, plain_number, symbol, text, weight
from brmspy.words.texts import Latex

__all__ = ["latex", "model_latex"]

_TERMS_A_LINE = 4
_LINE = 60  # characters


def latex(fit: Fit) -> Latex:
    r"""Write the model in LaTeX: the response, its predictors, group-level effects, and priors.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.

    Returns
    -------
    Latex
        A string, in the environment ``align*`` of amsmath. A notebook shows it as formulas.
        Rows are :math:`i`, levels :math:`j`, coefficients :math:`\beta`, effects of levels
        :math:`u` with standard deviations :math:`\tau`; coefficients of other parameters than
        the mean carry its name above.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> fit = brm("Reaction ~ Days", load_dataset("sleepstudy"), seed=1, progress=False)
    >>> print(fit.latex())
    \begin{align*}
    \text{Reaction}_i &\sim \operatorname{Normal}\left(\mu_i,\, \sigma\right) \\
    \mu_i &= \beta_{\text{Intercept}} + \beta_{\text{Days}} \, \text{Days}_i \\
    p(\beta_{\text{Days}}) &\propto 1 \\
    \beta_{\text{Intercept}} + \overline{\text{Days}} \, \beta_{\text{Days}} &\sim
      \operatorname{StudentT}\left(3,\, 288.7,\, 59.3\right) \\
    \sigma &\sim \operatorname{StudentT}_{[0,\, \infty)}\left(3,\, 0,\, 59.3\right)
    \end{align*}
    """
    return model_latex(fit.model)


def model_latex(model: FittedModel) -> Latex:
    """Write a model in LaTeX; see `latex`.

    Parameters
    ----------
    model : FittedModel
        The model, fitted or not.

    Returns
    -------
    Latex
    """
    writer = _Writer(model.design, model.family)
    lines = [
        *writer.response(),
        *writer.predictors(),
        *writer.group_effects(),
        *(line for priors in model.priors.blocks for line in writer.priors(priors)),
    ]
    body = " \\\\\n".join(lines)
    return Latex(f"\\begin{{align*}}\n{body}\n\\end{{align*}}")


@dataclass(frozen=True)
class _Writer:
    """Writes the lines of a model."""

    design: Design
    family: Family

    def response(self) -> Iterator[str]:
        """Yield the distribution of the response, and what of it is fixed."""
        terms = self.design.terms
        predicted = set(self.design.predictors) | {p.name for p in terms.predictors if not p.nlpar}
        arguments = []
        if terms.response.trials is not None:
            trials = terms.response.trials
            constant = isinstance(trials, Number)
            arguments.append(deparse(trials) if constant else of_row(deparse(trials)))
        arguments += [
            symbol(name) + ("_i" if name in predicted else "")
            for name in self.family.arguments or self.family.dpar_names
        ]
        weights = terms.response.weights
        weighted = (
            "" if weights is None else rf"\quad\text{{weighted by }} {of_row(deparse(weights))}"
        )
        distribution = _call(self.family.symbol or self.family.name, arguments)
        yield rf"{of_row(terms.response.label)} &\sim {distribution}{weighted}"
        for fixed in terms.fixed:
            yield f"{symbol(fixed.name)} &= {plain_number(format_number(fixed.value))}"

    def predictors(self) -> Iterator[str]:
        """Yield a line, or several, for each predicted parameter; the mean comes first."""
        for predictor in reversed(self.design.terms.predictors):
            left = symbol(predictor.name)
            left += "" if predictor.name in self._constant else "_i"
            if not predictor.nlpar:
                left = self.family.dpar(predictor.name).link.in_latex(left)
            if isinstance(predictor, NonlinearPredictor):
                yield f"{left} &= {in_latex(predictor.body, self._constant)}"
            else:
                yield from _sum(left, list(self._linear(predictor)))

    @property
    def _constant(self) -> frozenset[str]:
        """The non-linear parameters that are the same in all rows."""
        found: set[str] = set()
        for predictor in self.design.terms.predictors:
            if isinstance(predictor, LinearPredictor) and predictor.nlpar:
                fixed = predictor.fixed
                if not (predictor.groups or fixed.offsets or fixed.terms):
                    found.add(predictor.name)
        return frozenset(found)

    def _linear(self, predictor: LinearPredictor) -> Iterator[str]:
        """Yield the terms of a linear predictor."""
        name = predictor.name
        for coef in self.design.predictors[name].coefs:
            yield _times(weight(r"\beta", name, text(coef.label)), coef.label)
        yield from (of_row(deparse(offset)) for offset in predictor.fixed.offsets)
        for group in self.design.groups:
            level = rf"{text(group.group)}[i]"
            for member in group.coefs:
                if member.predictor == name:
                    yield _times(effect(name, level, member.name.label), member.name.label)

    def group_effects(self) -> Iterator[str]:
        """Yield the distributions of group-level effects."""
        for place, group in enumerate(self.design.groups):
            level = f"{text(group.group)}_j"
            effects = [effect(c.predictor, level, c.name.label) for c in group.coefs]
            sds = [_sd(group.group, c.predictor, c.name.label) for c in group.coefs]
            levels = rf"\quad j = 1, \ldots, {len(group.levels)}"
            if not (group.correlated and len(effects) > 1):
                for one, sd in zip(effects, sds, strict=True):
                    yield rf"{one} &\sim {_call('Normal', ['0', sd])},{levels}"
                continue
            D, R = self._matrix("D", place), self._matrix("R", place)
            covariance = _call("MVNormal", [r"\mathbf{0}", f"{D} {R} {D}"])
            yield rf"{_tuple(effects)}^{{\top}} &\sim {covariance},{levels}"
            yield f"{D} &= {_call('diag', sds)}"

    def _matrix(self, letter: str, place: int) -> str:
        """Return the symbol of a matrix of a block; blocks of one factor are numbered."""
        group = self.design.groups[place].group
        same = [p for p, other in enumerate(self.design.groups) if _of(other, group)]
        number = rf",\, {same.index(place) + 1}" if len(same) > 1 else ""
        return rf"\mathbf{{{letter}}}_{{{text(group)}{number}}}"

    def priors(self, priors: BlockPriors) -> Iterator[str]:
        """Yield the priors of a block of parameters; those that are equal share a line."""
        names = self._parameters(priors)
        elements = priors.elements * (len(names) if len(priors.elements) == 1 else 1)
        pairs = list(zip(names, elements, strict=True))
        for _, members in groupby(pairs, key=lambda pair: _prior(pair[1])):
            together = list(members)
            yield _prior_line([name for name, _ in together], together[0][1])

    def _parameters(self, priors: BlockPriors) -> list[str]:
        """Return the symbols of a block's parameters."""
        block = priors.block
        predictor = block.dpar or block.nlpar or "mu"
        if block.class_ == "b":
            return [weight(r"\beta", predictor, text(label)) for label in block.labels]
        if block.class_ == "Intercept":
            return [self._intercept(predictor)]
        if block.class_ == "sd":
            return [_sd(block.group, predictor, label) for label in block.labels]
        if block.class_ == "cor":
            places = enumerate(self.design.groups)
            return [self._matrix("R", place) for place, g in places if _of(g, block.group)]
        return [symbol(block.class_)]

    def _intercept(self, predictor: str) -> str:
        """Return the intercept at the predictors' means, which is what has the prior."""
        info, beta = self.design.predictors[predictor], r"\beta"
        intercept = weight(beta, predictor, text("Intercept"))
        shifted = [info.coefs[place].label for place in np.flatnonzero(info.means)]
        if len(shifted) > _TERMS_A_LINE:
            mean = weight(beta, predictor, "k")
            return rf"{intercept} + \sum_k \overline{{x}}_k \, {mean}"
        means = [
            rf"\overline{{{text(label)}}} \, {weight(beta, predictor, text(label))}"
            for label in shifted
        ]
        return " + ".join([intercept, *means])


def _of(group: GroupInfo, name: str) -> bool:
    """Say whether a block of a grouping factor has correlations."""
    return group.group == name and group.correlated and len(group.coefs) > 1


def _sd(group: str, predictor: str, label: str) -> str:
    """Return the symbol of a standard deviation of effects."""
    return weight(r"\tau", predictor, text(group), text(label))


def _times(parameter: str, label: str) -> str:
    """Return a coefficient times its variable."""
    return parameter if label == "Intercept" else rf"{parameter} \, {of_row(label)}"


def _sum(left: str, terms: Sequence[str]) -> Iterator[str]:
    """Yield a sum, a few terms to a line."""
    lines: list[list[str]] = [[]]
    for term in terms or ["0"]:
        length = sum(map(_printed_length, (*lines[-1], term)))
        if lines[-1] and (len(lines[-1]) == _TERMS_A_LINE or length > _LINE):
            lines.append([])
        lines[-1].append(term)
    yield f"{left} &= {' + '.join(lines[0])}"
    yield from (rf"&\quad + {' + '.join(line)}" for line in lines[1:])


def _printed_length(latex: str) -> int:
    """Return about how many characters are printed."""
    return len(re.sub(r"\\[a-zA-Z]+|[\\{}_^, ]", "", latex))


def _tuple(parts: Sequence[str]) -> str:
    return rf"\left({joined(parts)}\right)"


def _call(name: str, arguments: Sequence[str], below: str = "") -> str:
    """Return a distribution or function with its arguments."""
    return rf"\operatorname{{{escaped(name)}}}{below}{_tuple(arguments)}"


def _prior(element: ElementPrior) -> tuple[object, ...]:
    """Return what makes two priors equal."""
    return element.distribution, element.args, element.lower, element.upper


def _prior_line(names: Sequence[str], element: ElementPrior) -> str:
    """Return the line of a prior that some parameters share."""
    together = joined(names)
    numbers = [plain_number(format_number(value)) for value in element.args]
    if element.distribution == "constant":
        return f"{together} &= {numbers[0]}"
    interval = _interval(element)
    if element.improper:
        where = rf"\quad\text{{on }} {interval}" if interval else ""
        return rf"p({together}) &\propto 1{where}"
    if element.distribution == "flat":
        ends = [plain_number(format_number(v)) for v in (element.lower, element.upper)]
        return rf"{together} &\sim {_call('Uniform', ends)}"
    title = "".join(part[:1].upper() + part[1:] for part in element.distribution.split("_"))
    title = title.upper() if element.distribution == "lkj" else title
    # Bounds are told where they cut something off.
    below = f"_{{{interval}}}" if interval and element.log_normaliser != 0.0 else ""
    return rf"{together} &\sim {_call(title, numbers, below)}"


def _interval(element: ElementPrior) -> str:
    """Return the bounds of a parameter, nothing if there are none."""
    if not (np.isfinite(element.lower) or np.isfinite(element.upper)):
        return ""
    lower, upper = (plain_number(format_number(v)) for v in (element.lower, element.upper))
    left = "[" if np.isfinite(element.lower) else "("
    right = "]" if np.isfinite(element.upper) else ")"
    return rf"{left}{lower},\, {upper}{right}"
