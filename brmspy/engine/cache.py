"""The compile cache: one executable for each program, toolchain and set of options.

An entry is a folder of the models directory, named by its key, with the executable and a JSON
file that says what it is. Entries are built in a temporary folder and moved into place, so that
an entry is either whole or absent.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from brmspy.engine.directories import models_directory, runners_directory
from brmspy.engine.interface import CompileOptions, Toolchain
from brmspy.errors import CompileError

__all__ = [
    "CacheEntry",
    "CompiledModel",
    "clear_cache",
    "compiled",
    "is_cached",
    "list_cache",
    "size_limit",
]

_EXE = "model"
_RECORD = "entry.json"
_DEFAULT_SIZE = 2 * 1024**3
_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
# What separates words, or a string, in which the same text means something.
_BLANK_OR_STRING = re.compile(r'(?P<blank>(?:\s|//[^\n]*|/\*.*?\*/)+)|"[^"\n]*"', re.DOTALL)


@dataclass(frozen=True)
class CompiledModel:
    """An executable from the cache.

    Parameters
    ----------
    exe : Path
        The executable.
    key : str
        The key of its entry.
    was_cached : bool
        Whether it was there before.
    seconds : float
        Time it took to compile, 0 if it was cached.
    """

    exe: Path
    key: str
    was_cached: bool
    seconds: float


@dataclass(frozen=True)
class CacheEntry:
    """What is known about an entry of the cache.

    Parameters
    ----------
    key : str
        The name of its folder.
    path : Path
        Its folder.
    size : int
        Bytes on disk.
    created, used : float
        When it was compiled and last asked for, in seconds since the epoch.
    toolchain : dict of str to str
        The toolchain's description.
    code : str
        The Stan program.
    """

    key: str
    path: Path
    size: int
    created: float
    used: float
    toolchain: dict[str, str]
    code: str


def compiled(
    code: str,
    toolchain: Toolchain,
    options: CompileOptions | None = None,
    *,
    on_stage: Callable[[str], None] | None = None,
) -> CompiledModel:
    """Return the executable of a Stan program, compiling it if the cache has none.

    Parameters
    ----------
    code : str
        The Stan program. Comments and blank space do not matter.
    toolchain : Toolchain
        What compiles it.
    options : CompileOptions, optional
        How to compile it.
    on_stage : callable, optional
        Called with ``"compile"`` before a compilation starts and not at all if the cache has the
        executable.

    Returns
    -------
    CompiledModel

    Raises
    ------
    CompileError
        If the program cannot be compiled.
    """
    options = options or CompileOptions()
    key = _key(code, toolchain, options)
    entry = models_directory() / key
    if _is_whole(entry):
        _touch(entry)
        return CompiledModel(_exe(entry), key, was_cached=True, seconds=0.0)
    limit = size_limit()
    entry.parent.mkdir(parents=True, exist_ok=True)
    # Whoever comes second, a kernel that fits the same model, waits here for the first.
    with FileLock(entry.with_suffix(".lock")):
        if _is_whole(entry):
            _touch(entry)
            return CompiledModel(_exe(entry), key, was_cached=True, seconds=0.0)
        if on_stage is not None:
            on_stage("compile")
        start = time.perf_counter()
        _build(entry, code, toolchain, options)
        seconds = time.perf_counter() - start
    _prune(limit, keep=key)
    return CompiledModel(_exe(entry), key, was_cached=False, seconds=seconds)


def is_cached(code: str, toolchain: Toolchain, options: CompileOptions | None = None) -> bool:
    """Say whether `compiled` would find an executable.

    Parameters
    ----------
    code : str
        The Stan program.
    toolchain : Toolchain
        What would compile it.
    options : CompileOptions, optional
        How to compile it.

    Returns
    -------
    bool
    """
    return _is_whole(models_directory() / _key(code, toolchain, options or CompileOptions()))


def list_cache() -> list[CacheEntry]:
    """Return what is in the cache, most recently used first.

    Returns
    -------
    list of CacheEntry
    """
    folder = models_directory()
    paths = [path for path in folder.iterdir() if path.is_dir()] if folder.exists() else []
    entries = [entry for entry in map(_read, paths) if entry is not None]
    return sorted(entries, key=lambda entry: entry.used, reverse=True)


def clear_cache(*, runners: bool = False) -> int:
    """Remove all models from the cache.

    Parameters
    ----------
    runners : bool
        Also remove the compiled runners and headers, which take a minute to build again.

    Returns
    -------
    int
        Bytes removed.
    """
    folders = [models_directory(), *([runners_directory()] if runners else [])]
    freed = sum(_size(folder) for folder in folders if folder.exists())
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return freed


def _key(code: str, toolchain: Toolchain, options: CompileOptions) -> str:
    """Return the name of the entry: a digest of all that decides what the executable does."""
    text = "\0".join((_normalise(code), toolchain.fingerprint(options)))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _normalise(code: str) -> str:
    """Return the program without comments and with single blanks, strings as they are."""

    def single(match: re.Match[str]) -> str:
        return " " if match["blank"] else match[0]

    return _BLANK_OR_STRING.sub(single, code).strip()


def _exe(entry: Path) -> Path:
    """Return the path of an entry's executable."""
    return entry / (_EXE + (".exe" if os.name == "nt" else ""))


