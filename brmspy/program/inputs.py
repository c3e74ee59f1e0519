"""What the likelihood reads, so that it can be handed to a function for some of the rows."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Input", "by_row", "shared"]


@dataclass(frozen=True)
class Input:
    """A variable of the program that the likelihood reads.

    Attributes
    ----------
    name : str
        Its name.
    type : str
        Its type as the argument of a function.
    part : str
        Stan text of what rows ``start`` to ``end`` need of it.
    """

    name: str
    type: str
    part: str

    @property
    def typed(self) -> str:
        """Stan text of the variable as the argument of a function."""
        return f"{self.type} {self.name}"


def by_row(name: str, type_: str = "data vector") -> Input:
    """Return an input with one element, or one row of a matrix, for each row of the data.

    Parameters
    ----------
    name : str
        Its name in the program.
    type_ : str
        Its type as the argument of a function.

    Returns
    -------
    Input
    """
    return Input(name, type_, f"{name}[start:end]")


def shared(name: str, type_: str) -> Input:
    """Return an input that every row needs as a whole.

    Parameters
    ----------
    name : str
        Its name in the program.
    type_ : str
        Its type as the argument of a function.

    Returns
    -------
    Input
    """
    return Input(name, type_, name)
