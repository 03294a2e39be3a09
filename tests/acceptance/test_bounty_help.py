"""What the help of each verb of a bounty shows can be run, and no verb loads what it does without."""

import csv
import os
import random
import shlex
import shutil
import subprocess
import sys

import pytest
from tests.commands import run_command

from evenhand.bounty import Bounty, DirectRunner, SubmissionError
from evenhand.bounty.judging import block
from evenhand.cli.bounty import VERBS

#: What no verb needs before it does its work.
SPARED = {
    "duckdb", "jinja2", "narwhals", "numba", "onnxruntime", "pandas", "pyarrow", "scipy", "sklearn",
    "evenhand.audits", "evenhand.slicing", "evenhand.trials", "evenhand.cubes", "evenhand.metrics",
}  # fmt: skip


#: The secret of dora, a team; its public half stands in the first test vector of RFC 8032.
SECRET = "secret-9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
DORA = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"


def run(*words, cwd):
    settings = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "EVENHAND_TEAM_KEY": SECRET}
    return run_command("bounty", *words, cwd=cwd, env=settings, timeout=300)


def people(rows, seed):
    draw = random.Random(seed)
    for _ in range(rows):
        age, sex = draw.randint(18, 79), draw.choice("FM")
        high = 0.9 if age >= 60 else 0.1
        yield {"age": age, "sex": sex, "need": "high" if draw.random() < high else "low"}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    place = tmp_path_factory.mktemp("tables")
    sizes = {"train": 400, "practice": 400, "sealed": 1600, "fresh": 400}
    for seed, (name, rows) in enumerate(sizes.items()):
        with (place / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["age", "sex", "need"])
            writer.writeheader()
            writer.writerows(people(rows, seed))
    for number in (1, 2, 3):
        with (place / f"chat{number}.csv").open("w", encoding="utf-8") as file:
            print(
                "text,age,need",
                *(f"{number}-{i},{i % 7},low" for i in range(40)),
                sep="\n",
                file=file,
            )
    return place


@pytest.fixture(scope="module")
def begun(tables, tmp_path_factory):
    """A bounty with an accepted update, one submission that waits, and two sealed blocks left."""
    place = shutil.copytree(tables, tmp_path_factory.mktemp("begun") / "place")
    given = ["--train", "train.csv", "--practice", "practice.csv", "--sealed", "sealed.csv"]
    more = ["--label", "need", "--constant", "low", "--blocks", "3", "--seed", "1"]
    (place / "bots.py").write_text("def low(text):\n    return 'low'\n")
    bot = '[[services]]\nkind = "python"\nname = "{}"\nfunction = "bots:low"\n'
    (place / "first.toml").write_text(bot.format("low"))
    (place / "services.toml").write_text(bot.format("other"))
    asked = ["--label", "need", "--ask", "text", "--loss", "differs"]
    for words in (
        ["init", "need", *given, *more],
        [
            *(
                "init",
                "chat",
                "--train",
                "chat1.csv",
                "--practice",
                "chat2.csv",
                "--sealed",
                "chat3.csv",
            ),
            *(*asked, "--services", "first.toml", "--service", "low"),
        ],
        ["submit", "need", "--team", "bob", "--group", "age >= 70", "--constant", "high"],
        ["close", "need"],
        ["submit", "need", "--team", "cy", "--group", "age >= 65", "--constant", "high"],
        ["register", "need", "dora", DORA],
        [
            *("submit", "need", "--team", "dora", "--group", "age >= 64", "--constant", "high"),
            *("--out", "mine.json"),
        ],
    ):
        ended = run(*words, cwd=place)
        assert ended.returncode == 0, ended.stderr
    return place


def run_out_of_time(folder):
    """An epoch whose candidates all fail by time."""

    def late(*_):
        raise SubmissionError("timeout", "")

    with pytest.MonkeyPatch.context() as patch, Bounty(folder, runner=DirectRunner()) as bounty:
        patch.setattr(block, "_answering", lambda *_: late)
        bounty.close_epoch()


def examples(*verb):
    """The commands that a help ends in."""
    shown = run(*verb, "--help", cwd=None).stdout
    _, mark, block = shown.rpartition("\nExamples\n")
    assert mark, shown
    lines = block.replace("\\\n", " ").splitlines()
    assert all(line.startswith("$ evenhand bounty ") for line in lines), block
    return [shlex.split(line)[3:] for line in lines]


@pytest.mark.parametrize("verb", [*VERBS, ""])
def test_a_help_ends_in_an_example_that_runs(tables, begun, tmp_path, verb):
    if verb == "hunt":
        pytest.importorskip("skl2onnx")
    if verb in ("key", "sign"):
        pytest.importorskip("cryptography")
    place = shutil.copytree(tables if verb == "init" else begun, tmp_path / "place")
    if verb == "appeal":
        run_out_of_time(place / "need")
    shown = examples(*filter(None, [verb]))
    assert shown
    sent = [path.stem for path in (place / "need" / "submissions").glob("*.json")]
    for words in shown:
        assert words[0] == verb or not verb
        if verb in ("rollback", "withdraw", "appeal", "vouch"):
            given = [[*words[:2], key[:8], *words[3:]] for key in sent]
            assert 0 in [run(*each, cwd=place).returncode for each in given]
            continue
        ended = run(*words, cwd=place)
        assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_verbs_are_those_that_the_help_lists():
    shown = run("--help", cwd=None).stdout
    assert all(f"│ {verb} " in shown for verb in VERBS)
    assert len([line for line in shown.splitlines() if line.startswith("│ ")]) == len(VERBS) + 1


def test_no_verb_loads_what_it_does_without():
    code = "; ".join(f"import evenhand.cli.bounty.{verb}" for verb in VERBS)
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert SPARED & set(done.stdout.split()) == set()
