"""The last release: an audit of it as JSON, and whether it can be compared with at all."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evenhand.audits.result import Audit, Group
from evenhand.errors import InputError
from evenhand.gates.evidence import RuleEvidence
from evenhand.gates.rules import Rule
from evenhand.groups import equals, to_text
from evenhand.groups.partition import Key
from evenhand.records.json_files import read_json
from evenhand.results.estimate import Estimate

#: Of a number, relative: rounding on its way through JSON.
_SLACK = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the last release was measured to be.

    Attributes
    ----------
    unlike : str
        Why it cannot be compared with; empty where it can.
    level : float
        Confidence of its rates' intervals.
    labelled : dict
        Partition, group and rate by the group's predicate.
    """

    unlike: str = ""
    level: float = 0.95
    labelled: dict[str, tuple[tuple[str, ...], dict[str, Key], Estimate]] = field(
        default_factory=dict
    )

    @property
    def groups(self) -> dict[str, Estimate]:
        """Rates by the group's predicate."""
        return {predicate: old for predicate, (_, _, old) in self.labelled.items()}


def read_results(path: Path) -> list[dict[str, Any]]:
    """JSON that Evenhand wrote, one answer or several.

    Raises
    ------
    InputError
        Where there is no such file, or it is none of ours.
    """
    data, _ = read_json(path, "result", "Write it with --json.")
    found = data if isinstance(data, list) else [data]
    if not found or not all(
        isinstance(one, dict) and isinstance(one.get("schema"), str) for one in found
    ):
        raise InputError(
            f"{path} names no schema, so Evenhand did not write it.  Write it with --json, as in "
            "evenhand audit … --json > last.json"
        )
    return found


def read_baseline(rule: Rule, folder: Path, found: RuleEvidence) -> Baseline:
    """The last release, or why it cannot be compared with.

    A file that is not there, or tells of something else, says nothing: the rule is then open.

    Raises
    ------
    InputError
        For a file that is damaged or of another schema: somebody must mend it.
    """
    path = folder / rule.get("not_worse_than")
    if not path.exists():
        return Baseline(unlike=f"there is no {rule.get('not_worse_than')} yet")
    audits = [Audit.from_dict(one) for one in _audits(path)]
    for number, audit in enumerate(audits):
        limits = (
            found.definition.definition
            if audit.metric.expression == found.metric.expression
            else None
        )
        try:
            check_sound(audit, (None, None) if limits is None else (limits.low, limits.high))
        except InputError as error:
            place = f"{path}" if len(audits) == 1 else f"{path}[{number}]"
            raise InputError(f"{place}: {error}") from error
    wanted = rule.get("baseline_sha256")
    if wanted is not None:
        is_now = hashlib.sha256(path.read_bytes()).hexdigest()
        if is_now != wanted.strip().lower():
            return Baseline(
                unlike=f"its SHA-256 is {is_now[:12]}…, not the {wanted[:12]}… that the policy names"
            )
    same = [one for one in audits if one.metric.expression == found.metric.expression]
    if not same:
        told = "; ".join(dict.fromkeys(one.metric.expression for one in audits))
        return Baseline(unlike=f"it is of {told}, not of {found.metric.expression}")
    return next(
        (made for made in (_compared(one, found) for one in same) if not made.unlike),
        _compared(same[0], found),
    )


def check_sound(audit: Audit, limits: tuple[float | None, float | None] = (None, None)) -> None:
    """Refuse what no audit tells: numbers that contradict each other were changed by hand.

    Parameters
    ----------
    audit : Audit
    limits : (low, high)
        Of the metric; `None` where it has none.

    Raises
    ------
    InputError
    """
    met: set[str] = set()
    for group in audit.groups:
        if group.predicate in met:
            raise InputError(
                f"it has the group {group.predicate} twice, so it was changed by hand."
            )
        met.add(group.predicate)
        # (With a judge's help a rate is more than its sums.)
        rate = () if audit.judge is not None else contradictions_of(group.estimate, *limits)
        for told in (*rate, *_belied(group, audit)):
            raise InputError(
                f"the group {group.predicate} {told}, so it was changed by hand.  Write it again with "
                "evenhand audit … --json"
            )


