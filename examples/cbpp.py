"""Cattle disease: does its incidence fall over four periods, and do herds differ?

Each row counts the new cases of contagious bovine pleuropneumonia among ``size`` animals of a herd,
so the response is a count out of a known number of trials.

Look at ``b_period2`` to ``b_period4``, the change in log odds since the first period, and at
``sd_herd__Intercept``, the spread of the herds.
"""

from typing import Any

from brmspy import BrmsFit, brm, load_dataset


def fit(**options: Any) -> BrmsFit:
    return brm(
        "incidence | trials(size) ~ period + (1 | herd)",
        load_dataset("cbpp"),
        family="binomial",
        **options,
    )


def main() -> None:
    print(fit(seed=1))


if __name__ == "__main__":
    main()
