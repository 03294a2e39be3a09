"""Numbers and verdicts in plain words: what a person reads in the terminal and in the report."""

from collections.abc import Iterator

from evenhand.audits.result import Contrast, Group, Result
from evenhand.errors import REASONS
from evenhand.results.estimate import Estimate

#: A sign for each verdict, so that colour is never the only one.
MARKS = {"worse": "▲", "not worse": "✓", "insufficient evidence": "?"}


def verdict(group: Group) -> str:
    """Verdict with its sign; or why there is none."""
    if group.verdict is None:
        return "reference"
    reason = group.estimate.reason
    if reason and group.verdict == "insufficient evidence":
        return f"– {reason.replace('_', ' ')}"
    return f"{MARKS[group.verdict]} {group.verdict}"


def kind(group: Group) -> str:
    """Verdict in one word, for styles."""
    return (group.verdict or "insufficient").split()[0]


def rate(value: float | None) -> str:
    """A rate with three digits after the point, or as many as it needs.

    Examples
    --------
    >>> rate(0.2533), rate(1234.5), rate(None), rate(0.00012)
    ('.253', '1,234', '–', '.00012')
    """
    if value is None:
        return "–"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 1:
        return f"{value:.4g}"
    text = f"{value:.3f}" if abs(value) >= 0.001 or value == 0 else f"{value:.2g}"
    if "e" in text:
        return text
    return text.replace("0.", ".", 1) if float(text) else "0"


def interval(low: float | None, high: float | None) -> str:
    """Bounds as ``.238 to .268``."""
    return "–" if low is None or high is None else f"{rate(low)} to {rate(high)}"


def points(value: float, *, in_points: bool, signed: bool = True) -> str:
    """A difference: in percentage points for shares, else in the metric's units.

    Examples
    --------
    >>> points(0.149, in_points=True), points(-2.5, in_points=False)
    ('+14.9', '−2.500')
    """
    size = (
        f"{abs(value) * 100:.1f}"
        if in_points
        else f"{abs(value):.4g}"
        if abs(value) >= 1000
        else f"{abs(value):.3f}"
    )
    nothing = not float(size.replace(",", ""))
    sign = ("+" if value > 0 else "−") if signed and not nothing else ""
    return sign + size


def difference(versus: Contrast | None, *, in_points: bool) -> str:
    """Difference to the reference: ``+14.9``."""
    if versus is None:
        return "–"
    return "–" if versus.difference is None else points(versus.difference, in_points=in_points)


def difference_interval(versus: Contrast | None, *, in_points: bool) -> str:
    """Its interval: ``+7.9 to +22.0``."""
    if versus is None or versus.low is None or versus.high is None:
        return ""
    return (
        f"{points(versus.low, in_points=in_points)} to {points(versus.high, in_points=in_points)}"
    )


def p_value(value: float | None, floor: float | None = None) -> str:
    """A p-value with two digits that matter; at its floor a simulated one is only known to be less.

    Examples
    --------
    >>> p_value(0.04321), p_value(1e-7), p_value(1.0)
    ('.043', '< .0001', '1')
    >>> p_value(1 / 4001, floor=1 / 4001)
    '< .00025'
    """
    if value is not None and floor is not None and value <= floor * (1 + 1e-9):
        return f"< {rate(floor)}"
    if value is None:
        return "–"
    return "< .0001" if value < 0.0001 else "1" if value > 0.9995 else rate(value)


def count(value: int | None) -> str:
    """A number of rows or units: ``1,712``."""
    return "–" if value is None else f"{value:,}"


def reason(rate_or_contrast: Estimate | Contrast) -> str:
    """Why there is no number, as a sentence part."""
    return REASONS.get(rate_or_contrast.reason or "", rate_or_contrast.reason or "")


def tolerated(audit: Result) -> str:
    """What the tolerance means for a verdict; empty where there is none."""
    if not audit.settings.tolerance:
        return ""
    in_points = audit.metric.in_points
    size = points(audit.settings.tolerance, in_points=in_points, signed=False)
    return f"a difference up to {size}{' points' * in_points} counts as no harm"


def unit_name(audit: Result, number: int = 2) -> str:
    """What independent units are called."""
    name = "unit" if " × " in (audit.unit or "") else audit.unit or "row"
    return name if number == 1 else f"{name}s"


def percent(level: float) -> str:
    """``95 %``."""
    return f"{level * 100:g} %"


def direction(audit: Result) -> str:
    """Which way harm lies."""
    return "higher is worse" if audit.metric.higher_is_worse else "lower is worse"


def reference(name: str) -> str:
    """What a group is compared with, in words."""
    return {"rest": "the rest", "overall": "all together", "best": "the best group"}.get(name, name)


#: Findings told one by one; the table has them all.
TOLD = 10


def sentences(audit: Result) -> Iterator[str]:
    """The findings as sentences, worst first."""
    ranked = sorted(audit.worse, key=lambda group: -_harm(group, audit))
    for group in ranked[:TOLD]:
        yield _finding(group, audit)
    if len(ranked) > TOLD:
        yield f"… and {len(ranked) - TOLD:,} more groups for which it is worse, in the table."
    if not ranked:
        yield _nothing_found(audit)


def _harm(group: Group, audit: Result) -> float:
    value = group.versus.difference if group.versus and group.versus.difference is not None else 0.0
    return value if audit.metric.higher_is_worse else -value


def _finding(group: Group, audit: Result) -> str:
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


def _nothing_found(audit: Result) -> str:
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


def _nothing_judged(audit: Result) -> str:
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


def limits(audit: Result) -> Iterator[str]:
    """Why groups with a good interval are not called *not worse*, and how many units would do."""
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
        yield f"… and {more:,} more groups with too few {unit_name(audit)} for that, in --json."


def _limit(group: Group, versus: Contrast, audit: Result) -> str:
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


def gap_sentence(audit: Result) -> str | None:
    """The widest proven gap, as a sentence."""
    gap = audit.gap
    if gap is None or gap.lower_bound is None:
        return None
    in_points = audit.metric.in_points
    unit = " points" if in_points else ""
    by = " and ".join(gap.by)
    if gap.lower_bound <= 0:
        return f"Between groups of {by} no gap is proven; what differs may be chance."
    bound = points(gap.lower_bound, in_points=in_points, signed=False)
    groups = sum(group.by == gap.by for group in audit.groups)
    which = "the two" if groups == 2 else "some two"
    return f"Between {which} groups of {by} there is a gap of at least {bound}{unit}."


def method(audit: Result) -> str:
    """How the numbers were made, in one sentence."""
    settings = audit.settings
    family = {
        "max-t": "all comparisons hold at once (max-t)",
        "holm": "all comparisons hold at once (Bonferroni; p-values by Holm)",
        "bh": "p-values control the false discovery rate (Benjamini-Hochberg)",
    }[settings.adjust]
    number = settings.comparisons
    units = (
        f"{audit.unit} is the independent unit"
        if audit.unit
        else "each row counts as independent (name a --unit if it is not)"
    )
    return f"{percent(audit.level)} intervals; {number} comparison{'s' * (number != 1)}, {family}; {units}."
