"""The posterior's variables and the names of their elements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from brmspy.errors import BrmspyError, did_you_mean

__all__ = ["NameTable", "Variable", "unique_dims"]

# The order in which brms lists parameters.
_SECTIONS = ("population", "group_sd", "group_cor", "family", "internal", "group_effects")


@dataclass(frozen=True)
class Variable:
    """One variable of the posterior, with its labels.

    Attributes
    ----------
    name : str
        Name in the posterior: ``"b"``, ``"b_sigma"``, ``"sd_Subject"``, ``"sigma"``.
    section : str
        Where it belongs: ``"population"``, ``"group_sd"``, ``"group_cor"``, ``"group_effects"``,
        ``"family"`` or ``"internal"``.
    dims : tuple of str
        Names of its dimensions, after chain and draw.
    coords : mapping of str to tuple of str
        Labels along each dimension, in the user's text.
    brms : ndarray of object
        brms' names of the elements, in the variable's shape.
    labels : ndarray of object
        Names of the rows in the printed summary, in the variable's shape.
    group : str
        The grouping factor, if it belongs to one.
    """

    name: str
    section: str
    dims: tuple[str, ...]
    coords: Mapping[str, tuple[str, ...]]
    brms: NDArray[np.object_]
    labels: NDArray[np.object_]
    group: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the dimensions."""
        return self.brms.shape

    def element_labels(self) -> Iterator[tuple[str, ...]]:
        """Yield the coordinates of every element, in C order."""
        for index in np.ndindex(self.shape):
            yield tuple(
                self.coords[dim][place] for dim, place in zip(self.dims, index, strict=True)
            )


def unique_dims(variables: Sequence[Variable], reserved: Iterable[str]) -> tuple[Variable, ...]:
    """Rename dimensions that are called like something else.

    A grouping factor may be called ``chain``, ``coef`` or ``sigma``, which are taken. Its dimension
    is then called ``chain_dim``, or ``chain_dim2`` if that is taken too. Dimensions of one name and
    the same labels are one dimension.

    Parameters
    ----------
    variables : sequence of Variable
        Variables as the model names them.
    reserved : iterable of str
        Names that no dimension may have, beside those of the variables.

    Returns
    -------
    tuple of Variable
        In the same order.
    """
    taken: dict[str, tuple[str, ...] | None] = dict.fromkeys(reserved)
    taken |= dict.fromkeys(variable.name for variable in variables)
    renamed = list(variables)
    # Coefficients first: they keep the name "coef" if a group is called that too.
    for position in sorted(
        range(len(variables)), key=lambda i: variables[i].section != "population"
    ):
        variable = variables[position]
        names = {}
        for dim in variable.dims:
            names[dim] = _free_name(dim, variable.coords[dim], taken)
            taken[names[dim]] = variable.coords[dim]
        renamed[position] = replace(
            variable,
            dims=tuple(names[dim] for dim in variable.dims),
            coords={names[dim]: labels for dim, labels in variable.coords.items()},
        )
    return tuple(renamed)


def _free_name(
    dim: str, labels: tuple[str, ...], taken: Mapping[str, tuple[str, ...] | None]
) -> str:
    """Return the first name for a dimension that is free, or that has the same labels."""
    name, number = dim, 1
    while name in taken and taken[name] != labels:
        name = f"{dim}_dim{number if number > 1 else ''}"
        number += 1
    return name


