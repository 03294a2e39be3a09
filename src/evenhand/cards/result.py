"""What a card says: values that go to JSON and back unchanged."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from evenhand.audits.result import Audit, Verdict
from evenhand.bounty.telling.standing import Standing
from evenhand.cards.written import WrittenCard
from evenhand.differential.result import Effects
from evenhand.errors import Note
from evenhand.gates.result import Gate
from evenhand.groups.partition import Key
from evenhand.lastmile.coverage.result import Coverage
from evenhand.pages.shown import Shown
from evenhand.repairs.result import RepairTrial
from evenhand.slicing.result import Slices
from evenhand.switching.result import Switches
from evenhand.watching.result import Watch

#: Fields of a card that hold results, by the kind that they hold.
Field = Literal[
    "audits",
    "slices",
    "effects",
    "switches",
    "coverages",
    "watches",
    "bounties",
    "repairs",
    "gates",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardEvidence:
    """Where the numbers of one result came from.

    Attributes
    ----------
    name : str
        The file as `results` names it; with its place, as `audit.json[1]`, where the file holds several.
    file_sha256 : str
        SHA-256 of the file's bytes.
    field : Field
        The field of the card that holds the result.
    number : int
        Its place there, from 0.
    schema : str
        The form of the result.
    about : str
        What it measured, as it was written.
    command : str
        The command that gave it.
    repeat : str
        The same command on a table of your own; empty where the result tells none.
    table : str
        What the table was called; empty for bounties, and for a policy over several tables.
    rows : int or None
        Rows that the numbers rest on.
    data_sha256 : str or None
        SHA-256 of the table's bytes; `None` for frames, servers, cubes and bounties,
        and for a policy over several tables, whose rules tell theirs.
    version : str
        Version of Evenhand that computed it; empty where the result does not tell.
    """

    name: str
    file_sha256: str
    field: Field
    number: int
    schema: str
    about: str
    command: str
    repeat: str
    table: str
    rows: int | None
    data_sha256: str | None
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstGroup:
    """The group for which a metric is worst, over attributes taken one by one, or crossed.

    Where the group with the worst value is not proven worse and another one is, both are told.

    Attributes
    ----------
    audit : int
        Place of its audit among `audits`.
    crossed : bool
        Whether attributes are crossed.
    chosen : {'worst value', 'worst proven'}
        Among all groups that have an interval, or among those that are proven worse.
    by : tuple of str
        The attributes that tell it apart.
    group : dict
        Its values.
    predicate : str
        The group as a predicate.
    value : float
        The metric for it.
    low : float or None
        Lower end of its interval, which holds for this group alone.
    high : float or None
        Upper end of it.
    n_units : int or None
        Independent units behind it.
    overall : float or None
        The metric for everybody.
    verdict : Verdict or None
        Of its difference to the reference; holds for all groups of its audit at once.
    compared : int
        Groups with a value among which it is the worst.
    unjudged : int
        Groups that were refused or hidden, and may be worse.
    """

    audit: int
    crossed: bool
    chosen: Literal["worst value", "worst proven"]
    by: tuple[str, ...]
    group: dict[str, Key]
    predicate: str
    value: float
    low: float | None
    high: float | None
    n_units: int | None
    overall: float | None
    verdict: Verdict | None
    compared: int
    unjudged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPart:
    """A part that a card should have, and whether it is there.

    Attributes
    ----------
    name : str
        Short name, which check-lists use: `explainability`.
    title : str
        Its heading.
    written : bool
        Whether people told it.
    measured : bool
        Whether a result tells it.
    """

    name: str
    title: str
    written: bool
    measured: bool

    @property
    def told(self) -> bool:
        """Whether anything tells it."""
        return self.written or self.measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One of the four signals of Evaluation Cards: how far what is reported can be relied upon.

    Attributes
    ----------
    name : str
        `reproducibility`, `completeness`, `provenance and risk` or `comparability`.
    rule : str
        What is counted, as a sentence.
    met : int
        How many things satisfy the rule.
    of : int
        How many were looked at.
    lacking : tuple of str
        Those that do not, each with the reason.
    """

    name: str
    rule: str
    met: int
    of: int
    lacking: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSignature:
    """A signature over the canonical JSON of everything else on the card.

    Attributes
    ----------
    algorithm : str
        Always `ed25519`.
    public_key : str
        The key that verifies it, 32 bytes as 64 hexadecimal digits.
    value : str
        The signature, 64 bytes as 128 hexadecimal digits.
    """

    algorithm: Literal["ed25519"]
    public_key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card(Shown):
    """A service card: what people wrote, the results whole, and what follows from both.

    Attributes
    ----------
    written : WrittenCard
        What people wrote.
    evidence : tuple of CardEvidence
        Where each result came from, in the order of `results`.
    worst : tuple of WorstGroup
        For each audit at the operating point the worst group, single attributes before crossed ones.
    parts : tuple of CardPart
        Every part that a card should have.
    signals : tuple of Signal
        The four signals.
    notes : tuple of Note
        What a reader must know before the numbers.
    audits : tuple of Audit
        Groups compared; metrics of the operating point first, in its order.
    slices : tuple of Slices
        Searches for subsets that nobody named.
    effects : tuple of Effects
        What conditions cost.
    switches : tuple of Switches
        What another service would change.
    coverages : tuple of Coverage
        What the tables tell of, and what is missing.
    watches : tuple of Watch
        What is watched as rows come.
    bounties : tuple of Standing
        What outsiders improved.
    repairs : tuple of RepairTrial
        Decisions that were mended for groups: who gains, who pays.
    gates : tuple of Gate
        Policies that were asked: rules kept, broken and open.
    content_sha256 : str
        SHA-256 of the card's canonical JSON (RFC 8785) without this field and the signature.
    signature : CardSignature or None
        `None` where no key was given.
    """

    SCHEMA: ClassVar[str] = "evenhand.card/1"
    ROOM: ClassVar[str] = "evenhand.cards"

    written: WrittenCard
    evidence: tuple[CardEvidence, ...]
    worst: tuple[WorstGroup, ...]
    parts: tuple[CardPart, ...]
    signals: tuple[Signal, ...]
    notes: tuple[Note, ...]
    audits: tuple[Audit, ...] = ()
    slices: tuple[Slices, ...] = ()
    effects: tuple[Effects, ...] = ()
    switches: tuple[Switches, ...] = ()
    coverages: tuple[Coverage, ...] = ()
    watches: tuple[Watch, ...] = ()
    bounties: tuple[Standing, ...] = ()
    repairs: tuple[RepairTrial, ...] = ()
    gates: tuple[Gate, ...] = ()
    content_sha256: str = ""
    signature: CardSignature | None = None

    def of(self, field: Field, number: int) -> CardEvidence:
        """Where a result of the card came from."""
        return next(one for one in self.evidence if (one.field, one.number) == (field, number))

    def held(self, one: CardEvidence) -> Any:
        """The result that an origin is of."""
        return getattr(self, one.field)[one.number]
