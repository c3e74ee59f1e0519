"""Simulated counts with exposure: are two slopes and the spread of 25 groups recovered?

``o`` is the time each row was observed; ``offset(log(o))`` makes the coefficients rates per unit of
time. Many rows per group pin the group means down, and the sampler works hard for the intercept.

Look at ``b_x1`` and ``b_x2``, log rate ratios, and at the effective sample sizes of ``b_Intercept``
and ``sd_g__Intercept``.
"""

from typing import Any

from brmspy import BrmsFit, brm, load_dataset


def fit(**options: Any) -> BrmsFit:
    return brm(
        "y ~ x1 + x2 + (1 | g) + offset(log(o))",
        load_dataset("poisson_sim"),
        family="poisson",
        **options,
    )


def main() -> None:
    print(fit(seed=1))


if __name__ == "__main__":
    main()
