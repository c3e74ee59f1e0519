"""Where the files that are not Python modules live.

A wheel carries the Stan templates inside the package; in a checkout they stand beside it.
"""

from __future__ import annotations

from pathlib import Path

from brmspy.errors import BrmspyError

__all__ = ["templates_directory"]

_PACKAGE = Path(__file__).resolve().parent


def templates_directory() -> Path:
    """Return the folder of the Stan templates.

    Returns
    -------
    pathlib.Path
        ``brmspy/_templates`` of an installed package, else ``templates`` of the checkout.

    Raises
    ------
    BrmspyError
        If neither exists, that is, if the installation is incomplete.

    Examples
    --------
    >>> from brmspy.resources import templates_directory
    >>> templates_directory().is_dir()
    True
    """
    candidates = (_PACKAGE / "_templates", _PACKAGE.parent / "templates")
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    places = " or ".join(str(candidate) for candidate in candidates)
    raise BrmspyError(
        f"This installation of brmspy is incomplete: the Stan templates are not in {places}. "
        "Install it again: pip install --force-reinstall --no-deps brmspy"
    )
