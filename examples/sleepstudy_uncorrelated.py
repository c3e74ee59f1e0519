"""Sleep deprivation, intercepts and slopes unrelated: does leaving out the correlation matter?

``(Days || Subject)`` gives every person an intercept and a slope, drawn independently.

Compare ``b_Days`` and the two ``sd_Subject__…`` with those of ``sleepstudy.py``: where the
correlation is near zero, nothing else changes.
"""

from typing import Any

from brmspy import BrmsFit, brm, load_dataset


def fit(**options: Any) -> BrmsFit:
    return brm("Reaction ~ Days + (Days || Subject)", load_dataset("sleepstudy"), **options)


def main() -> None:
    print(fit(seed=1))


if __name__ == "__main__":
    main()
