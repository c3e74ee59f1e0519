"""The data sets that the examples use, each with its source."""

from __future__ import annotations

from brmspy.datasets.loading import list_datasets, load_dataset
from brmspy.datasets.records import DATASETS, Dataset
from brmspy.datasets.simulated import SIMULATED, Simpson

__all__ = ["DATASETS", "SIMULATED", "Dataset", "Simpson", "list_datasets", "load_dataset"]
