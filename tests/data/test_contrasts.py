"""Contrasts against the definitions of R's contr.* functions, written out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from brmspy.data.contrasts import contrasts, indicators
from brmspy.data.factors import Levels
from brmspy.errors import DataError
from brmspy.formula.codings import Coding, coding_from_text

FloatArray = NDArray[np.float64]

ABC = Levels(("a", "b", "c"))


def levels(number: int) -> Levels:
    return Levels(tuple("abcdefgh"[:number]))


def orthonormal(*columns: list[float]) -> FloatArray:
    """Return columns of length one."""
    matrix = np.array(columns, dtype=float)
    return (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).T


# Each as R prints it: a row for each level.
MATRICES: dict[str, tuple[str, int, list[list[float]], str]] = {
    "treatment": ("treatment", 3, [[0, 0], [1, 0], [0, 1]], "b c"),
    "treatment, two levels": ("contr.treatment", 2, [[0], [1]], "b"),
    "another base": ("contr.treatment(base = 2)", 3, [[1, 0], [0, 0], [0, 1]], "a c"),
    "another base, patsy": ('Treatment("c")', 3, [[1, 0], [0, 1], [0, 0]], "a b"),
    "named": ('Treatment(reference="b")', 3, [[1, 0], [0, 0], [0, 1]], "a c"),
    "of a number of levels": ("contr.treatment(3, base=3)", 3, [[1, 0], [0, 1], [0, 0]], "1 2"),
    "SAS": ("contr.SAS", 3, [[1, 0], [0, 1], [0, 0]], "a b"),
    "SAS of a number": ("contr.SAS(3)", 3, [[1, 0], [0, 1], [0, 0]], "1 2"),
    "sum": ("contr.sum", 3, [[1, 0], [0, 1], [-1, -1]], "1 2"),
    "sum, two levels": ("Sum", 2, [[1], [-1]], "1"),
    "sum, four levels": ("sum", 4, [[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]], "1 2 3"),
    "sum, another level": ('Sum("a")', 3, [[-1, -1], [1, 0], [0, 1]], "2 3"),
    "helmert": ("helmert", 3, [[-1, -1], [1, -1], [0, 2]], "1 2"),
    "helmert, two levels": ("contr.helmert", 2, [[-1], [1]], "1"),
    "helmert, four levels": (
        "Helmert",
        4,
        [[-1, -1, -1], [1, -1, -1], [0, 2, -1], [0, 0, 3]],
        "1 2 3",
    ),
    "sdif": ("contr.sdif", 3, [[-2 / 3, -1 / 3], [1 / 3, -1 / 3], [1 / 3, 2 / 3]], "b-a c-b"),
    "patsy's name of it": ("Diff", 2, [[-1 / 2], [1 / 2]], "b-a"),
    "sdif of a number": (
        "contr.sdif(4)",
        4,
        [
            [-3 / 4, -2 / 4, -1 / 4],
            [1 / 4, -2 / 4, -1 / 4],
            [1 / 4, 2 / 4, -1 / 4],
            [1 / 4, 2 / 4, 3 / 4],
        ],
        "2-1 3-2 4-3",
    ),
}


@pytest.mark.parametrize(("text", "number", "matrix", "suffixes"), MATRICES.values(), ids=MATRICES)
def test_definitions(text: str, number: int, matrix: list[list[float]], suffixes: str) -> None:
    found = contrasts("f", levels(number), coding_from_text(text))
    np.testing.assert_allclose(found.matrix, matrix, atol=1e-15)
    assert found.suffixes == tuple(suffixes.split())


# contr.poly(n) in closed form: Gram polynomials of equally spaced points, normalised.
POLYNOMIALS: dict[int, list[list[float]]] = {
    2: [[-1, 1]],
    3: [[-1, 0, 1], [1, -2, 1]],
    4: [[-3, -1, 1, 3], [1, -1, -1, 1], [-1, 3, -3, 1]],
    5: [[-2, -1, 0, 1, 2], [2, -1, -2, -1, 2], [-1, 2, 0, -2, 1], [1, -4, 6, -4, 1]],
}


@pytest.mark.parametrize("size", POLYNOMIALS)
def test_polynomials(size: int) -> None:
    found = contrasts("f", levels(size), Coding("poly"))
    np.testing.assert_allclose(found.matrix, orthonormal(*POLYNOMIALS[size]), atol=1e-14)
    assert found.suffixes == (".L", ".Q", ".C", "^4")[: size - 1]


def test_polynomials_at_scores() -> None:
    # Orthogonal to 1 and to each other at 1, 2 and 4, with rising ends.
    found = contrasts("f", ABC, coding_from_text("contr.poly(3, scores = c(1, 2, 4))"))
    np.testing.assert_allclose(found.matrix, orthonormal([-4, -1, 5], [2, -3, 1]), atol=1e-14)
    doubled = contrasts("f", ABC, coding_from_text("Poly(scores=c(12, 14, 18))"))
    np.testing.assert_allclose(doubled.matrix, found.matrix, atol=1e-14)


def test_polynomials_of_many_levels() -> None:
    found = contrasts("f", Levels(tuple(map(str, range(60)))), Coding("poly"))
    centred = np.arange(60) - 29.5
    np.testing.assert_allclose(found.matrix[:, 0], centred / np.linalg.norm(centred), atol=1e-13)
    np.testing.assert_allclose(found.matrix.T @ found.matrix, np.eye(59), atol=1e-12)
    assert found.suffixes[-1] == "^59"


def test_defaults() -> None:
    assert contrasts("f", ABC).suffixes == ("b", "c")
    assert contrasts("f", Levels(ABC.labels, ordered=True)).suffixes == (".L", ".Q")


def test_indicators_ignore_the_order() -> None:
    found = indicators(Levels(("a", "b", "c"), ordered=True))
    assert found.suffixes == ("a", "b", "c")
    assert found.matrix.tolist() == np.eye(3).tolist()


def householder(matrix: FloatArray) -> FloatArray:
    """Return the rotation of LINPACK's QR decomposition, reflection by reflection."""
    rotation = np.eye(len(matrix))
    rest = matrix.copy()
    for place in range(matrix.shape[1]):
        direction = np.zeros(len(matrix))
        direction[place:] = rest[place:, place]
        size = np.linalg.norm(direction)
        direction[place] += size if direction[place] >= 0 else -size
        reflection = np.eye(len(matrix)) - 2 * np.outer(direction, direction) / (
            direction @ direction
        )
        rest, rotation = reflection @ rest, rotation @ reflection
    return rotation


