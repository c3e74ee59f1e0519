"""Names of coefficients in R, statsmodels and brmspy, brought into one form."""

from __future__ import annotations

import re
from collections.abc import Iterator

from brmspy.data import GroupInfo
from brmspy.data.names import brms_name
from brmspy.fit import Variable
from brmspy.twin.problem import Problem

__all__ = ["Names", "plain_name"]

_PATSY_FACTOR = re.compile(r"C\(\s*([^,()]+?)\s*(?:,[^()]*(?:\([^()]*\))?[^()]*)?\)(?=\[)")
_PATSY_LEVEL = re.compile(r"\[(?:T\.)?([^\]]*)\]")
_CONSTANTS = frozenset({"Intercept", "const", "cons", "constant"})


def plain_name(name: str) -> str:
    """Return a coefficient's name in one form, whoever wrote it.

    Parameters
    ----------
    name : str
        As in R (``"(Intercept)"``, ``"period2"``), in statsmodels' formulas
        (``"C(period)[T.2]"``), or in brmspy.

    Returns
    -------
    str
        brms' name, with the parts of interactions in alphabetical order.

    Examples
    --------
    >>> from brmspy.twin.naming import plain_name
    >>> plain_name("(Intercept)"), plain_name("C(period)[T.2]"), plain_name("x:f[T.b]")
    ('Intercept', 'period2', 'fb:x')
    """
    text = _PATSY_FACTOR.sub(r"\1", str(name).strip())
    text = _PATSY_LEVEL.sub(r"\1", text)
    text = text.replace("**", "^").replace("np.", "")
    parts = sorted(brms_name(part) for part in text.split(":"))
    joined = ":".join(parts)
    return "Intercept" if joined in _CONSTANTS else joined


class Names:
    """brms' names of a model's parameters, found by what others call them.

    Parameters
    ----------
    problem : Problem
        The model.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._coefficients: dict[str, str] = {}
        for predictor, variable in problem.coefficients:
            for brms, alias in _aliases(predictor, variable):
                self._coefficients.setdefault(alias, brms)

    def coefficient(self, name: str) -> str | None:
        """Return brms' name of a coefficient; None if there is none."""
        if name in self.problem.coefficient_names:
            return name
        text = str(name).removeprefix("b_")
        for form in (plain_name(text), plain_name(text.replace(".", "_", 1))):
            if form in self._coefficients:
                return self._coefficients[form]
        return None

    def group(self, name: str | None) -> str | None:
        """Return the grouping factor that is called so; the only one if it has no name."""
        groups = {info.group: info for info in self.problem.design.groups}
        if name is None:
            return next(iter(groups)) if len(groups) == 1 else None
        wanted = _parts(name)
        found = [group for group in groups if _parts(group) == wanted]
        if not found:
            # lme4 numbers the terms of one factor: Subject, Subject.1
            wanted = _parts(re.sub(r"\.\d+$", "", name))
            found = [group for group in groups if _parts(group) == wanted]
        return found[0] if found else None

    def spread(self, group: str | None, first: str, second: str = "") -> str | None:
        """Return brms' name of a standard deviation, or of a correlation if there are two names."""
        factor = self.group(group)
        if factor is None:
            return None
        coefs = _group_aliases(self.problem.design.groups, factor)
        # statsmodels calls the intercept of a group by the name of the group.
        if "Intercept" in coefs:
            coefs.setdefault(plain_name(factor), coefs["Intercept"])
        names = [coefs.get(plain_name(item)) for item in (first, second) if item]
        if None in names:
            return None
        if len(names) == 1:
            return self._known(f"sd_{factor}__{names[0]}")
        return self._known(f"cor_{factor}__{names[0]}__{names[1]}") or self._known(
            f"cor_{factor}__{names[1]}__{names[0]}"
        )

    def _known(self, name: str) -> str | None:
        """Return a name if it is one of the model's."""
        known = {str(item) for variable in self.problem.variables for item in variable.brms.flat}
        return name if name in known else None


def _aliases(predictor: str, variable: Variable) -> Iterator[tuple[str, str]]:
    """Yield brms' name of each coefficient with what others may call it."""
    labels = variable.coords[variable.dims[0]]
    for brms, label in zip(map(str, variable.brms.flat), labels, strict=True):
        own = brms.removeprefix("b_")
        yield brms, plain_name(own)
        if predictor == "mu":
            yield brms, plain_name(label)
            continue
        yield brms, plain_name(f"{predictor}_{label}")
        if label == "Intercept":
            yield brms, plain_name(predictor)


def _group_aliases(groups: tuple[GroupInfo, ...], factor: str) -> dict[str, str]:
    """Return brms' names of what varies by a factor, by what others may call it."""
    found: dict[str, str] = {}
    for info in groups:
        if info.group != factor:
            continue
        for coef in info.coefs:
            for alias in (coef.brms_label, coef.label):
                found.setdefault(plain_name(alias), coef.brms_label)
            if coef.predictor != "mu" and coef.name.label == "Intercept":
                found.setdefault(plain_name(coef.predictor), coef.brms_label)
    return found


def _parts(name: str) -> list[str]:
    """Return the columns of a grouping factor, in alphabetical order."""
    return sorted(part.strip() for part in re.split(r"[:/]", str(name)))
