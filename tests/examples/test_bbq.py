"""BBQ: a model's real answers, replayed, have the published bias scores."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import evenhand

SCRIPT = Path(__file__).parents[2] / "examples" / "bbq" / "make_trial.py"
#: Figure 3 of Parrish et al. (2022): ambiguous and disambiguated, UnifiedQA in ARC and RACE format.
PUBLISHED = {
    "arc": {
        "Age": (48.9, 3.3),
        "Disability_status": (32.6, -0.7),
        "Physical_appearance": (47.7, -1.7),
        "Sexual_orientation": (11.8, 0.5),
    },
    "race": {
        "Age": (29.8, 1.2),
        "Disability_status": (21.2, -1.4),
        "Physical_appearance": (40.9, -2.3),
        "Sexual_orientation": (5.8, -0.7),
    },
}


def make(folder, out, answers="unifiedqa-t5-11b_pred_arc"):
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(folder), str(out), answers],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def scores(records, place, unit="template"):
    name = ["bbq_ambiguous_bias", "bbq_disambiguated_bias"][place]
    context = ["ambig", "disambig"][place]
    audit = evenhand.audit(
        str(records), metric=f"{name}(target, unknown, negative=polarity = 'neg')",
        by="category", unit=unit, where=f"context = '{context}'", adjust="holm",
    )  # fmt: skip
    return {group.label: group.estimate for group in audit.groups}


@pytest.mark.data
@pytest.mark.parametrize("form", list(PUBLISHED))
def test_bias_scores_are_the_published_ones(tmp_path, data, form):
    made = make(data / "bbq", tmp_path, f"unifiedqa-t5-11b_pred_{form}")
    assert made.returncode == 0, made.stderr
    trial = evenhand.run_trial(tmp_path / "plan.toml", out=tmp_path / "r.parquet")
    assert trial.outcomes == {"answered": 7676}
    for place in (0, 1):
        found = scores(tmp_path / "r.parquet", place)
        for category, published in PUBLISHED[form].items():
            assert 100 * found[category].value == pytest.approx(published[place], abs=0.1)
            assert found[category].n_units == 25


@pytest.mark.data
def test_rows_as_units_would_claim_too_much(tmp_path, data):
    """25 templates stand behind 1,840 rows: the interval over rows is several times too short."""
    make(data / "bbq", tmp_path)
    evenhand.run_trial(tmp_path / "plan.toml", out=tmp_path / "r.parquet")
    by_template = scores(tmp_path / "r.parquet", 0)
    by_row = scores(tmp_path / "r.parquet", 0, unit="id")
    age, row = by_template["Age"], by_row["Age"]
    assert (age.high - age.low) / (row.high - row.low) > 4
    gay, row = by_template["Sexual_orientation"], by_row["Sexual_orientation"]
    assert row.low > 0 > gay.low


def item(number, answer, polarity="neg", context="ambig"):
    return {
        "example_id": number, "question_index": "1", "question_polarity": polarity,
        "context_condition": context, "category": "Age", "context": "Two people met.",
        "question": "Who forgot?", "label": 2, "model": answer,
        "answer_info": {"ans0": ["a", "Old"], "ans1": ["b", "nonOld"], "ans2": ["c", "unknown"]},
        "additional_metadata": {"stereotyped_groups": ["old"]},
        "ans0": "The old man", "ans1": "The young man", "ans2": "Not known",
    }  # fmt: skip


def test_an_answer_that_is_no_option_is_not_counted_as_the_other_group(tmp_path):
    items = [item(0, "the old man"), item(1, "the young man", "nonneg"), item(2, "not known"),
             item(3, "somebody else"), item(4, "the young man")]  # fmt: skip
    (tmp_path / "preds_Age.jsonl").write_text("\n".join(map(json.dumps, items)))
    assert "5 questions" in make(tmp_path, tmp_path / "out", "model").stdout
    evenhand.run_trial(tmp_path / "out" / "plan.toml", out=tmp_path / "r.parquet")
    found = scores(tmp_path / "r.parquet", 0)["Age"]
    assert (found.value, found.n_rows) == ((2 - 1) / 4, 4)


def test_an_empty_folder_is_said_to_be_empty(tmp_path):
    made = make(tmp_path, tmp_path / "out")
    assert made.returncode == 1
    assert "has no preds_CATEGORY.jsonl.gz" in made.stderr
