"""What users take out of a fit."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from brmspy.errors import BrmspyError
from brmspy.fit import Fit


@pytest.mark.parametrize(
    ("name", "variable", "index"),
    [
        ("b_x", "b", (1,)),
        ("sd_g__Intercept", "sd_g", (0,)),
        ("cor_g__Intercept__x", "cor_g", (0,)),
        ("r_g[b,x]", "r_g", (1, 1)),
        ("sigma", "sigma", ()),
        ("lprior", "target", ()),
    ],
)
def test_a_parameter_by_its_name(
    support: SimpleNamespace, name: str, variable: str, index: tuple[int, ...]
) -> None:
    draws = support.make_draws(support.sleep_variables())
    found = support.make_fit()[name]
    assert found.dims == ("chain", "draw")
    np.testing.assert_array_equal(found, draws[variable][(..., *index)])


def test_a_whole_variable(fit: Fit) -> None:
    assert fit["r_g"].dims == ("chain", "draw", "g", "g__coef")
    assert fit["lp__"].dims == ("chain", "draw")


def test_unknown_names(fit: Fit) -> None:
    with pytest.raises(BrmspyError, match="Did you mean 'sd_g__Intercept'"):
        fit["sd_g__intercept"]
    with pytest.raises(BrmspyError, match="no parameter 0"):
        fit[0]  # type: ignore[index]


def test_a_fit_holds_names(fit: Fit) -> None:
    assert "b_x" in fit
    assert "b" in fit
    assert "lp__" in fit
    assert "b_y" not in fit
    assert 3 not in fit
    assert list(fit) == list(fit.names)


def test_draws_as_a_table(fit: Fit) -> None:
    table = fit.draws_df()
    assert list(table.columns) == [
        ".chain",
        ".iteration",
        ".draw",
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
        "lprior",
        "lp__",
    ]
    assert len(table) == 2000
    row = table.iloc[777]
    assert row[[".chain", ".iteration", ".draw"]].tolist() == [2, 278, 778]
    for name in fit.names:
        assert row[name] == fit[name].to_numpy()[1, 277]
    assert row["lp__"] == fit["lp__"].to_numpy()[1, 277]


@pytest.mark.parametrize(
    ("variables", "columns"),
    [
        ("sigma", ["sigma"]),
        ("b", ["b_Intercept", "b_x"]),
        (["lp__", "b_x", "lprior"], ["lp__", "b_x", "lprior"]),
        ([], []),
    ],
)
def test_draws_of_some(fit: Fit, variables: list[str], columns: list[str]) -> None:
    table = fit.draws_df(variables)
    assert list(table.columns[3:]) == columns
    for name in columns:
        np.testing.assert_array_equal(table[name], fit[name].to_numpy().ravel())


def test_what_the_model_knows(fit: Fit) -> None:
    assert fit.nobs == 6
    assert fit.ngrps == {"g": 3}
    assert fit.formula == "y ~ x + (x | g)"
    assert fit.family.name == "gaussian"
    assert "parameters" in fit.stancode
    assert fit.standata == {"N": 6}
    assert fit.prior_summary()["prior"].item() == "normal(0, 1)"
    assert list(fit.data.columns) == ["y", "x", "g"]


def test_diagnostics_are_computed_once(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(draws: np.ndarray, pools: object) -> object:
        calls.append(draws.shape)
        return diagnose(draws)

    from brmspy.fit.diagnostics import diagnose

    fresh = dataclasses.replace(fit)
    monkeypatch.setattr("brmspy.fit.parameters.diagnose", counted)
    fresh.summary()
    fresh.summary(effects=True)
    assert str(fresh) == repr(fresh)
    assert fresh.findings == ()
    assert list(fresh.diagnostics.index) == list(fresh.names)
    assert calls == [(4, 500, size) for size in (2, 2, 1, 1, 1, 1, 6)]


def test_a_fit_does_not_change(fit: Fit) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        fit.variables = ()  # type: ignore[misc]
    for table in (fit.data, fit.prior_summary()):
        table.iloc[:, 0] = table.iloc[0, 0]
    fit.standata["N"] = 7
    fit.idata.posterior["new"] = fit.idata.posterior["sigma"] * 2
    assert fit.data["y"].tolist() == [0, 1, 2, 3, 4, 5]
    assert fit.prior_summary()["prior"].item() == "normal(0, 1)"
    assert fit.standata["N"] == 6
    assert "new" not in fit.groups["posterior"]


def test_a_fit_can_be_pickled(fit: Fit) -> None:
    again = pickle.loads(pickle.dumps(copy.copy(fit)))
    pd.testing.assert_frame_equal(again.summary(), fit.summary())


def test_a_model_without_parameters(support: SimpleNamespace) -> None:
    fit = support.make_fit([])
    assert fit.names == ("lprior", "lp__")
    assert fit.summary().empty
    assert "Draws: 4 chains" in str(fit)
    assert list(fit.draws_df().columns[3:]) == ["lprior", "lp__"]


def test_the_time_is_that_of_chains_that_ended(support: SimpleNamespace) -> None:
    fit = support.make_fit(seconds=((1, 2), (2, np.nan), (3, 0.5), (np.nan, np.nan)))
    assert fit.record.sampling_time == 3.5
    assert "in 3.5 s (slowest chain)." in str(fit)
    stopped = support.make_fit(seconds=np.full((4, 2), np.nan))
    assert stopped.idata.posterior.attrs["sampling_time"] == 0
    assert "seed 4000000000." in " ".join(str(stopped).split())


def test_options_that_cannot_be_kept_are_named(support: SimpleNamespace) -> None:
    options = support.options(iter_sampling=500, inits={"b": object()})
    with pytest.raises(BrmspyError, match=r"options\['inits'\]\['b'\] is a object"):
        support.make_fit(options=options)


def test_importing_the_room_leaves_heavy_libraries_alone() -> None:
    heavy = ["arviz", "h5netcdf", "matplotlib", "scipy.stats", "xarray"]
    code = f"import sys, brmspy.fit; print(*(name for name in {heavy} if name in sys.modules))"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []
