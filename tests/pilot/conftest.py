"""Pilot fits of models, made once."""

from __future__ import annotations

import pytest

from brmspy import load_dataset
from brmspy.data import as_frame, design
from brmspy.families import get_family
from brmspy.formula import parse
from brmspy.pilot import pilot_fit
from brmspy.priors import parameter_blocks, resolve


@pytest.fixture(scope="session")
def pilot():
    """Return a function that fits a model and returns the pilot fit and the design."""

    def fit(formula, data, family="gaussian", prior=()):
        frame = as_frame(load_dataset(data) if isinstance(data, str) else data)
        family = get_family(family)
        terms = parse(formula, family.dpar_names, tuple(map(str, frame.columns)))
        built = design(terms, frame)
        arrays = built.arrays
        y = family.code_response(arrays.response, terms.response.label, trials=arrays.trials)
        priors = resolve(parameter_blocks(built, family, y), tuple(prior))
        scopes = {
            p.name: {"dpar": "", "nlpar": p.name}
            if p.nlpar
            else {"dpar": "" if p.name == "mu" else p.name, "nlpar": ""}
            for p in terms.predictors
        }
        return pilot_fit(built, family, y, priors, scopes), built

    return fit
