"""The gate that users call: a policy in, an answer for each of its rules out."""

import contextlib
import datetime
import hashlib
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evenhand.errors import InputError, Note
from evenhand.gates.asking import asking_again
from evenhand.gates.baseline import Baseline, read_baseline
from evenhand.gates.evidence import EvidenceOfRules, RefusedRule, RuleEvidence
from evenhand.gates.facts import freshness_check, newest_of, origin_check
from evenhand.gates.judging import judge_rule, notes_of
from evenhand.gates.opening import OpenTables
from evenhand.gates.policy import Policy, made_policy, read_policy
from evenhand.gates.result import (
    Gate,
    GateAnswer,
    GateSettings,
    RuleAnswer,
    RuleCheck,
    together,
)
from evenhand.gates.rules import NotedError, PolicyFaults, Rule
from evenhand.gates.searching import search
from evenhand.gates.standing import results_checks
from evenhand.gates.words import check_sentence, rule_sentence, told_apart
from evenhand.results.origin import MetricNote, Source, versions

_ORDER = {"fail": 0, "insufficient evidence": 1, "pass": 2}


@dataclass(kw_only=True)
class _RuleFound:
    """What was read for a rule."""

    rule: Rule
    evidence: RuleEvidence | None = None
    refused: str = ""
    baseline: Baseline | None = None
    facts: tuple[RuleCheck, ...] = ()
    notes: tuple[Note, ...] = ()
    metric: MetricNote | None = None
    source: Source | None = None

    @property
    def judged(self) -> bool:
        """Whether it takes a part of the chance of error."""
        return (bool(self.rule.limits) and self.rule.judged) or self.rule.searches


def check(
    policy: str | Path | Mapping[str, Any],
    *,
    now: datetime.datetime | None = None,
    command: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Gate:
    """Ask every rule of a policy: it is kept, it is broken, or the evidence is not enough.

    Parameters
    ----------
    policy : str, Path or mapping
        A TOML file, or what it would hold; in a mapping `table` may be a data frame.
    now : datetime, optional
        The moment by which ages and dates of review are judged; the clock's where not given.
    command : str, optional
        The command that reports name as their origin.
    progress : callable, optional
        Told how many rules are read, and of how many.

    Returns
    -------
    Gate
        With `exit_code` 0 for pass, 1 for fail, 3 for insufficient evidence.

    Raises
    ------
    InputError
        For anything in the policy that must be changed first, each at its line.

    Notes
    -----
    A rule passes where bounds show that it is kept, and fails where they show that it is broken.  With the confidence
    `level` no such answer of the whole policy is wrong: the chance of error is shared among rules, and within a rule
    among its groups and limits (Bonferroni).  A limit is either kept or broken, so of the two bounds of a value at
    most one can mislead, and each has the whole share.

    Examples
    --------
    >>> import pyarrow as pa, evenhand
    >>> table = pa.table({"site": ["a"] * 400 + ["b"] * 400, "wrong": ([0] * 9 + [1]) * 40 + [0, 1, 1, 1] * 100})
    >>> rule = {"name": "errors by site", "table": table, "metric": "mean(wrong)", "by": "site", "maximum": 0.3}
    >>> gate = evenhand.check({"rule": [rule]})
    >>> gate.answer, gate.exit_code
    ('fail', 1)
    >>> print(gate.rules[0].checks[0].sentence)
    mean of b is .750 (300 of 400), at least .705; at most .300 is allowed.
    """
    moment = datetime.datetime.now(datetime.UTC) if now is None else now
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.UTC)
    read, faults = _read(policy)
    found: list[_RuleFound] = []
    with OpenTables(read.folder, faults) as tables:
        evidence = EvidenceOfRules(tables, faults, read.seed)
        for rule in read.rules:
            one = _RuleFound(rule=rule)
            found.append(one)
            with contextlib.suppress(NotedError):
                _look(one, read, tables, evidence, faults, moment)
            if progress is not None:
                progress(len(found), len(read.rules))
        faults.tell()
        chance = (1 - read.level) / max(sum(one.judged for one in found), 1)
        answers = []
        for one in found:
            with contextlib.suppress(NotedError):
                checks = _checks(one, read, tables, faults, chance)
                answers.append(_answer(one, checks, faults, moment, tables.place(one.rule)))
        faults.tell()
    return Gate(
        policy=read.name,
        title=read.title,
        level=read.level,
        answer=together([one.answer for one in answers]),
        rules=tuple(answers),
        notes=(),
        settings=GateSettings(
            sha256=hashlib.sha256(read.text.encode()).hexdigest() if read.text else None,
            rules_judged=sum(one.judged for one in found),
            seed=read.seed,
            command=command or shlex.join(["evenhand", "check", read.name]),
            versions=dict(versions()),
        ),
    )


def _read(policy: str | Path | Mapping[str, Any]) -> tuple[Policy, PolicyFaults]:
    if isinstance(policy, Mapping):
        return made_policy(policy, name="policy", folder=Path())
    if not isinstance(policy, str | os.PathLike):
        raise InputError(
            f"policy is {type(policy).__name__}, but must be a TOML file, or a mapping of what one would hold."
        )
    return read_policy(Path(policy))


