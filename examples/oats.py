"""Oats on split plots: does nitrogen raise the yield, and for every variety alike?

Six blocks, three varieties on plots within a block, four nitrogen levels within a plot, so that the
plots, ``blocks:varieties``, are nested in the blocks.

Look at ``b_nitrogen…``, the gain over no nitrogen for the first variety; at the interactions, all
small against their errors; and at the two ``sd_…``, between blocks and between plots of a block.
"""

from typing import Any

from brmspy import BrmsFit, brm, load_dataset


def fit(**options: Any) -> BrmsFit:
    return brm(
        "yields ~ varieties * nitrogen + (1 | blocks/varieties)", load_dataset("oats"), **options
    )


def main() -> None:
    print(fit(seed=1, adapt_delta=0.95))


if __name__ == "__main__":
    main()
