"""Initial values by the user's names, in the coordinates that the program samples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.errors import SamplingError, did_you_mean
from brmspy.families import Family
from brmspy.formula import NonlinearPredictor
from brmspy.nonlinear import solve
from brmspy.pilot.priors import normal_stand_in
from brmspy.program.parameters import StanParameter
from brmspy.program.program import Program
from brmspy.program.terms import Population
from brmspy.program.unconstrained import from_unconstrained, to_unconstrained

__all__ = ["initial_point", "user_names"]

FloatArray = NDArray[np.float64]


def user_names(program: Program) -> tuple[str, ...]:
    """Return the user's names of what can be given an initial value.

    Parameters
    ----------
    program : Program
        The program.

    Returns
    -------
    tuple of str
        Coefficients, ``"b_Asym_Intercept"``; predicted parameters, ``"Asym"``, for a value that is
        the same in all rows; standard deviations, ``"sd_g__Asym_Intercept"``; the family's.
    """
    populations = program.terms.population.values()
    coefficients = [name for term in populations for name in _names(program, term)]
    predicted = [p.name for p in program.design.terms.predictors if p.name != "mu"]
    own = [name for name in program.family_parameters if name in program.initial_names]
    return (*coefficients, *predicted, *_sd_places(program), *own)


def initial_point(
    program: Program, family: Family, values: Mapping[str, Any], base: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a starting point of a chain with some values as the user wants them.

    Parameters
    ----------
    program : Program
        The program.
    family : Family
        The response's family, for the links of predicted parameters.
    values : mapping of str to number or array_like
        By the user's names, or those of the Stan program.
    base : mapping of str to Any
        Where the chain starts otherwise, by the names of the Stan program; may be empty.

    Returns
    -------
    dict of str to Any
        By the names of the Stan program.

    Raises
    ------
    SamplingError
        If a name is unknown, or a value impossible.
    """
    _check_names(program, values)
    # What the program samples under the user's own name needs no translation.
    translated = {n: v for n, v in values.items() if n not in program.initial_names}
    direct = {n: v for n, v in values.items() if n in program.initial_names}
    point = _Point(program, family, dict(base))
    point.set_direct(direct)
    point.set_coefficients(translated)
    point.set_sds(translated)
    return point.values


def _check_names(program: Program, values: Mapping[str, Any]) -> None:
    """Refuse initial values of what there is not, which Stan would ignore."""
    known = (*user_names(program), *program.initial_names)
    for name in values:
        if name in known:
            continue
        text = str(name)
        hint = did_you_mean(text, known)
        if text.startswith(("r_", "cor_")):
            hint = (
                "Effects of single levels and correlations start near a quick approximation. "
                "Their standard deviations can be given: "
                + (", ".join(_sd_places(program)) or "there are none")
                + "."
            )
        raise SamplingError(
            f"init has a value for {name!r}, which is no parameter of this model, or is fixed. "
            f"{hint}"
        )


def _names(program: Program, term: Population) -> dict[str, int]:
    """Return the user's names of a predictor's coefficients, with their places."""
    prefix = "b_" if term.predictor == "mu" else f"b_{term.predictor}_"
    coefs = program.design.predictors[term.predictor].coefs
    names = {f"{prefix}{coef.brms}": place for place, coef in enumerate(coefs)}
    return names | {f"{prefix}{coef.label}": place for place, coef in enumerate(coefs)}


def _sd_places(program: Program) -> dict[str, tuple[StanParameter, int]]:
    """Return where each standard deviation stands, by the user's names."""
    terms, groups = program.terms, program.design.groups
    found: list[tuple[int, int, StanParameter, int]] = []
    for uncorrelated in terms.uncorrelated.values():
        for place, (block, m) in enumerate(uncorrelated.members):
            found.append((block, m, uncorrelated.sd, place))
    for correlated in terms.correlated:
        found += [(correlated.block, m, correlated.sd, m) for m in range(correlated.size)]
    if terms.integrated is not None:
        for part in terms.integrated.parts:
            found += [
                (part.block, m, terms.integrated.sd, part.first + m) for m in range(part.size)
            ]
    places: dict[str, tuple[StanParameter, int]] = {}
    for block, m, parameter, place in found:
        if parameter.elements[place].distribution == "constant":
            continue
        group, coef = groups[block].group, groups[block].coefs[m]
        for label in (coef.brms_label, coef.label):
            places[f"sd_{group}__{label}"] = (parameter, place)
    return places


