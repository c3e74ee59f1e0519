"""Toolchains, the compile cache and the sampler: from a Stan program to draws."""

import warnings

with warnings.catch_warnings():
    # cmdstanpy imports tqdm's bars, which in a notebook without ipywidgets warn that they cannot
    # be shown. They are not used here.
    warnings.filterwarnings("ignore", message="IProgress not found")
    import cmdstanpy as _cmdstanpy  # noqa: F401 -- so that it is imported here first

__all__: list[str] = []
