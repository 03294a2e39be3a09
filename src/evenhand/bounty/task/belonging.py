"""Columns that name what rows belong to though they are not called so: a person, a device, a place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

#: Different values that such a column has at least, and as a share of the rows.
FEWEST, SHARE = 30, 0.05
#: Rows of one value that another column is compared in, at least.
PAIRS = 30
#: Probability of agreeing by chance that is taken for none.
CHANCE = 1e-6
Codes = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Belonging:
    """A column whose rows belong together, by what the others say.

    Attributes
    ----------
    name : str
    values, rows : int
        Its different values, and all rows.
    decides : tuple of str
        Columns that never differ within one of its values.
    """

    name: str
    values: int
    rows: int
    decides: tuple[str, ...]


def find_belonging(columns: Sequence[tuple[str, npt.NDArray[Any]]]) -> Iterator[Belonging]:
    """Columns with many values, each of few rows, within which another column never differs.

    All rows of a patient have one age and one sex.  Two rows of a column that measures something agree in
    another one by chance only.  A column that another one merely groups (ages and age groups) is none: there the values
    in order have one group after the other.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> who, sex = np.arange(400) // 4, np.repeat(rng.choice(["F", "M"], 100), 4)
    >>> [one.name for one in find_belonging([("mrn", who), ("sex", sex), ("x", rng.normal(size=400))])]
    ['mrn']
    """
    coded = [(name, np.unique(values, return_inverse=True)[1]) for name, values in columns]
    for name, codes in coded:
        values, rows = int(codes.max(initial=-1)) + 1, len(codes)
        if values < max(FEWEST, SHARE * rows) or rows - values < PAIRS:
            continue
        decides = [other for other, found in coded if other != name and _decides(codes, found)]
        if decides:
            yield Belonging(name=name, values=values, rows=rows, decides=tuple(decides))


def _decides(codes: Codes, other: Codes) -> bool:
    """Whether a column never differs within a value of another, and neither by chance nor by grouping it."""
    counts = np.bincount(other)
    alike = float(((counts / len(other)) ** 2).sum())
    order = np.argsort(codes, kind="stable")
    within = codes[order][1:] == codes[order][:-1]
    changes = other[order][1:] != other[order][:-1]
    if within.sum() * np.log(alike) > np.log(CHANCE):
        return False
    return not (changes & within).any() and int(changes.sum()) >= 2 * len(counts)
