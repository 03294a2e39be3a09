"""Whether a card is what it claims to be: its seal, its results, and its numbers from the data."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evenhand.bounty.files import sha256
from evenhand.cards.assembly import assembled
from evenhand.cards.checks import CardCheck, CardVerification, compared
from evenhand.cards.contradictions import check_agreement, check_groups
from evenhand.cards.discrepancies import Discrepancy, discrepancies
from evenhand.cards.given import KINDS, GivenResult, read_file
from evenhand.cards.recomputation import Ask, recomputed
from evenhand.cards.result import Card
from evenhand.cards.sealing import sealed_text
from evenhand.errors import InputError
from evenhand.gates.keys import RATES
from evenhand.pages.numbers import listed, plural
from evenhand.records.json_files import read_json
from evenhand.results.protocol import to_plain
from evenhand.results.signatures import is_signed


def read_card(path: Path) -> tuple[Card, dict[str, Any]]:
    """A card, and its JSON as it stands in the file.

    Raises
    ------
    InputError
        Where it is no card; for one of another version, with what reads it.
    """
    advice = "A card is what `evenhand card make … --out FILE` wrote."
    plain, _ = read_json(path, "card", advice)
    schema = plain.get("schema") if isinstance(plain, dict) else None
    if schema != Card.SCHEMA:
        form, _, number = str(schema).partition("/")
        known, _, own = Card.SCHEMA.partition("/")
        newer = form == known and number.isdigit() and int(number) > int(own)
        hint = (
            "It was written by a newer version of Evenhand; nothing of it was checked.  Read it with that version: "
            "pip install --upgrade evenhand"
            if newer
            else advice
        )
        raise InputError(
            f"{path} has the schema {schema!r:.60}, but this version reads {Card.SCHEMA!r}.  {hint}"
        )
    try:
        card = Card.from_dict(plain)
        _check_places(card)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return card, plain


def read_sealed(path: Path) -> Card:
    """A card that is what was sealed.

    Raises
    ------
    InputError
        As `read_card`; where the card's digest is of another content, and where its results contradict each other.
    """
    card, plain = read_card(path)
    if sha256(sealed_text(plain)) != card.content_sha256:
        raise InputError(
            f"{path} was changed after it was made: its digest is of another content.  What was changed: "
            f"evenhand card verify {path}"
        )
    check_results(path, card)
    return card


def check_results(path: Path, card: Card) -> None:
    """Refuse a card whose results contradict each other or themselves.

    Raises
    ------
    InputError
        As `check_agreement`, with the card.
    """
    try:
        check_agreement(_held(card))
    except InputError as error:
        raise InputError(
            f"{path}: {error}  All that is wrong: evenhand card verify {path}"
        ) from error


def verify_card(
    path: str | Path,
    *,
    public_key: str | None = None,
    data: Sequence[Path] = (),
    ask: Ask | None = None,
) -> CardVerification:
    """Check all of a card that what is at hand allows.

    Parameters
    ----------
    path : str or Path
        The card's JSON; files of results are looked for beside it.
    public_key : str, optional
        Whose signature it should bear, as 64 hexadecimal digits.
    data : sequence of Path
        Tables that results rest on; their commands are asked again.
    ask : callable, optional
        Asks a command again of a table.

    Raises
    ------
    InputError
        Where it is no card, or one of another version.
    """
    place = Path(path)
    card, plain = read_card(place)
    looked = _Looked(card=card, plain=plain)
    text = sealed_text(plain)
    looked.checks.append(_digest(card, text))
    looked.checks.append(_signature(card, text, public_key))
    looked.sums()
    looked.files(place)
    for check, new in recomputed(card, plain, data, ask):
        looked.checks.append(check)
        looked.found += new
    looked.derived()
    service = card.written.service
    return CardVerification(
        service=f"{service.name} {service.version}",
        content_sha256=card.content_sha256,
        checks=tuple(looked.checks),
        discrepancies=tuple(dict.fromkeys(looked.found)),
    )


def _digest(card: Card, text: bytes) -> CardCheck:
    found = sha256(text)
    if found == card.content_sha256:
        return CardCheck(name="digest", state="holds", sentence=f"Its digest is right: {found}.")
    return CardCheck(
        name="digest",
        state="fails",
        sentence=f"The card says that its digest is {card.content_sha256 or 'none'}, but it is {found}: "
        "something was changed after it was made.",
    )


def _signature(card: Card, text: bytes, public_key: str | None) -> CardCheck:
    signature = card.signature
    if signature is None:
        if public_key is None:
            sentence = "It is not signed, so nothing says whose it is."
            return CardCheck(name="signature", state="not checked", sentence=sentence)
        sentence = "It is not signed, but you named a key that should have signed it."
        return CardCheck(name="signature", state="fails", sentence=sentence)
    if not is_signed(text, signature.public_key, signature.value):
        sentence = (
            "Its signature is not of this text: something was changed, or another key signed."
        )
        return CardCheck(name="signature", state="fails", sentence=sentence)
    if public_key is None:
        return CardCheck(
            name="signature",
            state="not checked",
            sentence=f"The key {signature.public_key} signed it.  Whose that is you must know from elsewhere: "
            "--public-key FILE",
        )
    if signature.public_key.lower() != public_key:
        return CardCheck(
            name="signature",
            state="fails",
            sentence=f"It is signed by {signature.public_key}, and not by {public_key}.",
        )
    return CardCheck(name="signature", state="holds", sentence="The key that you named signed it.")


@dataclass(slots=True)
class _Looked:
    """What was found so far."""

    card: Card
    plain: dict[str, Any]
    checks: list[CardCheck] = field(default_factory=list)
    found: list[Discrepancy] = field(default_factory=list)

    def tell(self, name: str, new: Sequence[Discrepancy], good: str, bad: str) -> None:
        """A check that compared something."""
        self.found += new
        self.checks.append(compared(name, new, good, bad))

    def derived(self) -> None:
        """What follows from the results on the card: worst groups, parts, signals, notes, origins."""
        says = "the results on the card"
        try:
            again = to_plain(assembled(self.card.written, _held(self.card), source="the card"))
        except InputError as error:
            told = f"Nothing follows from its results: {error}"
            self.checks.append(CardCheck(name="derived", state="fails", sentence=told))
            return
        names = ("worst", "parts", "signals", "notes", "evidence")
        new = [
            one
            for name in names
            for one in discrepancies(self.plain[name], again[name], name, says)
        ]
        good = "Worst groups, parts, signals and origins follow from its results."
        self.tell("derived", new, good, "What should follow from its results does not")

    def sums(self) -> None:
        """Rates that are not their own sums divided."""
        looked = list(_sums(self.plain, ""))
        if not looked:
            told = "No rate stands on the card with its sums."
            self.checks.append(CardCheck(name="sums", state="not checked", sentence=told))
            return
        new = [one for found in looked for one in found]
        good = f"{plural(len(looked), 'rate')} on it are their sums divided."
        self.tell("sums", new, good, "Rates are not what their sums give")

    def files(self, card: Path) -> None:
        """Results in the files beside the card."""
        folder = card.parent
        there: dict[str, list[GivenResult]] = {}
        absent, new = [], []
        for one in self.card.evidence:
            file = one.name.partition("[")[0] if one.name.endswith("]") else one.name
            path = folder / file
            outside = ".." in Path(file).parts or Path(file).is_absolute()
            if outside or not path.is_file() or path.samefile(card):
                absent.append(one.name)
                continue
            if file not in there:
                try:
                    there[file] = list(read_file(path, file))
                except InputError as error:
                    told = str(error)
                    new.append(
                        Discrepancy(place=one.name, stands=one.schema, should=told, says=str(path))
                    )
                    continue
            match = next((given for given in there[file] if given.name == one.name), None)
            if match is None or match.field != one.field:
                told = "another result" if match else "nothing"
                new.append(
                    Discrepancy(place=one.name, stands=one.schema, should=told, says=str(path))
                )
                continue
            at = f"{one.field}[{one.number}]"
            stands = self.plain[one.field][one.number]
            own = list(discrepancies(stands, to_plain(match.result), at, str(path)))
            if not own and match.file_sha256 != one.file_sha256:
                own = [
                    Discrepancy(
                        place=f"the digest of {one.name}",
                        stands=one.file_sha256,
                        should=match.file_sha256,
                        says=str(path),
                    )
                ]
            new += own
        checked = len(self.card.evidence) - len(absent)
        if checked:
            say = "says" if checked == 1 else "say"
            good = f"{plural(checked, 'result')} beside it {say} the same."
            self.tell("files", new, good, "Results beside it say something else")
        if absent:
            self.checks.append(
                CardCheck(
                    name="files",
                    state="not checked",
                    sentence=f"Not beside the card: {listed(absent)}.",
                )
            )


def _check_places(card: Card) -> None:
    """Refuse a card whose results have no origin, or several, and one that names results it does not hold."""
    named = Counter((one.field, one.number) for one in card.evidence)
    held = {(kind, number) for kind in KINDS for number in range(len(getattr(card, kind)))}
    for (kind, number), often in named.items():
        if (kind, number) not in held or often > 1:
            raise InputError(
                f"evidence names {kind}[{number}] {plural(often, 'time')}, but the card holds "
                f"{plural(len(getattr(card, kind)), 'result')} there, each of which has one origin."
            )
    if lacking := sorted(held - named.keys()):
        kind, number = lacking[0]
        raise InputError(f"evidence does not tell where {kind}[{number}] came from.")
    for place, audit in enumerate(card.audits):
        check_groups(f"audits[{place}]", audit)
    for place, one in enumerate(card.worst):
        if not 0 <= one.audit < len(card.audits):
            raise InputError(
                f"worst[{place}].audit is {one.audit}, but the card holds {plural(len(card.audits), 'audit')}."
            )


def _held(card: Card) -> list[GivenResult]:
    """The results on a card as they were given."""
    return [
        GivenResult(
            name=one.name,
            file_sha256=one.file_sha256,
            field=one.field,
            result=card.held(one),
        )
        for one in card.evidence
    ]


def _sums(plain: Any, place: str) -> Iterator[list[Discrepancy]]:
    """Of each estimate with its sums, whether its value is numerator over denominator."""
    if isinstance(plain, list):
        for number, one in enumerate(plain):
            yield from _sums(one, f"{place}[{number}]")
        return
    # With a judge's help a rate is more than its sums.
    if not isinstance(plain, dict) or isinstance(plain.get("judge"), dict):
        return
    known = {"value", "numerator", "denominator", "low", "high"} <= plain.keys()
    if known and ("n_rows" in plain or plain.get("limit") in RATES):
        value, above, below = plain["value"], plain["numerator"], plain["denominator"]
        if value is not None and above is not None and below:
            yield list(discrepancies(value, above / below, f"{place}.value", "its own sums"))
    for name, one in plain.items():
        yield from _sums(one, f"{place}.{name}" if place else name)
