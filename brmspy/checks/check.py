"""Everything that may be wrong with a fit, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brmspy.checks.display import count, row_labels
from brmspy.checks.divergences import divergent_region
from brmspy.checks.loo import Loo, loo
from brmspy.checks.sensitivity import CONFLICT, STRONG_PRIOR, powerscale_sensitivity
from brmspy.checks.suspects import Boundary, Unmoved, at_boundary, few_levels, same_as_prior
from brmspy.fit import Finding, Fit
from brmspy.markup import Table, block, paragraph, wrapped

__all__ = ["Check", "Suspicion", "check"]

_MANY_ROWS = 10
_SHOWN = 4

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


@dataclass(frozen=True)
class Suspicion:
    """Something that may be wrong.

    Attributes
    ----------
    finding : str
        What, in a few words.
    evidence : str
        How it shows.
    advice : str
        What to do.
    call : str
        The call that would help.
    """

    finding: str
    evidence: str
    advice: str
    call: str


@dataclass(frozen=True, eq=False, repr=False)
class Check:
    """What may be wrong with a fit, the most serious first.

    Attributes
    ----------
    findings : tuple of Suspicion
        Empty if all is well.
    summary : str
        The diagnostics on one line.
    """

    findings: tuple[Suspicion, ...]
    summary: str

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def table(self) -> pd.DataFrame:
        """The findings as a table with columns finding, evidence, advice and call."""
        columns = ["finding", "evidence", "advice", "call"]
        rows = [[getattr(item, name) for name in columns] for item in self.findings]
        return pd.DataFrame(rows, columns=columns, dtype=object)

    def __repr__(self) -> str:
        lines = [self._title()]
        for number, item in enumerate(self.findings, start=1):
            lines += ["", f"{number}. {item.finding}"]
            lines += _indented(item.evidence) + _indented(item.advice)
            lines.append(f"   > {item.call}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        heads = ("Finding", "Evidence", "Advice", "Call")
        rows = tuple(
            (str(number), (item.finding, item.evidence, item.advice, item.call))
            for number, item in enumerate(self.findings, start=1)
        )
        table = Table("", heads, rows, frozenset(heads))
        parts = [paragraph(self._title()), *([] if self.ok else [table.html()])]
        return block("check", "Checks of the fit", parts)

    def _title(self) -> str:
        if self.ok:
            return f"✓ {self.summary}"
        return f"✗ {count(len(self.findings), 'finding')}: {self.summary}"


def check(fit: Fit) -> Check:
    """Look for everything that may be wrong with a fit, and say what to do about it.

    The sampler's diagnostics, where in the posterior divergences lie, rows that the model does not
    expect (Pareto k), priors that decide or contradict the data (power-scaling), parameters that
    the data say nothing about, parameters at the end of their range, and groups with few levels.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.

    Returns
    -------
    Check
        Prints as one line if all is well; otherwise as a list of findings, each with evidence,
        advice and the call that would help. Its `table` is a data frame.

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
        found += [*_rows(fit, estimate), *_parameters(fit)]
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
            f"Pareto k above {limit} in {count(bad, 'row')}"
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


def _rows(fit: Fit, estimate: Loo) -> Iterator[Suspicion]:
    """Yield the rows that the model does not expect."""
    number = len(fit.names)
    if estimate.p > number:
        yield Suspicion(
            "The data surprise the model",
            f"p_loo, the effective number of parameters, is {estimate.p:.1f}: more than the "
            f"{number} parameters that the model has.",
            "Often the spread is larger than the family allows for: see where the data are unlike "
            "what the model predicts, and take a family with a parameter for the spread, or an "
            "effect for each row.",
            "fit.pp_check()",
        )
    bad = estimate.bad_rows
    if not len(bad):
        return
    labels = list(bad.index)
    alone = any(levels == fit.nobs for levels in fit.ngrps.values())
    many = alone or len(bad) > _MANY_ROWS
    yield Suspicion(
        "Rows that move the posterior",
        f"Pareto k is above {estimate.k_threshold:.2f} in {count(len(bad), 'row')}, up to "
        f"{bad.iloc[0]:.2f}: {row_labels(labels)}.",
        f"Look at fit.data.loc[[{row_labels(labels[:_SHOWN])}]]: errors in the data, or rows that "
        "another family would expect (student, negbinomial). fit.loo() is unsure of them; "
        + (
            "cross-validation by fitting again is not."
            if many
            else "fitting again without each is not."
        ),
        "fit.kfold(K=10)" if many else "fit.reloo()",
    )


