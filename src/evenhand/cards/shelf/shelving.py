"""Cards put side by side."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from evenhand.audits.answer import is_share
from evenhand.bounty.files import sha256
from evenhand.cards.result import Card
from evenhand.cards.sealing import sealed_text
from evenhand.cards.shelf.result import Shelf, ShelvedCard, ShelvedWorst, UnreadableCard
from evenhand.cards.verification import check_results, read_card
from evenhand.cards.words import metric_name
from evenhand.errors import InputError
from evenhand.gates.result import GateAnswer
from evenhand.pages.edition import PLAIN
from evenhand.pages.numbers import plural
from evenhand.records.output import matching_files
from evenhand.results.signatures import is_signed


def find_cards(places: Sequence[str]) -> list[Path]:
    """Cards that files, folders and globs name.

    Raises
    ------
    InputError
        Where a place names no file.
    """
    found: dict[Path, None] = {}
    for place in places:
        path = Path(place)
        files = sorted(path.rglob("*.json")) if path.is_dir() else matching_files(place)
        # A folder may hold results too; what is named must be a card.
        own = [file for file in files if _looks_like_card(file)] if path.is_dir() else files
        if not own:
            what = "No card lies in" if path.is_dir() else "No file is called"
            raise InputError(
                f"{what} {place!r}.  Name cards, a folder of them, or a glob: 'cards/*.json'."
            )
        found |= dict.fromkeys(own)
    return list(found)


def _looks_like_card(path: Path) -> bool:
    with path.open("rb") as file:
        return b'"evenhand.card/' in file.read(200)


def shelve(paths: Iterable[Path]) -> Shelf:
    """Cards side by side: by service, the newest first; those that cannot be read stand apart, with the reason.

    Raises
    ------
    InputError
        Where none can be read, with the reason of the first.
    """
    cards, unreadable = [], []
    for path in paths:
        try:
            cards.append(_shelved(path))
        except InputError as error:
            unreadable.append(UnreadableCard(file=str(path), reason=str(error)))
    if not cards and unreadable:
        more = len(unreadable) - 1
        raise InputError(
            unreadable[0].reason
            + (f"  ({plural(more, 'more file')} cannot be read.)" if more else "")
        )
    cards.sort(key=lambda one: one.version, reverse=True)
    cards.sort(key=lambda one: one.applies_to, reverse=True)
    cards.sort(key=lambda one: one.service.casefold())
    return Shelf(cards=tuple(cards), unreadable=tuple(unreadable))


def beside(shelf: Shelf, folder: Path) -> Shelf:
    """The shelf with pages named from a folder in which its own page lies."""
    root = folder.resolve()
    return replace(
        shelf,
        cards=tuple(
            replace(one, page=_from(root, Path(one.page)) if one.page else "")
            for one in shelf.cards
        ),
    )


def _from(root: Path, page: Path) -> str:
    path = page.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else ""


def _shelved(path: Path) -> ShelvedCard:
    card, plain = read_card(path)
    check_results(path, card)
    service = card.written.service
    text = sealed_text(plain)
    signed = card.signature is not None and is_signed(
        text, card.signature.public_key, card.signature.value
    )
    page = path.with_suffix(".html")
    return ShelvedCard(
        file=str(path),
        page=str(page) if page.is_file() else "",
        service=service.name,
        version=service.version,
        provider=service.provider,
        applies_to=service.applies_to,
        content_sha256=card.content_sha256,
        intact=sha256(text) == card.content_sha256 and (signed or card.signature is None),
        signed_by=card.signature.public_key if signed and card.signature else None,
        parts_told=sum(part.told for part in card.parts),
        parts=len(card.parts),
        alarms=sum(len(watch.alarms) for watch in card.watches) if card.watches else None,
        broken_rules=_rules(card, "fail"),
        open_rules=_rules(card, "insufficient evidence"),
        worst=tuple(_worst(card)),
    )


def _rules(card: Card, answer: GateAnswer) -> int | None:
    return sum(len(gate.of(answer)) for gate in card.gates) if card.gates else None


def _worst(card: Card) -> Iterable[ShelvedWorst]:
    for one in card.worst:
        audit = card.audits[one.audit]
        yield ShelvedWorst(
            metric=metric_name(audit),
            group=PLAIN.group(one.group, one.predicate),
            crossed=one.crossed,
            value=one.value,
            low=one.low,
            high=one.high,
            overall=one.overall,
            n_units=one.n_units,
            unit=audit.unit,
            is_share=is_share(audit),
            verdict=one.verdict,
        )
