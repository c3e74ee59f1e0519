"""What is known about each data set: what it is, its columns, where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

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
    rows : int
        Number of rows.
    columns : mapping of str to str
        Description of every column, with its unit.
    factors : tuple of str
        Columns that hold categories.
    source : str
        The publication.
    """

    name: str
    title: str
    rows: int
    columns: Mapping[str, str]
    factors: tuple[str, ...]
    source: str

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.title} ({self.rows} rows)"]
        for column, text in self.columns.items():
            lines.append(f"  {column}: {text}" + (" (factor)" if column in self.factors else ""))
        return "\n".join([*lines, f"Source: {self.source}"])


_RECORDS = (
    Dataset(
        name="sleepstudy",
        title="Reaction times of 18 people kept to three hours in bed a night",
        rows=180,
        columns={
            "Reaction": "average reaction time, ms",
            "Days": "day of the study: 0 and 1 training, 2 baseline, sleep deprivation after it",
            "Subject": "the person",
        },
        factors=("Subject",),
        source="Belenky, G. et al. (2003). Patterns of performance degradation and restoration "
        "during sleep restriction and subsequent recovery: a sleep dose-response study. Journal of "
        "Sleep Research, 12, 1-12. As in the R package lme4.",
    ),
    Dataset(
        name="cbpp",
        title="Contagious bovine pleuropneumonia in 15 herds of zebu cattle in Ethiopia",
        rows=56,
        columns={
            "herd": "the herd",
            "incidence": "number of new serological cases in the period",
            "size": "number of animals in the herd at the start of the period",
            "period": "the period of follow-up, 1 to 4",
        },
        factors=("herd", "period"),
        source="Lesnoff, M. et al. (2004). Within-herd spread of contagious bovine "
        "pleuropneumonia in Ethiopian highlands. Preventive Veterinary Medicine, 64, 27-40. As in "
        "the R package lme4.",
    ),
    Dataset(
        name="epil",
        title="Seizures of 59 people with epilepsy in four periods of two weeks",
        rows=236,
        columns={
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
        factors=("trt", "subject", "period"),
        source="Thall, P. F. and Vail, S. C. (1990). Some covariance models for longitudinal "
        "count data with overdispersion. Biometrics, 46, 657-671. As in the R package MASS.",
    ),
    Dataset(
        name="loblolly",
        title="Height of 14 Loblolly pines, each of another seed source, at six ages",
        rows=84,
        columns={
            "height": "height of the tree, feet",
            "age": "age of the tree, years",
            "Seed": "the seed source",
        },
        factors=("Seed",),
        source="Kung, F. H. (1986). Fitting logistic growth curve with predetermined carrying "
        "capacity. Proceedings of the Statistical Computing Section, American Statistical "
        "Association, 340-343. As Loblolly in R's datasets.",
    ),
    Dataset(
        name="oats",
        title="Yield of three varieties of oats with four amounts of nitrogen, in split plots",
        rows=72,
        columns={
            "blocks": "the block, I to VI",
            "varieties": "the variety, one for each whole plot",
            "nitrogen": "nitrogen manure, hundredweight an acre, one for each sub-plot",
            "yields": "yield of the sub-plot of 1/80 acre, quarter pounds",
        },
        factors=("blocks", "varieties", "nitrogen"),
        source="Yates, F. (1935). Complex experiments. Supplement to the Journal of the Royal "
        "Statistical Society, 2, 181-247. As in the R package MASS, with other column names.",
    ),
    Dataset(
        name="plant_growth",
        title="Dried weight of plants under a control and two treatments",
        rows=30,
        columns={
            "weight": "dried weight; R's documentation gives no unit",
            "group": "ctrl, trt1 or trt2",
        },
        factors=("group",),
        source="Dobson, A. J. (1983). An Introduction to Statistical Modelling. London: Chapman "
        "and Hall. As PlantGrowth in R's datasets.",
    ),
    Dataset(
        name="poisson_sim",
        title="Simulated counts in 25 groups of 100, with two covariates and an exposure",
        rows=2500,
        columns={
            "y": "the count",
            "x1": "covariate with mean 0 and standard deviation 1, about",
            "x2": "covariate with mean 0 and standard deviation 1, about",
            "o": "exposure, 2 or 4, for offset(log(o))",
            "g": "the group, 1 to 25",
        },
        factors=("g",),
        source="Simulated for the examples of brmspy; there is no publication.",
    ),
    Dataset(
        name="exercise",
        title="Simulated cholesterol of 200 people of five ages, who exercise: Simpson's paradox",
        rows=200,
        columns={
            "cholesterol": "cholesterol in the blood, mg/dl",
            "exercise": "exercise, hours a week",
            "age": "age, years",
        },
        factors=("age",),
        source="Simulated by brmspy.datasets.SIMULATED['exercise'], which holds the seed and what "
        "is true of each age; there is no publication.",
    ),
    Dataset(
        name="mood",
        title="Simulated mood of 272 people in sixteen states, by income: Simpson's paradox",
        rows=272,
        columns={
            "mood": "mood on a scale from 0 to 100",
            "income": "income, thousands a month",
            "state": "the state, A to P, the poorest first",
        },
        factors=("state",),
        source="Simulated by brmspy.datasets.SIMULATED['mood'], which holds the seed and what is "
        "true of each state; there is no publication.",
    ),
    Dataset(
        name="puromycin",
        title="Velocity of an enzymatic reaction in cells treated with puromycin or untreated",
        rows=23,
        columns={
            "conc": "concentration of the substrate, parts per million",
            "rate": "initial rate of the reaction, counts/min/min",
            "state": "treated or untreated",
        },
        factors=("state",),
        source="Treloar, M. A. (1974). Effects of puromycin on galactosyltransferase in Golgi "
        "membranes. M.Sc. thesis, University of Toronto. As Puromycin in R's datasets.",
    ),
    Dataset(
        name="salamander",
        title="Matings of salamanders of two populations, females and males crossed",
        rows=360,
        columns={
            "Mate": "1 if the pair mated, else 0",
            "Cross": "population of female/male: R (Rough Butt) or W (Whiteside)",
            "Female": "the female, numbered anew in each of three experiments",
            "Male": "the male, numbered anew in each of three experiments",
        },
        factors=("Cross", "Female", "Male"),
        source="McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models, 2nd edition, "
        "section 14.5. London: Chapman and Hall.",
    ),
    Dataset(
        name="orange",
        title="Growth of the trunks of five orange trees",
        rows=35,
        columns={
            "Tree": "the tree",
            "age": "days since 31 December 1968",
            "circumference": "circumference of the trunk, mm",
        },
        factors=("Tree",),
        source="Draper, N. R. and Smith, H. (1998). Applied Regression Analysis, 3rd edition, "
        "exercise 24.N. New York: Wiley. As Orange in R's datasets.",
    ),
    Dataset(
        name="indometh",
        title="Concentration of indomethacin in the blood of six people after an injection",
        rows=66,
        columns={
            "Subject": "the person",
            "time": "time since the injection, hours",
            "conc": "concentration in the plasma, micrograms/ml",
        },
        factors=("Subject",),
        source="Kwan, K. C., Breault, G. O., Umbenhauer, E. R., McMahon, F. G. and Duggan, D. E. "
        "(1976). Kinetics of indomethacin absorption, elimination, and enterohepatic circulation "
        "in man. Journal of Pharmacokinetics and Biopharmaceutics, 4, 255-280. As Indometh in R's "
        "datasets.",
    ),
    Dataset(
        name="theoph",
        title="Concentration of theophylline in the blood of twelve people after a dose by mouth",
        rows=132,
        columns={
            "Subject": "the person",
            "Wt": "weight of the person, kg",
            "Dose": "dose, mg/kg",
            "Time": "time since the dose, hours",
            "conc": "concentration in the serum, mg/l",
        },
        factors=("Subject",),
        source="Boeckmann, A. J., Sheiner, L. B. and Beal, S. L. (1994). NONMEM Users Guide, part "
        "V. NONMEM Project Group, University of California, San Francisco. As Theoph in R's "
        "datasets.",
    ),
    Dataset(
        name="dnase",
        title="Optical density at eight concentrations of the enzyme DNase, in eleven runs",
        rows=176,
        columns={
            "Run": "the run of the assay",
            "conc": "concentration of the protein, ng/ml",
            "density": "optical density, no unit",
        },
        factors=("Run",),
        source="Davidian, M. and Giltinan, D. M. (1995). Nonlinear Models for Repeated Measurement "
        "Data, section 5.2.4. London: Chapman and Hall. As DNase in R's datasets.",
    ),
    Dataset(
        name="co2",
        title="Uptake of carbon dioxide by twelve grass plants at seven concentrations in the air",
        rows=84,
        columns={
            "Plant": "the plant: origin, treatment and number",
            "Type": "origin of the plant: Quebec or Mississippi",
            "Treatment": "chilled overnight before the experiment, or nonchilled",
            "conc": "concentration of carbon dioxide in the air, microlitres/l",
            "uptake": "rate of the uptake, micromol/(m^2 s)",
        },
        factors=("Plant", "Type", "Treatment"),
        source="Potvin, C., Lechowicz, M. J. and Tardif, S. (1990). The statistical analysis of "
        "ecophysiological response curves obtained from experiments involving repeated measures. "
        "Ecology, 71, 1389-1400. As CO2 in R's datasets.",
    ),
    Dataset(
        name="chick_weight",
        title="Growth of 50 chicks on four diets",
        rows=578,
        columns={
            "weight": "weight of the chick, grams",
            "Time": "days since hatching",
            "Chick": "the chick; five of them are not observed to the end",
            "Diet": "the diet, 1 to 4",
        },
        factors=("Chick", "Diet"),
        source="Crowder, M. and Hand, D. (1990). Analysis of Repeated Measures, example 5.3. "
        "London: Chapman and Hall. As ChickWeight in R's datasets.",
    ),
)

DATASETS: Mapping[str, Dataset] = MappingProxyType({record.name: record for record in _RECORDS})
