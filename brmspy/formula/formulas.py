"""What the user writes: the formulas of all predicted parameters of one model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from html import escape
from typing import Any, TypeAlias

from brmspy.errors import FormulaError, did_you_mean
from brmspy.formula.expression import names_in, quoted
from brmspy.formula.grammar import parse_sides
from brmspy.formula.terms import FixedParameter
from brmspy.formula.transforms import Transform, rewritten
from brmspy.markup import block, paragraph

__all__ = ["Formula", "SubFormula", "bf", "lf", "nlf"]


@dataclass(frozen=True, slots=True)
class SubFormula:
    """The formula of one or more parameters, ``sigma ~ x`` or ``a + b ~ 1``.

    Made by `lf` and `nlf`.

    Attributes
    ----------
    source : str
        The formula's text.
    nl : bool
        Whether its right-hand side is non-linear.
    center : bool or None
        Whether to centre the columns; None for the usual.
    cmc : bool
        Full indicators for the first factor where the intercept is removed.
    """

    source: str
    nl: bool = False
    center: bool | None = None
    cmc: bool = True

    def __str__(self) -> str:
        return " ".join(self.source.split())

    def __repr__(self) -> str:
        usual = SubFormula(self.source)
        if self == usual:
            return repr(self.source)
        if self.nl:
            return f"nlf({self.source!r})"
        options = (
            f", {name}={getattr(self, name)}"
            for name in ("center", "cmc")
            if getattr(self, name) != getattr(usual, name)
        )
        return f"lf({self.source!r}{''.join(options)})"


Part: TypeAlias = str | SubFormula | Iterable[SubFormula]


@dataclass(frozen=True, slots=True)
class Formula:
    """All formulas of a model, made by `bf`.

    Immutable; ``+`` gives a new one with more parts. Printing it shows one formula per line.

    Attributes
    ----------
    main : str
        The formula of the response.
    parts : tuple of SubFormula
        Formulas of distributional and non-linear parameters.
    fixed : tuple of FixedParameter
        Distributional parameters that are set to a number.
    nl : bool
        Whether the main formula is non-linear.
    center : bool or None
        Whether to centre the main formula's columns; None for the usual, which is yes.
    cmc : bool
        Full indicators for the first factor where the main formula removes the intercept.
    """

    main: str
    parts: tuple[SubFormula, ...] = ()
    fixed: tuple[FixedParameter, ...] = ()
    nl: bool = False
    center: bool | None = None
    cmc: bool = True

    def __add__(self, other: Part) -> Formula:
        return replace(self, parts=(*self.parts, *_sub_formulas(other)))

    def __str__(self) -> str:
        return "\n".join(
            [" ".join(self.main.split()), *map(str, self.parts), *map(str, self.fixed)]
        )

    def __repr__(self) -> str:
        return f"bf({', '.join(self._arguments())})"

    def _repr_html_(self) -> str:
        lines = "".join(f"<div><code>{escape(line)}</code></div>" for line in str(self).split("\n"))
        options = ", ".join(self._options())
        return block("formula", "Formula", [lines, paragraph(options) if options else ""])

    def _options(self) -> Iterator[str]:
        """Yield the options that are not the usual ones."""
        yield from (
            f"{name}={getattr(self, name)}"
            for name in ("nl", "center", "cmc")
            if getattr(self, name) != getattr(Formula(self.main), name)
        )

    def _arguments(self) -> Iterator[str]:
        """Yield the arguments of the call of `bf` that makes this formula."""
        yield repr(self.main)
        yield from map(repr, self.parts)
        yield from self._options()
        yield from (f"{item.name}={item.value!r}" for item in self.fixed)

    def to_dict(self) -> dict[str, Any]:
        """Return the formula as text, numbers and lists, for JSON.

        Returns
        -------
        dict
            What `from_dict` makes the same formula of.
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Formula:
        """Make a formula of what `to_dict` returned.

        Parameters
        ----------
        values : mapping
            The dictionary.

        Returns
        -------
        Formula
        """
        parts = tuple(SubFormula(**part) for part in values["parts"])
        fixed = tuple(FixedParameter(**item) for item in values["fixed"])
        return cls(**{**values, "parts": parts, "fixed": fixed})


