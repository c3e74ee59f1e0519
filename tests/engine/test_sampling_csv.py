"""Reading what CmdStan itself wrote, whole and while it grows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brmspy.engine.chain_csv import ChainCsv

FILES = Path(__file__).with_name("cmdstan_csv")


def read(path: Path, adapts: bool = True) -> ChainCsv:
    csv = ChainCsv(path, adapts=adapts)
    csv.read()
    return csv


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(FILES / name, comment="#")


def test_warmup_and_draws() -> None:
    csv, rows = read(FILES / "sample.csv"), table("sample.csv").to_numpy()
    assert csv.columns == list(table("sample.csv").columns)
    assert csv.num_draws == 10
    np.testing.assert_array_equal(csv.warmup(), rows[:-10])
    np.testing.assert_array_equal(csv.draws(), rows[-10:])
    assert csv.seconds() == (0.0, 0.0)
    metric = csv.inv_metric()
    assert metric is not None
    assert metric.tolist() == [1.0] * 10


def test_dense_metric() -> None:
    csv = read(FILES / "sample_dense.csv")
    metric = csv.inv_metric()
    assert metric is not None
    assert metric.tolist() == np.eye(10).tolist()
    np.testing.assert_array_equal(csv.draws(), table("sample_dense.csv").to_numpy())
    assert len(csv.warmup()) == 0


def test_fixed_parameters_have_no_warmup() -> None:
    csv = read(FILES / "fixed_param.csv")
    np.testing.assert_array_equal(csv.draws(), table("fixed_param.csv").to_numpy())
    assert csv.inv_metric() is None


@pytest.mark.parametrize("name", ["sample.csv", "sample_dense.csv"])
@pytest.mark.parametrize("step", [1, 37, 4096])
def test_a_file_that_grows(tmp_path: Path, name: str, step: int) -> None:
    path = tmp_path / "chain.csv"
    csv = ChainCsv(path, adapts=True)
    csv.read()  # does not exist yet
    assert csv.num_draws == 0
    text = (FILES / name).read_bytes()
    text = text[text.rindex(b"# stancflags") :]
    seen = []
    with path.open("wb", buffering=0) as file:
        for start in range(0, len(text), step):
            file.write(text[start : start + step])
            csv.read()
            seen.append(csv.num_draws)
    whole = read(FILES / name)
    assert seen == sorted(seen)
    assert seen[-1] == whole.num_draws
    np.testing.assert_array_equal(csv.draws(), whole.draws())
    np.testing.assert_array_equal(csv.warmup(), whole.warmup())


def test_a_row_that_was_cut_is_not_a_draw(tmp_path: Path) -> None:
    path = tmp_path / "chain.csv"
    path.write_text(
        "lp__,stepsize__,divergent__,a\n# Adaptation terminated\n1,1,0,2\n1,1,1,3\n1,1,"
    )
    csv = read(path)
    assert csv.draws()[:, 3].tolist() == [2, 3]
    assert csv.divergences == 1


@pytest.mark.parametrize(
    ("block", "metric"),
    [
        ("# Diagonal elements of inverse mass matrix:\n# 0.5\n", [0.5]),
        ("# Diagonal elements of inverse mass matrix:\n# 0.5, 2e-05\n# \n# 1, 2\n", [0.5, 2e-05]),
        ("# Elements of inverse mass matrix:\n# 2, -0.5\n# -0.5, 3\n", [[2, -0.5], [-0.5, 3]]),
        ("# No free parameters for unit metric\n", None),
    ],
)
def test_metrics(tmp_path: Path, block: str, metric: list[float] | None) -> None:
    path = tmp_path / "chain.csv"
    path.write_text(f"lp__,stepsize__,a\n# Adaptation terminated\n# Step size = 1\n{block}1,1,2\n")
    csv = read(path)
    found = csv.inv_metric()
    assert (found.tolist() if found is not None else None) == metric
    assert csv.num_draws == 1


def test_not_a_number(tmp_path: Path) -> None:
    path = tmp_path / "chain.csv"
    path.write_text("lp__,a,b,c,d\n1,nan,-nan,inf,-inf\n")
    row = read(path, adapts=False).draws()[0]
    np.testing.assert_array_equal(row, [1, np.nan, np.nan, np.inf, -np.inf])


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "chain.csv"
    path.write_text("# method = sample\n")
    csv = read(path)
    assert csv.header == ""
    assert csv.draws().shape == (0, 0)
    assert all(np.isnan(csv.seconds()))
