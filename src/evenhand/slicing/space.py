"""The space that is searched: which literals each attribute offers."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Cells
from evenhand.groups import And, Attribute, In, Predicate, to_text

Integers = npt.NDArray[np.int64]
#: An attribute with more values than this offers no merged sets: there would be too many.
MERGED_VALUES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One literal: some values of one attribute.

    Attributes
    ----------
    attribute : int
        Number of the attribute.
    codes : tuple of int
        The values' codes in the cells.
    predicate : Predicate
        The same for people and engines.
    """

    attribute: int
    codes: tuple[int, ...]
    predicate: Predicate

    @property
    def text(self) -> str:
        """The literal as it is written in a predicate."""
        return to_text(self.predicate)


def items_of(cells: Cells, *, merge: int = 1) -> list[Item]:
    """Literals of all attributes, attribute by attribute.

    Parameters
    ----------
    cells : Cells
        What is searched.
    merge : int
        Offer ``IN`` sets of up to this many values, for attributes with at most `MERGED_VALUES`.

    Notes
    -----
    An attribute cut at edges offers every run of neighbouring bins (``age >= 50`` and
    ``age >= 50 AND age < 65``), any other one each of its values, missing included.  What is offered
    never depends on the metric, so that the number of slices is fixed before losses are looked at.
    """
    out = []
    for number, (attribute, keys) in enumerate(zip(cells.attributes, cells.keys, strict=True)):
        choices = _runs(attribute, keys) if attribute.edges is not None else _sets(keys, merge)
        for codes in choices:
            predicate = _predicate(attribute, [keys[code] for code in codes])
            out.append(Item(attribute=number, codes=codes, predicate=predicate))
    return out


def _sets(keys: Sequence[object], merge: int) -> Iterator[tuple[int, ...]]:
    yield from ((code,) for code in range(len(keys)))
    known = [code for code, key in enumerate(keys) if key is not None]
    if len(known) <= MERGED_VALUES:
        for size in range(2, min(merge, len(known) - 1) + 1):
            yield from itertools.combinations(known, size)


def _runs(attribute: Attribute, keys: Sequence[object]) -> Iterator[tuple[int, ...]]:
    assert attribute.edges is not None
    place = {int(key): code for code, key in enumerate(keys) if isinstance(key, int | float)}
    yield from ((code,) for code, key in enumerate(keys) if key is None)
    # A bin without a frequent value is in no run: its rows could not be told from other rare ones.
    for first, last in itertools.combinations_with_replacement(range(len(attribute.edges) + 1), 2):
        bins = range(first, last + 1)
        if last - first < len(attribute.edges) and all(number in place for number in bins):
            yield tuple(place[number] for number in bins)


def _predicate(attribute: Attribute, keys: Sequence[object]) -> Predicate:
    values = [key for key in keys if isinstance(key, str | int | float)]
    if len(keys) == 1:
        return attribute.predicate_for(values[0] if values else None)
    if attribute.edges is None:
        return In(attribute.name, tuple(values))
    first, last = min(map(int, map(float, values))), max(map(int, map(float, values)))
    ends = Attribute(
        name=attribute.name,
        edges=tuple(
            edge for number, edge in enumerate(attribute.edges) if number in (first - 1, last)
        ),
    )
    return ends.predicate_for(1 if first else 0)


def predicate_of(items: Sequence[Item]) -> Predicate:
    """Conjunction of literals, flat, in the order given."""
    operands: list[Predicate] = []
    for item in items:
        inside = item.predicate
        operands += inside.operands if isinstance(inside, And) else [inside]
    return operands[0] if len(operands) == 1 else And(tuple(operands))


def mask_of(cells: Cells, items: Sequence[Item]) -> npt.NDArray[np.bool_]:
    """Cells that satisfy all literals, shape (cells,)."""
    out = np.ones(len(cells), bool)
    for item in items:
        out &= member(cells, item)
    return out


def member(cells: Cells, item: Item) -> npt.NDArray[np.bool_]:
    """Cells that satisfy one literal, shape (cells,)."""
    codes = cells.codes[item.attribute]
    if len(item.codes) == 1:
        return np.asarray(codes == item.codes[0])
    chosen = np.zeros(len(cells.keys[item.attribute]) + 1, bool)
    chosen[list(item.codes)] = True
    return np.asarray(chosen[codes])
