"""Make the ward-command records: synthetic voices, an alarm tone, a real recogniser.

Run ``python make_records.py``; see README.md. What is said, by whom and under which sounds
stands in ward_commands.toml.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from language_model import fit_witten_bell
from recognizer import Recognizer
from sentences import Templates
from tones import SAMPLE_RATE_HZ, Condition, Samples, heard, levelled
from voices import Voice, missing_engines, speak

HERE = Path(__file__).parent
EXPERIMENT = HERE / "ward_commands.toml"
RECORDS = HERE.parents[1] / "src" / "evenhand" / "demos" / "ward_commands.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """Something said by every voice: the independent unit of the records."""

    name: str
    number: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One utterance: a sentence in a voice under a condition, and what was recognised.

    ``None`` is written as an empty field: there is no tone, or no gate. An empty `hypothesis` says
    that the recogniser heard no words.
    """

    utterance: str
    voice: str
    engine: str
    accent: str
    gender: str
    condition: str
    tone_hz: float | None
    gate_hz: float | None
    snr_db: float | None
    sentence: str
    reference: str
    hypothesis: str
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """What is said, by whom, and under which sounds: the content of ward_commands.toml."""

    seed: int
    floor_snr_db: float
    templates: Templates
    spoken_sentences: int
    training_sentences: int
    voices: list[Voice]
    conditions: list[Condition]

    def sentences(self) -> list[Sentence]:
        """Draw the sentences every voice says, no two alike."""
        texts = self.templates.draw_distinct(self.spoken_sentences, random.Random(self.seed))
        return [
            Sentence(name=f"s{number:02}", number=number, text=text)
            for number, text in enumerate(texts, 1)
        ]

    def training(self) -> list[str]:
        """Draw sentences like the spoken ones, but none of them."""
        spoken = frozenset(sentence.text for sentence in self.sentences())
        return self.templates.draw(
            self.training_sentences, random.Random(self.seed + 1), besides=spoken
        )

    def recognizer(self) -> Recognizer:
        """Build a recogniser trained on none of the spoken sentences."""
        return Recognizer(fit_witten_bell(self.training()).to_arpa(), self.templates.words())

    def sound(self, speech: Samples, sentence: Sentence, condition: Condition) -> Samples:
        """Put the speech under the condition.

        Noise and phases depend on the sentence alone, so voices and conditions are compared under
        the same ones.
        """
        generator = np.random.default_rng([self.seed, sentence.number])
        return heard(speech, condition, floor_snr_db=self.floor_snr_db, generator=generator)


def read_experiment(path: Path = EXPERIMENT) -> Experiment:
    """Read an experiment from a TOML file."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return Experiment(
        seed=content["seed"],
        floor_snr_db=content["floor"]["snr_db"],
        templates=Templates(
            patterns=content["language"]["templates"], slots=content["language"]["slots"]
        ),
        spoken_sentences=content["spoken_sentences"],
        training_sentences=content["training_sentences"],
        voices=[Voice(**voice) for voice in content["voice"]],
        conditions=[Condition(**condition) for condition in content["condition"]],
    )


def record_voice(
    experiment: Experiment,
    recognizer: Recognizer,
    voice: Voice,
    sentences: Sequence[Sentence],
) -> Iterator[Record]:
    """Yield the records of one voice: each sentence under each condition."""
    for sentence in sentences:
        speech = levelled(speak(voice, sentence.text))
        for condition in experiment.conditions:
            hypothesis = recognizer.transcribe(experiment.sound(speech, sentence, condition))
            yield Record(
                utterance=f"{voice.name}/{sentence.name}/{condition.name}",
                voice=voice.name,
                engine=voice.engine,
                accent=voice.accent,
                gender=voice.gender,
                condition=condition.name,
                tone_hz=condition.tone_hz,
                gate_hz=condition.gate_hz,
                snr_db=condition.snr_db,
                sentence=sentence.name,
                reference=sentence.text,
                hypothesis=hypothesis,
                duration_s=round(speech.size / SAMPLE_RATE_HZ, 2),
            )


def write_records(records: Sequence[Record], path: Path) -> None:
    """Write records as CSV, one line each, in UTF-8 with plain line feeds."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Record)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(asdict, records))


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the records and say how far we are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--experiment", type=Path, default=EXPERIMENT, help="a TOML file")
    parser.add_argument("--out", type=Path, default=RECORDS, help="the CSV file to write")
    options = parser.parse_args(arguments)

    experiment = read_experiment(options.experiment)
    if missing := missing_engines(experiment.voices):
        print(
            f"Not installed: {', '.join(missing)}. Try: apt-get install {' '.join(missing)}",
            file=sys.stderr,
        )
        return 2
    recognizer, sentences = experiment.recognizer(), experiment.sentences()
    records: list[Record] = []
    for number, voice in enumerate(experiment.voices, 1):
        print(f"voice {number} of {len(experiment.voices)}: {voice.name}", file=sys.stderr)
        records += record_voice(experiment, recognizer, voice, sentences)
    write_records(records, options.out)
    print(f"{len(records)} records in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
