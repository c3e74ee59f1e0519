"""The brms grammar: from the text of a formula to typed terms.

Nothing here knows of data, priors or Stan.
"""

from brmspy.formula.bodies import curve_body, curve_limit
from brmspy.formula.curve import INPUT, LOG_RATE, NUMBER, RATE, RESPONSE, WIDTH, Curve
from brmspy.formula.curves import CURVES, add_curve, remove_curve
from brmspy.formula.formulas import Formula, SubFormula, bf, lf, nlf
from brmspy.formula.nonlinear import CurveCall
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
    "INPUT",
    "LOG_RATE",
    "NUMBER",
    "RATE",
    "RESPONSE",
    "WIDTH",
    "Curve",
    "CurveCall",
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
    "add_curve",
    "bf",
    "curve_body",
    "curve_limit",
    "lf",
    "nlf",
    "parse",
    "parse_groups",
    "parse_rhs",
    "remove_curve",
    "update_formula",
]
