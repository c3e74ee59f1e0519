"""Libraries of the extra ``brmspy[frequentist]``, imported when something is fitted with them."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Any

from brmspy.errors import BrmspyError

__all__ = ["library", "version_of"]


def library(module: str, purpose: str) -> Any:
    """Import a module of an optional library.

    Parameters
    ----------
    module : str
        The module.
    purpose : str
        What it is needed for, as the beginning of a sentence.

    Returns
    -------
    module

    Raises
    ------
    BrmspyError
        If the library is not installed; names the extra.
    """
    name = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise BrmspyError(
            f'{purpose} needs {name}, which is not installed: pip install "brmspy[frequentist]"'
        ) from error


def version_of(name: str) -> str:
    """Return a library with its version, such as ``"statsmodels 0.14.4"``."""
    return f"{name} {version(name)}"
