"""Salamander mating: which crosses of two populations succeed, and do animals differ?

Each row is an encounter of a female and a male from the Rough Butt (R) or the Whiteside (W)
population. Females and males are crossed: each animal met several of the others.

Look at the four ``b_Cross…``, log odds of mating per cross without an intercept; ``CrossWDR``, a
Whiteside female with a Rough Butt male, stands out. Compare ``sd_Female__Intercept`` with
``sd_Male__Intercept``.
"""

from typing import Any

from brmspy import BrmsFit, brm, load_dataset


def fit(**options: Any) -> BrmsFit:
    return brm(
        "Mate ~ 0 + Cross + (1 | Female) + (1 | Male)",
        load_dataset("salamander"),
        family="bernoulli",
        **options,
    )


def main() -> None:
    print(fit(seed=1))


if __name__ == "__main__":
    main()
