"""Plans that users ask for: from rows for training and testing, and a way to train, to what to collect."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from evenhand.errors import InputError, NoRowError, Note
from evenhand.groups import Attribute, to_text
from evenhand.improving.assembly import Wish, check_budget, look_ahead
from evenhand.improving.measured import MeasuredRuns, measure, side_by_side
from evenhand.improving.result import ImprovementPlan, ImprovementSettings, TrainingRun
from evenhand.improving.trainer import Trainer, TrainingCache, of_tables, read_trainer
from evenhand.improving.trainings import TrainingRows, design, layout, numbered, read_training
from evenhand.lastmile.costs import costs_of
from evenhand.metrics import Metric
from evenhand.pages.numbers import plural
from evenhand.questions.command import write_command
from evenhand.questions.keywords import tells_options
from evenhand.questions.opening import opened
from evenhand.questions.options import (
    NUMBERS,
    Allowed,
    check_choices,
    check_numbers,
    check_texts,
    plain,
    whole,
)
from evenhand.questions.question import (
    By,
    Question,
    bound_metric,
    check_rows,
    metric_note,
    read_question,
    unit_columns,
)
from evenhand.records import MISSING_VALUES, Records
from evenhand.results.estimate import Missing
from evenhand.results.origin import Source, versions

#: Standard errors beyond which rows are not alike by chance.
_BEYOND = 4.0
_NUMBERS = NUMBERS | {
    "budget": Allowed(least=1e-12, words="a number above 0"),
    "worth": Allowed(least=1e-12, below=1, words="a number between 0 and 1"),
    "floor": Allowed(least=0, below=np.nextafter(1.0, 2.0), words="a number from 0 to 1"),
    "repeats": whole(2, 100),
}


@tells_options
def improve(
    table: Any,
    train: Callable[[pa.Table, pa.Table], Any] | str,
    metric: str | Metric,
    by: By,
    *,
    test: Any,
    budget: float,
    cost: float | str | Path = 1.0,
    worth: float = 0.1,
    floor: float = 0.5,
    repeats: int = 3,
    unit: str | Sequence[str] | None = None,
    where: str | None = None,
    level: float = 0.95,
    min_units: int = 30,
    worse: str | None = None,
    seed: int = 0,
    keep: str | Path | None = None,
    missing_values: Sequence[str] = MISSING_VALUES,
    command: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ImprovementPlan:
    """Say which rows to collect for training, and for which groups more rows no longer help.

    The learner is trained with parts of the rows, and each time asked about the rows for testing.

    Parameters
    ----------
    table
        Rows for training, as in `evenhand.audit`.
    train : callable or str
        ``train(rows, test)``, given two Arrow tables, trains with the first and answers for each row of the second:
        a list or array, which becomes the column ``prediction``, or columns by name.  Or ``'module:function'``; or
        a program, ``'python fit.py {train} {test} {out}'``, which reads two CSV files and writes one, a line for
        each row of the second.
    metric : str or Metric
        What is to be made better, for example ``error_rate(label=y, prediction=prediction)``.
    by : str or sequence
        Attributes whose crossing makes the groups.
    test
        Rows for testing, likewise; no row in both.
    budget : float
        What may be spent in all; in rows, where each costs 1.  A round spends a quarter at most.
    cost : float or path
        Of a row; or a CSV file with a column for each attribute and one called ``cost``.
    worth : float
        Part of a group's errors that more rows must take away to be worth it, where the whole budget is spent on it
        alone (of which curves are told up to four times the rows that there are).
    floor : float
        Part of the round that is spent alike on all groups, whatever the curves say.
    repeats : int
        Trainings with each part of the rows.
    unit, where, level, missing_values, command
        As in `evenhand.audit`.  Rows for training are left out by whole units where they name them.
    min_units : int
        Units for testing that a group needs for a curve.
    worse : {'higher', 'lower'}, optional
        Direction of harm, where it is not the metric's own.
    seed : int
    keep : path, optional
        A folder in which answers of trainings are kept, so that an interrupted plan goes on.
    progress : callable, optional
        Told how many trainings are done, and of how many.

    Returns
    -------
    ImprovementPlan

    Raises
    ------
    InputError
        For anything that must be changed first: a training that fails, with what it said.
    RefusedError
        Where no group has enough rows for a curve.

    Notes
    -----
    A group's value is a floor and a part that more rows take away by a power law, where a row of another group is
    worth a part of one's own; see `evenhand.stats.learning.fit_curves`.  Curves are drawn from all that fit, so that
    what is not known is told: a verdict may be "insufficient evidence".  "Give it all to the worst group" is a bad
    rule: the worst group may be at its floor.

    Examples
    --------
    >>> import evenhand, numpy as np, pyarrow as pa
    >>> rng = np.random.default_rng(0)
    >>> def rows(n):
    ...     site, x = rng.integers(0, 2, n), rng.integers(0, 40, n)
    ...     y = np.where(site == 0, x % 2, rng.integers(0, 2, n))  # nothing is to be learnt at site b
    ...     return pa.table({"site": np.where(site == 0, "a", "b"), "x": x, "y": y})
    >>> def train(rows, test):  # the commonest answer of each x at each site
    ...     seen = {}
    ...     for site, x, y in zip(*(rows[c].to_pylist() for c in ("site", "x", "y"))):
    ...         seen.setdefault((site, x), []).append(y)
    ...     asked = zip(test["site"].to_pylist(), test["x"].to_pylist())
    ...     return [round(np.mean(seen.get(one, [0]))) for one in asked]
    >>> metric = "error_rate(label=y, prediction=prediction)"
    >>> found = evenhand.improve(rows(200), train, metric, "site", test=rows(3000), budget=200)
    >>> [(group.group["site"], group.verdict) for group in found.groups]
    [('b', 'does not help'), ('a', 'helps')]
    """
    numbers = {
        "budget": plain(budget),
        "worth": plain(worth),
        "floor": plain(floor),
        "repeats": plain(repeats),
        "level": plain(level),
        "min_units": plain(min_units),
        "seed": plain(seed),
    }
    check_numbers(numbers, _NUMBERS)
    check_texts({"where": where})
    check_choices({"worse": worse})
    trainer = read_trainer(train)
    units = unit_columns(unit)
    with ExitStack() as stack:

        def enter(given: Any) -> Records:
            records = stack.enter_context(opened(given, missing_values=missing_values))
            check_rows(records)
            return records

        given, tested = enter(table), enter(test)
        ours, theirs = given.read_rows(), tested.read_rows()
        training, attributes = _training(enter(numbered(ours)), ours, by, units, where)
        # All that needs no training is checked before the first: each may take hours.
        costs = costs_of(plain(cost), training.cells, attributes)
        check_budget(float(budget), costs)
        bins = {one.name: list(one.edges) for one in attributes if one.edges is not None}
        read_question(enter(numbered(theirs)), by, units=units, where=where, bins=bins)
        size = len(training.rows)
        plan = list(design(training, repeats, seed))
        answers: list[pa.Table] = []
        for answer in _answers(
            trainer, training, theirs, plan, None if keep is None else Path(keep), progress
        ):
            if not answers:
                once = bound_metric(metric, enter(side_by_side(numbered(theirs), [answer])))
                _best(once, higher_is_worse=once.higher_is_worse(worse))
            answers.append(answer)
        asked = enter(side_by_side(numbered(theirs), answers))
        question = _crossed(read_question(asked, by, units=units, where=where, bins=bins))
        bound = bound_metric(metric, asked)
        higher = bound.higher_is_worse(worse)
        best = _best(bound, higher_is_worse=higher)
        found = measure(question, bound, training.cells, len(plan))
        sizes = np.array([training.counted(kept) for kept in plan], float)
        wish = Wish(
            budget=float(budget),
            worth=worth,
            floor=floor,
            level=level,
            min_units=min_units,
            seed=seed,
        )
        outcome = look_ahead(
            training,
            sizes,
            found,
            layout(size, repeats),
            best,
            costs,
            wish,
            higher_is_worse=higher,
        )
        told = {
            "test": tested.name,
            "train": trainer.told,
            "metric": bound.text,
            "by": question.by,
            "budget": plain(budget),
            "cost": cost if not isinstance(cost, float | int) or cost != 1 else None,
            "worth": worth,
            "floor": floor,
            "repeats": repeats,
            "unit": question.units,
            "where": to_text(question.where) if question.where is not None else None,
            "level": level,
            "min_units": min_units,
            "worse": worse,
            "seed": seed,
            "missing_values": asked.missing_values,
        }
        lacking = (
            (
                Missing(
                    attribute=" × ".join(question.partitions[0].names),
                    n_rows=training.lacking,
                    reason="missing_attribute",
                ),
            )
            if training.lacking
            else ()
        )
        return ImprovementPlan(
            metric=metric_note(bound, higher_is_worse=higher),
            level=level,
            unit=question.units[0] if question.units else None,
            training=Source(name=given.name, rows=ours.num_rows, sha256=given.sha256()),
            testing=Source(name=tested.name, rows=theirs.num_rows, sha256=tested.sha256()),
            groups=outcome.groups,
            collect=outcome.collect,
            cost=outcome.cost,
            runs=_runs(sizes, found),
            order=tuple(cell.predicate for cell in training.cells),
            missing=(*lacking, *found.missing),
            notes=(*found.notes, *outcome.notes, *_in_both(ours, theirs, question.units)),
            settings=ImprovementSettings(
                by=question.partitions[0].names,
                where=told["where"],
                train=trainer.told,
                budget=float(budget),
                worth=worth,
                floor=floor,
                repeats=repeats,
                min_units=min_units,
                seed=seed,
                missing_values=asked.missing_values,
                command=command or write_command(improve, given.name, told),
                versions=dict(versions()),
            ),
        )


def _training(
    records: Records, table: pa.Table, by: By, units: tuple[str, ...], where: str | None
) -> tuple[TrainingRows, tuple[Attribute, ...]]:
    """Rows for training, by group; units that they do not name are the rows themselves."""
    known = {column.name for column in records.columns}
    own = tuple(name for name in units if name in known)
    question = _crossed(read_question(records, by, units=own, where=where))
    return read_training(question, table), question.attributes


def _in_both(training: pa.Table, test: pa.Table, units: tuple[str, ...]) -> Iterator[Note]:
    """Rows, or units, that are trained with and tested."""
    if training.equals(test):
        yield Note(
            code="rows_in_both",
            text="The rows for testing are those for training: what was learnt by heart counts as known.  Test with "
            "rows that no training sees.",
        )
        return
    if not units or any(name not in training.column_names for name in units):
        yield from _alike(training, test)
        return
    ours, theirs = (
        set(zip(*(table[name].to_pylist() for name in units), strict=True))
        for table in (training, test)
    )
    both = {unit for unit in ours & theirs if None not in unit}
    if both:
        yield Note(
            code="units_in_both",
            text=f"Of {plural(len(theirs), 'unit')} tested ({', '.join(units)}) {len(both):,} are trained with as "
            "well: values are of units that are known, and may be worse for new ones.",
        )


def _alike(training: pa.Table, test: pa.Table) -> Iterator[Note]:
    """Rows for testing that training sees, where they are more than rows that merely look alike.

    Of independent rows as many look like one for training as rows for training look like another one of these.
    """
    shared = [
        field.name
        for field in test.schema
        if field.name in training.column_names
        and field.type == training.schema.field(field.name).type
        and not pa.types.is_nested(field.type)
    ]
    if not shared or not len(training):
        return
    seen = training.select(shared).group_by(shared).aggregate([([], "count_all")])
    times = seen["count_all"].to_numpy()
    usual = times[times > 1].sum() / len(training)
    same = len(test.select(shared).join(seen.select(shared), shared, join_type="left semi"))
    chance = np.sqrt(usual * (1 - usual) * (1 / len(training) + 1 / len(test))) + 1 / len(test)
    if same / len(test) <= usual + _BEYOND * chance:
        return
    yield Note(
        code="rows_in_both",
        text=f"{same:,} of {plural(len(test), 'row')} for testing are among those for training, with the same values; "
        f"of rows that only look alike there would be about {usual * len(test):,.0f}.  What was learnt by heart counts "
        "as known: test with rows that no training sees.",
    )


def _crossed(question: Question) -> Question:
    """The question of the finest crossing alone."""
    return replace(question, partitions=(question.finest("A row is collected for one group"),))


def _best(metric: Metric, *, higher_is_worse: bool) -> float:
    """The best that the metric can be."""
    best = metric.definition.low if higher_is_worse else metric.definition.high
    if best is None:
        raise InputError(
            f"{metric.name} has no best value, from which what is left to learn could be counted.  Allowed: metrics "
            "that cannot be better than some value, such as error_rate, wer or accuracy."
        )
    return float(best)


def _answers(
    trainer: Trainer,
    training: TrainingRows,
    test: pa.Table,
    plan: Sequence[Any],
    keep: Path | None,
    progress: Callable[[int, int], None] | None,
) -> Any:
    if keep is not None and trainer.identity is None:
        raise InputError(
            f"keep is {str(keep)!r}, but answers of {trainer.told} cannot be told from those of another version.  "
            "Name it as 'module:function' or as a program, or leave keep out."
        )
    cache = TrainingCache(
        folder=keep, identity=of_tables(trainer, training.table, test) if keep else ""
    )
    if test.num_rows == 0:
        raise NoRowError("There is no row for testing.")
    for number, rows in enumerate(plan):
        kept = training.table.take(pa.array(rows))
        yield cache.answers(rows, partial(trainer.predict, kept, test))
        if progress is not None:
            progress(number + 1, len(plan))


def _runs(sizes: Any, found: MeasuredRuns) -> tuple[TrainingRun, ...]:
    return tuple(
        TrainingRun(
            rows=tuple(int(one) for one in size),
            values=tuple(float(one) if np.isfinite(one) else None for one in values),
        )
        for size, values in zip(sizes, found.values, strict=True)
    )
