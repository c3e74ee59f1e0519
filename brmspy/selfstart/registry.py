"""All curves with their self-starts, those that users add included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from brmspy.errors import FormulaError, did_you_mean
from brmspy.formula import CURVES, Curve, add_curve, curve_body, curve_limit, remove_curve
from brmspy.selfstart import asymptotic, exponential, saturating, sigmoid
from brmspy.selfstart.records import Guesses, SelfStart

__all__ = ["named_curves", "register_curve", "self_start", "unregister_curve"]

_SELF_STARTS: dict[str, SelfStart] = {
    **asymptotic.SELF_STARTS,
    **exponential.SELF_STARTS,
    **sigmoid.SELF_STARTS,
    **saturating.SELF_STARTS,
}


def self_start(name: str) -> SelfStart | None:
    """Return how a curve finds its parameters in data.

    Parameters
    ----------
    name : str
        The curve.

    Returns
    -------
    SelfStart or None
        None for a curve that a user added without; random starting values are tried for it.
    """
    return _SELF_STARTS.get(name)


def register_curve(
    name: str,
    body: str,
    arguments: Mapping[str, str] | Iterable[str],
    inputs: str | Sequence[str],
    *,
    start: Guesses | None = None,
    meaning: str = "",
    units: Mapping[str, str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    limit: str = "",
    replace: bool = False,
) -> Curve:
    """Add a named curve, which formulas can then call like those that come with brmspy.

    It is known until Python ends. A fit that is loaded later needs it to be registered again.

    Parameters
    ----------
    name : str
        What it is called: letters, digits and dots.
    body : str
        Its value as R text, in terms of its arguments: ``"a * exp(-b * x)"``.
    arguments : mapping of str to str, or iterable of str
        The arguments in the order of the call, best with the meaning of each in words.
    inputs : str or sequence of str
        The arguments that are data; the others are parameters.
    start : callable, optional
        From a mapping of inputs to arrays, and the response, both of shape (nobs,), to a list of
        mappings from parameters to rough values, of which each is improved by least squares and the
        best is taken. Without it, random values are tried, of sizes that follow from `units`.
    meaning : str
        What it is, in words.
    units : mapping of str to str, optional
        Units of the parameters. ``brmspy.formula.RESPONSE``, ``INPUT``, ``WIDTH``, ``RATE``,
        ``LOG_RATE`` and ``NUMBER`` are understood: default priors are as wide as suits them.
    bounds : mapping of str to (float, float), optional
        Natural bounds of parameters, which their default priors keep, and of inputs, beyond which
        data are refused.
    limit : str
        What the curve approaches as its last input grows, as R text in terms of its parameters:
        ``"a"``. Where it is not said, `BrmsFit.time_to` looks for it numerically.
    replace : bool
        Whether it may take the place of a curve that was registered before.

    Returns
    -------
    Curve

    Raises
    ------
    FormulaError
        If the name is taken, the body cannot be read, or arguments and body do not go together.

    Examples
    --------
    >>> from brmspy import default_prior, bf, load_dataset, register_curve, unregister_curve
    >>> from brmspy.formula import RATE, RESPONSE
    >>> curve = register_curve(
    ...     "monomol",
    ...     "top * -expm1(-rate * x)",
    ...     {"x": "age", "top": "final height", "rate": "relative speed"},
    ...     inputs="x",
    ...     units={"top": RESPONSE, "rate": RATE},
    ...     bounds={"rate": (0.0, float("inf"))},
    ...     limit="top",
    ... )
    >>> curve.usage
    'monomol(x, top, rate)'
    >>> formula = bf("height ~ monomol(age, A, k)", "A + k ~ 1", nl=True)
    >>> table = default_prior(formula, load_dataset("loblolly"))
    >>> bool((table.loc[table["nlpar"] == "A", "prior"] != "").any())
    True
    >>> unregister_curve("monomol")
    """
    described = (
        dict(arguments)
        if isinstance(arguments, Mapping)
        else {argument: argument for argument in arguments}
    )
    curve = Curve(
        name,
        described,
        body,
        meaning=meaning,
        inputs=(inputs,) if isinstance(inputs, str) else tuple(inputs),
        units=dict(units or {}),
        bounds=dict(bounds or {}),
        limit=limit,
    )
    for argument, limits in curve.bounds.items():
        if not limits[0] < limits[1]:
            raise FormulaError(
                f"The bounds of {argument!r}, {limits[0]:g} and {limits[1]:g}, leave nothing "
                "between them.",
                hint="Write (lower, upper), infinite where there is no bound.",
            )
    if start is not None and not callable(start):
        raise FormulaError(
            f"start = {start!r} is not a function.",
            hint="It takes (inputs, y) and returns a list of mappings from parameters to values.",
        )
    add_curve(curve, replace=replace)
    try:
        curve_body(curve)
        curve_limit(curve)
    except FormulaError:
        remove_curve(curve.name)
        raise
    _SELF_STARTS.pop(name, None)
    if start is not None:
        _SELF_STARTS[name] = SelfStart(start)
    return curve


def unregister_curve(name: str) -> None:
    """Forget a curve that was registered.

    Parameters
    ----------
    name : str
        Its name.

    Raises
    ------
    FormulaError
        If no curve of that name was registered. Those that come with brmspy stay.

    Examples
    --------
    >>> from brmspy import register_curve, unregister_curve
    >>> curve = register_curve("line0", "b * x", ["x", "b"], inputs="x")
    >>> unregister_curve("line0")
    """
    remove_curve(name)
    _SELF_STARTS.pop(name, None)


def named_curves(name: str | None = None) -> pd.DataFrame:
    """List the named curves, or describe the arguments of one.

    Parameters
    ----------
    name : str, optional
        A curve.

    Returns
    -------
    DataFrame
        One row for each curve, by name: meaning, call and value. Of one curve, one row for each
        argument: meaning, unit, lower and upper bound.

    Raises
    ------
    FormulaError
        If there is no curve of that name.

    Examples
    --------
    >>> from brmspy import named_curves
    >>> named_curves().loc["SSmicmen", "call"]
    'SSmicmen(input, Vm, K)'
    >>> named_curves("SSmicmen").loc["K", "meaning"]
    'input at which half the maximum is reached'
    """
    if name is not None:
        return _arguments(name)
    return pd.DataFrame(
        {
            "meaning": [curve.meaning for curve in CURVES.values()],
            "call": [curve.usage for curve in CURVES.values()],
            "value": [curve.body for curve in CURVES.values()],
        },
        index=pd.Index(list(CURVES), name="curve"),
    )


def _arguments(name: str) -> pd.DataFrame:
    """Describe the arguments of a curve."""
    if name not in CURVES:
        raise FormulaError(f"There is no curve {name!r}.", hint=did_you_mean(name, CURVES))
    curve = CURVES[name]
    limits = [curve.limits(argument) for argument in curve.arguments]
    return pd.DataFrame(
        {
            "meaning": list(curve.arguments.values()),
            "unit": [
                "data" if argument in curve.inputs else curve.units.get(argument, "")
                for argument in curve.arguments
            ],
            "lower": [low for low, _ in limits],
            "upper": [high for _, high in limits],
        },
        index=pd.Index(list(curve.arguments), name="argument"),
    )
