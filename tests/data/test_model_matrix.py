"""model_matrix() against R's model.matrix(): names, order and values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy.data import model_matrix

REFERENCE = Path(__file__).parent / "reference"
CASES = json.loads((REFERENCE / "cases.json").read_text(encoding="utf-8"))["cases"]


@pytest.fixture(scope="module")
def r_data() -> pd.DataFrame:
    """The data frame that R's values were made with."""
    data = pd.read_csv(REFERENCE / "data.csv")
    data["k"] = pd.Categorical(data["k"], categories=["lo", "mid", "hi"])
    data["o"] = pd.Categorical(data["o"], categories=["small", "medium", "large"], ordered=True)
    return data


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["formula"]))
def test_equal_to_r(case: dict[str, Any], r_data: pd.DataFrame) -> None:
    result = model_matrix(case["formula"], r_data)
    columns = np.atleast_1d(case["columns"]).tolist()
    assert result.columns.tolist() == [
        "Intercept" if name == "(Intercept)" else name for name in columns
    ]
    values = np.array(case["rows"], dtype=float).reshape(len(r_data), len(columns))
    # The reference has 11 significant digits.
    np.testing.assert_allclose(result.to_numpy(), values, rtol=1e-10, atol=1e-10)


# Column names by the rules of R's terms.formula and model.matrix; f has the levels a, b, c, and
# k lo, mid, hi.
NAMES: list[tuple[str, str]] = [
    ("~ 1", "Intercept"),
    ("~ 0", ""),
    ("~ 0 + x", "x"),
    ("~ 0 + k", "klo, kmid, khi"),
    ("~ 0 + k + f", "klo, kmid, khi, fb, fc"),
    ("~ 0 + x + f", "x, fa, fb, fc"),
    ("~ 0 + f + f:x", "fa, fb, fc, fa:x, fb:x, fc:x"),
    ("~ x + f:x", "Intercept, x, x:fb, x:fc"),
    ("~ f:x + x", "Intercept, x, fb:x, fc:x"),
    ("~ f:lo - 1", "fa:loFALSE, fb:loFALSE, fc:loFALSE, fa:loTRUE, fb:loTRUE, fc:loTRUE"),
    ("~ f + f:lo", "Intercept, fb, fc, fa:loTRUE, fb:loTRUE, fc:loTRUE"),
    ("~ f:x + f:z", "Intercept, fa:x, fb:x, fc:x, fa:z, fb:z, fc:z"),
    (
        "~ f:k + f:lo",
        "Intercept, fa:klo, fb:klo, fc:klo, fa:kmid, fb:kmid, fc:kmid, fa:khi, fb:khi, "
        "fc:khi, fa:loTRUE, fb:loTRUE, fc:loTRUE",
    ),
    ("~ lo:x", "Intercept, loFALSE:x, loTRUE:x"),
    ("~ 0 + lo", "loFALSE, loTRUE"),
    ("~ 0 + o", "osmall, omedium, olarge"),
    ("~ o:x", "Intercept, osmall:x, omedium:x, olarge:x"),
    ("~ x*o", "Intercept, x, o.L, o.Q, x:o.L, x:o.Q"),
    ("~ log(x):x", "Intercept, log(x):x"),
    ("~ I(x>5)", "Intercept, I(x > 5)TRUE"),
    ("~ 0 + Intercept + f", "Intercept, fb, fc"),
]

# Labels with commas.
CALLS: list[tuple[str, str, list[str]]] = [
    ("~ poly(x, 1)", "poly(x, 1)", [""]),
    ("~ poly(x,3)", "poly(x, 3)", ["1", "2", "3"]),
    ("~ poly(x,2):lo", "poly(x, 2)", ["1:loFALSE", "2:loFALSE", "1:loTRUE", "2:loTRUE"]),
    ("~ bs(x,df=4)", "bs(x, df = 4)", ["1", "2", "3", "4"]),
    ("~ log(x,base=2)", "log(x, base = 2)", [""]),
    ("~ relevel(f,'b')", 'relevel(f, "b")', ["a", "c"]),
    ("~ factor(lo,labels=c('no','yes'))", 'factor(lo, labels = c("no", "yes"))', ["yes"]),
]


@pytest.mark.parametrize(("formula", "names"), NAMES, ids=[formula for formula, _ in NAMES])
def test_names_follow_r(formula: str, names: str, r_data: pd.DataFrame) -> None:
    expected = names.split(", ") if names else []
    assert model_matrix(formula, r_data).columns.tolist() == expected


@pytest.mark.parametrize(("formula", "label", "suffixes"), CALLS, ids=[case[0] for case in CALLS])
def test_names_of_calls_follow_r(
    formula: str, label: str, suffixes: list[str], r_data: pd.DataFrame
) -> None:
    expected = ["Intercept", *(label + suffix for suffix in suffixes)]
    assert model_matrix(formula, r_data).columns.tolist() == expected


def test_rows_with_missing_values_are_left_out(r_data: pd.DataFrame) -> None:
    r_data = r_data.assign(x=r_data["x"].where(r_data.index != 3), z=np.nan)
    with pytest.warns(UserWarning, match=r"Left out 1 of 40 rows.* x \(1\)"):
        result = model_matrix("~ x", r_data)
    assert 3 not in result.index
    assert len(result) == 39
