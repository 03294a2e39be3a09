"""Plans: what they may say, and how all their faults are told together."""

from collections import Counter

import pytest

from evenhand.conditions import parse_condition
from evenhand.errors import FaultsError, InputError
from evenhand.services import MemoryService, Price
from evenhand.trials import make_plan, read_plan
from evenhand.trials.design import Treatment, assign, expand, sweep_values
from evenhand.trials.manifest import Columns, read_manifest

PLAN = """
[trial]
name = "ward"
repeats = 2
metrics = ["wer(reference=reference, hypothesis=output)"]

[samples]
manifest = "m.csv"
unit = "speaker"

[[conditions]]
apply = "tone"
name = "scanner"
sweep = {frequency = [500, 1000], rate = {low = 4, high = 16, steps = 2}}
seeds = [1, 2]

[[services]]
kind = "replay"
name = "old"
file = "o.csv"
in_flight = 2
"""


def folder(
    tmp_path,
    plan=PLAN,
    manifest="id,file,reference,speaker,age\na,a.wav,hi,x,007\nb,b.wav,ho,y,041\n",
):
    (tmp_path / "plan.toml").write_text(plan)
    (tmp_path / "m.csv").write_text(manifest)
    (tmp_path / "o.csv").write_text("id,output\na,hi\n")
    return tmp_path / "plan.toml"


def test_a_plan_reads_paths_beside_itself(tmp_path):
    plan = read_plan(folder(tmp_path))
    assert [(s.id, s.kind, s.media, s.unit) for s in plan.samples] == [
        ("a", "audio", tmp_path / "a.wav", "x"),
        ("b", "audio", tmp_path / "b.wav", "y"),
    ]
    assert plan.samples[0].attributes == {"speaker": "x", "age": "007"}
    labels = [t.label for t in plan.treatments]
    assert labels[:3] == [
        "clean",
        "scanner(frequency=500, rate=4)",
        "scanner(frequency=500, rate=4)",
    ]
    assert len(labels) == 1 + 2 * 2 * 2
    assert (plan.services[0].in_flight, plan.repeats, plan.unit) == (2, 2, "speaker")


def test_all_faults_come_together_with_near_names(tmp_path):
    text = (
        PLAN.replace("repeats = 2", 'repeats = 0\ndesgin = "full"\nbudget = 5')
        .replace("rate = {low", "rat = {low")
        .replace('kind = "replay"', 'kind = "replai"')
        .replace("wer(", "werr(")
    )
    with pytest.raises(FaultsError) as caught:
        read_plan(folder(tmp_path, text))
    said = str(caught.value)
    for part in (
        "Did you mean 'design'",
        "repeats is 0; allowed: a whole number from 1",
        "Did you mean 'rate'",
        "Did you mean 'replay'",
        "no metric is called 'werr'. Did you mean 'wer'",
        "Nothing was called.",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"samples": [], "services": []}, r"\[\[services\]\]: none"),
        ({"services": [MemoryService(function=str)]}, "no samples"),
        ({"samples": [{"id": "a", "text": "x"}], "services": [3]}, "is no service"),
        (
            {"samples": [{"id": "a", "text": "x"}], "services": [MemoryService(function=str)] * 2},
            "two are called 'memory'",
        ),
        (
            {"trial": {"budget": 1}, "samples": [{"id": "a", "text": "x"}], "services": [MemoryService(function=str)]},
            "no price",
        ),
        (
            {"samples": [{"id": "a", "text": "x"}], "conditions": ["tone(frequency=1000)"], "services": [MemoryService(function=str)]},
            "changes audio, but the samples are text",
        ),
        (
            {"samples": [{"id": "a", "text": "x"}], "conditions": ["tone(frequency=1e9)"],
             "services": [MemoryService(function=str)]},
            "frequency is 1000000000 Hz",
        ),
        (
            {"samples": [{"id": "a", "text": "x"}],
             "services": [{"kind": "chat", "url": "http://a/v1", "model": "m", "prompt": "{txet}"}]},
            "Did you mean 'text'",
        ),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_run_says_why(given, said):
    with pytest.raises(InputError, match=said):
        make_plan(given)


