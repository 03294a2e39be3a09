"""A judge may agree with people for one group and not for another: an audit of the judge, over a socket."""

import json
import random
import shlex

import pytest
from tests.commands import run_command

import evenhand
from evenhand.services import MemoryService
from evenhand.trials import make_plan, run_trial

MANNERS = ["Score: {}", '{{"score": {}}}', "{}/5", "Note : {} sur 5", "Bewertung: {} von 5"]
PLAN = """\
[trial]
name = "judged"
measure = false

[samples]
manifest = "answers.jsonl"
kind = "text"
unit = "author"

[[services]]
kind = "replay"
name = "bot"
file = "answers.jsonl"
output = "said"

[[scores]]
kind = "judge"
column = "rude"
human = "people"
threshold = 3
service = {{kind = "chat", name = "judge", url = "{url}", model = "m", prompt = "{{text}}"}}
"""


def answers(generator, count=240, rudeness=None):
    """Answers of two groups of authors, rude or not by people's labels."""
    for number in range(count):
        dialect = ["north", "islands"][number % 2]
        rude = generator.random() < (rudeness or {}).get(dialect, 0.5)
        yield {"id": number, "text": "Well?", "said": f"Answer {number} {'rude' if rude else 'fine'}.",
               "people": "5" if rude else "1", "dialect": dialect, "author": f"a{number // 2 % 60}{dialect}"}  # fmt: skip


def judged(said, row_of, wrong, generator):
    """A judge's words: wrong with a chance that depends on the dialect; the manners of several services."""
    number = int(said.split()[1])
    right = "rude" in said
    err = generator.random() < wrong[row_of[number]["dialect"]]
    return MANNERS[number % len(MANNERS)].format(5 if right != err else 1)


@pytest.fixture
def folder(tmp_path):
    rows = list(answers(random.Random(1)))
    (tmp_path / "answers.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", "utf-8")
    return tmp_path


def test_the_next_command_finds_the_group_for_which_the_judge_is_worse(folder, fake):
    rows = [json.loads(line) for line in (folder / "answers.jsonl").read_text("utf-8").splitlines()]
    generator = random.Random(2)
    wrong = {"north": 0.05, "islands": 0.35}

    def reply(_, __, body):
        said = json.loads(body)["messages"][-1]["content"]
        return fake.chat(judged(said, rows, wrong, generator))

    with fake.serving(reply) as server:
        (folder / "plan.toml").write_text(PLAN.format(url=server.url), "utf-8")
        told = run_command("trial", "plan.toml", "--out", "judged.parquet", cwd=folder)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "Judge 'rude' and 'people': kappa" in told.stdout
    (step,) = [line for line in told.stdout.splitlines() if "rude_people" in line]
    words = shlex.split(step.removeprefix("Next:"))
    assert words[:2] == ["evenhand", "audit"]
    audit = run_command(*words[1:], cwd=folder)
    assert "Worse for dialect = 'islands': error_rate" in audit.stdout, audit.stdout
    kappa = [each.replace("error_rate", "cohen_kappa") for each in words[1:]]
    assert "Worse for dialect = 'islands': cohen_kappa" in run_command(*kappa, cwd=folder).stdout


def test_a_judge_that_errs_alike_is_seldom_worse_for_a_group(tmp_path):
    """At most 5 of 100 null worlds name a group, and three standard errors more; one group is rude five times as often."""
    worlds, generator = 40, random.Random(3)
    rows = []
    for world in range(worlds):
        rows += [
            {**row, "world": world, "author": f"{world} {row['author']}"}
            for row in answers(generator, 120, {"north": 0.5, "islands": 0.1})
        ]
    said = {f"{row['world']} {row['said']}": row for row in rows}
    wrong = {"north": 0.15, "islands": 0.15}

    def judge(request):
        row = said[request.media]
        return judged(row["said"], {row["id"]: row}, wrong, generator)

    names = ("people", "dialect", "author", "world")
    plan = {
        "trial": {"measure": False},
        "samples": [
            {"id": text, "text": text, "attributes": {name: row[name] for name in names}}
            for text, row in said.items()
        ],
        "services": [MemoryService(name="bot", function=lambda request: request.media)],
        "scores": [{"kind": "judge", "column": "rude", "service": MemoryService(name="judge", function=judge),
                    "human": "people", "threshold": 3}],
    }  # fmt: skip
    out = tmp_path / "worlds.parquet"
    run_trial(make_plan(plan), out=out)
    metric = "error_rate(label=rude_people, prediction=rude_yes)"
    named = [
        evenhand.audit(str(out), metric, by="dialect", unit="author", where=f"world = {world}")
        for world in range(worlds)
    ]
    found = sum(any(group.verdict == "worse" for group in audit.groups) for audit in named)
    assert found <= worlds * 0.05 + 3 * (worlds * 0.05 * 0.95) ** 0.5
