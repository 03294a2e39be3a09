"""Slices from a cube of many cells: CPU seconds, and the memory at the peak.

    python benchmarks/cube_slices.py [CELLS]

A cube of 500,000 cells of six attributes (8 to 12 values), two counts and 21 rows a cell, with one slice of
two and one of three conditions that are worse.  Depth 3, the ten best, confirmed exactly.  The clock runs
from the cube in memory to the result; best of three.
"""

import resource
import sys
import time

import numpy as np

from evenhand import Cube
from evenhand.metrics import MetricPlan
from evenhand.slicing import slices_of_cube
from evenhand.stats.forms import Ratio

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
        keys=tuple(zip(*columns, strict=True)),
        n_rows=rows,
        n_defined=rows,
        sums=np.stack([rows - wrong, wrong], axis=1).astype(float),
        comoments=comoments,
        level=np.zeros(cells, np.int64),
        indicators=True,
    )


def main(cells):
    """Search, and print what it took."""
    cube = make(cells)
    plan = MetricPlan(
        records=None,
        measure=None,
        form=Ratio(numerator=(0, 1), denominator=(1, 1)),
        proportion=True,
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    for confirm in (False, True):
        taken = []
        for _ in range(3):
            start = time.process_time()
            found = slices_of_cube(cube, plan, confirm=confirm)
            taken.append(time.process_time() - start)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"{cells:,} cells, confirmed: {found.confirmation.method}: {min(taken):.2f} CPU s, "
            f"peak {peak:,} MiB (with the cube {before:,})"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500_000)