def _belied(group: Group, audit: Audit) -> Iterator[str]:
    """What a group is called that it is not: the name of another, or a verdict that its interval denies."""
    literals = [to_text(equals(name, value)) for name, value in group.group.items()]
    for literal in literals:
        others = [one for one in audit.groups if one.by == group.by and literal in one.predicate]
        if others and literal not in group.predicate:
            yield f"is called that of {literal}"
    contrast, tolerance = group.versus, audit.settings.tolerance
    if contrast is None or contrast.low is None or contrast.high is None:
        return
    if audit.settings.suppress_below:  # its ends are rounded
        return
    harm = (contrast.low, contrast.high)
    low, high = harm if audit.metric.higher_is_worse else (-harm[1], -harm[0])
    if (group.verdict == "worse" and low <= tolerance) or (
        group.verdict == "not worse" and high > tolerance
    ):
        yield f"has the verdict {group.verdict!r}, which its interval denies"


def contradictions_of(rate: Estimate, least: float | None, most: float | None) -> Iterator[str]:
    """What a rate says that cannot be."""
    value, low, high = rate.value, rate.low, rate.high
    above, below = rate.numerator, rate.denominator
    for name, count in (("n_rows", rate.n_rows), ("n_units", rate.n_units)):
        if count is not None and count < 0:
            yield f"has {name} {count}"
    if rate.n_rows is not None and rate.n_units is not None and rate.n_units > rate.n_rows:
        yield f"has {rate.n_units} units of {rate.n_rows} rows"
    if value is None:
        return
    slack = _SLACK * max(1.0, abs(value))
    if below == 0:
        yield f"has the value {value:g} over 0"
    elif above is not None and below is not None and abs(value - above / below) > slack:
        yield f"has the value {value:g}, but {above:g} over {below:g} is {above / below:g}"
    if (low is not None and value < low - slack) or (high is not None and value > high + slack):
        yield f"has the value {value:g} outside its interval from {low} to {high}"
    if (least is not None and value < least - slack) or (most is not None and value > most + slack):
        yield f"has the value {value:g}, which this metric never has"


def _audits(path: Path) -> list[dict[str, Any]]:
    data = read_results(path)
    for one in data:
        if one["schema"] != Audit.SCHEMA:
            raise InputError(
                f"{path} has the schema {one['schema']!r}, but must be {Audit.SCHEMA!r}: what evenhand audit … --json "
                "of this version writes."
            )
    return data


def _compared(audit: Audit, found: RuleEvidence) -> Baseline:
    """An audit as a baseline, unless it asks something else."""
    settings = audit.settings
    differing = [
        f"its {name} is {before or 'none'}, not {now or 'none'}"
        for name, before, now in (
            ("definition", audit.metric.definition, found.metric.definition),
            ("unit", audit.unit, found.unit),
            ("weight", audit.weight, found.groups.rules.weight),
            ("where", settings.where, found.where),
            (
                "direction of harm",
                _worse(audit.metric.higher_is_worse),
                _worse(found.metric.higher_is_worse),
            ),
        )
        if before != now
    ]
    for name, edges in found.bins.items():
        if name in settings.bins and tuple(settings.bins[name]) != tuple(edges):
            differing.append(f"it cuts {name} elsewhere")
    if audit.judge is not None:
        differing.append("it is helped by a judge's labels")
    if differing:
        return Baseline(unlike=differing[0])
    same = audit.source.sha256 is not None and audit.source.sha256 == found.source.sha256
    if same and audit.source.rows == found.source.rows:
        return Baseline(unlike="it is of the very rows that are judged, so it is no other release")
    return Baseline(
        level=audit.level,
        labelled={
            group.predicate: (group.by, group.group, group.estimate) for group in audit.groups
        },
    )


def _worse(higher: bool) -> str:
    return "higher" if higher else "lower"
