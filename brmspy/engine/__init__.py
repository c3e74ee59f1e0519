"""Toolchains, the compile cache and the sampler: from a Stan program to draws."""

__all__: list[str] = []
