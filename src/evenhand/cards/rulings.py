"""Answers of rules that cannot be: not what their bounds give, or of other numbers than an audit of the same rows."""

from collections.abc import Iterator, Sequence
from math import isclose

from evenhand.audits.result import Audit
from evenhand.gates.judging import answer_under
from evenhand.gates.keys import DIFFERENCES, LIMITS, RATES, RATIOS
from evenhand.gates.result import Gate, GateAnswer, RuleAnswer, RuleCheck
from evenhand.pages.edition import PLAIN
from evenhand.pages.numbers import tidy
from evenhand.questions.command import told_options

#: Of a number, relative: rounding on its way through JSON, and of what hides small groups.
_SLACK = 1e-6
#: Options that decide what a number is, beside those that a rule and an audit tell as such.
_DECIDING = ("--weight", "--columns", "--missing")


def faults_of(gate: Gate) -> Iterator[str]:
    """Each check whose answer, value and bounds cannot all be true, in words."""
    for rule in gate.rules:
        for check in rule.checks:
            for fault in _faults(check):
                yield f"rule “{rule.name}”, {check.limit} of {check.label}: {fault}"


def _faults(check: RuleCheck) -> Iterator[str]:
    value, low, high, allowed = check.value, check.low, check.high, check.allowed
    if value is not None:
        slack = _SLACK * max(1.0, abs(value))
        if (low is not None and value < low - slack) or (high is not None and value > high + slack):
            yield f"{value:g} was seen, which is not between {_end(low)} and {_end(high)}"
        above, below = check.numerator, check.denominator
        summed = above / below if check.limit in RATES and above is not None and below else value
        if abs(value - summed) > slack:
            yield f"{value:g} was seen, but {above:g} over {below:g} is {summed:g}"
        apart = _apart(check)
        if apart is not None and abs(value - apart) > slack:
            seen = " and ".join(f"{one:g}" for one in check.other_values)
            yield f"{value:g} was seen, but of {seen} it is {apart:g}"
    possible = _possible(check)
    if check.answer not in possible:
        between = f" between {_end(low)} and {_end(high)}" if check.limit in LIMITS else ""
        asked = "" if allowed is None else f", where {tidy(allowed)} is asked,"
        yield f"its answer is “{check.answer}”, but{between or ' what was counted'}{asked} it is “{possible[0]}”"


def _end(bound: float | None) -> str:
    return "anything" if bound is None else f"{bound:g}"


def _apart(check: RuleCheck) -> float | None:
    """What the values of the two groups that are the widest pair give; `None` where they give nothing."""
    if len(check.other_values) != 2:
        return None
    high, low = max(check.other_values), min(check.other_values)
    if check.limit in DIFFERENCES:
        return high - low
    if check.limit not in RATIOS or low <= 0:
        return None
    return high / low if check.limit == "maximum_ratio" else low / high


def _possible(check: RuleCheck) -> list[GateAnswer]:
    """Answers that its bounds allow, the likeliest first; of what no bounds decide its own."""
    allowed = check.allowed
    told = None if allowed is None else answer_under(check, allowed)
    if allowed is None or told is None:
        return ["insufficient evidence"] if check.limit in LIMITS else [check.answer]
    if check.limit not in LIMITS:
        return [told]
    slack = _SLACK * max(1.0, abs(allowed))
    near = (answer_under(check, allowed + one) for one in (slack, -slack))
    found = [told, *(one for one in near if one is not None)]
    # What a group too small to be judged is like leaves a gap open that the others keep.
    if check.reason not in (None, "excused_groups"):
        found = ["fail" if "fail" in found else "insufficient evidence"]
    return found


def unlike(rule: RuleAnswer, audit: Audit) -> Iterator[tuple[str, float, float]]:
    """Groups of which a rule and an audit of the same rows tell another value: group, of the rule, of the audit."""
    if not _same_rows(rule, audit):
        return
    known = {
        (group.by, group.predicate): group.estimate.value
        for group in audit.groups
        if not group.suppressed
    }
    named = {
        (group.by, PLAIN.named(group.group)): group.estimate.value
        for group in audit.groups
        if not group.suppressed
    }
    for check in rule.checks:
        told: Sequence[tuple[str, float | None, float | None]] = ()
        if check.limit in RATES:
            beside = known.get((check.by, check.predicate))
            beside = audit.overall.value if not check.by else beside
            told = [(check.label, check.value, beside)]
        elif check.limit in (*DIFFERENCES, *RATIOS):
            pairs = zip(check.others, check.other_values, strict=False)
            told = [(name, value, named.get((check.by, name))) for name, value in pairs]
        for name, value, other in told:
            if (
                value is not None
                and other is not None
                and not isclose(value, other, rel_tol=_SLACK, abs_tol=_SLACK)
            ):
                yield name, value, other


def _same_rows(rule: RuleAnswer, audit: Audit) -> bool:
    """Whether a rule and an audit ask the same of the same rows."""
    if rule.metric is None or rule.source is None or rule.source.sha256 is None:
        return False
    return (
        (rule.metric.expression, rule.source.sha256, rule.where, rule.unit)
        == (audit.metric.expression, audit.source.sha256, audit.settings.where, audit.unit)
        and audit.judge is None
        and _deciding(rule.command or "") == _deciding(audit.settings.command)
    )  # fmt: skip


def _deciding(command: str) -> list[tuple[str, str]]:
    """What a command is told that decides its numbers."""
    return sorted(told_options(command, *_DECIDING))
