"""The methods paragraph of a paper: model, priors, sampler, and how well it went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import numpy as np

from brmspy.data import GroupInfo
from brmspy.families import Dpar
from brmspy.fit import Approximation, Fit
from brmspy.formula import LinearPredictor, NonlinearPredictor
from brmspy.formula.expression import deparse
from brmspy.priors import BlockPriors
from brmspy.priors.numbers import format_number
from brmspy.words import references
from brmspy.words.texts import Paragraphs

__all__ = ["describe"]

_OF_ALGORITHM: Mapping[str, str] = {
    "pathfinder": references.PATHFINDER,
    "meanfield": references.ADVI,
    "fullrank": references.ADVI,
}


def describe(fit: Fit) -> Paragraphs:
    """Describe the model and how it was fitted, in words for the methods section of a paper.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.

    Returns
    -------
    Paragraphs
        A string. Paragraphs about the model, its priors, the sampler with versions and diagnostics,
        and the references. Problems that the diagnostics found are told too.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> print(fit.describe().partition(". ")[0])
    We modelled Reaction in 180 observations by a normal distribution with an identity link for the
    mean, in a Bayesian multilevel regression
    """
    sources = [references.BRMS, references.STAN]
    paragraphs = [
        " ".join(_model(fit)),
        " ".join(_priors(fit, sources)),
        " ".join(_computation(fit, sources)),
        " ".join(_quality(fit, sources)),
        "\n".join(["References", *(f"[{n}] {s}" for n, s in enumerate(sources, start=1))]),
    ]
    return Paragraphs("\n\n".join(paragraph for paragraph in paragraphs if paragraph))


def _model(fit: Fit) -> Iterator[str]:
    """Yield sentences about the model."""
    family, design = fit.family, fit.model.design
    terms = design.terms
    kinds = [
        *(["multilevel"] if design.groups else []),
        *(
            ["non-linear"]
            if any(isinstance(p, NonlinearPredictor) for p in terms.predictors)
            else []
        ),
    ]
    response = terms.response
    trials = "" if response.trials is None else f" out of {deparse(response.trials)} trials"
    link = family.link.name
    yield (
        f"We modelled {response.label}{trials} in {fit.nobs} observations by "
        f"{_a(family.title or family.name)} distribution with {_a(link)} link for the "
        f"{family.dpars[0].description}, in a Bayesian {' '.join([*kinds, 'regression'])}."
    )
    for predictor in reversed(terms.predictors):
        yield _predictor(fit, predictor)
    yield from (_groups(group) for group in design.groups)
    for fixed in terms.fixed:
        yield f"The {_dpar_words(family.dpar(fixed.name))} was fixed at {fixed.value:g}."
    if response.weights is not None:
        scaled = ", scaled to sum to the number of observations" if response.scale_weights else ""
        yield f"Observations were weighted by {deparse(response.weights)}{scaled}."
    lines = "; ".join(str(fit.formula).splitlines())
    yield f"In the notation of brms [1] the model is {lines}."
    if design.contrasts:
        coded = [f"{name} ({coding})" for name, coding in design.contrasts.items()]
        yield f"Contrasts were chosen for {_list(coded)}."
    if fit.record.dropped:
        verb = "was" if fit.record.dropped.startswith("1 row:") else "were"
        yield f"Because of missing values, {fit.record.dropped} {verb} left out."


def _predictor(fit: Fit, predictor: LinearPredictor | NonlinearPredictor) -> str:
    """Return a sentence about what predicts a parameter."""
    if predictor.nlpar:
        what = f"The parameter {predictor.name}"
    else:
        dpar = fit.family.dpar(predictor.name)
        what = f"The {_dpar_words(dpar)}"
        if dpar.name != "mu":
            what += f", through {_a(dpar.link.name)} link,"
    if isinstance(predictor, NonlinearPredictor):
        body = " ".join(predictor.source.partition("~")[2].split())
        parameters = _list(predictor.parameters)
        return f"{what} followed the non-linear formula {body}, with parameters {parameters}."
    fixed = predictor.fixed
    labels = [term.label for term in fixed.terms if not term.is_intercept]
    has_intercept = fixed.intercept or len(labels) < len(fixed.terms)
    names = [*(["an intercept"] if has_intercept else []), *labels]
    names += [f"the offset {deparse(offset)}" for offset in fixed.offsets]
    return f"{what} was predicted by {_list(names) if names else 'no population-level terms'}."


def _groups(group: GroupInfo) -> str:
    """Return a sentence about a block of group-level effects."""
    names = []
    for coef in group.coefs:
        of = "" if coef.predictor == "mu" else f" of {coef.predictor}"
        label = coef.name.label
        names.append(
            f"the intercept{of}" if label == "Intercept" else f"the coefficient of {label}{of}"
        )
    sentence = f"{_list(names)} varied between the {len(group.levels)} levels of {group.group}"
    sentence = sentence[0].upper() + sentence[1:]
    if len(names) == 1:
        return f"{sentence}."
    return f"{sentence}, {'with' if group.correlated else 'without'} correlations between them."


def _priors(fit: Fit, sources: list[str]) -> Iterator[str]:
    """Yield sentences about the priors."""
    phrases: dict[bool, list[str]] = {True: [], False: []}
    for block in fit.model.priors.blocks:
        for ours, phrase in _block_priors(fit, block):
            phrases[ours].append(phrase)
        if block.block.class_ == "cor" and references.LKJ not in sources:
            sources.append(references.LKJ)
    if phrases[True]:
        yield f"We set these priors: {'; '.join(phrases[True])}."
    if phrases[False]:
        which = "The other priors were" if phrases[True] else "The priors were"
        yield f"{which} the defaults of brms: {'; '.join(phrases[False])}."
    cor = any(block.block.class_ == "cor" for block in fit.model.priors.blocks)
    if cor:
        yield f"The LKJ prior [{sources.index(references.LKJ) + 1}] is on correlation matrices."


def _block_priors(fit: Fit, priors: BlockPriors) -> Iterator[tuple[bool, str]]:
    """Yield, for each prior of a block, whether the user set it, and what it is."""
    block = priors.block
    by_coef = {row.coef: row for row in priors.rows}
    general = [row for row in priors.rows if not row.coef]
    set_generally = any(row.source == "user" for row in general)
    members = []
    for position, element in enumerate(priors.elements):
        row = by_coef.get(block.coefs[position] if block.has_coefs else "", general[-1])
        ours = row.source == "user" or (row.source == "(vectorized)" and set_generally)
        members.append(
            (
                ours,
                _density(element.text, element.lower, element.upper, block.lower, block.upper),
                position,
            )
        )
    for (ours, density), found in groupby(members, key=lambda member: member[:2]):
        labels = [block.labels[position] for _, _, position in found]
        yield ours, f"{density} for {_parameters(fit, priors, labels)}"


def _density(text: str, lower: float, upper: float, least: float, most: float) -> str:
    """Return a density in words, with bounds that the parameter does not have by nature."""
    words = "flat" if text in ("", "flat", "(flat)") else text
    bounds = []
    if lower > least:
        bounds.append(f"above {format_number(lower)}")
    if upper < most:
        bounds.append(f"below {format_number(upper)}")
    return f"{words} ({' and '.join(bounds)})" if bounds else words


def _parameters(fit: Fit, priors: BlockPriors, labels: Sequence[str]) -> str:
    """Return in words what parameters a prior is for."""
    block = priors.block
    predicted = block.dpar or block.nlpar
    of = f" of {predicted}" if predicted else ""
    if block.class_ == "b":
        return f"the coefficient{'s' * (len(labels) > 1)} {_list(labels)}{of}"
    if block.class_ == "Intercept":
        means = fit.model.design.predictors[predicted or "mu"].means
        return f"the intercept{of}" + (" at the predictors' means" if np.any(means) else "")
    if block.class_ == "sd":
        many = len(labels) > 1
        return (
            f"the standard deviation{'s' * many} of {_list(labels)}{of} between levels of "
            f"{block.group}"
        )
    if block.class_ == "cor":
        return f"the correlations between effects of {block.group}"
    return f"the {_dpar_words(fit.family.dpar(block.class_))}"


def _computation(fit: Fit, sources: list[str]) -> Iterator[str]:
    """Yield sentences about software and sampler."""
    record = fit.record
    tools = record.toolchain
    stan = f"Stan {tools['stan']}" if tools.get("stan") else "Stan"
    details = [f"{tools['toolchain']} toolchain"] if tools.get("toolchain") else []
    details += [tools["compiler"]] if tools.get("compiler") else []
    by = f"brmspy {record.version} and {stan} [2]" + (f" ({', '.join(details)})" if details else "")
    target = "prior" if fit.model.sample_prior == "only" else "posterior"
    if record.approximation is not None:
        yield from _approximation(record.approximation, target, by, record.seed, sources)
        return
    sources += [references.NUTS, references.RHAT]
    number = sources.index(references.NUTS) + 1
    options, sizes = record.options, fit.groups["sample_stats"].sizes
    chains, length = sizes["chain"], sizes["draw"]
    thinned = (
        f", of which every {_ordinal(options['thin'])} was kept" if options["thin"] > 1 else ""
    )
    yield (
        f"We drew from the {target} with the No-U-Turn sampler [{number}] of {by}: "
        f"{chains} chain{'s' * (chains > 1)} of {options['iter_warmup']} iterations of warm-up and "
        f"{length * options['thin']} iterations after it{thinned}, {chains * length} draws in all "
        f"(adapt_delta {options['adapt_delta']:g}, max_treedepth {options['max_treedepth']}, seed "
        f"{record.seed})."
    )
    integrated = [effect.group for effect in fit.model.program.plan.effects if effect.integrated]
    if integrated:
        names = _list(list(dict.fromkeys(integrated)))
        yield (
            f"The effects of {names} were integrated out of the likelihood in closed form and "
            "drawn afterwards, which leaves the posterior as it is."
        )


def _approximation(
    found: Approximation, target: str, by: str, seed: int, sources: list[str]
) -> Iterator[str]:
    """Yield sentences about an approximation."""
    cited = ""
    if found.algorithm in _OF_ALGORITHM:
        sources.append(_OF_ALGORITHM[found.algorithm])
        cited = f" [{len(sources)}]"
    sources.append(references.PSIS)
    yield (
        f"The {target} was not sampled but approximated by {found.title}{cited} of {by}, seed "
        f"{seed}."
    )
    if found.resampled:
        yield (
            f"The draws were resampled by importance from {found.candidates} draws of the "
            f"approximation, worth {found.ess:.0f} independent ones."
        )
    else:
        yield "The draws are those of the approximation, without importance weights."


def _quality(fit: Fit, sources: Sequence[str]) -> Iterator[str]:
    """Yield sentences about what the diagnostics say."""
    found = fit.record.approximation
    if found is not None:
        number = sources.index(references.PSIS) + 1
        yield f"The Pareto k of the approximation [{number}] is {found.pareto_k:.2f}."
    else:
        number = sources.index(references.RHAT) + 1
        diagnostics = fit.diagnostics
        rhat = diagnostics["Rhat"].max()
        bulk, tail = diagnostics["Bulk_ESS"].min(), diagnostics["Tail_ESS"].min()
        yield (
            f"R-hat was at most {rhat:.3f}, the effective sample size at least {bulk:.0f} (bulk) "
            f"and {tail:.0f} (tail) for every parameter [{number}]."
        )
        stats = fit.groups["sample_stats"]
        diverging = int(stats["diverging"].sum()) if "diverging" in stats else 0
        yield f"{_count(diverging, 'transition') if diverging else 'No transition'} diverged."
    yield from (f"Caution: {finding.message}" for finding in fit.findings)


def _dpar_words(dpar: Dpar) -> str:
    """Return what a distributional parameter is, and its name."""
    meaning = dpar.description.partition(":")[0]
    return meaning if dpar.name in ("mu", meaning) else f"{meaning} {dpar.name}"


def _a(word: str) -> str:
    """Return a word with its article."""
    return f"{'an' if word[:1].lower() in 'aeio' else 'a'} {word}"


def _list(words: Sequence[str]) -> str:
    """Return words joined by commas, the last by "and"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{endings.get(number % 10, 'th')}"
