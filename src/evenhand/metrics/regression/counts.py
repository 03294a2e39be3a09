"""What regression metrics count: a loss of target and prediction, and rows."""

from sqlglot import exp

from evenhand.cubes import Measure
from evenhand.groups.predicate import literal
from evenhand.metrics.definition import Argument, Metric, Takes
from evenhand.metrics.inputs import number_input
from evenhand.records import Records

TARGET = Argument(name="target", takes=Takes.NUMBER)
PREDICTION = Argument(name="prediction", takes=Takes.NUMBER)


def error_measure(metric: Metric, records: Records, loss: exp.Expr) -> Measure:
    """Sum of a loss of ``target`` and ``prediction``, and the number of rows."""
    target, target_checks = number_input(metric, "target", records)
    prediction, prediction_checks = number_input(metric, "prediction", records)
    return Measure(
        parts=(("loss", loss), ("rows", literal(1))),
        inputs=(target, prediction),
        checks=target_checks + prediction_checks,
    )
