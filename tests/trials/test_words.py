"""A trial in words: every reason has its sentence, the next step can be run."""

import re
import shlex
from pathlib import Path

import evenhand
from evenhand.services import MemoryService, Price, ServiceError
from evenhand.trials import make_plan, run_trial
from evenhand.trials.words import REASONS, duration, explain, next_steps, summary_lines

SOURCE = Path(evenhand.__file__).parent


def test_every_reason_that_a_row_may_give_is_explained():
    found = set()
    for folder in ("services", "trials"):
        for path in (SOURCE / folder).glob("*.py"):
            text = path.read_text(encoding="utf-8")
            found |= set(re.findall(r'ServiceError\(\s*"([a-z_]+)"', text))
            found |= set(re.findall(r'reason="([a-z_]+)"', text))
            found |= set(re.findall(r'reason=f"([a-z_]+):', text))
    assert len(found) > 10
    assert sorted(name for name in found if not explain(name)) == []
    assert explain("http_503") == "the service answered with status 503"
    assert explain("never_heard_of") == ""
    assert all(sentence[0].islower() for sentence in REASONS.values())


def plan_of(function, **more):
    samples = [
        {"id": f"s{i}", "text": f"t{i}", "reference": "t", "attributes": {"dialect": "ab"[i % 2]}}
        for i in range(6)
    ]
    return make_plan(
        {
            "trial": {"measure": False, **more.pop("trial", {})},
            "samples": samples,
            "services": [MemoryService(function=function, **more)],
            "conditions": ["casing"],
        }
    )


def test_the_summary_says_what_happened(tmp_path):
    errors = iter([None, None, None, ServiceError("timeout", "no end in 1 s")])
    plan = plan_of(lambda r: "" if r.media == "t1" else "x", script=errors, price=Price(call=0.5))
    out = tmp_path / "r.parquet"
    said = "\n".join(summary_lines(run_trial(plan, out=out)))
    assert "trial: 12 rows in " in said
    assert "  10 answered, 1 empty, 1 failed\n" in said
    assert "1 timeout: no end within the time allowed" in said
    assert "empty_answer: the service answered with nothing" in said
    assert re.search(r"cost [\d.]+ now, [\d.]+ in all", said)
    assert "Outcomes by condition:\n  clean: " in said


def test_what_is_alike_everywhere_is_not_repeated(tmp_path):
    said = "\n".join(summary_lines(run_trial(plan_of(lambda r: "x"), out=tmp_path / "r.parquet")))
    assert "Outcomes by" not in said
    assert "without a plain answer" not in said
    assert "cost" not in said


def test_a_dry_run_says_what_would_be_called(tmp_path):
    plan = plan_of(lambda r: "x")
    found = run_trial(plan, out=tmp_path / "r.parquet", dry_run=True)
    assert summary_lines(found) == [
        "trial: 12 rows when done; nothing was called",
        "  memory: 12 calls to make; time unknown; cost unknown",
    ]


def test_the_next_step_names_groups_unit_and_metric():
    (audit, effects) = next_steps(plan_of(lambda r: "x"), Path("my records.parquet"))
    assert shlex.split(audit) == [
        "evenhand", "audit", "my records.parquet",
        "--metric", "error_rate(label=reference, prediction=output)",
        "--by", "dialect", "--unit", "id", "--where", "condition = 'clean'",
    ]  # fmt: skip
    assert shlex.split(effects)[:2] == ["evenhand", "effects"]
    plan = plan_of(lambda r: "x", trial={"metrics": ["wer(reference, output)"]})
    assert "--metric 'wer(reference, output)'" in next_steps(plan, Path("r"))[0]


def test_where_nothing_says_what_is_good_no_step_is_offered():
    plan = make_plan(
        {"samples": [{"id": "a", "text": "x"}], "services": [MemoryService(function=lambda r: "x")]}
    )
    assert next_steps(plan, Path("r.parquet")) == []


def test_durations_read_as_people_say_them():
    assert [duration(s) for s in (0.0, 3.14159, 59.7, 61, 3599.9, 7200)] == [
        "0 s", "3.1 s", "60 s", "1 min 1 s", "1 h 0 min", "2 h 0 min",
    ]  # fmt: skip


def planned(samples, services=("one",), conditions=()):
    return make_plan(
        {
            "samples": samples,
            "conditions": list(conditions),
            "services": [MemoryService(name=name, function=lambda r: "x") for name in services],
        }
    )


def labelled(references, **more):
    return [
        {
            "id": f"s{i}",
            "text": f"t{i}",
            "reference": each,
            "attributes": {"who": "ab"[i % 2]},
            **more,
        }
        for i, each in enumerate(references)
    ]


def test_services_and_conditions_are_never_pooled():
    plan = planned(labelled(["yes", "no"] * 10), services=("one", "o'two"), conditions=["casing"])
    wheres = [shlex.split(step)[shlex.split(step).index("--where") + 1]
              for step in next_steps(plan, Path("r")) if step.startswith("evenhand audit")]  # fmt: skip
    assert wheres == [
        "service = 'one' and condition = 'clean'",
        "service = 'o''two' and condition = 'clean'",
    ]


def test_the_next_step_is_quoted_as_people_read_it():
    plan = planned(labelled(["yes", "no"] * 10), services=("one", "two"))
    assert """ --where "service = 'one'\"""" in next_steps(plan, Path("r"))[0]


def test_what_is_worse_is_asked_where_neither_metric_nor_plan_say_it():
    plan = plan_of(lambda r: "x", trial={"metrics": ["selection_rate(output)"]})
    for step in next_steps(plan, Path("r")):
        assert step.endswith(" --worse higher   (or lower, where that is the harm)")
    for told in ("wer(reference, output)", "error_rate(reference, output)"):
        plan = plan_of(lambda r: "x", trial={"metrics": [told]})
        assert "--worse" not in next_steps(plan, Path("r"))[0]


def test_pictures_with_a_text_reference_are_read_by_letters():
    image = Path("x.png")
    signs = [
        {"id": f"s{i}", "file": str(image), "reference": f"Gate {i} opens at {i}"}
        for i in range(30)
    ]
    (step,) = next_steps(planned(signs, services=("one", "two")), Path("r"))
    assert "cer(reference=reference, hypothesis=output)" in step
    faces = [{**sign, "id": f"{sign['id']}{face}"} for sign in signs for face in "abc"]
    (step,) = next_steps(planned(faces), Path("r"))
    assert "cer(reference=reference, hypothesis=output)" in step
    labels = [
        {"id": f"s{i}", "file": str(image), "reference": ["cat", "dog"][i % 2]} for i in range(30)
    ]
    (step,) = next_steps(planned(labels, services=("one", "two")), Path("r"))
    assert "error_rate" in step


def test_a_program_on_this_machine_is_free(tmp_path):
    program = {"kind": "program", "name": "p", "arguments": ["cat"]}
    plan = make_plan({"samples": labelled(["yes"] * 3), "services": [program]})
    dry = run_trial(plan, out=tmp_path / "r.parquet", dry_run=True)
    assert summary_lines(dry)[1] == "  p: 3 calls to make; time unknown; free"
