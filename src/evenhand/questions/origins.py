"""How labels came about, and what can be asked of them: rows that a system chose do not tell whom it passed over."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evenhand.cubes import build_cube
from evenhand.errors import InputError, Note, RefusedError, near
from evenhand.groups import And, Predicate, to_text, where_clause
from evenhand.groups.predicate import In, Value, equals
from evenhand.metrics import Metric, find_definition
from evenhand.metrics.definition import RestsOn
from evenhand.pages.numbers import plural
from evenhand.records import (
    ORIGINS,
    LabelOrigin,
    Origin,
    Records,
    check_key,
    dialect_of,
    find_column,
    open_records,
)

#: Values that a message names.
_NAMED = 4
_KNOWN_BY = {
    Origin.RANDOM: "drawn at random",
    Origin.CHOSEN: "chosen by the system",
    Origin.COMPLAINT: "complained of",
    Origin.REVIEW: "picked by reviewers",
}
_SAYS = {
    Origin.RANDOM: "The rows are said to be drawn at random, and are taken for that.",
    Origin.CHOSEN: "The system itself chose these rows.  They say how often it is right where it acts, and nothing of "
    "those whom it passed over.",
    Origin.COMPLAINT: "These rows are known because somebody complained.  They show that it fails, not how often: a "
    "group that complains less looks better served.",
    Origin.REVIEW: "People picked these rows to look at.  What they did not pick is not here, and may differ from "
    "group to group.",
}
_ANSWERS = {
    Origin.RANDOM: tuple(RestsOn),
    Origin.CHOSEN: (RestsOn.ROWS, RestsOn.SELECTED),
    Origin.COMPLAINT: (RestsOn.ROWS,),
    Origin.REVIEW: (RestsOn.ROWS,),
}
#: What a random sample of those that were passed over can tell.
_OF_THE_REST = "false_omission_rate"
#: A system that chose rows selects at least so many of them.
_MOST_OF_THEM = 0.5
_NEEDS = {
    RestsOn.ALL: "rows that the system did not choose",
    RestsOn.SELECTED: "all rows that the system chose, or a random part of them",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Rows whose labels came about in one way.

    Attributes
    ----------
    origin : Origin
    n_rows : int
        Where a column tells.
    predicate : Predicate, optional
        Which rows; `None` where they are all.
    rest : bool, optional
        Whether a random sample was drawn of those only that the system passed over; `None` where nothing tells.
    """

    origin: Origin
    n_rows: int = 0
    predicate: Predicate | None = None
    rest: bool | None = False

    @property
    def name(self) -> str:
        """What the rows are called in headings."""
        return _KNOWN_BY[self.origin] + (" of those passed over" if self.rest else "")

    def within(self, where: Predicate | None) -> Predicate | None:
        """A filter that keeps only these rows."""
        both = [one for one in (where, self.predicate) if one is not None]
        return And(tuple(both)) if len(both) > 1 else next(iter(both), None)

    def answers(self, metric: Metric) -> bool:
        """Whether labels that came about so can tell the metric."""
        rests_on = rests_on_of(metric)
        if self.rest:
            return rests_on is RestsOn.ROWS or metric.name == _OF_THE_REST
        return rests_on in _ANSWERS[self.origin]


def with_origin(
    table: Records | str | Path, origin: str | Sequence[str] | Mapping[str, str]
) -> Records:
    """Say how the labels of a table came about.

    Parameters
    ----------
    table : Records, str or Path
    origin : str, sequence of str or mapping
        A column, or one word for every row: ``random`` (drawn at random), ``chosen`` (by the system), ``complaint``,
        ``review`` (picked by people).  After a column what its values mean, where they are not these words:
        ``["source", "alert=chosen", "audit=random"]``.  A mapping has the column under ``column``.

    Returns
    -------
    Records
        Of which only such questions are answered as its labels can answer.  Where there are several origins,
        `audit_metrics` answers for each.

    Raises
    ------
    InputError
        For a column or a word that is not known.

    Examples
    --------
    >>> import pyarrow as pa, evenhand
    >>> rows = pa.table({"site": ["a", "b"] * 20, "label": [1, 0, 1, 1] * 10, "flag": [1] * 40})
    >>> alerts = evenhand.with_origin(evenhand.open_records(rows), "chosen")
    >>> evenhand.audit(alerts, "precision(label, flag)", "site").overall.value
    0.75
    """
    table = table if isinstance(table, Records) else open_records(table)
    asked = _asked(origin)
    if not asked:
        raise InputError("Say how labels came about: a column, or one of " + ", ".join(Origin))
    first, *others = asked
    words: dict[str, Origin] = {}
    for value, meant in map(_meaning, others):
        if words.setdefault(value, meant) is not meant:
            raise InputError(
                f"--origin says of {value} that it means {words[value]} and {meant}.  Keep one."
            )
    names = [column.name for column in table.columns]
    if first in names:
        check_key(find_column(first, table.columns))
        found = LabelOrigin(column=first, words=words)
    elif (every := ORIGINS.get(first.casefold())) is not None and not words:
        found = LabelOrigin(every=every)
    else:
        known = [*Origin, *names]
        raise InputError(
            f"--origin {first}: no column is called so, and it is no origin that I know.{near(first, known)}  Allowed: "
            f"{', '.join(Origin)}, or a column of {table.name}: {', '.join(names)}"
        )
    return replace(table, origin=found, options={**table.options, "origin": asked})


