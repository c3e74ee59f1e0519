"""cmdstanpy's methods work unchanged on an executable of the embedded toolchain."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from cmdstanpy import CmdStanModel
from scipy import stats

pytestmark = [
    pytest.mark.compiled,
    # cmdstanpy leaves the files of its child processes to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

DATA = Path(__file__).with_name("data")
SCHOOLS = json.loads((DATA / "data.json").read_text(encoding="utf-8"))
SEED = 1


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Silence cmdstanpy, and undo the number of threads it sets."""
    monkeypatch.setenv("STAN_NUM_THREADS", "1")
    logger = logging.getLogger("cmdstanpy")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


@pytest.fixture(scope="module")
def model(schools: Path) -> CmdStanModel:
    return CmdStanModel(exe_file=schools)


def log_density(
    mu: npt.ArrayLike, tau: npt.ArrayLike, eta: npt.ArrayLike, *, kernel: bool
) -> npt.NDArray[np.float64]:
    """Return the eight schools' log density with its Jacobian, in closed form.

    The priors of mu and tau are sampling statements: without their constants in a kernel.
    """
    mu, tau, eta = (np.asarray(x, dtype=float) for x in (mu, tau, eta))
    theta = mu[..., None] + tau[..., None] * eta
    likelihood = stats.norm.logpdf(SCHOOLS["y"], theta, SCHOOLS["sigma"]).sum(axis=-1)
    priors = stats.cauchy.logpdf(tau, 0, 5) + stats.norm.logpdf(mu, 0, 5)
    if kernel:
        priors = -np.log1p((tau / 5) ** 2) - 0.5 * (mu / 5) ** 2
    total: npt.NDArray[np.float64] = (
        likelihood + stats.norm.logpdf(eta).sum(axis=-1) + priors + np.log(tau)
    )
    return total


def rows(name: str) -> dict[str, npt.NDArray[np.float64]]:
    """Read the columns of a reference file."""
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    table = list(csv.reader(line for line in lines if line and not line.startswith("#")))
    values = np.array(table[1:], dtype=float)
    return dict(zip(table[0], values.T, strict=True))


def test_exe_info(model: CmdStanModel) -> None:
    info = model.exe_info()
    assert (info["stan_version_major"], info["stan_version_minor"]) == ("2", "35")
    assert info["STAN_THREADS"] == "true"


