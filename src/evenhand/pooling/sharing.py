"""A cube fit to leave the house: no names of units, no small cell, none that subtraction reveals; or noise on all."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evenhand.audits.disclosure.hiding import hidden_cells
from evenhand.comparisons.rules import VerdictRules
from evenhand.cubes import CellKeys, CountedMetric, CountedRecords, Cube
from evenhand.cubes.moments import indicator_comoments
from evenhand.errors import InputError, Note
from evenhand.groups import Attribute, Partition
from evenhand.pages.edition import without_folders
from evenhand.pages.numbers import plural
from evenhand.pooling.noise import CountNoise
from evenhand.questions.counted import counted_records
from evenhand.questions.options import Allowed, check_numbers, plain, whole
from evenhand.stats.written_forms import read_form

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
#: Attributes whose every crossing is thought to be published elsewhere; of more, each alone and all together.
_CROSSED = 3
#: Cells at most that noise is drawn for: those without a row are among them.
_MOST_CELLS = 100_000
#: In what a cube's counts mean: that it was made to be shared.  Only like cubes add, so that none with small cells is
#: added to one without.
_SHARED = "shared: small cells are left out"
_NOISY = "with noise"
_NUMBERS = {
    "suppress_below": whole(0),
    "epsilon": Allowed(least=1e-6, below=1e3, words="a number above 0, for example 1"),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharedCube:
    """A cube to share, and what it cost.

    Attributes
    ----------
    counted : CountedRecords
    hidden : int
        Cells that are left out; of the metric that has the most.
    hidden_share : float
        The part of all rows that were in them, to the nearest twentieth.
    """

    counted: CountedRecords
    hidden: int
    hidden_share: float


def share_cube(
    cube: str | Path | CountedRecords,
    *,
    suppress_below: int = 10,
    epsilon: float | None = None,
) -> SharedCube:
    """Make of a cube one that may leave the house.

    Units lose their names: each unit's part in a cell is a row of its own.  Cells of few are left out, and others by
    which they could be told from margins that are known elsewhere: of up to three attributes all crossings of fewer, of
    more each alone, as far as they could be published with the same minimum.

    Parameters
    ----------
    cube : path or CountedRecords
        As `evenhand.count_cube` gives it.
    suppress_below : int
        Cells with fewer units than this (rows, where none is named) are left out; 0 leaves none out.
    epsilon : float, optional
        Noise on all counts, so that the cube gives at most this much away of whether any row is in it: differential
        privacy, by OpenDP.  Which values there are is told.  Cells so small that they may be noise are left out, even
        where `suppress_below` is 0.  For metrics that count rows, without units; every cube that is shared of the
        same rows spends as much anew.

    Returns
    -------
    SharedCube

    Raises
    ------
    InputError
        Where there is no cube, or one that cannot be protected so: with levels of a score, weights, units named by
        two columns.

    Notes
    -----
    Fischetti & Salazar (2001), doi:10.1287/mnsc.47.7.1008.9805, on cells that margins give away.  Pairs of cells that
    share units are taken for independent by whoever reads the shared cube: intervals of differences are a little wide.

    Examples
    --------
    >>> import pyarrow as pa, evenhand
    >>> table = pa.table({"site": ["a"] * 50 + ["b"] * 40 + ["c"] * 3 + ["d"] * 30, "wrong": [0, 1, 0] * 41})
    >>> cube = evenhand.count_cube(table, "mean(wrong)", by="site", worse="higher")
    >>> shared = evenhand.share_cube(cube)
    >>> sorted(key[0] for key in shared.counted.metrics[0].cube.keys)  # d would tell how many c has
    ['a', 'b']
    """
    check_numbers(
        {"suppress_below": plain(suppress_below)}
        | ({} if epsilon is None else {"epsilon": plain(epsilon)}),
        _NUMBERS,
    )
    counted = counted_records(cube)
    if counted is None:
        raise InputError(f"{cube} is no cube.  Count its rows first: evenhand cube count")
    for metric in counted.metrics:
        _check(metric, counted)
    cubes = [_without_names(metric.cube) for metric in counted.metrics]
    noise = None if epsilon is None else CountNoise(epsilon=epsilon / len(cubes))
    if noise is not None:
        cubes = [_with_noise(one, counted, noise) for one in cubes]
        kept = [
            one.n_rows >= max(suppress_below, noise.surely_counted(len(one.keys))) for one in cubes
        ]
    else:
        kept = _kept(counted, cubes, suppress_below)
    if not any(one.any() for one in kept):
        least = max(
            suppress_below, 0.0 if noise is None else noise.surely_counted(len(cubes[0].keys))
        )
        raise InputError(
            f"No cell has {least:,.0f} or more, so nothing could be shared.  Count coarser groups, or "
            + (
                "lower --suppress-below."
                if noise is None
                else "raise --epsilon: below that, cells may be noise."
            )
        )
    hidden = max(len(one) - int(one.sum()) for one in kept)
    rows = max(
        1 - float(one.n_rows[own].sum()) / max(float(one.n_rows.sum()), 1.0)
        for one, own in zip(cubes, kept, strict=True)
    )
    notes = _notes(counted, suppress_below, epsilon, hidden, rows)
    metrics = tuple(
        replace(
            metric,
            cube=_marked(_only(one, own), suppress_below),
            proportion=metric.proportion and one.indicators,
            notes=(),
        )
        for metric, one, own in zip(counted.metrics, cubes, kept, strict=True)
    )
    return SharedCube(
        counted=replace(
            counted,
            metrics=metrics,
            units=(),
            notes=notes,
            sources=tuple(
                replace(
                    one,
                    name=without_folders(one.name),
                    # Whoever guesses the one row that he does not know would see that he is right.
                    sha256=one.sha256 if epsilon is None else None,
                )
                for one in counted.sources
            ),
            path=None,
        ),
        hidden=hidden,
        hidden_share=round(20 * rows) / 20,
    )


def _check(metric: CountedMetric, counted: CountedRecords) -> None:
    cube = metric.cube
    why = None
    if len(cube.levels):
        why = "is counted for each value of a score, few rows each"
    elif counted.weight is not None:
        why = "is weighted"
    elif cube.units is not None and cube.units.ways > 1:
        why = "has units that two columns name"
    if why is not None:
        raise InputError(
            f"{metric.text} {why}: such a cube cannot be shared.  Count one for others, of metrics that are ratios "
            "of sums, without weights, with one column that names units at most."
        )


def _without_names(cube: Cube) -> Cube:
    """Each unit's part in a cell as a row of its own."""
    if cube.units is None:
        return replace(cube, powers=None, powers_of=None, missing=())
    n, units = len(cube.keys), cube.units
    rows = np.bincount(units.cell, minlength=n)
    means = cube.sums / np.maximum(rows, 1)[:, None]
    apart = units.sums - means[units.cell]
    products = np.zeros((n, apart.shape[1], apart.shape[1]))
    np.add.at(products, units.cell, apart[:, :, None] * apart[:, None, :])
    defined = np.bincount(units.cell, (units.sums != 0).any(axis=1), n).astype(np.int64)
    return replace(
        cube,
        n_rows=rows,
        n_defined=defined,
        comoments=products,
        indicators=False,
        units=None,
        powers=None,
        powers_of=None,
        missing=(),
        meaning=f"{cube.meaning}; each unit of a cell is a row",
    )