def _look(
    one: _RuleFound,
    policy: Policy,
    tables: OpenTables,
    evidence: EvidenceOfRules,
    faults: PolicyFaults,
    now: datetime.datetime,
) -> None:
    """Read what a rule is about; of a faulty one only what else is wrong with it."""
    rule = one.rule
    if rule.faulty:
        evidence.look_through(rule)
        return
    if "results" in rule.given:
        newest = None
        if "time" in rule.given:
            with tables.of(rule) as records, faults.at(rule, "time"):
                newest = newest_of(rule, records)
        with faults.at(rule, "results"):
            one.facts, one.notes = results_checks(rule, policy.folder, newest, now)
        return
    if rule.judged:
        found = evidence.of(rule)
        if isinstance(found, RefusedRule):
            one.refused = found.message
        else:
            one.evidence, one.metric, one.source = found, found.metric, found.source
            if "not_worse_than" in rule.given:
                with faults.at(rule, "not_worse_than"):
                    one.baseline = read_baseline(rule, policy.folder, found)
    if "not_older_than" in rule.given or "label_origin" in rule.given:
        with tables.of(rule) as records:
            one.source = one.source or Source(name=records.name, rows=0, sha256=records.sha256())
            if "not_older_than" in rule.given:
                with faults.at(rule, "time"):
                    one.facts += (freshness_check(rule, newest_of(rule, records), now),)
            if "label_origin" in rule.given:
                with faults.at(rule, "origin"):
                    one.facts += (origin_check(rule, records),)


def _checks(
    one: _RuleFound, policy: Policy, tables: OpenTables, faults: PolicyFaults, chance: float
) -> tuple[RuleCheck, ...]:
    rule = one.rule
    checks = one.facts
    if one.evidence is not None:
        usable = one.baseline is None or not one.baseline.unlike
        baseline = one.baseline if usable else None
        checks = (*judge_rule(rule, one.evidence, chance, baseline), *checks)
        if not usable:
            assert one.baseline is not None
            checks = (
                *checks,
                _open(f"{rule.get('not_worse_than')}: {one.baseline.unlike}.", "unlike_baseline"),
            )
    if rule.searches:
        found = search(rule, policy.seed, tables, faults, chance)
        one.metric, one.notes = found.metric, found.notes
        checks = (*checks, *found.checks)
    if one.refused:
        checks = (*checks, _open(one.refused, "refused"))
    return checks


def _open(sentence: str, reason: str) -> RuleCheck:
    """A demand that nothing can be said of."""
    return RuleCheck.undecided(
        "not_worse_than" if reason == "unlike_baseline" else "metric",
        reason=reason,
        sentence=sentence,
    )


def _answer(
    one: _RuleFound,
    checks: Sequence[RuleCheck],
    faults: PolicyFaults,
    now: datetime.datetime,
    place: Any,
) -> RuleAnswer:
    rule, evidence = one.rule, one.evidence
    checks = told_apart(checks)
    told = [
        check
        if check.sentence
        else replace(
            check, sentence=check_sentence(check, one.metric, evidence.unit if evidence else None)
        )
        for check in checks
    ]
    if (late := _past_review(rule, now)) is not None:
        told.append(late)
    if all(check.excused for check in told):
        why = "Nothing is left to judge: every group is excused."
        told.append(_open(why if told else "There was nothing to judge.", "nothing_judged"))
    told.sort(key=lambda check: (check.excused, _ORDER[check.answer]))
    counted: list[GateAnswer] = [check.answer for check in told if not check.excused]
    answer = together(counted)
    review = rule.get("review_by")
    return RuleAnswer(
        name=rule.name,
        line=faults.lines.of(rule.number),
        answer=answer,
        sentence=rule_sentence(answer, told),
        metric=one.metric,
        source=one.source,
        unit=None if evidence is None else evidence.unit,
        by=() if evidence is None else evidence.by,
        where=rule.get("where"),
        results=rule.get("results"),
        command=asking_again(rule, place, one.metric),
        checks=tuple(told),
        hazard=rule.get("hazard"),
        treatment=rule.get("treatment"),
        review_trigger=rule.get("review_trigger"),
        review_by=None if review is None else str(review),
        notes=one.notes if evidence is None else (*evidence.notes, *notes_of(rule, evidence, told)),
    )


def _past_review(rule: Rule, now: datetime.datetime) -> RuleCheck | None:
    """A rule that nobody looked at again in time is no longer green."""
    given = rule.get("review_by")
    if given is None:
        return None
    day = given if isinstance(given, datetime.date) else datetime.date.fromisoformat(given)
    day = day.date() if isinstance(day, datetime.datetime) else day
    if now.date() <= day:
        return None
    return replace(
        _open(
            f"The rule was to be reviewed by {day.isoformat()}, and is still here.", "review_due"
        ),
        limit="review_by",
    )
