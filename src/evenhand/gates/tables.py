"""The tables of a gate, for the terminal, the page and Markdown."""

from evenhand.gates.keys import DIFFERENCES, RATIOS
from evenhand.gates.result import Gate, RuleAnswer, RuleCheck
from evenhand.gates.words import SAID
from evenhand.pages import numbers
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.marks import MARKS
from evenhand.pages.table import Table, TableCell, TableColumn, table_of


def rules_table(found: Gate) -> Table:
    """A line a rule."""
    columns = (
        TableColumn(head="rule", left=True, fold=True),
        TableColumn(head="answer", left=True),
        TableColumn(head="why", left=True, fold=True),
    )
    rows: list[list[TableCell | str]] = [
        [rule.name, _said(rule), rule.sentence] for rule in found.rules
    ]
    return table_of("Rules", columns, rows)


def checks_table(rule: RuleAnswer, edition: Edition = PLAIN) -> Table:
    """A line a check of a rule."""
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="answer", left=True),
        TableColumn(head="limit", left=True),
        TableColumn(head="seen"),
        TableColumn(head="at least", need=1),
        TableColumn(head="at most", need=1),
        TableColumn(head="units", need=2),
    )
    rows: list[list[TableCell | str]] = [
        [
            label_of(check, edition),
            _said(check),
            _limit(check),
            numbers.rate(check.value),
            numbers.rate(check.low),
            numbers.rate(check.high),
            numbers.count(check.n_units),
        ]
        for check in rule.checks
    ]
    return table_of(rule.name, columns, rows)


def label_of(check: RuleCheck, edition: Edition = PLAIN) -> str:
    """What a check was asked of."""
    group = check.called or edition.named(check.group)
    if check.limit in (*DIFFERENCES, *RATIOS):
        by = edition.crossed(check.by)
        return f"groups of {by}, {group}" if group else f"groups of {by}"
    return group or ("all groups" if check.by else "–")


def _limit(check: RuleCheck) -> str:
    if check.allowed is None:
        return check.limit
    return f"{check.limit} {numbers.rate(check.allowed)}"


def _said(one: RuleAnswer | RuleCheck) -> TableCell:
    if isinstance(one, RuleCheck) and one.excused:
        return TableCell(f"{MARKS['none'].sign} excused", kind="none")
    word, kind = SAID[one.answer]
    return TableCell(f"{MARKS[kind].sign} {word}", kind=kind)
