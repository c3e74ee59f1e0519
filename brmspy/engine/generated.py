"""What is done to the C++ code that stanc generates, so that it compiles faster.

Nine tenths of the time goes into reading Stan's headers and into instantiating the same functions
for every model. Models therefore include ``lean/model.hpp``, where those functions are only
declared, and are linked with ``lean/functions.cpp``, compiled once for each machine. What is not
declared there is compiled with all of Stan's headers.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

__all__ = ["INCLUDE", "LEAN", "lean", "with_lean_base"]

LEAN = Path(__file__).parent / "lean"
"""The folder of the declarations and of the functions behind them."""
INCLUDE = ("-I", str(LEAN.parent))
"""The flags with which a compiler finds it."""

_HEADER = "#include <stan/model/model_header.hpp>"
_BASE = "using stan::model::model_base_crtp;"
# Constants are dropped only where a density is asked to drop them: by `~` or in `_lupdf`.
_DROPS_CONSTANTS = re.compile(r"\b(?!log_prob_impl\b)\w+<propto__")
# `std_normal_lupdf(0)`, by which a program asks whether they are, and then adds them.
_ADDS_CONSTANTS = "std_normal_lpdf<propto__>(0)"
# The first argument of every macro: the name of a function.
_LISTED = re.compile(r"^[A-Z_0-9]+\((\w+)", re.MULTILINE)


def with_lean_base(code: str) -> str:
    """Give a model a base class that has its log density instantiated twice, not sixteen times.

    Parameters
    ----------
    code : str
        What stanc generated.

    Returns
    -------
    str
        The same code if it has densities without constants that it does not add itself: these
        need Stan's own base class.
    """
    differs = _DROPS_CONSTANTS.search(code) and _ADDS_CONSTANTS not in code
    if differs or _HEADER not in code or _BASE not in code:
        return code
    code = code.replace(_HEADER, f'{_HEADER}\n#include "lean/base.hpp"')
    return code.replace(_BASE, "using brmspy::model_base_crtp;")


def lean(code: str) -> str | None:
    """Let a model use declarations of Stan's functions in place of Stan's headers.

    Parameters
    ----------
    code : str
        What stanc generated.

    Returns
    -------
    str or None
        Code that compiles if all it needs is declared. None if its constants matter.
    """
    based = with_lean_base(code)
    if based == code:
        return None
    headers = ["model.hpp", *(["reduce_sum.hpp"] if "reduce_sum" in code else [])]
    includes = "\n".join(f'#include "lean/{header}"' for header in headers)
    names = "|".join((*_listed_names(), "accumulator"))
    based = based.replace(_HEADER, includes)
    based = re.sub(rf"\bstan::math::({names})\b", r"brmspy::\1", based)
    return re.sub(r"\bstan::io::((?:de)?serializer)\b", r"brmspy::\1", based)


@functools.cache
def _listed_names() -> tuple[str, ...]:
    """Return the names of all functions that are compiled ahead."""
    text = (LEAN / "signatures.hpp").read_text(encoding="utf-8")
    return tuple(sorted(set(_LISTED.findall(text))))
