"""Where compiled things live."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["cache_directory", "models_directory", "runners_directory"]


def cache_directory() -> Path:
    """Return the folder for everything brmspy compiles.

    Returns
    -------
    Path
        The value of the environment variable ``BRMSPY_CACHE_DIR`` if set, else the user's cache
        folder for brmspy. Not created.
    """
    chosen = os.environ.get("BRMSPY_CACHE_DIR")
    if chosen:
        return Path(chosen).expanduser().resolve()
    return platformdirs.user_cache_path("brmspy", appauthor=False)


def models_directory() -> Path:
    """Return the folder of the compiled models, which is pruned by size."""
    return cache_directory() / "models"


def runners_directory() -> Path:
    """Return the folder of the runners and precompiled headers, which is not pruned."""
    return cache_directory() / "runners"
