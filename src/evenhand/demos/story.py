"""What the live demo found: the condition, who pays for it, and what the repair gives and takes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from evenhand import Effects, effects
from evenhand.demos.finding import ROOM, Setting, ToneSearch, Tried
from evenhand.demos.recording import METRIC, UNIT, Ward
from evenhand.differential import Effect, GroupEffect, Pair
from evenhand.pages import numbers

QUIET, STEADY, ALARM = "quiet", "steady", "alarm"
QUIET_NOTCH, ALARM_NOTCH = "quiet_notch", "alarm_notch"
#: Conditions of the proof, in the order in which they are told.
CONDITIONS = (QUIET, STEADY, ALARM, ALARM_NOTCH, QUIET_NOTCH)
#: Voices that differ by less than a word in a thousand are told as equal.
_LEAST = 0.0005


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceLine:
    """One voice under all conditions of the proof.

    Attributes
    ----------
    voice : str
    rates : dict
        Word error rate by condition; `None` where undefined.
    beyond : Effect
        What the alarm costs it beyond what it costs the other voices.
    verdict : str
    gain : Effect
        What the notch changes beside the alarm; negative is fewer errors.
    price : Effect
        What the notch changes in the quiet room; positive is more errors.
    lost : tuple of str
        Where the notch leaves more errors than there were without it.
    """

    voice: str
    rates: dict[str, float | None]
    beyond: Effect
    verdict: str
    gain: Effect
    price: Effect
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The live demo's findings.

    Attributes
    ----------
    search : ToneSearch
        On the sentences for finding.
    harm : Effects
        Of the alarm, and of the same tone without its rhythm, against the quiet room; on the
        sentences for proving.
    repair : Effects
        Of the notch beside the alarm.
    price : Effects
        Of the notch in the quiet room, and of alarm and notch together, against the quiet room.
    records : str
        File of the records.
    seconds : float
        How long it took.
    recognised, kept : int
        Utterances recognised in this run, and those whose words an earlier one had kept.
    """

    search: ToneSearch
    harm: Effects
    repair: Effects
    price: Effects
    records: str
    seconds: float = 0.0
    recognised: int = 0
    kept: int = 0

    @property
    def setting(self) -> Setting:
        """The condition found."""
        return self.search.worst

    @property
    def lines(self) -> tuple[VoiceLine, ...]:
        """Voices, the one that pays most first."""
        found = [_line(self, one) for one in _under(self.harm, ALARM)]
        return tuple(sorted(found, key=lambda one: -(one.beyond.value or 0.0)))

    @property
    def widest(self) -> Pair | None:
        """The two voices that the alarm sets furthest apart."""
        pairs = [one for one in self.harm.pairs if one.condition == ALARM]
        return pairs[0] if pairs else None

    def overall(self, condition: str) -> float | None:
        """Word error rate of all voices together."""
        found = {
            one.condition: one.estimate.value for one in (*self.harm.overall, *self.price.overall)
        }
        return found[condition]

    @property
    def sentences(self) -> tuple[tuple[str, str], ...]:
        """The story as it is told: a title and a sentence for each of its four parts."""
        return (
            ("Quiet room", _quiet(self)),
            ("Found", _found(self)),
            ("Who pays", _paid(self)),
            ("Repair", _repaired(self)),
        )


def proof_conditions(setting: Setting) -> dict[str, str]:
    """Conditions of the proof: with and without the tone, its rhythm and the notch."""
    notch = f" | notch(frequency={setting.frequency:g})"
    return {
        QUIET: ROOM,
        STEADY: replace(setting, rate=None).text,
        ALARM: setting.text,
        QUIET_NOTCH: ROOM + notch,
        ALARM_NOTCH: setting.text + notch,
    }


def tell_story(ward: Ward, search: ToneSearch) -> Story:
    """Recognise the sentences for proving under the condition found, and compare."""
    ward.recognise(proof_conditions(search.worst), "prove", out=ward.records)

    def compared(reference: str, *only: str) -> Effects:
        return effects(
            str(ward.records), METRIC, "voice", reference=reference, only=only, unit=UNIT
        )

    # Where the worst tone is a steady one there is no second of its kind.
    steady = (STEADY,) if search.worst.rate is not None else ()
    return Story(
        search=search,
        harm=compared(QUIET, *steady, ALARM),
        repair=compared(ALARM, ALARM_NOTCH),
        price=compared(QUIET, QUIET_NOTCH, ALARM_NOTCH),
        records=str(ward.records),
    )