def _kept(counted: CountedRecords, cubes: Sequence[Cube], minimum: int) -> list[Bools]:
    """Cells that are shared: neither small, nor what would tell of a small one."""
    if not minimum:
        return [np.ones(len(cube.keys), bool) for cube in cubes]
    # Whoever is outside a predicate is a cell too.
    attributes = [Attribute(name=one.name) for one in counted.attributes]
    names = tuple(one.name for one in attributes)
    sizes = range(1, len(names)) if len(names) <= _CROSSED else (1,)
    margins = [
        Partition(names=own) for size in sizes for own in itertools.combinations(names, size)
    ]
    forms = [read_form(metric.form, len(metric.cube.parts)) for metric in counted.metrics]
    rules = VerdictRules(suppress_below=minimum)
    gone = hidden_cells(cubes, forms, attributes, Partition(names=names), margins, rules)
    return [np.array([key not in gone for key in cube.keys], bool) for cube in cubes]


def _only(cube: Cube, kept: Bools) -> Cube:
    return cube.regrouped(cube.attributes, cube.keys, kept=kept)


def _marked(cube: Cube, minimum: int) -> Cube:
    """The cube, which tells that it was made to be shared if no small cell is in it."""
    return replace(cube, meaning=f"{cube.meaning}; {_SHARED}") if minimum else cube