class TestMatrices:
    def test_columns_in_the_order_of_the_levels(self) -> None:
        coding = Coding("matrix", columns=((1, -1, 0), (0.5, 0.5, -1)))
        found = contrasts("f", ABC, coding)
        assert found.matrix.tolist() == [[1, 0.5], [-1, 0.5], [0, -1]]
        assert found.suffixes == ("1", "2")

    def test_named_columns_and_rows(self) -> None:
        coding = Coding("matrix", columns=((0, 1, -1),), names=("ba",), rows=("c", "b", "a"))
        found = contrasts("f", ABC, coding)
        assert found.matrix.tolist() == [[-1], [1], [0]]
        assert found.suffixes == ("ba",)

    @pytest.mark.parametrize(
        "column", [(-1.0, 0.0, 1.0), (1.0, -1.0, 0.0), (0.0, 1.0, 2.0, 7.0), (3.0, 0, 0, 0, -3.0)]
    )
    def test_a_single_column_is_completed_as_in_r(self, column: tuple[float, ...]) -> None:
        number = len(column)
        found = contrasts("f", levels(number), Coding("matrix", columns=(column,), complete=True))
        rotation = householder(np.column_stack([np.ones(number), column]))
        np.testing.assert_allclose(found.matrix[:, 0], column)
        np.testing.assert_allclose(found.matrix[:, 1:], rotation[:, 2:], atol=1e-14)
        assert found.suffixes == tuple(str(place) for place in range(1, number))

    def test_completed_columns_of_a_named_one_are_numbered(self) -> None:
        coding = coding_from_text("cbind(low = c(-1, 1, 0))")
        assert contrasts("f", ABC, coding).suffixes == ("low", "2")

    def test_only_as_many_columns_as_are_asked_for(self) -> None:
        one = Coding("matrix", columns=((-1, 0, 1),), complete=True, count=1)
        assert contrasts("f", ABC, one).matrix.tolist() == [[-1], [0], [1]]
        linear = contrasts("f", levels(4), Coding("poly", count=2))
        assert linear.suffixes == (".L", ".Q")
        assert linear.matrix.shape == (4, 2)

    @pytest.mark.parametrize(
        ("text", "columns"),
        [
            ("c(-1, 0, 1)", ((-1, 0, 1),)),
            ("cbind(c(1, -1/2, -1/2), c(0, 1, -1))", ((1, -0.5, -0.5), (0, 1, -1))),
            ("cbind(a = c(1, 0, -1), b = c(0, 2 * 3, -(4 + 2)))", ((1, 0, -1), (0, 6, -6))),
            ("matrix(c(1, 2, 3, 4, 5, 6), ncol = 2)", ((1, 2, 3), (4, 5, 6))),
            ("matrix(c(1, 2, 3, 4, 5, 6), 3)", ((1, 2, 3), (4, 5, 6))),
            ("matrix(c(1, 2, 3, 4, 5, 6), 3, 2, byrow = TRUE)", ((1, 3, 5), (2, 4, 6))),
        ],
    )
    def test_written_in_r(self, text: str, columns: tuple[tuple[float, ...], ...]) -> None:
        assert coding_from_text(text).columns == columns


