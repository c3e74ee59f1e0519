"""Non-linear formulas in Stan and in NumPy, both from the same typed expression."""

from brmspy.nonlinear.derivative import derivative
from brmspy.nonlinear.numpy import evaluate
from brmspy.nonlinear.repeats import repeated
from brmspy.nonlinear.solve import solve
from brmspy.nonlinear.stan import StanText, is_scalar, to_stan

__all__ = ["StanText", "derivative", "evaluate", "is_scalar", "repeated", "solve", "to_stan"]
