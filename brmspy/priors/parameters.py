"""What can have a prior: blocks of parameters that are declared together."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["ParameterBlock"]


@dataclass(frozen=True)
class ParameterBlock:
    """Parameters of one class and scope, in the order of the program.

    Attributes
    ----------
    class_ : str
        ``"b"``, ``"Intercept"``, ``"sd"``, ``"cor"``, or a family parameter such as ``"sigma"``.
    dpar, nlpar : str
        The distributional or non-linear parameter that they predict; both empty for the mean.
    group : str
        Grouping factor of standard deviations and correlations.
    coefs : tuple of str
        brms' names of the coefficients; one empty name for classes without coefficients.
    labels : tuple of str
        The same in the user's words.
    lower, upper : float
        Bounds that the parameters have by nature.
    default : str
        Default prior; empty for a flat one.
    coef_defaults : tuple of str
        Default priors of single coefficients, in their order, where they are not all the same;
        none otherwise. They hold unless a prior is set for the whole class or group.
    """

    class_: str
    dpar: str = ""
    nlpar: str = ""
    group: str = ""
    coefs: tuple[str, ...] = ("",)
    labels: tuple[str, ...] = ("",)
    lower: float = -math.inf
    upper: float = math.inf
    default: str = ""
    coef_defaults: tuple[str, ...] = ()

    @property
    def scope(self) -> tuple[str, str]:
        """`dpar` and `nlpar`, within which priors are looked up."""
        return self.dpar, self.nlpar

    @property
    def has_coefs(self) -> bool:
        """Whether single parameters of the block have names."""
        return self.coefs != ("",)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters as they are called in draws, such as ``"sd_Subject__Days"``."""
        predicted = self.dpar or self.nlpar
        prefix = f"{predicted}_" if predicted else ""
        if self.class_ == "b":
            return tuple(f"b_{prefix}{coef}" for coef in self.coefs)
        if self.class_ == "sd":
            return tuple(f"sd_{self.group}__{prefix}{coef}" for coef in self.coefs)
        return ("_".join(part for part in (self.class_, self.group, predicted) if part),)
