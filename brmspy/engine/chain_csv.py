"""Read the CSV file of a chain while the chain still writes it.

CmdStan writes its settings as comments, the header, the draws of the warm-up if they are saved,
what adaptation found as comments, the draws, and the time taken as comments. A row is complete
when its line has ended, so the file of a chain that was stopped holds the draws it had finished.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import numpy.typing as npt
from cmdstanpy.utils import stancsv

__all__ = ["ChainCsv"]

_ADAPTED = b"# Adaptation terminated"


class ChainCsv:
    """The output of one chain, read as far as it has been written.

    Parameters
    ----------
    path : Path
        The file; need not exist yet.
    adapts : bool
        Whether the chain adapts: the rows before the end of adaptation are then not draws.

    Attributes
    ----------
    header : str
        The line of column names; empty if it has not been written.
    """

    def __init__(self, path: Path, *, adapts: bool) -> None:
        self.header = ""
        self._path = path
        self._adapts = adapts
        self._offset = 0
        self._comments: list[bytes] = []
        self._warmup: list[npt.NDArray[np.float64]] = []
        self._draws: list[npt.NDArray[np.float64]] = []
        self._sampling = False
        self._divergent_column: int | None = None
        self._divergences = 0

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return self.header.split(",") if self.header else []

    @property
    def num_draws(self) -> int:
        """Draws after warm-up so far."""
        return sum(map(len, self._draws))

    @property
    def divergences(self) -> int:
        """Divergent transitions after warm-up so far."""
        return self._divergences

    def read(self) -> None:
        """Read the lines that have been completed since the last call."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                text = file.read()
        except FileNotFoundError:  # the chain has not opened it yet
            return
        end = text.rfind(b"\n") + 1
        self._offset += end
        rows: list[bytes] = []
        for line in text[:end].splitlines():
            if line.startswith(b"#"):
                self._add(rows)
                rows = []
                self._comments.append(line)
                self._sampling |= line.startswith(_ADAPTED)
            elif not self.header:
                self._read_header(line.decode())
            else:
                rows.append(line)
        self._add(rows)

    def draws(self) -> npt.NDArray[np.float64]:
        """Return the draws after warm-up, one row each."""
        self._draws = [self._join(self._draws)]
        return self._draws[0]

    def warmup(self) -> npt.NDArray[np.float64]:
        """Return the draws of the warm-up, one row each; none if they were not saved."""
        self._warmup = [self._join(self._warmup)]
        return self._warmup[0]

    def seconds(self) -> tuple[float, float]:
        """Return the seconds that warm-up and sampling took; nan if the chain did not end."""
        times = stancsv.parse_timing_lines(self._comments)
        return times.get("Warm-up", np.nan), times.get("Sampling", np.nan)

    def inv_metric(self) -> npt.NDArray[np.float64] | None:
        """Return the inverse metric after adaptation; None if it is the unit one or unknown."""
        lines = [line.lstrip(b"# ").rstrip() for line in self._comments]
        for i, line in enumerate(lines):
            if line.startswith((b"Diagonal elements", b"Elements of inverse")):
                rows = _parse(list(itertools.takewhile(bool, lines[i + 1 :])))  # to a blank line
                return rows[0] if line.startswith(b"Diagonal") else rows
        return None

    def _read_header(self, header: str) -> None:
        """Note the columns, and whether the rows that follow belong to a warm-up."""
        self.header = header
        columns = self.columns
        if "divergent__" in columns:
            self._divergent_column = columns.index("divergent__")
        # CmdStan's sampler for models without parameters has neither step size nor warm-up.
        self._sampling = not self._adapts or "stepsize__" not in columns

    def _add(self, rows: list[bytes]) -> None:
        """Keep rows as numbers."""
        if not rows:
            return
        values = _parse(rows)
        if not self._sampling:
            self._warmup.append(values)
            return
        self._draws.append(values)
        if self._divergent_column is not None:
            self._divergences += int(values[:, self._divergent_column].sum())

    def _join(self, blocks: list[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
        """Join what has been read in parts; the parts are then not kept, they may be large."""
        return blocks[0] if len(blocks) == 1 else np.concatenate([self._no_rows(), *blocks])

    def _no_rows(self) -> npt.NDArray[np.float64]:
        """Return an array without rows."""
        return np.empty((0, len(self.columns)))


def _parse(rows: list[bytes]) -> npt.NDArray[np.float64]:
    """Turn lines of numbers into an array with a row for each."""
    return np.loadtxt(rows, delimiter=",", dtype=np.float64, ndmin=2, comments=None)
