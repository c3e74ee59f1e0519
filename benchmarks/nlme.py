"""Maximum likelihood of non-linear mixed models, to compare with where R's nlme has no figures.

The algorithm of nlme: penalised least squares of coefficients and effects for given variances, in
turn with the variances of the linear model that the curve's tangents make. Independent effects of
one grouping factor; without effects these are the estimates of nls.

    python benchmarks/nlme.py     the models of growth_curves.py, and R's estimates where known

References
----------
Lindstrom, M. J. and Bates, D. M. (1990). Nonlinear mixed effects models for repeated measures data.
Biometrics, 46(3). https://doi.org/10.2307/2532087
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from brmspy.formula import Formula, LinearPredictor, NonlinearPredictor
from brmspy.model import Model, build
from brmspy.nonlinear import evaluate
from brmspy.priors import starting_coefficients

__all__ = ["nlme"]

FloatArray = NDArray[np.float64]


def nlme(formula: Formula, data: Any) -> tuple[dict[str, float], float]:
    """Return estimates by brms' names, and the log likelihood."""
    return _Problem.of(build(formula, data)).solve()


@dataclass(frozen=True)
class _Problem:
    model: Model
    names: tuple[str, ...]
    X: FloatArray  # columns of all coefficients
    owner: NDArray[np.intp]  # which predictor each belongs to
    Z: FloatArray  # columns of one level's effects
    effect: NDArray[np.intp]
    index: NDArray[np.intp]
    levels: int

    @classmethod
    def of(cls, model: Model) -> _Problem:
        design = model.design
        names = tuple(
            p.name for p in design.terms.predictors if isinstance(p, LinearPredictor) and p.nlpar
        )
        X = [design.arrays.predictors[name].X for name in names]
        owner = np.repeat(np.arange(len(names)), [part.shape[1] for part in X])
        Z, effect = [np.zeros((design.arrays.nobs, 0))], []
        for info, arrays in zip(design.groups, design.arrays.groups, strict=True):
            Z.append(arrays.Z)
            effect += [names.index(coef.predictor) for coef in info.coefs]
        index, levels = np.zeros(design.arrays.nobs, dtype=np.intp), 1
        if design.groups:
            assert len({info.group for info in design.groups}) == 1, "one grouping factor"
            index, levels = design.arrays.groups[0].index, len(design.groups[0].levels)
        columns, effects = np.hstack(Z), np.array(effect, dtype=np.intp)
        return cls(model, names, np.hstack(X), owner, columns, effects, index, levels)

    @property
    def y(self) -> FloatArray:
        return np.asarray(self.model.response, dtype=float)

    def curve(self, beta: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the curve, and its derivatives by each parameter."""
        terms = self.model.design.terms
        body = next(p.body for p in terms.predictors if isinstance(p, NonlinearPredictor))
        eta = np.zeros((len(self.y), len(self.names)))
        for k, name in enumerate(self.owner):
            eta[:, name] += self.X[:, k] * beta[k]
        for k, name in enumerate(self.effect):
            eta[:, name] += self.Z[:, k] * b[self.index, k]

        def at(eta: FloatArray) -> FloatArray:
            values = dict(zip(self.names, eta.T, strict=True))
            with np.errstate(all="ignore"):
                return evaluate(body, {**self.model.design.arrays.covariates, **values})

        slopes = np.empty_like(eta)
        for j in range(len(self.names)):
            step = np.zeros(len(self.names))
            step[j] = 1e-5 * max(1e-3, float(np.abs(eta[:, j]).max()))
            slopes[:, j] = (at(eta + step) - at(eta - step)) / (2.0 * step[j])
        return at(eta), slopes

    def tangents(self, slopes: FloatArray) -> tuple[FloatArray, FloatArray]:
        return slopes[:, self.owner] * self.X, slopes[:, self.effect] * self.Z

    def penalised(self, beta: FloatArray, b: FloatArray, scale: FloatArray) -> Any:
        """Gauss-Newton for coefficients and effects, whose sd is `scale` residual sds."""
        count, size = len(beta), len(self.effect)

        def loss(beta: FloatArray, b: FloatArray) -> float:
            rest = self.y - self.curve(beta, b)[0]
            value = float(rest @ rest + np.square(b / scale).sum())
            return value if np.isfinite(value) else np.inf

        before = loss(beta, b)
        for _ in range(200):
            f, slopes = self.curve(beta, b)
            dX, dZ = self.tangents(slopes)
            wide = np.zeros((len(f), self.levels * size))
            for k in range(size):
                wide[np.arange(len(f)), self.index * size + k] = dZ[:, k]
            full = np.hstack([dX, wide])
            gram = full.T @ full
            gradient = full.T @ (self.y - f)
            prior = np.concatenate([np.zeros(count), np.tile(scale**-2.0, self.levels)])
            gradient -= prior * np.concatenate([beta, b.ravel()])
            step = np.linalg.solve(gram + np.diag(prior), gradient)
            for halving in range(30):
                move = step * 0.5**halving
                new = beta + move[:count], b + move[count:].reshape(b.shape)
                after = loss(*new)
                if after <= before:
                    break
            else:
                break
            beta, b = new
            if before - after <= 1e-12 * before:
                break
            before = after
        return beta, b

    def linear(self, beta: FloatArray, b: FloatArray, start: FloatArray) -> Any:
        """Maximum likelihood of the linear mixed model of the tangents."""
        f, slopes = self.curve(beta, b)
        dX, dZ = self.tangents(slopes)
        w = self.y - f + dX @ beta + (dZ * b[self.index]).sum(axis=1)
        rows = [np.flatnonzero(self.index == g) for g in range(self.levels)]

        def fitted(logs: FloatArray) -> tuple[float, FloatArray, float]:
            scale = np.exp(logs)
            gram, right, total, logdet = 0.0, 0.0, 0.0, 0.0
            for own in rows:
                inner = dZ[own] * scale
                V = np.eye(len(own)) + inner @ inner.T
                L = np.linalg.cholesky(V)
                A, r = np.linalg.solve(L, dX[own]), np.linalg.solve(L, w[own])
                gram, right, total = gram + A.T @ A, right + A.T @ r, total + r @ r
                logdet += 2.0 * float(np.log(np.diagonal(L)).sum())
            new = np.linalg.solve(gram, right)
            variance = float(total - new @ right) / len(w)
            value = -0.5 * (len(w) * (np.log(2 * np.pi * variance) + 1) + logdet)
            return value, new, np.sqrt(variance)

        if len(start):
            found = minimize(
                lambda logs: -fitted(logs)[0], start, bounds=[(-12.0, 12.0)] * len(start)
            )
            start = found.x
        value, new, sigma = fitted(start)
        return new, float(sigma), start, float(value)

    def solve(self) -> tuple[dict[str, float], float]:
        design, guesses = self.model.design, self.model.guesses
        beta = np.concatenate([starting_coefficients(design, guesses[n]) for n in self.names])
        b = np.zeros((self.levels, len(self.effect)))
        sigma = float(np.std(self.y - self.curve(beta, b)[0]))
        first = [np.log(guesses[self.names[k]].spread / 2.0 / sigma) for k in self.effect]
        logs = np.array(first, dtype=float)
        value = -np.inf
        for _ in range(200):
            beta, b = self.penalised(beta, b, np.exp(logs))
            _, sigma, new, value = self.linear(beta, b, logs)
            moved = np.abs(np.exp(new) - np.exp(logs)).max(initial=0.0)
            logs = new
            if moved < 1e-7 * np.exp(logs).max(initial=1.0):
                break
        return self.named(beta, np.exp(logs) * sigma, sigma), value

    def named(self, beta: FloatArray, sds: FloatArray, sigma: float) -> dict[str, float]:
        design = self.model.design
        values = iter(beta)
        found = {
            f"b_{name}_{coef.brms}": float(next(values))
            for name in self.names
            for coef in design.predictors[name].coefs
        }
        spreads = iter(sds)
        for info in design.groups:
            for coef in info.coefs:
                found[f"sd_{info.group}__{coef.brms_label}"] = float(next(spreads))
        return {**found, "sigma": sigma}


def main() -> None:
    from growth_curves import MODELS, R

    for name, model in MODELS.items():
        found, value = nlme(model.formula, model.data())
        print(f"\n{name}: log likelihood {value:.3f}")
        for parameter, estimate in found.items():
            known = R.get(name, {}).get(parameter)
            print(f"  {parameter:28}{estimate:12.5g}" + (f"  R: {known:.6g}" if known else ""))


if __name__ == "__main__":
    main()