def bf(
    formula: str | Formula,
    *parts: Part,
    nl: bool = False,
    center: bool | None = None,
    cmc: bool = True,
    transform: Mapping[str, Transform] | None = None,
    **parameters: float | str,
) -> Formula:
    """Put together the formulas of a model.

    Parameters
    ----------
    formula : str or Formula
        The formula of the response, ``"y ~ x + (1 | g)"``.
    *parts : str, or what `lf` and `nlf` return
        Formulas of other parameters: distributional ones, ``"sigma ~ x"``, or the parameters of a
        non-linear formula, ``"a + b ~ 1"``.
    nl : bool
        Whether `formula` is non-linear. The names in it that have a formula among `parts` are
        parameters; all others are columns of the data.
    center : bool, optional
        Whether to centre the columns of `formula`, so that the prior of the intercept is about the
        response at the means. The default is yes.
    cmc : bool
        Full indicators (cell-mean coding) for the first factor if `formula` has no intercept.
    transform : mapping of str to str or tuple, optional
        Non-linear parameters that are positive, ``{"Asym": "log"}`` or ``"softplus"``; above a
        number, ``("log", 10)``; between 0 and 1, ``"logit"``; between two numbers,
        ``("logit", 0, 10)``; or above another parameter, ``{"xmid2": ("ordered", "xmid1")}``. The
        formula of ``Asym`` then is that of ``logAsym``, whose coefficients and group-level effects
        are on the scale of the logarithm, and ``Asym = exp(logAsym)``. The new names are
        ``log...``, ``softplus...``, ``logit...`` and ``logdiff...``; priors and summaries know
        them, and predictions with ``nlpar="Asym"`` are on the natural scale.
    **parameters : float or str
        A number fixes a distributional parameter, ``sigma=0.5``; a formula predicts one,
        ``sigma="~ x"``.

    Returns
    -------
    Formula

    Raises
    ------
    FormulaError
        If an argument is neither a formula nor a number. The text of the formulas is read later,
        by `parse`.

    Examples
    --------
    >>> from brmspy.formula import bf
    >>> print(bf("y ~ x + (1 | g)", "sigma ~ x"))
    y ~ x + (1 | g)
    sigma ~ x
    >>> bf("y ~ a * exp(-b * x)", "a + b ~ 1", nl=True, sigma=0.5)
    bf('y ~ a * exp(-b * x)', 'a + b ~ 1', nl=True, sigma=0.5)
    >>> print(bf("y ~ exp(-b * x)", "b ~ 1 + (1 | g)", nl=True, transform={"b": "log"}))
    y ~ exp(-b * x)
    logb ~ 1 + (1 | g)
    b ~ exp(logb)
    """
    named: list[SubFormula] = []
    fixed: list[FixedParameter] = []
    for name, value in parameters.items():
        if isinstance(value, str):
            named.append(_named(name, value))
        else:
            fixed.append(_fixed(name, value))
    added = tuple(sub for part in parts for sub in _sub_formulas(part))
    if isinstance(formula, Formula):
        result = replace(
            formula,
            parts=(*formula.parts, *added, *named),
            fixed=(*formula.fixed, *fixed),
            nl=formula.nl or nl,
            center=formula.center if center is None else center,
            cmc=formula.cmc and cmc,
        )
    else:
        result = Formula(_text(formula), (*added, *named), tuple(fixed), nl, center, cmc)
    return result if transform is None else _transformed(result, transform)


def lf(*formulas: str, center: bool | None = None, cmc: bool = True) -> tuple[SubFormula, ...]:
    """Make linear formulas of distributional or non-linear parameters.

    Parameters
    ----------
    *formulas : str
        The formulas, ``"sigma ~ x"`` or ``"a + b ~ 1 + (1 | g)"``.
    center : bool, optional
        Whether to centre their columns. The default is yes for distributional parameters and no
        for non-linear ones.
    cmc : bool
        Full indicators (cell-mean coding) for the first factor of a formula without an intercept.

    Returns
    -------
    tuple of SubFormula
        To be passed to `bf`, or added to what it returns.

    Examples
    --------
    >>> from brmspy.formula import bf, lf
    >>> print(bf("y ~ x") + lf("sigma ~ 0 + f", cmc=False))
    y ~ x
    sigma ~ 0 + f
    """
    return tuple(SubFormula(_text(formula), False, center, cmc) for formula in formulas)


