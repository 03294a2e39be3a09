"""JSON of fixed inputs: what other programs read stays what it is, field for field and digit for digit."""

import csv
import os
import random
import re
import shlex
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest
from tests.commands import run_command

import evenhand.demos

HERE = Path(__file__).parent
COMMANDS = tomllib.loads((HERE / "commands.toml").read_text(encoding="utf-8"))
#: What differs from run to run: keys, random salts, moments, durations, machines, versions.
PASSING = re.compile(
    r'(?P<name>"(?:seconds|duration|python|evenhand|duckdb|numpy|rapidfuzz)": |"version": (?="\d))(?:"[^"]*"|[-\d.e+]+)'
    r"|(?P<hex>(?<![.\w])(?=\d*[a-f])[0-9a-f]{12,}\b)|(?P<moment>\b\d{4}-\d\d-\d\dT[\d:.+Z]+)"
)
NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?")
CARD = """\
results = ["slices_all.json", "effects.json", "audit_units.json", "watch.json", "bounty_status.json"]
out_of_scope = ["Anything else."]

[service]
name = "ward dictation"
version = "1.0"
provider = "the demo"
applies_to = 2026-01-01
contact = "cards@example.org"

[measured]
by = "nobody"
relation = "third party"

[operating_point]
description = "As it stands."
metrics = ["wer"]

[[uses]]
name = "notes at the bed"
risks = ["A wrong word."]

[[confounders]]
name = "tones"
condition = "tone_12hz"

[[data]]
table = "ward.csv"
labels = "What was said."
"""
PLAN = """\
[trial]
name = "questions"
metrics = ["error_rate(label=reference, prediction=output)"]

[samples]
manifest = "questions.csv"
kind = "text"
unit = "patient"

[[conditions]]
apply = "casing(to=upper)"

[[services]]
kind = "program"
name = "first letters"
arguments = ["cut", "-c1-4"]
"""
POLICY = """\
title = "Clinic"
table = "clinic.csv"
unit = "doctor"

[[rule]]
name = "errors by site"
metric = "error_rate(label=ill, prediction=flag)"
by = "site"
maximum = 0.6

[[rule]]
name = "doctors of each site"
metric = "error_rate(label=ill, prediction=flag)"
by = "site"
coverage = 30
"""
BROKEN = """\
table = "clinic.csv"
level = 0.9

[[rule]]
name = "gap by site and sex"
metric = "error_rate(label=ill, prediction=flag)"
by = "site,sex"
maximum_difference = 0.05
minimum_ratio = 0.8
hazard = "an illness is overlooked"
treatment = "a second doctor looks"
review_trigger = "each new model"
review_by = 2099-01-01

[[rule]]
name = "old age"
metric = "true_positive_rate(label=ill, prediction=flag)"
by = "age >= 60"
condition = "ward"
minimum = 0.5

[[rule]]
name = "nobody named"
metric = "error_rate(label=ill, prediction=flag)"
slices = true
features = ["site", "sex", "ward"]

[[rule]]
name = "last release"
metric = "error_rate(label=ill, prediction=flag)"
by = "site"
not_worse_than = "last.json"
"""
FIT = """\
import csv, sys
rows, test, out = sys.argv[1:]
risks = sorted((float(row["score"]), int(row["ill"])) for row in csv.DictReader(open(rows)))
least, cut = min((sum(not ill for _, ill in risks[i:]) + sum(ill for _, ill in risks[:i]), risks[i][0])
                 for i in range(len(risks)))
with open(out, "w") as file:
    print("prediction", file=file)
    for row in csv.DictReader(open(test)):
        print(int(float(row["score"]) >= cut), file=file)
"""


