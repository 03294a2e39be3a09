"""Every field of the JSON that commands print, from the classes that are written."""

import dataclasses
import inspect
import re
import types
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from evenhand.audits.cube_summary import CubeSummary
from evenhand.audits.disparities import ConditionalDisparity, EqualizedOdds
from evenhand.audits.result import Audit as AuditResult
from evenhand.bounty.custody import Custody
from evenhand.bounty.telling.answers import Committed, Confirmed, Exported, Services, Written
from evenhand.bounty.telling.explained import Explained
from evenhand.bounty.telling.hunted import Hunted
from evenhand.bounty.telling.logged import KeyPair, Logged
from evenhand.bounty.telling.outcome import Closed, Outcome
from evenhand.bounty.telling.standing import Standing
from evenhand.bounty.verification import Verification
from evenhand.bounty.word import SignedWord
from evenhand.cards.changes.result import CardChanges
from evenhand.cards.checks import CardVerification
from evenhand.cards.result import Card
from evenhand.cards.shelf.result import Shelf
from evenhand.differential.result import Effects as EffectsResult
from evenhand.errors import REASONS
from evenhand.gates.result import Gate
from evenhand.improving.result import ImprovementPlan
from evenhand.lastmile.coverage.result import Coverage as CoverageResult
from evenhand.lastmile.next_labels import LabelDraw
from evenhand.lastmile.result import LabelPlan
from evenhand.overviews.result import Overview
from evenhand.pooling.result import Pooled
from evenhand.repairs.result import RepairTrial
from evenhand.results.protocol import Result
from evenhand.slicing.result import Slices as SlicesResult
from evenhand.switching.result import Switches as SwitchesResult
from evenhand.trials.trial import Trial
from evenhand.watching.result import Watch as WatchResult
from reference_pages.page import page, table, told_by

#: What gives each answer, in the order of the page.
ANSWERS: dict[type[Result], tuple[str, str]] = {
    AuditResult: (
        "Audit",
        "`evenhand audit … --json` and `Audit.to_json()` give one object; several metrics give an array of them.",
    ),
    SlicesResult: ("Slices", "`evenhand slices … --json` and `Slices.to_json()` give one object."),
    EffectsResult: (
        "Effects",
        "`evenhand effects … --json` and `Effects.to_json()` give one object.",
    ),
    SwitchesResult: (
        "Switches",
        "`evenhand audit … --compare … --json` and `Switches.to_json()` give one object.",
    ),
    CoverageResult: (
        "Coverage",
        "`evenhand coverage … --json` and `Coverage.to_json()` give one object.",
    ),
    LabelPlan: (
        "Label plan",
        "`evenhand plan … --json` and `LabelPlan.to_json()` give one object.",
    ),
    LabelDraw: ("Rows to label", "`evenhand next-labels … --json` gives one object."),
    ImprovementPlan: (
        "Improvement plan",
        "`evenhand improve … --json` and `ImprovementPlan.to_json()` give one object.",
    ),
    RepairTrial: (
        "Repair",
        "`evenhand fix … --json`, its `--keep` and `RepairTrial.to_json()` give one object, which `evenhand fix apply` "
        "reads.",
    ),
    Pooled: (
        "Pool",
        "`evenhand pool … --json` and `Pooled.to_json()` give one object; `--back` writes one for each customer.",
    ),
    Gate: ("Gate", "`evenhand check … --json` and `Gate.to_json()` give one object."),
    WatchResult: ("Watch", "`evenhand watch … --json` and `Watch.to_json()` give one object."),
    Overview: ("Overview", "`evenhand look … --json` and `Overview.to_json()` give one object."),
    EqualizedOdds: ("Equalised odds", "`evenhand.equalized_odds` gives one for each partition."),
    ConditionalDisparity: (
        "Conditional demographic disparity",
        "`evenhand.conditional_demographic_disparity` gives one for each group.",
    ),
    CubeSummary: (
        "Cube",
        "`evenhand cube count`, `merge`, `update`, `share` and `show` with `--json` give one object.",
    ),
    Trial: (
        "Trial",
        "`evenhand trial … --json` and `Trial.to_json()` give one object.  "
        "[The reasons](trials.md#reasons) have a page of their own.",
    ),
    Outcome: ("Bounty", "`evenhand bounty submit … --json` gives one object."),
    Closed: ("Bounty: close", "`evenhand bounty close … --json` gives one object."),
    Standing: (
        "Bounty: status",
        "`evenhand bounty status … --json`, and `init` and `rollback` after their work, give one object.",
    ),
    Confirmed: ("Bounty: confirm", "`evenhand bounty confirm … --json` gives one object."),
    Hunted: ("Bounty: hunt", "`evenhand bounty hunt … --json` gives one object."),
    Explained: ("Bounty: explain", "`evenhand bounty explain … --json` gives one object."),
    Verification: ("Bounty: verify", "`evenhand bounty verify … --json` gives one object."),
    Exported: ("Bounty: export", "`evenhand bounty export … --json` gives one object."),
    Services: ("Bounty: service", "`evenhand bounty service … --json` gives one object."),
    Committed: ("Bounty: submit --commit", "`evenhand bounty submit … --commit --json` gives one."),
    Written: ("Bounty: submit --out", "`evenhand bounty submit … --out FILE --json` gives one."),
    Custody: (
        "Bounty: verify a log alone",
        "`evenhand bounty verify log.jsonl --json` gives one object.",
    ),
    Logged: (
        "Bounty: words of host and teams",
        "`evenhand bounty register`, `revoke`, `phase`, `withdraw` and `appeal` with `--json` give one object.",
    ),
    SignedWord: (
        "Bounty: sign",
        "`evenhand bounty sign … --out FILE` writes one object, and without `--out` prints it.",
    ),
    KeyPair: ("Bounty: key", "`evenhand bounty key --json` gives one object."),
    Card: (
        "Card",
        "`evenhand card make … --out FILE` writes one object, `--json` prints it, and `Card.to_json()` gives it.  Its "
        "[JSON Schema](card.schema.json) is what `evenhand card schema` prints.",
    ),
    CardVerification: ("Card: verify", "`evenhand card verify … --json` gives one object."),
    CardChanges: ("Card: diff", "`evenhand card diff … --json` gives one object."),
    Shelf: ("Card: index", "`evenhand card index … --json` gives one object."),
}
_WORDS = {bool: "true or false", int: "whole number", float: "number", str: "text", Any: "any"}


