"""Slices from a cube of many cells: CPU seconds, and the memory at the peak.

    python benchmarks/cube_slices.py [CELLS]

A cube of 500,000 cells of six attributes (8 to 12 values), two counts and 21 rows a cell, with one slice of
two and one of three conditions that are worse.  Depth 3, the ten best, confirmed exactly.  The clock runs
from the cube in memory, or from its file, to the result; best of three.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from evenhand import CountedRecords, Cube, slices, write_cube
from evenhand.cubes import CellKeys, CountedMetric, CountedSource
from evenhand.groups import Attribute
from evenhand.metrics import MetricPlan
from evenhand.records import Column, Kind
from evenhand.slicing import slices_of_cube
from evenhand.stats.forms import Ratio
from evenhand.stats.written_forms import write_form

RATE = Ratio(numerator=(0, 1), denominator=(1, 1))
CARDS = (12, 10, 9, 8, 8, 8)


def make(cells, seed=0):
    """A cube of so many of all combinations."""
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(int(np.prod(CARDS)), cells, replace=False))
    codes = np.stack(np.unravel_index(chosen, CARDS), axis=1)
    rows = rng.poisson(20, cells) + 1
    p = np.full(cells, 0.08)
    p[(codes[:, 0] == 3) & (codes[:, 1] == 2)] += 0.1
    p[(codes[:, 2] == 1) & (codes[:, 3] == 2) & (codes[:, 4] == 5)] += 0.3
    wrong = rng.binomial(rows, p)
    spread = wrong * (rows - wrong) / rows
    comoments = np.stack([spread, -spread, -spread, spread], axis=1).reshape(-1, 2, 2)
    columns = [[f"v{code}" for code in column] for column in codes.T.tolist()]
    return Cube(
        attributes=tuple(f"a{place}" for place in range(len(CARDS))),
        parts=("right", "wrong"),
        keys=CellKeys.of_columns(columns, cells),
        n_rows=rows,
        n_defined=rows,
        sums=np.stack([rows - wrong, wrong], axis=1).astype(float),
        comoments=comoments,
        level=np.zeros(cells, np.int64),
        indicators=True,
    )


def write(cube, folder):
    """The cube as a file."""
    error_rate = CountedMetric(
        text="selection_rate(wrong)",
        higher_is_worse=True,
        form=write_form(RATE),
        cube=cube,
        proportion=True,
    )
    counted = CountedRecords(
        attributes=tuple(Attribute(name=name) for name in cube.attributes),
        by=cube.attributes,
        units=(),
        columns=(
            *(Column(name=name, kind=Kind.TEXT) for name in cube.attributes),
            Column(name="wrong", kind=Kind.INTEGER),
        ),
        metrics=(error_rate,),
        sources=(CountedSource(name="made", sha256=None),),
    )
    write_cube(counted, folder / "made.cube")
    return folder / "made.cube"


def main(cells):
    """Search, and print what it took."""
    cube = make(cells)
    plan = MetricPlan(
        records=None,
        measure=None,
        form=RATE,
        proportion=True,
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    for confirm in (False, True):
        print(f"{cells:,} cells in memory, {'confirmed' if confirm else 'searched'}: ", end="")
        told(lambda confirm=confirm: slices_of_cube(cube, plan, confirm=confirm), before)
    with tempfile.TemporaryDirectory() as folder:
        path = write(cube, Path(folder))
        print(f"{cells:,} cells of a file, confirmed: ", end="")
        told(lambda: slices(path, confirm="exact"), before)


def told(search, before):
    """CPU seconds of a search, best of three, and the peak."""
    taken = []
    for _ in range(3):
        start = time.process_time()
        found = search()
        taken.append(time.process_time() - start)
    assert found.slices
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{min(taken):.2f} CPU s, peak {peak:,} MiB (with the cube {before:,})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500_000)
