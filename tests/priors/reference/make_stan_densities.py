"""Write stan_densities.json: log densities as Stan itself computes them.

Run it from the top of the checkout; it compiles one Stan program.
"""

from __future__ import annotations

import itertools
import json
import tempfile
from pathlib import Path

import numpy as np
from cmdstanpy import CmdStanModel

from brmspy.engine.cache import compiled
from brmspy.engine.toolchain import CompileOptions, find_toolchain

# Arguments of each density, and where to evaluate it: the middle and both tails.
CASES: dict[str, tuple[list[tuple[float, ...]], list[float]]] = {
    "normal": ([(0, 1), (-3.5, 0.2), (100, 40)], [-50, -3.6, 0, 0.7, 250]),
    "student_t": ([(3, 0, 2.5), (0.4, 1, 0.1), (1e6, -2, 3)], [-50, -2.2, 0, 0.7, 250]),
    "cauchy": ([(0, 1), (-3.5, 0.2)], [-50, -3.6, 0, 0.7, 250]),
    "double_exponential": ([(0, 1), (-3.5, 0.2)], [-50, -3.6, 0, 0.7, 250]),
    "logistic": ([(0, 1), (-3.5, 0.2)], [-50, -3.6, 0, 0.7, 250]),
    "gumbel": ([(0, 1), (1.5, 4)], [-5, -3.6, 0, 0.7, 250]),
    "skew_normal": ([(0, 1, 0), (1, 2, 4), (-1, 0.5, -3)], [-3.6, -1.2, 0, 0.7, 3]),
    "exp_mod_normal": ([(0, 1, 1), (1, 2, 0.3)], [-3.6, -1.2, 0, 0.7, 30]),
    "skew_double_exponential": ([(0, 1, 0.5), (1, 2, 0.1)], [-50, -3.6, 0, 0.7, 250]),
    "lognormal": ([(0, 1), (-2, 0.3)], [0.001, 0.14, 1, 20]),
    "chi_square": ([(1,), (5.5,)], [0.001, 0.14, 1, 200]),
    "inv_chi_square": ([(1,), (5.5,)], [0.01, 0.14, 1, 200]),
    "scaled_inv_chi_square": ([(1, 2), (5.5, 0.1)], [0.01, 0.14, 1, 200]),
    "exponential": ([(1,), (0.02,)], [0, 0.14, 1, 200]),
    "gamma": ([(0.01, 0.01), (2, 0.1), (7.5, 3)], [0.001, 0.14, 1, 200]),
    "inv_gamma": ([(0.4, 0.3), (5.03, 1.3)], [0.01, 0.14, 1, 200]),
    "weibull": ([(0.5, 2), (3, 0.7)], [0.001, 0.14, 1, 5]),
    "frechet": ([(0.5, 2), (3, 0.7)], [0.1, 0.14, 1, 200]),
    "rayleigh": ([(1,), (3.5,)], [0.001, 0.14, 1, 20]),
    "loglogistic": ([(1, 2), (3.5, 0.7)], [0.001, 0.14, 1, 200]),
    "pareto": ([(0.1, 2), (0.14, 0.5)], [0.14, 1, 200]),
    "pareto_type_2": ([(0, 1, 2), (-1, 3, 0.5)], [0, 0.14, 1, 200]),
    "beta": ([(1, 1), (0.5, 3), (20, 7)], [0.001, 0.14, 0.5, 0.99]),
    "beta_proportion": ([(0.5, 2), (0.1, 30)], [0.001, 0.14, 0.5, 0.99]),
    "uniform": ([(0, 1), (-3, 40)], [0, 0.14, 1]),
    "von_mises": ([(0, 1), (0.5, 20)], [-2, -0.1, 0.5, 3]),
}

# Correlations below the diagonal, row by row, and shapes.
LKJ: list[tuple[list[float], list[float]]] = [
    ([0.3], [0.5, 1.0, 2.0]),
    ([0.3, -0.2, 0.6], [0.5, 1.0, 4.5]),
    ([0.1, 0.2, 0.3, -0.4, 0.5, 0.05], [1.0, 2.0]),
]


def matrix(lower: list[float]) -> list[list[float]]:
    """Return the correlation matrix with these elements below its diagonal."""
    size = next(n for n in range(2, 10) if n * (n - 1) // 2 == len(lower))
    correlations = np.eye(size)
    correlations[np.tril_indices(size, -1)] = lower
    return (correlations + correlations.T - np.eye(size)).tolist()


def main() -> None:
    """Compile the program, run it, and write what it prints."""
    rows = [
        # Not one integer: some of Stan's functions would divide integers by integers.
        {"density": name, "args": list(map(float, args)), "x": float(x)}
        for name, (arguments, points) in CASES.items()
        for args, x in itertools.product(arguments, points)
    ]
    calls = [f"{r['density']}_lpdf({r['x']} | {', '.join(map(str, r['args']))})" for r in rows]
    matrices = [(matrix(lower), eta) for lower, etas in LKJ for eta in etas]
    for rows_of_matrix, eta in matrices:
        text = ", ".join(f"[{', '.join(map(str, row))}]" for row in rows_of_matrix)
        calls.append(f"lkj_corr_lpdf([{text}] | {eta})")
        calls.append(f"lkj_corr_cholesky_lpdf(cholesky_decompose([{text}]) | {eta})")
    body = "\n".join(f"  value[{i}] = {call};" for i, call in enumerate(calls, start=1))
    code = f"generated quantities {{\n  vector[{len(calls)}] value;\n{body}\n}}\n"
    model = compiled(code, find_toolchain(), CompileOptions())
    with tempfile.TemporaryDirectory() as folder:
        fit = CmdStanModel(exe_file=str(model.exe)).sample(
            chains=1, iter_sampling=1, fixed_param=True, sig_figs=17, output_dir=folder
        )
        values = fit.stan_variable("value")[0].tolist()
    univariate, pairs = values[: len(rows)], values[len(rows) :]
    document = {
        "made_with": "Stan 2.35, tests/priors/reference/make_stan_densities.py",
        "univariate": [row | {"value": value} for row, value in zip(rows, univariate, strict=True)],
        "lkj": [
            {"correlations": m, "eta": eta, "corr": pairs[2 * i], "cholesky": pairs[2 * i + 1]}
            for i, (m, eta) in enumerate(matrices)
        ],
    }
    target = Path(__file__).with_name("stan_densities.json")
    target.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