@dataclass
class _Point:
    """A starting point in the making."""

    program: Program
    family: Family
    values: dict[str, Any]

    def set_direct(self, given: Mapping[str, Any]) -> None:
        """Take over values by the names of the program."""
        if not given:
            return
        named = {p.free if p.fixed == "some" else p.name: p for p in self.program.parameters}
        for name, value in given.items():
            array = _numbers(name, value)
            parameter = named[name]
            free = [e for e in parameter.elements if e.distribution != "constant"]
            if len(free) == array.size and parameter.type != "cholesky_factor_corr":
                for element, number in zip(free, array.ravel(), strict=True):
                    _check_bounds(name, float(number), element.lower, element.upper)
        standard = self.program.terms.standard
        coordinates = None if standard is None else self.values.get("std_coefs")
        if standard is not None and coordinates is not None:
            self.values |= standard.coordinates(given, np.asarray(coordinates))
        else:
            self.values |= self.program.initial(given)

    def set_coefficients(self, given: Mapping[str, Any]) -> None:
        """Give coefficients their values."""
        changed: dict[str, FloatArray] = {}
        for predictor, term in self.program.terms.population.items():
            wanted = self._wanted(predictor, term, given)
            if wanted:
                changed[predictor] = self._with(term, wanted)
        if not changed:
            return
        standard = self.program.terms.standard
        free: list[FloatArray] = []
        for predictor, term in self.program.terms.population.items():
            stacked = changed.get(predictor, self._stacked(term))
            if term.definition:
                free.append(to_unconstrained(stacked, *term.interval))
            elif predictor in changed:
                self._write(term, stacked)
        if standard is not None:
            moved = np.concatenate(free) - standard.whitening.location
            self.values["std_coefs"] = np.linalg.solve(standard.whitening.scale, moved)

    def _wanted(
        self, predictor: str, term: Population, given: Mapping[str, Any]
    ) -> dict[int, float]:
        """Return the values that coefficients are to have, by place."""
        wanted: dict[int, float] = {}
        level = self._level(predictor, given)
        if level is not None:
            X = self.program.design.arrays.predictors[predictor].X
            offset = self.program.design.arrays.predictors[predictor].offset
            target = np.full(len(X), level - (0.0 if offset is None else float(offset.mean())))
            solution, *_ = np.linalg.lstsq(X, target, rcond=None)
            wanted |= dict(enumerate(map(float, solution)))
        for name, place in _names(self.program, term).items():
            if name in given:
                wanted[place] = _number(name, given[name])
        return wanted

    def _level(self, predictor: str, given: Mapping[str, Any]) -> float | None:
        """Return the value that a linear predictor is to have in all rows, if one is given."""
        terms = self.program.design.terms
        if predictor in given:
            value = _number(predictor, given[predictor])
            if predictor in self.family.dpar_names:
                with np.errstate(all="ignore"):
                    value = float(self.family.dpar(predictor).link.forward(value))
            if not math.isfinite(value):
                raise SamplingError(
                    f"init: {predictor} cannot be {given[predictor]!r}, which has no place on the "
                    "scale of its link."
                )
            return value
        for found in terms.predictors:
            # A transformed parameter, of which this predictor is the inside.
            if (
                isinstance(found, NonlinearPredictor)
                and found.nlpar
                and found.name in given
                and predictor in found.parameters
            ):
                known = {
                    name: _number(name, given[name])
                    for name in found.parameters
                    if name in given and name != predictor
                }
                missing = [n for n in found.parameters if n != predictor and n not in known]
                value = solve(found.body, _number(found.name, given[found.name]), known)
                if missing and predictor != self._innermost(found):
                    continue
                if missing or found.covariates or not math.isfinite(value):
                    reason = (
                        f"give {' and '.join(missing)} too"
                        if missing
                        else f"it is a function of {predictor}, "
                        f"'{' '.join(found.source.split())}', which has no such value. Give one "
                        f"that it has, or one for b_{predictor}_Intercept"
                    )
                    raise SamplingError(
                        f"init: {found.name} = {given[found.name]!r} cannot be reached: {reason}."
                    )
                return value
        return None

    def _innermost(self, found: NonlinearPredictor) -> str:
        """Return the parameter of a transformation that stands in no other formula."""
        others = {
            name
            for p in self.program.design.terms.predictors
            if isinstance(p, NonlinearPredictor) and p.name != found.name
            for name in p.parameters
        }
        inner = [name for name in found.parameters if name not in others]
        return inner[0] if inner else found.parameters[-1]

    def _stacked(self, term: Population) -> FloatArray:
        """Return the coefficients of a predictor at the point, as the program has them."""
        standard = self.program.terms.standard
        if term.definition and standard is not None:
            white = standard.whitening
            coordinates = np.asarray(self.values.get("std_coefs", np.zeros(len(white.location))))
            start = 0
            for other in standard.populations:
                if other.predictor == term.predictor:
                    break
                start += other.count
            place = slice(start, start + term.count)
            free = (white.location + white.scale @ coordinates)[place]
            return from_unconstrained(free, *term.interval)
        parts = []
        for parameter in (term.intercept, term.coefficients):
            if parameter is None:
                continue
            values = np.array([normal_stand_in(element)[0] for element in parameter.elements])
            name = parameter.free if parameter.fixed == "some" else parameter.name
            if name in self.values:
                values[parameter.free_positions] = np.ravel(self.values[name])
            parts.append(values)
        return np.concatenate(parts)

    def _with(self, term: Population, wanted: Mapping[int, float]) -> FloatArray:
        """Return a predictor's coefficients with some of them changed."""
        info = self.program.design.predictors[term.predictor]
        stacked = self._stacked(term)
        names = list(_names(self.program, term))
        elements = [
            element
            for parameter in (term.intercept, term.coefficients)
            if parameter is not None
            for element in parameter.elements
        ]
        for place, value in wanted.items():
            stacked[place] = value
        if info.centred and 0 in wanted:
            # The user's intercept is at zero, the program's at the means.
            stacked[0] += float(info.means @ stacked)
        for place, element in enumerate(elements):
            if place not in wanted:
                continue
            if element.distribution == "constant":
                raise SamplingError(
                    f"init has a value for {names[place]!r}, which its prior "
                    f"{element.text!r} fixes. Leave it out."
                )
            _check_bounds(names[place], float(stacked[place]), element.lower, element.upper)
        return stacked

    def _write(self, term: Population, stacked: FloatArray) -> None:
        """Set the parameters of a predictor whose coefficients are sampled as they are."""
        start = 0
        for parameter in (term.intercept, term.coefficients):
            if parameter is None:
                continue
            own = stacked[start : start + len(parameter.elements)]
            start += len(parameter.elements)
            if parameter.fixed == "all":
                continue
            name = parameter.free if parameter.fixed == "some" else parameter.name
            free = own[parameter.free_positions]
            self.values[name] = free if parameter.size else float(free[0])

    def set_sds(self, given: Mapping[str, Any]) -> None:
        """Give standard deviations their values."""
        for name, (parameter, place) in _sd_places(self.program).items():
            if name not in given:
                continue
            value = _number(name, given[name])
            element = parameter.elements[place]
            _check_bounds(name, value, element.lower, element.upper)
            own = parameter.free if parameter.fixed == "some" else parameter.name
            free = parameter.free_positions
            scales = np.array([_typical(parameter.elements[i].args) for i in free])
            current = np.array(self.values.get(own, scales), dtype=float).reshape(len(free))
            current[list(free).index(place)] = value
            self.values[own] = current


