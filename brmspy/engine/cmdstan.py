"""A CmdStan installation as a toolchain."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cmdstanpy

from brmspy.engine import stanc
from brmspy.engine.compilers import find_compiler
from brmspy.engine.interface import CompileOptions, Toolchain
from brmspy.errors import CompileError

__all__ = ["CmdStanToolchain", "find_cmdstan"]

# The first with `jacobian` in optimize and with laplace.
_OLDEST = (2, 32)
_VARIABLES = ("CXX", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "STANCFLAGS")


@dataclass(frozen=True)
class CmdStanToolchain(Toolchain):
    """A CmdStan installation, used through cmdstanpy.

    Parameters
    ----------
    home : Path
        The installation.
    stan_version : str
        Its version.
    """

    home: Path
    stan_version: str
    name: str = "cmdstan"

    @property
    def stanc(self) -> Path:
        """The translator."""
        return self.home / "bin" / ("stanc.exe" if os.name == "nt" else "stanc")

    def fingerprint(self, options: CompileOptions) -> str:
        """Return all that decides what an executable looks like."""
        local = self.home / "make" / "local"
        settings = local.read_bytes() if local.exists() else b""
        compiler = find_compiler()
        return "\n".join(
            (
                f"{self.name} {self.stan_version} {self.home}",
                f"make/local {hashlib.sha256(settings).hexdigest()}",
                compiler.version if compiler else "",
                *(f"{name}={os.environ.get(name, '')}" for name in _VARIABLES),
                f"threads={options.threads}",
            )
        )

    def check(self, code: str, name: str = "model", pedantic: bool = False) -> tuple[str, ...]:
        """Check a Stan program without compiling it."""
        return stanc.check(self.stanc, code, name, pedantic)

    def is_prepared(self, options: CompileOptions) -> bool:
        """Tell whether CmdStan is built; its models then need nothing else."""
        return True

    def prepare(self, options: CompileOptions) -> None:
        """Do nothing: CmdStan builds its parts and its precompiled header itself."""

    def compile(self, stan_file: Path, exe: Path, options: CompileOptions) -> None:
        """Compile a Stan program with CmdStan's make."""
        cpp_options = {"STAN_THREADS": True} if options.threads else {}
        with self._in_use():
            try:
                # The translator alone first: its message is not buried in make's output.
                stanc.translate(self.stanc, stan_file, stan_file.with_suffix(".hpp"))
                built = cmdstanpy.compile_stan_file(stan_file, force=True, cpp_options=cpp_options)
            except (ValueError, RuntimeError, OSError) as error:
                raise CompileError(
                    f"CmdStan could not compile {stan_file.name}.\n{error}\n"
                    "Run `python -m brmspy doctor` to check the toolchain, or set "
                    "BRMSPY_TOOLCHAIN=embedded to do without CmdStan."
                ) from error
        Path(built).replace(exe)
        for suffix in (".hpp", ".o", ".d"):
            stan_file.with_suffix(suffix).unlink(missing_ok=True)

    def describe(self) -> dict[str, str]:
        """Return what a reader of a saved fit needs to know about this toolchain."""
        compiler = find_compiler()
        return {
            "toolchain": self.name,
            "stan": self.stan_version,
            "cmdstan": str(self.home),
            "compiler": compiler.version if compiler else "set by CmdStan",
        }

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        """Point cmdstanpy at this installation and keep it quiet."""
        before = os.environ.get("CMDSTAN")
        os.environ["CMDSTAN"] = str(self.home)
        try:
            with cmdstanpy.disable_logging():
                yield
        finally:
            if before is None:
                del os.environ["CMDSTAN"]
            else:
                os.environ["CMDSTAN"] = before


def find_cmdstan() -> CmdStanToolchain | None:
    """Find a CmdStan installation: ``CMDSTAN``, ``~/.cmdstan``, or the conda environment.

    Returns
    -------
    CmdStanToolchain or None
        None if there is no installation.

    Raises
    ------
    CompileError
        If there is one that cannot be used; says how to repair it.
    """
    home = _home()
    if home is None:
        return None
    advice = (
        "Install it again: `python -m cmdstanpy.install_cmdstan --overwrite`. "
        "To do without CmdStan, set BRMSPY_TOOLCHAIN=embedded."
    )
    makefile = home / "makefile"
    if not makefile.exists():
        named = " (named by CMDSTAN)" if os.environ.get("CMDSTAN") else ""
        raise CompileError(f"{home}{named} is not a CmdStan installation. {advice}")
    found = re.search(
        r"^CMDSTAN_VERSION\s*:?=\s*(\S+)", makefile.read_text(encoding="utf-8"), re.MULTILINE
    )
    if found is None:
        raise CompileError(f"{makefile} does not say which version of CmdStan it is. {advice}")
    toolchain = CmdStanToolchain(home, found[1])
    if _numbers(found[1]) < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        raise CompileError(
            f"CmdStan {found[1]} in {home} is too old, brmspy needs {oldest} or later. {advice}"
        )
    if not toolchain.stanc.exists():
        raise CompileError(
            f"CmdStan in {home} is not built: {toolchain.stanc} is missing. {advice}"
        )
    return toolchain


def _home() -> Path | None:
    """Return the installation that cmdstanpy would use, or the conda environment's."""
    chosen = os.environ.get("CMDSTAN")
    if chosen:
        return Path(chosen)
    conda = Path(sys.prefix, "bin", "cmdstan")
    if (conda / "makefile").exists():
        return conda
    folder = Path("~/.cmdstan").expanduser()
    installed = [path for path in folder.glob("cmdstan-*") if path.is_dir()]
    return max(installed, key=lambda path: _numbers(path.name), default=None)


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, a release candidate's before the release's."""
    numbers = [int(number) for number in re.findall(r"\d+", version.partition("-rc")[0])]
    return (*numbers, -1 if "-rc" in version else 0)
