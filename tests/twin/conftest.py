"""Designs of models, and what R says about them (lme4 1.1-31, nlme 3.1, glmmTMB 1.1.5, R 4.2.2)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from brmspy import load_dataset
from brmspy.data import as_frame, design
from brmspy.families import get_family
from brmspy.formula import parse
from brmspy.twin import EffectBlock

REFERENCE = json.loads((Path(__file__).parent / "reference.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Problem:
    """The arrays of a model that the estimators take."""

    y: np.ndarray
    X: np.ndarray
    labels: list[str]
    blocks: list[EffectBlock]
    offset: np.ndarray | None
    trials: np.ndarray | None
    family: object


@pytest.fixture(scope="session")
def problem():
    """Return a function that makes the arrays of a model with one linear predictor."""

    def make(formula, data, family="gaussian"):
        frame = as_frame(load_dataset(data) if isinstance(data, str) else data)
        family = get_family(family)
        terms = parse(formula, family.dpar_names, tuple(map(str, frame.columns)))
        built = design(terms, frame)
        arrays = built.arrays
        blocks = [
            EffectBlock(group.Z, group.index, len(info.levels), info.correlated)
            for group, info in zip(arrays.groups, built.groups, strict=True)
        ]
        return Problem(
            y=family.code_response(arrays.response, terms.response.label, trials=arrays.trials),
            X=arrays.predictors["mu"].X,
            labels=[coef.label for coef in built.predictors["mu"].coefs],
            blocks=blocks,
            offset=arrays.predictors["mu"].offset,
            trials=arrays.trials,
            family=family,
        )

    return make


@pytest.fixture(scope="session")
def agrees():
    """Return a function that compares a fit with the reference values of a model."""

    def compare(fit, name, labels, log_likelihood=True):
        entry = REFERENCE[name]
        expected = {
            label.replace("(Intercept)", "Intercept"): (row["estimate"], row["se"])
            for label, row in entry["coefficients"].items()
        }
        assert sorted(labels) == sorted(expected)
        se = np.sqrt(np.diagonal(fit.covariance))
        for label, estimate, ours in zip(labels, fit.coefficients, se, strict=True):
            value, theirs = expected[label]
            assert abs(estimate - value) < max(1e-3 * abs(value), 0.02 * theirs), label
            assert ours == pytest.approx(theirs, rel=0.02), label
        if "logLik" in entry and log_likelihood:
            assert fit.log_likelihood == pytest.approx(entry["logLik"], abs=0.05)
            aic = 2 * fit.parameters - 2 * fit.log_likelihood
            assert aic == pytest.approx(entry["AIC"], abs=0.1)
        assert fit.converged
        assert fit.message == ""
        assert not fit.singular
        assert spreads_of(fit) == pytest.approx(variances_of(entry), rel=0.01)

    return compare


def spreads_of(fit):
    """Return all sds and correlations of a fit, in order of size."""
    values = []
    for covariance in fit.covariances:
        sd = np.sqrt(np.diagonal(covariance))
        values += [*sd, *(covariance / np.outer(sd, sd))[np.tril_indices(len(sd), -1)]]
    values.append(fit.scale)
    return sorted(float(value) for value in values if value)


def variances_of(entry):
    """Return the same of a reference entry."""
    values = [row.get("sdcor", row.get("sd")) for row in entry.get("varcomp", [])]
    return sorted([*values, *([entry["sd_herd"]] if "sd_herd" in entry else [])])