@dataclass(frozen=True)
class NameTable:
    """All elements of the posterior by name.

    Attributes
    ----------
    variables : tuple of Variable
        The variables, in the order of the elements.
    names : tuple of str
        One name for every element: that of brms, unless two elements share it; then
        ``variable[label]``.
    """

    variables: tuple[Variable, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, variables: Iterable[Variable]) -> NameTable:
        """Name the elements of all variables, in brms' order.

        Parameters
        ----------
        variables : iterable of Variable
            The variables of a posterior.
        """
        ordered = tuple(sorted(variables, key=lambda variable: _SECTIONS.index(variable.section)))
        brms = [str(name) for variable in ordered for name in variable.brms.flat]
        count = Counter(brms)
        general = (
            _general_name(variable, labels)
            for variable in ordered
            for labels in variable.element_labels()
        )
        names: dict[str, None] = {}
        for name, other in zip(brms, general, strict=True):
            unique = name if count[name] == 1 else other
            while unique in names:  # labels with commas can still make two names one
                unique += "'"
            names[unique] = None
        return cls(ordered, tuple(names))

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Position of each element, by its name."""
        return {name: place for place, name in enumerate(self.names)}

    @cached_property
    def offsets(self) -> Mapping[str, int]:
        """Position of the first element of each variable."""
        ends = np.cumsum([0, *(variable.brms.size for variable in self.variables)])
        return {v.name: int(end) for v, end in zip(self.variables, ends[:-1], strict=True)}

    @cached_property
    def aliases(self) -> Mapping[str, tuple[int, ...]]:
        """Positions of the elements that a name other than its own may mean."""
        found: dict[str, list[int]] = {}
        place = 0
        for variable in self.variables:
            for brms, labels in zip(variable.brms.flat, variable.element_labels(), strict=True):
                for alias in {
                    str(brms),
                    _general_name(variable, labels),
                    _user_name(variable, labels),
                }:
                    found.setdefault(alias, []).append(place)
                place += 1
        return {alias: tuple(places) for alias, places in found.items()}

    def find(self, key: str) -> tuple[Variable, tuple[int, ...] | None]:
        """Return the variable that `key` names, and the index if it names one element of it.

        Parameters
        ----------
        key : str
            A brms name, one with labels in the user's text, or the name of a variable.

        Returns
        -------
        Variable
            The variable.
        tuple of int or None
            The element's index; None for the whole variable.

        Raises
        ------
        BrmspyError
            If nothing has this name, or several things do.
        """
        whole, places = self._meanings(key)
        meanings = [self.names[place] for place in places]
        if len(places) + (whole is not None) > 1:
            if whole is not None:
                # The general form tells an element from the variable that has its name.
                meanings = [self._general(place) for place in places]
                meanings.append(f"{key}[...] (the whole variable: fit.idata.posterior[{key!r}])")
            raise BrmspyError(f"{key!r} means several things: {', '.join(meanings)}. Name one.")
        if whole is not None:
            return whole, None
        if not places:
            valid = [*self.names, *(variable.name for variable in self.variables)]
            raise BrmspyError(f"There is no parameter {key!r}. {did_you_mean(str(key), valid)}")
        variable, flat = self._owner(places[0])
        return variable, tuple(int(i) for i in np.unravel_index(flat, variable.shape))

    def places_in(self, sections: Sequence[str]) -> list[int]:
        """Return the places of all elements of these sections, in the order given.

        Parameters
        ----------
        sections : sequence of str
            Sections of `Variable`.
        """
        return [
            place
            for section in sections
            for variable in self.variables
            if variable.section == section
            for place in self._members(variable)
        ]

    def places_of(self, keys: str | Sequence[str]) -> list[int]:
        """Return the places of the elements that names stand for.

        Parameters
        ----------
        keys : str or sequence of str
            Names as for `find`.

        Raises
        ------
        BrmspyError
            As `find`.
        """
        places: list[int] = []
        for key in [keys] if isinstance(keys, str) else keys:
            variable, index = self.find(key)
            members = self._members(variable)
            if index is None:
                places += members
            else:
                places.append(members[int(np.ravel_multi_index(index, variable.shape))])
        return places

    def _members(self, variable: Variable) -> range:
        """Return the places of a variable's elements."""
        start = self.offsets[variable.name]
        return range(start, start + variable.brms.size)

    def knows(self, key: object) -> bool:
        """Say whether `find` would return something.

        Parameters
        ----------
        key : object
            Perhaps a name.
        """
        whole, places = self._meanings(key)
        return len(places) + (whole is not None) == 1

    def _meanings(self, key: object) -> tuple[Variable | None, tuple[int, ...]]:
        """Return the variable with this name, and the places of the elements with it."""
        if not isinstance(key, str):
            return None, ()
        whole = next((v for v in self.variables if v.name == key and v.shape), None)
        places = (self.places[key],) if key in self.places else self.aliases.get(key, ())
        return whole, places

    def _owner(self, place: int) -> tuple[Variable, int]:
        """Return the variable of an element, and the element's position in it."""
        for variable in self.variables:
            if place < variable.brms.size:
                return variable, place
            place -= variable.brms.size
        raise IndexError(place)

    def _general(self, place: int) -> str:
        """Return an element's name that no other element or variable has."""
        variable, flat = self._owner(place)
        return _general_name(variable, list(variable.element_labels())[flat])


def _general_name(variable: Variable, labels: Sequence[str]) -> str:
    """Return ``variable[label,label]``."""
    return f"{variable.name}[{','.join(labels)}]" if labels else variable.name


def _user_name(variable: Variable, labels: Sequence[str]) -> str:
    """Return the name as brms would write it if it kept the user's text."""
    if variable.section == "population":
        return f"{variable.name}_{labels[0]}"
    if variable.section == "group_sd":
        return f"{variable.name}__{labels[0]}"
    if variable.section == "group_cor" and labels[0].count(", ") == 1:
        return f"{variable.name}__{labels[0].replace(', ', '__')}"
    return _general_name(variable, labels)
