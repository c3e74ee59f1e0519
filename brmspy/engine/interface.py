"""What every toolchain offers: check a Stan program, and compile it to an executable."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CompileOptions", "Toolchain"]


@dataclass(frozen=True)
class CompileOptions:
    """How to compile a model.

    Parameters
    ----------
    threads : bool
        Compile with ``STAN_THREADS``: chains and ``reduce_sum`` can use several threads of one
        process.
    """

    threads: bool = False


class Toolchain(ABC):
    """Turns Stan programs into executables that take CmdStan's command line.

    Attributes
    ----------
    name : str
        ``"cmdstan"`` or ``"embedded"``.
    stan_version : str
        Version of Stan, such as ``"2.35.0"``.
    """

    name: str
    stan_version: str

    @abstractmethod
    def fingerprint(self, options: CompileOptions) -> str:
        """Return all that decides what an executable looks like, for the cache key.

        Parameters
        ----------
        options : CompileOptions
            How the model would be compiled.

        Returns
        -------
        str
            Toolchain, versions, compiler and flags.
        """

    @abstractmethod
    def check(self, code: str, name: str = "model", pedantic: bool = False) -> tuple[str, ...]:
        """Check a Stan program without compiling it.

        Parameters
        ----------
        code : str
            The Stan program.
        name : str
            Its name in messages.
        pedantic : bool
            Also warn about common mistakes (stanc's ``--warn-pedantic``).

        Returns
        -------
        tuple of str
            Stan's warnings.

        Raises
        ------
        CompileError
            If the program is not valid; the message is Stan's.
        """

    @abstractmethod
    def is_prepared(self, options: CompileOptions) -> bool:
        """Tell whether nothing but the model itself remains to be compiled.

        Parameters
        ----------
        options : CompileOptions
            How to compile.

        Returns
        -------
        bool
            False before the first compilation with the embedded toolchain, which then also
            compiles its runner and takes longer.
        """

    @abstractmethod
    def prepare(self, options: CompileOptions) -> None:
        """Compile ahead what every model needs.

        Parameters
        ----------
        options : CompileOptions
            How models will be compiled.

        Raises
        ------
        CompileError
            If the compiler fails.
        """

    @abstractmethod
    def compile(self, stan_file: Path, exe: Path, options: CompileOptions) -> None:
        """Compile a Stan program.

        Parameters
        ----------
        stan_file : Path
            The Stan program, a file whose name ends in ``.stan``.
        exe : Path
            The executable to write; its folder must exist and is used for intermediate files.
        options : CompileOptions
            How to compile.

        Raises
        ------
        CompileError
            If translation, compilation or linking fails.
        """

    @abstractmethod
    def describe(self) -> dict[str, str]:
        """Return what a reader of a saved fit needs to know about this toolchain.

        Returns
        -------
        dict of str to str
            Names and values, all text.
        """
