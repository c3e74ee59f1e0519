"""Epilepsy: does progabide reduce seizures, and does it depend on how many there were before?

Seizure counts of 59 patients in four periods. ``lbase`` and ``lage`` are centred logarithms of the
baseline count and of age; ``V4`` marks the last period.

Look at ``b_trtprogabide``, the log rate ratio at an average baseline, at ``b_lbase:trtprogabide``,
how it changes with the baseline, and at ``sd_subject__Intercept``.
"""

from typing import Any

from brmspy import BrmsFit, brm, load_dataset


def fit(**options: Any) -> BrmsFit:
    return brm(
        "y ~ lbase * trt + lage + V4 + (1 | subject)",
        load_dataset("epil"),
        family="poisson",
        **options,
    )


def main() -> None:
    print(fit(seed=1))


if __name__ == "__main__":
    main()
