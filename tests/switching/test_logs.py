"""Two logs on one page: paired by what was asked, and by nothing else."""

import json

import pytest
from tests.commands import run_command
from tests.records.logs.reading import (
    inspect_document,
    inspect_sample,
    lm_eval_row,
    written_json,
    written_lines,
)


def _log(path, model, right, *, samples=60, task="t"):
    found = [
        inspect_sample(
            f"s{i}",
            e,
            scores={"right": "C" if right(i, e) else "I"},
            metadata={"dialect": "ns"[i % 2]},
        )
        for i in range(samples)
        for e in (1, 2)
    ]
    document = inspect_document(found)
    document["eval"] |= {"model": model, "task": task}
    return written_json(path, document)


@pytest.fixture
def logs(tmp_path):
    """The second model is right wherever the first is, and in northern questions besides."""
    _log(tmp_path / "old.json", "m1", lambda i, e: i % 3 == 0)
    _log(tmp_path / "new.json", "m2", lambda i, e: i % 3 == 0 or i % 2 == 0, samples=58)
    return tmp_path


def _compared(folder, *words):
    return run_command("audit", *words, "--worse", "lower", "--by", "dialect", "--json", cwd=folder)


def test_rows_are_paired_by_id_and_epoch(logs):
    found = json.loads(
        _compared(logs, "old.json", "new.json", "--compare", "--metric", "mean(right)").stdout
    )
    assert [service["name"] for service in found["services"]] == ["right", "new_right"]
    assert found["unit"] == "id"
    assert [service["n_scored"] for service in found["services"]] == [120, 116]
    assert [service["n_unpaired"] for service in found["services"]] == [4, 0]
    changes = {g["group"]["dialect"]: g["change"] for g in found["groups"] if g["change"]}
    old = [i % 3 == 0 for i in range(58)]
    new = [i % 3 == 0 or i % 2 == 0 for i in range(58)]
    for dialect, parity in (("n", 0), ("s", 1)):
        gain = [n - o for i, (o, n) in enumerate(zip(old, new, strict=True)) if i % 2 == parity]
        # Above 0 is a loss.
        assert changes[dialect]["value"] == pytest.approx(-sum(gain) / len(gain))
    verdicts = {g["group"]["dialect"]: g["verdict"] for g in found["groups"] if g["verdict"]}
    assert verdicts["n"] == "gains"
    assert "new.json is joined by id and epoch and task: 116 of 120 rows" in json.dumps(
        found["notes"]
    )


def test_the_same_by_joining(logs):
    sugar = json.loads(
        _compared(logs, "old.json", "new.json", "--compare", "--metric", "mean(right)").stdout
    )
    plain = json.loads(_compared(logs, "old.json", "--with", "new.json", "--compare", "mean(right)", "mean(new_right)").stdout)  # fmt: skip
    assert sugar["groups"] == plain["groups"]


def test_logs_of_different_tasks_are_not_compared(logs):
    _log(logs / "other.json", "m2", lambda i, e: True, task="another")
    found = _compared(logs, "old.json", "other.json", "--compare", "--metric", "mean(right)")
    assert found.returncode == 2
    assert "No row of old.json has a partner in other.json by id and epoch and task" in found.stderr


def test_what_they_said_of_themselves_joins_too(logs):
    (logs / "people.csv").write_text("dialect,region\nn,up\ns,down\n")
    found = run_command(
        "audit", "old.json", "new.json", "--compare", "--metric", "mean(right)", "--worse", "lower", "--with", "people.csv",
        "--on", "dialect", "--by", "region", "--json", cwd=logs,
    )  # fmt: skip
    assert {g["group"]["region"] for g in json.loads(found.stdout)["groups"]} == {"up", "down"}, (
        found.stderr
    )


def test_a_filter_that_was_not_chosen(tmp_path):
    for name in ("a", "b"):
        rows = [lm_eval_row(i, filter=f) for i in range(20) for f in ("strict", "loose")]
        written_lines(tmp_path / f"samples_t_{name}.jsonl", rows)
    found = run_command(
        "audit", "samples_t_a.jsonl", "samples_t_b.jsonl", "--compare", "--metric", "mean(acc)", "--worse", "lower",
        "--by", "dialect", cwd=tmp_path,
    )  # fmt: skip
    assert found.returncode == 2
    assert "several rows of one id" in found.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("old.json", "new.json", "--metric", "mean(right)"), "does not take 'new.json' besides"),
        (("old.json", "--compare", "--metric", "mean(right)"), "--compare names no services"),
        (("old.json", "new.json", "--compare"), "--metric names 0"),
        (("old.json", "new.json", "--compare", "--metric", "selection_rate(prediction=(right = 1))"), "names columns, and its prediction is more"),
        (("old.json", "gone.json", "--compare", "--metric", "mean(right)"), "No file is called 'gone.json'"),
        (("old.json", "new.json", "--compare", "--metric", "mean(right)", "--weight", "epoch"), "takes no --weight"),
        (("old.json", "new.json", "--compare", "--metric", "mean(right)", "--stratum", "epoch"), "--stratum is for"),
        (("old.json", "new.json", "--compare", "--metric", "mean(right)", "--html", "new.json", "--force"), "which this run reads"),
    ],
)  # fmt: skip
def test_comparisons_that_are_none(logs, words, told):
    found = _compared(logs, *words)
    assert found.returncode == 2, found.stdout
    assert told in found.stderr
