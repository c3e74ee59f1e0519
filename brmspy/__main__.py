"""The command line: `python -m brmspy doctor`, `cache list`, `cache clear`, `warmup`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

from brmspy._version import __version__
from brmspy.engine.cache import clear_cache, compiled, list_cache
from brmspy.engine.directories import cache_directory
from brmspy.engine.doctor import examine
from brmspy.engine.interface import CompileOptions
from brmspy.engine.toolchain import find_toolchain
from brmspy.errors import BrmspyError
from brmspy.warmup import common_programs

__all__ = ["main"]

_MIB = 1024**2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after ``brmspy``; by default those of the command line.

    Returns
    -------
    int
        The exit status: 0 if all went well.
    """
    parsed = _parser().parse_args(arguments)
    try:
        status: int = parsed.run(parsed)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader, such as head, has seen enough; at exit Python would complain once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except BrmspyError as error:
        print(error, file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    """Return the grammar of the command line; `run` holds the function of each command."""
    parser = argparse.ArgumentParser(prog="brmspy", description="Tools around brmspy's fits.")
    parser.add_argument("--version", action="version", version=f"brmspy {__version__}")
    commands = parser.add_subparsers(title="commands", required=True)

    doctor = commands.add_parser("doctor", help="check that models compile and run here")
    _add_toolchain(doctor)
    doctor.set_defaults(run=_doctor)

    warmup = commands.add_parser(
        "warmup", help="compile ahead what every model needs, and the commonest models"
    )
    _add_toolchain(warmup)
    warmup.set_defaults(run=_warmup)

    cache = commands.add_parser("cache", help="the compiled models on disk")
    actions = cache.add_subparsers(title="actions", required=True)
    listing = actions.add_parser("list", help="list the compiled models")
    listing.set_defaults(run=_cache_list)
    clearing = actions.add_parser("clear", help="remove the compiled models")
    clearing.add_argument("--all", action="store_true", help="also remove what every model needs")
    clearing.set_defaults(run=_cache_clear)
    return parser


def _add_toolchain(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the toolchain."""
    parser.add_argument(
        "--toolchain", choices=("cmdstan", "embedded"), help="instead of the one found"
    )


def _doctor(parsed: argparse.Namespace) -> int:
    """Print each finding; the status is 1 if one is bad."""
    healthy = True
    for finding in examine(parsed.toolchain):
        print(finding, flush=True)
        healthy = healthy and finding.ok
    print("Models can be compiled and run." if healthy else "Models cannot be compiled and run.")
    return 0 if healthy else 1


def _warmup(parsed: argparse.Namespace) -> int:
    """Compile ahead, saying what."""
    start = time.perf_counter()
    toolchain = find_toolchain(parsed.toolchain)
    if not toolchain.is_prepared(CompileOptions()):
        print("What every model needs ...", end=" ", flush=True)
        toolchain.prepare(CompileOptions())
        print(f"{time.perf_counter() - start:.0f} s")
    programs = list(common_programs())
    for number, (title, code) in enumerate(programs, start=1):
        print(f"[{number}/{len(programs)}] {title} ...", end=" ", flush=True)
        model = compiled(code, toolchain)
        print("cached" if model.was_cached else f"{model.seconds:.0f} s")
    print(f"Ready after {time.perf_counter() - start:.0f} s.")
    return 0


def _cache_list(parsed: argparse.Namespace) -> int:
    """Print one line for each compiled model."""
    entries = list_cache()
    for entry in entries:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        stan = f"{entry.toolchain.get('toolchain', '?')} {entry.toolchain.get('stan', '?')}"
        lines = len(entry.code.splitlines())
        print(f"{entry.key}  {entry.size / _MIB:6.1f} MiB  used {used}  {stan}  {lines} lines")
    size = sum(entry.size for entry in entries)
    print(f"{len(entries)} models, {size / _MIB:.1f} MiB in {cache_directory()}")
    return 0


def _cache_clear(parsed: argparse.Namespace) -> int:
    """Remove the compiled models and say how much space that frees."""
    freed = clear_cache(runners=parsed.all)
    print(f"Removed {freed / _MIB:.1f} MiB from {cache_directory()}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
