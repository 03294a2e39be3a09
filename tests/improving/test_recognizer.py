"""A recogniser that learns from sentences: the loop of `evenhand improve` on recordings."""

import csv
import shlex
import sys
from pathlib import Path

import pyarrow.csv
import pytest

import evenhand

EXAMPLE = Path(__file__).parents[2] / "examples" / "ward_commands"
pytest.importorskip("pocketsphinx")
soundfile = pytest.importorskip("soundfile")


def test_a_recogniser_that_has_heard_little_of_a_subject_is_told_to_learn_more_of_it(tmp_path):
    sys.path.insert(0, str(EXAMPLE))
    try:
        import teach
    finally:
        sys.path.remove(str(EXAMPLE))
    rows, test = tmp_path / "rows.csv", tmp_path / "test.csv"
    teach.write_rows(teach.read_experiment(), 240, "slt", rows, test)
    with test.open(newline="") as file:
        said = list(csv.DictReader(file))
    kept = [row for row in said if row["about"] == "equipment"][:3]
    kept += [row for row in said if row["about"] == "patients"][:3]
    with test.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(kept[0]))
        writer.writeheader()
        writer.writerows(kept)
    program = shlex.join([sys.executable, str(EXAMPLE / "teach.py")])
    found = evenhand.improve(
        pyarrow.csv.read_csv(rows),
        f"{program} {{train}} {{test}} {{out}}",
        "wer(reference=reference, hypothesis=heard)",
        "about",
        test=test,
        budget=120,
        repeats=2,
        unit="sentence",
        min_units=3,
    )
    told = {one.group["about"]: one for one in found.groups}
    assert told["equipment"].training_rows == 40
    assert told["patients"].training_rows == 120
    # Few sentences on equipment were seen: its words are unknown, and more of it is what is collected.
    assert told["equipment"].value > told["patients"].value + 0.1
    assert told["equipment"].collect > told["patients"].collect
    assert told["equipment"].gain.high > told["patients"].gain.high
    # With fewer sentences of it, it is worse.
    cut = [run for run in found.runs if run.rows == (10, 120)]
    assert len(cut) == 2
    assert min(run.values[0] for run in cut) >= told["equipment"].value