def nlf(*formulas: str) -> tuple[SubFormula, ...]:
    """Make non-linear formulas of distributional or non-linear parameters.

    Parameters
    ----------
    *formulas : str
        The formulas, ``"sigma ~ a * exp(b * x)"``.

    Returns
    -------
    tuple of SubFormula
        To be passed to `bf`, or added to what it returns.

    Examples
    --------
    >>> from brmspy.formula import bf, lf, nlf
    >>> print(bf("y ~ x") + nlf("sigma ~ a * exp(b * x)") + lf("a + b ~ 1"))
    y ~ x
    sigma ~ a * exp(b * x)
    a + b ~ 1
    """
    return tuple(SubFormula(_text(formula), nl=True) for formula in formulas)


def _transformed(formula: Formula, transform: Mapping[str, Transform]) -> Formula:
    """Write out the transformations of non-linear parameters."""
    if not isinstance(transform, Mapping):
        raise FormulaError(
            f"transform = {transform!r} is not valid: it is a dict, such as {{'Asym': 'log'}}."
        )
    bodies = [formula.main] if formula.nl else []
    bodies += [part.source for part in formula.parts if part.nl]
    right = [parse_sides(body).right for body in bodies]
    read = list(dict.fromkeys(name for side in right for name in names_in(side)))
    for name in transform:
        if name not in read:
            raise FormulaError(
                f"transform has {name!r}, which no non-linear formula reads.",
                hint=did_you_mean(str(name), read)
                if read
                else "Parameters belong to non-linear formulas: bf(..., nl=True).",
            )
    taken = set(read) | {name for part in formula.parts for name in _left_names(part)}
    parts: list[SubFormula] = []
    done: set[str] = set()
    for part in formula.parts:
        if part.nl:
            parts.append(part)
            continue
        rest, made = rewritten(part.source, transform, taken)
        if rest is not None:
            parts.append(part if not made else replace(part, source=rest))
        for name, inner, outer in made:
            parts += [replace(part, source=inner), SubFormula(outer, nl=True)]
            done.add(name)
    for name in transform:
        if name not in done:
            own = [part for part in formula.parts if part.nl and name in _left_names(part)]
            raise FormulaError(
                f"transform has {name!r}, which has "
                f"{'a non-linear formula' if own else 'no formula'} in this bf().",
                hint="Write the transformation in that formula."
                if own
                else f"Add it here: bf(..., '{quoted(name)} ~ 1', transform=...).",
            )
    return replace(formula, parts=tuple(parts))


def _left_names(part: SubFormula) -> list[str]:
    """Return the names on the left of a formula."""
    left = parse_sides(part.source).left
    return [] if left is None else list(names_in(left))


def _text(formula: object) -> str:
    """Check that a formula is text."""
    if isinstance(formula, str):
        return formula
    raise FormulaError(
        f"A formula is a text such as 'y ~ x', not {type(formula).__name__}.",
        hint="Formulas of several responses are not supported yet: fit one model for each."
        if isinstance(formula, Formula)
        else None,
    )


def _sub_formulas(part: object) -> tuple[SubFormula, ...]:
    """Read one part of a model's formula."""
    if isinstance(part, SubFormula):
        return (part,)
    if isinstance(part, tuple | list) and all(isinstance(item, SubFormula | str) for item in part):
        return tuple(sub for item in part for sub in _sub_formulas(item))
    return (SubFormula(_text(part)),)


def _named(name: str, text: str) -> SubFormula:
    """Read ``sigma="~ x"``."""
    if text.lstrip().startswith("~"):
        return SubFormula(f"{quoted(name)} {text.lstrip()}")
    if "~" in text:
        raise FormulaError(
            f"The formula of '{name}' names its parameter twice.",
            text,
            (0, text.index("~")),
            f"Write {name}='{text[text.index('~') :]}', or pass '{text}' without a name.",
        )
    raise FormulaError(
        f"{name}={text!r} is neither a number nor a formula.",
        hint=f"Write {name}=0.5 to fix it, {name}='~ x' to predict it.",
    )


def _fixed(name: str, value: object) -> FixedParameter:
    """Read ``sigma=0.5``."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise FormulaError(
            f"{name}={value!r} is neither a number nor a formula.",
            hint=f"Write {name}=0.5 to fix it, {name}='~ x' to predict it.",
        )
    return FixedParameter(name, float(value))
