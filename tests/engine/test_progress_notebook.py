"""A Jupyter kernel: bars in the cell, and an interrupt that keeps the draws."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

jupyter_client = pytest.importorskip("jupyter_client")
pytest.importorskip("ipykernel")

CELL = """
import os, warnings
from pathlib import Path
from brmspy.engine.progress import Progress
from brmspy.engine.sampling import SampleOptions, sample

os.environ["FAKE_STAN"] = {settings!r}
warnings.simplefilter("ignore", UserWarning)
options = SampleOptions(chains=2, iter_warmup=20, iter_sampling={iterations}, cores=2)
with Progress() as progress:
    run = sample(Path({exe!r}), {{}}, options, progress=progress)
print("interrupted:", run.interrupted, "kept:", run.draws["a"].shape[1] >= 5)
"""


def cell(exe: Path, iterations: int, **settings: Any) -> str:
    return CELL.format(exe=str(exe), iterations=iterations, settings=json.dumps(settings))


@pytest.fixture
def kernel(scratch: Path) -> Iterator[tuple[Any, Any]]:
    """Start a kernel."""
    manager = jupyter_client.KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def outputs(client: Any, code: str, interrupt: Callable[[], bool] | None = None) -> list[Any]:
    """Run a cell and return its messages; `interrupt` is asked whether it is time yet."""
    sent = client.execute(code)
    messages = []
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if interrupt is not None and interrupt():
            interrupt = None
        if not client.iopub_channel.msg_ready():
            time.sleep(0.02)
            continue
        message = client.get_iopub_msg(timeout=1)
        if message["parent_header"].get("msg_id") != sent:
            continue
        messages.append(message)
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            return messages
    raise AssertionError(messages)


def printed(messages: list[Any]) -> str:
    assert [item["content"] for item in messages if item["msg_type"] == "error"] == []
    return "".join(item["content"]["text"] for item in messages if item["msg_type"] == "stream")


def test_bars(kernel: Any, fake_exe: Path) -> None:
    _, client = kernel
    messages = outputs(client, cell(fake_exe, 100, delay=0.01, divergent_every=50))
    assert printed(messages) == "interrupted: False kept: True\n"
    shown = [item for item in messages if item["msg_type"] == "display_data"]
    updates = [item for item in messages if item["msg_type"] == "update_display_data"]
    assert len(shown) == 1
    assert 2 <= len(updates) < 30
    last = updates[-1]["content"]["data"]
    assert last["text/plain"].startswith("Sampled 2 chains in")
    assert "4 divergences" in last["text/plain"]
    assert last["text/html"].count("width:100.0%") == 2


def test_interrupt(kernel: Any, fake_exe: Path, scratch: Path) -> None:
    manager, client = kernel

    def draws(chain: int) -> int:
        for path in scratch.glob(f"brmspy-*/chain-{chain}.csv"):
            return path.read_text().count("\n-")
        return 0

    def interrupt() -> bool:
        ready = draws(1) >= 5 and draws(2) >= 5
        if ready:
            manager.interrupt_kernel()
        return ready

    messages = outputs(client, cell(fake_exe, 100_000, delay=0.02), interrupt)
    assert printed(messages) == "interrupted: True kept: True\n"
    assert list(scratch.glob("brmspy-*")) == []
