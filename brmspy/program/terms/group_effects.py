"""The product of a sparse model matrix and the coordinates of group-level effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from brmspy.program.inputs import Input, shared
from brmspy.program.sparse import CompressedRows
from brmspy.program.terms.base import Term, appended

__all__ = ["GroupEffects"]


@dataclass(frozen=True)
class GroupEffects(Term):
    """The product of the sparse group-level model matrix of one predictor and its coordinates."""

    template: ClassVar[str] = "group_effects"
    Z: CompressedRows
    pieces: tuple[str, ...]
    named: bool = False
    integrated: bool = False

    @property
    def whole(self) -> str:
        """Stan text of the vector of coordinates."""
        return appended(self.pieces)

    @property
    def stacked(self) -> str:
        """Stan text of the vector of coordinates, by its name if it has one."""
        return f"w{self.suffix}" if self.named else self.whole

    @property
    def data(self) -> dict[str, Any]:
        """The sparse matrix, one-based; nothing if the program sees it in statistics alone."""
        s = self.suffix
        data: dict[str, Any] = {}
        if self.named or not self.integrated:
            data[f"Q{s}"] = self.Z.shape[1]
        if self.integrated:
            return data
        return data | self.Z.stan_data("Z", s)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The sparse matrix, whose rows stand one after the other, and the coordinates."""
        s = self.suffix
        elements = f"[Zu{s}[start]:(Zu{s}[end + 1] - 1)]"
        return (
            shared(f"Q{s}", "int"),
            Input(f"Zw{s}", "data vector", f"Zw{s}{elements}"),
            Input(f"Zv{s}", "array[] int", f"Zv{s}{elements}"),
            Input(f"Zu{s}", "array[] int", f"row_starts(Zu{s}, start, end)"),
            shared(f"w{s}", "vector"),
        )

    @property
    def value(self) -> str:
        """Stan text of the product."""
        s = self.suffix
        return f"csr_matrix_times_vector(N, Q{s}, Zw{s}, Zv{s}, Zu{s}, {self.stacked})"
