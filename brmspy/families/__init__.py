"""Families of distributions for the response: one record each, one file each."""

from __future__ import annotations

from brmspy.families.bernoulli import bernoulli
from brmspy.families.binomial import binomial
from brmspy.families.dpars import Dpar
from brmspy.families.family import Family, StanLikelihood
from brmspy.families.gaussian import gaussian
from brmspy.families.links import LINKS, Link, get_link
from brmspy.families.negbinomial import negbinomial
from brmspy.families.poisson import poisson
from brmspy.families.registry import FAMILIES, family_from_dict, get_family
from brmspy.families.student import student

__all__ = [
    "FAMILIES",
    "LINKS",
    "Dpar",
    "Family",
    "Link",
    "StanLikelihood",
    "bernoulli",
    "binomial",
    "family_from_dict",
    "gaussian",
    "get_family",
    "get_link",
    "negbinomial",
    "poisson",
    "student",
]
