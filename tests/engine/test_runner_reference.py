"""The runner against CmdStan 2.35: the same command gives the same output, digit for digit."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.compiled

DATA = Path(__file__).with_name("data")
INPUTS = ("data.json", "bad.json", "constrained.json", "sample.csv", "optimize.csv")

# What differs between two runs of the same command on the same machine, or depends on where and
# as what the program was compiled.
_VARYING = (
    (r"[0-9.e+-]+ seconds", "# seconds"),
    (r"(start_datetime =).*", r"\1"),
    (r"(model =).*", r"\1"),
    (r"(stancflags =).*", r"\1"),
    (r"(seed =) \d+ \(Default\)", r"\1 (Default)"),
    (r"\(in '[^']*'", "(in 'file'"),
)


@dataclass(frozen=True)
class Reference:
    """One run of CmdStan."""

    name: str
    command: tuple[str, ...]
    stdout: str
    stderr: str
    status: int
    csv: tuple[str, ...]


def read_reference(name: str) -> Reference:
    """Read what CmdStan printed and which CSV files it wrote."""
    text = (DATA / f"{name}.stdout.txt").read_text(encoding="utf-8")
    first, _, rest = text.partition("\n")
    stdout, _, status = rest.rpartition("exit status ")
    errors = DATA / f"{name}.stderr.txt"
    command = tuple(shlex.split(first)[2:])
    output = [word for word in command if word.startswith("file=") and word.endswith(".csv")]
    stem = output[0].removeprefix("file=").removesuffix(".csv") if output else ""
    files = sorted(path.name for path in DATA.glob(f"{stem}*.csv")) if stem else []
    return Reference(
        name=name,
        command=command,
        stdout=stdout,
        stderr=errors.read_text(encoding="utf-8") if errors.exists() else "",
        status=int(status),
        csv=tuple(file for file in files if re.fullmatch(rf"{stem}(_\d+)?\.csv", file)),
    )


def run_in(folder: Path, exe: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the executable in a folder with CmdStan's inputs."""
    for name in INPUTS:
        shutil.copy(DATA / name, folder)
    return subprocess.run(
        [exe, *words], cwd=folder, capture_output=True, encoding="utf-8", timeout=120, check=False
    )


def comparable(text: str) -> list[str]:
    """Return the lines without times, dates and names."""
    for pattern, replacement in _VARYING:
        text = re.sub(pattern, replacement, text)
    return text.splitlines()


REFERENCES = (
    "bad_argument",
    "bad_data",
    "fixed_param",
    "generate_quantities",
    "info",
    "laplace",
    "log_prob",
    "missing_data",
    "optimize",
    "pathfinder2",
    "sample",
    "sample_chains",
    "sample_dense",
    "variational",
)


def test_every_reference_is_compared() -> None:
    names = {path.name.removesuffix(".stdout.txt") for path in DATA.glob("*.stdout.txt")}
    assert names == set(REFERENCES)
    written = {file for name in REFERENCES for file in read_reference(name).csv}
    assert written == {path.name for path in DATA.glob("*.csv")}


@pytest.mark.parametrize("name", REFERENCES)
def test_same_console_output_and_exit_status(name: str, schools: Path, tmp_path: Path) -> None:
    reference = read_reference(name)
    done = run_in(tmp_path, schools, *reference.command)
    assert comparable(done.stdout) == comparable(reference.stdout)
    assert comparable(done.stderr) == comparable(reference.stderr)
    assert done.returncode == reference.status


@pytest.mark.parametrize("name", [name for name in REFERENCES if read_reference(name).csv])
def test_same_files(name: str, schools: Path, tmp_path: Path) -> None:
    reference = read_reference(name)
    run_in(tmp_path, schools, *reference.command)
    for file in reference.csv:
        ours = (tmp_path / file).read_text(encoding="utf-8")
        theirs = (DATA / file).read_text(encoding="utf-8")
        assert comparable(ours) == comparable(theirs), file


def test_comparison_notices_a_digit() -> None:
    text = (DATA / "sample.csv").read_text(encoding="utf-8")
    assert comparable(text) != comparable(text.replace("-39.5246", "-39.5247"))
