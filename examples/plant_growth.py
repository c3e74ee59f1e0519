"""Plant growth: do two treatments change the dried weight?

Ten plants under control and under each of two treatments: a one-way layout without groups.

Look at ``b_grouptrt1`` and ``b_grouptrt2``, the differences from the control: both intervals
include zero, but the treatments differ from each other.
"""

from typing import Any

from brmspy import BrmsFit, brm, load_dataset


def fit(**options: Any) -> BrmsFit:
    return brm("weight ~ group", load_dataset("plant_growth"), **options)


def main() -> None:
    print(fit(seed=1))


if __name__ == "__main__":
    main()
