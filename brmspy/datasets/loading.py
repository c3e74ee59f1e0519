"""Loading of the data sets."""

from __future__ import annotations

from importlib import resources

import pandas as pd

from brmspy.datasets.records import DATASETS
from brmspy.errors import DataError, did_you_mean

__all__ = ["list_datasets", "load_dataset"]


def load_dataset(name: str) -> pd.DataFrame:
    """Load a data set that comes with brmspy.

    Columns of text are categorical; labels that are numbers are in the order of the numbers.

    Parameters
    ----------
    name : str
        One of `list_datasets`.

    Returns
    -------
    DataFrame
        A fresh copy; ``attrs["source"]`` names the publication.

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
        raise DataError(f"There is no data set {name!r}. {did_you_mean(name, DATASETS)}")
    file = resources.files("brmspy.datasets").joinpath(f"{name}.csv")
    text_columns = _quoted_columns(file.read_text())
    with file.open() as lines:
        frame = pd.read_csv(lines, dtype=dict.fromkeys(text_columns, str))
    for column in text_columns:
        labels = sorted(frame[column].unique(), key=_label_order)
        frame[column] = pd.Categorical(frame[column], categories=labels)
    frame.attrs["source"] = DATASETS[name].source
    return frame


def list_datasets() -> pd.DataFrame:
    """List the data sets that come with brmspy.

    Returns
    -------
    DataFrame
        Title and source, indexed by name.

    Examples
    --------
    >>> from brmspy import list_datasets
    >>> "sleepstudy" in list_datasets().index
    True
    """
    rows = {name: (record.title, record.source) for name, record in DATASETS.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["title", "source"])


def _quoted_columns(text: str) -> list[str]:
    """Return the columns whose first value stands between quotes: these are text."""
    header, first = text.splitlines()[:2]
    names = [name.strip('"') for name in header.split(",")]
    return [
        name for name, value in zip(names, first.split(","), strict=True) if value.startswith('"')
    ]


def _label_order(label: str) -> tuple[float, str]:
    """Sort numbers by their value, before other text."""
    return (float(label) if label.replace(".", "", 1).isdigit() else float("inf"), label)
