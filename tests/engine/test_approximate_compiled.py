"""Approximations of a real model: the same as Stan's own, densities, seeds, progress."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cmdstanpy.utils import stancsv
from scipy.stats import chi2, kstest

from brmspy.engine.approximate import ALGORITHMS, ApproximateOptions, ApproximateRun, approximate
from brmspy.engine.progress import Progress
from brmspy.engine.stan_json import write_json
from brmspy.errors import SamplingError

pytestmark = pytest.mark.compiled

SCHOOLS: dict[str, Any] = {
    "J": 8,
    "y": [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0],
    "sigma": [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0],
}
PARAMETERS = 10


def run(exe: Path, algorithm: str, **options: Any) -> ApproximateRun:
    chosen = ApproximateOptions(algorithm, **{"draws": 1000, "seed": 3, **options})
    return approximate(exe, SCHOOLS, chosen, progress=Progress(show=False))


@pytest.mark.usefixtures("scratch")
class TestApproximations:
    def test_paths_are_those_that_stan_follows_in_one_process(
        self, schools: Path, tmp_path: Path
    ) -> None:
        write_json(tmp_path / "data.json", SCHOOLS)
        command = (
            f"{schools} id=1 random seed=3 data file=data.json output file=own.csv sig_figs=12 "
            "method=pathfinder num_paths=3 num_draws=1000 psis_resample=0"
        )
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
        _, header, rows = stancsv.parse_comments_header_and_draws(tmp_path / "own.csv")
        own = np.loadtxt(rows, delimiter=",")
        columns = header.strip().split(",")
        ours = run(schools, "pathfinder", paths=3, draws=3000)
        assert len(own) == 3000
        np.testing.assert_array_equal(ours.lp, own[:, columns.index("lp__")])
        np.testing.assert_array_equal(ours.log_q, own[:, columns.index("lp_approx__")])
        np.testing.assert_array_equal(ours.draws["tau"][0], own[:, columns.index("tau")])
        np.testing.assert_array_equal(ours.draws["eta"][0, :, 7], own[:, columns.index("eta.8")])

    @pytest.mark.parametrize("algorithm", ["laplace", "meanfield", "fullrank"])
    def test_log_q_is_the_density_of_a_normal(self, schools: Path, algorithm: str) -> None:
        # Up to a constant, minus twice it is the squared distance from the centre.
        log_q = run(schools, algorithm, draws=4000).log_q
        assert kstest(-2 * log_q, chi2(PARAMETERS).cdf).pvalue > 0.001

    def test_log_q_of_pathfinder_is_normalised(self, schools: Path) -> None:
        # The mean of q over the draws of a normal density is that of its square over space:
        # (4 pi)^(-n / 2) / sqrt(det covariance), here with the covariance of the draws.
        got = run(schools, "pathfinder", draws=4000)
        unconstrained = np.column_stack(
            [got.draws["mu"][0], np.log(got.draws["tau"][0]), got.draws["eta"][0]]
        )
        _, log_det = np.linalg.slogdet(np.cov(unconstrained.T))
        expected = -PARAMETERS / 2 * np.log(4 * np.pi) - log_det / 2
        assert abs(np.log(np.exp(got.log_q).mean()) - expected) < 0.2

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_seeds_repeat(self, schools: Path, algorithm: str) -> None:
        first, again, other = (run(schools, algorithm, seed=seed) for seed in (1, 1, 2))
        np.testing.assert_array_equal(first.draws["theta"], again.draws["theta"])
        np.testing.assert_array_equal(first.log_q, again.log_q)
        assert not np.array_equal(first.draws["mu"], other.draws["mu"])

    def test_a_seed_is_drawn_and_kept(self, schools: Path) -> None:
        first = run(schools, "laplace", seed=None)
        again = run(schools, "laplace", seed=first.seed)
        np.testing.assert_array_equal(first.lp, again.lp)

    def test_initial_values_that_do_not_fit(self, schools: Path) -> None:
        with pytest.raises(SamplingError, match="initial values that do not fit the model"):
            run(schools, "laplace", inits={"eta": [1.0, 2.0]})

    def test_progress(self, schools: Path) -> None:
        stream = io.StringIO()
        with Progress(show="lines", stream=stream) as progress:
            progress.stage("compile")
            approximate(schools, SCHOOLS, ApproximateOptions("laplace"), progress=progress)
        begin, middle, end = stream.getvalue().splitlines()
        assert begin.startswith("Compiling")
        assert middle.startswith("Laplace approximation ")
        assert end.startswith("Laplace approximation done after ")
