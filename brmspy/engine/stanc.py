"""Run Stan's translator."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from brmspy.errors import CompileError

__all__ = ["check", "translate"]

_TIMEOUT_SECONDS = 60.0


def check(stanc: Path, code: str, name: str = "model", pedantic: bool = False) -> tuple[str, ...]:
    """Check a Stan program and return the translator's warnings.

    Parameters
    ----------
    stanc : Path
        The translator.
    code : str
        The Stan program.
    name : str
        The program's name in messages.
    pedantic : bool
        Also warn about common mistakes.

    Returns
    -------
    tuple of str
        One text for each warning.

    Raises
    ------
    CompileError
        If the program is not valid.
    """
    with tempfile.TemporaryDirectory(prefix="brmspy-") as folder:
        stan_file = Path(folder, f"{name}.stan")
        stan_file.write_text(code, encoding="utf-8")
        flags = ["--warn-pedantic"] if pedantic else []
        output = _run(stanc, [*flags, f"--o={folder}/{name}.hpp"], stan_file)
    return _split_warnings(output)


def translate(stanc: Path, stan_file: Path, cpp_file: Path) -> tuple[str, ...]:
    """Translate a Stan program to C++ and return the translator's warnings.

    Parameters
    ----------
    stanc : Path
        The translator.
    stan_file : Path
        The Stan program.
    cpp_file : Path
        The C++ code to write.

    Returns
    -------
    tuple of str
        One text for each warning.

    Raises
    ------
    CompileError
        If the program is not valid.
    """
    return _split_warnings(_run(stanc, [f"--o={cpp_file}"], stan_file))


def _run(stanc: Path, flags: list[str], stan_file: Path) -> str:
    """Run the translator; messages name the file without its folder."""
    command = [str(stanc), *flags, f"--filename-in-msg={stan_file.name}", str(stan_file)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except OSError as error:
        raise CompileError(
            f"Stan's translator {stanc} cannot be run: {error}.\n"
            "Run `python -m brmspy doctor` to see what is wrong with the toolchain."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise CompileError(
            f"Stan's translator did not finish within {_TIMEOUT_SECONDS:.0f} s for "
            f"{stan_file.name}."
        ) from error
    if done.returncode != 0:
        message = (done.stderr or done.stdout).strip()
        raise CompileError(f"The Stan program is not valid.\n{message}")
    return done.stderr


def _split_warnings(output: str) -> tuple[str, ...]:
    """Split the translator's output into warnings, joining their continuation lines."""
    warnings: list[str] = []
    for line in output.splitlines():
        if line.startswith(("Warning", "Info")) or not warnings:
            warnings.append(line)
        else:
            warnings[-1] += "\n" + line
    return tuple(text.strip() for text in warnings if text.strip())
