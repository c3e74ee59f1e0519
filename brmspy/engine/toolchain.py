"""Choose the toolchain that compiles Stan programs."""

from __future__ import annotations

import os

from brmspy.engine.cmdstan import find_cmdstan
from brmspy.engine.embedded import find_embedded
from brmspy.engine.interface import CompileOptions, Toolchain
from brmspy.errors import CompileError, did_you_mean

__all__ = ["CompileOptions", "Toolchain", "find_toolchain"]

_NAMES = ("cmdstan", "embedded")
_VARIABLE = "BRMSPY_TOOLCHAIN"


def find_toolchain(name: str | None = None) -> Toolchain:
    """Find the toolchain to compile models with.

    Parameters
    ----------
    name : {"cmdstan", "embedded"}, optional
        The toolchain. By default the one that the environment variable ``BRMSPY_TOOLCHAIN``
        names, else a CmdStan installation if there is one (``CMDSTAN``, ``~/.cmdstan`` or the
        conda environment), else the embedded toolchain.

    Returns
    -------
    Toolchain

    Raises
    ------
    CompileError
        If the toolchain cannot be used; says what to install.

    Examples
    --------
    >>> from brmspy.engine.toolchain import find_toolchain
    >>> find_toolchain("embedded").name
    'embedded'
    """
    chosen = name or os.environ.get(_VARIABLE) or None
    if chosen is not None and chosen not in _NAMES:
        source = "toolchain" if name else _VARIABLE
        raise CompileError(f"{source}={chosen!r} is unknown. {did_you_mean(str(chosen), _NAMES)}")
    if chosen == "embedded":
        return find_embedded()
    cmdstan = find_cmdstan()
    if cmdstan is not None:
        return cmdstan
    if chosen == "cmdstan":
        raise CompileError(
            "No CmdStan installation was found (CMDSTAN, ~/.cmdstan, conda). Install one: "
            "`python -m cmdstanpy.install_cmdstan`, or use the embedded toolchain."
        )
    return find_embedded()
