"""Enzyme kinetics: does puromycin change the maximal velocity, the affinity, or both?

The Michaelis-Menten curve with one ``Vm`` and one ``K`` per state: ``0 + state`` estimates both
states directly, without a reference level.

Compare ``b_Vm_statetreated`` with ``b_Vm_stateuntreated``: the treatment raises the maximal
velocity. The two ``b_K_…``, the concentrations at half of it, overlap.
"""

from typing import Any

from brmspy import BrmsFit, bf, brm, load_dataset, prior


def fit(**options: Any) -> BrmsFit:
    return brm(
        bf("rate ~ Vm * conc / (K + conc)", "Vm + K ~ 0 + state", nl=True),
        load_dataset("puromycin"),
        prior=[
            prior("normal(200, 50)", nlpar="Vm"),
            prior("normal(0.1, 0.1)", nlpar="K", lb=0),
        ],
        **options,
    )


def main() -> None:
    print(fit(seed=1))


if __name__ == "__main__":
    main()
