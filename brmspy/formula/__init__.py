"""The brms grammar: from the text of a formula to typed terms.

Nothing here knows of data, priors or Stan.
"""

from brmspy.formula.curves import CURVES, Curve
from brmspy.formula.formulas import Formula, SubFormula, bf, lf, nlf
from brmspy.formula.parser import parse, parse_groups, parse_rhs
from brmspy.formula.terms import (
    FixedParameter,
    FixedPart,
    FixedTerm,
    GroupTerm,
    LinearPredictor,
    ModelTerms,
    NonlinearPredictor,
    Response,
)
from brmspy.formula.update import update_formula

__all__ = [
    "CURVES",
    "Curve",
    "FixedParameter",
    "FixedPart",
    "FixedTerm",
    "Formula",
    "GroupTerm",
    "LinearPredictor",
    "ModelTerms",
    "NonlinearPredictor",
    "Response",
    "SubFormula",
    "bf",
    "lf",
    "nlf",
    "parse",
    "parse_groups",
    "parse_rhs",
    "update_formula",
]
