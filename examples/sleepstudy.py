"""Sleep deprivation: how fast do reactions slow down, and how much do people differ?

Eighteen people slept three hours a night; each was measured on ten days. Every person gets an
intercept and a slope of their own, which may be correlated.

Look at ``b_Days``, the average slowing in ms per day; at ``sd_Subject__Days``, how much people
differ in it; and at ``cor_Subject__Intercept__Days``, whether slow starters also slow down faster.
"""

from typing import Any

from brmspy import BrmsFit, brm, load_dataset


def fit(**options: Any) -> BrmsFit:
    return brm("Reaction ~ Days + (Days | Subject)", load_dataset("sleepstudy"), **options)


def main() -> None:
    print(fit(seed=1))


if __name__ == "__main__":
    main()
