"""Make the recordings of this story: invented speakers, each with a voice, a pitch and a pace of flite.

Run ``python make_recordings.py``; it writes about 40 MB into ``recordings`` and three tables beside it.
"""

from __future__ import annotations

import csv
import random
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
WARD = HERE.parent / "ward_commands"
sys.path.insert(0, str(WARD))
from sentences import Templates  # noqa: E402 - stands in the story beside

VOICES = ("slt", "rms", "kal16", "awb")
SPEAKERS = {"train": 3, "practice": 30, "sealed": 70}
SENTENCES = 4
TALK = Templates(
    patterns=(
        "my {relative} will come to see me on {day}",
        "could you please open the {thing} a little",
        "i did not sleep well because of the {noise}",
        "when is the {meal} going to be ready",
        "the {thing} in the corner is broken again",
        "i would like to talk to my {relative} this {time}",
    ),
    slots={
        "relative": ("daughter", "brother", "neighbor", "husband", "mother"),
        "day": ("sunday", "tuesday", "friday", "saturday"),
        "thing": ("window", "curtain", "door", "television", "drawer"),
        "noise": ("traffic", "thunder", "music", "snoring"),
        "meal": ("breakfast", "dinner", "soup", "coffee"),
        "time": ("morning", "evening", "afternoon"),
    },
)


def commands() -> Templates:
    """What is said to the devices of the ward, as in the story of the ward's commands."""
    language = tomllib.loads((WARD / "ward_commands.toml").read_text(encoding="utf-8"))["language"]
    return Templates(patterns=language["templates"], slots=language["slots"])


def recordings(part: str, draw: random.Random) -> Iterator[dict[str, str]]:
    """Yield the lines of one table, and speak each; half of a speaker's sentences are commands."""
    said = {"command": commands(), "talk": TALK}
    for number in range(SPEAKERS[part]):
        speaker, voice = f"{part}-{number:02d}", draw.choice(VOICES)
        pitch, pace = draw.randint(90, 220), draw.uniform(0.85, 1.25)
        for place in range(SENTENCES):
            kind = "talk" if place % 2 else "command"
            templates = said[kind]
            text = templates.filled(draw.choice(templates.patterns), draw, besides=())
            file = HERE / "recordings" / f"{speaker}-{place}.wav"
            settings = [f"int_f0_target_mean={pitch}", f"duration_stretch={pace:.2f}"]
            speak = ["flite", "-voice", voice]
            for setting in settings:
                speak += ["--setf", setting]
            subprocess.run([*speak, "-t", text, "-o", str(file)], check=True)
            yield {
                "file": f"recordings/{file.name}",
                "speaker": speaker,
                "voice": voice,
                "high": "yes" if pitch >= 155 else "no",
                "kind": kind,
                "said": text,
            }


def main() -> None:
    """Write all tables."""
    (HERE / "recordings").mkdir(exist_ok=True)
    draw = random.Random(8)
    for part in SPEAKERS:
        rows = list(recordings(part, draw))
        with (HERE / f"{part}.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
            table.writeheader()
            table.writerows(rows)


if __name__ == "__main__":
    main()
