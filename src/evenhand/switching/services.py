"""Services that can be compared: one metric, on answers of their own to the same questions."""

from collections.abc import Sequence

from evenhand.errors import InputError
from evenhand.metrics import Metric, Takes
from evenhand.metrics.definition import Argument

#: Services at most: more is a ranking, of which nobody reads the pairs.
MOST_SERVICES = 12
#: Arguments that say what was asked, or what is right: they are the same for every service.
_GIVEN = frozenset({"reference", "label", "relevance", "query", "mated", "negative"})


def check_services(metrics: Sequence[Metric]) -> tuple[str, ...]:
    """What services are called, where they can be compared.

    Parameters
    ----------
    metrics : sequence of Metric
        One a service, the one that is switched from first.

    Returns
    -------
    tuple of str
        The columns of their answers; where several differ, joined by a slash.

    Raises
    ------
    InputError
        For fewer than two, two that are the same, or metrics that do not measure the same.
    """
    if len(metrics) < 2:
        raise InputError(
            "To compare services say the metric of each of them, the one that is switched from first: "
            "--compare 'wer(text, amazon)' 'wer(text, google)'."
        )
    if len(metrics) > MOST_SERVICES:
        raise InputError(f"At most {MOST_SERVICES} services are compared, not {len(metrics)}.")
    first = metrics[0]
    for other in metrics[1:]:
        _check_alike(first, other)
    names = tuple(_name(metric, metrics) for metric in metrics)
    for place, name in enumerate(names):
        if name in names[:place]:
            raise InputError(f"{metrics[place].text} is named twice.  Name each service once.")
    return names


def _check_alike(first: Metric, other: Metric) -> None:
    if first.name != other.name:
        raise InputError(
            f"{first.text} and {other.text} are two metrics, so their values cannot be subtracted.  Name one metric on "
            f"the answers of each service, as in {first.name}(…) twice."
        )
    if first.definition.joins is not None:
        raise InputError(
            f"{first.name} makes one row of several, and services are paired by row.  Score each "
            f"{first.definition.joins} first, and compare the means of these numbers."
        )
    for argument in first.definition.arguments:
        name = argument.name
        if is_given(argument) and _given(first, name) != _given(other, name):
            raise InputError(
                f"{first.text} and {other.text} differ in {name} ({_told(first, name)}, {_told(other, name)}): a "
                "difference could come from what is asked, not from the service.  Services are compared on the same "
                f"{name}."
            )


def is_given(argument: Argument) -> bool:
    """Whether an argument says what was asked of all services, or how it is scored."""
    truth = argument.name == "target" and argument.takes is Takes.NUMBER
    return truth or argument.takes is Takes.CONSTANT or argument.name in _GIVEN


def _given(metric: Metric, name: str) -> object:
    return metric.option(name)


def _told(metric: Metric, name: str) -> str:
    return metric.written(name) or "not given"


def _name(metric: Metric, metrics: Sequence[Metric]) -> str:
    """The arguments in which a service differs from others, as they are written."""
    differing = [
        argument.name
        for argument in metric.definition.arguments
        if len({one.written(argument.name) for one in metrics}) > 1
    ]
    return " / ".join(_bare(metric, name) for name in differing) or metric.text


def _bare(metric: Metric, name: str) -> str:
    value = metric.given.get(name)
    return value if isinstance(value, str) else metric.written(name)