class TestSample:
    def test_posterior(self, model: CmdStanModel) -> None:
        fit = model.sample(SCHOOLS, seed=SEED, chains=4, adapt_delta=0.95, show_progress=False)
        assert fit.draws().shape == (1000, 4, 7 + 10 + 8 + 8)
        # Rubin's eight schools with these priors: mu 4.4 (3.3), tau 3.6 (3.2).
        assert fit.stan_variable("mu").mean() == pytest.approx(4.4, abs=0.3)
        assert fit.stan_variable("mu").std() == pytest.approx(3.3, abs=0.3)
        assert fit.stan_variable("tau").mean() == pytest.approx(3.6, abs=0.5)
        assert fit.step_size.shape == (4,)
        assert fit.inv_metric.shape == (4, 10)
        assert fit.metric_type == "diag_e"
        assert len(fit.time) == 4

    def test_log_density_of_the_draws(self, model: CmdStanModel) -> None:
        fit = model.sample(
            SCHOOLS, seed=SEED, chains=1, iter_sampling=200, sig_figs=18, show_progress=False
        )
        variables = fit.stan_variables()
        expected = log_density(variables["mu"], variables["tau"], variables["eta"], kernel=True)
        np.testing.assert_allclose(fit.method_variables()["lp__"][:, 0], expected, rtol=1e-12)
        np.testing.assert_allclose(
            variables["log_lik"],
            stats.norm.logpdf(SCHOOLS["y"], variables["theta"], SCHOOLS["sigma"]),
            rtol=1e-10,
        )

    def test_chains_of_one_process_equal_chains_of_their_own(self, model: CmdStanModel) -> None:
        settings: dict[str, Any] = {
            "data": SCHOOLS,
            "seed": SEED,
            "chains": 3,
            "iter_warmup": 100,
            "iter_sampling": 50,
            "show_progress": False,
        }
        together = model.sample(**settings, force_one_process_per_chain=False, parallel_chains=2)
        apart = model.sample(**settings, force_one_process_per_chain=True)
        np.testing.assert_array_equal(together.draws(), apart.draws())
        assert len(np.unique(together.draws()[0, :, 0])) == 3

    @pytest.mark.parametrize(
        ("settings", "shape"),
        [
            ({"thin": 5}, (20, 2)),
            ({"save_warmup": True}, (100, 2)),
            ({"metric": "dense_e"}, (100, 2)),
            ({"metric": "unit_e"}, (100, 2)),
            ({"adapt_engaged": False, "iter_warmup": 0, "step_size": 0.1}, (100, 2)),
            ({"adapt_engaged": False, "metric": "dense_e", "step_size": 0.1}, (100, 2)),
            ({"adapt_engaged": False, "metric": "unit_e", "step_size": 0.1}, (100, 2)),
            ({"step_size": [0.5, 0.25], "max_treedepth": 5}, (100, 2)),
            ({"inits": 0}, (100, 2)),
            ({"inits": {"mu": 1.0, "tau": 2.0, "eta": [0.0] * 8}}, (100, 2)),
            ({"inits": [{"mu": 1.0, "tau": 2.0}, {"mu": 0.0, "tau": 1.0}]}, (100, 2)),
            # cmdstanpy forgets num_chains for fixed_param.
            ({"fixed_param": True, "force_one_process_per_chain": True}, (100, 2)),
            ({"adapt_init_phase": 10, "adapt_metric_window": 20, "adapt_step_size": 10}, (100, 2)),
            ({"chain_ids": [5, 6], "refresh": 10}, (100, 2)),
            ({"save_latent_dynamics": True}, (100, 2)),
        ],
    )
    def test_settings(
        self, model: CmdStanModel, settings: dict[str, Any], shape: tuple[int, int]
    ) -> None:
        defaults: dict[str, Any] = {"chains": 2, "iter_warmup": 200, "iter_sampling": 100}
        fit = model.sample(SCHOOLS, seed=SEED, show_progress=False, **(defaults | settings))
        assert fit.draws(inc_warmup=False).shape[:2] == shape
        if settings.get("save_warmup"):
            assert fit.draws(inc_warmup=True).shape[:2] == (300, 2)
        if settings.get("save_latent_dynamics"):
            for path in fit.runset.diagnostic_files:
                assert "p_mu" in Path(path).read_text(encoding="utf-8")

    def test_inverse_metric_and_start_are_used(self, model: CmdStanModel) -> None:
        metric = np.linspace(0.5, 2.0, 10)
        start = {"mu": 1.5, "tau": 2.5, "eta": [0.5] * 8}
        fit = model.sample(
            SCHOOLS,
            seed=SEED,
            chains=1,
            inits=start,
            inv_metric={"inv_metric": metric},
            metric="diag_e",
            step_size=1e-12,
            adapt_engaged=False,
            iter_warmup=0,
            iter_sampling=1,
            max_treedepth=1,
            show_progress=False,
        )
        np.testing.assert_allclose(fit.inv_metric[0], metric, rtol=1e-5)
        assert fit.stan_variable("tau")[0] == pytest.approx(2.5)

    def test_dense_inverse_metric(self, model: CmdStanModel) -> None:
        metric = np.eye(10) + 0.1
        fit = model.sample(
            SCHOOLS,
            seed=SEED,
            chains=2,
            metric="dense_e",
            inv_metric={"inv_metric": metric},
            step_size=0.1,
            adapt_engaged=False,
            iter_sampling=5,
            show_progress=False,
        )
        np.testing.assert_allclose(fit.inv_metric, [metric, metric], rtol=1e-5)

    @pytest.mark.parametrize("digits", [3, 9, 17])
    def test_significant_figures(self, model: CmdStanModel, digits: int) -> None:
        fit = model.sample(
            SCHOOLS, seed=SEED, chains=1, iter_sampling=50, sig_figs=digits, show_progress=False
        )
        text = Path(fit.runset.csv_files[0]).read_text(encoding="utf-8")
        draws = [row for row in text.splitlines() if row[:1].isdigit() or row.startswith("-")]
        numbers = [cell.split("e")[0] for row in draws for cell in row.split(",")]
        assert max(len(n.strip("-0.").replace(".", "")) for n in numbers) == digits


class TestOptimize:
    @pytest.mark.parametrize("algorithm", ["lbfgs", "bfgs", "newton"])
    def test_algorithms_find_the_same_mode(self, model: CmdStanModel, algorithm: str) -> None:
        fit = model.optimize(SCHOOLS, seed=SEED, jacobian=True, algorithm=algorithm)
        reference = rows("optimize.csv")
        assert fit.converged
        found = fit.optimized_params_dict
        for name in ("lp__", "mu", "tau", "eta.1", "theta.8"):
            key = name.replace(".", "[") + "]" if "." in name else name
            assert found[key] == pytest.approx(reference[name][0], rel=2e-3), name

    def test_iterations_and_no_jacobian(self, model: CmdStanModel) -> None:
        # Without the Jacobian the density grows without bound as tau goes to zero.
        fit = model.optimize(
            SCHOOLS,
            seed=SEED,
            algorithm="lbfgs",
            iter=5,
            history_size=3,
            save_iterations=True,
            require_converged=False,
        )
        assert fit.optimized_iterations_np.shape[0] >= 5
        assert np.isfinite(fit.optimized_params_np).all()


