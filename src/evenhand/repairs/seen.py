"""What a repair has seen of the numbers and categories that it reads: rows far from it are refused, or counted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.cubes import coded
from evenhand.errors import InputError
from evenhand.pages.numbers import plural

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
#: Rows from which on most of them must not be where hardly any practice row was, and that edge.
_FEWEST, _EDGE = 20, 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenNumbers:
    """Where the numbers of a column were in the practice rows; the least and the most are somebody's, and not told.

    Attributes
    ----------
    column : str
        The column.
    first, last : float
        One in a hundred is at most the first, and one at least the last.
    share : bool
        Whether it is a score from 0 to 1, beyond which there is none.
    """

    column: str
    first: float
    last: float
    share: bool

    def outside(self, numbers: Floats) -> Flags:
        """Which of some numbers are further out than those between first and last are apart."""
        if self.share:
            return self.beyond(numbers)
        width = self.last - self.first
        out = (numbers < self.first - width) | (numbers > self.last + width)
        # Where nearly all were one number nothing is known of how far others may be.
        return np.asarray(out & (width > 0))

    def beyond(self, numbers: Floats) -> Flags:
        """Which are of another scale, however many there are."""
        # (Counts and amounts may be far out, and are somebody's.)
        return np.asarray(self.share & ((numbers < 0) | (numbers > 1)))

    def apart(self, numbers: Floats) -> bool:
        """Whether most of them are where hardly any practice row was, as of another scale."""
        known = numbers[np.isfinite(numbers)]
        ends = (known < self.first, known > self.last)
        return len(known) >= _FEWEST and any(end.mean() > 0.5 for end in ends)


def seen_numbers(column: str, numbers: Floats, *, score: bool) -> SeenNumbers | None:
    """What practice rows hold of a score, or of what scores are learnt from; `None` where they hold no number."""
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return None
    first, last = np.quantile(known, (_EDGE, 1 - _EDGE))
    share = bool(score and known.min() >= 0 and known.max() <= 1)
    return SeenNumbers(column=column, first=float(first), last=float(last), share=share)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadColumns:
    """The columns that a repair reads of rows, beside what it has seen of them.

    Attributes
    ----------
    seen : tuple of SeenNumbers
    numbers : mapping of str to array
        Columns of numbers.
    strange : mapping of str to bool array
        Of columns of categories, which rows hold one that nothing was learnt of.
    """

    seen: Sequence[SeenNumbers]
    numbers: Mapping[str, Floats]
    strange: Mapping[str, Flags]

    def check(self) -> None:
        """Refuse numbers of another scale, and categories that are others in most rows.

        Raises
        ------
        InputError
            Naming every such column.
        """
        faults = [*self._scales(), *self._categories()]
        if faults:
            raise InputError(
                "\n".join(faults)
                + "\nSo no row was decided.  Write columns as they were where the repair was learnt "
                "(a percentage is no share), or learn a repair from such rows.  If they are meant so: --outside."
            )

    def outside(self) -> tuple[Flags, list[str]]:
        """Rows that hold what was never seen, and in which columns."""
        flags = {one.column: one.outside(self.numbers[one.column]) for one in self.seen}
        flags |= self.strange
        every = [own for own in flags.values() if own.any()]
        rows = np.logical_or.reduce(every) if every else np.zeros(0, bool)
        return rows, [name for name, own in flags.items() if own.any()]

    def _scales(self) -> Iterator[str]:
        for one in self.seen:
            numbers = self.numbers[one.column]
            beyond = one.beyond(numbers)
            if beyond.any():
                where = (
                    "a row"
                    if beyond.sum() == 1
                    else f"a row, and beyond in {beyond.sum() - 1:,} more"
                )
                yield (
                    f"{one.column} is {_number(numbers[beyond][0])} in {where}, but was from 0 to 1 where the repair "
                    "was learnt."
                )
            elif one.apart(numbers):
                known = numbers[np.isfinite(numbers)]
                rows = plural(len(known), "row")
                yield (
                    f"{one.column} is {_number(np.median(known))} in the middle of {rows}, but was "
                    f"mostly from {_number(one.first)} to {_number(one.last)} where the repair was learnt."
                )

    def _categories(self) -> Iterator[str]:
        for name, own in self.strange.items():
            if len(own) >= _FEWEST and own.mean() > 0.5:
                yield (
                    f"{name} holds categories in {own.sum():,} of {plural(len(own), 'row')} of which the repair has "
                    "learnt nothing."
                )


def _number(value: float) -> str:
    return f"{value:.6g}"


def strange_categories(column: pa.ChunkedArray, known: Sequence[str]) -> Flags:
    """Which rows hold a category that is none of those that are known."""
    codes, values = coded(column)
    return np.array([v is not None and str(v) not in known for v in values.to_pylist()], bool)[
        codes
    ]
