r"""Teach the recogniser what is said on the ward, a dictionary and a language model, and try it on recordings.

    python teach.py TRAIN TEST OUT

TRAIN is a CSV with a column `sentence`, TEST one with a column `file` (within `src/evenhand/demos/ward`); OUT becomes
one with a line for each recording: `heard`.  It is called by `evenhand improve`:

    python teach.py --rows 240 rows.csv test.csv
    evenhand improve rows.csv --test test.csv --train 'python teach.py {train} {test} {out}' \\
        --metric 'wer(reference=reference, hypothesis=heard)' --by about --budget 240 --unit sentence --min-units 10
"""

from __future__ import annotations

import argparse
import csv
import random
from pathlib import Path

import soundfile  # type: ignore[import-untyped]
from language_model import fit_witten_bell
from make_records import Experiment, read_experiment
from recognizer import Recognizer

WARD = Path(__file__).parents[2] / "src" / "evenhand" / "demos" / "ward"
#: Words that tell commands about patients from those about equipment.
PATIENTS = ("patient", "record", "drip", "biopsy", "sample", "chart", "remind")


def about(sentence: str) -> str:
    """What a command is about."""
    return "patients" if any(word in sentence for word in PATIENTS) else "equipment"


def write_rows(experiment: Experiment, count: int, voice: str, rows: Path, test: Path) -> None:
    """Write sentences to learn from, few of them about equipment, and recordings to be tried on."""
    spoken = {sentence.text for sentence in experiment.sentences()}
    drawn = experiment.templates.draw(count, random.Random(experiment.seed), besides=spoken)
    kept = [one for place, one in enumerate(drawn) if about(one) == "patients" or place % 3 == 0]
    with rows.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sentence", "about"])
        writer.writerows([one, about(one)] for one in kept)
    with (WARD / "manifest.csv").open(encoding="utf-8", newline="") as file:
        said = [row for row in csv.DictReader(file) if row["voice"] == voice]
    with test.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "reference", "sentence", "about"])
        for row in said:
            writer.writerow(
                [row["file"], row["reference"], row["sentence"], about(row["reference"])]
            )


def teach(rows: Path, test: Path, out: Path) -> None:
    """Learn from sentences, and write what is heard in recordings."""
    with rows.open(encoding="utf-8", newline="") as file:
        sentences = [row["sentence"] for row in csv.DictReader(file)]
    words = {word for sentence in sentences for word in sentence.split()}
    recogniser = Recognizer(fit_witten_bell(sentences).to_arpa(), words)
    with (
        test.open(encoding="utf-8", newline="") as given,
        out.open("w", encoding="utf-8", newline="") as written,
    ):
        writer = csv.writer(written)
        writer.writerow(["heard"])
        for row in csv.DictReader(given):
            samples, _ = soundfile.read(WARD / row["file"])
            writer.writerow([recogniser.transcribe(samples)])


def main() -> None:
    """Write rows, or learn from them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, help="write so many sentences and the recordings")
    parser.add_argument("--voice", default="slt")
    parser.add_argument("files", type=Path, nargs="+")
    given = parser.parse_args()
    if given.rows:
        write_rows(read_experiment(), given.rows, given.voice, *given.files)
    else:
        teach(*given.files)


if __name__ == "__main__":
    main()
