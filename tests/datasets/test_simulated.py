"""The simulated data sets: what the package ships is what its records simulate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from brmspy import load_dataset
from brmspy.datasets import DATASETS, SIMULATED


def slope(rows: pd.DataFrame, x: str, y: str) -> float:
    return float(np.polyfit(rows[x], rows[y], 1)[0])


@pytest.mark.parametrize("name", SIMULATED)
def test_the_file_is_what_is_simulated(name: str) -> None:
    record, data = SIMULATED[name], load_dataset(name)
    again = record.simulate()
    assert again.astype({record.group: str}).equals(data.astype({record.group: str}))
    assert data[record.group].cat.categories.tolist() == list(record.sizes)
    assert data[record.group].value_counts().to_dict() == dict(record.sizes)
    assert set(data.columns) == {record.response, record.predictor, record.group}
    assert list(data.columns) == list(DATASETS[name].columns)


@pytest.mark.parametrize("name", SIMULATED)
def test_the_paradox(name: str) -> None:
    record, data = SIMULATED[name], load_dataset(name)
    x, y = record.predictor, record.response
    centred = data[[x, y]] - data.groupby(record.group, observed=True)[[x, y]].transform("mean")
    # Over all people the line runs one way, within groups the other.
    assert slope(data, x, y) * record.between > 0
    assert slope(centred, x, y) * record.within > 0
    assert record.within * record.between < 0


@pytest.mark.parametrize("name", SIMULATED)
def test_large_groups_have_the_lines_that_are_said_to_be_true(name: str) -> None:
    record = replace(SIMULATED[name], sizes=dict.fromkeys(SIMULATED[name].sizes, 20_000))
    data, truth = record.simulate(), record.truth()
    # Groups are drawn before people, so that these are the same groups.
    pd.testing.assert_frame_equal(truth, SIMULATED[name].truth())
    error = record.sigma / record.sd_predictor / np.sqrt(20_000)
    for group, rows in data.groupby(record.group, observed=True):
        true = truth.loc[group]
        assert rows[record.predictor].mean() == pytest.approx(true["mean"], abs=0.05)
        assert slope(rows, record.predictor, record.response) == pytest.approx(
            true["slope"], abs=4 * error
        )
        apart = rows[record.predictor] - true["mean"]
        noise = rows[record.response] - true["height"] - true["slope"] * apart
        assert noise.mean() == pytest.approx(0, abs=4 * record.sigma / np.sqrt(20_000))
        assert noise.std() == pytest.approx(record.sigma, rel=0.03)
