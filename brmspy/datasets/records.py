"""What is known about each data set: what it is, its columns, where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["DATASETS", "Dataset"]


@dataclass(frozen=True)
class Dataset:
    """A data set that comes with brmspy.

    Attributes
    ----------
    name : str
        Name for `load_dataset`, and of the file.
    title : str
        What was observed.
    columns : mapping of str to str
        Description of every column, with its unit.
    source : str
        The publication.
    """

    name: str
    title: str
    columns: Mapping[str, str]
    source: str

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.title}"]
        lines += [f"  {column}: {text}" for column, text in self.columns.items()]
        return "\n".join([*lines, f"Source: {self.source}"])


_RECORDS = (
    Dataset(
        "sleepstudy",
        "Reaction times of 18 people over ten days with three hours of sleep a night",
        {
            "Reaction": "average reaction time, ms",
            "Days": "days of sleep deprivation; day 0 is before it",
            "Subject": "the person",
        },
        "Belenky, G. et al. (2003). Patterns of performance degradation and restoration during "
        "sleep restriction and subsequent recovery. Journal of Sleep Research, 12, 1-12. "
        "As in the R package lme4.",
    ),
    Dataset(
        "cbpp",
        "Contagious bovine pleuropneumonia in 15 herds of zebu cattle in Ethiopia",
        {
            "herd": "the herd",
            "incidence": "number of new serological cases in the period",
            "size": "number of animals in the herd at the start of the period",
            "period": "quarter of the year of observation, 1 to 4",
        },
        "Lesnoff, M. et al. (2004). Within-herd spread of contagious bovine pleuropneumonia in "
        "Ethiopian highlands. Preventive Veterinary Medicine, 64, 27-40. As in the R package lme4.",
    ),
    Dataset(
        "epil",
        "Seizures of 59 people with epilepsy in four periods of two weeks",
        {
            "y": "number of seizures in the period",
            "trt": "treatment: placebo or progabide",
            "base": "number of seizures in the eight weeks before the trial",
            "age": "age, years",
            "V4": "1 in the fourth period, else 0",
            "subject": "the person",
            "period": "the period, 1 to 4",
            "lbase": "log of base, centred at its mean",
            "lage": "log of age, centred at its mean",
        },
        "Thall, P. F. and Vail, S. C. (1990). Some covariance models for longitudinal count data "
        "with overdispersion. Biometrics, 46, 657-671. As in the R package MASS.",
    ),
    Dataset(
        "loblolly",
        "Height of 14 Loblolly pines, each of another seed source, at six ages",
        {
            "height": "height of the tree, feet",
            "age": "age of the tree, years",
            "Seed": "the seed source",
        },
        "Kung, F. H. (1986). Fitting logistic growth curve with predetermined carrying capacity. "
        "Proceedings of the Statistical Computing Section, American Statistical Association, "
        "340-343. As in R's datasets.",
    ),
    Dataset(
        "oats",
        "Yield of three varieties of oats with four amounts of nitrogen, a split-plot experiment",
        {
            "blocks": "the block, I to VI",
            "varieties": "the variety, one for each whole plot",
            "nitrogen": "nitrogen manure, hundredweight an acre, one for each sub-plot",
            "yields": "yield of the sub-plot, quarter pounds",
        },
        "Yates, F. (1935). Complex experiments. Supplement to the Journal of the Royal Statistical "
        "Society, 2, 181-247. As in the R package MASS.",
    ),
    Dataset(
        "plant_growth",
        "Dried weight of plants under a control and two treatments",
        {"weight": "dried weight, grams", "group": "ctrl, trt1 or trt2"},
        "Dobson, A. J. (1983). An Introduction to Statistical Modelling. London: Chapman and Hall. "
        "As PlantGrowth in R's datasets.",
    ),
    Dataset(
        "poisson_sim",
        "Simulated counts in 25 groups of 100, with two covariates and an exposure",
        {
            "y": "the count",
            "x1": "covariate with a positive effect",
            "x2": "covariate with a positive effect",
            "o": "exposure, for offset(log(o))",
            "g": "the group, 1 to 25",
        },
        "Simulated for brmspy.",
    ),
    Dataset(
        "puromycin",
        "Velocity of an enzymatic reaction in cells treated with puromycin and in untreated ones",
        {
            "conc": "concentration of the substrate, parts per million",
            "rate": "initial rate of the reaction, counts/min/min",
            "state": "treated or untreated",
        },
        "Treloar, M. A. (1974). Effects of puromycin on galactosyltransferase in Golgi membranes. "
        "M.Sc. thesis, University of Toronto. As Puromycin in R's datasets.",
    ),
    Dataset(
        "salamander",
        "Matings of salamanders of two populations, females and males crossed",
        {
            "Mate": "1 if the pair mated, else 0",
            "Cross": "population of the female and of the male: R (Rough Butt) or W (Whiteside)",
            "Female": "the female",
            "Male": "the male",
        },
        "McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models, 2nd edition, section "
        "14.5. London: Chapman and Hall.",
    ),
)

DATASETS: Mapping[str, Dataset] = {record.name: record for record in _RECORDS}