def _is_whole(entry: Path) -> bool:
    """Tell whether an entry can be used: it is complete and its executable runs."""
    if not (entry / _RECORD).exists():
        return False
    try:
        done = subprocess.run(
            [_exe(entry), "info"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
        )
    except OSError:
        return False
    return done.returncode == 0 and b"stan_version_major" in done.stdout


def _build(entry: Path, code: str, toolchain: Toolchain, options: CompileOptions) -> None:
    """Compile into a temporary folder and move it into place."""
    with tempfile.TemporaryDirectory(prefix=".building-", dir=entry.parent) as parent:
        folder = Path(parent, entry.name)
        folder.mkdir()
        stan_file = folder / f"{_EXE}.stan"
        stan_file.write_text(code, encoding="utf-8")
        toolchain.compile(stan_file, _exe(folder), options)
        record = {"created": time.time(), "toolchain": toolchain.describe(), "code": code}
        (folder / _RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
        if not _is_whole(folder):
            raise CompileError(
                f"The compiled model {_exe(folder)} does not run. "
                "Run `python -m brmspy doctor` to check the toolchain."
            )
        shutil.rmtree(entry, ignore_errors=True)  # a broken entry
        folder.replace(entry)


def _touch(entry: Path) -> None:
    """Note that an entry was used: the time of its record."""
    os.utime(entry / _RECORD)


def _read(path: Path) -> CacheEntry | None:
    """Read an entry; None for what is not a whole entry."""
    try:
        record: dict[str, Any] = json.loads((path / _RECORD).read_text(encoding="utf-8"))
        return CacheEntry(
            key=path.name,
            path=path,
            size=_size(path),
            created=record["created"],
            used=(path / _RECORD).stat().st_mtime,
            toolchain=record["toolchain"],
            code=record["code"],
        )
    except (OSError, ValueError, KeyError):
        return None


def _size(folder: Path) -> int:
    """Return the bytes below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _prune(limit: float, keep: str) -> None:
    """Remove the least recently used entries beyond the size limit."""
    total = 0
    for entry in list_cache():
        total += entry.size
        if total > limit and entry.key != keep:
            shutil.rmtree(entry.path, ignore_errors=True)


def size_limit() -> float:
    """Return the size in bytes beyond which the cache is pruned.

    Returns
    -------
    float
        The environment variable ``BRMSPY_CACHE_SIZE``, such as ``500M``, else 2 GB.

    Raises
    ------
    CompileError
        If the variable is not a size.
    """
    text = os.environ.get("BRMSPY_CACHE_SIZE", "").strip()
    if not text:
        return _DEFAULT_SIZE
    match = re.fullmatch(r"([0-9]+(?:[.][0-9]+)?)\s*([KMG]?)B?", text, re.IGNORECASE)
    if match is None:
        raise CompileError(
            f"BRMSPY_CACHE_SIZE={text!r} is not a size. Write a number of bytes, or with a unit: "
            "'500M', '2G'."
        )
    return float(match[1]) * _UNITS[match[2].upper()]
