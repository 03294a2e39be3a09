"""Whether a card is what it claims to be: its seal, its results, and its numbers from the data."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from evenhand.bounty.files import sha256
from evenhand.cards.assembly import assembled
from evenhand.cards.discrepancies import Discrepancy, discrepancies
from evenhand.cards.given import KINDS, GivenResult, read_file
from evenhand.cards.result import Card, CardEvidence
from evenhand.cards.sealing import is_signed, sealed_text
from evenhand.errors import InputError
from evenhand.pages.edition import without_folders
from evenhand.pages.numbers import listed, plural
from evenhand.records.files import fingerprint
from evenhand.records.json_files import read_json
from evenhand.results.origin import versions
from evenhand.results.protocol import Result, to_plain

#: Asks a result's command again of a table; raises `InputError` where it may not be asked.
Ask = Callable[[str, Path], Sequence[Any]]
State = Literal["holds", "fails", "not checked"]
#: What differs from run to run, by its place in a result: versions, how it was asked, and how long it took.
PASSING = (
    "command", "settings.command", "settings.versions", "settings.kernel", "settings.memory_limit",
    "searched.seconds",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CardCheck:
    """One thing that was looked at.

    Attributes
    ----------
    name : str
        What: `digest`, `signature`, `sums`, `derived`, `files`, `data`, or `again`, where tables were given and a
        result was not computed again.
    state : State
        `holds`, `fails` or `not checked`.
    sentence : str
        The same for people, with what was looked at and what to do.
    """

    name: str
    state: State
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardVerification(Result):
    """What became of a card's claims.

    Attributes
    ----------
    service : str
        Name and version of the service.
    content_sha256 : str
        The digest that the card claims.
    checks : tuple of CardCheck
        What was looked at.
    discrepancies : tuple of Discrepancy
        Every place that is not what it should be.
    """

    SCHEMA: ClassVar[str] = "evenhand.card_verification/1"

    service: str
    content_sha256: str
    checks: tuple[CardCheck, ...]
    discrepancies: tuple[Discrepancy, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing that could be checked is wrong."""
        return all(check.state != "fails" for check in self.checks)

    @property
    def unasked(self) -> int:
        """How many results were not computed again although tables were given."""
        return sum(check.name == "again" for check in self.checks)


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
        As `read_card`; and where the card's digest is of another content.
    """
    card, plain = read_card(path)
    if sha256(sealed_text(plain)) != card.content_sha256:
        raise InputError(
            f"{path} was changed after it was made: its digest is of another content.  What was changed: "
            f"evenhand card verify {path}"
        )
    return card


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
    looked.data(data, ask)
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
    if not is_signed(text, signature):
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
        state: State = "fails" if new else "holds"
        told = f"{bad}: {plural(len(new), 'place')}." if new else good
        self.checks.append(CardCheck(name=name, state=state, sentence=told))

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
            good = f"{plural(checked, 'result')} beside it say the same."
            self.tell("files", new, good, "Results beside it say something else")
        if absent:
            self.checks.append(
                CardCheck(
                    name="files",
                    state="not checked",
                    sentence=f"Not beside the card: {listed(absent)}.",
                )
            )

    def data(self, data: Sequence[Path], ask: Ask | None) -> None:
        """Numbers, by asking the commands again of the tables at hand."""
        tables = {fingerprint([path]): path for path in data}
        wanted = {one.data_sha256 for one in self.card.evidence}
        together = fingerprint(sorted(data))
        for digest, path in tables.items():
            if digest not in wanted and together not in wanted:
                self.checks.append(
                    CardCheck(
                        name="data",
                        state="fails",
                        sentence=f"{path} has SHA-256 {digest}, and no result on the card rests on it: it is another "
                        "table, or was changed since.",
                    )
                )
        for one in self.card.evidence:
            table = tables.get(one.data_sha256 or "")
            if table is None or ask is None:
                why = _why(one, together)
                self.checks.append(
                    CardCheck(
                        name="again" if data else "data",
                        state="not checked",
                        sentence=f"The numbers of {one.name} were not computed again: {why}.",
                    )
                )
            else:
                self.again(one, table, ask)

    def again(self, one: CardEvidence, table: Path, ask: Ask) -> None:
        """One result, from its command and its table."""
        try:
            results = ask(one.command, table)
        except InputError as error:
            self.checks.append(
                CardCheck(
                    name="again",
                    state="not checked",
                    sentence=f"The numbers of {one.name} were not computed again: {error}",
                )
            )
            return
        stands = self.plain[one.field][one.number]
        plain = [_renamed(to_plain(result), table, one.table) for result in results]
        place = f"{one.field}[{one.number}]"
        passing = {f"{place}.{path}" for path in PASSING}
        says = f"its command on {table}"
        same = [
            list(discrepancies(stands, other, place, says, passing))
            for other in plain
            if _asks(other) == _asks(stands)
        ]
        new = min(same, key=len, default=[
            Discrepancy(place=place, stands=one.about, should="nothing of the kind", says=says)
        ])  # fmt: skip
        own = dict(versions())["evenhand"]
        good = f"The numbers of {one.name} come out again from {table}."
        other = "" if one.version == own else f" (by Evenhand {one.version}; this is {own})"
        bad = f"{one.name}{other} says something else than its command on {table}"
        self.tell("data", new, good, bad)


def _renamed(plain: Any, table: Path, name: str) -> Any:
    """A result of a table as if it had been called otherwise."""
    if isinstance(plain, dict):
        return {key: _renamed(one, table, name) for key, one in plain.items()}
    if isinstance(plain, list):
        return [_renamed(one, table, name) for one in plain]
    if isinstance(plain, str):
        return plain.replace(str(table), name).replace(table.name, without_folders(name))
    return plain


def _why(one: CardEvidence, together: str) -> str:
    """Why the numbers of a result were not computed again."""
    if one.data_sha256 is None:
        return "its table has no SHA-256"
    if one.data_sha256 == together:
        return (
            "its table is several files, which have the SHA-256 that the card tells.  Ask its command of them: "
            f"{one.command}"
        )
    return "give its table with --data"


def _asks(plain: dict[str, Any]) -> Any:
    """What tells the results of one command apart."""
    return plain["schema"], plain["metric"]["expression"]


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
            result=getattr(card, one.field)[one.number],
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
    if {"value", "numerator", "denominator", "low", "high", "n_rows"} <= plain.keys():
        value, above, below = plain["value"], plain["numerator"], plain["denominator"]
        if value is not None and above is not None and below:
            yield list(discrepancies(value, above / below, f"{place}.value", "its own sums"))
    for name, one in plain.items():
        yield from _sums(one, f"{place}.{name}" if place else name)
