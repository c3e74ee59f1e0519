"""Choose the toolchain."""

from __future__ import annotations

from brmspy.engine.embedded import find_embedded
from brmspy.engine.interface import CompileOptions, Toolchain

__all__ = ["CompileOptions", "Toolchain", "find_toolchain"]


def find_toolchain(name: str | None = None) -> Toolchain:
    """Find the toolchain to compile models with."""
    return find_embedded()