def _asked(origin: str | Sequence[str] | Mapping[str, str]) -> list[str]:
    if isinstance(origin, Mapping):
        meanings = [f"{value}={word}" for value, word in origin.items() if value != "column"]
        return [origin.get("column", ""), *meanings]
    asked = [origin] if isinstance(origin, str) else list(origin or ())
    if not all(isinstance(one, str) for one in asked):
        raise InputError(f"origin is {origin!r}, but must be text, or a list of it.")
    return asked


def _meaning(text: str) -> tuple[str, Origin]:
    value, sign, word = text.rpartition("=")
    origin = ORIGINS.get(word.strip().casefold())
    if not sign or origin is None:
        raise InputError(
            f"--origin {text}: say what a value of the column means, as in alert=chosen.  Allowed: {', '.join(Origin)}"
        )
    return value.strip(), origin


def parts_of(
    found: "Arms", metrics: Sequence[Metric], records: Records, where: Predicate | None
) -> list[Arm]:
    """The arms of rows, where those drawn at random may be only of those that the system passed over.

    Parameters
    ----------
    found : Arms
        Of the rows that `where` keeps.
    metrics : sequence of Metric
        What they predict tells which rows were selected.
    records, where
        The rows.
    """
    if not any(arm.origin is Origin.RANDOM for arm in found.arms):
        return list(found.arms)
    # A part that was chosen says that there is a system that selects, also where it is not among these rows.
    if not any(arm.origin is Origin.CHOSEN for arm in arms_of(records).arms):
        return list(found.arms)
    predicted = [one for metric in metrics if (one := _selected(metric, records)) is not None]

    def rest(arm: Arm) -> bool | None:
        shares = (_share(one, records, arm.within(where)) for one in predicted)
        return not any(shares) if predicted else None

    return [
        replace(arm, rest=rest(arm)) if arm.origin is Origin.RANDOM else arm for arm in found.arms
    ]


def rests_on_of(metric: Metric) -> RestsOn:
    """Of which rows a metric needs labels; an average over classes has those that were not selected among them."""
    own = metric.definition.rests_on
    return RestsOn.ALL if own is RestsOn.SELECTED and "average" in metric.given else own


def _selected(metric: Metric, records: Records) -> Metric | None:
    """The rate at which rows are selected, of a metric whose prediction is yes or no."""
    if "prediction" not in metric.given or isinstance(metric.given["prediction"], tuple):
        return None
    names = ("prediction", "positive")
    given = {name: metric.given[name] for name in names if name in metric.given}
    selected = find_definition("selection_rate")(**given)
    try:
        selected.plan(records, (), None)
    except InputError:  # several classes, of which none is the one that is selected
        return None
    return selected


