"""Rows to learn a repair from: what is right, what is decided now, scores, groups and units, one place a row."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sqlglot import exp

from evenhand.comparisons.sets import GroupSet
from evenhand.cubes import build_cube
from evenhand.differential.assembly import MOST_GROUPS
from evenhand.errors import InputError, NoRowError, near
from evenhand.groups import Attribute, IsNull, Or, columns_of, to_expression, to_text
from evenhand.groups.predicate import column_expression
from evenhand.improving.trainings import ROW, read_grouped
from evenhand.metrics import Metric
from evenhand.metrics.definition import One
from evenhand.metrics.inputs import class_column, column_input
from evenhand.pages.numbers import plural
from evenhand.questions.question import Question
from evenhand.records import Records, find_column, open_records

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
#: Which of the four outcomes a row is, as a column that no table has.
_OUTCOME = "evenhand:outcome"
_OUTCOMES = ("both", "false alarm", "miss", "neither")


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairRows:
    """Rows, as arrays with a place for each.

    Attributes
    ----------
    table : pyarrow.Table
    cells : tuple of GroupSet
        The groups.
    group : integer array
        Number of a row's group; -1 where an attribute is missing.
    units : integer array
        What rows are independent by.
    truth : array
        1 where the label is the positive value, 0 where it is the other one, NaN where it is missing.
    answers : mapping of str to array
        Decisions that are there, by what they are called: 1, 0 or NaN; what is decided now is first.
    scores : mapping of str to array
        Scores by name; NaN where they are missing.
    """

    table: pa.Table
    cells: tuple[GroupSet, ...]
    group: Integers
    units: Integers
    truth: Floats
    answers: Mapping[str, Floats]
    scores: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.group)

    @property
    def now(self) -> Floats:
        """What is decided now."""
        return next(iter(self.answers.values()))

    def whole_numbers(self, score: str) -> bool:
        """Whether a score is of whole numbers only, so that a threshold is told as one."""
        known = self.scores[score][np.isfinite(self.scores[score])]
        return bool((known == np.floor(known)).all())

    def take(self, places: Integers) -> "RepairRows":
        """Some of the rows."""
        return replace(
            self,
            table=self.table.take(pa.array(places)),
            group=self.group[places],
            units=self.units[places],
            truth=self.truth[places],
            answers={name: one[places] for name, one in self.answers.items()},
            scores={name: one[places] for name, one in self.scores.items()},
        )

    def with_score(self, name: str, score: Floats) -> "RepairRows":
        """The same with one more score."""
        return replace(self, scores={**self.scores, name: score})


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedLabel:
    """What is right and what decisions are called: a column with two values, or a predicate.

    Attributes
    ----------
    given : str or Predicate
    positive, negative : str, int, float or bool
        The values of decisions.
    """

    given: Any
    positive: Any
    negative: Any

    @property
    def told(self) -> str:
        """The label in a sentence."""
        return str(self.given)

    def column(self, decisions: Floats) -> pa.Array:
        """Decisions as a column; null where there is none."""
        both = pa.array([self.negative, self.positive])
        known = np.isfinite(decisions)
        return both.take(pa.array(np.where(known, decisions, 0).astype(np.int64), mask=~known))


def read_label(
    records: Records, metric: Metric, label: str | None, positive: str | None
) -> DecidedLabel:
    """The label of a metric, or the one that is named beside it.

    Raises
    ------
    InputError
        Where there is none, it has not two values, or which of them is positive is not said.
    """
    given = label if label is not None else metric.given.get("label")
    if given is None:
        raise InputError(
            f"{metric.text} names no label, and a repair is judged by its errors as well.  Name it: --label COLUMN"
        )
    if not isinstance(given, str):
        return DecidedLabel(given=given, positive=1, negative=0)
    find_column(given, records.columns)
    read = class_column(given, records).sql(records.engine.dialect)
    found = records.engine.query(
        f"SELECT DISTINCT {read} AS v FROM {records.source} WHERE {read} IS NOT NULL LIMIT 20"
    )["v"].to_pylist()
    if len(found) != 2:
        told = ", ".join(sorted(map(str, found))[:6])
        number = plural(len(found), "value") if len(found) < 20 else "many values"
        raise InputError(
            f"{given} has {number} ({told}), but a repair decides between "
            "two.  Name a label with two values, or make one of it in the table (1 and 0)."
        )
    takes = any(argument.name == "positive" for argument in metric.definition.arguments)
    option = metric.option("positive") if takes and metric.given.get("label") == given else None
    written = metric.given.get("positive") if takes and option is not None else None
    if positive is not None and written is not None and told_value(positive) != told_value(written):
        raise InputError(
            f"positive is {positive!r}, but {metric.text} says {written!r}.  Name one of them, or both alike."
        )
    wanted = positive if positive is not None else option
    if wanted is None:
        if not all(one in (0, 1) for one in found):
            raise InputError(
                f"{given} holds {found[0]!r} and {found[1]!r}: say which of them a high score stands for, as in "
                f"--positive {str(found[0])!r}."
            )
        wanted = 1
    same = [one for one in found if one == wanted or told_value(one) == told_value(wanted)]
    if not same:
        raise InputError(
            f"positive is {wanted!r}, which {given} never holds.{near(str(wanted), list(map(str, found)))}  Its "
            f"values: {', '.join(sorted(map(str, found)))}"
        )
    other = next(one for one in found if one != same[0])
    return DecidedLabel(given=given, positive=same[0], negative=other)


def with_positive(metric: Metric, label: DecidedLabel) -> Metric:
    """The metric of the value that was named positive, where it says none itself and 1 and 0 do not say it."""
    takes = any(argument.name == "positive" for argument in metric.definition.arguments)
    own = isinstance(label.given, str) and metric.given.get("label") == label.given
    said = {"positive", "labels", "average"} & set(metric.given)
    plain = [told_value(one) for one in (label.positive, label.negative)] == ["1", "0"]
    if not takes or not own or said or plain:
        return metric
    return replace(metric, given={**metric.given, "positive": label.positive})


def without_group(by: Sequence[str]) -> str:
    """The rows that are in no group, as a predicate."""
    absent = tuple(IsNull(column=name) for name in by)
    return to_text(absent[0] if len(absent) == 1 else Or(operands=absent))


def told_value(value: object) -> str:
    """A value as it is compared: 1, 1.0 and true are one."""
    return f"{float(value):g}" if isinstance(value, int | float) else str(value)


def read_rows(
    question: Question,
    table: pa.Table,
    metric: Metric,
    label: DecidedLabel,
    scores: Sequence[str],
    answers: Mapping[str, One],
    *,
    unlabelled: bool = False,
    unread: str | None = None,
) -> RepairRows:
    """Rows of a table as arrays.

    Parameters
    ----------
    question : Question
        Of the table with `ROW`; its one partition tells groups apart.
    table : pyarrow.Table
        The same rows, without it.
    metric : Metric
        For messages.
    label : DecidedLabel
    scores : sequence of str
        Columns.
    answers : mapping
        Columns or predicates that say what was decided, by what they are called.
    unlabelled : bool
        Whether the label is not read.
    unread : str, optional
        An answer that is learnt later: nothing stands there yet.

    Raises
    ------
    InputError
        Where a decision is neither of the label's values.
    """
    records = question.records
    training = read_grouped(question, table)
    if not unlabelled:
        _check_groups(training.cells, question)
    group = np.full(table.num_rows, -1)
    for number, rows in enumerate(training.rows):
        group[rows] = number
    truth = np.full(table.num_rows, np.nan) if unlabelled else _truths(records, label.given, label)
    if not unlabelled and not np.isfinite(truth).any():
        raise NoRowError(f"No row has a label ({label.told}).")
    return RepairRows(
        table=table,
        cells=training.cells,
        group=group,
        units=training.units,
        truth=truth,
        answers={
            name: np.zeros(table.num_rows) if name == unread else _truths(records, one, label)
            for name, one in answers.items()
        },
        scores={name: _numbers(records, name, metric) for name in scores},
    )


def _check_groups(cells: Sequence[GroupSet], question: Question) -> None:
    """Refuse rows of which none is in a group, and more groups than can be compared."""
    (partition,) = question.partitions
    told = " × ".join(partition.names)
    if not cells:
        raise NoRowError(f"No row is in a group of {told}: it is missing everywhere.")
    if len(cells) > MOST_GROUPS:
        raise InputError(
            f"--by {','.join(partition.names)} makes {len(cells):,} groups; a repair is for at most {MOST_GROUPS}.  "
            "Cut it more coarsely: name fewer columns, or cut a number with --bins."
        )


def _column(records: Records, read: exp.Expr) -> list[Any]:
    """An expression's value for each row, in their order."""
    dialect = records.engine.dialect
    row = column_expression(ROW).sql(dialect)
    asked = f"SELECT {read.sql(dialect)} AS v FROM {records.source} ORDER BY {row}"
    return list(records.engine.query(asked)["v"].to_pylist())


