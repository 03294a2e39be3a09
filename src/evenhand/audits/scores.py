"""Scores by group: how often what a score promises comes true, and what each threshold would do."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from evenhand.audits.result import ScoreBin, ScoreCurve
from evenhand.comparisons.rates import rates_of
from evenhand.comparisons.rules import VerdictRules
from evenhand.comparisons.sets import GroupSet, cells_of
from evenhand.cubes import Cube, build_cube, estimate
from evenhand.errors import Note
from evenhand.groups import Attribute
from evenhand.groups.predicate import column_expression
from evenhand.metrics import Metric
from evenhand.metrics.classification.score_counts import score_column, score_counts
from evenhand.metrics.definition import rate
from evenhand.questions.question import Question

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
#: Edges between which scores are taken together.
EDGES = tuple(round(0.1 * step, 1) for step in range(1, 10))
#: Groups whose scores are told, at most.
MOST_GROUPS = 40
_POSITIVE = rate((1, 0, 0), (1, 1, 0))


def scores_read(metric: Metric) -> tuple[str, ...]:
    """What decides a metric's scores: metrics that say the same of it have the same."""
    names = ("label", "score", "positive")
    return tuple(f"{n}={metric.written(n)}" for n in names if n in metric.given)


def score_curves(
    metric: Metric, question: Question, rules: VerdictRules, *, groups: int
) -> tuple[ScoreCurve, ...]:
    """Scores of everybody and of each of so many groups, in ten bins of equal width.

    Empty where the metric has no one score of a yes-or-no label, where scores are no probabilities, where
    groups are hidden (counts in small bins would tell them), and for more than 40 groups.

    Notes
    -----
    A bin's rate of positives has the interval of a proportion of independent rows, or that over units
    (see `comparisons.rates`); it holds for this rate alone.  Reliability curves in fixed bins: DeGroot &
    Fienberg (1983), doi:10.2307/2987588.
    """
    records = question.records
    column = score_column(metric, records)
    if column is None or rules.suppress_below or groups > MOST_GROUPS:
        return ()
    if not _probabilities(question, column):
        return ()
    score = Attribute(name=column, edges=EDGES)
    others = tuple(a for a in question.attributes if a.name != column)
    if len(others) < len(question.attributes):
        return ()
    cube = build_cube(
        records,
        score_counts(metric, records),
        (*others, score),
        unit=question.units,
        where=question.where,
        missing_values=records.missing_values,
    )
    found = [c for p in question.partitions for c in cells_of(cube, p, question.attributes)]
    cells = [cell for cell in found if not cell.missing]
    return tuple(_curves(cube, cells, score, rules))


def curves_left_out(metric: Metric, question: Question) -> tuple[Note, ...]:
    """Say of weighted rows that the curves of their scores, which count rows, are not drawn."""
    if score_column(metric, question.records) is None:
        return ()
    text = "How often what a score promises comes true is not drawn: those curves count rows, and rows have weights."
    return (Note(code="curves_left_out", text=text),)


def _probabilities(question: Question, column: str) -> bool:
    """Whether all scores lie in [0, 1], and there are some."""
    records = question.records
    name = column_expression(column).sql(records.engine.dialect)
    ends = records.engine.query(
        f"SELECT MIN({name}) AS low, MAX({name}) AS high FROM {records.source}"
    )
    low, high = ends["low"][0].as_py(), ends["high"][0].as_py()
    return low is not None and 0 <= low <= high <= 1


def _curves(
    cube: Cube, cells: Sequence[GroupSet], score: Attribute, rules: VerdictRules
) -> list[ScoreCurve]:
    codes, keys = cube.codes((score.name,))
    place = np.array([-1 if key is None else int(key) for (key,) in keys])[codes]
    bins = np.arange(len(EDGES) + 1)[:, None] == place[None, :]
    sides = np.array([np.ones(len(cube.keys), bool), *(cell.members for cell in cells)])
    sets = (sides[:, None, :] & bins[None, :, :]).reshape(-1, len(cube.keys))
    none = np.zeros((0, 2), np.int64)
    estimates = estimate(cube, _POSITIVE, sets, none)
    own = replace(rules, low=0.0, high=1.0, versus="rest")
    binomial = cube.units is None
    rates = rates_of(estimates, _POSITIVE, cube.parts, own, binomial=binomial)
    sums = estimates.sums.reshape(len(sides), len(bins), -1)
    ends = [0.0, *EDGES, 1.0]
    curves = []
    for side, cell in enumerate([None, *cells]):
        curves.append(
            ScoreCurve(
                by=() if cell is None else cell.partition.names,
                predicate=None if cell is None else cell.predicate,
                label="all" if cell is None else " · ".join(map(str, cell.label)),
                bins=tuple(
                    ScoreBin(
                        low=ends[number],
                        high=ends[number + 1],
                        mean_score=_mean(sums[side, number]),
                        rate=replace(rates[side * len(bins) + number], counts=None),
                    )
                    for number in range(len(bins))
                ),
            )
        )
    return curves


def _mean(sums: Floats) -> float | None:
    """Mean score of a bin with rows."""
    rows = float(sums[0] + sums[1])
    return float(sums[2]) / rows if rows else None
