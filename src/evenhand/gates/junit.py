"""A gate as JUnit's XML: a suite a rule, a case a check; what is open is an error, so that no reader calls it green."""

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from evenhand.gates.result import Gate, RuleAnswer, RuleCheck
from evenhand.gates.tables import label_of
from evenhand.gates.words import obligations
from evenhand.records.output import MADE_HERE

_TAGS = {"fail": ("failure", "broken"), "insufficient evidence": ("error", "insufficient evidence")}


def render_junit(found: Gate) -> str:
    """XML that CI systems read."""
    suites = "".join(map(_suite, found.rules))
    checks = [check for rule in found.rules for check in rule.checks]
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{MADE_HERE}\n'
        f"<testsuites name={_quoted(found.title or found.policy)} {_counts(checks)}>\n"
        f"{suites}</testsuites>\n"
    )


def _counts(checks: Sequence[RuleCheck]) -> str:
    counted = [check for check in checks if not check.excused]
    failures = sum(check.answer == "fail" for check in counted)
    errors = sum(check.answer == "insufficient evidence" for check in counted)
    return f'tests="{len(checks)}" failures="{failures}" errors="{errors}" skipped="{len(checks) - len(counted)}"'


def _suite(rule: RuleAnswer) -> str:
    cases = "".join(_case(rule, check) for check in rule.checks)
    told = "\n".join(note.text for note in rule.notes)
    told = f"<system-out>{escape(_clean(told))}</system-out>\n" if told else ""
    said = _clean("; ".join(f"{word}: {text}" for word, text in obligations(rule)))
    properties = (
        f'<properties><property name="policy" value={_quoted(said)}/></properties>\n'
        if said
        else ""
    )
    return f"<testsuite name={_quoted(rule.name)} {_counts(rule.checks)}>\n{properties}{cases}{told}</testsuite>\n"


def _case(rule: RuleAnswer, check: RuleCheck) -> str:
    name = f"{check.limit}: {label_of(check)}"
    start = f"<testcase classname={_quoted(rule.name)} name={_quoted(name)}"
    if check.excused:
        return f"{start}><skipped message={_quoted(check.sentence)}/></testcase>\n"
    if check.answer == "pass":
        return f"{start}/>\n"
    tag, kind = _TAGS[check.answer]
    text = escape(_clean(check.sentence))
    return f'{start}><{tag} type="{kind}" message={_quoted(check.sentence)}>{text}</{tag}></testcase>\n'


def _quoted(text: str) -> str:
    return quoteattr(_clean(text), {"\n": " ", "\t": " "})


def _clean(text: str) -> str:
    """Text without the characters that XML has no place for."""
    return "".join(
        one
        if one in "\t\n"
        or (" " <= one < "\ud800")
        or "\ue000" <= one <= "\ufffd"
        or one >= "\U00010000"
        else "\ufffd"
        for one in text
    )