def _truths(records: Records, given: Any, label: DecidedLabel) -> Floats:
    if isinstance(given, str):
        find_column(given, records.columns)
        values = [
            None if one is None else told_value(one)
            for one in _column(records, class_column(given, records))
        ]
        allowed = [told_value(one) for one in (label.positive, label.negative)]
        strange = Counter(one for one in values if one is not None and one not in allowed)
        if strange:
            _refuse_decisions(given, strange, allowed, label)
        told = [None if one is None else one == allowed[0] for one in values]
    else:
        told = _column(records, to_expression(given))
    return np.array([np.nan if one is None else float(one) for one in told])


def _refuse_decisions(
    given: str, strange: Counter[str], allowed: Sequence[str], label: DecidedLabel
) -> None:
    """Refuse decisions that are neither of the two: none of them is a no unsaid."""
    told = [f"{value!r} in {plural(rows, 'row')}" for value, rows in strange.most_common(5)]
    more = f", and {len(strange) - 5:,} other values" if len(strange) > 5 else ""
    raise InputError(
        f"{given} holds {', '.join(told)}{more}.{near(next(iter(strange)), allowed)}  Allowed are the two values of "
        f"{label.told}: {', '.join(allowed)}.  Write decisions so in the table, leave out those rows with --where, "
        "or name a predicate."
    )


