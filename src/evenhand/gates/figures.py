"""The page of a gate: which rules are kept, and why not the others."""

from evenhand.gates import words
from evenhand.gates.keys import RATES
from evenhand.gates.result import Gate, GateAnswer, RuleAnswer, RuleCheck
from evenhand.gates.tables import checks_table, label_of, rules_table
from evenhand.metrics.described import normalizer_told
from evenhand.pages import numbers
from evenhand.pages.axis import known
from evenhand.pages.caveats import before_numbers
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.forest import Difference, Forest, draw_forest
from evenhand.pages.page import render_page

#: Groups that are drawn of a rule.
DRAWN = 40
#: What a reader must act on comes first.
_ORDER: tuple[GateAnswer, ...] = ("fail", "insufficient evidence", "pass")


def render_html(found: Gate, *, edition: Edition = PLAIN) -> str:
    """The report; every text from the data is escaped."""
    parts = [
        {
            "rule": rule,
            "word": words.SAID[rule.answer],
            "said": words.WORDS[rule.answer],
            "obligations": list(words.obligations(rule)),
            "forest": _forest(rule, edition),
            "table": checks_table(rule, edition) if _has_numbers(rule) else None,
            "normalizer": "" if rule.metric is None else normalizer_told(rule.metric.expression),
        }
        for answer in _ORDER
        for rule in found.of(answer)
    ]
    return render_page(
        "evenhand.gates:gate.html",
        found=found,
        edition=edition,
        answers=[words.headline(found)],
        caveats=before_numbers(words.caveats(found)),
        table=rules_table(found),
        parts=parts,
        notes=list(words.notes(found)),
    )


def _has_numbers(rule: RuleAnswer) -> bool:
    return any(check.value is not None for check in rule.checks)


def _forest(rule: RuleAnswer, edition: Edition) -> Forest | None:
    """Groups against what the rule allows each of them; nothing where it demands nothing of each."""
    demanded = {one.limit for one in rule.checks if one.value is not None and one.group}
    limits = [key for key in (*RATES, "not_worse_than") if key in demanded]
    if not limits:
        return None
    # One axis: rates with both of their limits, or else the distance to the last release.
    together = set(RATES) if limits[0] in RATES else {limits[0]}
    # Of a group with several limits the first check: those that are broken stand first.
    worst: dict[str, RuleCheck] = {}
    for check in rule.checks:
        if check.limit in together and check.value is not None and check.group:
            worst.setdefault(check.predicate, check)
    checks = list(worst.values())[:DRAWN]
    ends = known(end for check in checks for end in (check.value, check.low, check.high))
    allowed = {check.limit: check.allowed for check in rule.checks if check.limit in together}
    least = allowed.get("minimum", min([0.0, *ends]))
    most = allowed.get("maximum", allowed.get("not_worse_than", max(ends)))
    if least is None or most is None:
        return None
    return draw_forest(
        [_line(check, edition) for check in checks],
        numbers.rate,
        tolerated=(min(least, most), max(least, most)),
    )


def _line(check: RuleCheck, edition: Edition) -> Difference:
    word, kind = ("excused", "none") if check.excused else words.SAID[check.answer]
    return Difference(
        name=label_of(check, edition),
        kind=kind,
        verdict=word,
        value=numbers.with_bounds(
            numbers.rate(check.value), numbers.interval(check.low, check.high)
        ),
        point=check.value,
        low=check.low,
        high=check.high,
    )
