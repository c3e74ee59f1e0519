"""What all tests share."""

from __future__ import annotations

import os

# Set before anything imports Matplotlib: no test needs a screen.
os.environ["MPLBACKEND"] = "agg"
