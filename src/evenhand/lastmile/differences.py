"""Differences that are asked for: within what a metric can differ by."""

from evenhand.errors import InputError
from evenhand.metrics import Metric, MetricPlan


def check_difference(
    name: str, size: float, metric: Metric | None, plan: MetricPlan | None
) -> None:
    """Refuse a difference or a width that no metric of this range can have: it was meant in points.

    Parameters
    ----------
    name : str
        The option.
    size : float
    metric : Metric, optional
        Without one a proportion is meant.
    plan : MetricPlan, optional
        Of the metric, whose rows may narrow its range.
    """
    most: float | None = 1.0
    if metric is not None:
        definition = metric.definition
        low, high = (plan.bounds if plan else None) or (definition.low, definition.high)
        most = high - low if low is not None and high is not None else None
        most = 1.0 if most is None and definition.in_points else most
    if most is None or size < most:
        return
    meant = size / 100
    hint = f"  Did you mean {meant:g} ({size:g} points)?" if meant < most else ""
    raise InputError(
        f"{name} is {size:g}, but must be a number above 0 and below {most:g}, which is as far as values can "
        f"differ.{hint}"
    )