def _share(selected: Metric, records: Records, where: Predicate | None) -> float:
    """Which share of rows is selected."""
    plan = selected.plan(records, (), where)
    cube = build_cube(
        plan.records, plan.measure, (), where=where, missing_values=records.missing_values
    )
    return float(plan.form.value(cube.sums.sum(axis=0)[None, None, :])[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """The ways in which the labels of a table came about.

    Attributes
    ----------
    arms : tuple of Arm
        In the order of `Origin`.
    column : str
        The column that tells; empty where all rows are one arm, or nobody said.
    untold : int
        Rows of which the column says nothing.
    """

    arms: tuple[Arm, ...] = ()
    column: str = ""
    untold: int = 0

    @property
    def apart(self) -> bool:
        """Whether rows must be told apart before anything can be said of them."""
        return len(self.arms) + bool(self.untold) > 1


def arms_of(records: Records, where: Predicate | None = None) -> Arms:
    """The ways in which labels came about; none where nobody said.

    Raises
    ------
    InputError
        For values of the column whose meaning nobody said.
    """
    told = records.origin
    if told is None:
        return Arms()
    if told.every is not None:
        return Arms(arms=(Arm(origin=told.every),))
    found: dict[Origin, list[tuple[Value, int]]] = {}
    unknown, untold = [], 0
    for value, n_rows in _values(records, told.column, where):
        if value is None or str(value) in records.missing_values:
            untold += n_rows
        elif (origin := told.of(value)) is None:
            unknown.append(str(value))
        else:
            found.setdefault(origin, []).append((value, n_rows))
    if unknown:
        more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        raise InputError(
            f"--origin {told.column}: {', '.join(map(repr, unknown[:_NAMED]))}{more}: no origin that I know.  Say what "
            f"it means, as in --origin {told.column} --origin '{unknown[0]}=chosen'.  Allowed: {', '.join(Origin)}"
        )
    arms = (
        Arm(
            origin=origin,
            n_rows=sum(n for _, n in found[origin]),
            predicate=_either(told.column, [value for value, _ in found[origin]]),
        )
        for origin in Origin
        if origin in found
    )
    return Arms(arms=tuple(arms), column=told.column, untold=untold)


def _either(column: str, values: Sequence[Value]) -> Predicate:
    return In(column, tuple(values)) if len(values) > 1 else equals(column, values[0])


def _values(
    records: Records, column: str, where: Predicate | None
) -> Iterator[tuple[Value | None, int]]:
    dialect = dialect_of(records.engine.dialect)
    name, number = dialect.quoted(column), dialect.quoted("evenhand:n")
    kept = where_clause(where, records.engine.dialect)
    rows = records.engine.query(
        f"SELECT {name}, COUNT(*) AS {number} FROM {records.source}{kept} GROUP BY {name} ORDER BY {name}"
    ).to_pylist()
    for row in rows:
        yield row[column], int(row["evenhand:n"])


def origin_notes(
    records: Records, metrics: Sequence[Metric], where: Predicate | None
) -> Iterator[Note]:
    """What the labels of a question cannot tell.

    Parameters
    ----------
    records : Records
    metrics : sequence of Metric
    where : Predicate, optional
        Which rows are read.

    Raises
    ------
    InputError
        Where labels of several origins would be pooled.
    RefusedError
        Where a metric needs rows that are not there.
    """
    found = arms_of(records, where)
    if found.apart:
        ways = [f"{plural(arm.n_rows, 'row')} {arm.name}" for arm in found.arms]
        ways += [f"{plural(found.untold, 'row')} of which nothing is said"] if found.untold else []
        chosen = [to_text(arm.predicate) for arm in found.arms if arm.predicate is not None]
        example = f' (--where "{chosen[0]}")' if chosen else ""
        raise InputError(
            f"Labels of {records.name} came about in {len(ways)} ways ({', '.join(ways)}).  Pooled they are of nobody; "
            f"choose one{example}."
        )
    arms = parts_of(found, metrics, records, where)
    for metric in metrics:
        for arm in arms:
            if not arm.answers(metric):
                raise RefusedError(refusal(metric, arm))
    for arm in arms:
        yield Note(code="label_origin", text=_SAYS[arm.origin])
        if arm.rest is None and any(rests_on_of(metric) is RestsOn.ALL for metric in metrics):
            yield Note(
                code="perhaps_of_the_rest",
                text="No metric here says which rows the system selected.  If those drawn at random are only of the "
                "rows that it passed over, they are no sample of all.",
            )
        if arm.origin is Origin.CHOSEN:
            yield from _chosen_by_another(metrics, records, where)


def _chosen_by_another(
    metrics: Sequence[Metric], records: Records, where: Predicate | None
) -> Iterator[Note]:
    """Say where rows that the system chose are not those that a metric's prediction selects.

    Raises
    ------
    RefusedError
        Where they are less than half: what is said to select them does not.
    """
    for metric in metrics:
        if rests_on_of(metric) is not RestsOn.SELECTED:
            continue
        selected = _selected(metric, records)
        if selected is None:
            continue
        share = _share(selected, records, where)
        by = metric.written("prediction")
        if share < _MOST_OF_THEM:
            raise RefusedError(
                f"{metric.text} cannot be told of these rows: they are said to be chosen by the system, and {by} "
                f"selects {share:.0%} of them.  Rows that it selected and that were not chosen are not here."
            )
        if share < 1:
            yield Note(
                code="chosen_by_another",
                text=f"Of the rows that are said to be chosen by the system {by} selects {share:.1%}.  If something "
                "else chose them, this is not how often it is right where it acts.",
            )


def refusal(metric: Metric, arm: Arm) -> str:
    """Why rows whose labels came about in one way cannot tell a metric."""
    if arm.rest:
        return (
            f"{metric.text} cannot be told of rows {arm.name}: none of them was selected, so they are no sample of "
            "all.  Give each row the number that it stands for, as a weight, and leave the origin out; or ask for "
            f"{_OF_THE_REST}."
        )
    return (
        f"{metric.text} cannot be told of rows {arm.name}: it needs {_NEEDS[rests_on_of(metric)]}, whose "
        "labels are not here."
    )
