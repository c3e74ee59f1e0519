"""Which responses a family takes, how it codes them, and what it says about the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy.errors import DataError, DataWarning
from brmspy.families import FAMILIES, Family, get_family

DATES = pd.to_datetime(["2020-01-01", "2020-03-01"])


def series(values: Any, **options: Any) -> pd.Series:
    return pd.Series(values, **options)


# Family, response, trials, coded response.
CODED: list[tuple[str, Any, list[int] | None, list[float]]] = [
    ("gaussian", series([1.5, -2.0]), None, [1.5, -2.0]),
    ("gaussian", series([1, 2]), None, [1.0, 2.0]),
    ("gaussian", series([1, 2], dtype="Int64"), None, [1.0, 2.0]),
    ("gaussian", series([1, 2.5], dtype="object"), None, [1.0, 2.5]),
    ("gaussian", series([4.0, 4.0]), None, [4.0, 4.0]),
    ("student", series([1.5, -2.0], dtype="float32"), None, [1.5, -2.0]),
    ("bernoulli", series([0, 1, 1]), None, [0, 1, 1]),
    ("bernoulli", series([0.0, 1.0]), None, [0, 1]),
    ("bernoulli", series([0, 1], dtype="UInt8"), None, [0, 1]),
    ("bernoulli", series([True, False]), None, [1, 0]),
    ("bernoulli", series([True, False], dtype="boolean"), None, [1, 0]),
    ("bernoulli", series([True, False], dtype="object"), None, [1, 0]),
    ("bernoulli", series([1, 1]), None, [1, 1]),
    ("bernoulli", series([0, 0]), None, [0, 0]),
    ("bernoulli", series([False, False]), None, [0, 0]),
    # Of two words the second in order is 1.
    ("bernoulli", series(["yes", "no", "yes"]), None, [1, 0, 1]),
    ("bernoulli", series(["b", "a"], dtype="object"), None, [1, 0]),
    ("bernoulli", series(["b", "a"], dtype="string"), None, [1, 0]),
    # Of two categories the second in their own order.
    ("bernoulli", series(pd.Categorical(["b", "a"], categories=["b", "a"])), None, [0, 1]),
    ("bernoulli", series(pd.Categorical(["b", "b"], categories=["a", "b"])), None, [1, 1]),
    ("bernoulli", series(pd.Categorical([1, 2])), None, [0, 1]),
    ("bernoulli", series(pd.Categorical(["b", "c"], categories=list("abc"))), None, [0, 1]),
    ("binomial", series([0, 3, 5]), [4, 4, 5], [0, 3, 5]),
    ("binomial", series([0.0, 3.0]), [4, 4], [0, 3]),
    ("binomial", series([0, 0]), [0, 2], [0, 0]),
    ("poisson", series([0, 7]), None, [0, 7]),
    ("poisson", series([3.0, 0.0]), None, [3, 0]),
    ("poisson", series([3, 0], dtype="Int64"), None, [3, 0]),
    ("poisson", series([2**31 - 1]), None, [2**31 - 1]),
    ("negbinomial", series([3.0, 0.0]), None, [3, 0]),
]


@pytest.mark.parametrize(("name", "values", "trials", "expected"), CODED)
def test_coding(name: str, values: Any, trials: list[int] | None, expected: list[float]) -> None:
    family = get_family(name)
    counts = None if trials is None else np.array(trials)
    before = values.copy()
    coded = family.code_response(values, "y", counts)
    assert coded.dtype == (np.int64 if family.discrete else np.float64)
    assert coded.tolist() == expected
    pd.testing.assert_series_equal(values, before)


# Family, response, trials, what the message says.
REFUSED: list[tuple[str, Any, list[int] | None, str]] = [
    # gaussian and student
    ("gaussian", series(["a", "b"]), None, r"'y' of a gaussian .*numeric.*'a', 'b'.*bernoulli"),
    ("gaussian", series(list("abc")), None, r"more than two categories are not supported yet"),
    ("gaussian", series(list("abcdefgh")), None, r"'a', 'b', 'c', 'd', 'e' and 3 more"),
    ("gaussian", series(["1.5", "2"]), None, r"stored as text .*\.astype\(float\)"),
    ("gaussian", series(pd.Categorical([1, 2])), None, r"categories: convert with \.astype"),
    ("gaussian", series([True, False]), None, r"numeric, but it holds True, False.*bernoulli"),
    ("gaussian", series(DATES), None, r"Turn dates into a number first"),
    ("gaussian", series(DATES - DATES[0]), None, r"Turn durations into a number"),
    ("gaussian", series([1.0, np.inf], index=["p", "q"]), None, r"finite.*inf \(row q\)"),
    ("gaussian", series([1.0, np.nan]), None, r"'y' is missing in 1 of 2 rows"),
    ("gaussian", series([1.0, 2.0]), [3, 3], r"trials\(\) belongs to the binomial family, not to"),
    ("student", series(["a", "b"]), None, r"of a student model must be numeric"),
    # bernoulli
    ("bernoulli", series([1, 2, 1]), None, r"0 and 1.*holds 1, 2\. .*data\['y'\] == 2"),
    ("bernoulli", series([5, 5]), None, r"holds 5\. "),
    ("bernoulli", series([1.0, 2.0]), None, r"holds 1, 2\. .*data\['y'\] == 2"),
    ("bernoulli", series([-1, 1]), None, r"holds -1, 1\. .*data\['y'\] == 1"),
    ("bernoulli", series([0, 1, 2]), None, r"binomial.*poisson"),
    ("bernoulli", series([0.1, 0.5, 1.0]), None, r"For proportions use the counts, trials\(\)"),
    ("bernoulli", series([0.1, 0.5, 7.2]), None, r"For measurements use family='gaussian'"),
    ("bernoulli", series(["x", "y", "z"]), None, r"two values, but it has 3: 'x', 'y', 'z'"),
    ("bernoulli", series(["x", "x"]), None, r"two values, but it has 1: 'x'.*never occurs"),
    ("bernoulli", series(pd.Categorical(list("abc"))), None, r"two values, but it has 3"),
    ("bernoulli", series(DATES), None, r"Code the two outcomes as True and False"),
    ("bernoulli", series(["x", None]), None, r"'y' is missing in 1 of 2 rows"),
    ("bernoulli", series([0, 1]), [1, 1], r"Use family='binomial'"),
    # binomial
    ("binomial", series([0, 1]), None, r"'y \| trials\(n\) ~ \.\.\.'.*family='bernoulli'"),
    ("binomial", series([3, 7, 2], index=["p", "q", "r"]), [5, 5, 5], r"7 of 5 \(row q\)"),
    ("binomial", series([3.0, 7.0], index=["p", "q"]), [5, 5], r"holds 7 of 5 \(row q\)\."),
    ("binomial", series([0.25, 0.5]), [4, 4], r"0\.25 \(row 0\).*not their proportion: multiply"),
    ("binomial", series([-1, 2]), [4, 4], r"must not be negative, but it holds -1 \(row 0\)"),
    ("binomial", series(["a", "b"]), [1, 1], r"of a binomial model must be numeric.*bernoulli"),
    ("binomial", series([True, False]), [1, 1], r"numeric, but it holds True, False.*bernoulli"),
    ("binomial", series([1, 0]), [2**31, 4], r"largest whole number in Stan is 2147483647"),
    # counts
    ("poisson", series([1, 1.5, 2.5], index=list("pqr")), None, r"1\.5 \(row q\), 2\.5 \(row r\)"),
    ("poisson", series([1.5, 2]), None, r"of a poisson model must be whole.*gaussian.*binomial"),
    ("poisson", series(np.arange(20) + 0.5), None, r"4\.5 \(row 4\) and 15 more"),
    ("poisson", series([1, -3]), None, r"must not be negative, but it holds -3 \(row 1\)"),
    ("poisson", series([1.0, -3.0]), None, r"holds -3 \(row 1\)"),
    (
        "poisson",
        series([1, 3e9]),
        None,
        r"holds 3000000000 \(row 1\), but the largest whole number in Stan is 2147483647",
    ),
    ("poisson", series([1, np.inf]), None, r"must be finite"),
    ("poisson", series(["a", "b"]), None, r"of a poisson model must be numeric"),
    ("poisson", series([True, False]), None, r"numeric, but it holds True, False.*bernoulli"),
    ("poisson", series([1, 2]), [3, 3], r"trials\(\) belongs to the binomial family, not to"),
    ("negbinomial", series([1.5, 2]), None, r"of a negbinomial model must be whole"),
    ("negbinomial", series([1, -3]), None, r"of a negbinomial model must not be negative"),
    ("negbinomial", series([1, 2]), [3, 3], r"not to negbinomial"),
]


@pytest.mark.parametrize(("name", "values", "trials", "message"), REFUSED)
def test_refused_responses(name: str, values: Any, trials: list[int] | None, message: str) -> None:
    counts = None if trials is None else np.array(trials)
    with pytest.raises(DataError, match=message):
        get_family(name).code_response(values, "y", counts)


def test_one_trial_in_every_row_is_better_modelled_by_bernoulli() -> None:
    with pytest.warns(DataWarning, match=r"Every row of 'y' is one trial\. family='bernoulli'"):
        coded = get_family("binomial").code_response(pd.Series([0, 1]), "y", np.array([1, 1]))
    assert coded.tolist() == [0, 1]


@pytest.mark.parametrize("family", [make() for make in FAMILIES.values()], ids=str)
def test_coded_responses_have_a_density(family: Family) -> None:
    trials = np.array([3, 3]) if family.needs else None
    coded = family.code_response(pd.Series([0, 1]), "y", trials)
    parameters = {dpar.name: dpar.link.inverse(np.zeros((1, 1))) for dpar in family.dpars}
    assert np.isfinite(family.log_density(coded, parameters, trials=trials)).all()
