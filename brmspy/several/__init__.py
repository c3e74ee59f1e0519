"""Several fits: another one like it, those of several data sets, and their chains together."""

from brmspy.several.combine import combine
from brmspy.several.imputed import check_frames, check_models, seeds_of
from brmspy.several.update import update

__all__ = ["check_frames", "check_models", "combine", "seeds_of", "update"]