def known_to_be_shared(counted: CountedRecords) -> bool:
    """Whether a cube tells that small cells were left out, or noise added; those of older versions do not."""
    return all(
        {_SHARED, _NOISY} & set(metric.cube.meaning.split("; ")) for metric in counted.metrics
    )


def _with_noise(cube: Cube, counted: CountedRecords, noise: CountNoise) -> Cube:
    """Counts of all cells that values cross to, with noise; what rows add to none of the counts is one more."""
    if not cube.indicators or counted.units:
        raise InputError(
            "epsilon is for metrics that count rows, where a row adds to one count (error_rate, selection_rate, "
            "true_positive_rate), without units: else nobody knows how much one person adds.  Count so, or leave "
            "epsilon out."
        )
    values = cube.keys.values
    size = int(np.prod([len(one) for one in values], dtype=np.float64))
    if size > _MOST_CELLS:
        raise InputError(
            f"Noise is drawn for each cell, without rows as well: {size:,} of them, at most {_MOST_CELLS:,}.  Count "
            "fewer groups."
        )
    every = list(itertools.product(*values))
    place = {key: number for number, key in enumerate(every)}
    at = np.array([place[key] for key in cube.keys], np.int64)
    counts = np.zeros((size, cube.sums.shape[1] + 1), np.int64)
    counts[at, :-1] = cube.sums.astype(np.int64)
    counts[at, -1] = cube.n_rows - cube.sums.sum(axis=1).astype(np.int64)
    noisy = noise.added(counts)
    sums, rows = noisy[:, :-1].astype(float), noisy.sum(axis=1)
    spread = indicator_comoments(np.maximum(rows, 1), sums) + noise.variance * np.eye(sums.shape[1])
    return replace(
        cube,
        keys=CellKeys.of(every),
        n_rows=rows,
        n_defined=noisy[:, :-1].sum(axis=1),
        sums=sums,
        comoments=spread,
        level=np.zeros(size, np.int64),
        indicators=False,
        meaning=f"{cube.meaning}; {_NOISY}",
    )


def _notes(
    counted: CountedRecords,
    minimum: int,
    epsilon: float | None,
    hidden: int,
    share: float,
) -> tuple[Note, ...]:
    """What whoever reads the cube must know."""
    told: list[Note] = []
    if counted.units:
        told.append(
            Note(
                code="units_without_names",
                text=f"Each {counted.units[0]} of a cell counts as one row; those in several cells are taken for "
                "several.",
            )
        )
    if hidden and epsilon is None:
        told.append(
            Note(
                code="cells_left_out",
                text=f"Cells of fewer than {minimum}, and others that would give them away, are left out by whoever "
                "shares: "
                f"about {5 * round(20 * share)} % of the rows.",
            )
        )
    if epsilon is not None:
        noise = CountNoise(epsilon=epsilon / len(counted.metrics))
        told.append(
            Note(
                code="counts_with_noise",
                text=f"Counts carry noise (differential privacy, epsilon {epsilon:g}): each is off by up to "
                f"{noise.usual:.0f} in 95 of "
                f"100, a rate of 1,000 rows by up to {100 * noise.usual / 1000:.1g} points.  Intervals allow for it.  "
                "Cells so small that they may be noise are left out.",
            )
        )
    return tuple(told)


def told(shared: SharedCube) -> str:
    """What was left out, as a sentence."""
    if not shared.hidden:
        return "No cell was left out."
    return f"{plural(shared.hidden, 'cell')} left out, about {100 * shared.hidden_share:.0f} % of the rows."
