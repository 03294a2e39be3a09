"""Numbers and verdicts in plain words: what a person reads in the terminal and in the report."""

from collections.abc import Iterator, Sequence

from evenhand.audits.result import Audit, Contrast, Group
from evenhand.errors import REASONS
from evenhand.pages.caveats import independence, together
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.marks import MARKS
from evenhand.pages.nouns import unit_noun
from evenhand.pages.numbers import amount, percent, plural, points, rate, span
from evenhand.pages.sampled import sampled
from evenhand.results.estimate import Estimate

#: The kind of each verdict, which decides its sign and its colour.
KINDS = {"worse": "worse", "not worse": "fine", "insufficient evidence": "unsure", None: "none"}


def verdict(group: Group) -> str:
    """Verdict with its sign; or why there is none."""
    if group.verdict is None:
        return "reference"
    if (reason := group.estimate.reason) and kind(group) == "none":
        return f"– {reason.replace('_', ' ')}"
    return f"{MARKS[kind(group)].sign} {group.verdict}"


def kind(group: Group) -> str:
    """Kind of the verdict, for its sign and its colour."""
    if group.verdict == "insufficient evidence" and group.estimate.reason:
        return "none"
    return KINDS[group.verdict]


def difference(versus: Contrast | None, *, in_points: bool) -> str:
    """Difference to the reference: ``+14.9``."""
    if versus is None:
        return "–"
    return "–" if versus.difference is None else points(versus.difference, in_points=in_points)


def difference_interval(versus: Contrast | None, *, in_points: bool) -> str:
    """Its interval: ``+7.9 to +22.0``."""
    return "" if versus is None else span(versus.low, versus.high, in_points=in_points)


def reason(rate_or_contrast: Estimate | Contrast) -> str:
    """Why there is no number, as a sentence part."""
    return REASONS.get(rate_or_contrast.reason or "", rate_or_contrast.reason or "")


def tolerated(audit: Audit) -> str:
    """What the tolerance means for a verdict; empty where there is none."""
    if not audit.settings.tolerance:
        return ""
    size = amount(audit.settings.tolerance, in_points=audit.metric.in_points)
    return f"a difference up to {size} counts as no harm"


def unit_name(audit: Audit, number: int = 2) -> str:
    """What independent units are called."""
    return unit_noun(audit.unit or "row", number)


def counted(audit: Audit, groups: Sequence[Group]) -> str:
    """What is counted beside rows: units, or rows that say something where not all do; empty where all do.

    Of a true positive rate positives alone say something, though negatives are scored as well.
    """
    if audit.unit:
        return unit_name(audit)
    sizes = [(group.estimate.n_units, group.estimate.n_rows) for group in groups]
    fewer = any(n is not None and rows is not None and n < rows for n, rows in sizes)
    return "counted" if fewer and audit.judge is None else ""


def helped(audit: Audit) -> str:
    """What was measured from whose labels, in a sentence; empty without a judge."""
    judge = audit.judge
    if judge is None:
        return ""
    overall = judge.overall
    rows = plural(audit.source.rows, "row")
    if overall.labels >= audit.source.rows:
        return f"Measured from people's labels of all {rows}: the judge's ({judge.expression}) add nothing to them."
    told = (
        f"Measured from {plural(overall.labels, 'label')} of people with the help of a judge's of {rows} "
        f"({judge.expression})"
    )
    worth = overall.effective_labels
    if worth is None:
        return f"{told}."
    return f"{told}; they know as much as {worth:,.0f} labels alone."


def reference(name: str) -> str:
    """What a group is compared with, in words."""
    return {"rest": "the rest", "overall": "all together", "best": "the best group"}.get(name, name)


#: Findings told one by one; the table has them all.
TOLD = 10


def sentences(audit: Audit) -> Iterator[str]:
    """The findings as sentences, worst first."""
    ranked = sorted(audit.worse, key=lambda group: -harm(group, audit))
    for group in ranked[:TOLD]:
        yield _finding(group, audit)
    if len(ranked) > TOLD:
        yield f"… and {plural(len(ranked) - TOLD, 'more group')} for which it is worse, in the table."
    if not ranked:
        yield _nothing_found(audit)


def harm(group: Group, audit: Audit) -> float:
    """How much worse than its reference a group is, whichever way the metric runs."""
    value = group.versus.difference if group.versus and group.versus.difference is not None else 0.0
    return value if audit.metric.higher_is_worse else -value


def _finding(group: Group, audit: Audit) -> str:
    versus = group.versus
    assert versus is not None
    assert versus.low is not None
    assert versus.high is not None
    small, large = sorted(abs(value) for value in (versus.low, versus.high))
    in_points = audit.metric.in_points
    span = f"{points(small, in_points=in_points, signed=False)} to {points(large, in_points=in_points, signed=False)}"
    unit = " points" if in_points else ""
    value = rate(group.estimate.value)
    return (
        f"Worse for {group.predicate}: {audit.metric.title} {value}, by {span}{unit} "
        f"compared with {reference(versus.reference)}."
    )