def _typical(args: tuple[float, ...]) -> float:
    """Return a standard deviation to start from where there is no other: its prior's scale."""
    return float(args[-1]) if args and args[-1] > 0.0 else 1.0


def _numbers(name: str, value: Any) -> FloatArray:
    """Return an initial value as an array of finite numbers."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    if not np.all(np.isfinite(array)):
        raise SamplingError(
            f"init: {name} = {value!r} is not a finite number. Give one, such as "
            f"init={{{name!r}: 1.0}}, or leave it out."
        )
    return array


def _number(name: str, value: Any) -> float:
    """Return an initial value as one number."""
    array = _numbers(name, value)
    if array.size != 1:
        raise SamplingError(
            f"init: {name} is one number, but {value!r} has {array.size}. Values for each chain "
            "are a list of mappings: init=[{...}, {...}]."
        )
    return float(array.ravel()[0])


def _check_bounds(name: str, value: float, lower: float, upper: float) -> None:
    """Refuse a value that its parameter cannot have."""
    if not lower < value < upper and not (math.isinf(lower) and math.isinf(upper)):
        limits = [f"above {lower:g}"] if math.isfinite(lower) else []
        limits += [f"below {upper:g}"] if math.isfinite(upper) else []
        raise SamplingError(
            f"init: {name} = {value:g} is outside of its bounds: it must be {' and '.join(limits)}."
        )
