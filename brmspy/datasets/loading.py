"""Loading of the data sets."""

from __future__ import annotations

from importlib import resources

import pandas as pd

from brmspy.datasets.records import DATASETS
from brmspy.errors import DataError, did_you_mean

__all__ = ["list_datasets", "load_dataset"]


def load_dataset(name: str) -> pd.DataFrame:
    """Load a data set that comes with brmspy.

    Columns that hold categories, such as grouping factors, are categorical; their levels are
    sorted, labels that are numbers by value. ``print(brmspy.datasets.DATASETS[name])`` describes
    the columns.

    Parameters
    ----------
    name : str
        One of `list_datasets`.

    Returns
    -------
    DataFrame
        A fresh copy; ``attrs["title"]`` says what was observed, ``attrs["source"]`` names the
        publication.

    Raises
    ------
    DataError
        If there is no such data set.

    Examples
    --------
    >>> from brmspy import load_dataset
    >>> load_dataset("sleepstudy").shape
    (180, 3)
    """
    if name not in DATASETS:
        raise DataError(f"There is no data set {name!r}. {did_you_mean(str(name), DATASETS)}")
    record = DATASETS[name]
    file = resources.files("brmspy.datasets").joinpath(f"{name}.csv")
    with file.open(encoding="utf-8") as lines:
        frame = pd.read_csv(lines, dtype=dict.fromkeys(record.factors, str))
    for column in record.factors:
        levels = sorted(frame[column].unique(), key=_label_order)
        frame[column] = pd.Categorical(frame[column], categories=levels)
    frame.attrs = {"title": record.title, "source": record.source}
    return frame


def list_datasets() -> pd.DataFrame:
    """List the data sets that come with brmspy.

    Returns
    -------
    DataFrame
        Title, number of rows and source, indexed by name.

    Examples
    --------
    >>> from brmspy import list_datasets
    >>> "sleepstudy" in list_datasets().index
    True
    """
    return pd.DataFrame(
        {
            "title": [record.title for record in DATASETS.values()],
            "rows": [record.rows for record in DATASETS.values()],
            "source": [record.source for record in DATASETS.values()],
        },
        index=pd.Index(DATASETS, name="name"),
    )


def _label_order(label: str) -> tuple[float, str]:
    """Sort numbers by their value, before other text."""
    return (float(label) if label.replace(".", "", 1).isdigit() else float("inf"), label)
