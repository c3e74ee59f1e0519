"""Growth of Loblolly pines with wide priors: do seed sources differ in size, in speed, or in both?

Asymptote and log rate both vary by seed source, independently. Fourteen trees hardly tell the two
apart, so the effects of one trade off against those of the other.

Look at ``sd_Seed__Asym_Intercept`` and ``sd_Seed__lrc_Intercept``: both are uncertain down to small
values. ``sigma`` is less than half of that in ``loblolly_seed_prior.py``.
"""

from typing import Any

from brmspy import BrmsFit, bf, brm, load_dataset, prior


def fit(**options: Any) -> BrmsFit:
    return brm(
        bf(
            "height ~ Asym + (R0 - Asym) * exp(-exp(lrc) * age)",
            "R0 ~ 1",
            "lrc ~ 1 + (1 | Seed)",
            "Asym ~ 1 + (1 | Seed)",
            nl=True,
        ),
        load_dataset("loblolly"),
        prior=[
            prior("normal(100, 20)", nlpar="Asym"),
            prior("normal(-8, 5)", nlpar="R0"),
            prior("normal(-3, 1)", nlpar="lrc"),
        ],
        **options,
    )


def main() -> None:
    print(fit(seed=1, adapt_delta=0.95))


if __name__ == "__main__":
    main()