def grid(tried: tuple[Tried, ...]) -> list[tuple[float, list[Tried]]]:
    """Settings by frequency, each with its rates in the order in which they were tried."""
    ordered = sorted(tried, key=lambda one: one.setting.frequency)
    return [(f, list(row)) for f, row in groupby(ordered, lambda one: one.setting.frequency)]


def points(effect: Effect, *, signed: bool = True) -> str:
    """Percentage points with their bounds: ``+37.9 (23.3 to 52.5)``."""
    if effect.value is None:
        return "–"
    told = numbers.points(effect.value, in_points=True, signed=signed)
    return told if effect.low is None else f"{told} ({bounds(effect)})"


def bounds(effect: Effect) -> str:
    """Bounds in percentage points, ``23.3 to 52.5``; empty where there are none."""
    if effect.low is None or effect.high is None:
        return ""
    low, high = (numbers.minus(f"{value * 100:.1f}") for value in (effect.low, effect.high))
    return f"{low} to {high}"


def _under(found: Effects, condition: str) -> Iterator[GroupEffect]:
    return (one for one in found.groups if one.condition == condition)


def _line(story: Story, alarm: GroupEffect) -> VoiceLine:
    def own(found: Effects, condition: str) -> GroupEffect:
        return next(one for one in _under(found, condition) if one.predicate == alarm.predicate)

    gain = own(story.repair, ALARM_NOTCH).cost
    price = own(story.price, QUIET_NOTCH).cost
    assert alarm.differential is not None
    assert gain is not None
    assert price is not None
    every = {one.condition: one.estimate.value for found in (story.harm, story.price)
             for one in found.groups if one.predicate == alarm.predicate}  # fmt: skip
    places = (("beside the alarm", gain), ("in the quiet room", price))
    return VoiceLine(
        voice=alarm.label,
        rates=every,
        beyond=alarm.differential,
        verdict=alarm.verdict or "",
        gain=gain,
        price=price,
        lost=tuple(place for place, effect in places if (effect.value or 0.0) > _LEAST),
    )


def _quiet(story: Story) -> str:
    rates = [one.rates[QUIET] for one in story.lines]
    told = numbers.share(story.overall(QUIET))
    if not any(rates):
        return f"every voice is understood without an error (word error rate {told})."
    return f"word error rate {told}; " + ", ".join(
        f"{one.voice} {numbers.share(one.rates[QUIET])}" for one in story.lines
    )


def _found(story: Story) -> str:
    sentence = (
        f"a tone of {story.setting.words}: word error rate {numbers.share(story.overall(ALARM))}"
    )
    if story.setting.rate is None:
        return f"{sentence}."
    return f"{sentence}.  The same tone without its rhythm: {numbers.share(story.overall(STEADY))}."


def _paid(story: Story) -> str:
    proven = [one for one in story.lines if one.verdict == "costs more"]
    if not proven:
        return "no voice is proven to pay more than the others."
    paid = "; ".join(f"{one.voice} {points(one.beyond)}" for one in proven)
    sentence = f"points of errors beyond what it costs the other voices: {paid}."
    pair = story.widest
    if pair is None or pair.differential.low is None:
        return sentence
    first, second = (_name(text) for text in (pair.first, pair.second))
    return f"{sentence}  {first} pays {points(pair.differential, signed=False)} more than {second}."


def _name(predicate: str) -> str:
    """Voice that a predicate names: ``slt`` of ``voice = 'slt'``."""
    return predicate.partition("=")[2].strip().strip("'")


def _repaired(story: Story) -> str:
    lines = story.lines
    sentence = (
        f"a notch filter at {story.setting.frequency:g} Hz before the recogniser brings "
        f"{numbers.share(story.overall(ALARM))} to {numbers.share(story.overall(ALARM_NOTCH))}"
    )
    gains = "; ".join(f"{one.voice} {points(one.gain)}" for one in lines)
    losers = "; ".join(f"{one.voice}, {' and '.join(one.lost)}" for one in lines if one.lost)
    return f"{sentence}; in points, {gains}.  " + (
        f"Who loses by it: {losers}." if losers else "No voice loses by it."
    )
