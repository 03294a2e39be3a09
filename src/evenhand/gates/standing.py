"""Rules over what was judged before: the JSON of a watch, a search for slices, or an audit."""

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from evenhand.audits.result import Audit
from evenhand.errors import EXIT_REFUSED, InputError, Note
from evenhand.gates.baseline import check_sound, read_results
from evenhand.gates.provenance import (
    newest_told,
    provenance_checks,
    provenance_notes,
    table_of_results,
)
from evenhand.gates.result import GateAnswer, RuleCheck
from evenhand.gates.rules import Rule
from evenhand.gates.searching import can_prove, slices_checks
from evenhand.groups.partition import Key
from evenhand.pages.edition import PLAIN
from evenhand.pages.numbers import percent, plural
from evenhand.slicing.result import Slices
from evenhand.switching.result import Switches
from evenhand.watching.result import Watch


def results_checks(
    rule: Rule, folder: Path, newest: datetime.datetime | None, now: datetime.datetime
) -> tuple[tuple[RuleCheck, ...], tuple[Note, ...]]:
    """What a file of results leaves open: alarms, proven slices, groups that are worse or lose; and what it is worth.

    Parameters
    ----------
    rule, folder
    newest : datetime, optional
        When the newest row of the table was made that the rule names.
    now : datetime

    Raises
    ------
    InputError
        Where there is no such file, it is damaged, or of a schema that is not known.
    """
    path = folder / rule.get("results")
    out: list[RuleCheck] = []
    notes: list[Note] = []
    for one in read_results(path):
        reader = _READERS.get(one["schema"])
        if reader is None:
            raise InputError(
                f"{path} has the schema {one['schema']!r}.  Allowed: {', '.join(_READERS)}: the JSON of evenhand "
                "watch, slices, audit and audit --compare of this version."
            )
        try:
            found = list(reader(one))
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        if not found:
            empty = one["schema"] in (Audit.SCHEMA, Switches.SCHEMA)
            nothing = _check("insufficient evidence" if empty else "pass", _NOTHING[one["schema"]])
            found = [nothing]
        table = table_of_results(rule, one, folder, path)
        made = newest if "time" in rule.given else newest_told(rule, one, path)
        out += [*found, *provenance_checks(rule, table, made, path, now)]
        notes += [
            *_asked(one, path),
            *_unscored(one, path),
            *provenance_notes(rule, table, made, path, now),
        ]
    return tuple(out), tuple(dict.fromkeys(notes))


def _asked(given: dict[str, Any], path: Path) -> Iterator[Note]:
    """What results were asked that makes them say less: a tolerance or a threshold, and rows left out."""
    asked = given.get("settings") or {}
    rows = f"of rows where {asked['where']}" if asked.get("where") else ""
    limits = [
        f"a {name} of {asked[name]:g}" for name in ("tolerance", "threshold") if asked.get(name)
    ]
    if rows or limits:
        told = ", ".join([*(f"with {one}" for one in limits), *([rows] if rows else [])])
        yield Note(
            code="asked_before", text=f"{path.name} was asked {told}: it says no more than that."
        )


def _unscored(given: dict[str, Any], path: Path) -> Iterator[Note]:
    """Rows that one of the compared services did not answer: they are in no number."""
    if given["schema"] != Switches.SCHEMA:
        return
    for one in Switches.from_dict(given).unpaired:
        if one.n_rows:
            uneven = ", more or less than of other groups" if one.uneven else ""
            text = (
                f"{path.name}: {plural(one.n_rows, 'row')} of {one.predicate} ({percent(one.share)}{uneven}) have no "
                f"score of {one.service} and are not in the numbers."
            )
            yield Note(code="unpaired", text=text)


def _switches_checks(given: dict[str, Any]) -> Iterator[RuleCheck]:
    switches = Switches.from_dict(given)
    for group in switches.groups:
        if group.verdict is None:
            continue
        answer: GateAnswer = "insufficient evidence"
        if group.verdict != "insufficient evidence":
            answer = "fail" if group.verdict == "loses" else "pass"
        said = {
            "loses": f"loses by switching to {group.service}",
            "gains": f"gains by switching to {group.service}",
            "no loss": f"loses nothing by switching to {group.service}",
            "insufficient evidence": f"is not known well enough under {group.service}",
        }[group.verdict]
        yield _check(
            answer,
            f"{PLAIN.named(group.group)} {said} ({switches.metric.name}).",
            group.group,
            predicate=group.predicate,
            by=group.by,
        )


