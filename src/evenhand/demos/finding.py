"""Finding the condition that hurts most: coarse steps on few sentences, finer ones around the worst."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from evenhand import audit
from evenhand.demos.recording import METRIC, UNIT

#: Ventilation, 40 dB below the speech: without it synthetic voices are digitally silent in their
#: pauses, which no recogniser was trained on.
ROOM = "noise(snr=40, colour=pink)"
FREQUENCIES_HZ = (500, 1000, 2000)
RATES_HZ = (None, 2, 8, 16, 32)
#: Steps to both sides of the worst, halfway to the next octave.
NEAR = (0.75, 1.5)
LEVELS_DB = (-5, -10, -15)
COARSE_SENTENCES = 2

Recognise = Callable[[Mapping[str, str], int | None], pa.Table]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A tone: `rate` is how often a second it is switched on, `None` if it stays on."""

    frequency: float
    rate: float | None
    level: float = 0

    @property
    def text(self) -> str:
        """The condition, with the room's noise before it."""
        rate = "" if self.rate is None else f", rate={self.rate:g}"
        return f"{ROOM} | tone(frequency={self.frequency:g}{rate}, level={self.level:g})"

    @property
    def words(self) -> str:
        """What a person calls it.

        Examples
        --------
        >>> Setting(frequency=1000, rate=12, level=-5).words
        '1000 Hz, 12 times a second, 5 dB below the speech'
        """
        rhythm = "steady" if self.rate is None else f"{self.rate:g} times a second"
        loud = f"{-self.level:g} dB below" if self.level else "as loud as"
        return f"{self.frequency:g} Hz, {rhythm}, {loud} the speech"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A setting with the error rate of all voices under it; `step` is coarse, finer or level."""

    setting: Setting
    step: str
    wer: float
    utterances: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToneSearch:
    """What was tried, and the worst of it.

    The error rate of the worst is biased upwards, since it was chosen for being high: what it costs
    whom is measured on other sentences.
    """

    tried: tuple[Tried, ...]
    worst: Setting

    def step(self, name: str) -> tuple[Tried, ...]:
        """What was tried in one step."""
        return tuple(one for one in self.tried if one.step == name)


def find_condition(recognise: Recognise) -> ToneSearch:
    """Sweep frequency × repetition rate, then finer steps around the worst, then its level.

    Parameters
    ----------
    recognise : callable
        Records under conditions, of at most so many sentences.
    """
    coarse = try_out(coarse_settings(), "coarse", recognise, COARSE_SENTENCES)
    finer = try_out(finer_settings(worst_of(coarse)), "finer", recognise, None)
    worst = worst_of(finer)
    levels = try_out([replace(worst, level=level) for level in LEVELS_DB], "level", recognise, None)
    return ToneSearch(tried=(*coarse, *finer, *levels), worst=worst)


def coarse_settings() -> list[Setting]:
    """Octaves of frequency and of rate, as loud as the speech."""
    return [Setting(frequency=f, rate=r) for f in FREQUENCIES_HZ for r in RATES_HZ]


def finer_settings(worst: Setting) -> list[Setting]:
    """The worst and its neighbours between the octaves.

    Examples
    --------
    >>> [one.rate for one in finer_settings(Setting(frequency=1000, rate=16))]
    [16, 12.0, 24.0, 16, 16]
    """
    rates = [] if worst.rate is None else [worst.rate * by for by in NEAR]
    return [
        worst,
        *(replace(worst, rate=rate) for rate in rates),
        *(replace(worst, frequency=worst.frequency * by) for by in NEAR),
    ]


def most_calls(voices: int, find_sentences: int) -> int:
    """Utterances that a search recognises at most."""
    few = min(COARSE_SENTENCES, find_sentences)
    again = len(NEAR) * 2 + 1 + len(LEVELS_DB)
    return voices * (few * len(FREQUENCIES_HZ) * len(RATES_HZ) + find_sentences * again)


def try_out(
    settings: Sequence[Setting], step: str, recognise: Recognise, most: int | None
) -> tuple[Tried, ...]:
    """Error rate of all voices together under each setting."""
    table = recognise({one.text: one.text for one in settings}, most)
    rates = dict(_rates(table))
    rows = table.num_rows // len(settings)
    return tuple(
        Tried(setting=one, step=step, wer=rates[one.text], utterances=rows) for one in settings
    )


def _rates(table: pa.Table) -> Iterator[tuple[str, float]]:
    found = audit(table, METRIC, "condition", unit=UNIT, min_units=2)
    for group in found.groups:
        value = group.estimate.value
        assert value is not None, "every reference has words"
        yield str(group.group["condition"]), value


def worst_of(tried: Sequence[Tried]) -> Setting:
    """The setting with the most errors."""
    return max(tried, key=lambda one: one.wer).setting
