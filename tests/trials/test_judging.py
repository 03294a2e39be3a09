"""Judges: asked once an answer, kept apart from the answer, held against people's labels."""

import pyarrow.parquet as pq
import pytest

from evenhand.errors import FaultsError, InputError
from evenhand.services import Answer, MemoryService, Price
from evenhand.trials import make_plan, run_trial
from evenhand.trials.ratings import read_rating
from evenhand.trials.words import summary_lines


def run(tmp_path, judge, *, samples, conditions=(), **score):
    plan = {
        "trial": {"measure": False, **score.pop("trial", {})},
        "samples": samples,
        "conditions": list(conditions),
        "services": [MemoryService(function=lambda request: request.media, price=Price())],
        "scores": [{"kind": "judge", "column": "toxic", "service": judge, **score}],
    }
    trial = run_trial(make_plan(plan), out=tmp_path / "r.parquet")
    return trial, pq.read_table(tmp_path / "r.parquet").to_pylist()


def texts(labels):
    return [
        {"id": f"s{i}", "text": text, "unit": f"u{i}", "attributes": {"people": label}}
        for i, (text, label) in enumerate(labels)
    ]


def is_rude(request):
    return 1.0 if "idiot" in request.media else 0.0


def test_a_judge_scores_every_answer_and_is_asked_once_for_each(tmp_path):
    judge = MemoryService(name="judge", function=is_rude)
    samples = texts([("you idiot", 1), ("good day", 0), ("good day", 0)])
    trial, rows = run(tmp_path, judge, samples=samples, conditions=["casing(to=lower)"])
    assert [row["toxic"] for row in rows] == [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    assert len(judge.asked) == 2
    assert trial.calls == 4 + 2
    again, same = run(tmp_path, judge, samples=samples, conditions=["casing(to=lower)"])
    assert (again.calls, len(judge.asked)) == (0, 2)
    assert [row["toxic"] for row in same] == [row["toxic"] for row in rows]


def test_what_a_judge_cannot_say_is_missing_with_its_reason(tmp_path):
    said = {
        "a": "0.25",
        "b": "perhaps",
        "c": Answer(outcome="refused", reason="refusal"),
        "d": {"score": 0.75, "why": "rude"},
        "e": "Yes.",
    }
    judge = MemoryService(name="judge", function=lambda request: said[request.media])
    samples = texts([(name, None) for name in said] + [("", None)])
    _, rows = run(tmp_path, judge, samples=samples)
    assert [row["toxic"] for row in rows] == [0.25, None, None, 0.75, 1.0, None]
    assert [row["toxic_reason"] for row in rows] == [
        None, "judge_unclear: perhaps", "judge_refused: refusal", None, None, "no_answer_to_judge",
    ]  # fmt: skip


def test_a_judge_may_see_the_question_and_words_have_values(tmp_path):
    judge = MemoryService(
        name="judge", function=lambda r: "harmful" if r.parameters["input"] == "why" else "fine"
    )
    samples = [{"id": "a", "text": "why"}, {"id": "b", "text": "how"}]
    _, rows = run(tmp_path, judge, samples=samples, values={"harmful": 1, "fine": 0})
    assert [row["toxic"] for row in rows] == [1.0, 0.0]


def test_agreement_with_people_is_cohens_kappa(tmp_path):
    from sklearn.metrics import cohen_kappa_score

    labels = [("idiot", 1), ("idiot", 1), ("idiot a", 0), ("x", 0), ("y", 0), ("z", 1), ("w", None)]
    judge = MemoryService(name="judge", function=is_rude)
    # Three positives are too few for an interval; six do.
    trial, _ = run(tmp_path, judge, samples=texts(labels * 2), human="people")
    (found,) = trial.agreements
    expected = cohen_kappa_score([1, 1, 0, 0, 0, 1], [1, 1, 1, 0, 0, 0])
    assert found.kappa == pytest.approx(expected)
    assert (found.rows, found.agreed, found.units) == (12, 8, 12)
    assert -1 < found.low < found.kappa < found.high < 1
    assert "8 of 12 rows alike" in summary_lines(trial)[-1]
    assert trial.to_dict()["agreements"][0]["human"] == "people"


def test_a_kappa_of_few_of_one_label_has_no_interval(tmp_path):
    judge = MemoryService(name="judge", function=is_rude)
    labels = [("idiot", 1)] * 3 + [("x", 0)] * 20
    trial, _ = run(tmp_path, judge, samples=texts(labels), human="people")
    (found,) = trial.agreements
    assert found.kappa == pytest.approx(1)
    assert (found.low, found.units) == (None, 23)
    assert "no interval: 3 of the rarer label, of 5 that it needs" in summary_lines(trial)[-1]


def test_one_label_alone_gives_no_kappa(tmp_path):
    judge = MemoryService(name="judge", function=lambda request: 0)
    trial, _ = run(tmp_path, judge, samples=texts([("a", 0), ("b", 0)]), human="people")
    assert (trial.agreements[0].kappa, trial.agreements[0].low) == (None, None)
    assert "chance would agree as well" in summary_lines(trial)[-1]


def test_a_judge_spends_what_the_budget_leaves(tmp_path):
    class Priced(MemoryService):
        def most(self, request):
            return self.price.of()

    judge = Priced(name="judge", function=is_rude, price=Price(call=1.0))
    samples = texts([(str(i), 0) for i in range(5)])
    trial, rows = run(tmp_path, judge, samples=samples, trial={"budget": 3})
    assert (len(judge.asked), trial.cost) == (3, 3.0)
    assert sum("over_budget" in (row["toxic_reason"] or "") for row in rows) == 2


@pytest.mark.parametrize(
    ("score", "message"),
    [
        ({"kind": "judge"}, "judge needs a service"),
        ({"kind": "judge", "service": {"kind": "chat"}}, "url is missing"),
        ({"kind": "judge", "service": 3}, "no service"),
        ({"kind": "judge", "service": {"kind": "python", "function": "json:dumps"}, "human": "peple"},
         "Unknown attribute 'peple'. Did you mean 'people'?"),
        ({"kind": "judge", "service": {"kind": "python", "function": "json:dumps"}, "threshold": "x"},
         "threshold is 'x'"),
        ({"kind": "judge", "service": {"kind": "python", "function": "json:dumps"}, "values": {"a": "b"}},
         "values.a is 'b'"),
        ({"kind": "exact", "against": "peple"}, "Unknown attribute 'peple'"),
        ({"kind": "judge", "service": {"kind": "chat", "url": "http://x/v1", "model": "m",
                                       "prompt": "{text} {inpt}"}}, "Unknown slot 'inpt'"),
    ],
)  # fmt: skip
def test_a_faulty_judge_is_told_before_anything_is_called(score, message):
    plan = {
        "samples": texts([("a", 0)]),
        "services": [MemoryService(function=is_rude)],
        "scores": [score],
    }
    with pytest.raises(FaultsError) as caught:
        make_plan(plan)
    assert message in str(caught.value)
    assert "Nothing was called" in str(caught.value)


def test_a_plan_from_elsewhere_may_not_judge_by_its_own_code():
    score = {"kind": "judge", "service": {"kind": "python", "function": "json:dumps"}}
    plan = {"samples": texts([("a", 0)]), "services": [], "scores": [score]}
    with pytest.raises(InputError, match="may not start code of its own"):
        make_plan(plan, own_code=False)


def test_a_dry_run_tells_of_the_judge(tmp_path):
    plan = make_plan(
        {
            "samples": texts([("a", 0), ("b", 0)]),
            "services": [MemoryService(function=is_rude)],
            "scores": [{"kind": "judge", "service": MemoryService(name="j", function=is_rude)}],
        }
    )
    trial = run_trial(plan, out=tmp_path / "r.parquet", dry_run=True)
    assert [(each.service, each.calls) for each in trial.expected] == [
        ("memory", 2),
        ("judge j", 2),
    ]


@pytest.mark.parametrize(
    ("said", "score"),
    [
        ('{"score": 4}', 4), ('```json\n{"score": 4, "why": "two points"}\n```', 4), ("Score: 4", 4), ("4/5", 4),
        ("**Yes**", 1), ("Yes.", 1), ("No, it is not toxic.", 0), ("perhaps", None), ("Rating: 3.5 out of 5", 3.5),
        ('First it says 3 things. {"Score": "2"}', 2), ('{"verdict": "yes"}', 1), ('{"toxic": true}', 1),
        ("Score: **4**", 4), ("0.25", 0.25), ("−1", -1), ("[4]", 4), ("Step 1: read. Step 2: judge. Score: 5", 5),
        ("between 3 and 4", None), ("nan", None), ("inf", None), ("", None), (None, None), (True, 1), ("80%", 0.8),
        ("**Verdict:** No", 0), ("It has 2 sentences.\n\nScore: 1", 1), ("４", 4), ('{"score": null}', None),
        ('{"a": 1, "b": 2}', None), ("Yes and no", None), ("[" * 5000, None), ('{"score": {"score": 3}}', 3),
    ],
)  # fmt: skip
def test_a_judges_words_are_read(said, score):
    assert read_rating(said) == score


def test_labels_of_a_plan_are_read_within_words():
    values = {"harmful": 1, "fine": 0}
    said = [
        "HARMFUL.",
        "I find this answer harmful.",
        "Label: fine",
        "not harmful, fine",
        "**Fine**",
        "neither",
    ]
    assert [read_rating(text, values=values) for text in said] == [1.0, 1.0, 0.0, 0.0, 0.0, None]
    assert read_rating({"tone": "harmful", "score": 3}, values=values, output="tone") == 1.0
