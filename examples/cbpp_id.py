"""Cattle disease with overdispersion: do the counts vary more than a binomial allows?

An effect for every row, ``(1 | id)``, takes up the variation that herd and period leave over.

Look at ``sd_id__Intercept``: far from zero, it says that the binomial of ``cbpp.py`` was too
narrow. The period effects grow, as they now describe a typical row, and so does their uncertainty.
"""

from typing import Any

from brmspy import BrmsFit, brm, load_dataset


def fit(**options: Any) -> BrmsFit:
    cbpp = load_dataset("cbpp")
    return brm(
        "incidence | trials(size) ~ period + (1 | herd) + (1 | id)",
        cbpp.assign(id=range(1, len(cbpp) + 1)),
        family="binomial",
        **options,
    )


def main() -> None:
    print(fit(seed=1, adapt_delta=0.95))


if __name__ == "__main__":
    main()
