"""Coverage and width of intervals from few labels and a judge: Evenhand beside GLIDE and ppi-python.

    python benchmarks/few_labels.py [--worlds 400] [--glide PYTHON] [--ppi PYTHON]

Each PYTHON is an interpreter with `glide-py` (0.11 needs Python 3.12) or `ppi-python` (0.2.3).  All are asked
about the same seeded worlds, each in a process of its own.  Two questions:

* rows: a rate of 5 or 20 % of 2,000 rows that are their own units, 30 to 200 of them labelled;
* callers: errors over words of 120 callers of unequal size, larger ones with higher rates, 10 to 40 labelled (the first
  are; all of a caller's rows or none).  GLIDE takes clusters, and estimates the mean of their means; ppi-python rows.

Printed is how often 95 % intervals cover the truth, how often none is given, and how many times as wide labels
alone are, squared: labels gained.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

Z = 1.959963984540054
ROWS = [(n, rate, right) for rate in (0.05, 0.2) for n in (30, 50, 200) for right in (0.98, 0.8)]
CALLERS = [(n, 0.0, right) for n in (10, 20, 40) for right in (0.95, 0.8)]
#: Truth of the callers: of a million.
NUMBER = 120


def rows_world(rng: Any, rate: float, right: float) -> tuple[Any, ...]:
    """Wrong rows, the judge's, all of size 1."""
    wrong = (rng.random(2000) < rate).astype(float)
    judge = np.where(rng.random(2000) < right, wrong, 1 - wrong)
    return np.ones(2000), wrong, judge


def callers_world(rng: Any, right: float, number: int = NUMBER) -> tuple[Any, ...]:
    """Words, errors and the judge's errors of callers."""
    size = np.maximum(1, np.rint(rng.lognormal(np.log(15), 1.0, number))).astype(int)
    tilt = 0.8 * np.log(size / 15) + rng.normal(0, 0.5, number)
    wrong = rng.binomial(size, 1 / (1 + np.exp(np.log(0.85 / 0.15) - tilt)))
    judge = wrong - rng.binomial(wrong, 1 - right) + rng.binomial(size - wrong, 1 - right)
    return size.astype(float), wrong.astype(float), judge.astype(float)


def worlds(question: str, number: int) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Labelled units and counts of every world, in order."""
    for place, (n, rate, right) in enumerate(ROWS if question == "rows" else CALLERS):
        for index in range(number):
            rng = np.random.default_rng([place, index])
            made = rows_world(rng, rate, right) if question == "rows" else callers_world(rng, right)
            yield n, made


def of_rows(size: Any, wrong: Any) -> Any:
    """0 and 1 of each row of units."""
    counts = np.c_[wrong, size - wrong].astype(int).ravel()
    return np.repeat(np.tile([1.0, 0.0], len(size)), counts)


def ours(
    question: str, n: int, world: tuple[Any, ...], *, weight: float = 1.0
) -> tuple[float, float]:
    """Evenhand's forms, as `evenhand audit --judge` uses them; labels alone where the judge has no weight."""
    from evenhand.comparisons.rates import bounds_of
    from evenhand.comparisons.rules import VerdictRules
    from evenhand.cubes import Units, estimate
    from evenhand.cubes.cube import cube_of_units
    from evenhand.cubes.keys import CellKeys
    from evenhand.stats.assisted import COUNTS, AssistedRatio, AssistedShare

    size, wrong, judge = world
    told = np.arange(len(size)) < n
    parts = (
        wrong * told,
        size * told,
        judge * told,
        size * told,
        judge,
        size,
        wrong * judge * told,
    )
    sums = np.stack([*parts, size * told], axis=1)
    if question == "rows":
        total = sums.sum(axis=0)[None, None, :]
        low, high = AssistedShare().limits(total, np.asarray(Z), exact=False)
        return float(low[0]), float(high[0])
    number = np.arange(len(size))
    units = Units(cell=0 * number, unit=number, sums=sums, names=tuple(map(str, number)))
    rows = np.array([int(size.sum())])
    keys = CellKeys.of([("all",)])
    cube = cube_of_units(
        keys=keys, attributes=("k",), parts=COUNTS, n_rows=rows, n_defined=rows, units=units
    )
    form = AssistedRatio(weight=weight)
    found = estimate(cube, form, np.ones((1, 1), bool))
    low, high, _ = bounds_of(found, form, VerdictRules(low=0.0, high=1.0), binomial=False)
    return float(low[0]), float(high[0])


