"""Data to predict for: which columns a model reads, typical values of them, and crossed values."""

from brmspy.grids.columns import GridColumn, grid_columns, predictors_behind
from brmspy.grids.crossing import cells, grid

__all__ = ["GridColumn", "cells", "grid", "grid_columns", "predictors_behind"]
