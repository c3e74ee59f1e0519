"""What a check says about growth curves: how far the rows go towards the asymptote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from brmspy.checks.display import count
from brmspy.checks.growth import GroupReach, Reach, curve_reach
from brmspy.checks.suspicion import Suspicion, note
from brmspy.fit import Fit

__all__ = ["curve_findings"]

_HALF, _NEAR = 0.5, 0.895  # what is shown as 90 % is near
_SHOWN = 6


def curve_findings(fit: Fit) -> Iterator[Suspicion]:
    """Yield what there is to say about the asymptote of a named curve.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.

    Yields
    ------
    Suspicion
    """
    reach = curve_reach(fit)
    if reach is None:
        return
    short = [group for group in reach.groups if group.share < _HALF]
    furthest = reach.groups[-1]
    call = f"fit.curves({reach.input!r})" if " and " not in reach.input else "fit.pp_check()"
    rows = count(reach.rows, "row")
    begins = f"from {reach.input} = {reach.first:.4g} on"
    own = f" of {count(len(reach.groups), 'group')} ({reach.by})" if reach.by else ""
    if len(short) == len(reach.groups):
        yield Suspicion(
            "No rows near the asymptote",
            f"The {rows}{own} lie in the first half of the way to {reach.asymptote}, {begins}: the "
            f"fitted curve{'s have' if reach.by else ' has'} at most "
            f"{_percent(furthest.share)} of it behind {'them' if reach.by else 'it'} "
            f"(at {reach.input} = {furthest.at:.4g}).",
            f"{reach.asymptote} is a guess that follows from the form of the curve and its prior. "
            "Set a prior that says what is known of it, take a curve that has no asymptote "
            "(SSexpgrowth, SSpowerlaw), or measure longer. Do not predict beyond the data.",
            call,
        )
        return
    if not short and furthest.share >= _NEAR:
        return
    if not short:
        yield note(
            f"{reach.asymptote} lies beyond the data",
            f"By {'their own fitted curves' if reach.by else 'the fitted curve'} none of the "
            f"{rows}{own} {'have' if reach.rows > 1 else 'has'} more than "
            f"{_percent(furthest.share)} of the way to {reach.asymptote}, {begins}, behind "
            f"{'them' if reach.rows > 1 else 'it'} (at {reach.input} = {furthest.at:.4g}).",
            f"{reach.asymptote} depends on the form of the curve as much as on the data: another "
            "curve that fits as well may have another one. Say so when you report it, and compare "
            "curves with fit.loo_compare().",
            call,
        )
        return
    far = "" if furthest.share >= _NEAR else f" No group goes beyond {_percent(furthest.share)}."
    yield note(
        "Groups without rows near the asymptote",
        f"{len(short)} of {count(len(reach.groups), 'group')} ({reach.by}) have rows only in the "
        f"first half of the way to {reach.asymptote}, {begins}, by their own fitted curves: "
        f"{_listed(short, reach)}.{far}",
        f"What these groups approach is inferred from the form of the curve and from the other "
        f"groups. Do not read much into how they differ in {reach.asymptote}; rows nearer to it "
        "would tell.",
        call,
    )


def _percent(share: float) -> str:
    return f"{max(0.0, 100.0 * share):.0f} %"


def _listed(groups: Sequence[GroupReach], reach: Reach) -> str:
    """Return groups with their rows and how far these go."""
    shown = [
        f"{group.label} ({count(group.rows, 'row')}, {_percent(group.share)} at {reach.input} = "
        f"{group.at:.4g})"
        for group in groups[:_SHOWN]
    ]
    more = len(groups) - len(shown)
    return ", ".join(shown) + (f" and {count(more, 'other')}" if more > 0 else "")
