"""The worst group of each metric at the operating point, over attributes one by one and crossed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from evenhand.audits.result import Audit, Group
from evenhand.cards.result import WorstGroup
from evenhand.errors import InputError, near


def at_operating_point(
    audits: Sequence[Audit], metrics: Sequence[str], source: str
) -> tuple[list[int], int]:
    """Places of the audits, those of the operating point first in its order; and how many of them are of it.

    Raises
    ------
    InputError
        For a metric that no audit measured, with the nearest that one did.
    """
    if not metrics:
        return list(range(len(audits))), len(audits)
    order: list[int] = []
    for wanted in metrics:
        found = [place for place, audit in enumerate(audits) if _is_called(audit, wanted)]
        if not found:
            names = [
                name for audit in audits for name in (audit.metric.name, audit.metric.expression)
            ]
            known = ", ".join(dict.fromkeys(audit.metric.expression for audit in audits))
            raise InputError(
                f"{source}: operating_point.metrics names {wanted!r}, which no result measured."
                f"{near(wanted, names)}  Measured: {known or 'nothing; add an audit to results'}"
            )
        order += [place for place in found if place not in order]
    rest = [place for place in range(len(audits)) if place not in order]
    return order + rest, len(order)


def worst_groups(audits: Sequence[Audit]) -> Iterator[WorstGroup]:
    """Of each audit the worst group of single attributes, then of crossed ones, where there are any."""
    for place, audit in enumerate(audits):
        for crossed in (False, True):
            own = [group for group in audit.groups if (len(group.by) > 1) is crossed]
            judged = [group for group in own if _is_known(group)]
            if not judged:
                continue
            unjudged = len(own) - len(judged)
            group = _most(audit, judged)
            told = _told(place, audit, group, judged, unjudged)
            yield told
            proven = [one for one in judged if one.verdict == "worse"]
            if proven and group not in proven:
                other = _told(place, audit, _most(audit, proven), judged, unjudged)
                yield replace(other, chosen="worst proven")


def _is_known(group: Group) -> bool:
    return (
        not group.suppressed and group.estimate.value is not None and group.estimate.low is not None
    )


def _most(audit: Audit, groups: Sequence[Group]) -> Group:
    """The group with the worst value."""
    sign = 1.0 if audit.metric.higher_is_worse else -1.0
    # Of equal values the one that is known best.
    return max(
        groups, key=lambda one: (sign * (one.estimate.value or 0.0), one.estimate.n_units or 0)
    )


def _told(
    place: int, audit: Audit, group: Group, judged: Sequence[Group], unjudged: int
) -> WorstGroup:
    estimate = group.estimate
    assert estimate.value is not None
    return WorstGroup(
        audit=place,
        crossed=len(group.by) > 1,
        chosen="worst value",
        by=group.by,
        group=group.group,
        predicate=group.predicate,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        n_units=estimate.n_units,
        overall=audit.overall.value,
        verdict=group.verdict,
        compared=len(judged),
        unjudged=unjudged,
    )


def _is_called(audit: Audit, wanted: str) -> bool:
    metric = audit.metric
    return wanted in (metric.name, metric.title) or _plain(wanted) == _plain(metric.expression)


def _plain(expression: str) -> str:
    """An expression without spaces and names of arguments: ``wer(text,amazon)``."""
    return re.sub(r"(?<=[(,])\w+=(?!=)", "", re.sub(r"\s+", "", expression))