def labels_alone(question: str, n: int, world: tuple[Any, ...]) -> tuple[float, float]:
    """The audit of the labels: Wilson's interval of rows, the linearised t of units."""
    from evenhand.stats import intervals

    _, wrong, _ = world
    if question == "rows":
        low, high = intervals.wilson(wrong[:n].sum(), n, Z)
        return float(low), float(high)
    return ours(question, n, world, weight=0.0)


def glide(question: str, n: int, world: tuple[Any, ...]) -> tuple[float, float]:
    """GLIDE's PPI++ of rows, and of clusters where callers are asked of."""
    from glide.estimators import ClusteredPPIMeanEstimator, PPIMeanEstimator

    size, wrong, judge = world
    told = np.arange(len(size)) < n
    if question == "rows":
        found = PPIMeanEstimator().estimate(np.where(told, wrong, np.nan), judge)
    else:
        caller = np.repeat(np.arange(len(size)), size.astype(int))
        people = np.where(told[caller], of_rows(size, wrong), np.nan)
        found = ClusteredPPIMeanEstimator().estimate(people, of_rows(size, judge), caller)
    ends = found.confidence_interval
    return float(ends.lower_bound), float(ends.upper_bound)


def ppi(_question: str, n: int, world: tuple[Any, ...]) -> tuple[float, float]:
    """ppi-python's interval of a mean of rows, its weight tuned."""
    from ppi_py import ppi_mean_ci

    size, wrong, judge = world
    split = int(size[:n].sum())
    people, its = of_rows(size, wrong), of_rows(size, judge)
    low, high = ppi_mean_ci(people[:split], its[:split], its[split:], alpha=0.05)
    return float(np.ravel(low)[0]), float(np.ravel(high)[0])


ASKED = {"evenhand": ours, "labels alone": labels_alone, "GLIDE": glide, "ppi-python": ppi}


def answers(who: str, python: str, question: str, number: int) -> Any:
    """Ends of a contestant's intervals, shape (worlds, 2); NaN where it gives none."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ends.npy"
        command = [python, __file__, "--answer", who, question, str(path), "--worlds", str(number)]
        subprocess.run(command, check=True)
        return np.load(path)


def answer(who: str, question: str, path: str, number: int) -> None:
    """What one contestant says of all worlds, written to a file."""
    out = []
    for n, world in worlds(question, number):
        try:
            out.append(ASKED[who](question, n, world))
        except (ValueError, ZeroDivisionError, FloatingPointError):
            out.append((np.nan, np.nan))
    np.save(path, np.array(out))


def main() -> None:
    """Ask all, and print their coverage."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--worlds", type=int, default=400)
    parser.add_argument("--glide", help="Python with glide-py")
    parser.add_argument("--ppi", help="Python with ppi-python")
    parser.add_argument("--answer", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.answer:
        answer(*given.answer, given.worlds)
        return
    here = {"evenhand": sys.executable, "labels alone": sys.executable}
    others = {"GLIDE": given.glide, "ppi-python": given.ppi}
    contestants = here | {who: python for who, python in others.items() if python}
    size, wrong, _ = callers_world(np.random.default_rng(1), 1.0, 1_000_000)
    for question, cases in (("rows", ROWS), ("callers", CALLERS)):
        found = {
            who: answers(who, python, question, given.worlds) for who, python in contestants.items()
        }
        print(
            f"\n{question}: coverage of 95 % (none given), labels gained; {given.worlds} worlds each"
        )
        print(f"{'labelled':>8} {'rate':>5} {'judge':>5}", *(f"{who:>22}" for who in found))
        for place, (n, rate, right) in enumerate(cases):
            truth = rate or wrong.sum() / size.sum()
            part = slice(place * given.worlds, (place + 1) * given.worlds)
            alone = np.diff(found["labels alone"][part], axis=1)[:, 0]
            told = []
            for ends in found.values():
                low, high = ends[part].T
                known = np.isfinite(low) & np.isfinite(high)
                covers = ((low <= truth) & (truth <= high))[known].mean() if known.any() else np.nan
                gained = np.median((alone / (high - low))[known] ** 2) if known.any() else np.nan
                told.append(f"{covers:>8.3f} ({(~known).mean():.2f}) {gained:>7.2f}")
            print(f"{n:>8} {truth:>5.2f} {right:>5.2f}", *(f"{one:>22}" for one in told))


if __name__ == "__main__":
    main()
