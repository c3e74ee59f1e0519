"""Exact maximum likelihood of the chicks' growth curves, against nlme's linear approximation.

The model is `chick_weight` of `growth_curves.py`: a logistic curve for each chick, with independent
effects on asymptote and midpoint. The likelihood is integrated over the two effects of each chick
by adaptive Gauss-Hermite quadrature with 21 x 21 points (Pinheiro and Bates 1995, Journal of
Computational and Graphical Statistics 4(1)).

    python benchmarks/quadrature.py
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from growth_curves import MODELS
from numpy.typing import NDArray
from scipy.optimize import minimize

from brmspy import frequentist

FloatArray = NDArray[np.float64]

NAMES = (
    "b_Asym_Intercept",
    "b_xmid_Intercept",
    "b_scal_Intercept",
    "sd_Chick__Asym_Intercept",
    "sd_Chick__xmid_Intercept",
    "sigma",
)
POINTS = 21


@dataclass
class Chicks:
    """The likelihood of the chicks' curves.

    Attributes
    ----------
    time, weight : ndarray, shape (rows,)
        The data.
    index : ndarray of int, shape (rows,)
        Chick of each row.
    modes : ndarray, shape (chicks, 2)
        Standardised effects at the last parameters, from which the next search starts.
    """

    time: FloatArray
    weight: FloatArray
    index: NDArray[np.intp]
    modes: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        self.modes = np.zeros((self.index.max() + 1, 2))
        nodes, weights = np.polynomial.hermite_e.hermegauss(POINTS)
        self.nodes = np.array(np.meshgrid(nodes, nodes, indexing="ij")).reshape(2, -1)
        share = weights / np.sqrt(2.0 * np.pi)
        self.log_weights = np.log(np.outer(share, share).ravel())

    def curve(self, p: FloatArray, effects: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and asymptote of each row; effects have shape (chicks, 2, points)."""
        asymptote = p[0] + p[3] * effects[self.index, 0]
        middle = p[1] + p[4] * effects[self.index, 1]
        return asymptote / (1.0 + np.exp((middle - self.time[:, None]) / p[2])), asymptote

    def log_joint(self, p: FloatArray, effects: FloatArray) -> FloatArray:
        """Return the log density of each chick's rows and effects, shape (chicks, points)."""
        left = (self.weight[:, None] - self.curve(p, effects)[0]) / p[5]
        rows = -0.5 * np.square(left) - np.log(p[5]) - 0.5 * np.log(2.0 * np.pi)
        total = np.zeros((len(self.modes), effects.shape[2]))
        np.add.at(total, self.index, rows)
        return total - 0.5 * np.square(effects).sum(axis=1) - np.log(2.0 * np.pi)

    def search(self, p: FloatArray) -> FloatArray:
        """Move to the modes of the effects; return their precisions, shape (chicks, 2, 2)."""
        for _ in range(60):
            mean, asymptote = (part[:, 0] for part in self.curve(p, self.modes[:, :, None]))
            share = mean / asymptote
            slopes = np.column_stack([p[3] * share, -mean * (1.0 - share) * p[4] / p[2]]) / p[5]
            gradient, precision = -self.modes, np.tile(np.eye(2), (len(self.modes), 1, 1))
            np.add.at(gradient, self.index, slopes * ((self.weight - mean) / p[5])[:, None])
            np.add.at(precision, self.index, slopes[:, :, None] * slopes[:, None, :])
            step = np.linalg.solve(precision, gradient[:, :, None])[:, :, 0]
            before = self.log_joint(p, self.modes[:, :, None])[:, 0]
            size = np.ones(len(self.modes))
            for _ in range(8):
                moved = self.modes + size[:, None] * step
                after = self.log_joint(p, moved[:, :, None])[:, 0]
                size = np.where(after < before - 1e-12, 0.5 * size, size)
            self.modes = self.modes + size[:, None] * step
            if np.abs(step).max() < 1e-8:
                break
        return precision

    def log_likelihood(self, p: FloatArray) -> float:
        """Return the log likelihood of parameters in the order of `NAMES`."""
        roots = np.linalg.cholesky(np.linalg.inv(self.search(p)))
        places = self.modes[:, :, None] + roots @ self.nodes
        values = self.log_joint(p, places) + 0.5 * np.square(self.nodes).sum(axis=0)
        values += self.log_weights + np.log(2.0 * np.pi)
        top = values.max(axis=1)
        inner = top + np.log(np.exp(values - top[:, None]).sum(axis=1))
        return float((inner + np.log(np.linalg.det(roots))).sum())


def main() -> None:
    model = MODELS["chick_weight"]
    data = model.data()
    _, index = np.unique(data["Chick"].astype(str), return_inverse=True)
    chicks = Chicks(data["Time"].to_numpy(float), data["weight"].to_numpy(float), index)
    start = frequentist(model.formula, data).table["Estimate"][list(NAMES)].to_numpy()

    def loss(free: FloatArray) -> float:
        return -chicks.log_likelihood(np.r_[free[:3], np.exp(free[3:])])

    free = np.r_[start[:3], np.log(start[3:])] * 1.001
    for _ in range(2):
        options = {"maxiter": 900, "xatol": 1e-5, "fatol": 1e-6}
        free = minimize(loss, free, method="Nelder-Mead", options=options).x
    exact = np.r_[free[:3], np.exp(free[3:])]
    print("| parameter | nlme's algorithm | maximum likelihood |\n|---|---|---|")
    for name, approximate, value in zip(NAMES, start, exact, strict=True):
        print(f"| {name} | {approximate:.4g} | {value:.4g} |")
    likelihoods = [chicks.log_likelihood(point) for point in (start, exact)]
    print("log likelihood: {:.2f} at nlme's estimates, {:.2f} at its maximum".format(*likelihoods))


if __name__ == "__main__":
    main()
