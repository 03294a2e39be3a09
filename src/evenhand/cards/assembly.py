"""A card put together: what people wrote, the results beside it, and what follows from both."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evenhand.cards.contradictions import check_agreement, told_differences
from evenhand.cards.disclosure import check_disclosure
from evenhand.cards.given import KINDS, GivenResult, check_fresh, read_results
from evenhand.cards.mended import repair_notes
from evenhand.cards.parts import parts_of
from evenhand.cards.reading import read_request, starter_text
from evenhand.cards.result import Card, Field
from evenhand.cards.sealing import sealed
from evenhand.cards.signals import signals_of
from evenhand.cards.worst import at_operating_point, worst_groups
from evenhand.cards.written import WrittenCard
from evenhand.deferred import tomllib
from evenhand.errors import InputError, Note, near
from evenhand.pages.numbers import listed


def make_card(
    request: str | Path, results: Sequence[str | Path] = (), *, key: str | Path | None = None
) -> Card:
    """A card from a card.toml and the results that it names.

    Parameters
    ----------
    request : str or Path
        The card.toml; results are looked for beside it.
    results : sequence of str or Path
        More files of results, after those that the card.toml names.
    key : str or Path, optional
        PEM file of an Ed25519 private key that signs the card.

    Returns
    -------
    Card
        The same card.toml, results and key give the same bytes.

    Raises
    ------
    InputError
        For what is wrong in the card.toml, with its lines; for results that contradict each other, or whose table
        is there and is another one now.
    """
    path = Path(request)
    asked = read_request(path)
    given = read_results(asked.results, path.parent, results)
    check_fresh(given, path.parent)
    card = assembled(asked.written, given, source=str(path))
    return sealed(card, None if key is None else Path(key))


def assembled(written: WrittenCard, given: Sequence[GivenResult], *, source: str) -> Card:
    """The card without its seal."""
    check_agreement(given)
    _check_explanations(written, given, source)
    check_disclosure(given, written)
    given, heading = _ordered(given, written.operating_point.metrics, source)
    numbers: Counter[str] = Counter()
    evidence = []
    held: dict[Field, list[Any]] = {field: [] for field in KINDS}
    for one in given:
        evidence.append(one.evidence(numbers[one.field]))
        numbers[one.field] += 1
        held[one.field].append(one.result)
    parts = parts_of(written, given)
    return Card(
        written=written,
        evidence=tuple(evidence),
        worst=tuple(worst_groups(held["audits"][:heading])),
        parts=parts,
        signals=signals_of(written, given, evidence, parts),
        notes=(
            *_starters(written),
            *told_differences(given),
            *repair_notes(given),
            *_unknown_conditions(written, held["effects"]),
        ),
        audits=tuple(held["audits"]),
        slices=tuple(held["slices"]),
        effects=tuple(held["effects"]),
        switches=tuple(held["switches"]),
        coverages=tuple(held["coverages"]),
        watches=tuple(held["watches"]),
        bounties=tuple(held["bounties"]),
        repairs=tuple(held["repairs"]),
        gates=tuple(held["gates"]),
    )


def _ordered(
    given: Sequence[GivenResult], metrics: Sequence[str], source: str
) -> tuple[list[GivenResult], int]:
    """Results with the audits of the operating point first; and how many audits are of it."""
    audits = [one for one in given if one.field == "audits"]
    order, heading = at_operating_point([one.result for one in audits], metrics, source)
    others = [one for one in given if one.field != "audits"]
    return [*(audits[place] for place in order), *others], heading


def _check_explanations(written: WrittenCard, given: Sequence[GivenResult], source: str) -> None:
    """Refuse an explanation that is no result of effects."""
    effects = [one.name for one in given if one.field == "effects"]
    for name in written.explanations:
        if name not in effects:
            raise InputError(
                f"{source}: explanations names {name!r}, which is no result of effects here.{near(name, effects)}  "
                f"Effects: {', '.join(effects) or 'none; add one to results'}"
            )


def _unknown_conditions(written: WrittenCard, effects: Sequence[Any]) -> list[Note]:
    """Confounders whose condition no result measured."""
    known = {condition for one in effects for condition in one.conditions}
    return [
        Note(
            code="condition_not_measured",
            text=f"“{one.name}” names the condition {one.condition}, which no result on this card measured.",
        )
        for one in written.confounders
        if one.condition and one.condition not in known
    ]


def _starters(written: WrittenCard) -> list[Note]:
    """What still says what the file to fill in says."""
    starter = tomllib.loads(starter_text())["service"]
    names = ("name", "provider", "contact")
    kept = [name for name in names if getattr(written.service, name) == starter[name]]
    if not kept:
        return []
    say = "says" if len(kept) == 1 else "say"
    told = listed([f"{name} (“{starter[name]}”)" for name in kept])
    return [
        Note(
            code="starter_text",
            text=f"{told} still {say} what `evenhand card new` wrote, and nothing of the service.",
        )
    ]
