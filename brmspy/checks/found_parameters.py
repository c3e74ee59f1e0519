"""What a check says about parameters: what decides them, and which the data leave open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from brmspy.checks.display import count
from brmspy.checks.levels import ThinGroups, few_levels, thin_groups
from brmspy.checks.pairs import Pair, tied_pairs
from brmspy.checks.sensitivity import CONFLICT, STRONG_PRIOR, powerscale_sensitivity
from brmspy.checks.suspects import Boundary, Unmoved, at_boundary, little_known, same_as_prior
from brmspy.checks.suspicion import Suspicion, note
from brmspy.fit import Fit
from brmspy.priors.curves import curve_in_use

__all__ = ["parameter_findings"]

_SHOWN = 4
_INSEPARABLE = 0.99
_SLIGHT = 0.1  # sensitivity, twice what counts at all


def parameter_findings(fit: Fit) -> Iterator[Suspicion]:
    """Yield what there is to say about the parameters.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.

    Yields
    ------
    Suspicion
    """
    scaled = powerscale_sensitivity(fit).table
    conflict = scaled[scaled["diagnosis"] == CONFLICT]
    # Where the data pull, the posterior only happens to look like the prior.
    unmoved = [item for item in same_as_prior(fit) if item.name not in conflict.index]
    little = [item for item in little_known(fit) if item.name not in conflict.index]
    if len(conflict):
        yield _conflict(conflict)
    silent = {item.name for item in (*unmoved, *little)}
    weak = scaled[(scaled["diagnosis"] == STRONG_PRIOR) & ~scaled.index.isin(list(silent))]
    if len(weak):
        # Data reach a spread between levels only through the levels' effects: it hardly moves when
        # the likelihood is scaled, however much they say.
        spread = all(name.startswith(("sd_", "cor_")) for name in weak.index)
        slight = spread and float(weak["prior"].max()) < 2.0 * _SLIGHT
        yield Suspicion(
            "The prior has a say" if slight else "The prior decides",
            "The posterior moves with the prior and hardly with the data (power-scaling): "
            f"{_sensitivities(weak)}.",
            "Well if the prior is meant to inform. Otherwise the data say little about "
            f"{'it' if len(weak) == 1 else 'them'}: report that the prior decides, or leave the "
            "term out.",
            "fit.powerscale_sensitivity()",
            "note" if slight else "problem",
        )
    yield from (_unmoved(fit, item) for item in unmoved)
    yield from (_little(fit, item) for item in little)
    yield from _pairs(fit)
    yield from (_boundary(fit, boundary) for boundary in at_boundary(fit))
    yield from map(_thin, thin_groups(fit))
    for group, levels in few_levels(fit):
        yield note(
            f"{group} has few levels",
            f"The spread between levels of {group} is estimated from {count(levels, 'level')}.",
            "Its prior counts for much. Choose it with care, or take the factor as a predictor "
            "(... + factor in place of (1 | factor)).",
            f'fit.prior_draws("sd_{group}")',
        )


def _conflict(table: pd.DataFrame) -> Suspicion:
    """Say that the posterior depends on the prior and on the data."""
    least = table[["prior", "likelihood"]].min(axis=1)
    slight = bool(least.max() < _SLIGHT)
    evidence = (
        f"The posterior moves with the prior and with the data (power-scaling): "
        f"{_sensitivities(table)}."
    )
    call = "fit.powerscale_sensitivity()"
    if slight:
        return note(
            "The prior has a say",
            evidence,
            "A little, as where there are few levels or rows. See that the prior says what it "
            "should, and mention it in a report.",
            call,
        )
    return Suspicion(
        "Prior and data disagree",
        evidence,
        "See whether the prior says what it should, above all its scale; if it does, report "
        "how the results change with it.",
        call,
    )


def _sensitivities(table: pd.DataFrame) -> str:
    """Return the sensitivities of the most sensitive parameters."""
    worst = table.sort_values("prior", ascending=False, kind="stable")
    shown = [
        f"{name} (prior {row['prior']:.2f}, data {row['likelihood']:.2f})"
        for name, row in worst.head(_SHOWN).iterrows()
    ]
    more = len(table) - len(shown)
    return ", ".join(shown) + (f" and {count(more, 'other')}" if more > 0 else "")


def _rows(fit: Fit, group: str = "") -> str:
    """Return how many rows there are, and in how many levels of a factor."""
    rows = count(fit.nobs, "row")
    return f"{rows} in {count(fit.ngrps[group], 'level')} of {group}" if group else rows


def _unmoved(fit: Fit, item: Unmoved) -> Suspicion:
    """Say that a parameter is as before the data."""
    evidence = (
        f"Its posterior is its prior, for all {_rows(fit, _group(fit, item))}: {_beside(item)}."
    )
    call = f'fit.powerscale_sensitivity("{item.name}")'
    title = f"The data say nothing about {item.name}"
    if item.kind == "cor":
        simpler = f"Without it the model is the same: write || in place of | for {item.group}."
        return note(title, evidence, simpler, call)
    if item.kind == "nonlinear":
        return Suspicion(title, evidence, _fewer(fit, item), call)
    advice = "Say so when you report it: the prior decides. Or leave its term out."
    return Suspicion(title, evidence, advice, call)


def _little(fit: Fit, item: Unmoved) -> Suspicion:
    """Say that a non-linear parameter is nearly as before the data."""
    return note(
        f"The data say little about {item.name}",
        f"The {_rows(fit)} have made it {100.0 * item.width:.0f} % as uncertain as the prior: "
        f"{_beside(item)}; {100.0 * item.overlap:.0f} % of the two overlap.",
        _fewer(fit, item),
        f'fit.powerscale_sensitivity("{item.name}")',
    )


def _beside(item: Unmoved) -> str:
    low, high = item.interval
    first, last = item.prior_interval
    return (
        f"90 % of the draws lie in [{low:.4g}, {high:.4g}], of the prior in "
        f"[{first:.4g}, {last:.4g}]"
    )


def _group(fit: Fit, item: Unmoved) -> str:
    return item.group if item.group in fit.ngrps and item.kind in ("sd", "cor") else ""


def _fewer(fit: Fit, item: Unmoved) -> str:
    """Return what to do about a non-linear parameter that the data leave open."""
    middle = sum(item.interval) / 2.0
    return (
        f"{_meaning(fit, item.group)}Set a prior that says what is known of it, fix it "
        f'(prior("constant({middle:.3g})", nlpar="{item.group}")), or take a curve with fewer '
        "parameters. Its estimate is not one of these data."
    )


def _meaning(fit: Fit, nlpar: str) -> str:
    """Return what a parameter of a named curve is, as a sentence."""
    use = curve_in_use(fit.model.design)
    for argument, name in {} if use is None else use.linear.items():
        if use is not None and name == nlpar:
            return f"{nlpar} is {use.curve.arguments[argument]} of {use.curve.name}(). "
    return ""


def _pairs(fit: Fit) -> Iterator[Suspicion]:
    """Yield what there is to say about coefficients that move together."""
    pairs = tied_pairs(fit)
    if not pairs:
        return
    first = pairs[0]
    more = len(pairs) - _SHOWN
    shown = ", ".join(_pair(pair) for pair in pairs[:_SHOWN])
    evidence = (
        f"The {_rows(fit)} fix combinations, not each coefficient: {shown}"
        + (f" and {count(more, 'other pair')}" if more > 0 else "")
        + f". Were {first.second} known, {first.first} would be known {first.gain:.0f} times as "
        "well."
    )
    advice = (
        "Their columns hold nearly the same: leave one out, or take their sum and difference. "
        if first.linear
        else "Report curves and predictions rather than these numbers one by one. Rows where the "
        "two act differently (for a rate and an asymptote: near the asymptote) tell them apart; so "
        "does a prior for one of them, or fixing it. "
    )
    kind = "problem" if abs(first.correlation) > _INSEPARABLE else "note"
    title = f"{first.first} and {first.second} are hardly told apart"
    call = f"fit.plot_pairs([{first.first!r}, {first.second!r}])"
    yield Suspicion(title, evidence, advice.strip(), call, kind)


def _pair(pair: Pair) -> str:
    return f"{pair.first} and {pair.second} (correlation {pair.correlation:.3f})"


def _boundary(fit: Fit, item: Boundary) -> Suspicion:
    near = f"{100 * item.share:.0f} % of the draws of {item.name} lie between {item.bound:g} and "
    evidence = f"{near}{item.limit:.2g}, next to its bound."
    if item.kind == "sd":
        return note(
            f"{item.name} may be zero",
            f"{evidence} It is estimated from {_rows(fit, item.group)}.",
            "The data do not say whether the levels differ in this. Report an upper limit, not "
            "the mean, and see whether the model predicts as well without the term.",
            f"fit.loo_compare(fit.update({_without(fit, item)!r}))",
        )
    if item.kind == "cor":
        return note(
            f"{item.name} is at its bound",
            f"{evidence} It is estimated from {_rows(fit, item.group)}.",
            "The data cannot tell the two effects apart. A prior such as lkj(2) keeps correlations "
            "away from -1 and 1.",
            f'fit.update(prior=prior("lkj(2)", class_="cor", group={item.group!r}))',
        )
    meaning = _meaning(fit, item.group) if item.kind == "nonlinear" else ""
    return Suspicion(
        f"{item.name} is at its bound",
        f"{evidence} The {_rows(fit)} would have it further out.",
        f"{meaning}Ask whether the bound is true to the subject. If it is, the curve or the family "
        "may have a parameter too many: at the bound there is often a simpler one.",
        "fit.prior_summary()",
    )


def _without(fit: Fit, item: Boundary) -> str:
    """Return the change of the formula that takes out the effects of a standard deviation."""
    blocks = [info for info in fit.model.design.groups if info.group == item.group]
    only = len(blocks) == 1 and len(blocks[0].coefs) == 1
    coef = blocks[0].coefs[0] if only else None
    if coef is not None and coef.label == "Intercept" and item.group.isidentifier():
        return f". ~ . - (1 | {item.group})"
    return f". ~ <without {item.name}>"


def _thin(item: ThinGroups) -> Suspicion:
    """Say which levels have fewer rows than effects."""
    call = f'fit.ranef()["{item.group}"]'
    if item.residuals:
        return Suspicion(
            f"Every level of {item.group} has one row",
            f"{count(item.of, 'level')} with one row each and {count(item.effects, 'effect')}: "
            "nothing tells the effects from the residuals.",
            f"Only their sum is known; sd_{item.group} and sigma share it out as their priors say. "
            f"Leave (... | {item.group}) out, or fix sigma.",
            f'fit.plot_pairs(["sd_{item.group}", "sigma"])',
        )
    levels = _levels(item.levels, item.counted)
    evidence = (
        f"{len(item.levels)} of {count(item.of, 'level')} of {item.group} have fewer "
        f"{item.counted}s than effects that vary by {item.group} ({item.effects}): {levels}."
    )
    every = len(item.levels) == item.of
    return Suspicion(
        f"Levels of {item.group} with fewer rows than effects",
        evidence,
        (
            "No level shows all its effects: that they differ is inferred from the spread of "
            "responses, for which there are several explanations. Let fewer effects vary."
            if every
            else "Their effects are mostly those of the other levels: predictions for them are "
            "drawn to the mean. That is as it should be; but say little about one of them alone."
        ),
        call,
        "problem" if every else "note",
    )


def _levels(levels: Sequence[tuple[str, int]], counted: str) -> str:
    shown = [f"{label} ({count(number, counted)})" for label, number in levels[:_SHOWN]]
    more = len(levels) - len(shown)
    return ", ".join(shown) + (f" and {count(more, 'other')}" if more > 0 else "")
