"""Rules of policies on two cards: which came to another answer, and which ask for something else."""

from collections.abc import Iterator, Sequence

from evenhand.cards.changes.result import LooserRule, TextChange
from evenhand.cards.result import Card
from evenhand.gates.judging import answer_under
from evenhand.gates.keys import DIFFERENCES
from evenhand.gates.result import GateAnswer, RuleAnswer, together
from evenhand.pages.numbers import tidy

_CALLED: dict[GateAnswer, str] = {
    "pass": "kept",
    "fail": "broken",
    "insufficient evidence": "open",
}
_NOT_ASKED = "not asked"
#: Limits that are the least that is asked.
_LEAST = ("minimum", "minimum_ratio", "coverage")


def changed_rules(before: Card, after: Card) -> Iterator[TextChange]:
    """Rules whose answer is another one, by name; the broken ones first."""
    old, new = _rules(before), _rules(after)
    found = []
    for name in dict.fromkeys([*new, *old]):
        told = [_answer(rules.get(name, ())) for rules in (old, new)]
        if told[0] != told[1]:
            found.append(TextChange(place=name, before=told[0], after=told[1]))
    yield from sorted(found, key=lambda one: one.after != _CALLED["fail"])


def rules_asked_otherwise(before: Card, after: Card) -> Iterator[TextChange]:
    """Rules of one name that ask for something else: another limit, metric, group or filter."""
    old, new = _rules(before), _rules(after)
    for name in (one for one in new if one in old):
        asked = ["; ".join(map(_asked, rules[name])) for rules in (old, new)]
        if asked[0] != asked[1]:
            yield TextChange(place=f"rule “{name}”", before=asked[0], after=asked[1])


def loosened_rules(before: Card, after: Card) -> Iterator[LooserRule]:
    """Rules of one name whose limit allows more now, or is no longer asked."""
    old, new = _rules(before), _rules(after)
    for name in (one for one in new if one in old):
        asked = [_limits(rules[name]) for rules in (old, new)]
        points = all(rule.metric is not None and rule.metric.in_points for rule in new[name])
        for limit, allowed in asked[0].items():
            now = asked[1].get(limit)
            if now is not None and not _allows_more(limit, allowed, now):
                continue
            checks = [one for rule in new[name] for one in rule.checks if one.limit == limit]
            yield LooserRule(
                name=name,
                limit=limit,
                before=allowed,
                after=now,
                in_points=points and limit in (*DIFFERENCES, "not_worse_than"),
                answer=_answer(new[name]),
                answer_before=_CALLED[
                    together([answer_under(one, allowed) or one.answer for one in checks])
                ]
                if checks
                else _NOT_ASKED,
            )


def _limits(rules: Sequence[RuleAnswer]) -> dict[str, float]:
    """Each limit of some rules of one name; the strictest where there are several."""
    out: dict[str, float] = {}
    for check in (one for rule in rules for one in rule.checks):
        if check.allowed is None:
            continue
        known = out.setdefault(check.limit, check.allowed)
        if _allows_more(check.limit, check.allowed, known):
            out[check.limit] = check.allowed
    return out


def _allows_more(limit: str, before: float, after: float) -> bool:
    return after < before if limit in _LEAST else after > before


def _rules(card: Card) -> dict[str, list[RuleAnswer]]:
    out: dict[str, list[RuleAnswer]] = {}
    for gate in card.gates:
        for rule in gate.rules:
            out.setdefault(rule.name, []).append(rule)
    return out


def _answer(rules: Sequence[RuleAnswer]) -> str:
    return _CALLED[together([rule.answer for rule in rules])] if rules else _NOT_ASKED


def _asked(rule: RuleAnswer) -> str:
    """What a rule demands, in short."""
    limits = {(one.limit, one.allowed) for one in rule.checks if one.allowed is not None}
    parts = [
        rule.metric.expression if rule.metric is not None else rule.results or "",
        f"by {' and '.join(rule.by)}" if rule.by else "",
        f"where {rule.where}" if rule.where else "",
        ", ".join(f"{limit} {tidy(allowed)}" for limit, allowed in sorted(limits)),
    ]
    return " ".join(part for part in parts if part)
