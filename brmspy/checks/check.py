"""Everything that may be wrong with a fit, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brmspy.checks.display import count
from brmspy.checks.divergences import divergent_region
from brmspy.checks.found_curve import curve_findings
from brmspy.checks.found_parameters import parameter_findings
from brmspy.checks.found_rows import row_findings
from brmspy.checks.loo import Loo, loo
from brmspy.checks.suspicion import Suspicion
from brmspy.fit import Finding, Fit
from brmspy.markup import Table, block, paragraph, wrapped

__all__ = ["Check", "Suspicion", "check"]

_TITLES = {
    "interrupted": "Sampling was interrupted",
    "failed_chains": "Chains failed",
    "not_finite": "Draws are not finite",
    "pareto_k": "The approximation is bad",
    "divergences": "Divergent draws",
    "treedepth": "Maximum tree depth reached",
    "e_bfmi": "Low E-BFMI",
    "rhat": "The chains do not agree",
    "ess": "Few effective draws",
}


@dataclass(frozen=True, eq=False, repr=False)
class Check:
    """What may be wrong with a fit, and what one should know of it.

    Attributes
    ----------
    findings : tuple of Suspicion
        Problems first, then notes; empty if there is nothing to say.
    summary : str
        The diagnostics on one line.
    """

    findings: tuple[Suspicion, ...]
    summary: str

    @property
    def ok(self) -> bool:
        """Whether there are no problems; there may be notes."""
        return not self._problems

    @property
    def _problems(self) -> tuple[Suspicion, ...]:
        return tuple(item for item in self.findings if item.kind == "problem")

    @property
    def table(self) -> pd.DataFrame:
        """The findings as a table with columns kind, finding, evidence, advice and call."""
        columns = ["kind", "finding", "evidence", "advice", "call"]
        rows = [[getattr(item, name) for name in columns] for item in self.findings]
        return pd.DataFrame(rows, columns=columns, dtype=object)

    def __repr__(self) -> str:
        lines = [self._title()]
        for number, item in enumerate(self.findings, start=1):
            marked = "" if item.kind == "problem" else "Note: "
            lines += ["", f"{number}. {marked}{item.finding}"]
            lines += _indented(item.evidence) + _indented(item.advice)
            lines.append(f"   > {item.call}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        heads = ("Kind", "Finding", "Evidence", "Advice", "Call")
        rows = tuple(
            (str(number), (item.kind, item.finding, item.evidence, item.advice, item.call))
            for number, item in enumerate(self.findings, start=1)
        )
        table = Table("", heads, rows, frozenset(heads))
        parts = [paragraph(self._title()), *([table.html()] if self.findings else [])]
        return block("check", "Checks of the fit", parts)

    def _title(self) -> str:
        problems = len(self._problems)
        counts = [(problems, "problem"), (len(self.findings) - problems, "note")]
        found = " and ".join(count(number, noun) for number, noun in counts if number)
        return f"{'✓' if self.ok else '✗'} {found + ': ' if found else ''}{self.summary}"


def check(fit: Fit) -> Check:
    """Look for everything that may be wrong with a fit, and say what to do about it.

    The sampler's diagnostics, where in the posterior divergences lie, rows that the model does not
    expect (Pareto k) and how much depends on them, priors that decide or contradict the data
    (power-scaling), parameters that the data say nothing or little about, coefficients that they do
    not tell apart, parameters at the end of their range, groups with few levels, and levels with
    fewer rows than effects. For a named curve with an asymptote (see `brmspy.named_curves`), also
    which groups' rows do not come near it.

    Problems, which may make results wrong, come before notes, which are what one should know when
    reporting them.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.

    Returns
    -------
    Check
        Prints as one line if all is well; otherwise as a list of findings, each with evidence,
        advice and the call that would help. Its `table` is a data frame, and `ok` says whether
        there are no problems.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> fit = brm("weight ~ group", load_dataset("plant_growth"), seed=1, progress=False)
    >>> fit.check().ok
    True
    """
    found = [*_sampler(fit)]
    estimate = None
    if fit.model.sample_prior == "no" and not any(f.kind == "not_finite" for f in fit.findings):
        estimate = loo(fit)
        found += [
            *row_findings(fit, estimate),
            *parameter_findings(fit),
            *curve_findings(fit),
        ]
    found.sort(key=lambda item: item.kind != "problem")  # stable
    return Check(tuple(found), _summary(fit, estimate))


def _indented(text: str) -> list[str]:
    return [f"   {line}" for line in wrapped(text)]


def _summary(fit: Fit, estimate: Loo | None) -> str:
    """Return the diagnostics on one line."""
    approximation = fit.record.approximation
    sizes = fit.groups["posterior"].sizes
    if approximation is not None:
        parts = [
            f"{count(sizes['draw'], 'draw')} of {approximation.title}",
            f"Pareto k {approximation.pareto_k:.2f}",
        ]
    else:
        table = fit.diagnostics
        stats = fit.groups["sample_stats"]
        divergent = int(stats["diverging"].sum()) if "diverging" in stats else 0
        smallest = np.nanmin(table[["Bulk_ESS", "Tail_ESS"]].to_numpy())
        parts = [
            f"{count(sizes['chain'], 'chain')} of {count(sizes['draw'], 'draw')}",
            f"max Rhat {np.nanmax(table['Rhat'].to_numpy()):.3f}",
            f"min ESS {smallest:.0f}",
            count(divergent, "divergence"),
        ]
    if estimate is not None:
        bad = len(estimate.bad_rows)
        limit = f"{estimate.k_threshold:.2f}"
        parts.append(
            f"Pareto k above {limit} in {bad} of {count(fit.nobs, 'row')}"
            if bad
            else f"all Pareto k below {limit}"
        )
    return ", ".join(parts)


def _sampler(fit: Fit) -> Iterator[Suspicion]:
    """Yield what the sampler's diagnostics say."""
    for finding in fit.findings:
        title = _TITLES.get(finding.kind, finding.kind)
        region = divergent_region(fit) if finding.kind == "divergences" else None
        if region is None:
            yield Suspicion(title, finding.message, finding.advice, _remedy(fit, finding))
            continue
        more = (
            " There the posterior is a funnel: smaller steps, or a prior that keeps the standard "
            "deviation away from zero, or leaving the term out if it is not needed."
            if region.is_sd and region.low
            else " Smaller steps, or a prior that says how large it can be."
        )
        evidence = f"{finding.message} {region}."
        advice = finding.advice + more
        yield Suspicion(title, evidence, advice, _remedy(fit, finding))


def _remedy(fit: Fit, finding: Finding) -> str:
    """Return the call that the advice of a finding comes to."""
    options = fit.record.options
    if finding.kind == "divergences":
        delta = options["adapt_delta"]
        raised = next((value for value in (0.95, 0.99, 0.999) if value > delta), None)
        return "fit.prior_summary()" if raised is None else f"fit.update(adapt_delta={raised})"
    if finding.kind == "treedepth":
        return f"fit.update(max_treedepth={options['max_treedepth'] + 2})"
    if finding.kind == "e_bfmi":
        return f"fit.update(iter_warmup={2 * options['iter_warmup']})"
    if finding.kind in ("rhat", "ess"):
        draws = fit.record.arguments.get("iter_sampling", 1000)
        return f"fit.update(iter_sampling={2 * draws})"
    if finding.kind == "pareto_k":
        return 'fit.update(algorithm="nuts")'
    if finding.kind == "interrupted":
        return "fit.update()"
    return "fit.prior_summary()"
