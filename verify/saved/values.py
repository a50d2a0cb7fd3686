"""The arrays of a file by quantity, as numbers of float64, and what is refused."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from verify.saved.archive import Array
from verify.saved.names import Names

F64 = npt.NDArray[np.float64]
BFLOAT16 = "; NumPy writes bfloat16 as raw bytes: save float32, and dtype='bfloat16' beside it"
WHOLE = "as float numbers: what rounds to whole numbers has lost its gradient"


@dataclasses.dataclass(frozen=True)
class Saved:
    """The arrays of one file, and what they stand for."""

    names: Names
    arrays: Mapping[str, Array]

    @property
    def L(self) -> int:
        return self.names.L

    def has(self, quantity: str) -> bool:
        return quantity in self.names.of

    def raw(self, quantity: str) -> Any:
        return self.arrays[self.names.of[quantity]]

    def label(self, quantity: str) -> str:
        """The file's name, with the page's where it is another"""
        name = self.names.of[quantity]
        plain = quantity.replace("[", "").replace("]", "")
        return name if name == plain else f"{name}, which is {quantity}"

    def floats(self, quantity: str) -> F64:
        """TypeError aside, the file's numbers: ValueError for integers, text and complex numbers"""
        array, name = self.raw(quantity), self.label(quantity)
        if array.dtype.kind in "iub":
            raise ValueError(f"{name}: expected floats, got {array.dtype}; save it {WHOLE}")
        return self.numbers(quantity)

    def numbers(self, quantity: str) -> F64:
        """Floats, integers or bools"""
        array, name = self.raw(quantity), self.label(quantity)
        if array.dtype.kind not in "fiub":
            what = f"{array.dtype} of shape {array.shape}"
            hint = BFLOAT16 * (array.dtype.kind == "V" and array.dtype.itemsize == 2)
            raise ValueError(f"{name}: expected real numbers, got {what}{hint}")
        return np.asarray(array, np.float64)

    def finite(self, quantity: str, x: F64) -> F64:
        bad = np.argwhere(~np.isfinite(x))
        if len(bad):
            at = f"[{', '.join(map(str, bad[0]))}]" if x.ndim else ""
            raise ValueError(
                f"{self.label(quantity)}: expected finite numbers, got {len(bad)} that are NaN or "
                f"infinite, the first {x[tuple(bad[0])]} at {at or 'its only entry'}; save numbers "
                "from before the program diverged"
            )
        return x

    def number(self, quantity: str) -> float | None:
        """One number in an array of any shape; None where there is none"""
        if not self.has(quantity):
            return None
        x = self.numbers(quantity)
        if x.size != 1:
            raise ValueError(
                f"{self.label(quantity)}: expected one number, got an array of shape {x.shape}"
            )
        return float(x.reshape(()))
