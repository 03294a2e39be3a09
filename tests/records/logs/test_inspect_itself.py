"""Logs that inspect_ai itself writes, read at once: the rows give the tool's own numbers, or the note says why not."""

import os
import subprocess

import pytest
from tests.records.logs.reading import rows_of

_TASK = """
import sys
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Score, accuracy, mean, scorer
from inspect_ai.solver import solver

LETTERS = "CIPN"

@scorer(metrics=[accuracy()])
def verdict():
    async def score(state, target):
        number = int(state.sample_id[1:])
        return Score(value=LETTERS[(number + state.epoch) % 4], answer=state.output.completion)
    return score

@scorer(metrics={"polite": [mean()], "short": [mean()]})
def traits():
    async def score(state, target):
        number = int(state.sample_id[1:])
        return Score(value={"polite": number % 2, "short": number / 10})
    return score

@solver
def breaks():
    async def solve(state, generate):
        if state.sample_id == "q3" and state.epoch == 2:
            raise ValueError("invented failure")
        # Without a call of the model: its tokens are counted by a table from the network.
        state.output = ModelOutput.from_content("mockllm/model", "answer")
        return state
    return solve

samples = [Sample(id=f"q{i}", input=f"question {i}", target="x", metadata={"dialect": "ns"[i % 2]}) for i in range(6)]
task = Task(dataset=MemoryDataset(samples), solver=breaks(), scorer=[verdict(), traits()])
for kind in ("eval", "json"):
    eval(task, model="mockllm/model", epochs=2, fail_on_error=False, log_dir=sys.argv[1] + "/" + kind,
         log_format=kind, display="none")
"""


@pytest.fixture
def inspect_python():
    """An interpreter that has inspect_ai; `make evals` names it, and is what runs this."""
    found = os.environ.get("EVENHAND_EVALS")
    if not found:
        pytest.skip("make evals runs this, with inspect_ai in an environment of its own.")
    return found


def test_what_the_tool_writes_today(inspect_python, tmp_path):
    """Both formats, made by the tool: the rows give the tool's own numbers, or the note says why not."""
    script = tmp_path / "task.py"
    script.write_text(_TASK)
    done = subprocess.run(
        [inspect_python, script, tmp_path], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    read = {}
    for kind in ("eval", "json"):
        (log,) = (tmp_path / kind).iterdir()
        read[kind], notes = rows_of(log)
        numbers = {"C": 1, "I": 0, "P": 0.5, "N": 0}
        for row in read[kind]:
            number, epoch = int(row["id"][1:]), row["epoch"]
            if (row["id"], epoch) == ("q3", 2):
                assert row["outcome"] == "errored"
                assert "verdict" not in row
                continue
            assert row["verdict"] == numbers["CIPN"[(number + epoch) % 4]]
            assert row["traits_short"] == number / 10
            assert row["dialect"] == "ns"[number % 2]
        # Six samples of two epochs, one of them lost: means over samples first.
        rows = [row for row in read[kind] if row["outcome"] == "answered"]
        by_sample = {}
        for row in rows:
            by_sample.setdefault(row["id"], []).append(row["verdict"])
        own = sum(sum(v) / len(v) for v in by_sample.values()) / len(by_sample)
        pooled = sum(row["verdict"] for row in rows) / len(rows)
        assert own != pytest.approx(pooled, abs=5e-4)
        assert (
            f"says accuracy {own:.3f} of verdict; the 11 rows that have a score give {pooled:.3f}"
            in notes
        )
    keep = ("id", "epoch", "outcome", "verdict", "traits_polite", "traits_short", "dialect")
    plain = {
        kind: sorted([str({k: row.get(k) for k in keep}) for row in rows])
        for kind, rows in read.items()
    }
    assert plain["eval"] == plain["json"]
