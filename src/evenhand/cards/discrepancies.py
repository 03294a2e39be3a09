"""Where two texts of JSON differ: each place with what stands there and what should."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from math import isclose
from typing import Any

#: Relative difference of two numbers that are one: the last digits are the processor's.
SAME = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """A place of a card that is not what it should be.

    Attributes
    ----------
    place : str
        Where, as `audits[0].groups[3].estimate.value`.
    stands : str
        What stands on the card, as JSON writes it.
    should : str
        What should stand there.
    says : str
        What says so: a file of results, a table, or the card itself.
    """

    place: str
    stands: str
    should: str
    says: str


def discrepancies(
    stands: Any, should: Any, place: str, says: str, passing: Collection[str] = ()
) -> Iterator[Discrepancy]:
    """Places at which two plain values differ.

    Parameters
    ----------
    stands, should
        As JSON has them.
    place : str
        Where they stand on the card.
    says : str
        What says what should stand there.
    passing : collection of str
        Places that differ from run to run.
    """
    if isinstance(stands, Mapping) and isinstance(should, Mapping):
        for name in dict.fromkeys([*stands, *should]):
            inner = f"{place}.{name}" if place else str(name)
            if inner in passing:
                continue
            if name not in stands or name not in should:
                there = stands if name in stands else should
                told = (_told(there[name]), "nothing")
                first, second = told if name in stands else told[::-1]
                yield Discrepancy(place=inner, stands=first, should=second, says=says)
            else:
                yield from discrepancies(stands[name], should[name], inner, says, passing)
    elif isinstance(stands, list) and isinstance(should, list):
        for number, (one, other) in enumerate(zip(stands, should, strict=False)):
            yield from discrepancies(one, other, f"{place}[{number}]", says, passing)
        if len(stands) != len(should):
            yield Discrepancy(
                place=place,
                stands=f"{len(stands)} entries",
                should=f"{len(should)} entries",
                says=says,
            )
    elif not _alike(stands, should):
        yield Discrepancy(place=place, stands=_told(stands), should=_told(should), says=says)


def _alike(one: Any, other: Any) -> bool:
    numbers = (int, float)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, numbers) and isinstance(other, numbers):
        return isclose(one, other, rel_tol=SAME, abs_tol=1e-12)
    return bool(one == other)


def _told(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else "null" if value is None else str(value)
    return text if len(text) <= 120 else text[:117] + "…"
