"""Simulated counts with exposure: what do 2,500 rows in 25 groups say about slopes, and groups?

``o`` is the time each row was observed; ``offset(log(o))`` makes the coefficients rates per unit of
time. The hundred rows of a group pin its mean down, so that the draws of the intercept and of the
groups' spread depend on each other and mix slowly: hence more draws than usual.

Look at ``b_x1`` and ``b_x2``, log rate ratios, known to a hundredth; and at the effective sample
sizes of ``b_Intercept`` and ``sd_g__Intercept``, a fraction of theirs.
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
    print(fit(seed=1, iter_sampling=3000))


if __name__ == "__main__":
    main()