def _parameters(fit: Fit) -> Iterator[Suspicion]:
    """Yield parameters on which prior and data do not agree, or about which the data are silent."""
    scaled = powerscale_sensitivity(fit).table
    conflict = scaled[scaled["diagnosis"] == CONFLICT]
    # Where the data pull, the posterior only happens to look like the prior.
    unmoved = [item for item in same_as_prior(fit) if item.name not in conflict.index]
    if len(conflict):
        yield Suspicion(
            "Prior and data disagree",
            f"The posterior moves with the prior and with the data (power-scaling): "
            f"{_sensitivities(conflict)}.",
            "See whether the prior says what it should, above all its scale; if it does, report "
            "how the results change with it.",
            "fit.powerscale_sensitivity()",
        )
    silent = {item.name for item in unmoved}
    weak = scaled[(scaled["diagnosis"] == STRONG_PRIOR) & ~scaled.index.isin(list(silent))]
    if len(weak):
        yield Suspicion(
            "The prior decides",
            "The posterior moves with the prior and hardly with the data (power-scaling): "
            f"{_sensitivities(weak)}.",
            "Well if the prior is meant to inform. Otherwise the data say little about "
            f"{'it' if len(weak) == 1 else 'them'}: report that the prior decides, or leave the "
            "term out.",
            "fit.powerscale_sensitivity()",
        )
    for item in unmoved:
        yield _unmoved(item)
    for boundary in at_boundary(fit):
        yield _boundary(fit, boundary)
    for group, levels in few_levels(fit):
        yield Suspicion(
            f"{group} has few levels",
            f"The spread between levels of {group} is estimated from {count(levels, 'level')}.",
            "Its prior counts for much. Choose it with care, or take the factor as a predictor "
            "(... + factor in place of (1 | factor)).",
            f'fit.prior_draws("sd_{group}")',
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


def _unmoved(item: Unmoved) -> Suspicion:
    low, high = item.interval
    first, last = item.prior_interval
    simpler = (
        f"Without it the model is the same: write || in place of | for {item.group}."
        if item.kind == "cor"
        else "Say so when you report it: the prior decides. Or leave its term out."
    )
    return Suspicion(
        f"The data say nothing about {item.name}",
        f"Its posterior is its prior: 90 % of the draws lie in [{low:.4g}, {high:.4g}], of the "
        f"prior in [{first:.4g}, {last:.4g}].",
        simpler,
        f'fit.powerscale_sensitivity("{item.name}")',
    )


def _boundary(fit: Fit, item: Boundary) -> Suspicion:
    near = f"{100 * item.share:.0f} % of the draws of {item.name} lie between {item.bound:g} and "
    evidence = f"{near}{item.limit:.2g}, next to its bound."
    if item.kind == "sd":
        return Suspicion(
            f"{item.name} may be zero",
            evidence,
            "The data do not say whether the levels differ in this. Report an upper limit, not "
            "the mean, and see whether the model predicts as well without the term.",
            f"fit.loo_compare(fit.update({_without(fit, item)!r}))",
        )
    if item.kind == "cor":
        return Suspicion(
            f"{item.name} is at its bound",
            evidence,
            "The data cannot tell the two effects apart. A prior such as lkj(2) keeps correlations "
            "away from -1 and 1.",
            f'fit.update(prior=prior("lkj(2)", class_="cor", group={item.group!r}))',
        )
    return Suspicion(
        f"{item.name} is at its bound",
        evidence,
        "Ask whether the bound is true to the subject: the data would have it further out.",
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