def json_page() -> str:
    """Every field of every answer, each class once."""
    written = _Written()
    return page(
        "# JSON",
        (
            "There is no NaN and no infinity: a number that cannot be given is `null`, and a `reason` beside it "
            "says why.  `from_dict` and `from_json` of each class read its JSON back."
        ),
        "Reasons:\n\n"
        + table(["reason", "meaning"], [[f"`{code}`", text] for code, text in REASONS.items()]),
        *(part for answer in ANSWERS for part in written.answer(answer)),
    )


class _Written:
    """Sections of the page; a class that several answers hold is told where it is met first."""

    def __init__(self) -> None:
        self.anchors: dict[type[Any], str] = {}

    def answer(self, kind: type[Result]) -> Iterator[str]:
        """Sections of an answer and of all that it holds."""
        title, given = ANSWERS[kind]
        self.anchors[kind] = _anchor(title)
        new: dict[type[Any], list[str]] = {}
        for path, inner in _held(kind):
            if inner not in self.anchors or inner in new:
                new.setdefault(inner, []).append(path)
                self.anchors[inner] = ""
        for inner, paths in new.items():
            name = f"{paths[0]} of {title.lower()}" if title != "Audit" else ", ".join(paths)
            new[inner] = [name]
            self.anchors[inner] = _anchor(name)
        yield f"## {title}"
        yield f"{given}  Its schema is `{kind.SCHEMA}`."
        yield self.fields(kind, [["`schema`", "text", f"Always `{kind.SCHEMA}`."]])
        for inner, (name,) in new.items():
            yield f"### {name}"
            yield _null((inspect.getdoc(inner) or "").partition("\n\n")[0])
            yield self.fields(inner, [])

    def fields(self, kind: type[Any], rows: list[list[str]]) -> str:
        """Table of a class's fields, after these rows."""
        told, hints = told_by(kind), get_type_hints(kind)
        for field in dataclasses.fields(kind):
            if not told.get(field.name):
                raise ValueError(f"The docstring of {kind.__name__} does not explain {field.name}.")
            rows.append([f"`{field.name}`", self.typed(hints[field.name]), _null(told[field.name])])
        gone = set(told) - {field.name for field in dataclasses.fields(kind)} - {"SCHEMA", "ROOM"}
        if gone:
            raise ValueError(
                f"The docstring of {kind.__name__} explains {sorted(gone)}, which it lacks."
            )
        return table(["field", "type", "meaning"], rows)

    def typed(self, hint: Any) -> str:
        """JSON's word for a type, with the way to a class that has a section."""
        origin, inner = get_origin(hint), get_args(hint)
        if origin in (Union, types.UnionType):
            words = dict.fromkeys("null" if one is type(None) else self.typed(one) for one in inner)
            return " or ".join(words)
        if origin is Literal:
            return "text"
        if origin is tuple:
            several = inner[-1] is ... and self.typed(inner[0])
            return f"array of {several}" if several else "array"
        if dataclasses.is_dataclass(hint):
            return f"[object](#{self.anchors[hint]})" if hint in self.anchors else "object"
        return "object" if origin is not None else _WORDS.get(hint, "object")


def _held(kind: type[Any], path: str = "") -> Iterator[tuple[str, type[Any]]]:
    """Dataclasses in a class's fields, each with the place where it stands."""
    for field in dataclasses.fields(kind):
        place = f"{path}{field.name}"
        for hint, mark in _inner(get_type_hints(kind)[field.name]):
            if dataclasses.is_dataclass(hint) and isinstance(hint, type):
                yield place + mark, hint
                yield from _held(hint, f"{place}{mark}.")


def _inner(hint: Any, mark: str = "") -> Iterator[tuple[Any, str]]:
    """Types that a field may hold, with ``[]`` where there are several of them."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        for one in inner:
            yield from _inner(one, mark)
    elif origin is tuple:
        yield from _inner(inner[0], mark + "[]")
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        yield from _inner(inner[1], mark + "{}")
    else:
        yield hint, mark


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")


def _null(text: str) -> str:
    """What Python calls `None` is null in JSON."""
    text = " ".join(text.replace("``", "`").split())
    return re.sub(r"(^|[.:] +)`None`", r"\1Null", text).replace("`None`", "null")
