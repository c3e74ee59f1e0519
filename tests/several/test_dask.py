"""Fits on a real cluster of two workers, of which one is killed: nothing is lost."""

from __future__ import annotations

import dataclasses
import os
import pickle
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import BrmsFit, brm, brm_multiple, load_dataset

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # at import, of what Dask itself uses
    dask = pytest.importorskip("dask")
    distributed = pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.compiled,
    pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc"),
    # Of Dask and its workers, which come and go.
    pytest.mark.filterwarnings("ignore"),
]

FORMULA = "incidence | trials(size) ~ period + (1 | herd)"
CBPP = load_dataset("cbpp")
# Long enough for a worker to be killed in the middle of a chain.
SETTINGS: dict[str, Any] = {"chains": 2, "iter_sampling": 4000, "seed": 11, "progress": False}


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Return the client of a cluster of two processes."""
    settings = {"distributed.scheduler.allowed-failures": 3}
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def model_processes() -> dict[int, int]:
    """Return the processes that run compiled models, each with its parent."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[1]
        except OSError:
            continue
        if b"method=sample" in command:
            found[int(folder.name)] = int(parent)
    return found


class Killing:
    """Kills a worker while it runs a chain, once, whichever begins first.

    Parameters
    ----------
    client : Client
        The client of the cluster.
    """

    def __init__(self, client: Any) -> None:
        client.wait_for_workers(2)
        self.workers = set(client.run(os.getpid).values())
        self.killed: list[tuple[int, int]] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Killing:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            ours = [(c, w) for c, w in model_processes().items() if w in self.workers]
            if ours:
                time.sleep(0.2)
                chain, worker = ours[0]
                if not alive(chain):
                    continue
                os.kill(worker, signal.SIGKILL)
                self.killed.append((chain, worker))
                return


def alive(pid: int) -> bool:
    """Tell whether a process runs."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def with_a_death(client: Any, call: Callable[[], Any]) -> Any:
    """Return what a call returns in the middle of which a worker is killed."""
    with Killing(client) as killing:
        result = call()
    [(chain, worker)] = killing.killed
    assert not alive(worker)
    deadline = time.monotonic() + 10
    while alive(chain):  # its guard ends it
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return result


def assert_same_draws(one: BrmsFit, other: BrmsFit) -> None:
    for name, values in one.groups["posterior"].items():
        np.testing.assert_array_equal(values, other.groups["posterior"][name])
    assert one.record.chain_ids == other.record.chain_ids
    assert one.record.failures == other.record.failures == ()


def test_chains(client: Any) -> None:
    here = brm(FORMULA, CBPP, "binomial", **SETTINGS)
    there = with_a_death(
        client, lambda: brm(FORMULA, CBPP, "binomial", executor=client, **SETTINGS)
    )
    assert_same_draws(there, here)


def test_several_data_sets(client: Any) -> None:
    others = [CBPP, CBPP.assign(incidence=CBPP["incidence"].clip(upper=CBPP["size"] - 1))]
    here = brm_multiple(FORMULA, others, "binomial", **SETTINGS)
    there = with_a_death(
        client, lambda: brm_multiple(FORMULA, others, "binomial", executor=client, **SETTINGS)
    )
    assert isinstance(here, BrmsFit)
    assert_same_draws(there, here)
    assert there.record.parts == here.record.parts


def test_cross_validation(client: Any) -> None:
    fit = brm(FORMULA, CBPP, "binomial", **SETTINGS)
    there = with_a_death(client, lambda: fit.kfold(3, seed=5, executor=client))
    here = fit.kfold(3, seed=5)
    pd.testing.assert_frame_equal(there.pointwise, here.pointwise)


def wait_for_the_end(folder: str) -> None:
    """Run as a chain does on a machine that does not share the client's folders."""
    from brmspy.engine.stop import StopSign, asked_to_stop

    flag = pickle.loads(pickle.dumps(StopSign().flag))
    with dataclasses.replace(flag, folder=Path(folder) / "elsewhere").watched():
        Path(folder, "begun").touch()
        while not asked_to_stop():
            time.sleep(0.05)
    Path(folder, "ended").touch()


def test_a_chain_on_another_machine_ends_when_dask_takes_it_back(
    client: Any, tmp_path: Path
) -> None:
    future = client.submit(wait_for_the_end, str(tmp_path))
    for name, act in (("begun", future.cancel), ("ended", lambda: None)):
        deadline = time.monotonic() + 30
        while not (tmp_path / name).exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        act()
