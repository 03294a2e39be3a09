"""The answer first: whom it fails, in words of the trade, and what the audit did not look at."""

import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files

from evenhand.audits import words
from evenhand.audits.result import Audit, Group
from evenhand.pages.edition import Edition
from evenhand.pages.numbers import amount, listed, plural, points, rate, share
from evenhand.results.estimate import Estimate

#: Groups told one by one.
TOLD = 10


def answers(audit: Audit, edition: Edition) -> Iterator[str]:
    """A sentence on each way to cut the records: how many of the judged groups it fails, and which."""
    for by in partitions(audit):
        yield _answer(audit, by, edition)


def findings(audit: Audit, edition: Edition) -> Iterator[str]:
    """Each group that it fails in a sentence, worst first; or what would have been found."""
    worse = sorted(audit.worse, key=lambda group: -words.harm(group, audit))
    for group in worse[:TOLD]:
        yield _finding(audit, group, edition)
    if len(worse) > TOLD:
        yield f"… and {plural(len(worse) - TOLD, 'more group')}, in the tables."
    if not worse:
        yield from words.sentences(audit)
    gap = words.gap_sentence(audit, edition)
    if gap is not None:
        yield gap


def scope(audit: Audit, edition: Edition, together: Sequence[str] = ()) -> Iterator[str]:
    """What was looked at, and what was not; `together` are all measures of the page, where there are several."""
    where = f", only those with {audit.settings.where}" if audit.settings.where else ""
    cuts = ", ".join(edition.crossed(by) for by in partitions(audit))
    yield f"Looked at: {plural(audit.source.rows, 'row')}{where}, by {cuts}."
    yield (
        "Not looked at: other attributes and crossings of them, other measures than "
        f"{listed(together or [edition.column(audit.metric.title)])}, and people of whom there is no record here."
    )
    least = audit.settings.suppress_below
    if least:
        yield (
            f"Groups of fewer than {least:,} {words.unit_name(audit)} are hidden, and as many others that "
            "none of them follows from what is shown.  Counts within a group that is shown may be smaller."
        )
    unjudged = sum(not is_judged(group) for group in audit.groups)
    if unjudged:
        are = "group is" if unjudged == 1 else "groups are"
        yield (f"{unjudged:,} {are} shown but could not be judged; this is not the same as “fine”.")


def partitions(audit: Audit) -> Sequence[tuple[str, ...]]:
    """The ways in which the records are cut, in the order of the groups."""
    return tuple(dict.fromkeys(group.by for group in audit.groups))


def is_judged(group: Group) -> bool:
    """Whether there is a comparison with its interval, or it is what others are compared with."""
    return group.verdict is None or (group.versus is not None and group.versus.low is not None)


def is_compared(group: Group) -> bool:
    """Whether there is a difference to draw, or it is what others are compared with."""
    compared = group.versus is not None and group.versus.difference is not None
    return group.verdict is None or compared


def told_value(audit: Audit, estimate: Estimate) -> str:
    """A rate: in per cent where it is a share."""
    return share(estimate.value) if is_share(audit) else rate(estimate.value)


def is_share(audit: Audit) -> bool:
    """Whether the metric is a number of a whole: its differences are points, and it is a ratio of counts."""
    known = audit.overall.denominator is not None or audit.judge is not None
    return audit.metric.in_points and known


def in_hundred(audit: Audit, value: float | None, other: float | None) -> tuple[str, str] | None:
    """Two rates as a sentence part and a bare number, ``35 of 100 words wrong`` and ``20``."""
    if not is_share(audit):
        return None
    return two_of_hundred(audit.metric.name, value, other)


def two_of_hundred(metric: str, value: float | None, other: float | None) -> tuple[str, str] | None:
    """The same of a metric that is a share, by its name; `None` where the trade has no words for it."""
    if value is None or other is None:
        return None
    for digits in (0, 1):
        first, second = (f"{v * 100:.{digits}f}" for v in (value, other))
        told = of_hundred(metric, first)
        if told is None:
            return None
        if first != second and (min(value, other) >= 0.01 or digits):
            return told, second
    return None


