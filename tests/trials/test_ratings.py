"""Ratings of judges: what is beyond its scale, denied or told twice is no score; labels of people that are none are counted."""

import random

import pyarrow.parquet as pq
import pytest

from evenhand.services import MemoryService
from evenhand.trials import make_plan, run_trial
from evenhand.trials.ratings import read_rating
from evenhand.trials.words import summary_lines

SAID = [
    # beyond their own scale
    ("7/5", None), ("Score: 7/5", None), ("11/10", None), ("6 out of 5", None), ("I'd give it 7 out of 5", None), ('{"score": "7/5"}', None), ("Score: -1/5", None),
    ("Score: 4/0", None), ("7 von 5", None), ("5/5", 5), ("0/5", 0), ("I give it 4 out of 5 points.", 4), ("Score: 80 out of 100", 80),
    # two scores
    ('[{"score": 4}, {"score": 2}]', None), ('{"score": 4}\n{"score": 2}', None), ('{"score": [4, 2]}', None), ('{"score": 4} and again {"score": 4}', 4),
    ('First: {"score": 2}. Final: {"score": 4}', 4), ('{"score": [4]}', 4), ("4, maybe 5", None), ("Score: 4, maybe 5", None), ("Bewertung: 4, vielleicht 5", None), ("Yes, but no", None),
    # of no answer
    ("No, I cannot rate this answer.", None), ("No, I can't help with that.", None), ("No, I can't find anything rude.", 0), ("No, it isn't.", 0),
    ("No le doy un 5.", None), ("Ich gebe ihm keine 5.", None), ("不能给5分", None), ("I would not give this a 5.", None), ("It is not long, so I give it a 4.", 4),
    # of the scale
    ("The maximum score is 5.", None), ("The maximum score is 5. Score: 3", 3), ("A score of 5 would need sources. This gets a 3.", 3), ("Score (1-5): 4", 4), ("Rating (out of 5): 4", 4),
    ("Bewertung (1 bis 5): 4", 4), ("评分（1-5）：4", 4),
    # forms
    ("{'score': 4}", 4), ('{"score": 4,}', 4), ("<score>4</score>", 4), ("\\boxed{4}", 4), ("Score: 1,000", 1000), ("Score: 4,5", 4.5),
]  # fmt: skip


@pytest.mark.parametrize(("said", "score"), SAID)
def test_a_rating_is_what_the_judge_gives(said, score):
    assert read_rating(said) == score


def run(tmp_path, said, people, **score):
    samples = [
        {"id": f"s{i}", "text": str(i), "unit": f"u{i // 2}", "attributes": {"people": label}}
        for i, label in enumerate(people)
    ]
    judge = MemoryService(name="judge", function=lambda request: said[int(request.media)])
    plan = {
        "trial": {"measure": False},
        "samples": samples,
        "services": [MemoryService(function=lambda request: request.media)],
        "scores": [
            {"kind": "judge", "column": "rude", "service": judge, "human": "people", **score}
        ],
    }
    trial = run_trial(make_plan(plan), out=tmp_path / "r.parquet")
    return trial, pq.read_table(tmp_path / "r.parquet").to_pylist()


def test_labels_that_no_judgement_is_held_against_are_counted(tmp_path):
    from sklearn.metrics import cohen_kappa_score

    generator = random.Random(4)
    people = [generator.choice([1, 5, None, "perhaps", "", "4/5"]) for _ in range(120)]
    said = [generator.choice(["Score: 5", "1/5", "I cannot judge this.", "7/5"]) for _ in people]
    trial, rows = run(tmp_path, said, people, threshold=3)
    (found,) = trial.agreements
    judged = [{"Score: 5": 1, "1/5": 0}.get(each) for each in said]
    labels = [{1: 0, 5: 1, "4/5": 1}.get(each) for each in people]
    both = [(a, b) for a, b in zip(labels, judged, strict=True) if None not in (a, b)]
    assert [row["rude_yes"] for row in rows] == judged
    assert [row["rude_people"] for row in rows] == labels
    assert (found.rows, found.agreed) == (len(both), sum(a == b for a, b in both))
    assert found.kappa == pytest.approx(cohen_kappa_score(*zip(*both, strict=True)))
    assert found.unread == people.count("perhaps")
    assert found.unjudged == sum(
        a is not None and b is None for a, b in zip(labels, judged, strict=True)
    )
    assert sum(each.rows for each in trial.unscored) == judged.count(None)
    told = "\n".join(summary_lines(trial))
    assert f"  {found.unread} rows more: 'people' says what is no score" in told
    assert f"  {found.unjudged} rows more with 'people': the judge has no score" in told


def test_a_threshold_that_makes_all_alike_is_told(tmp_path):
    trial, _ = run(tmp_path, ["Score: 5", "Score: 1"] * 10, [5, 1] * 10)
    assert trial.agreements[0].kappa is None
    assert "chance would agree as well (threshold = 0.5)" in summary_lines(trial)[-1]
