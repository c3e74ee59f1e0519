"""Growth of Loblolly pines with strong priors: how tall does a tree become, given what we know?

Height approaches ``Asym`` from ``R0`` at the rate ``exp(lrc)``; seed sources differ in ``Asym``.
The priors say that the mean asymptote is 101 ft to within a tenth, and bound every parameter.

Look at ``b_Asym_Intercept``, which the prior decides; at ``sd_Seed__Asym_Intercept``, which the
data decide; and at ``sigma``, which the prior and the data dispute.
"""

from typing import Any

from brmspy import BrmsFit, bf, brm, load_dataset, prior


def fit(**options: Any) -> BrmsFit:
    return brm(
        bf(
            "height ~ Asym + (R0 - Asym) * exp(-exp(lrc) * age)",
            "R0 + lrc ~ 1",
            "Asym ~ 1 + (1 | Seed)",
            nl=True,
        ),
        load_dataset("loblolly"),
        prior=[
            prior("normal(101, 0.1)", nlpar="Asym", lb=100, ub=102),
            prior("normal(-8, 1)", nlpar="R0", lb=-10),
            prior("normal(-3, 3)", nlpar="lrc", lb=-9),
            prior("normal(3, 0.2)", class_="sigma"),
        ],
        **options,
    )


def main() -> None:
    print(fit(seed=1))


if __name__ == "__main__":
    main()
