"""Rules about slices that nobody named: the search that they ask for, and what it proves."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from evenhand.errors import AlikeError, InputError, Note
from evenhand.gates.opening import OpenTables
from evenhand.gates.result import RuleCheck
from evenhand.gates.rules import PolicyFaults, Rule
from evenhand.gates.spoken import in_keys
from evenhand.pages.caveats import missing_sentences
from evenhand.pages.nouns import unit_noun
from evenhand.pages.numbers import amount
from evenhand.questions.options import MOST_SURE
from evenhand.results.origin import MetricNote
from evenhand.slicing import slices
from evenhand.slicing.result import Slice, Slices

#: With as many units the ways to choose half of them are more than any family.
_FEW = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchEvidence:
    """What a search came to.

    Attributes
    ----------
    checks : tuple of RuleCheck
    metric : MetricNote or None
        `None` where all rows were alike, so that nothing was searched.
    notes : tuple of Note
    """

    checks: tuple[RuleCheck, ...]
    metric: MetricNote | None = None
    notes: tuple[Note, ...] = ()


def search(
    rule: Rule, seed: int, tables: OpenTables, faults: PolicyFaults, chance: float
) -> SearchEvidence:
    """Search the table of a rule for slices, at the rule's part of the chance of error."""
    if tables.counted(rule) is not None:
        return _search(rule, seed, tables.place(rule), faults, chance)
    with tables.of(rule) as records:
        return _search(rule, seed, records, faults, chance)


def _search(
    rule: Rule, seed: int, table: Any, faults: PolicyFaults, chance: float
) -> SearchEvidence:
    allowed = float(rule.get("maximum_difference", 0.0))
    with faults.at(rule, "slices"):
        try:
            found = _found(rule, seed, table, chance)
        except AlikeError as error:
            alike = f"Every row has the same {rule.metric_name}, so no slice is worse than another."
            # No split of so few could have been told from chance.
            few = error.units < _FEW and math.comb(error.units, error.units // 2) * chance < 1
            return SearchEvidence(
                checks=(
                    _nothing(allowed, too_few=next(iter(rule.texts("unit")), "row"))
                    if few
                    else _kept(allowed, alike),
                )
            )
    return SearchEvidence(
        checks=tuple(slices_checks(found, allowed)) or (_none_proven(found, allowed),),
        metric=_searched(found),
        notes=tuple(_notes(found)),
    )


def _found(rule: Rule, seed: int, table: Any, chance: float) -> Slices:
    unit = rule.texts("unit")
    if len(unit) > 1:
        raise InputError("a search for slices takes one unit.")
    options = {
        name: rule.given[name]
        for name in ("where", "weight", "bins", "worse", "min_units", "depth")
        if name in rule.given
    }
    return slices(
        table,
        rule.get("metric"),
        features=rule.get("features"),
        unit=unit[0] if unit else None,
        level=min(1 - chance, MOST_SURE),
        seed=seed,
        **options,
    )


def _searched(found: Slices) -> MetricNote:
    one = found.metric
    return MetricNote(
        name=one.name,
        expression=one.expression,
        definition=one.definition,
        higher_is_worse=one.higher_is_worse,
        source="",
        in_points=one.in_points,
    )


def _notes(found: Slices) -> Iterator[Note]:
    """Rows that were in no slice and in no rest."""
    for one in found.missing:
        for sentence in missing_sentences([one]):
            yield Note(code=one.reason, text=in_keys(sentence))


def _none_proven(found: Slices, allowed: float) -> RuleCheck:
    if not can_prove(found):
        return _nothing(allowed, too_few=found.unit or "row")
    more = f" by more than {allowed:g}" if allowed else ""
    looked = found.searched.candidates
    return _kept(
        allowed,
        f"No slice of {looked:,} is proven worse than the rest{more}.  That there is none, no search proves.",
    )


def _kept(allowed: float, sentence: str) -> RuleCheck:
    return RuleCheck.undecided("slices", allowed=allowed, answer="pass", sentence=sentence)


def _nothing(allowed: float, *, too_few: str) -> RuleCheck:
    why = f"The search could prove nothing: there are too few {unit_noun(too_few)} for any slice."
    return RuleCheck.undecided("slices", allowed=allowed, reason="no_power", sentence=why)


def can_prove(found: Slices) -> bool:
    """Whether a search could have proven any slice.

    No slice differs more from its rest than one of which all fail from one of which none do.  Then the p-value of
    rows is one over the ways to choose half of them, and the normal quantile the root of the number of units.
    """
    family = found.confirmation.family
    if not found.searched.candidates or family == 0:
        return False
    units, needed = found.overall.n_units, found.confirmation.critical_z
    if found.unit is not None and units < 2 * found.settings.min_units:
        return False
    exact = found.confirmation.method == "exact" and units < _FEW
    if exact and family is not None and family / math.comb(units, units // 2) > 1 - found.level:
        return False
    floor = found.confirmation.p_floor
    if floor is not None and floor > 1 - found.level:
        return False
    return needed is None or units >= needed**2


def slices_checks(found: Slices, allowed: float) -> Iterator[RuleCheck]:
    """Slices that are proven worse than their rest by more than is allowed; what a search cannot say."""
    sign = 1.0 if found.metric.higher_is_worse else -1.0
    for one in (*found.slices, *found.elsewhere):
        near = one.low if found.metric.higher_is_worse else one.high
        if not one.confirmed or (near is not None and sign * near <= allowed):
            continue
        if near is None and allowed > 0:
            yield RuleCheck.undecided(
                "slices",
                group={one.predicate: True},
                predicate=one.predicate,
                allowed=allowed,
                reason=one.reason or "no_variation",
                sentence=f"{one.predicate} is worse than the rest; by how much at least is not known.",
            )
            continue
        yield RuleCheck(
            limit="slices",
            group={one.predicate: True},
            predicate=one.predicate,
            allowed=allowed,
            value=None if one.difference is None else sign * one.difference,
            low=None if near is None else sign * near,
            high=None,
            n_units=one.n_units,
            answer="fail",
            sentence=(
                f"{found.metric.name} is proven worse where {one.predicate} than elsewhere{_by_how_much(found, one)}."
            ),
        )
    if found.confirmation.method == "none" or not found.exact:
        why = (
            "was stopped before its end"
            if not found.exact
            else "confirmed nothing (--confirm none)"
        )
        yield RuleCheck.undecided("slices", reason="no_proof", sentence=f"The search {why}.")


def _by_how_much(found: Slices, one: Slice) -> str:
    """How much worse a slice is at least, and was seen to be."""
    near = one.low if found.metric.higher_is_worse else one.high
    if near is None or one.difference is None:
        return ""
    least, seen = (
        amount(abs(end), in_points=found.metric.in_points) for end in (near, one.difference)
    )
    return f", by at least {least} (seen: {seen})"
