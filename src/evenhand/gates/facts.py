"""Demands that are counted: how old the newest row is, and how labels came about."""

import datetime
from dataclasses import replace

import pyarrow as pa

from evenhand.errors import InputError
from evenhand.gates.result import GateAnswer, RuleCheck
from evenhand.gates.rules import Rule
from evenhand.groups import parse_predicate, where_clause
from evenhand.pages.numbers import listed, plural
from evenhand.questions.origins import arms_of
from evenhand.records import ORIGINS, Kind, Records, dialect_of, find_column

#: How far ahead of universal time clocks of people may be: days that have begun somewhere.
AHEAD = datetime.timedelta(hours=14)
_DATES = (Kind.DATE,)


def freshness_check(
    rule: Rule, newest: datetime.datetime | None, now: datetime.datetime, what: str = "row"
) -> RuleCheck:
    """Whether the newest row is young enough.  One from the future is a fault of the data, and never fresh."""
    oldest = rule.oldest
    assert oldest is not None
    check = RuleCheck.undecided(
        "not_older_than",
        allowed=oldest / datetime.timedelta(days=1),
        reason="no_date",
        sentence=f"No {what} says when it was made.",
    )
    if newest is None:
        return check
    age = (now - newest) / datetime.timedelta(days=1)
    told = newest.isoformat(sep=" ", timespec="minutes")
    told = told.removesuffix("+00:00").removesuffix(" 00:00")
    if newest - now > AHEAD:
        words = f"The newest {what} is of {told}, which is yet to come: a fault of the data, and not fresh."
        return _settled(check, age, "fail", words)
    whose = " of all groups together" if "by" in rule.own else ""
    words = f"The newest {what}{whose} is of {told}; {rule.get('not_older_than')} are allowed."
    return _settled(check, max(age, 0.0), "pass" if now - newest <= oldest else "fail", words)


def _settled(check: RuleCheck, value: float, answer: GateAnswer, sentence: str) -> RuleCheck:
    return replace(check, value=value, answer=answer, reason=None, sentence=sentence)


def newest_of(rule: Rule, records: Records) -> datetime.datetime | None:
    """When the newest row was made, in universal time; `None` where none says."""
    name = rule.get("time")
    column = find_column(name, records.columns)
    if column.kind not in _DATES:
        raise InputError(
            f"{name} holds {column.kind} values, but time needs dates.  If they are dates, say how they are written: "
            f'columns = "{name}=date:%d/%m/%Y"'
        )
    dialect = dialect_of(records.engine.dialect)
    where = rule.get("where")
    kept = where_clause(
        parse_predicate(where, records.columns, label="where") if where else None,
        records.engine.dialect,
    )
    quoted = dialect.quoted(name)
    table = records.engine.query(
        f"SELECT MAX({quoted}) AS {dialect.quoted('newest')} FROM {records.source}{kept}"
    )
    value = pa.table(table)["newest"][0].as_py()
    if value is None:
        return None
    if isinstance(value, datetime.datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=datetime.UTC)
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day, tzinfo=datetime.UTC)
    return moment_of(str(value), name)


def moment_of(text: str, name: str) -> datetime.datetime:
    """A moment from its text, in universal time where it names no other."""
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{name} holds {text!r}, which is no date that can be read.") from error
    return found if found.tzinfo is not None else found.replace(tzinfo=datetime.UTC)


def origin_check(rule: Rule, records: Records) -> RuleCheck:
    """Whether labels came about only as is allowed."""
    where = rule.get("where")
    kept = parse_predicate(where, records.columns, label="where") if where else None
    allowed = {ORIGINS[word.strip().casefold()] for word in rule.texts("label_origin")}
    found = arms_of(records, kept)
    others = [arm for arm in found.arms if arm.origin not in allowed]
    check = RuleCheck.undecided(
        "label_origin",
        answer="pass",
        sentence=f"All labels are {listed(sorted(allowed))}.",
    )
    if others:
        told = listed(
            [
                f"{plural(arm.n_rows, 'row')} {arm.name}" if arm.n_rows else f"all {arm.name}"
                for arm in others
            ]
        )
        return replace(
            check, answer="fail", sentence=f"Labels came about otherwise than allowed: {told}."
        )
    if found.untold or not found.arms:
        rows = plural(found.untold, "row") if found.untold else "any row"
        return replace(
            check,
            answer="insufficient evidence",
            reason="no_origin",
            sentence=f"Nothing says how the labels of {rows} came about.",
        )
    return check
