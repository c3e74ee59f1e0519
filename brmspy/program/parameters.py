"""How a block of parameters stands in a Stan program: declaration, bounds, priors, fixed values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from brmspy.priors import ElementPrior, group_by_distribution, log_prior_density

__all__ = ["PriorStatement", "StanParameter", "latent_parameter", "stan_parameter"]


@dataclass(frozen=True)
class PriorStatement:
    """One ``target += density(elements | arguments)``; the numbers are data."""

    function: str
    target: str
    arguments: tuple[str, ...]
    argument_type: str
    index: str = ""
    count: str = ""


@dataclass(frozen=True)
class StanParameter:
    """One block of parameters of a program.

    Attributes
    ----------
    name, type, size : str
        ``vector``, ``K`` and ``b`` declare ``vector[K] b``; no size for a ``real``.
    bounds : str
        Text of the bounds, such as ``<lower=0>``.
    fixed : {"none", "some", "all"}
        Which elements ``constant()`` fixes. All: the block is data.
    priors : tuple of PriorStatement
        Densities, one for each family of densities that occurs.
    elements : tuple of ElementPrior
        The elements' priors; none for latent parameters.
    data : mapping
        What the above needs in the data of the program.
    definition : str
        Stan text of the value, where it is computed from other coordinates.
    internal : bool
        Whether only the sampler needs it, not the way back to the user's parameters.
    """

    name: str
    type: str
    size: str
    bounds: str = ""
    fixed: Literal["none", "some", "all"] = "none"
    bounded_by_data: bool = False
    priors: tuple[PriorStatement, ...] = ()
    prior_comments: tuple[str, ...] = ()
    comment: str = ""
    elements: tuple[ElementPrior, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    definition: str = ""
    internal: bool = False

    @property
    def log_mass(self) -> float:
        """Log prior mass that the bounds leave, summed over elements."""
        return float(sum(element.log_normaliser for element in self.elements))

    def log_prior(self, draws: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log prior density, shape (chain, draw), of draws (chain, draw, ...)."""
        if all(element.distribution in ("flat", "constant") for element in self.elements):
            return np.zeros(draws.shape[:2])
        vector = draws if self.size else draws[..., None]
        return log_prior_density(self.elements, vector)

    @property
    def free_positions(self) -> NDArray[np.intp]:
        """Positions of the elements that ``constant()`` does not fix."""
        fixed = [element.distribution == "constant" for element in self.elements]
        return np.flatnonzero(~np.array(fixed, dtype=bool))

    @property
    def bound_type(self) -> str:
        """Stan type of data that bound the parameter element by element."""
        if not self.size:
            return "real"
        return f"vector[{self.free_count if self.fixed == 'some' else self.size}]"

    @property
    def free(self) -> str:
        """Name of the vector of elements that are sampled, when some are fixed."""
        return f"free_{self.name}"

    @property
    def free_count(self) -> str:
        """Name of the number of elements that are sampled."""
        return f"n_free_{self.name}"

    @property
    def free_index(self) -> str:
        """Name of the positions of the elements that are sampled."""
        return f"which_free_{self.name}"

    @property
    def fixed_values(self) -> str:
        """Name of the vector that holds the fixed elements' values."""
        return f"fixed_{self.name}"


def latent_parameter(name: str, type_: str, size: str, comment: str) -> StanParameter:
    """Return an unbounded parameter whose density its term's template writes."""
    return StanParameter(name=name, type=type_, size=size, comment=comment)


