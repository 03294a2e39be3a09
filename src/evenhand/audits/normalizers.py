"""Whether a verdict is the service's or the normaliser's."""

from collections.abc import Callable, Iterable, Mapping

from evenhand.audits.judge import Judgement
from evenhand.audits.result import Audit, Group
from evenhand.errors import Note
from evenhand.metrics import MetricPlan
from evenhand.metrics.definition import Alternative
from evenhand.pages.numbers import points

_Name = tuple[tuple[str, ...], str]
_Found = tuple[float | None, bool]
_MOST_NAMED = 3


def depends_on_normalizer(
    report: Audit, plan: MetricPlan, judge_on: Callable[[MetricPlan], Judgement]
) -> tuple[Note, ...]:
    """Notes on the groups that are worse under one normaliser and not, or half as much, under another.

    Parameters
    ----------
    report : Audit
        As asked for.  Nothing is computed where no group is worse.
    plan : MetricPlan
        Of the metric; names the alternatives.
    judge_on : callable
        Judges the same groups on the table of another plan.

    Returns
    -------
    tuple of Note
        With the code ``depends_on_normalizer``, at most one for each alternative.
    """
    if not report.worse:
        return ()
    notes = []
    for alternative in plan.alternatives():
        after = _differences(judge_on(alternative.otherwise).groups)
        asked = report.groups if alternative.whole else judge_on(alternative.as_asked).groups
        before = _differences(asked)
        names = {_name(group): group.label for group in report.worse}
        found = [
            f"{label}: {_said(before[name], report)} under `{alternative.asked}`, "
            f"{_said(after[name], report)} under `{alternative.other}`"
            for name, label in names.items()
            if name in before and name in after and _differ(before[name], after[name], alternative)
        ]
        if found:
            text = _sentence(found, report, alternative)
            notes.append(Note(code="depends_on_normalizer", text=text))
    return tuple(notes)


def _name(group: Group) -> _Name:
    return group.by, group.predicate


def _differences(groups: Iterable[Group]) -> Mapping[_Name, _Found]:
    """Difference of each group, `None` where there is no telling, and whether it is worse."""
    return {
        _name(group): (group.versus.difference, group.verdict == "worse")
        for group in groups
        if group.versus is not None and not group.suppressed
    }


def _differ(before: _Found, after: _Found, alternative: Alternative) -> bool:
    """Another verdict on the same rows; or a difference of less than half, whatever the verdict."""
    if alternative.whole and not after[1]:
        return True
    if before[0] is None or after[0] is None:
        return False
    return after[0] * before[0] <= 0 or abs(after[0]) < abs(before[0]) / 2


def _said(found: _Found, report: Audit) -> str:
    if found[0] is None:
        return "not shown to be worse"
    in_points = report.metric.in_points
    return points(found[0], in_points=in_points) + (" points" if in_points else "")


def _sentence(found: list[str], report: Audit, alternative: Alternative) -> str:
    more = len(found) - _MOST_NAMED
    listed = "; ".join(found[:_MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
    rows = "" if alternative.whole else " (on a sample of the rows)"
    return (
        f"The verdict depends on the normaliser{rows}.  {listed}.  What differs is how words are written, "
        f"so ask which normaliser is right for {report.settings.by[0]} before you act."
    )
