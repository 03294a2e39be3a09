"""A metric whose labels are on some rows, beside a judge's labels of all: one plan that counts both."""

from collections.abc import Iterator, Sequence

from sqlglot import exp

from evenhand.cubes import Input, Measure, Moments
from evenhand.errors import InputError, NoRowError, Note, RefusedError
from evenhand.groups import Predicate, to_expression
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics.definition import Metric, MetricPlan
from evenhand.metrics.inputs import both
from evenhand.records import Kind, Records, find_column
from evenhand.stats.assisted import COUNTS, AssistedRatio
from evenhand.stats.forms import Ratio

#: What people's inputs are called beside the judge's.
_PEOPLE = ":people"


def check_judge(metric: Metric, judge: Metric) -> None:
    """Refuse a judge that measures something else, or nothing else.

    Raises
    ------
    InputError
        Where it is another metric, or the same with the same columns.
    """
    if judge.definition is not metric.definition:
        raise InputError(
            f"judge is {judge.text}, but must be {metric.name} like the metric {metric.text}: the same on other "
            f"labels.  Write --judge '{metric.definition.usage}' with the judge's column."
        )
    if judge.text == metric.text or judge.columns == metric.columns:
        raise InputError(
            f"judge and metric are both of {', '.join(sorted(metric.columns))}.  The judge's labels are in a column "
            "of their own, on all rows; people's are in another, on some.  Name both, or leave the judge out."
        )