BAD: dict[str, tuple[Coding, tuple[str, ...]]] = {
    "another number of levels": (
        coding_from_text("contr.sum(4)"),
        ("contr.sum(4) is for 4 levels", "f has 3 levels", "'a', 'b', 'c'"),
    ),
    "no such place": (coding_from_text("contr.treatment(base = 4)"), ("no level 4 of f",)),
    "no such level": (coding_from_text('Treatment("A")'), ("there is no level 'A'", "mean 'a'")),
    "no such level of sums": (coding_from_text('Sum("x")'), ("there is no level 'x'", "'a', 'b'")),
    "too few scores": (coding_from_text("Poly(c(1, 2))"), ("3 different numbers",)),
    "equal scores": (coding_from_text("Poly(c(1, 2, 2))"), ("3 different numbers",)),
    "too many columns asked for": (Coding("poly", count=3), ("cannot have 3 columns", "leave 2")),
    "too few rows": (
        Coding("matrix", columns=((1, -1),)),
        ("2 rows", "f has 3 levels", "a row for each"),
    ),
    "too many rows": (Coding("matrix", columns=((1, -1, 0, 0),)), ("4 rows", "f has 3 levels")),
    "rows of other levels": (
        Coding("matrix", columns=((1, -1, 0),), rows=("a", "b", "d")),
        ("named 'a', 'b', 'd'", "'a', 'b', 'c'"),
    ),
    "too many columns": (
        Coding("matrix", columns=((1, 0, 0), (0, 1, 0), (0, 0, 1))),
        ("3 columns", "leave 2 columns beside the intercept"),
    ),
    "constant column": (
        Coding("matrix", columns=((1, 0, -1), (2, 2, 2))),
        ("column 2 is the same for all levels",),
    ),
    "column of zeros": (Coding("matrix", columns=((0, 0, 0),)), ("column 1 is the same",)),
    "dependent columns": (
        Coding("matrix", columns=((1, 0, -1), (3, 2, 1))),
        ("one of its columns follows from the others", "independent"),
    ),
    "not finite": (Coding("matrix", columns=((1, np.nan, 0),)), ("not finite",)),
    "equal names": (
        Coding("matrix", columns=((1, 0, -1), (0, 1, -1)), names=("u", "u")),
        ("the same name",),
    ),
}


@pytest.mark.parametrize(("coding", "parts"), BAD.values(), ids=BAD)
def test_what_does_not_fit_is_refused(coding: Coding, parts: tuple[str, ...]) -> None:
    with pytest.raises(DataError) as caught:
        contrasts("f", ABC, coding)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    "text", ["sum", "contr.treatment(3, base = 2)", "cbind(a = c(1, 0, -1))", "Poly(c(1, 2, 4))"]
)
def test_codings_are_stored(text: str) -> None:
    coding = coding_from_text(text)
    again = Coding.from_dict(coding.to_dict())
    assert again == coding
    assert str(again) == text
    assert hash(again) == hash(coding)