def _watch_checks(given: dict[str, Any]) -> Iterator[RuleCheck]:
    watch = Watch.from_dict(given)
    alarmed = {_key(dict(one.group)) for one in watch.alarms}
    for one in watch.groups:
        if (one.state == "alarm") is not (_key(dict(one.group)) in alarmed):
            raise InputError(
                f"{_label(dict(one.group))} has the state {one.state!r}, but "
                f"{'no alarm' if one.state == 'alarm' else 'an alarm'} of it is among the alarms: the file was changed "
                "by hand.  Write it again with evenhand watch … --json"
            )
    for alarm in watch.alarms:
        label = _label(dict(alarm.group))
        how = "is above the threshold" if alarm.kind == "above" else "has become worse"
        yield _check(
            "fail",
            f"An alarm is open: {watch.metric.name} of {label} {how}.",
            dict(alarm.group),
        )
    if watch.exit_code == EXIT_REFUSED:
        text = "No alarm is open, but every group had too few rows for one."
        yield _check("insufficient evidence", text, reason="too_few_units")
        return
    few = [one for one in watch.groups if one.state == "too_few"]
    if few and not watch.alarms:
        text = f"No alarm is open; {plural(len(few), 'group')} of {len(watch.groups)} had too few rows for one."
        yield _check("pass", text)


def _key(group: dict[str, Key]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, repr(value)) for name, value in group.items()))


def _slices_checks(given: dict[str, Any]) -> Iterator[RuleCheck]:
    found = Slices.from_dict(given)
    for one in (*found.slices, *found.elsewhere):
        sure = one.p_adjusted is None or one.p_adjusted <= 1 - found.level
        if one.confirmed and not sure:
            raise InputError(
                f"{one.predicate} is confirmed, but its adjusted p-value is {one.p_adjusted:g} at the level "
                f"{found.level:g}: the file was changed by hand.  Write it again with evenhand slices … --json"
            )
    checks = list(slices_checks(found, 0.0))
    yield from checks
    if not checks and not can_prove(found):
        text = "The search could prove nothing: there was too little for any slice."
        yield _check("insufficient evidence", text, reason="no_power")


def _audit_checks(given: dict[str, Any]) -> Iterator[RuleCheck]:
    audit = Audit.from_dict(given)
    check_sound(audit)
    for group in audit.groups:
        if group.verdict is None and not group.suppressed:
            continue  # others are compared with it
        answer = _AUDITED.get(group.verdict or "", "insufficient evidence")
        against = group.versus.reference if group.versus is not None else audit.settings.versus
        yield _check(
            answer,
            f"{audit.metric.title} of {group.label} {_SAID[answer]}{_than(answer, against)}.",
            group.group,
            predicate=group.predicate,
            by=group.by,
            reason="suppressed" if group.suppressed else None,
        )


_AUDITED: dict[str, GateAnswer] = {"worse": "fail", "not worse": "pass"}
_SAID: dict[GateAnswer, str] = {
    "fail": "is worse",
    "pass": "is not worse",
    "insufficient evidence": "is not known well enough",
}


def _than(answer: GateAnswer, reference: str) -> str:
    """What a group is compared with."""
    if answer == "insufficient evidence":
        return ""
    return f" than {'the rest' if reference == 'rest' else reference}"


_READERS: dict[str, Callable[[dict[str, Any]], Iterator[RuleCheck]]] = {
    Watch.SCHEMA: _watch_checks,
    Slices.SCHEMA: _slices_checks,
    Audit.SCHEMA: _audit_checks,
    Switches.SCHEMA: _switches_checks,
}
_NOTHING = {
    Watch.SCHEMA: "No alarm is open.",
    Slices.SCHEMA: "No slice is proven worse than the rest.  That none is, no search proves.",
    Audit.SCHEMA: "It has no group.",
    Switches.SCHEMA: "It has no group.",
}


def _label(group: dict[str, Key]) -> str:
    return PLAIN.named(group) if group else "everybody"


def _check(
    answer: GateAnswer,
    sentence: str,
    group: dict[str, Key] | None = None,
    *,
    predicate: str = "",
    by: tuple[str, ...] = (),
    reason: str | None = None,
) -> RuleCheck:
    return RuleCheck.undecided(
        "results",
        by=by,
        group=group or {},
        predicate=predicate,
        answer=answer,
        reason=reason,
        sentence=sentence,
    )