def assisted_plan(
    metric: Metric, judge: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    """Plan of a metric on the rows that people labelled, beside the judge on all.

    Parameters
    ----------
    metric, judge : Metric
        The same metric of people's labels and of the judge's.
    records, keep, where
        As for `Metric.plan`.

    Returns
    -------
    MetricPlan
        Its counts are `evenhand.stats.assisted.COUNTS`.  Rows that lack what the judge needs are left out and counted;
        those that lack people's label stay.  Whether it is a proportion says that each row adds 0 or 1 to both.

    Raises
    ------
    InputError
        Where the metric is no ratio of sums, or the judge writes its labels otherwise.
    RefusedError
        Where no row has people's label, or none has both.
    """
    check_judge(metric, judge)
    try:
        people = metric.plan(records, [*keep, *_read_by(judge, records)], where)
    except NoRowError as error:
        raise RefusedError(_nobody(metric)) from error
    made = [column.name for column in people.records.columns]
    told = judge.plan(people.records, [name for name in made if name not in judge.columns], where)
    for plan in (people, told):
        if (
            not isinstance(plan.form, Ratio)
            or plan.measure.level
            or not metric.definition.weighable
        ):
            raise InputError(
                f"{metric.text} takes no judge: a judge helps with ratios of two sums over rows, and {metric.name} is "
                "none.  Allowed: rates such as error_rate, true_positive_rate, precision, f1, mae, wer, mean and ratio "
                "(evenhand metrics has all).  Name one of these, or leave the judge out."
            )
    _check_written_alike(metric, judge, records, where)
    measure = _measured(people, told)
    _check_labelled(metric, judge, measure, told.records, where)
    unjudged = _unjudged(judge, measure, told.records, where)
    return MetricPlan(
        records=told.records,
        measure=measure,
        form=AssistedRatio(weight=1.0),
        proportion=people.proportion and told.proportion,
        notes=tuple(dict.fromkeys((*people.notes, *told.notes, *unjudged))),
        bounds=people.bounds if people.bounds == told.bounds else None,
    )


def _read_by(metric: Metric, records: Records) -> list[str]:
    """Columns that a metric reads, with those that hold how they were written."""
    columns = [column for column in records.columns if column.name in metric.columns]
    written = [column.written for column in columns if column.written is not None]
    return list(dict.fromkeys([*(column.name for column in columns), *written]))


def _measured(people: MetricPlan, judge: MetricPlan) -> Measure:
    """People's counts on labelled rows, the judge's on these and on all."""
    own = people.measure.renamed({item.name: item.name + _PEOPLE for item in people.measure.inputs})
    told = judge.measure
    labelled = both(
        *(
            exp.Not(this=exp.Is(this=column_expression(item.name), expression=exp.Null()))
            for item in own.inputs
        )
    )
    sides = [
        _side(weights, measure)
        for plan, measure in ((people, own), (judge, told))
        for weights in (_ratio(plan).numerator, _ratio(plan).denominator)
    ]
    above, below, judge_above, judge_below = sides
    says = exp.or_(
        *(exp.NEQ(this=exp.paren(s.copy()), expression=literal(0)) for s in (above, below))
    )
    some = exp.Case(ifs=[exp.If(this=exp.paren(says), true=literal(1))], default=literal(0))
    product = exp.Mul(this=exp.paren(above.copy()), expression=exp.paren(judge_above.copy()))
    parts = (
        _where(labelled, above),
        _where(labelled, below),
        _where(labelled, judge_above),
        _where(labelled, judge_below),
        judge_above,
        judge_below,
        _where(labelled, product),
        _where(labelled, some),
    )
    # Whole numbers, whose products add up exactly however rows were grouped before.
    whole = Moments.CENTRED not in (own.moments, told.moments)
    return Measure(
        parts=tuple(zip(COUNTS, parts, strict=True)),
        inputs=(*told.inputs, *own.inputs),
        checks=(*told.checks, *own.checks),
        moments=Moments.COUNTS if whole else Moments.CENTRED,
        few_values=whole and own.few_values and told.few_values,
        about="; ".join(filter(None, (own.about, told.about))),
        optional=frozenset(item.name for item in own.inputs),
    )


def _ratio(plan: MetricPlan) -> Ratio:
    assert isinstance(plan.form, Ratio)
    return plan.form


def _side(weights: Sequence[float], measure: Measure) -> exp.Expr:
    """One side of a ratio, of one row."""
    terms = [
        exp.paren(part.copy())
        if weight == 1
        else exp.Mul(this=literal(weight), expression=exp.paren(part.copy()))
        for weight, (_, part) in zip(weights, measure.parts, strict=True)
        if weight
    ]
    total: exp.Expr = terms[0]
    for term in terms[1:]:
        total = exp.Add(this=total, expression=term)
    # Sums are of products with a number of rows.
    return exp.paren(total)


def _where(labelled: exp.Expr, value: exp.Expr) -> exp.Expr:
    """A count on labelled rows, 0 on others."""
    given = exp.If(this=labelled.copy(), true=exp.paren(value.copy()))
    return exp.Case(ifs=[given], default=literal(0))


def _check_labelled(
    metric: Metric, judge: Metric, measure: Measure, records: Records, where: Predicate | None
) -> None:
    """Refuse a judge without people, and people without the judge."""
    needed = [item for item in measure.inputs if item.name in measure.optional]
    known = [_given(item) for item in needed]
    conditions = [*known, *([to_expression(where)] if where is not None else [])]
    found = exp.select(exp.alias_(literal(1), "one")).from_(
        exp.Var(this=records.source), copy=False
    )
    query = found.where(*conditions, copy=False).limit(1, copy=False)
    if not records.engine.query(query.sql(records.engine.dialect)).num_rows:
        raise RefusedError(_nobody(metric))
    others = [item for item in measure.inputs if item.name not in measure.optional]
    query = query.where(*(_given(item) for item in others))
    if not records.engine.query(query.sql(records.engine.dialect)).num_rows:
        raise RefusedError(
            f"No row has both people's label ({metric.text}) and the judge's ({judge.text}), so nothing tells what the "
            "judge gets wrong.  Have it label the rows that people labelled, too."
        )


def _unjudged(
    judge: Metric, measure: Measure, records: Records, where: Predicate | None
) -> Iterator[Note]:
    """People's labels that are not used, since the judge has none beside them."""
    own = [_given(item) for item in measure.inputs if item.name in measure.optional]
    its = [_given(item) for item in measure.inputs if item.name not in measure.optional]
    kept = [to_expression(where)] if where is not None else []
    query = (
        exp.select(exp.alias_(exp.Count(this=exp.Star()), "n"))
        .from_(exp.Var(this=records.source), copy=False)
        .where(*own, exp.Not(this=exp.paren(exp.and_(*its))), *kept, copy=False)
    )
    lost = records.engine.query(query.sql(records.engine.dialect))["n"].to_pylist()[0]
    if lost:
        they = "label of people is" if lost == 1 else "labels of people are"
        yield Note(
            code="labels_unjudged",
            text=f"{lost:,} {they} not used: the judge ({judge.text}) has none beside them.  The numbers are of the "
            "rows that it labelled.  Have it label these, too: rows that a judge leaves out are seldom like "
            "the others.",
        )


def _given(item: Input) -> exp.Expr:
    """Whether a row has an input."""
    return exp.Not(this=exp.Is(this=exp.paren(item.expression.copy()), expression=exp.Null()))


def _nobody(metric: Metric) -> str:
    return (
        f"No row has people's label ({metric.text}), and a judge alone measures nothing: it is biased by what it gets "
        "wrong, which only people's labels tell.  Label some rows of each group, drawn at random."
    )


def _check_written_alike(
    metric: Metric, judge: Metric, records: Records, where: Predicate | None
) -> None:
    """Refuse a judge whose texts are never those of people, where both labelled rows."""
    for name, column in metric.given.items():
        other = judge.given.get(name)
        if not isinstance(column, str) or not isinstance(other, str) or column == other:
            continue
        names = {one.name for one in records.columns}
        if not {column, other} <= names or any(
            find_column(one, records.columns).kind is not Kind.TEXT for one in (column, other)
        ):
            continue
        if any(a.name == name and a.takes.value == "text" for a in metric.definition.arguments):
            continue  # transcripts may all differ
        _check_texts(column, other, records, where)


def _check_texts(column: str, other: str, records: Records, where: Predicate | None) -> None:
    dialect = records.engine.dialect
    people, judge = column_expression(column), column_expression(other)
    kept = [to_expression(where)] if where is not None else []

    def values(one: exp.Expr) -> set[str]:
        known = exp.Not(this=exp.Is(this=one.copy(), expression=exp.Null()))
        query = (
            exp.select(exp.alias_(one.copy(), "v")).distinct().from_(exp.Var(this=records.source))
        )
        found = records.engine.query(query.where(known, *kept).limit(50).sql(dialect))
        return set(map(str, found["v"].to_pylist())) - set(records.missing_values)

    theirs, its = values(people), values(judge)
    if theirs and its and len(theirs) < 50 and len(its) < 50 and not theirs & its:
        shown = [", ".join(sorted(v)[:5]) for v in (theirs, its)]
        raise InputError(
            f"{other!r} (the judge's) and {column!r} (people's) have no value in common: {other} holds {shown[1]}; "
            f"{column} holds {shown[0]}.  Write both in one way."
        )
