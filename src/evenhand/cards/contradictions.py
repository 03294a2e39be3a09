"""Results that contradict each other: refused where one of them must be wrong, told where both may be right."""

import itertools
from collections.abc import Iterator, Sequence
from math import isclose
from typing import Any

from evenhand.audits.result import Audit, Group
from evenhand.cards.given import GivenResult
from evenhand.cards.rulings import faults_of, unlike
from evenhand.errors import InputError, Note
from evenhand.gates.baseline import check_sound, contradictions_of
from evenhand.gates.result import Gate, GateAnswer, RuleAnswer, together
from evenhand.pages.edition import without_folders
from evenhand.pages.numbers import listed


def check_agreement(given: Sequence[GivenResult]) -> None:
    """Refuse results that ask the same of the same table and say different things, and those that belie themselves.

    Raises
    ------
    InputError
        Naming both, the group and the two numbers; or the rule and the two answers.
    """
    for one in given:
        if isinstance(one.result, Gate):
            _check_gate(one.name, one.result)
        if isinstance(one.result, Audit):
            check_groups(one.name, one.result)
            _check_audit(one.name, one.result)
    _check_rules_beside_audits(given)
    seen: dict[Any, dict[str, tuple[str, float | None]]] = {}
    for one in given:
        audit = one.result
        if not isinstance(audit, Audit) or audit.source.sha256 is None:
            continue
        before = seen.setdefault(_asked(audit), {})
        for predicate, value in _values(audit):
            name, other = before.setdefault(predicate, (one.name, value))
            if other is not None and value is not None and not isclose(other, value, rel_tol=1e-9):
                where = predicate or "everybody"
                raise InputError(
                    f"{one.name} and {name} contradict each other: {audit.metric.expression} of {where} on the "
                    f"same table ({without_folders(audit.source.name)}, SHA-256 {audit.source.sha256[:12]}…) is "
                    f"{value:.6g} in the first and {other:.6g} in the second.  Run the command of each again, and "
                    "leave out what is wrong."
                )


def check_groups(name: str, audit: Audit) -> None:
    """Refuse groups that nothing tells apart.

    Raises
    ------
    InputError
        Naming the first.
    """
    for place, group in enumerate(audit.groups):
        if not group.by:
            raise InputError(
                f"{name}: groups[{place}].by is empty, but a group is told apart by an attribute.  Run its command "
                "again."
            )


def _check_audit(name: str, audit: Audit) -> None:
    """Refuse numbers that cannot all be true, as rules do that are asked of an audit."""
    try:
        check_sound(audit)
    except InputError as error:
        raise InputError(f"{name} contradicts itself: {error}") from error
    if audit.judge is None:
        for told in contradictions_of(audit.overall, None, None):
            raise InputError(
                f"{name} contradicts itself: everybody together {told}, so it was changed by hand.  Run its command "
                "again."
            )


def _check_rules_beside_audits(given: Sequence[GivenResult]) -> None:
    """Refuse a rule that saw other values than an audit of the same rows."""
    audits = [one for one in given if isinstance(one.result, Audit)]
    for one in (each for each in given if isinstance(each.result, Gate)):
        for rule, audit in itertools.product(one.result.rules, audits):
            for group, value, other in unlike(rule, audit.result):
                raise InputError(
                    f"{one.name} and {audit.name} contradict each other: {audit.about} of {group} on the same rows is "
                    f"{value:.6g} in the first (rule “{rule.name}”) and {other:.6g} in the second.  Run the command "
                    "of each again, and leave out what is wrong."
                )


def _check_gate(name: str, gate: Gate) -> None:
    """Refuse an answer that is not that of what it is made of."""
    answers = [(f"rule “{rule.name}”", rule.answer, _counted(rule)) for rule in gate.rules]
    answers.append(("policy", gate.answer, [rule.answer for rule in gate.rules]))
    for what, answer, inside in answers:
        if answer != together(inside):
            raise InputError(
                f"{name} contradicts itself: its {what} is told to be “{answer}”, but by what it is made of it is "
                f"“{together(inside)}”.  Run its command again."
            )
    for fault in faults_of(gate):
        raise InputError(f"{name} contradicts itself: {fault}.  Run its command again.")


def _counted(rule: RuleAnswer) -> list[GateAnswer]:
    return [check.answer for check in rule.checks if not check.excused]


def _asked(audit: Audit) -> Any:
    """What decides a group's value."""
    settings = audit.settings
    told = tuple(note.text for note in audit.notes if note.code == "label_origin")
    return (
        audit.metric.expression,
        audit.source.sha256,
        settings.where,
        audit.unit,  # rows that lack it are in no number
        audit.weight,
        audit.stratum,
        audit.judge and audit.judge.expression,
        settings.missing_values,
        repr(sorted(settings.bins.items())),
        told,
    )


def _values(audit: Audit) -> Iterator[tuple[str, float | None]]:
    yield "", audit.overall.value
    yield from ((group.predicate, _value(group)) for group in audit.groups)


def _value(group: Group) -> float | None:
    return None if group.suppressed else group.estimate.value


def told_differences(given: Sequence[GivenResult]) -> Iterator[Note]:
    """What a reader must know of results that rest on different tables."""
    by_table: dict[str, dict[str, list[str]]] = {}
    by_metric: dict[str, dict[str, str]] = {}
    for one, source in ((each, source) for each in given for source in each.sources):
        if source.sha256 is None:
            continue
        table = without_folders(source.name)
        by_table.setdefault(table, {}).setdefault(source.sha256, []).append(one.name)
        if one.field == "audits":
            by_metric.setdefault(one.about, {})[source.sha256] = table
    for table, contents in by_table.items():
        if len(contents) > 1:
            told = listed(
                [f"{listed(names)} ({digest[:12]}…)" for digest, names in contents.items()]
            )
            yield Note(
                code="several_contents",
                text=f"Results rest on {len(contents)} different contents of {table}: {told}.  Their numbers are not "
                "of the same records.",
            )
    for metric, tables in by_metric.items():
        if len(tables) > 1:
            names = dict.fromkeys(tables.values())
            if len(names) > 1:
                yield Note(
                    code="several_tables",
                    text=f"{metric} was measured on {len(tables)} tables: {listed(list(names))}.  Each number is of "
                    "its own table.",
                )
