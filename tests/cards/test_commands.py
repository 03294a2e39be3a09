"""The commands of cards: what their help shows runs, and nothing of worth is replaced."""

import json
import os
import shlex

import pytest
from tests.cards.worlds import METRIC, audited, carded, edited
from tests.commands import run_command

from evenhand.cli.card import VERBS


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("commands")
    audited(folder)
    for version in ("1", "2"):
        _, path = carded(folder, version=version)
        path.rename(folder / f"service-{version}.json")
    return folder


def run(folder, *words):
    return run_command(
        "card", *words, cwd=folder, env={**os.environ, "COLUMNS": "110", "NO_COLOR": "1"}
    )


def test_the_example_of_each_verb_runs(place):
    for verb, (_, text) in VERBS.items():
        words = shlex.split(text.replace("\\\n", " ").removeprefix("$ "))
        assert words[:3] == ["evenhand", "card", verb]
        if verb == "export":
            continue
        ended = run(place, *words[2:])
        assert ended.returncode == 0, ended.stderr


def test_a_new_card_toml_makes_a_card_and_is_never_replaced(tmp_path):
    assert run(tmp_path, "new").returncode == 0
    assert run(tmp_path, "make", "card.toml", "--out", "card.json").returncode == 0
    again = run(tmp_path, "new")
    assert again.returncode == 2
    assert "is there, and may hold what you wrote" in again.stderr


def test_every_field_of_a_card_toml_stands_in_the_new_one(tmp_path):
    import dataclasses
    import typing

    from evenhand.cards.written import WrittenCard

    run(tmp_path, "new")
    text = (tmp_path / "card.toml").read_text(encoding="utf-8")
    for name, hint in typing.get_type_hints(WrittenCard).items():
        assert name in text
        for kind in (hint, *typing.get_args(hint)):
            if dataclasses.is_dataclass(kind):
                assert all(f"{field.name} = " in text for field in dataclasses.fields(kind)), kind


def test_no_output_replaces_a_result_or_the_words(place):
    _, path = carded(place)
    before = {file: file.read_bytes() for file in place.iterdir() if file.is_file()}
    for name in ("calls.toml", "calls.audit.json"):
        ended = run(place, "make", "calls.toml", "--out", name)
        assert ended.returncode == 2
        assert "which this run reads" in ended.stderr
    assert {file: file.read_bytes() for file in before} == before
    assert path.exists()


def test_a_card_is_drawn_and_printed(place, tmp_path):
    carded(place)
    figure, words = tmp_path / "f.svg", tmp_path / "c.md"
    ended = run(
        place, "make", "calls.toml", "--figure", str(figure), "--markdown", str(words), "--json"
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["schema"] == "evenhand.card/1"
    assert "<svg" in figure.read_text(encoding="utf-8")
    text = words.read_text(encoding="utf-8")
    assert "\n# Service card" in text
    # What was written here may be written anew.
    again = run(place, "make", "calls.toml", "--figure", str(figure), "--markdown", str(words))
    assert again.returncode == 0, again.stderr
    assert words.read_text(encoding="utf-8") == text


def test_plain_names_are_shown_and_those_of_nothing_told(place, tmp_path):
    carded(place)
    labels = tmp_path / "labels.toml"
    labels.write_text('error_rate = "wrong calls"\nwest = "Cornwall"\nnobody = "x"\n')
    page = tmp_path / "c.html"
    ended = run(place, "make", "calls.toml", "--html", str(page), "--labels", str(labels))
    assert ended.returncode == 0, ended.stderr
    assert "nothing here is called nobody" in ended.stderr
    assert "wrong calls is worst for Cornwall" in page.read_text(encoding="utf-8")


def test_what_a_card_says_steers_no_terminal(place):
    def change(plain):
        plain["written"]["service"]["name"] = "calls\x1b[31m"

    _, path = carded(place)
    ended = run(place, "verify", edited(path, change).name)
    assert ended.returncode == 1
    assert "\x1b" not in ended.stdout
    shown = run(place, "index", "edited.json")
    assert "\x1b" not in shown.stdout
    assert "changed" in shown.stdout


def test_a_name_that_stands_twice_is_refused(place):
    _, path = carded(place)
    text = path.read_text(encoding="utf-8")
    double = place / "double.json"
    double.write_text(text.replace('"worst":', '"worst": [], "worst":', 1), encoding="utf-8")
    ended = run(place, "verify", "double.json")
    assert ended.returncode == 2
    assert "the name 'worst' stands twice in one object" in ended.stderr
    double.unlink()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["make", "nowhere.toml"], "nowhere.toml cannot be read"),
        (["verify", "nowhere.json"], "nowhere.json cannot be read"),
        (["verify", "calls.csv"], "is no JSON of a card"),
        (["verify", "empty.json"], "empty.json is empty, and no card"),
        (["verify", "service-1.json", "--data", "nowhere.csv"], "--data nowhere.csv is no file"),
        (["verify", "service-1.json", "--public-key", "calls.csv"], "is no public key"),
        (["diff", "service-1.json", "calls.audit.json"], "has the schema 'evenhand.audit/1'"),
        (["diff", "service-1.json", "service-2.json", "--on", "id"], "Name both: --data OLD NEW"),
        (["make", "calls.audit.json"], "card make card.toml calls.audit.json"),
        (["index"], "Name cards, a folder of them, or a glob"),
        (["index", "calls.audit.json"], "has the schema 'evenhand.audit/1'"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_sentence(place, words, message):
    (place / "empty.json").write_text("\n")
    ended = run(place, *words)
    assert ended.returncode == 2
    assert message in " ".join(ended.stderr.split())
    assert "Traceback" not in ended.stderr


def test_a_result_of_the_command_line_is_taken_as_it_is_printed(tmp_path):
    audited(tmp_path)
    words = ["audit", "calls.csv", "--metric", METRIC, "--metric", "mean(wrong)", "--by", "site"]
    printed = run_command(*words, "--json", cwd=tmp_path)
    (tmp_path / "both.json").write_text(printed.stdout, encoding="utf-8")
    card, _ = carded(tmp_path, results=["both.json"])
    assert [one.name for one in card.evidence] == ["both.json[0]", "both.json[1]"]
    assert [one.metric.name for one in card.audits] == ["error_rate", "mean"]
