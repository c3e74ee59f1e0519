"""Names of parameters: brms' own, the user's, and what happens when two are the same."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from brmspy.errors import BrmspyError
from brmspy.fit.datasets import RESERVED_DIMS
from brmspy.fit.variables import NameTable, Variable, unique_dims


def dims_of(variables: tuple[Variable, ...]) -> dict[str, tuple[str, ...]]:
    return {variable.name: variable.dims for variable in variables}


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("g", "g"),
        ("chain", "chain_dim"),
        ("draw", "draw_dim"),
        ("sample", "sample_dim"),
        ("obs", "obs_dim"),
        ("coef", "coef_dim"),
        ("b", "b_dim"),
        ("sigma", "sigma_dim"),
        ("lprior", "lprior_dim"),
        ("sd_sigma", "sd_sigma"),
        ("a/b", "a/b"),
        ("", ""),
    ],
)
def test_a_group_may_have_any_name(support: SimpleNamespace, group: str, expected: str) -> None:
    variables = unique_dims(support.sleep_variables(group), RESERVED_DIMS)
    dims = dims_of(variables)
    assert dims["b"] == ("coef",)
    assert dims[f"r_{group}"] == (expected, f"{group}__coef")
    assert dims[f"sd_{group}"] == (f"{group}__coef",)
    by_name = {variable.name: variable for variable in variables}
    assert by_name[f"r_{group}"].coords[expected] == ("a", "b", "c d")


def test_dimensions_of_two_groups_stay_apart(support: SimpleNamespace) -> None:
    both = [
        *support.group_variables("g", ("u", "v"), ("Intercept",)),
        *support.group_variables("g__coef", ("u", "v", "w"), ("Intercept",)),
        *support.group_variables("g__coef_dim", ("x",), ("Intercept",)),
    ]
    dims = dims_of(unique_dims(both, RESERVED_DIMS))
    assert dims["r_g"] == ("g", "g__coef")
    assert dims["r_g__coef"] == ("g__coef_dim", "g__coef__coef")
    assert dims["r_g__coef_dim"] == ("g__coef_dim_dim", "g__coef_dim__coef")


def test_names_are_in_the_order_of_brms(support: SimpleNamespace) -> None:
    assert NameTable.of(support.sleep_variables()).names == (
        "b_Intercept",
        "b_x",
        "sd_g__Intercept",
        "sd_g__x",
        "cor_g__Intercept__x",
        "sigma",
        "r_g[a,Intercept]",
        "r_g[a,x]",
        "r_g[b,Intercept]",
        "r_g[b,x]",
        "r_g[c d,Intercept]",
        "r_g[c d,x]",
    )


@pytest.fixture
def table(support: SimpleNamespace) -> NameTable:
    """Coefficients whose labels R would change, and one of sigma."""
    population = support.population(
        ("Intercept", "I(x^2)", "sigma_z"), brms=("Intercept", "IxE2", "sigma_z")
    )
    sigma = support.population(("Intercept", "z"), predictor="sigma")
    group = support.group_variables("g", ("a", "b c"), ("Intercept", "poly(x, 2)1"))
    return NameTable.of([*group, population, sigma, support.scalar("nu")])


@pytest.mark.parametrize(
    ("key", "variable", "index"),
    [
        ("b_IxE2", "b", (1,)),
        ("b_I(x^2)", "b", (1,)),
        ("b[I(x^2)]", "b", (1,)),
        ("b", "b", None),
        ("b_sigma", "b_sigma", None),
        ("b_sigma_Intercept", "b_sigma", (0,)),
        ("b[sigma_z]", "b", (2,)),
        ("b_sigma[z]", "b_sigma", (1,)),
        ("sd_g__poly(x, 2)1", "sd_g", (1,)),
        ("sd_g[poly(x, 2)1]", "sd_g", (1,)),
        ("cor_g__Intercept__poly(x, 2)1", "cor_g", (0,)),
        ("r_g[b c,poly(x, 2)1]", "r_g", (1, 1)),
        ("r_g", "r_g", None),
        ("nu", "nu", ()),
    ],
)
def test_find(table: NameTable, key: str, variable: str, index: tuple[int, ...] | None) -> None:
    found, place = table.find(key)
    assert found.name == variable
    assert place == index
    assert table.knows(key)


def test_two_parameters_with_one_brms_name(table: NameTable) -> None:
    assert "b_sigma_z" not in table.names
    assert {"b[sigma_z]", "b_sigma[z]"} < set(table.names)
    with pytest.raises(BrmspyError, match=r"several things: b\[sigma_z\], b_sigma\[z\]"):
        table.find("b_sigma_z")
    assert not table.knows("b_sigma_z")


def test_a_coefficient_called_like_a_variable(support: SimpleNamespace) -> None:
    table = NameTable.of(
        [support.population(("Intercept", "sigma")), support.population(("z",), predictor="sigma")]
    )
    with pytest.raises(BrmspyError, match=r"b\[sigma\], b_sigma\[\.\.\.\]"):
        table.find("b_sigma")
    assert table.find("b[sigma]")[1] == (1,)


def test_names_are_unique_whatever_the_labels(support: SimpleNamespace) -> None:
    # Levels and coefficients with commas and brackets: three elements, one name in brms.
    odd = Variable(
        "r_g",
        "group_effects",
        ("g", "g__coef"),
        {"g": ("a", "a,b"), "g__coef": ("b,c", "c")},
        support.texts(*["r_g[a,b,c]"] * 4).reshape(2, 2),
        support.texts(*["r_g[a,b,c]"] * 4).reshape(2, 2),
        "g",
    )
    names = NameTable.of([odd]).names
    assert len(set(names)) == 4
    assert names[3] == "r_g[a,b,c]'"


@pytest.mark.parametrize(
    ("key", "nearest"),
    [("sd_g__Intercpt", "'sd_g__Intercept'"), ("nuu", "'nu'"), ("bsigma", "'b_s")],
)
def test_unknown_names_come_with_the_nearest(table: NameTable, key: str, nearest: str) -> None:
    with pytest.raises(BrmspyError, match=f"no parameter '{key}'.*{nearest}"):
        table.find(key)
    assert not table.knows(key)


def test_offsets_count_the_elements_before_a_variable(table: NameTable) -> None:
    assert dict(table.offsets) == {
        "b": 0, "b_sigma": 3, "sd_g": 5, "cor_g": 7, "nu": 8, "r_g": 9
    }  # fmt: skip
