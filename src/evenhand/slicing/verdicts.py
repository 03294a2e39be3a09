"""Verdicts: what confirmation says of slices."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Cells
from evenhand.slicing.counter import Counter
from evenhand.slicing.family import Family
from evenhand.slicing.hunt import Hunt
from evenhand.slicing.judging import Aim, JudgedSlices, judge_slices
from evenhand.slicing.maximum import Maximum
from evenhand.slicing.search import Limits
from evenhand.slicing.space import Item, mask_of
from evenhand.stats.intervals import z_of

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
Found = list[tuple[list[Item], float]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verdicts:
    """What confirmation says of some slices; arrays have one value a slice.

    Attributes
    ----------
    slices : list of (literals, score)
        What was judged: what the whole data show, or what one half showed.
    judged : JudgedSlices
        Their rates and differences, on the data that did not choose them where some were held out.
    p_adjusted : array
        After everything searched.
    critical_z : float
        Quantile of the bounds of the differences.
    held_out : Cells, optional
        The rows held out, of which all numbers are.
    p_floor : float, optional
        The least that `p_adjusted` can be, where it is simulated.
    maximum : Maximum, optional
        What was simulated.
    """

    slices: list[tuple[list[Item], float]]
    judged: JudgedSlices
    p_adjusted: Floats
    critical_z: float
    method: str
    family: Family | None
    held_out: Cells | None = None
    p_floor: float | None = None
    maximum: Maximum | None = None

    def bounds(self, number: int) -> tuple[float, float]:
        """Bounds of a slice's difference that hold for all searched at once; NaN where unknown."""
        return self.judged.bounds(number, self.critical_z)

    def confirmed(self, number: int, question: Aim, level: float) -> bool:
        """Whether a slice is proven worse: by its adjusted p-value and by its bound."""
        low, high = self.bounds(number)
        least = low if question.higher_is_worse else -high
        return bool(self.p_adjusted[number] <= 1 - level and least > 0)

    def proven(self, question: Aim, level: float) -> list[int]:
        """Numbers of the confirmed slices."""
        return [n for n in range(len(self.slices)) if self.confirmed(n, question, level)]


def family_of(hunt: Hunt) -> tuple[Counter, Integers, Limits]:
    """What `admissible` takes."""
    return hunt.counter, hunt.attribute, hunt.limits


def masks_of(cells: Cells, slices: Found) -> Bools:
    """Cells of each slice, shape (slices, cells)."""
    masks = np.array([mask_of(cells, items) for items, _ in slices], bool)
    return masks.reshape(len(slices), len(cells))


def judge_found(hunt: Hunt, cells: Cells, slices: Found) -> JudgedSlices:
    """Rates and differences of slices, on cells that may be some of those searched only."""
    binary = hunt.losses.binary and cells.unit is None
    return judge_slices(cells, hunt.question, [items for items, _ in slices], exact=binary)


def bonferroni_quantile(number: int, level: float) -> float:
    """Quantile at which each of so many one-sided bounds holds, all at once."""
    return float(z_of(1 - 2 * (1 - level) / max(number, 1)))