def _nothing_found(audit: Audit) -> str:
    tested = [group.minimum_detectable_difference for group in audit.groups]
    known = sorted(value for value in tested if value is not None)
    if not known:
        return _nothing_judged(audit)
    in_points = audit.metric.in_points
    unit = " points" if in_points else ""
    small, large = (points(v, in_points=in_points, signed=False) for v in (known[0], known[-1]))
    if small == large:
        found = f"A difference of {small}{unit}"
    else:
        found = f"Differences of {small} to {large}{unit}, depending on the group,"
    return f"No group is shown to be worse.  {found} would have been found in four audits of five."


def _nothing_judged(audit: Audit) -> str:
    if audit.overall.n_rows == 0:
        return "No row can be scored, so nothing is known of any group."
    if not audit.groups:
        return "No row that can be scored is in a group: what tells groups apart is missing in all of them."
    reasons = {group.estimate.reason for group in audit.groups}
    contrasts = {group.versus.reason for group in audit.groups if group.versus}
    if any(group.suppressed for group in audit.groups):
        return "No visible group could be judged: small groups are hidden."
    if "no_variation" in contrasts | reasons:
        return "No group could be judged: within groups every unit has the same value."
    varies = any(group.estimate.standard_error for group in audit.groups)
    if contrasts == {None} and varies:
        few = f"With so few {unit_name(audit)} not even the worst that is possible would have been found"
        return f"No group is shown to be worse.  {few} in four audits of five."
    if contrasts == {None} or not audit.refused:
        return "No group is shown to be worse."
    return "No group could be judged: there is too little data.  See what was refused, below."


#: Groups whose limit is told; JSON has all.
LIMITS_TOLD = 3


def limits(audit: Audit, *, where: str = "in --json") -> Iterator[str]:
    """Why groups with a good interval are not called *not worse*, and how many units would do.

    `where` says where the rest is told.
    """
    tolerance = audit.settings.tolerance
    known = [
        (group, group.versus)
        for group in audit.groups
        if group.versus is not None
        and group.versus.harm_limit is not None
        and group.versus.harm_limit > tolerance
    ]
    for group, versus in known[:LIMITS_TOLD]:
        yield _limit(group, versus, audit)
    if len(known) > LIMITS_TOLD:
        more = len(known) - LIMITS_TOLD
        groups = plural(more, "more group")
        yield f"… and {groups} with too few {unit_name(audit)} for that, {where}."


def _limit(group: Group, versus: Contrast, audit: Audit) -> str:
    in_points = audit.metric.in_points
    size = points(versus.harm_limit or 0.0, in_points=in_points, signed=False)
    units = group.estimate.n_units or 0
    could = (
        f"{units:,} {unit_name(audit, units)} of {group.predicate} are too few to call it not worse, although "
        f"its interval is within the tolerance: {unit_name(audit)} of a kind that none of these is could make it "
        f"up to {size}{' points' * in_points} worse"
    )
    if versus.units_needed is None:
        return f"{could}."
    return f"{could}.  {versus.units_needed:,} like these would do."


def gap_sentence(audit: Audit, edition: Edition = PLAIN) -> str | None:
    """The widest proven gap, as a sentence."""
    gap = audit.gap
    if gap is None or gap.lower_bound is None:
        return None
    in_points = audit.metric.in_points
    unit = " points" if in_points else ""
    by = " and ".join(map(edition.column, gap.by))
    if gap.lower_bound <= 0:
        # Of one group a difference may be proven, though not of one pair among all pairs.
        if any(group.by == gap.by and _proven_apart(group) for group in audit.groups):
            return None
        return f"Between groups of {by} no gap is proven; what differs may be chance."
    bound = points(gap.lower_bound, in_points=in_points, signed=False)
    groups = sum(group.by == gap.by for group in audit.groups)
    which = "the two" if groups == 2 else "some two"
    return f"Between {which} groups of {by} there is a gap of at least {bound}{unit}."


def _proven_apart(group: Group) -> bool:
    versus = group.versus
    return versus is not None and (
        (versus.low is not None and versus.low > 0) or (versus.high is not None and versus.high < 0)
    )


def method(audit: Audit, *, advice: str = " (name a --unit if it is not)") -> str:
    """How the numbers were made, in one sentence; `advice` goes to who can ask again."""
    settings = audit.settings
    family = together(settings.adjust, "all comparisons")
    number = settings.comparisons
    units = independence(audit.unit, advice=advice)
    units += sampled(audit.weight, audit.stratum, None)
    return f"{percent(audit.level)} intervals; {number} comparison{'s' * (number != 1)}, {family}; {units}."
