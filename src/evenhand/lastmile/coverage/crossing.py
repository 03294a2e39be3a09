"""The cells of coverage: all crossings of the levels that occur in a table or a population."""

import contextlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Cube
from evenhand.errors import InputError
from evenhand.groups import And, Attribute, Not, Predicate, Value, to_text
from evenhand.groups.partition import Key
from evenhand.groups.predicate import equals
from evenhand.lastmile.costs import key_text
from evenhand.lastmile.population import Population
from evenhand.pages.numbers import tidy

Bools = npt.NDArray[np.bool_]
#: Crossings at most.
MOST_CELLS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeLevel:
    """A value of an attribute; the key is `None` where only the population has it."""

    name: str
    text: str
    shown: Value
    key: Key
    predicate: Predicate


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossedCell:
    """A crossing of levels."""

    levels: tuple[AttributeLevel, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Its values as files write them."""
        return tuple(level.text for level in self.levels)

    @property
    def predicate(self) -> str:
        """Its rows."""
        parts: list[Predicate] = []
        for level in self.levels:
            one = level.predicate
            parts.extend(one.operands if isinstance(one, And) else [one])
        return to_text(parts[0] if len(parts) == 1 else And(tuple(parts)))


def levels_of(
    attributes: Sequence[Attribute], cube: Cube, population: Population | None
) -> list[list[AttributeLevel]]:
    """Levels of each attribute, those of the table first; of a number that is cut all bins, of a predicate both sides.

    Parameters
    ----------
    attributes : sequence of Attribute
    cube : Cube
        Counts of the table; its first attributes are these.
    population : Population, optional
    """
    out = []
    for place, attribute in enumerate(attributes):
        if attribute.predicate is not None:
            keys: list[Key] = [True, False]
        elif attribute.edges is not None:
            keys = list(range(len(attribute.edges) + 1))
        else:
            seen = {key for key in cube.keys.column(place) if key is not None}
            keys = sorted(seen, key=_order)
        own = [_level(attribute, key) for key in keys]
        known = {level.text for level in own}
        more = (
            sorted({key[place] for key, part in population.shares.items() if part > 0} - known)
            if population is not None
            else []
        )
        if more and (attribute.edges is not None or attribute.predicate is not None):
            raise InputError(
                f"{population.name if population else ''} has {attribute.name} = {more[0]!r}.  Allowed: "
                f"{', '.join(level.text for level in own)}, or of a number that is cut any number."
            )
        own += [
            _unseen(attribute.name, text, number=bool(keys) and not isinstance(keys[0], str))
            for text in more
        ]
        out.append(own)
    return out


def _unseen(name: str, text: str, *, number: bool) -> AttributeLevel:
    """A level that only the population has; a number where the table has numbers."""
    value: Value = text
    if number:
        with contextlib.suppress(ValueError):
            value = tidy(float(text))
    return AttributeLevel(
        name=name, text=text, shown=value, key=None, predicate=equals(name, value)
    )


def _order(key: Key) -> tuple[bool, float, str]:
    number = isinstance(key, int | float)
    return not number, float(key) if isinstance(key, int | float) else 0.0, str(key)


def _level(attribute: Attribute, key: Key) -> AttributeLevel:
    label = attribute.label_for(key)
    assert label is not None
    own = attribute.predicate_for(key)
    return AttributeLevel(
        name=attribute.name,
        text=key_text(label),
        shown=label,
        key=key,
        predicate=Not(own) if attribute.predicate is not None and key is False else own,
    )


def crossed(levels: Sequence[Sequence[AttributeLevel]]) -> list[CrossedCell]:
    """All crossings.

    Raises
    ------
    InputError
        Where there are too many to be read.
    """
    number = 1
    for one in levels:
        number *= len(one)
    if number > MOST_CELLS:
        sizes = " × ".join(f"{len(one):,}" for one in levels)
        raise InputError(
            f"--by makes {sizes} = {number:,} cells; at most {MOST_CELLS:,} can be looked at.  Name fewer attributes, "
            "or cut them more coarsely (--bins)."
        )
    return [CrossedCell(levels=tuple(one)) for one in itertools.product(*levels)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Which cells of a cube are in which crossing.

    Attributes
    ----------
    cell : integer array of shape (cube cells,)
        The crossing; -1 where an attribute is not given.
    synthetic, unknown : bool arrays of shape (cube cells,)
        Rows that were made; rows of which nothing says whether they were.
    """

    cell: npt.NDArray[np.int64]
    synthetic: Bools
    unknown: Bools

    def of(self, count: int, *, synthetic: bool) -> Bools:
        """Sets of the natural or the synthetic rows of each crossing, shape (crossings, cube cells)."""
        chosen = (self.synthetic if synthetic else ~self.synthetic) & ~self.unknown
        return np.asarray((np.arange(count)[:, None] == self.cell) & chosen, bool)


def place(cube: Cube, cells: Sequence[CrossedCell], width: int) -> Placed:
    """Find the crossing of each cell of a cube.

    Parameters
    ----------
    cube : Cube
        Its first `width` attributes are those of the crossings; one more says whether rows are synthetic.
    cells : sequence of CrossedCell
    width : int
    """
    numbered = {
        tuple(level.key for level in cell.levels): number
        for number, cell in enumerate(cells)
        if all(level.key is not None for level in cell.levels)
    }
    keys = list(cube.keys)
    told = [key[width] if len(key) > width else False for key in keys]
    return Placed(
        cell=np.array([numbered.get(key[:width], -1) for key in keys], np.int64),
        synthetic=np.array([one is True for one in told], bool),
        unknown=np.array([one is None for one in told], bool),
    )
