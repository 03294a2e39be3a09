"""What scores of a yes-or-no label promise, and what came of it: counts for calibration and thresholds."""

from sqlglot import exp

from evenhand.cubes import Measure, Moments
from evenhand.groups.predicate import column_expression
from evenhand.metrics.definition import Metric, Takes
from evenhand.metrics.inputs import binary_input, indicator, negation, number_input
from evenhand.records import Records, find_column

#: Order of the counts.
PARTS = ("positives", "negatives", "score")


def score_column(metric: Metric, records: Records) -> str | None:
    """The column of a metric's one score of a yes-or-no label; `None` where it has no such score."""
    takes = {argument.name: argument.takes for argument in metric.definition.arguments}
    given = metric.given.get("score")
    if takes.get("label") is not Takes.BINARY or not isinstance(given, str):
        return None
    column = find_column(given, records.columns)
    return column.name if column.kind.numeric else None


def score_counts(metric: Metric, records: Records) -> Measure:
    """Positives, negatives and the sum of the scores.

    Parameters
    ----------
    metric : Metric
        With a `score_column`.
    records : Records
    """
    label, actual, label_checks = binary_input(metric, "label", records)
    score, score_checks = number_input(metric, "score", records)
    counts: tuple[exp.Expr, ...] = (
        indicator(actual),
        indicator(negation(actual)),
        column_expression("score"),
    )
    return Measure(
        parts=tuple(zip(PARTS, counts, strict=True)),
        inputs=(label, score),
        checks=label_checks + score_checks,
        moments=Moments.CENTRED,
    )
