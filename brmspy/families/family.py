"""What a family is: its parameters, its density in Stan and NumPy, its mean and random draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.errors import BrmspyError, DataError, did_you_mean
from brmspy.families.dpars import Dpar, outside, refuse_impossible
from brmspy.families.links import Link, get_link

__all__ = ["Family", "Parameters", "StanLikelihood"]

FloatArray = NDArray[np.float64]
Parameters = Mapping[str, FloatArray]


@dataclass(frozen=True)
class StanLikelihood:
    """Stan's functions for a family with a certain link of the mean.

    Attributes
    ----------
    function : str
        Name without ``_lpdf`` or ``_lpmf``.
    glm : str or None
        Stan's GLM form, if there is one.
    mu_on_link_scale : bool
        Whether `function` takes the linear predictor rather than the mean.
    glm_rowwise : frozenset of str
        Distributional parameters that may differ from row to row in the GLM form.
    linear_normal : bool
        Whether the response is normal around the linear predictor itself, with standard deviation
        ``sigma``: then normal effects can be integrated out.
    """

    function: str
    glm: str | None = None
    mu_on_link_scale: bool = False
    glm_rowwise: frozenset[str] = frozenset()
    linear_normal: bool = False


@dataclass(frozen=True)
class Family:
    """A family of distributions for the response.

    The functions take distributional parameters on their natural scale, shape (draw, obs) or
    (draw, 1), and broadcast. `log_density` also takes ``eta``, the mean on its link scale, and
    uses it where that is more accurate. Where a parameter lies outside its range, which a link
    such as ``"identity"`` allows, densities are NaN and random draws are refused.

    Attributes
    ----------
    name : str
        Its name.
    dpars : tuple of Dpar
        Distributional parameters, ``mu`` first.
    discrete : bool
        Whether the response is a whole number.
    needs : tuple of str
        Response terms without which the family has no meaning, such as ``"trials"``.
    sum : str
        Family of the sum of responses that share their parameters, which then has the number of
        responses (or of their trials) as trials; empty if the sum says less than the responses.
    title : str
        The distribution in words, such as ``"negative binomial"``.
    symbol : str
        The distribution in formulas, such as ``"NegBinomial"``.
    arguments : tuple of str
        Distributional parameters in the order in which `symbol` takes them; empty for theirs.
    explained_by_model : bool
        Whether R-squared takes the residual variance from the model if nothing is said; as in
        brms, which takes that of the residuals for the others.
    template : str
        File of its likelihood in ``templates/families``.
    likelihoods : mapping of str to StanLikelihood
        By link of the mean; ``""`` for all links that are not named.
    """

    name: str
    dpars: tuple[Dpar, ...]
    discrete: bool
    template: str
    likelihoods: Mapping[str, StanLikelihood] = field(repr=False)
    _code: Callable[[pd.Series[Any], str, NDArray[np.int64] | None], NDArray[Any]] = field(
        repr=False
    )
    _log_density: Callable[..., FloatArray] = field(repr=False)
    _mean: Callable[..., FloatArray] = field(repr=False)
    _variance: Callable[..., FloatArray] = field(repr=False)
    _draw: Callable[..., NDArray[Any]] = field(repr=False)
    _cdf: Callable[..., FloatArray] = field(repr=False)
    _log_constant: Callable[..., FloatArray] | None = field(default=None, repr=False)
    needs: tuple[str, ...] = ()
    sum: str = ""
    title: str = ""
    symbol: str = ""
    arguments: tuple[str, ...] = ()
    explained_by_model: bool = False

    @property
    def link(self) -> Link:
        """Link of the mean."""
        return self.dpars[0].link

    @property
    def dpar_names(self) -> tuple[str, ...]:
        """Names of the distributional parameters."""
        return tuple(dpar.name for dpar in self.dpars)

    @property
    def likelihood(self) -> StanLikelihood:
        """Stan's functions for the link that the mean has."""
        return self.likelihoods.get(self.link.name, self.likelihoods[""])

    def dpar(self, name: str) -> Dpar:
        """Return the distributional parameter called `name`.

        Parameters
        ----------
        name : str
            One of `dpar_names`.

        Returns
        -------
        Dpar

        Raises
        ------
        BrmspyError
            If the family has no such parameter.
        """
        for dpar in self.dpars:
            if dpar.name == name:
                return dpar
        raise BrmspyError(
            f"{self.name} has no parameter {name!r}. {did_you_mean(name, self.dpar_names)}"
        )

    def with_links(self, links: Mapping[str, str]) -> Family:
        """Return the family with other links.

        Parameters
        ----------
        links : mapping of str to str
            Link of each distributional parameter that gets another.

        Returns
        -------
        Family

        Raises
        ------
        BrmspyError
            If a parameter does not exist or cannot have the link.
        """
        changed = {
            name: replace(
                self.dpar(name),
                link=get_link(link, self.dpar(name).links, f"{name} of {self.name}"),
            )
            for name, link in links.items()
        }
        return replace(self, dpars=tuple(changed.get(dpar.name, dpar) for dpar in self.dpars))

    def code_response(
        self,
        values: pd.Series[Any],
        name: str,
        trials: NDArray[np.int64] | None = None,
    ) -> NDArray[Any]:
        """Check the response and turn it into numbers.

        Parameters
        ----------
        values : Series
            The response, as it is in the data.
        name : str
            Its name, for errors.
        trials : ndarray of int, optional
            Number of trials of each row.

        Returns
        -------
        ndarray of float or int, shape (obs,)

        Raises
        ------
        DataError
            If the family cannot have such a response.
        """
        missing = np.asarray(values.isna())
        if missing.any():
            raise DataError(
                f"The response {name!r} is missing in {missing.sum()} of {len(missing)} rows."
            )
        return self._code(values.infer_objects(), name, trials)

    def log_density(
        self,
        y: NDArray[Any],
        parameters: Parameters,
        *,
        trials: NDArray[Any] | None = None,
        eta: FloatArray | None = None,
    ) -> FloatArray:
        """Return the log density (or probability) of `y`, normalised.

        Parameters
        ----------
        y : ndarray, shape (obs,)
            Coded response.
        parameters : mapping of str to ndarray
            Distributional parameters on their natural scale.
        trials : ndarray, optional
            Number of trials.
        eta : ndarray, optional
            The mean on its link scale.

        Returns
        -------
        ndarray, shape (draw, obs)
            NaN where a parameter lies outside its range.
        """
        linear = eta if eta is not None and self.likelihood.mu_on_link_scale else None
        with np.errstate(all="ignore"):
            density = self._log_density(y, parameters, trials, linear)
        return self._where_possible(density, parameters)

    @property
    def has_constant(self) -> bool:
        """Whether the log density has a part that depends on the data alone."""
        return self._log_constant is not None

    def log_constant(self, y: NDArray[Any], *, trials: NDArray[Any] | None = None) -> FloatArray:
        """Return the part of the log density that depends on the data alone.

        It is what Stan's density without constants, ``_lupmf``, leaves out.

        Parameters
        ----------
        y : ndarray, shape (obs,)
            Coded response.
        trials : ndarray, optional
            Number of trials.

        Returns
        -------
        ndarray, shape (obs,)
            Zero for families that have no such part, or none that is dear to compute.
        """
        return np.zeros(len(y)) if self._log_constant is None else self._log_constant(y, trials)

    def mean(self, parameters: Parameters, *, trials: NDArray[Any] | None = None) -> FloatArray:
        """Return the mean of the response; counts, not proportions, where there are trials.

        Parameters
        ----------
        parameters : mapping of str to ndarray
            Distributional parameters on their natural scale.
        trials : ndarray, optional
            Number of trials.

        Returns
        -------
        ndarray, shape (draw, obs)
        """
        return self._mean(parameters, trials)

    def variance(self, parameters: Parameters, *, trials: NDArray[Any] | None = None) -> FloatArray:
        """Return the variance of the response, infinite or NaN where it does not exist.

        Parameters
        ----------
        parameters : mapping of str to ndarray
            Distributional parameters on their natural scale.
        trials : ndarray, optional
            Number of trials.

        Returns
        -------
        ndarray, shape (draw, obs)
        """
        with np.errstate(over="ignore"):
            return self._variance(parameters, trials)

    def draw(
        self,
        rng: np.random.Generator,
        parameters: Parameters,
        *,
        trials: NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        """Draw responses at random.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness.
        parameters : mapping of str to ndarray
            Distributional parameters on their natural scale.
        trials : ndarray, optional
            Number of trials.

        Returns
        -------
        ndarray, shape (draw, obs)

        Raises
        ------
        BrmspyError
            If a parameter lies outside its range, or counts would be too large for a computer.
        """
        for dpar in self.dpars:
            refuse_impossible(self.name, dpar, parameters[dpar.name])
        shapes = [np.shape(value) for value in parameters.values()]
        if trials is not None:
            shapes.append(np.shape(trials))
        return self._draw(rng, parameters, trials, np.broadcast_shapes(*shapes))

    def cdf(
        self, y: NDArray[Any], parameters: Parameters, *, trials: NDArray[Any] | None = None
    ) -> FloatArray:
        """Return the probability that the response is at most `y`.

        Parameters
        ----------
        y : ndarray, shape (obs,)
            Values of the response.
        parameters : mapping of str to ndarray
            Distributional parameters on their natural scale.
        trials : ndarray, optional
            Number of trials.

        Returns
        -------
        ndarray, shape (draw, obs)
            NaN where a parameter lies outside its range.
        """
        with np.errstate(all="ignore"):
            probability = self._cdf(y, parameters, trials)
        return self._where_possible(probability, parameters)

    def to_dict(self) -> dict[str, Any]:
        """Return name and links, ready for JSON."""
        return {"name": self.name, "links": {dpar.name: dpar.link.name for dpar in self.dpars}}

    def _where_possible(self, values: FloatArray, parameters: Parameters) -> FloatArray:
        """Return `values`, NaN where a parameter lies outside its range."""
        for dpar in self.dpars:
            impossible = outside(dpar, parameters[dpar.name])
            if impossible.any():
                values = np.where(impossible, np.nan, values)
        return values

    def __repr__(self) -> str:
        first, *others = self.dpars
        links = [f"link={first.link.name!r}"]
        links += [f"link_{dpar.name}={dpar.link.name!r}" for dpar in others]
        return f"{self.name}({', '.join(links)})"

    def __str__(self) -> str:
        return f"{self.name}(link = {self.link.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Family) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.name, tuple(dpar.link.name for dpar in self.dpars)))