def test_a_priced_service_may_have_a_budget():
    samples = [{"id": "a", "text": "x"}]
    service = MemoryService(function=str, price=Price())
    plan = make_plan({"trial": {"budget": 1}, "samples": samples, "services": [service]})
    assert plan.budget == 1


def test_manifests_keep_codes_and_type_numbers(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text(
        'id;text;reference;zip;n;x;ok\n1;"a;b";A;01234;3;0.5;true\n2;c;B;99999;;1;false\n'
    )
    first, second = read_manifest(path, Columns(), "text")
    assert first.media == "a;b"
    assert first.attributes == {"zip": "01234", "n": 3, "x": 0.5, "ok": True}
    assert second.attributes["n"] is None


def test_a_faulty_manifest_tells_its_lines(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("id,text\n1,a\n2,b,c\n")
    with pytest.raises(InputError, match="line 3"):
        read_manifest(path, Columns(), "text")
    with pytest.raises(InputError, match="Did you mean 'id'"):
        read_manifest(path.with_name("n.jsonl"), Columns(id="idd")) if path.with_name(
            "n.jsonl"
        ).write_text('{"id": 1, "text": "x"}\n') else None


def test_rows_of_a_table_are_samples(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text(
        '{"id": 1, "age": 3, "sex": "f", "reference": 1}\n{"id": 2, "age": 4, "sex": "m"}\n'
    )
    first, second = read_manifest(path, Columns(features=("age",)), "table")
    assert (first.media, first.attributes, first.reference) == (
        {"age": 3},
        {"age": 3, "sex": "f"},
        1,
    )
    assert second.reference is None


def test_one_at_a_time_moves_one_parameter():
    given = {
        "apply": "tone(frequency=500, rate=4)",
        "sweep": {"frequency": [500, 1000], "rate": [4, 8, 16]},
    }
    texts = [treatment.label for treatment in expand(given, "one-at-a-time")]
    assert len(texts) == 1 + 1 + 2
    assert len(expand(given, "full")) == 6


def test_a_sweep_within_a_chain_names_its_step():
    apply = "tone(frequency=1000) | notch(frequency=1000)"
    found = expand({"apply": apply, "sweep": {"tone.frequency": [500, 1000]}}, "full")
    assert [t.condition.steps[0].parameters["frequency"] for t in found] == [500, 1000]
    with pytest.raises(InputError, match="say which step"):
        expand({"apply": apply, "sweep": {"frequency": [500]}}, "full")


def test_sweeps_are_lists_or_ranges():
    assert sweep_values("x", {"low": 0, "high": 1, "steps": 3}) == [0, 0.5, 1]
    for wrong in (
        {"low": 1, "high": 0, "steps": 3},
        {"low": 0, "high": 1, "steps": 3, "scale": "log"},
        [],
        3,
    ):
        with pytest.raises(InputError, match="sweep 'x'"):
            sweep_values("x", wrong)


@pytest.mark.parametrize(("count", "fraction"), [(10, 0.3), (7, 0.5), (3, 0.1), (12, 1.0)])
def test_a_fraction_is_balanced(count, fraction):
    tone = parse_condition("tone(frequency=1000)")
    treatments = [Treatment(label="clean")]
    treatments += [Treatment(label=str(i), condition=tone, seed=i) for i in range(count)]
    hands = assign(40, treatments, design="fraction", fraction=fraction, seed=3)
    size = max(1, round(fraction * count)) + 1
    assert {len(hand) for hand in hands} == {size}
    assert all(len(set(hand)) == size and hand[0] == 0 for hand in hands)
    counts = Counter(i for hand in hands for i in hand if i)
    assert max(counts.values()) - min(counts.get(i, 0) for i in range(1, count + 1)) <= 1
    assert hands == assign(40, treatments, design="fraction", fraction=fraction, seed=3)
