"""Searches of worlds that are arrays: no table is read, which takes half the time of a small search."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from evenhand.cubes import Cells
from evenhand.groups import Attribute
from evenhand.slicing import maximum
from evenhand.slicing.confirm import choose_method, confirm
from evenhand.slicing.hunt import Hunt, SearchOptions, prepare
from evenhand.slicing.judging import Aim
from evenhand.slicing.space import mask_of
from evenhand.stats.forms import Ratio


def question(*, proportion=False) -> Aim:
    return Aim(
        form=Ratio(numerator=(1.0, 0.0), denominator=(0.0, 1.0)),
        higher_is_worse=True,
        proportion=proportion,
    )


@contextmanager
def fewer_draws() -> Iterator[None]:
    """199 draws where people get 999: the largest ten of 200 are as exactly .05 as those of 1,000."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maximum, "DRAWS", 199)
        yield


def cells_of(world):
    """Cells, and the cell of each row: rows of one unit that agree in all features are one cell."""
    above, below, features, unit = world
    rows = np.arange(len(above)) if unit is None else unit
    alike = np.stack([rows, *(np.asarray(feature, np.int64) for feature in features)], axis=1)
    keys, cell = np.unique(alike, axis=0, return_inverse=True)
    sums = [np.bincount(cell.ravel(), weights=np.asarray(part, float)) for part in (above, below)]
    cells = Cells(
        attributes=tuple(Attribute(name=f"f{n}") for n in range(len(features))),
        codes=tuple(keys.T[1:].astype(np.uint8)),
        keys=tuple(tuple(range(int(column.max()) + 1)) for column in keys.T[1:]),
        parts=("above", "below"),
        n_rows=np.bincount(cell.ravel()),
        sums=np.stack(sums, axis=1),
        unit=None if unit is None else keys[:, 0],
    )
    return cells, cell.ravel()


def hunt_of(world, settings, *, proportion=False) -> Hunt:
    """A world is numerators, denominators, features, and units or `None`."""
    return prepare(cells_of(world)[0], question(proportion=proportion), settings)


def confirmed(world, seed, method="auto", *, proportion=False, **options):
    """Predicate and rows of each confirmed slice of a world, and the method."""
    settings = SearchOptions(**{"depth": 2, "min_support": 0.04, **options})
    hunt = hunt_of(world, settings, proportion=proportion)
    chosen = choose_method(hunt, method)
    best = [one.candidate for one in hunt.find()[1]]
    told = confirm(hunt, best, chosen, level=0.95, rng=np.random.default_rng(seed))
    proven = told.proven(hunt.question, 0.95)
    slices, rows = [told.slices[n][0] for n in proven], cells_of(world)[1]
    return [
        (" AND ".join(item.text for item in items), mask_of(hunt.cells, items)[rows])
        for items in slices
    ], chosen
