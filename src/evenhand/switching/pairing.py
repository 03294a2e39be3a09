"""Rows that all services were scored on, counted for each: pairing is by row, and variances are over units.

Each service has a cube of its own metric over the same rows: a row that lacks what any of the services needs is in
none of them.  Side by side they are one cube, whose extra attribute names the service and in which each unit (each
row, where none is named) occurs under all of them, so that it is its own control.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sqlglot import exp

from evenhand.cubes import CellKeys, Cube, Input, Measure, Moments, build_cube, build_cubes
from evenhand.errors import InputError
from evenhand.groups import columns_of, where_clause
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics import Metric, MetricPlan
from evenhand.metrics.inputs import both, indicator, negation
from evenhand.questions.question import Question
from evenhand.records import Column, DuckDBEngine, Kind, Records, dialect_of
from evenhand.stats.forms import FormDifference, Smooth

#: What tells services apart in the cube, and rows in the table: names that no column has.
SERVICE, _ROW = "evenhand:service", "evenhand:row"
#: Rows at most where each is a unit of its own; each is kept once a service.
MOST_ROWS = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Services on the same rows.

    Attributes
    ----------
    plans : tuple of MetricPlan
        One a service, all on one table.
    cubes : tuple of Cube
        Counts of each service; of rows, where no unit is named.
    together : Cube
        The same side by side, told apart by `SERVICE`; rows are units where none is named.
    scored : Cube
        Rows that some service was scored on (first count), and each of the services.
    """

    plans: tuple[MetricPlan, ...]
    cubes: tuple[Cube, ...]
    together: Cube
    scored: Cube


def pair_services(
    question: Question, metrics: Sequence[Metric], names: Sequence[str], keep: Sequence[str] = ()
) -> Paired:
    """Count what each service does on the rows that all were scored on.

    Parameters
    ----------
    question : Question
    metrics : sequence of Metric
        One a service; see `services.check_services`.
    names : sequence of str
        What the services are called.
    keep : sequence of str
        Columns that are read besides the question's.

    Raises
    ------
    InputError
        Where the services' answers have other classes, or rows are too many to be units.
    """
    plans = _plans(question, metrics, [*question.columns, *keep])
    measures = _paired_measures(plans)
    rows, units = plans[0].records, question.units
    cubes = _cubes(question, rows, plans, measures, units)
    own = cubes
    if not units:
        numbered = _numbered(question, rows, measures)
        own = _cubes(question, numbered, plans, measures, (_ROW,))
    return Paired(
        plans=plans,
        cubes=cubes,
        together=_side_by_side(own, names),
        scored=_scored(question, rows, plans),
    )


def _plans(
    question: Question, metrics: Sequence[Metric], keep: Sequence[str]
) -> tuple[MetricPlan, ...]:
    """Plans that all read one table: what a metric scores itself is kept beside what the next one reads."""
    table, made, plans = question.records, list(keep), list[MetricPlan]()
    for place, metric in enumerate(metrics):
        later = {name for other in metrics[place + 1 :] for name in other.columns}
        columns = [column for column in table.columns if column.name in later]
        later |= {column.written for column in columns if column.written is not None}
        plan = metric.plan(table, [*made, *sorted(later)], question.where)
        known = {column.name for column in table.columns}
        made += [column.name for column in plan.records.columns if column.name not in known]
        table = plan.records
        plans.append(plan)
    if any(_counted(plan) != _counted(plans[0]) for plan in plans):
        raise InputError(
            f"{metrics[0].name} finds other classes in the answers of one service than in those of another, so that "
            "their values are of other things.  Name the classes: labels=('a', 'b')."
        )
    exact = all(plan.proportion for plan in plans)
    return tuple(
        replace(
            plan,
            records=table,
            measure=replace(plan.measure, moments=_moments(plans)),
            proportion=exact,
            bounds=plan.bounds if exact else None,
        )
        for plan in plans
    )


def _counted(plan: MetricPlan) -> object:
    """What is counted and how the value follows, to be compared."""
    form = plan.form
    if isinstance(form, Smooth):  # two functions that do the same are not equal; what made them is
        return plan.measure.names, form.made_by, form.sides, form.votes
    return plan.measure.names, form


def _moments(plans: Sequence[MetricPlan]) -> Moments:
    """How second moments are computed for all, where one service has only 0 and 1 and another has not."""
    kinds = {plan.measure.moments for plan in plans}
    return kinds.pop() if len(kinds) == 1 else Moments.CENTRED


def change_plan(first: MetricPlan, second: MetricPlan) -> MetricPlan:
    """Plan whose value is that of the second service less that of the first, on rows that both were scored on.

    For what looks at influences of rows on changes; not for metrics with levels.
    """
    named = {item.name: f"{item.name}:second" for item in second.measure.inputs}
    after = second.measure.renamed(named)
    measure = replace(
        first.measure,
        parts=(
            *first.measure.parts,
            *((f"{name}:second", part) for name, part in after.parts),
        ),
        inputs=(*first.measure.inputs, *after.inputs),
        checks=(),
        moments=Moments.CENTRED,
    )
    split = len(first.measure.parts)
    form = FormDifference(first=first.form, second=second.form, split=split)
    return MetricPlan(records=first.records, measure=measure, form=form, proportion=False)


