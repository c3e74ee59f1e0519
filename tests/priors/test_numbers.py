"""R's rounding and printing of numbers."""

from __future__ import annotations

import math

import pytest

from brmspy.priors.numbers import format_number, round_to_tenth

# What R 4.2.2 answers to round(x, 1); the first five are ties in decimal, but not in binary.
ROUNDED = [
    (0.15, 0.1),
    (0.25, 0.2),
    (1.35, 1.4),
    (2.25, 2.2),
    (2.35, 2.4),
    (288.6508, 288.7),
    (59.339350, 59.3),
    (-2.302585, -2.3),
    (0.0, 0.0),
    (7.0, 7.0),
    (1963.66, 1963.7),
]

# What R 4.2.2 prints with format(x, digits = 15).
PRINTED = [
    (3.0, "3"),
    (59.3, "59.3"),
    (-1.75424906151593, "-1.75424906151593"),
    (0.5602792291600815, "0.560279229160082"),
    (1e5, "1e+05"),
    (123456.0, "123456"),
    (1e6, "1e+06"),
    (0.0001, "1e-04"),
    (0.00012, "0.00012"),
    (1e-5, "1e-05"),
    (0.001, "0.001"),
    (1 / 3, "0.333333333333333"),
    (0.1 + 0.2, "0.3"),
    (-0.0, "0"),
    (1e300, "1e+300"),
    (math.inf, "Inf"),
    (-math.inf, "-Inf"),
    (math.nan, "NaN"),
]


@pytest.mark.parametrize(("value", "expected"), ROUNDED)
def test_rounding_is_that_of_r(value: float, expected: float) -> None:
    assert round_to_tenth(value) == expected


@pytest.mark.parametrize(("value", "expected"), PRINTED)
def test_numbers_print_as_in_r(value: float, expected: str) -> None:
    assert format_number(value) == expected
