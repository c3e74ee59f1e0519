"""The names that a hypothesis may use, and where they stand in its text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from brmspy.errors import BrmspyError, did_you_mean
from brmspy.fit import Fit
from brmspy.fit.variables import NameTable
from brmspy.formula.expression import quoted

__all__ = ["Vocabulary", "parameter_names"]

_WORD = re.compile(
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|[^\W\d][\w.]*|\s+|.", re.DOTALL
)
_QUOTED = re.compile(r"`((?:[^`\\]|\\.)*)`")


@dataclass(frozen=True)
class Vocabulary:
    """What can be named.

    Attributes
    ----------
    names : mapping of str to str
        What may be written, and the parameter that it stands for.
    preferred : tuple of str
        What is proposed where a name is unknown.
    """

    names: Mapping[str, str]
    preferred: tuple[str, ...]

    @cached_property
    def longest(self) -> int:
        """Length of the longest name."""
        return max(map(len, self.names), default=0)

    def marked(self, text: str) -> str:
        """Return a text with the parameters that it names, between backticks where R needs them.

        Names may hold anything, such as operators and blanks: of all that could begin at a place,
        the longest is meant.

        Parameters
        ----------
        text : str
            A hypothesis.

        Returns
        -------
        str
        """
        pieces = []
        place = 0
        while place < len(text):
            between = _QUOTED.match(text, place)
            if between is not None:
                written = re.sub(r"\\(.)", r"\1", between[1])
                pieces.append(quoted(self.names.get(written, written)))
                place = between.end()
                continue
            end = self._end_of_name(text, place)
            if end > place:
                pieces.append(quoted(self.names[text[place:end]]))
            else:
                word = _WORD.match(text, place)
                assert word is not None, "it matches any character"
                end = word.end()
                pieces.append(word[0])
            place = end
        return "".join(pieces)

    def _end_of_name(self, text: str, start: int) -> int:
        """Return where the longest name that begins here ends; `start` if none does."""
        number = _WORD.match(text, start)
        least = number.end() if number is not None and number["number"] else start
        for end in range(min(len(text), start + self.longest), least, -1):
            inside_a_word = end < len(text) and _is_word(text[end - 1]) and _is_word(text[end])
            if not inside_a_word and text[start:end] in self.names:
                return end
        return start


def _is_word(char: str) -> bool:
    return char.isalnum() or char in "_."


def parameter_names(fit: Fit, text: str, class_: str | None, group: str) -> Vocabulary:
    """Return the names of parameters, those of a class without what they begin with.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    text : str
        The hypothesis; effects of levels are looked for only if it may name one.
    class_ : str or None
        Class of parameters: ``"b"``, ``"sd"``, ``"cor"``; none for whole names alone.
    group : str
        Grouping factor of the class; may be empty.

    Returns
    -------
    Vocabulary

    Raises
    ------
    BrmspyError
        If there are no parameters of the class.
    """
    chosen = [v for v in fit.variables if v.section != "group_effects" or "r_" in text]
    table = NameTable.of(chosen)
    whole = {alias: table.names[p[0]] for alias, p in table.aliases.items() if len(p) == 1}
    whole |= {name: name for name in table.names}
    whole |= {short: name for alias, name in whole.items() if (short := _dense(alias)) not in whole}
    if not class_:
        return Vocabulary(whole, table.names)
    prefix = f"{class_}_{group}__" if group else f"{class_}_"
    inside = {
        alias[len(prefix) :]: name
        for alias, name in whole.items()
        if alias.startswith(prefix) and alias != prefix
    }
    if not inside and prefix == "b_":  # the usual one, in a model without coefficients
        return Vocabulary(whole, table.names)
    if not inside:
        classes = {name.partition("_")[0] for name in table.names if "_" in name} - {"r"}
        groups = {v.group for v in fit.variables if v.group}
        what = f"class_ = {class_!r}" + (f" with group = {group!r}" if group else "")
        valid = did_you_mean(group, sorted(groups)) if class_ in classes and group else ""
        raise BrmspyError(
            f"{what}: no parameter's name begins with {prefix!r}. "
            + (valid or f"{did_you_mean(class_, sorted(classes))} class_=None takes whole names.")
        )
    own = [name[len(prefix) :] for name in table.names if name.startswith(prefix)]
    return Vocabulary(whole | inside, (*own, *table.names))


def _dense(name: str) -> str:
    """Return a name without blanks: ``I(x*2)`` for ``I(x * 2)``."""
    return name.replace(" ", "")