def _paired_measures(plans: Sequence[MetricPlan]) -> list[Measure]:
    """The measure of each service, which a row also needs the others' inputs for."""
    measures = [plan.measure for plan in plans]
    out = []
    for place, own in enumerate(measures):
        inputs, checks = list(own.inputs), list(own.checks)
        known = {item.expression for item in inputs}
        for number, other in enumerate(measures):
            if number == place:
                continue
            # A level is never renamed, so the other inputs' names are: they are only looked at.
            named = {item.name: f"{item.name}:{number}" for item in other.inputs}
            told = replace(other, level=None).renamed(named)
            fresh = [item for item in told.inputs if item.expression not in known]
            names = {item.name for item in fresh}
            inputs += fresh
            checks += [check for check in told.checks if check.input in names]
            known |= {item.expression for item in fresh}
        few = all(measure.few_values for measure in measures)
        out.append(replace(own, inputs=tuple(inputs), checks=tuple(checks), few_values=few))
    return out


def _cubes(
    question: Question,
    rows: Records,
    plans: Sequence[MetricPlan],
    measures: Sequence[Measure],
    units: Sequence[str],
) -> tuple[Cube, ...]:
    return tuple(
        build_cubes(
            rows,
            [(measure, plan.form) for measure, plan in zip(measures, plans, strict=True)],
            question.attributes,
            unit=units,
            where=question.where,
            missing_values=question.records.missing_values,
        )
    )


def _numbered(question: Question, rows: Records, measures: Sequence[Measure]) -> Records:
    """The columns that are read, in this process, with a number for each row: services are paired by it."""
    read = {
        node.name for m in measures for i in m.inputs for node in i.expression.find_all(exp.Column)
    }
    where = question.where
    names = list(dict.fromkeys([*question.columns, *sorted(read)]))
    names += [
        name for name in (columns_of(where) if where is not None else ()) if name not in names
    ]
    engine, quoted = rows.engine, dialect_of(rows.engine.dialect).quoted
    kept = where_clause(where, engine.dialect)
    asked = f"FROM {rows.source}{kept}"
    number = int(engine.query(f"SELECT COUNT(*) AS n {asked}")["n"][0].as_py())
    if number > MOST_ROWS:
        raise InputError(
            f"{question.records.name} has {number:,} rows, and without --unit each is a unit of its own: at most "
            f"{MOST_ROWS:,} are compared.  Name with --unit what is independent (speaker, patient, document), or "
            "keep fewer rows with --where."
        )
    own, start = DuckDBEngine(), 0
    statement = "CREATE TEMP TABLE numbered AS FROM block"
    selected = ", ".join(map(quoted, names))
    for batch in engine.batches(f"SELECT {selected} {asked}"):
        table = pa.Table.from_batches([batch]).rename_columns(names)
        place = pa.array(np.arange(start, start + table.num_rows))
        own.register("block", table.append_column(_ROW, place))
        own.execute(statement)
        statement, start = "INSERT INTO numbered FROM block", start + table.num_rows
    columns = tuple(column for column in rows.columns if column.name in names)
    row = Column(name=_ROW, kind=Kind.INTEGER)
    return replace(rows, engine=own, source="numbered", columns=(*columns, row))


def _side_by_side(cubes: Sequence[Cube], names: Sequence[str]) -> Cube:
    """One cube of several with the same counts, told apart by the first attribute."""
    told = []
    for cube, name in zip(cubes, names, strict=True):
        none = np.zeros(len(cube.keys), np.int64)
        keys = CellKeys.of_codes(
            [(name,), *cube.keys.values], [none, *cube.keys.codes], len(cube.keys)
        )
        told.append(
            replace(
                cube, attributes=(SERVICE, *cube.attributes), keys=keys, meaning="", powers=None
            )
        )
    return reduce(Cube.beside, told)


def _scored(question: Question, rows: Records, plans: Sequence[MetricPlan]) -> Cube:
    """How many rows each service was scored on, by group."""
    inputs, told = [], []
    for number, plan in enumerate(plans):
        there = [
            exp.Not(this=exp.Is(this=exp.paren(item.expression.copy()), expression=exp.Null()))
            for item in plan.measure.inputs
        ]
        inputs.append(
            Input(name=f"scored:{number}", expression=indicator(both(*there)), text="scored")
        )
        told.append(exp.EQ(this=column_expression(f"scored:{number}"), expression=literal(1)))
    some = negation(both(*map(negation, told)))
    parts = [("some", indicator(some)), ("all", indicator(both(*told)))]
    parts += [(f"scored:{number}", indicator(one)) for number, one in enumerate(told)]
    measure = Measure(
        parts=tuple(parts), inputs=tuple(inputs), moments=Moments.COUNTS, few_values=True
    )
    return build_cube(
        rows,
        measure,
        question.attributes,
        where=question.where,
        missing_values=question.records.missing_values,
    )


def rows_scored(paired: Paired, cells: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Rows of some cells that some service was scored on, that all were, and that each was."""
    return np.asarray(cells.astype(float) @ paired.scored.sums, float)
