"""Six weeks of calls in a hospital, made of the ward commands' records: a scanner comes in week 3, a filter in week 5.

    python make_weeks.py [FOLDER]

writes `week-1.csv` to `week-6.csv`.  Nobody called: each call is a record of `ward_commands.csv`, drawn by voice and
sentence.  Floor 3 is quiet for all six weeks.  On floor 4 a scanner hums at 1 kHz, twelve times a second, from 15 March
on; from 29 March on a notch filter stands before the recogniser.
"""

from __future__ import annotations

import csv
import datetime
import random
import sys
from pathlib import Path

RECORDS = Path(__file__).parents[2] / "src" / "evenhand" / "demos" / "ward_commands.csv"
FIRST = datetime.date(2027, 3, 1)
WEEKS, CALLS_A_DAY, SEED = 6, 60, 7
COLUMNS = ("call", "date", "floor", "accent", "voice", "sentence", "reference", "hypothesis")


def condition(day: int, floor: int) -> str:
    """What is heard on a floor on a day, counted from 0."""
    if floor == 3 or day < 14:
        return "quiet"
    return "tone_12hz" if day < 28 else "tone_12hz_notch"


def calls() -> list[list[dict[str, str]]]:
    """The calls of each week."""
    chance = random.Random(SEED)
    with RECORDS.open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    known = {(row["voice"], row["sentence"], row["condition"]): row for row in records}
    spoken = sorted({(row["voice"], row["sentence"]) for row in records})
    weeks: list[list[dict[str, str]]] = [[] for _ in range(WEEKS)]
    for number in range(7 * WEEKS * CALLS_A_DAY):
        day = number // CALLS_A_DAY
        floor = chance.choice([3, 4])
        row = known[(*chance.choice(spoken), condition(day, floor))]
        call = {name: row.get(name, "") for name in COLUMNS}
        call |= {
            "call": f"c{number + 1:04}",
            "date": (FIRST + datetime.timedelta(days=day)).isoformat(),
            "floor": str(floor),
        }
        weeks[day // 7].append(call)
    return weeks


def main() -> None:
    """Write a file a week."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
    folder.mkdir(parents=True, exist_ok=True)
    for number, week in enumerate(calls(), 1):
        with (folder / f"week-{number}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(week)


if __name__ == "__main__":
    main()
