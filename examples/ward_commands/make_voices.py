"""Make what ``evenhand demo`` recognises live: voices as Opus, their manifest, the language model.

Run ``python make_voices.py``; it writes about 1 MB into ``src/evenhand/demos/ward``. What is said,
and by whom, stands in ward_commands.toml.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import soundfile  # type: ignore[import-untyped]
from language_model import fit_witten_bell
from make_records import EXPERIMENT, HERE, Experiment, Sentence, read_experiment
from pocketsphinx import get_model_path  # type: ignore[import-untyped]
from recognizer import pronunciations
from tones import SAMPLE_RATE_HZ, levelled
from voices import Voice, missing_engines, speak

WARD = HERE.parents[1] / "src" / "evenhand" / "demos" / "ward"


def write_voices(
    experiment: Experiment, live: dict[str, Any], folder: Path
) -> Iterator[dict[str, str]]:
    """Write each sentence in each voice, at one level with 0.3 s before and after.

    Yields
    ------
    dict
        The utterance's line of the manifest.
    """
    proving = live["proving_sentences"]
    sentences = experiment.sentences()[: proving + live["finding_sentences"]]
    for voice in (voice for voice in experiment.voices if voice.name in live["voices"]):
        print(f"voice {voice.name}", file=sys.stderr)
        for sentence in sentences:
            file = folder / voice.name / f"{sentence.name}.opus"
            file.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(
                file,
                levelled(speak(voice, sentence.text)),
                SAMPLE_RATE_HZ,
                format="OGG",
                subtype="OPUS",
                compression_level=live["opus_compression"],
            )
            part = "prove" if sentence.number <= proving else "find"
            yield manifest_line(voice, sentence, part, file.relative_to(folder))


def manifest_line(voice: Voice, sentence: Sentence, part: str, file: Path) -> dict[str, str]:
    """Tell what is known of an utterance."""
    return {
        "id": f"{voice.name}/{sentence.name}",
        "file": file.as_posix(),
        "reference": sentence.text,
        "sentence": sentence.name,
        "voice": voice.name,
        "accent": voice.accent,
        "gender": voice.gender,
        "part": part,
    }


def write_language(experiment: Experiment, folder: Path) -> None:
    """Write the language model and the pronunciations of its words."""
    (folder / "ward.arpa").write_text(
        fit_witten_bell(experiment.training()).to_arpa(), encoding="utf-8"
    )
    dictionary = Path(get_model_path("en-us")) / "cmudict-en-us.dict"
    (folder / "ward.dict").write_text(
        pronunciations(dictionary, experiment.templates.words()), encoding="utf-8"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--experiment", type=Path, default=EXPERIMENT, help="a TOML file")
    parser.add_argument("--out", type=Path, default=WARD, help="the folder to write")
    options = parser.parse_args(arguments)

    experiment = read_experiment(options.experiment)
    live = tomllib.loads(options.experiment.read_text(encoding="utf-8"))["live"]
    if missing := missing_engines([v for v in experiment.voices if v.name in live["voices"]]):
        print(
            f"Not installed: {', '.join(missing)}. Try: apt-get install {' '.join(missing)}",
            file=sys.stderr,
        )
        return 2
    lines = list(write_voices(experiment, live, options.out))
    with (options.out / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    write_language(experiment, options.out)
    print(f"{len(lines)} utterances in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