def stan_parameter(
    name: str,
    elements: Sequence[ElementPrior],
    *,
    natural: tuple[float, float] | None = None,
    size: str = "",
    labels: Sequence[str] = (),
    comment: str = "",
    type_: str = "",
    density: str = "",
) -> StanParameter:
    """Return the block called `name` with its priors, bounds and fixed elements.

    Parameters
    ----------
    name : str
        Name in the program.
    elements : sequence of ElementPrior
        The elements' priors, in order.
    natural : tuple of float, optional
        Bounds that the parameter has by its nature; these are written as text, others are data.
        None if the type itself is bounded.
    size : str
        Stan expression of the length; empty for a scalar.
    labels : sequence of str
        What to call the elements in comments.
    comment : str
        What the block is.
    type_ : str
        Stan type, by default ``vector`` or ``real``.
    density : str
        Stan function of the prior where it differs from the density's own name.
    """
    fixed = [element.distribution == "constant" for element in elements]
    free = [i for i, is_fixed in enumerate(fixed) if not is_fixed]
    data: dict[str, Any] = {}
    bound_data: dict[str, Any] = {}
    vector_type = type_ or ("vector" if size else "real")
    if not free:
        values = [element.args[0] for element in elements]
        data[name] = np.array(values) if size else values[0]
        return StanParameter(
            name, vector_type, size, fixed="all", elements=tuple(elements), data=data
        )
    parameter = StanParameter(name, vector_type, size, comment=comment)
    if len(free) < len(elements):
        data[parameter.free_count] = len(free)
        data[parameter.free_index] = np.array(free) + 1
        data[parameter.fixed_values] = np.array(
            [e.args[0] if is_fixed else 0.0 for e, is_fixed in zip(elements, fixed, strict=True)]
        )
    bounds, by_data = "", False
    if natural is not None:
        members = [elements[i] for i in free]
        bounds, by_data, bound_data = _bounds(name, members, natural, bool(size))
    statements, prior_data = _prior_statements(name, elements, size, density)
    return StanParameter(
        name=name,
        type=vector_type,
        size=size,
        bounds=bounds,
        fixed="some" if len(free) < len(elements) else "none",
        bounded_by_data=by_data,
        priors=statements,
        prior_comments=_prior_comments(name, elements, labels),
        comment=comment,
        elements=tuple(elements),
        data=data | bound_data | prior_data,
    )


def _bounds(
    name: str, elements: Sequence[ElementPrior], natural: tuple[float, float], vector: bool
) -> tuple[str, bool, dict[str, Any]]:
    """Return the text of the bounds, whether they are data, and those data."""
    lower = np.array([element.lower for element in elements])
    upper = np.array([element.upper for element in elements])
    if np.all(lower == natural[0]) and np.all(upper == natural[1]):
        limits = {"lower": natural[0], "upper": natural[1]}
        text = ", ".join(
            f"{side}={value:g}" for side, value in limits.items() if np.isfinite(value)
        )
        return (f"<{text}>" if text else ""), False, {}
    data = {
        f"lb_{name}": lower if vector else float(lower[0]),
        f"ub_{name}": upper if vector else float(upper[0]),
    }
    return f"<lower=lb_{name}, upper=ub_{name}>", True, data


def _prior_statements(
    name: str, elements: Sequence[ElementPrior], size: str, density: str
) -> tuple[tuple[PriorStatement, ...], dict[str, Any]]:
    """Return one statement for each family of densities, and the numbers that they need."""
    statements: list[PriorStatement] = []
    data: dict[str, Any] = {}
    groups = group_by_distribution(elements)
    for group in groups:
        whole = len(group.indices) == len(elements)
        label = f"prior_{name}" if len(groups) == 1 else f"prior_{name}_{group.stan_name}"
        index = "" if whole else f"which_{label}"
        count = "" if whole else f"n_{label}"
        if not whole:
            data[index] = np.array(group.indices) + 1
            data[count] = len(group.indices)
        arguments = tuple(f"{label}_{argument}" for argument in group.argument_names)
        for argument, values in zip(arguments, group.arguments, strict=True):
            data[argument] = np.asarray(values) if size and not density else float(values[0])
        length = size if whole else count
        statements.append(
            PriorStatement(
                function=density or f"{group.stan_name}_lpdf",
                target=name if whole else f"{name}[{index}]",
                arguments=arguments,
                argument_type=f"vector[{length}]" if size and not density else "real",
                index=index,
                count=count,
            )
        )
    return tuple(statements), data


def _prior_comments(
    name: str, elements: Sequence[ElementPrior], labels: Sequence[str]
) -> tuple[str, ...]:
    """Return the priors in the user's words, equal ones on one line."""
    texts: dict[str, list[str]] = {}
    for position, element in enumerate(elements):
        label = f"{name}[{labels[position]}]" if labels else name
        texts.setdefault(element.text or "flat", []).append(label)
    lines = []
    for text, members in texts.items():
        shown = members[0] if len(members) == 1 else f"{members[0]}, … ({len(members)})"
        lines.append(f"{shown} ~ {text}".replace("\n", " "))
    return tuple(lines)
