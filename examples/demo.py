"""What `make demo` runs: reaction times under sleep deprivation, fitted, printed and plotted."""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from brmspy import BrmsFit, brm, load_dataset

OUTPUT = Path(__file__).resolve().parent.parent / "demo-output"


def main() -> None:
    sleepstudy = load_dataset("sleepstudy")
    fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1)
    print(fit)
    OUTPUT.mkdir(exist_ok=True)
    path = OUTPUT / "sleepstudy.png"
    plot(fit, sleepstudy, path)
    print(f"\nThe plot of the 18 people's lines is in {path}")


def plot(fit: BrmsFit, data: pd.DataFrame, path: Path) -> None:
    """Draw each person's data, line with 95 % interval, and the population's line."""
    mpl.use("agg")
    draws = fit.idata.posterior.stack(sample=("chain", "draw"))
    b, r = draws["b"], draws["r_Subject"]
    days = np.linspace(0, 9, 50)[:, None]

    figure, axes = plt.subplots(
        3, 6, figsize=(11, 6), sharex=True, sharey=True, layout="constrained"
    )
    population = np.asarray(b.sel(coef="Intercept")) + np.asarray(b.sel(coef="Days")) * days
    for axis, (subject, rows) in zip(
        axes.flat, data.groupby("Subject", observed=True), strict=True
    ):
        own = r.sel(Subject=subject)
        line = (
            population
            + np.asarray(own.sel(Subject__coef="Intercept"))
            + np.asarray(own.sel(Subject__coef="Days")) * days
        )
        low, high = np.quantile(line, [0.025, 0.975], axis=1)
        axis.fill_between(days[:, 0], low, high, color="tab:blue", alpha=0.25, linewidth=0)
        axis.plot(days[:, 0], line.mean(axis=1), color="tab:blue")
        axis.plot(days[:, 0], population.mean(axis=1), color="0.5", linestyle="--", linewidth=1)
        axis.plot(rows["Days"], rows["Reaction"], "o", color="black", markersize=3)
        axis.set_title(f"Subject {subject}", fontsize=9)
    figure.supxlabel("Days of sleep deprivation")
    figure.supylabel("Reaction time (ms)")
    figure.suptitle("Each person's line (95 % interval); dashed: the population")
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
