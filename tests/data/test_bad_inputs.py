"""Data that do not fit their model: the right error, before anything runs."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy.data import design
from brmspy.errors import BrmspyError, DataError
from brmspy.formula.formulas import bf
from brmspy.formula.parser import parse

DATA = pd.DataFrame(
    {
        "y": [1.0, 3.0, 2.0, 5.0, 4.0, 6.0],
        "x": [0.0, 1, 2, 3, 4, 5],
        "f": list("abcabc"),
        "g": list("uvwuvw"),
        "h": list("kkllmm"),
        "n": [5, 5, 6, 7, 8, 9],
    }
)
NONLINEAR = bf("y ~ a * exp(b * x)", "a + b ~ 1", nl=True)
Case = tuple[Any, Any, type[BrmspyError], str]

CASES: dict[str, Case] = {
    # Tables
    "zero rows": ("y ~ x", DATA.iloc[:0], DataError, "The data have no rows"),
    "no columns": ("y ~ 1", pd.DataFrame(), DataError, "no column 'y'"),
    "all rows missing": (
        "y ~ x",
        DATA.assign(x=np.nan),
        DataError,
        r"No row is left: every one of the 6 rows.*x \(6\)",
    ),
    "no complete row": (
        "y ~ x + n",
        DATA.assign(x=[1, 2, 3, None, None, None], n=[None, None, None, 1, 2, 3]),
        DataError,
        r"No row is left.*x \(3\), n \(3\)",
    ),
    "list": ("y ~ x", [1, 2], DataError, "not a table"),
    "repeated column": (
        "y ~ x",
        pd.concat([DATA, DATA[["x"]]], axis=1),
        DataError,
        "more than one column named 'x'",
    ),
    # Columns that are not there
    "response": ("yy ~ x", DATA, DataError, "no column 'yy', which the response needs"),
    "misspelt": ("y ~ xx", DATA, DataError, "no column 'xx', which the formula of mu needs.*'x'"),
    "case": ("y ~ F", DATA, DataError, "no column 'F'.*Did you mean 'f'"),
    "in a call": ("y ~ log(z)", DATA, DataError, "no column 'z'"),
    "offset": ("y ~ offset(z)", DATA, DataError, "no column 'z', which the formula of mu"),
    "group": ("y ~ (1 | gg)", DATA, DataError, r"no column 'gg', which the group-level term \(1 "),
    "slope": ("y ~ (z | g)", DATA, DataError, "no column 'z', which the group-level term"),
    "trials": ("y | trials(z) ~ x", DATA, DataError, r"no column 'z', which trials\(\) needs"),
    "weights": ("y | weights(z) ~ x", DATA, DataError, r"no column 'z', which weights\(\) needs"),
    "sigma": (bf("y ~ x", "sigma ~ z"), DATA, DataError, "'z', which the formula of sigma"),
    "covariate": (
        bf("y ~ a * z", "a ~ 1", nl=True),
        DATA,
        DataError,
        "'z', which the non-linear formula of mu",
    ),
    "several": ("y ~ z1 + z2", DATA, DataError, "'z1'(.|\n)*'z2'"),
    # Types
    "dates": (
        "y ~ x",
        DATA.assign(x=pd.date_range("2024-01-01", periods=6)),
        DataError,
        r"'x' holds dates or times.*\.dt\.days",
    ),
    "date objects": (
        "y ~ x",
        DATA.assign(x=[datetime.date(2024, 1, day) for day in range(1, 7)]),
        DataError,
        "'x' holds dates",
    ),
    "durations": (
        "y ~ x",
        DATA.assign(x=pd.to_timedelta(range(6), unit="D")),
        DataError,
        r"'x' holds durations.*total_seconds",
    ),
    "dates as groups": (
        "y ~ (1 | g)",
        DATA.assign(g=pd.date_range("2024-01-01", periods=6)),
        DataError,
        r"'g' holds dates or times.*astype\(str\)",
    ),
    "complex": ("y ~ x", DATA.assign(x=1j), DataError, "'x' holds complex numbers"),
    "mixture": (
        "y ~ x",
        DATA.assign(x=[1, "a", 2, "b", 3, "c"]),
        DataError,
        r"'x' holds values of more than one type.*int, str.*to_numeric",
    ),
    "lists": ("y ~ x", DATA.assign(x=[[1]] * 6), DataError, "'x' holds values.*list"),
    "bytes": ("y ~ x", DATA.assign(x=[b"a"] * 6), DataError, "'x' holds bytes"),
    # Values
    "infinite predictor": (
        "y ~ x",
        DATA.assign(x=[0, 1, np.inf, 3, -np.inf, 5]),
        DataError,
        "x is infinite in rows 2, 4",
    ),
    "infinite response": (
        "y ~ x",
        DATA.assign(y=[0, 1, np.inf, 3, 4, 5]),
        DataError,
        "response y is infinite in row 2",
    ),
    "log of negative": ("y ~ log(x - 2)", DATA, DataError, r"log\(x - 2\).*NaN.*rows 0, 1"),
    "log of negative in a response": (
        "log(y - 2) ~ x",
        DATA,
        DataError,
        r"response log\(y - 2\) is not a number \(NaN\) in row 0:",
    ),
    "log of zero": ("y ~ log(x)", DATA, DataError, r"log\(x\) is infinite in row 0"),
    "offset log of zero": (
        "y ~ offset(log(x))",
        DATA,
        DataError,
        r"offset\(log\(x\)\) is infinite in row 0",
    ),
    "offset NaN": (
        "y ~ offset(sqrt(x - 1))",
        DATA,
        DataError,
        r"offset\(sqrt\(x - 1\)\) is not a number \(NaN\) in row 0",
    ),
    "NaN in a slope": ("y ~ (log(x - 1) | g)", DATA, DataError, r"log\(x - 1\).*NaN"),
    "text offset": (
        "y ~ offset(f)",
        DATA,
        DataError,
        r"offset\(f\) must be numeric.*'a', 'b'",
    ),
    "matrix offset": ("y ~ offset(poly(x, 2))", DATA, DataError, "has 2 columns"),
    "matrix response": ("poly(y, 2) ~ x", DATA, DataError, "more than one column"),
    "constant response": ("mean(y) ~ x", DATA, DataError, "response.*one value"),
    # Factors
    "one level": ("y ~ f", DATA.assign(f="a"), DataError, r"f has only one level \('a'\) in the 6"),
    "one level left": (
        "y ~ f",
        DATA.assign(f=list("aaaaab"), y=[1, 2, 3, 4, 5, None]),
        DataError,
        "f has only one level .'a'. in the 5 rows used",
    ),
    "one level of a slope": ("y ~ (f | g)", DATA.assign(f="a"), DataError, "f has only one level"),
    "one level of sigma": (
        bf("y ~ 1", "sigma ~ f"),
        DATA.assign(f="a"),
        DataError,
        "f has only one level",
    ),
    "equal names": (
        "y ~ f + fb",
        DATA.assign(fb=range(6)),
        DataError,
        "Two coefficients would be named 'fb'",
    ),
    # Intercept
    "column Intercept": (
        "y ~ 0 + Intercept + x",
        DATA.assign(Intercept=2),
        DataError,
        "'Intercept' stands for 1.*not 1 in rows 0, 1",
    ),
    "two intercepts": ("y ~ 1 + Intercept + x", DATA, BrmspyError, "Intercept"),
    # Response terms
    "negative trials": (
        "y | trials(n) ~ x",
        DATA.assign(n=-1),
        DataError,
        r"trials\(n\) must be whole numbers of at least 0, but is -1",
    ),
    "fractional trials": (
        "y | trials(x / 2) ~ 1",
        DATA,
        DataError,
        r"trials\(x/2\) must be whole.*0\.5, 1\.5, 2\.5 in rows 1, 3, 5",
    ),
    "text trials": ("y | trials(f) ~ x", DATA, DataError, r"trials\(f\) must be numeric"),
    "negative weights": (
        "y | weights(x - 1) ~ 1",
        DATA,
        DataError,
        r"weights\(x - 1\) must not be negative, but is in row 0",
    ),
    "text weights": ("y | weights(f) ~ 1", DATA, DataError, r"weights\(f\) must be numeric"),
    "infinite weights": ("y | weights(1 / x) ~ 1", DATA, DataError, r"weights\(1/x\) is infinite"),
    "zero weights": (
        "y | weights(x, scale = TRUE) ~ 1",
        DATA.assign(x=0),
        DataError,
        "cannot be scaled: all of them are zero",
    ),
    # Non-linear formulas
    "factor covariate": (
        NONLINEAR,
        DATA.assign(x=DATA["f"].astype("category")),
        DataError,
        "'x' in a non-linear formula is not numeric",
    ),
    "text covariate": (
        NONLINEAR,
        DATA.assign(x=list("ababab")),
        DataError,
        "'x' in a non-linear formula is not numeric.*~ 0 [+] x",
    ),
    "infinite covariate": (
        NONLINEAR,
        DATA.assign(x=np.inf),
        DataError,
        "covariate 'x' is infinite in rows 0, 1",
    ),
}


@pytest.mark.parametrize(("formula", "data", "error", "message"), CASES.values(), ids=list(CASES))
@pytest.mark.filterwarnings("ignore:Left out")
def test_bad_input(formula: Any, data: Any, error: type[BrmspyError], message: str) -> None:
    with pytest.raises(error, match=message):
        design(parse(formula), data)
