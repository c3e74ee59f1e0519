"""The fitted model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.errors import SamplingWarning, warn
from brmspy.fit.advice import Finding, diagnosis, findings
from brmspy.fit.contract import FittedModel, Rebuild
from brmspy.fit.datasets import (
    RESERVED_DIMS,
    constant_data,
    draws_dataset,
    group_attributes,
    observed_data,
    stats_dataset,
)
from brmspy.fit.importance import USABLE_K, weigh
from brmspy.fit.parameters import ParameterDraws
from brmspy.fit.record import Approximation, FitRecord
from brmspy.fit.report import Report, make_report
from brmspy.fit.storage import StoredFit, read_fit, write_fit
from brmspy.fit.variables import NameTable, Variable, unique_dims

if TYPE_CHECKING:
    import arviz as az
    import xarray as xr
    from typing_extensions import Self

    from brmspy.engine.approximate import ApproximateOptions, ApproximateRun
    from brmspy.engine.sampling import SampleOptions, SamplerRun
    from brmspy.families import Family
    from brmspy.formula import Formula
    from brmspy.program import SamplerPlan

__all__ = ["Fit"]

_Arrays = Mapping[str, NDArray[Any]]

_SUMMARISED = ("population", "group_sd", "group_cor", "family")


def _internal(name: str) -> Variable:
    """Return a variable that is one number, and no parameter."""
    text = np.array(name, dtype=object)
    return Variable(name, "internal", (), {}, text, text)


# What makes a fit, as against what the user may add and make again.
_OWN = ("posterior", "sample_stats", "observed_data", "constant_data")


def _is_own(group: str) -> bool:
    """Say whether a group of InferenceData belongs to the fit itself."""
    return group.removeprefix("warmup_") in _OWN


_LPRIOR = _internal("lprior")
_LP = _internal("lp__")  # kept in sample_stats, as ArviZ does


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """Named draws from the posterior of a model, and all that made them.

    `brmspy.brm` returns a `brmspy.BrmsFit`, which can also predict, check, compare and plot.
    Printing it shows a summary. ``fit["sd_Subject__Days"]`` returns the draws of a parameter by its
    brms name. A fit does not change; `idata` is the user's to extend.

    Attributes
    ----------
    model : FittedModel
        Formula, family, design, priors and Stan program.
    variables : tuple of Variable
        The posterior's variables with their labels, ``lprior`` included.
    groups : mapping of str to xarray.Dataset
        The draws and data, by group of InferenceData.
    record : FitRecord
        Toolchain, options, seed, times.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> fit.summary().loc["b_Days", "Estimate"].round(0)
    np.float64(10.0)
    >>> fit["sd_Subject__Days"].dims
    ('chain', 'draw')
    """

    model: FittedModel
    variables: tuple[Variable, ...]
    groups: Mapping[str, xr.Dataset] = field(repr=False)
    record: FitRecord

    @classmethod
    def from_run(
        cls,
        model: FittedModel,
        variables: Sequence[Variable],
        run: SamplerRun,
        options: SampleOptions,
        toolchain: Mapping[str, str],
        arguments: Mapping[str, Any] | None = None,
    ) -> Self:
        """Make a fit of what the sampler returned, and warn if the draws have problems.

        Parameters
        ----------
        model : FittedModel
            The model; its program computes the user's parameters from the draws.
        variables : sequence of Variable
            Names and labels of the user's parameters.
        run : SamplerRun
            What the sampler returned.
        options : SampleOptions
            What it was asked for.
        toolchain : mapping of str to str
            The toolchain's description.
        arguments : mapping of str to Any, optional
            Arguments of `brm` that ask for the same again.

        Returns
        -------
        Fit

        Warns
        -----
        SamplingWarning
            Once for each of `findings` that the sampler has not warned of, with advice.
        """
        record = FitRecord.of(model, run, options, toolchain, arguments)
        sampled = {"": (run.draws, run.stats)}
        if run.warmup_draws is not None and run.warmup_stats is not None:
            sampled["warmup_"] = (run.warmup_draws, run.warmup_stats)
        return cls._made(model, variables, record, sampled)

    @classmethod
    def from_approximation(
        cls,
        model: FittedModel,
        variables: Sequence[Variable],
        run: ApproximateRun,
        options: ApproximateOptions,
        toolchain: Mapping[str, str],
        arguments: Mapping[str, Any] | None = None,
    ) -> Self:
        """Make a fit of the draws of an approximation, and warn if it cannot be trusted.

        The draws are taken from those of the approximation in proportion to their smoothed
        importance weights, so that they stand for the posterior rather than for the approximation.
        If Pareto k is above 0.7, which it often is for models with many parameters, the weights
        are those of a few draws, and the draws are kept as they are; but Pathfinder's are always
        resampled, as in Stan, for the weights also choose between its paths.

        Parameters
        ----------
        model : FittedModel
            The model; its program computes the user's parameters from the draws.
        variables : sequence of Variable
            Names and labels of the user's parameters.
        run : ApproximateRun
            What Stan returned.
        options : ApproximateOptions
            What it was asked for.
        toolchain : mapping of str to str
            The toolchain's description.
        arguments : mapping of str to Any, optional
            Arguments of `brm` that ask for the same again.

        Returns
        -------
        Fit
            With one chain; `sample_stats` holds ``lp`` and ``log_q``, the log densities of
            posterior and approximation at each draw.

        Warns
        -----
        SamplingWarning
            If Pareto k is above 0.7.

        References
        ----------
        Vehtari, A., Simpson, D., Gelman, A., Yao, Y. and Gabry, J. (2024). Pareto smoothed
        importance sampling. Journal of Machine Learning Research, 25(72).
        https://jmlr.org/papers/v25/19-556.html
        """
        importance = weigh(run.lp, run.log_q)
        resampled = importance.pareto_k <= USABLE_K or options.algorithm == "pathfinder"
        kept = (
            importance.resample(options.draws, run.seed)
            if resampled
            else np.arange(options.draws, dtype=np.intp)
        )
        approximation = Approximation(
            algorithm=options.algorithm,
            title=options.title,
            pareto_k=importance.pareto_k,
            candidates=len(run.lp),
            ess=importance.ess,
            resampled=resampled,
            paths=run.paths,
        )
        record = FitRecord.of_approximation(
            model, run, options, toolchain, approximation, arguments
        )
        draws = {name: values[:, kept] for name, values in run.draws.items()}
        stats = {"lp": run.lp[None, kept], "log_q": run.log_q[None, kept]}
        return cls._made(model, variables, record, {"": (draws, stats)})

    @classmethod
    def _made(
        cls,
        model: FittedModel,
        variables: Sequence[Variable],
        record: FitRecord,
        sampled: Mapping[str, tuple[_Arrays, _Arrays]],
    ) -> Self:
        """Make a fit of the program's draws and their statistics, by prefix of the groups' names.

        Warns of what is wrong with the draws.
        """
        named = NameTable.of([*unique_dims(variables, RESERVED_DIMS), _LPRIOR]).variables
        attrs = group_attributes(record, model.sample_prior)
        groups = {}
        for prefix, (draws, stats) in sampled.items():
            values = {**model.program.recover(draws), "lprior": model.program.log_prior(draws)}
            groups[f"{prefix}posterior"] = draws_dataset(named, values, attrs)
            groups[f"{prefix}sample_stats"] = stats_dataset(stats, attrs)
        groups["observed_data"] = observed_data(model, attrs)
        groups["constant_data"] = constant_data(model, attrs)
        fit = cls(model, named, {name: group for name, group in groups.items() if group}, record)
        for finding in fit.findings:
            if finding.said_by_sampler:
                continue
            warn(str(finding), SamplingWarning)
        return fit

    @classmethod
    def load(cls, path: str | Path, rebuild: Rebuild) -> Self:
        """Read a fit that `save` wrote; needs no compiler.

        Parameters
        ----------
        path : str or Path
            The file.
        rebuild : callable
            Makes a model of its specification and its data: `brmspy.model.model_from_spec`.

        Returns
        -------
        Fit

        Raises
        ------
        BrmspyError
            If there is no such file, it holds no fit, or a newer brmspy wrote it.
        """
        stored = read_fit(path)
        with warnings.catch_warnings():
            # What there was to say about the model was said when it was fitted.
            warnings.simplefilter("ignore")
            model = rebuild(stored.spec, stored.data)
        return cls(model, stored.variables, stored.groups, stored.record)

    def save(self, path: str | Path) -> None:
        """Write everything the fit knows to one netCDF file, which ArviZ can read too.

        A file of the same name is replaced. Groups that were added to `idata` are saved with it.

        Parameters
        ----------
        path : str or Path
            Where to; by custom it ends in ``.nc``.

        Raises
        ------
        BrmspyError
            If there is something that the file cannot hold, or `idata` no longer holds the fit's
            draws.
        """
        groups = dict(self.groups)
        if "idata" in self.__dict__:
            groups = {name: self.idata[name] for name in self.idata.groups()}
        write_fit(
            path,
            StoredFit(
                spec=self.model.spec(),
                data=self.model.design.data,
                variables=self.variables,
                groups=groups,
                record=self.record,
            ),
            required={name: group for name, group in self.groups.items() if _is_own(name)},
        )

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: not what is computed again when it is asked for."""
        kept = (*(item.name for item in fields(self)), "idata")
        return {name: self.__dict__[name] for name in kept if name in self.__dict__}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Make a fit of what was pickled; its draws cannot be written to."""
        self.__dict__.update(state)
        for group in self.groups.values():
            for variable in group.data_vars.values():
                variable.to_numpy().flags.writeable = False

    @cached_property
    def idata(self) -> az.InferenceData:
        """The draws and data as ArviZ' InferenceData."""
        with warnings.catch_warnings():
            # Once a day, at import: that 1.0 will differ, which this package does not allow.
            warnings.filterwarnings("ignore", r"\s*ArviZ is undergoing", FutureWarning)
            import arviz as az
        copies = {name: group.copy(deep=False) for name, group in self.groups.items()}
        return az.InferenceData(dict(copies["posterior"].attrs), False, **copies)

    @property
    def formula(self) -> Formula:
        """The formula."""
        return self.model.formula

    @property
    def family(self) -> Family:
        """The response's family."""
        return self.model.family

    @property
    def data(self) -> pd.DataFrame:
        """A copy of the rows and columns of the data that the model uses."""
        return self.model.design.data.copy()

    @property
    def stancode(self) -> str:
        """The Stan program that was run."""
        return self.record.stan_code

    @property
    def standata(self) -> dict[str, Any]:
        """The data of the Stan program."""
        return dict(self.model.program.data)

    @property
    def nobs(self) -> int:
        """Number of rows that the model uses."""
        return self.model.design.arrays.nobs

    @property
    def ngrps(self) -> dict[str, int]:
        """Number of levels of each grouping factor."""
        return {info.group: len(info.levels) for info in self.model.design.groups}

    def prior_summary(self) -> pd.DataFrame:
        """Return the priors in use.

        Returns
        -------
        DataFrame
            Columns prior, class, coef, group, resp, dpar, nlpar, lb, ub, source.
        """
        return self.model.priors.table()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all parameters, in brms' order: ``b_Intercept``, ``sd_Subject__Days``."""
        return self._draws.table.names

    @cached_property
    def diagnostics(self) -> pd.DataFrame:
        """R-hat, bulk and tail ESS of all parameters, indexed by name; computed once.

        NaN for approximations, whose draws are independent; see ``record.approximation``.
        """
        found = self._draws.diagnostics
        return pd.DataFrame(
            {"Rhat": found.rhat, "Bulk_ESS": found.ess_bulk, "Tail_ESS": found.ess_tail},
            index=pd.Index(list(self.names), dtype=object),
        )

    @cached_property
    def rhats(self) -> pd.DataFrame:
        """R-hat of all parameters in each of the fits that were combined.

        A row for each parameter, a column for each fit, counted from 1; one column if nothing was
        combined. Where the fits are to different data sets, as those of `brmspy.brm_multiple`, this
        is what tells whether chains have converged: chains of different data need not agree.
        """
        columns = {i + 1: self._draws.rhat(chains) for i, chains in enumerate(self.record.fits)}
        frame = pd.DataFrame(columns, index=pd.Index(list(self.names), dtype=object))
        return frame.rename_axis(columns="fit")

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with the draws, with advice; empty if all is well."""
        return findings(self.record, self._counts, self.names, self._draws.diagnostics)

    def sampler_plan(self) -> SamplerPlan:
        """Return which coordinates, likelihood and start were chosen for the sampler.

        Returns
        -------
        SamplerPlan
            ``print`` it, or take its ``table()``.

        Examples
        --------
        >>> from brmspy import brm, load_dataset
        >>> sleepstudy = load_dataset("sleepstudy")
        >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
        >>> fit.sampler_plan().table()[["group", "integrated"]]
             group  integrated
        0  Subject        True
        """
        return self.model.program.plan

    def summary(
        self,
        prob: float = 0.95,
        *,
        robust: bool = False,
        mc_se: bool = False,
        effects: bool = False,
        variables: str | Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Summarise the posterior of each parameter.

        Parameters
        ----------
        prob : float
            Probability of the central interval.
        robust : bool
            Use the median and the scaled median absolute deviation for the mean and the standard
            deviation.
        mc_se : bool
            Add the Monte Carlo standard error of the mean; not for approximations.
        effects : bool
            Add the effects of the groups' levels.
        variables : str or sequence of str, optional
            Only these: names of parameters (``"sd_Subject__Days"``) or of variables (``"b"``).

        Returns
        -------
        DataFrame
            Indexed by brms' names. Columns Estimate, Est.Error, l-95% CI, u-95% CI, Rhat, Bulk_ESS
            and Tail_ESS; the names of the interval follow `prob`. Approximations have no chains to
            compare, and none of the last three columns.

        Raises
        ------
        BrmspyError
            If there is no such parameter, `prob` is no probability, or `mc_se` is asked of an
            approximation.
        """
        table = self._draws.table
        sections = (*_SUMMARISED, "group_effects") if effects else _SUMMARISED
        places = table.places_in(sections) if variables is None else table.places_of(variables)
        return self._draws.summary(places, prob, robust, mc_se)

    def draws_df(self, variables: str | Sequence[str] | None = None) -> pd.DataFrame:
        """Return the draws as a table, a column for each parameter.

        Parameters
        ----------
        variables : str or sequence of str, optional
            Only these: names of parameters (``"sd_Subject__Days"``) or of variables (``"b"``). By
            default all, and ``lprior`` and ``lp__`` at the end.

        Returns
        -------
        DataFrame
            A row for each draw, chain after chain. Columns .chain, .iteration and .draw, counted
            from one, then the parameters by their brms names.

        Raises
        ------
        BrmspyError
            If there is no such parameter.
        """
        table = self._draws.table
        everything = (*_SUMMARISED, "group_effects", "internal")
        places = table.places_in(everything) if variables is None else table.places_of(variables)
        return self._draws.frame(places)

    def __getitem__(self, name: str) -> xr.DataArray:
        """Return the draws of a parameter, or of a whole variable.

        Parameters
        ----------
        name : str
            brms' name (``"b_Intercept"``, ``"r_Subject[308,Days]"``), the same with labels in the
            user's text (``"b_I(x^2)"``), a variable (``"b"``), or ``"lp__"``.

        Returns
        -------
        xarray.DataArray
            Dimensions (chain, draw), for a variable its own after them.

        Raises
        ------
        BrmspyError
            If there is no such parameter; names the nearest.
        """
        variable, index = self._draws.table.find(name)
        if variable.name == _LP.name:
            return self._stats["lp"].rename(_LP.name)
        draws = self.groups["posterior"][variable.name]
        if not index:
            return draws
        return draws.isel(dict(zip(variable.dims, index, strict=True)))

    def __contains__(self, name: object) -> bool:
        return self._draws.table.knows(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __repr__(self) -> str:
        return self._report.text()

    def _repr_html_(self) -> str:
        return self._report.html()

    @property
    def _stats(self) -> xr.Dataset:
        return self.groups["sample_stats"]

    @cached_property
    def _draws(self) -> ParameterDraws:
        posterior = self.groups["posterior"]
        arrays = {variable.name: posterior[variable.name].to_numpy() for variable in self.variables}
        arrays[_LP.name] = self._stats["lp"].to_numpy()
        table = NameTable.of([*self.variables, _LP])
        of_chains = self.record.approximation is None
        return ParameterDraws(table, arrays, of_chains, self.record.data_sets)

    @cached_property
    def _report(self) -> Report:
        table = self._draws.table
        chosen = [variable for variable in table.variables if variable.section in _SUMMARISED]
        rows = self._draws.summary(table.places_in(_SUMMARISED), 0.95, False, False)
        sizes = self._stats.sizes
        shape = (sizes["chain"], sizes["draw"])
        line = diagnosis(self.record, self._counts, shape[0], self._draws.diagnostics)
        return make_report(self.model, self.record, chosen, rows, self.findings, shape, line)

    @property
    def _counts(self) -> dict[str, NDArray[Any]]:
        """The sampler's statistics as arrays."""
        return {str(name): array.to_numpy() for name, array in self._stats.items()}
