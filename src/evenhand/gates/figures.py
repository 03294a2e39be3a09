"""The page of a gate: which rules are kept, and why not the others."""

from evenhand.gates import words
from evenhand.gates.result import Gate, GateAnswer, RuleAnswer
from evenhand.gates.tables import checks_table, rules_table
from evenhand.metrics.described import normalizer_told
from evenhand.pages.caveats import before_numbers
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.page import render_page

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
