"""A fit survives the file, whole; what cannot survive is refused by name."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5netcdf
import numpy as np
import pandas as pd
import pytest

from brmspy.errors import BrmspyError, DataWarning
from brmspy.fit import Fit
from brmspy.fit.storage import FORMAT_VERSION

pytestmark = pytest.mark.slow

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)
    import arviz as az


def reload(support: SimpleNamespace, fit: Fit, path: Path) -> Fit:
    """Save and load; the model is made again from the file alone."""

    def rebuild(spec: Mapping[str, Any], data: pd.DataFrame) -> Any:
        return support.make_model(
            data,
            formula=spec["formula"],
            sample_prior=spec["sample_prior"],
            response=fit.model.design.terms.response.label,
            group=next(iter(fit.ngrps)),
        )

    fit.save(path)
    return Fit.load(path, rebuild)


def assert_same(one: Fit, other: Fit) -> None:
    assert other.groups.keys() == one.groups.keys()
    for name, group in one.groups.items():
        assert other.groups[name].identical(group), name
        for key, variable in group.variables.items():
            assert other.groups[name][key].dtype == variable.dtype, (name, key)
    assert other.record == one.record
    assert other.names == one.names
    for mine, theirs in zip(one.variables, other.variables, strict=True):
        assert mine.coords == theirs.coords
        assert (mine.name, mine.section, mine.dims, mine.group) == (
            theirs.name, theirs.section, theirs.dims, theirs.group
        )  # fmt: skip
        np.testing.assert_array_equal(mine.labels, theirs.labels)
    pd.testing.assert_frame_equal(other.data, one.data, check_freq=False)
    assert str(other) == str(one)
    pd.testing.assert_frame_equal(other.summary(effects=True), one.summary(effects=True))


def test_round_trip(support: SimpleNamespace, fit: Fit, tmp_path: Path) -> None:
    assert_same(fit, reload(support, fit, tmp_path / "fit.nc"))


def test_round_trip_of_all_groups(support: SimpleNamespace, tmp_path: Path) -> None:
    variables = support.sleep_variables()
    six = np.arange(6.0)
    fit = support.make_fit(
        variables,
        support.make_model(weights=six, trials=np.arange(6), offset=six / 3, dropped=2),
        warmup_draws=support.make_draws(variables, draws=20),
        warmup_stats=support.make_stats(draws=20),
        options=support.options(iter_sampling=500, inits=[{"b": np.zeros(2)}] * 4),
        interrupted=True,
        failures=("chain 3 was stopped",),
    )
    again = reload(support, fit, tmp_path / "fit.nc")
    assert_same(fit, again)
    assert set(again.groups) == {
        "posterior",
        "sample_stats",
        "observed_data",
        "constant_data",
        "warmup_posterior",
        "warmup_sample_stats",
    }
    assert again.record.options["inits"] == [{"b": [0, 0]}] * 4
    assert again.findings == fit.findings


FRAMES = {
    "dates": pd.date_range("2020", periods=6, tz="Europe/Berlin"),
    "naive dates": pd.date_range("2020", periods=6, freq="h"),
    "old dates": pd.date_range("0800-12-25", periods=6, unit="s"),
    "text": list("aabbéé"),
    "several levels": pd.MultiIndex.from_product([["u", "v"], [1, 2, 3]]),
    "numbers": [0.5, 1.5, 2.5, 3.5, 4.5, 5.5],
    "booleans": [True, False, True, False, True, True],
}


@pytest.mark.parametrize("name", FRAMES)
def test_round_trip_of_data(support: SimpleNamespace, name: str, tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "y": np.arange(6.0),
            "g": pd.Categorical(list("abcabc"), categories=["c", "b", "a", "z"], ordered=True),
            "treated": [True, False] * 3,
            "where": ["x", "", "naïve", "x", "x", "y"],
        }
    ).set_axis(FRAMES[name])
    fit = support.make_fit(model=support.make_model(frame))
    assert_same(fit, reload(support, fit, tmp_path / "fit.nc"))


@pytest.mark.parametrize(
    "name",
    [
        "a/b",
        "/",
        ".",
        "..",
        "",
        " ",
        "two words",
        "trailing ",
        "new\nline",
        "nul\0",
        "_FillValue",
        "_nc4_non_coord_x",
        "groß:σ²(x)",
        "units",
        "coordinates",
        "brmspy_name_0",
        "posterior",
        "chain",
    ],
)
def test_any_name_survives(support: SimpleNamespace, name: str, tmp_path: Path) -> None:
    labels = ("Intercept", name)
    hyper = support.group_variables(name, ("a", "b", name), labels)
    fit = support.make_fit(
        [*hyper, support.population(labels)], support.make_model(group=name, response=name)
    )
    again = reload(support, fit, tmp_path / "fit.nc")
    assert_same(fit, again)
    assert again[f"r_{name}[{name},{name}]"].shape == (4, 500)


def test_what_the_user_added_is_saved(support: SimpleNamespace, fit: Fit, tmp_path: Path) -> None:
    fit.idata.add_groups(log_likelihood={"y": np.zeros((4, 500, 6))})
    fit.idata.posterior["double"] = 2 * fit.idata.posterior["sigma"]
    again = reload(support, fit, tmp_path / "fit.nc")
    assert again.idata.log_likelihood["y"].shape == (4, 500, 6)
    np.testing.assert_array_equal(again.idata.posterior["double"], 2 * fit["sigma"])
    assert again.names == fit.names


def lose_variable(idata: az.InferenceData) -> None:
    del idata.posterior["sigma"]


def lose_group(idata: az.InferenceData) -> None:
    del idata.sample_stats


def thin(idata: az.InferenceData) -> None:
    idata.posterior = idata.posterior.isel(draw=slice(None, None, 2))


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (lose_variable, r"posterior\['sigma'\]"),
        (lose_group, r"sample_stats\["),
        (thin, r"posterior\["),
    ],
)
def test_draws_that_the_user_removed_are_not_lost_silently(
    fit: Fit, tmp_path: Path, change: Any, lost: str
) -> None:
    change(fit.idata)
    with pytest.raises(BrmspyError, match=f"no longer holds the fit's {lost}.*fit.idata.copy"):
        fit.save(tmp_path / "fit.nc")
    assert list(tmp_path.iterdir()) == []


def test_what_netcdf_cannot_hold_is_named(fit: Fit, tmp_path: Path) -> None:
    fit.idata.posterior["odd"] = ((), np.array({1: 2}, dtype=object))
    with pytest.raises(BrmspyError, match="group 'posterior' of idata cannot be written"):
        fit.save(tmp_path / "fit.nc")
    assert list(tmp_path.iterdir()) == []


def test_a_specification_that_json_does_not_know(support: SimpleNamespace, tmp_path: Path) -> None:
    model = dataclasses.replace(support.make_model(), formula=object())
    with pytest.raises(BrmspyError, match=r"The fit's spec cannot be saved.*object"):
        support.make_fit(model=model).save(tmp_path / "fit.nc")


def test_data_that_cannot_be_kept_leave_the_old_file(
    support: SimpleNamespace, fit: Fit, tmp_path: Path
) -> None:
    path = tmp_path / "fit.nc"
    fit.save(path)
    before = path.read_bytes()
    frame = pd.DataFrame({"y": np.arange(2.0), "z": [1j, 2j]})
    with pytest.raises(BrmspyError, match="Column 'z'"):
        support.make_fit(model=support.make_model(frame)).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced(support: SimpleNamespace, fit: Fit, tmp_path: Path) -> None:
    path = tmp_path / "fit.nc"
    path.write_text("old")
    assert_same(fit, reload(support, fit, path))


def test_arviz_reads_the_file(fit: Fit, tmp_path: Path) -> None:
    path = tmp_path / "fit.nc"
    fit.save(path)
    idata = az.from_netcdf(path)
    assert list(idata.groups()) == ["posterior", "sample_stats", "observed_data"]
    assert idata.posterior["r_g"].sel(g="c d", g__coef="x").shape == (4, 500)
    idata.close()


def test_a_file_is_one_file_without_pickle(fit: Fit, tmp_path: Path) -> None:
    path = tmp_path / "fit.nc"
    fit.save(str(path))
    assert list(tmp_path.iterdir()) == [path]
    with h5netcdf.File(path, "r") as file:
        assert file.attrs["format"] == "brmspy-fit"
        assert file.attrs["format_version"] == FORMAT_VERSION
        assert file.attrs["brmspy_version"]


def test_loaded_draws_cannot_be_changed(support: SimpleNamespace, fit: Fit, tmp_path: Path) -> None:
    again = reload(support, fit, tmp_path / "fit.nc")
    with pytest.raises(ValueError, match="read-only"):
        again.idata.posterior["b"].values[0, 0, 0] = 1


def test_warnings_of_the_model_are_not_repeated(
    support: SimpleNamespace, fit: Fit, tmp_path: Path
) -> None:
    fit.save(tmp_path / "fit.nc")

    def rebuild(spec: Mapping[str, Any], data: pd.DataFrame) -> Any:
        warnings.warn("seen when it was fitted", DataWarning, stacklevel=1)
        return support.make_model(data)

    assert Fit.load(tmp_path / "fit.nc", rebuild).nobs == 6


def never(spec: Mapping[str, Any], data: pd.DataFrame) -> Any:
    raise AssertionError("no model should be made")


def foreign(path: Path, fit: Fit) -> None:
    fit.idata.to_netcdf(str(path))


def newer(path: Path, fit: Fit) -> None:
    fit.save(path)
    with h5netcdf.File(path, "a") as file:
        file.attrs["format_version"] = FORMAT_VERSION + 1
        file.attrs["brmspy_version"] = "99.0"


def cut(path: Path, fit: Fit) -> None:
    fit.save(path)
    path.write_bytes(path.read_bytes()[:3000])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path, fit: None, "There is no file '.*fit.nc'"),
        (lambda path, fit: path.mkdir(), "There is no file '.*fit.nc'"),
        (lambda path, fit: path.write_text("Hello"), "is no fit saved by brmspy, or it is damaged"),
        (lambda path, fit: path.write_text(""), "is no fit saved by brmspy, or it is damaged"),
        (foreign, "is a netCDF file, but no fit.*arviz.from_netcdf"),
        (
            newer,
            f"saved by brmspy 99.0 in format {FORMAT_VERSION + 1}.*up to {FORMAT_VERSION}. Upgrade",
        ),
        (cut, "is no fit saved by brmspy, or it is damaged"),
    ],
)
def test_files_that_cannot_be_read(fit: Fit, tmp_path: Path, make: Any, message: str) -> None:
    path = tmp_path / "fit.nc"
    make(path, fit)
    with pytest.raises(BrmspyError, match=message):
        Fit.load(path, never)


def test_no_folder_to_save_to(fit: Fit, tmp_path: Path) -> None:
    with pytest.raises(BrmspyError, match=r"no folder '.*nowhere'"):
        fit.save(tmp_path / "nowhere" / "fit.nc")
    with pytest.raises(BrmspyError, match="is a folder"):
        fit.save(tmp_path)
