"""Growth curves from default priors and default settings, against nls and nlme.

Every model is fitted without priors, initial values or settings, 4 x (1000 + 1000), with several
seeds. The table has the worst R-hat, all divergences, the smallest effective sample size of all
seeds, the median seconds of the call (compiled models at hand), and how far the population
parameters lie from the maximum likelihood estimates, in posterior standard deviations.

    python benchmarks/growth_curves.py                   all models, seeds 1 to 5
    python benchmarks/growth_curves.py loblolly orange   some of them
    python benchmarks/growth_curves.py --seeds 20        other seeds: 1 to 20

Below it stands a table of the Loblolly pines against nlme, with both structures of random effects.
Estimates of R are taken from its documentation and from runs of nlme 3.1; where there are none they
come from `brmspy.frequentist`, which has nlme's algorithm. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from brmspy import BrmsFit, bf, brm, frequentist, load_dataset


@dataclass(frozen=True)
class GrowthModel:
    """A formula, and the rows of a data set that it is fitted to."""

    formula: Any
    dataset: str
    query: str = ""

    def data(self) -> pd.DataFrame:
        """Return the rows."""
        data = load_dataset(self.dataset)
        return data.query(self.query) if self.query else data


def _model(dataset: str, *formulas: str, query: str = "") -> GrowthModel:
    return GrowthModel(bf(*formulas, nl=True), dataset, query)


PINES = "height ~ SSasymp(age, Asym, R0, lrc)"
INDOMETHACIN = "conc ~ SSbiexp(time, A1, lrc1, A2, lrc2)"
MODELS = {
    "loblolly": _model("loblolly", PINES, "Asym ~ 1 + (1 | Seed)", "R0 + lrc ~ 1"),
    "loblolly, two effects": _model("loblolly", PINES, "Asym + lrc ~ 1 + (1 | Seed)", "R0 ~ 1"),
    "puromycin": _model("puromycin", "rate ~ SSmicmen(conc, Vm, K)", "Vm + K ~ 0 + state"),
    "orange": _model(
        "orange",
        "circumference ~ SSlogis(age, Asym, xmid, scal)",
        "Asym ~ 1 + (1 | Tree)",
        "xmid + scal ~ 1",
    ),
    "theoph": _model(
        "theoph",
        "conc ~ SSfol(Dose, Time, lKe, lKa, lCl)",
        "lKe ~ 1",
        "lKa + lCl ~ 1 + (1 | Subject)",
    ),
    "indometh": _model("indometh", INDOMETHACIN, "A1 + lrc1 + A2 ~ 1 + (1 | Subject)", "lrc2 ~ 1"),
    "indometh, four effects": _model(
        "indometh", INDOMETHACIN, "A1 + lrc1 + A2 + lrc2 ~ 1 + (1 | Subject)"
    ),
    "dnase": _model(
        "dnase",
        "density ~ SSlogis(log(conc), Asym, xmid, scal)",
        "Asym + xmid + scal ~ 1 + (1 | Run)",
    ),
    "co2": _model(
        "co2",
        "uptake ~ SSasympOff(conc, Asym, lrc, c0)",
        "Asym ~ Type * Treatment + (1 | Plant)",
        "lrc ~ 1 + (1 | Plant)",
        "c0 ~ 1",
    ),
    "chick_weight": _model(
        "chick_weight",
        "weight ~ SSlogis(Time, Asym, xmid, scal)",
        "Asym + xmid ~ 1 + (1 | Chick)",
        "scal ~ 1",
    ),
    "gompertz": _model(
        "dnase",
        "density ~ SSgompertz(log(conc), Asym, b2, b3)",
        "Asym + b2 + b3 ~ 1",
        query="Run == '1'",
    ),
    "weibull": _model(
        "chick_weight",
        "weight ~ SSweibull(Time, Asym, Drop, lrc, pwr)",
        "Asym + Drop + lrc + pwr ~ 1",
        query="Chick == '6' and Time > 0",
    ),
}

# Estimates of R, as far as they are published or were run, and of one model exact ones.
R: dict[str, dict[str, float]] = {
    # nlme 3.1, random = Asym ~ 1, and pdDiag(Asym + lrc ~ 1).
    "loblolly": {
        "b_Asym_Intercept": 101.4496000168,
        "b_R0_Intercept": -8.6273307283,
        "b_lrc_Intercept": -3.2337507439,
        "sd_Seed__Asym_Intercept": 3.6506418,
        "sigma": 0.7188625,
    },
    "loblolly, two effects": {
        "b_Asym_Intercept": 101.8520461538,
        "b_R0_Intercept": -8.5903885588,
        "b_lrc_Intercept": -3.2401093143,
        "sd_Seed__Asym_Intercept": 2.80618464,
        "sd_Seed__lrc_Intercept": 0.03449969,
        "sigma": 0.69200034,
    },
    # nls, for each state.
    "puromycin": {
        "b_Vm_statetreated": 212.6837072712,
        "b_Vm_stateuntreated": 160.2801158935,
        "b_K_statetreated": 0.064121225794,
        "b_K_stateuntreated": 0.047708292268,
    },
    # nlme 3.1, random = Asym ~ 1.
    "orange": {
        "b_Asym_Intercept": 191.0499,
        "b_xmid_Intercept": 722.559,
        "b_scal_Intercept": 344.1687,
    },
    # Exact maximum likelihood (quadrature.py): nlme's linear approximation is rough here.
    "chick_weight": {
        "b_Asym_Intercept": 293.133,
        "b_xmid_Intercept": 11.8332,
        "b_scal_Intercept": 6.9001,
    },
    # ?SSgompertz.
    "gompertz": {
        "b_Asym_Intercept": 4.60333,
        "b_b2_Intercept": 2.27134,
        "b_b3_Intercept": 0.71647,
    },
}


def estimates(name: str) -> dict[str, float]:
    """Return the maximum likelihood estimates of the population parameters."""
    found = R.get(name)
    if found is None:
        found = frequentist(MODELS[name].formula, MODELS[name].data()).table["Estimate"].to_dict()
    return {key: value for key, value in found.items() if key.startswith("b_")}


def fitted(name: str, seed: int, **options: Any) -> tuple[BrmsFit, float]:
    """Return the fit from defaults, and the seconds that it took."""
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of divergences and R-hat, which the table counts
        fit = brm(MODELS[name].formula, MODELS[name].data(), seed=seed, progress=False, **options)
    return fit, time.perf_counter() - began


def row(name: str, seeds: Sequence[int]) -> str:
    """Return one line of the table."""
    expected = estimates(name)
    fitted(name, 1, chains=1, iter_warmup=10, iter_sampling=10)  # compiles
    rhat, lost, ess, seconds, far = [], [], [], [], []
    for seed in seeds:
        fit, took = fitted(name, seed)
        table = fit.summary()
        rhat.append(float(table["Rhat"].max()))
        lost.append(int(fit.idata["sample_stats"]["diverging"].sum()))
        ess.append(float(table[["Bulk_ESS", "Tail_ESS"]].min(axis=None)))
        seconds.append(took)
        for parameter, estimate in expected.items():
            own = table.loc[parameter]
            far.append((abs(own["Estimate"] - estimate) / own["Est.Error"], parameter))
    distance, where = max(far)
    return (
        f"| {name} | {len(seeds)} | {max(rhat):.4f} | {sum(lost)} | {min(ess):.0f} "
        f"| {np.median(seconds):.1f} | {distance:.2f} ({where}) |"
    )


def pines() -> str:
    """Return the table of the Loblolly pines against nlme."""
    lines = [
        "| random effects | parameter | nlme | brmspy | posterior sd | apart |",
        "|---|---|---|---|---|---|",
    ]
    for name, effects in (("loblolly", "Asym"), ("loblolly, two effects", "Asym, lrc")):
        table = fitted(name, 1)[0].summary()
        for parameter, estimate in R[name].items():
            own = table.loc[parameter]
            apart = (own["Estimate"] - estimate) / own["Est.Error"]
            lines.append(
                f"| {effects} | {parameter} | {estimate:.4g} | {own['Estimate']:.4g} "
                f"| {own['Est.Error']:.2g} | {apart:+.2f} |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="model", help=", ".join(MODELS))
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.models) - MODELS.keys())
    if unknown:
        parser.error(f"There are no models {', '.join(unknown)}.")
    print("| model | seeds | R-hat | divergences | ESS | seconds | from nls, nlme |")
    print("|---|---|---|---|---|---|---|")
    for name in arguments.models or MODELS:
        print(row(name, range(1, arguments.seeds + 1)), flush=True)
    if not arguments.models:
        print("\n" + pines())


if __name__ == "__main__":
    main()
