"""A gate as SARIF 2.1.0 (OASIS, 2020): a rule a rule of the policy, a result a check that is broken or open."""

import hashlib
import json
import re
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from evenhand.gates.result import Gate, RuleAnswer, RuleCheck
from evenhand.gates.words import caveats, obligations

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render_sarif(found: Gate) -> str:
    """JSON that code-scanning tools read."""
    policy = {"uri": _uri(found.policy)}
    ids = _ids(found)
    results = [
        _result(rule, check, ids[rule.name], place, policy)
        for place, rule in enumerate(found.rules)
        for check in rule.checks
        if check.answer != "pass" and not check.excused
    ]
    driver = {
        "name": "evenhand",
        "version": found.settings.versions.get("evenhand", "0"),
        "rules": [_descriptor(rule, ids[rule.name]) for rule in found.rules],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"evenhand/{_uri(found.policy)}"},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _notes(found)}],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {"schema": found.SCHEMA, "answer": found.answer, "level": found.level},
    }
    return json.dumps(
        {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False
    )


def _notes(found: Gate) -> list[dict[str, Any]]:
    """What a reader must know: rows in no group, and passes that stand on an interval alone."""
    return [
        {"level": "note", "descriptor": {"id": note.code}, "message": {"text": note.text}}
        for note in caveats(found)
    ]


def _ids(found: Gate) -> dict[str, str]:
    """An identifier for each rule: its name in letters that stay, and a mark where two would be alike."""
    out: dict[str, str] = {}
    for rule in found.rules:
        plain = re.sub(r"[^a-z0-9]+", "-", rule.name.casefold()).strip("-") or "rule"
        mark = hashlib.sha256(rule.name.encode()).hexdigest()[:8]
        out[rule.name] = f"{plain}-{mark}" if plain in out.values() else plain
    return out


def _descriptor(rule: RuleAnswer, identifier: str) -> dict[str, Any]:
    said = [f"{word}: {text}" for word, text in obligations(rule)]
    what = "" if rule.metric is None else f"{rule.metric.name} = {rule.metric.definition}."
    full = "  ".join([one for one in (what, *said) if one]) or rule.name
    descriptor = {
        "id": identifier,
        "name": rule.name,
        "shortDescription": {"text": rule.name},
        "fullDescription": {"text": full},
        "defaultConfiguration": {"level": "error"},
    }
    return descriptor | ({"help": {"text": rule.treatment}} if rule.treatment else {})


def _result(
    rule: RuleAnswer, check: RuleCheck, identifier: str, place: int, policy: dict[str, str]
) -> dict[str, Any]:
    region = {"region": {"startLine": rule.line}} if rule.line is not None else {}
    return {
        "ruleId": identifier,
        "ruleIndex": place,
        "kind": "fail" if check.answer == "fail" else "open",
        "level": "error" if check.answer == "fail" else "none",
        "message": {"text": check.sentence},
        "locations": [{"physicalLocation": {"artifactLocation": policy, **region}}],
        "partialFingerprints": {"evenhandCheck/v1": fingerprint(rule, check)},
    }


def fingerprint(rule: RuleAnswer, check: RuleCheck) -> str:
    """What stays of a check while numbers and lines change: the rule's name, its limit, and the group."""
    about = [
        rule.name,
        check.limit,
        list(check.by),
        check.predicate,
        sorted(map(str, check.group.items())),
    ]
    return hashlib.sha256(json.dumps(about, ensure_ascii=False).encode()).hexdigest()[:32]


def _uri(name: str) -> str:
    """The policy as a reference, relative to where the command runs if it was named so."""
    path = name.replace("\\", "/")
    return f"file://{quote(path)}" if PurePosixPath(path).is_absolute() else quote(path)