def check_reads_no_label(called: str, given: Any, label: DecidedLabel) -> None:
    """Refuse what decides by what is right: it is not known of new rows."""
    own = {label.given} if isinstance(label.given, str) else set(columns_of(label.given))
    read = [given] if isinstance(given, str) else columns_of(given)
    for name in read:
        if name in own:
            is_label = "is the label" if isinstance(label.given, str) else "the label is made of"
            raise InputError(
                f"{called} names {name}, which {is_label}: leave it out.  What is right is not known of rows that are "
                "to be decided."
            )


def _numbers(records: Records, name: str, metric: Metric) -> Floats:
    find_column(name, records.columns)
    given, _ = column_input("score", name, records, metric=metric, called="score")
    found = _column(records, given.expression)
    numbers = np.array([np.nan if one is None else float(one) for one in found])
    if np.isinf(numbers).any():
        raise InputError(
            f"{name} holds an infinite score.  Allowed: finite numbers; leave the others empty."
        )
    return numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionMetric:
    """A metric as a function of how many rows are right and wrong on either side.

    Attributes
    ----------
    parts : array of shape (4, counts)
        What a row adds to each count of the metric: a true positive, a false one, a miss, a true negative.
    form : Form
        The metric's value of the sums.
    """

    parts: Floats
    form: Any

    def values(self, counts: Floats) -> Floats:
        """Values of counts of shape (sets, 4), ordered as `parts`; NaN where undefined."""
        sums = counts @ self.parts
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.form.value(sums[:, None, :]), float)


def read_confusion(
    metric: Metric, rows: RepairRows, label: DecidedLabel, missing: Sequence[str]
) -> ConfusionMetric:
    """The metric as a function of the four outcomes, asked of four rows.

    Raises
    ------
    InputError
        Where it reads more than the label and the decision.
    """
    constants = {"positive", "labels", "average"}
    more = [
        name
        for name in metric.given
        if name not in {"label", "prediction"} and name not in constants
    ]
    if "prediction" not in metric.given or more:
        raise InputError(
            f"{metric.text} is not of decisions alone"
            + (f": it reads {', '.join(more)}" if more else "")
            + ".  A repair changes decisions: name a metric of a label and a prediction, such as "
            "error_rate(label=y, prediction=p) or false_positive_rate(label=y, prediction=p)."
        )
    ones, zeros = np.flatnonzero(rows.truth == 1), np.flatnonzero(rows.truth == 0)
    if not len(ones) or not len(zeros):
        value = label.negative if not len(ones) else label.positive
        raise InputError(
            f"Every label is {value!r}: there is nothing to decide.  Name another label, or more rows."
        )
    places = [ones[0], zeros[0], ones[0], zeros[0]]
    name = repaired_name(rows.table)
    four = rows.table.take(pa.array(places))
    four = four.append_column(name, label.column(np.array([1.0, 1.0, 0.0, 0.0])))
    four = four.append_column(_OUTCOME, pa.array(_OUTCOMES))
    records = open_records(four, missing_values=missing)
    try:
        after = with_prediction(metric, name)
        plan = after.plan(records, [_OUTCOME], None)
        if plan.measure.level is not None:
            raise InputError(f"{metric.text} is of scores, and a repair changes decisions.")
        cube = build_cube(
            plan.records,
            plan.measure,
            (Attribute(name=_OUTCOME),),
            form=plan.form,
            missing_values=missing,
        )
    finally:
        records.close()
    codes, keys = cube.codes((_OUTCOME,))
    place = {key[0]: code for code, key in enumerate(keys)}
    parts = np.zeros((4, cube.sums.shape[1]))
    for number, outcome in enumerate(_OUTCOMES):
        if outcome in place:
            parts[number] = cube.sums[codes == place[outcome]].sum(axis=0)
    return ConfusionMetric(parts=parts, form=plan.form)


def repaired_name(table: pa.Table) -> str:
    """A name for the column of repaired decisions that the table does not have."""
    return free_name("repaired", table)


def free_name(wanted: str, table: pa.Table) -> str:
    """A name for a column that the table does not have."""
    name, number = wanted, 2
    while name in table.column_names:
        name, number = f"{wanted}_{number}", number + 1
    return name


def with_prediction(metric: Metric, name: str) -> Metric:
    """The same metric of another column of decisions."""
    return replace(metric, given={**metric.given, "prediction": name}, tried=True)