def clinic(count, seed):
    """Rows of a clinic: a flag that misses the ill of one site, more so the old."""
    chance = random.Random(seed)
    for number in range(count):
        site = chance.choice(["east", "north", "south", "west"])
        age = chance.randint(20, 89)
        ill = int(chance.random() < 0.4)
        score = min(max(chance.gauss(0.3 + 0.4 * ill - 0.3 * ill * (site == "west"), 0.2), 0), 1)
        minutes = chance.randint(5, 60)
        yield {
            "site": site,
            "sex": chance.choice(["f", "m"]) if number % 50 else "",
            "age": age,
            "ward": chance.choice(["a", "b", "c"]),
            "doctor": f"d{chance.randint(1, 40)}",
            "score": round(score, 3),
            "flag": int(score > 0.5 and not (site == "west" and age > 60)),
            "old": int(score > 0.45),
            "ill": ill,
            "minutes": minutes,
            "expected": minutes // 5 * 5 + 5 * chance.randint(-1, 1) + 5 * (site == "west"),
        }


def labelled(count, seed):
    """Rows of the clinic of which people labelled every third, and a judge all, wrong about one in ten."""
    chance = random.Random(seed)
    for number, row in enumerate(clinic(count, seed)):
        judge = row["ill"] if chance.random() < 0.9 else 1 - row["ill"]
        yield row | {"human": row["ill"] if number % 3 == 0 else "", "judge": judge}


def prepare(folder):
    """Write the tables that the commands read."""
    packaged = Path(evenhand.demos.__file__).parent / "ward_commands.csv"
    shutil.copy(packaged, folder / "ward.csv")
    tables = {
        "clinic": clinic(600, 1),
        "labelled": labelled(600, 6),
        "train": bounty_rows(400, 2),
        "practice": bounty_rows(400, 3),
        "sealed": bounty_rows(1600, 4),
        "fresh": bounty_rows(800, 5),
        "questions": (
            {
                "id": f"q{number}",
                "text": f"{'yes' if number % 3 else 'no'}, said patient {number}",
                "reference": "YES," if number % 2 else "yes,",
                "patient": f"p{number % 4}",
                "dialect": ["north", "south"][number % 2],
            }
            for number in range(12)
        ),
    }
    for name, rows in tables.items():
        listed = list(rows)
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(listed[0]))
            writer.writeheader()
            writer.writerows(listed)
    later = CARD.replace("1.0", "1.1").replace("audit_units", "audit_later")
    for name, text in (
        ("plan", PLAN),
        ("policy", POLICY),
        ("broken", BROKEN),
        ("card", CARD),
        ("later", later),
    ):
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    (folder / "fit.py").write_text(FIT, encoding="utf-8")


def bounty_rows(count, seed):
    return (
        {name: row[name] for name in ("sex", "age", "score", "ill")} for row in clinic(count, seed)
    )


def settled(text):
    """The text without what passes, its fractions to nine digits that matter."""
    text = PASSING.sub(lambda found: (found["name"] or "") + '"…"' if found["name"] else "…", text)
    return NUMBER.sub(lambda found: rounded(found[0]), text)


def rounded(number):
    """The number as it stands, or to nine digits where it has more: the last ones are the processor's."""
    return number if sum(map(str.isdigit, number)) <= 9 else f"{float(number):.9g}"


def answers():
    """JSON of every command, in order, in one folder."""
    settings = {**os.environ, "COLUMNS": "110", "NO_COLOR": "1"}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare(folder)
        for name, command in COMMANDS.items():
            ended = run_command(*shlex.split(command), "--json", cwd=folder, env=settings)
            assert ended.stdout, f"{command}\n{ended.stderr}"
            (folder / f"{name}.json").write_text(ended.stdout, encoding="utf-8")
            yield name, settled(ended.stdout.replace(str(folder), "…"))


@pytest.fixture(scope="module")
def found():
    return dict(answers())


@pytest.mark.parametrize("name", COMMANDS)
def test_json_is_what_it_was(found, name):
    assert found[name] == (HERE / "answers" / f"{name}.json").read_text(encoding="utf-8")


if __name__ == "__main__":
    chosen = sys.argv[1:]
    for name, text in answers():
        if not chosen or name in chosen:
            (HERE / "answers" / f"{name}.json").write_text(text, encoding="utf-8")