def of_hundred(metric: str, number: str) -> str | None:
    """A number of a hundred in words of the trade: ``35 of 100 words wrong``, or ``3.1 more of …``.

    Examples
    --------
    >>> of_hundred("wer", "3.1 more"), of_hundred("mean", "3.1")
    ('3.1 more of 100 words wrong', None)
    """
    pattern = _trade().get(metric)
    return None if pattern is None else pattern.replace("{n}", number)


def _answer(audit: Audit, by: tuple[str, ...], edition: Edition) -> str:
    groups = [group for group in audit.groups if group.by == by]
    judged = [group for group in groups if group.verdict is not None and is_judged(group)]
    worse = [group for group in judged if group.verdict == "worse"]
    kind = edition.groups(by, predicate=groups[0].group == {groups[0].predicate: True})
    if not judged:
        return f"None of the {kind} could be judged: there is too little data."
    untold = sum(group.verdict == "insufficient evidence" for group in judged)
    if not worse:
        return _none_failed(len(judged), untold, kind)
    worse.sort(key=lambda group: -words.harm(group, audit))
    names = listed([edition.group(group.group, group.predicate) for group in worse])
    sentence = f"Fails {len(worse):,} of {len(judged):,} judged {kind}: {names}."
    if len(worse) == 1:
        sentence = f"{sentence} {_beside(audit, worse[0], edition)}."
    return f"{sentence} For {untold:,} more these records cannot tell." if untold else sentence


def _none_failed(judged: int, untold: int, kind: str) -> str:
    """Nobody is shown to be failed: whether that is good news, or none."""
    if untold == judged == 1:
        return f"One of the {kind} is judged, and whether it is failed these records cannot tell."
    if untold == judged:
        return f"Whether it fails any of {judged:,} {kind}, these records cannot tell."
    if untold:
        shown = judged - untold
        are = "is" if shown == 1 else "are"
        other = "the other" if untold == 1 else f"the other {untold:,}"
        return f"{shown:,} of {judged:,} {kind} {are} shown to be no worse; for {other} these records cannot tell."
    return f"Fails none of {judged:,} judged {kind}, as far as these records show."


def _beside(audit: Audit, group: Group, edition: Edition) -> str:
    """A group's rate beside that of what it is compared with, without a full stop."""
    versus = group.versus
    assert versus is not None
    value, apart = group.estimate.value, versus.difference
    other = None if value is None or apart is None else value - apart
    whom = {"rest": "for the others", "overall": "over all", "best": "for the best group"}
    beside = whom.get(versus.reference, f"for {versus.reference}")
    spoken = in_hundred(audit, value, other)
    if spoken is not None:
        return f"{spoken[0]}, {spoken[1]} {beside}"
    write = share if is_share(audit) else rate
    return f"{edition.column(audit.metric.title)} {write(value)}, {write(other)} {beside}"


def _finding(audit: Audit, group: Group, edition: Edition) -> str:
    versus = group.versus
    assert versus is not None
    assert versus.low is not None
    assert versus.high is not None
    in_points = audit.metric.in_points
    small, large = sorted(abs(value) for value in (versus.low, versus.high))
    least = points(small, in_points=in_points, signed=False)
    sure = f"worse by {least} to {amount(large, in_points=in_points)}"
    by = edition.crossed(group.by)
    name = edition.group(group.group, group.predicate)
    title = name if by == name else f"{by} {name}"
    return f"{title}: {_beside(audit, group, edition)}; {sure}."


@cache
def _trade() -> dict[str, str]:
    text = (files("evenhand.audits") / "trade.toml").read_text(encoding="utf-8")
    return dict(tomllib.loads(text))