class TestLaplace:
    def test_draws_around_the_mode(self, model: CmdStanModel) -> None:
        fit = model.laplace_sample(SCHOOLS, seed=SEED, draws=2000, sig_figs=12)
        variables = fit.stan_variables()
        expected = log_density(variables["mu"], variables["tau"], variables["eta"], kernel=True)
        np.testing.assert_allclose(fit.method_variables()["log_p__"], expected, rtol=1e-8)
        mode = rows("optimize.csv")
        assert variables["mu"].mean() == pytest.approx(mode["mu"][0], abs=0.5)
        assert np.log(variables["tau"]).mean() == pytest.approx(np.log(mode["tau"][0]), abs=0.1)

    @pytest.mark.parametrize("jacobian", [True, False])
    def test_mode_of_an_earlier_fit(self, model: CmdStanModel, jacobian: bool) -> None:
        mode = model.optimize(
            SCHOOLS, seed=SEED, jacobian=jacobian, iter=20, require_converged=False
        )
        fit = model.laplace_sample(SCHOOLS, mode=mode, jacobian=jacobian, seed=SEED, draws=7)
        assert fit.draws().shape == (7, 2 + 10 + 8 + 8)


class TestPathfinder:
    @pytest.mark.parametrize(
        ("settings", "draws"),
        [
            ({"num_paths": 4, "num_single_draws": 100, "draws": 50}, 50),
            ({"num_paths": 1, "draws": 60}, 60),
            ({"num_paths": 2, "num_single_draws": 30, "psis_resample": False}, 60),
        ],
    )
    def test_paths(self, model: CmdStanModel, settings: dict[str, Any], draws: int) -> None:
        fit = model.pathfinder(SCHOOLS, seed=SEED, sig_figs=12, **settings)
        variables = fit.stan_variables()
        assert variables["eta"].shape == (draws, 8)
        expected = log_density(variables["mu"], variables["tau"], variables["eta"], kernel=False)
        np.testing.assert_allclose(fit.method_variables()["lp__"], expected, rtol=1e-8)

    def test_starts_for_the_sampler(self, model: CmdStanModel) -> None:
        starts = model.pathfinder(SCHOOLS, seed=SEED).create_inits(seed=1, chains=2)
        fit = model.sample(
            SCHOOLS, seed=SEED, chains=2, inits=starts, iter_sampling=10, show_progress=False
        )
        assert fit.draws().shape[:2] == (10, 2)


class TestVariational:
    @pytest.mark.parametrize("algorithm", ["meanfield", "fullrank"])
    def test_algorithms(self, model: CmdStanModel, algorithm: str) -> None:
        fit = model.variational(
            SCHOOLS,
            seed=SEED,
            algorithm=algorithm,
            draws=500,
            require_converged=False,
            grad_samples=10,
        )
        sample = fit.variational_sample_pd
        assert len(sample) == 500
        # The sampler's posterior; a normal approximation is near it, not equal.
        assert sample["mu"].mean() == pytest.approx(4.4, abs=2.0)


class TestEvaluation:
    def test_generated_quantities(self, model: CmdStanModel) -> None:
        sample = model.sample(
            SCHOOLS, seed=SEED, chains=2, iter_sampling=30, sig_figs=17, show_progress=False
        )
        fit = model.generate_quantities(SCHOOLS, previous_fit=sample, seed=SEED, sig_figs=17)
        np.testing.assert_allclose(
            fit.stan_variable("log_lik"), sample.stan_variable("log_lik"), rtol=1e-12
        )

    @pytest.mark.parametrize("jacobian", [True, False])
    def test_log_prob(self, model: CmdStanModel, jacobian: bool) -> None:
        point = json.loads((DATA / "constrained.json").read_text(encoding="utf-8"))
        got = model.log_prob(point, SCHOOLS, jacobian=jacobian, sig_figs=12).iloc[0]
        expected = log_density(point["mu"], point["tau"], point["eta"], kernel=True)
        correction = 0.0 if jacobian else np.log(point["tau"])
        assert got["lp__"] == pytest.approx(float(expected) - correction, rel=1e-10)
        if jacobian:
            reference = rows("log_prob.csv")
            np.testing.assert_allclose(got.to_numpy(), [v[0] for v in reference.values()], 1e-5)
