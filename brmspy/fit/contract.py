"""What the fit needs to know of the model that was fitted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from brmspy.data import Design
    from brmspy.families import Family
    from brmspy.formula import Formula
    from brmspy.priors import PriorSet
    from brmspy.program import Program

__all__ = ["FittedModel", "Rebuild"]


class FittedModel(Protocol):
    """A model that was fitted: `brmspy.model.Model`."""

    @property
    def formula(self) -> Formula:
        """What the user wrote."""

    @property
    def family(self) -> Family:
        """The response's family."""

    @property
    def design(self) -> Design:
        """Names, levels, arrays, and the data."""

    @property
    def response(self) -> NDArray[Any]:
        """The response as the family codes it, shape (nobs,)."""

    @property
    def priors(self) -> PriorSet:
        """The priors in use."""

    @property
    def program(self) -> Program:
        """The Stan program and its data."""

    @property
    def sample_prior(self) -> str:
        """``"only"`` if the draws are from the prior, else ``"no"``."""

    @property
    def default_priors(self) -> dict[str, str]:
        """The default prior of each class of parameters, for a model like this."""

    def spec(self) -> dict[str, Any]:
        """Return what, with the data, makes the same model again; ready for JSON."""


Rebuild = Callable[[Mapping[str, Any], "pd.DataFrame"], FittedModel]
"""Makes a model again from `FittedModel.spec` and its data: `brmspy.model.model_from_spec`."""
