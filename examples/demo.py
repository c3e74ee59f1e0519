"""What `make demo` runs: reaction times under sleep deprivation, fitted, printed and plotted."""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr

from brmspy import BrmsFit, brm, load_dataset

OUTPUT = Path(__file__).resolve().parent.parent / "demo-output"

# From the palette of Okabe and Ito, which all readers can tell apart.
BLUE, VERMILION, INK = "#0072B2", "#D55E00", "#222222"

STYLE = {
    "font.size": 11,
    "axes.edgecolor": "0.6",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "xtick.color": "0.3",
    "ytick.color": "0.3",
}


def main() -> None:
    sleepstudy = load_dataset("sleepstudy")
    fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1)
    print(fit)
    OUTPUT.mkdir(exist_ok=True)
    path = OUTPUT / "sleepstudy.png"
    plot(fit, sleepstudy, path)
    print(f"\nThe plot of the 18 people's lines is in {path}")


def plot(fit: BrmsFit, data: pd.DataFrame, path: Path) -> None:
    """Draw each person's data and line, from the least to the most affected, with everyone's."""
    posterior = fit.idata.posterior
    days = xr.DataArray(np.linspace(0, 9, 50), dims="day")
    average = line(posterior["b"], days).mean(("chain", "draw"))
    own = posterior["b"] + posterior["r_Subject"].rename(Subject__coef="coef")
    slopes = own.sel(coef="Days").mean(("chain", "draw"))
    observed = dict(list(data.groupby("Subject", observed=True)))

    mpl.use("agg")
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(
            3, 6, figsize=(11.5, 7), sharex=True, sharey=True, layout="constrained"
        )
        for axis, subject in zip(axes.flat, slopes.sortby(slopes)["Subject"].values, strict=True):
            drawn = line(own.sel(Subject=subject), days)
            low, high = drawn.quantile([0.025, 0.975], ("chain", "draw"))
            axis.plot(
                days, average, "--", color=VERMILION, linewidth=1.4, label="population average"
            )
            axis.fill_between(days, low, high, color=BLUE, alpha=0.25, linewidth=0)
            axis.plot(
                days,
                drawn.mean(("chain", "draw")),
                color=BLUE,
                linewidth=2,
                label="this person, with 95 % credible interval",
            )
            rows = observed[subject]
            axis.plot(
                rows["Days"], rows["Reaction"], "o", color=INK, markersize=3.5, label="measured"
            )
            slope = f"{slopes.sel(Subject=subject):+.1f}".replace("-", "−")
            axis.set_title(f"{subject}:  {slope} ms/day")
        axes[0, 0].set(xticks=range(0, 10, 3), yticks=range(200, 501, 100), ylim=(180, 500))
        figure.supxlabel("Day of the study (short nights from day 2 on)")
        figure.supylabel("Reaction time (ms)")
        figure.legend(
            *axes[0, 0].get_legend_handles_labels(),
            loc="outside upper center",
            ncols=3,
            frameon=False,
            title="Reaction times of 18 people kept to three hours in bed a night",
            title_fontsize=13,
        )
        figure.savefig(path, dpi=130)
        plt.close(figure)


def line(coefficients: xr.DataArray, days: xr.DataArray) -> xr.DataArray:
    """Return the expected reaction time on each day."""
    return coefficients.sel(coef="Intercept") + coefficients.sel(coef="Days") * days


if __name__ == "__main__":
    main()
