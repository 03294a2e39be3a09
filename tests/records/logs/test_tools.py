"""Logs of lm-eval, HELM, promptfoo, deepeval, MLflow, Every Eval Ever and Label Studio."""

import json
import re
import shutil

import pytest
from tests.records.logs.reading import lm_eval_row, rows_of, written_json, written_lines

from evenhand import audit
from evenhand.errors import InputError

_TIME = "2026-11-27T09-22-53.123456"


# -- lm-eval -----------------------------------------------------------------------------------------


@pytest.fixture
def lm_eval_run(data, tmp_path):
    """The folder that a run of lm-eval leaves."""
    for task in ("inv_gen", "inv_mc", "inv_ppl"):
        shutil.copy(
            data / "logs" / f"lm_eval_samples_{task}.jsonl",
            tmp_path / f"samples_{task}_{_TIME}.jsonl",
        )
    shutil.copy(data / "logs" / "lm_eval_results.json", tmp_path / f"results_{_TIME}.json")
    return tmp_path


@pytest.mark.data
def test_lm_eval_gives_the_tool_s_own_numbers(lm_eval_run):
    own = json.loads((lm_eval_run / f"results_{_TIME}.json").read_text())["results"]
    for task, metric, filters in (
        ("inv_mc", "acc", ["none"]),
        ("inv_mc", "acc_norm", ["none"]),
        ("inv_gen", "exact_match", ["strict", "loose"]),
    ):
        rows, notes = rows_of(lm_eval_run / f"samples_{task}_{_TIME}.jsonl")
        assert "says" not in notes
        for chosen in filters:
            values = [row[metric] for row in rows if row["filter"] == chosen]
            assert len(values) == own[task]["sample_len"]
            assert sum(values) / len(values) == own[task][f"{metric},{chosen}"]


@pytest.mark.data
def test_lm_eval_columns(lm_eval_run):
    rows, notes = rows_of(lm_eval_run / f"samples_inv_mc_{_TIME}.jsonl")
    first = rows[0]
    assert (first["id"], first["metadata_id"], first["dialect"]) == ("0", "m0", "north")
    # A choice is the place of the most likely answer, and the label a number of the document.
    assert (first["target"], first["label"], first["output"]) == ("0", 0, "1")
    assert all((row["output"] == row["target"]) == bool(row["acc"]) for row in rows)
    rows, notes = rows_of(lm_eval_run / f"samples_inv_gen_{_TIME}.jsonl")
    assert "was asked 3 times" in notes
    rows, notes = rows_of(lm_eval_run / f"samples_inv_ppl_{_TIME}.jsonl")
    assert rows[0]["word_perplexity_weight"] == 4
    assert rows[0]["bits_per_byte_weight"] == 23
    assert rows[0]["word_perplexity_loglikelihood"] == pytest.approx(-0.109, abs=1e-3)


@pytest.mark.data
def test_a_filter_must_be_chosen(lm_eval_run):
    log = str(lm_eval_run / f"samples_inv_gen_{_TIME}.jsonl")
    with pytest.raises(
        InputError, match=r"by 2 values of filter: loose, strict.*--where .filter = 'loose'"
    ):
        audit(log, "mean(exact_match)", "speaker", worse="lower")
    strict = audit(log, "mean(exact_match)", "speaker", worse="lower", where="filter = 'strict'")
    assert strict.overall.value == 0.5
    both = audit(log, "mean(exact_match)", "filter", worse="lower")
    assert {group.label for group in both.groups} == {"strict", "loose"}


@pytest.mark.data
def test_a_folder_of_tasks(lm_eval_run):
    rows, notes = rows_of(str(lm_eval_run))
    assert "Read 3 files as lm-eval: 24 rows of 18 different id." in notes
    assert {row["id"] for row in rows if row["task"] == "inv_mc"} == {
        f"inv_mc/{i}" for i in range(10)
    }


def test_lm_eval_of_a_part_of_the_documents(tmp_path):
    written_lines(tmp_path / f"samples_t_{_TIME}.jsonl", [lm_eval_row(i) for i in range(3)])
    results = {
        "results": {"t": {"acc,none": 0.9}},
        "n-samples": {"t": {"original": 10, "effective": 3}},
    }
    written_json(tmp_path / f"results_{_TIME}.json", results)
    _, notes = rows_of(tmp_path / f"samples_t_{_TIME}.jsonl")
    assert "3 of the 10 documents of t were asked (--limit)" in notes
    assert "lm-eval says acc 0.900 of acc; the 3 rows that have a score give 0.333" in notes


def test_lines_of_before_metrics_were_named(tmp_path):
    row = lm_eval_row(1)
    del row["metrics"], row["filter"]
    (found,), _ = rows_of(written_lines(tmp_path / "samples_t.jsonl", [row]))
    assert (found["acc"], found["filter"]) == (1, "none")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"doc_id": 3, "doc": {"a"', r"samples_t\.jsonl line 3 is no JSON"),
        ('{"doc_id": 3}', r"samples_t\.jsonl line 3 lacks one of doc_id, doc, target, resps"),
        ("[1]", r"samples_t\.jsonl line 3 lacks one of"),
    ],
)
def test_lm_eval_lines_that_are_none(tmp_path, line, told):
    log = written_lines(tmp_path / "samples_t.jsonl", [lm_eval_row(1), lm_eval_row(2)])
    log.write_text(log.read_text() + line)
    with pytest.raises(InputError, match=told):
        rows_of(log)


# -- HELM --------------------------------------------------------------------------------------------


@pytest.fixture
def helm_run(data, tmp_path):
    folder = tmp_path / "suite" / "run1"
    folder.mkdir(parents=True)
    for name in ("per_instance_stats", "scenario_state", "stats"):
        shutil.copy(data / "logs" / f"helm_{name}.json", folder / f"{name}.json")
    return folder


@pytest.mark.data
def test_helm_gives_the_tool_s_own_numbers(helm_run):
    rows, notes = rows_of(str(helm_run.parent))
    assert len(rows) == 10
    assert {(row["id"], row["repeat"]) for row in rows} == {
        (i, t) for i in ("id60", "id38", "id41", "id74", "id56") for t in (0, 1)
    }
    assert rows[0]["target"] == "Even"
    assert rows[2]["target"] == "Odd"
    assert rows[0]["model"] == "simple/model1"
    assert "says" not in notes
    own = {
        s["name"]["name"]: s
        for s in json.loads((helm_run / "stats.json").read_text())
        if not s["name"].get("perturbation")
    }
    for name in ("exact_match", "num_prompt_tokens", "max_prob", "num_bytes"):
        mean = sum(row[name] for row in rows) / len(rows)
        assert mean == pytest.approx(own[name]["sum"] / own[name]["count"])
    # A statistic that counts nothing has no value.
    assert not any("training_co2_cost" in row for row in rows)


@pytest.mark.data
def test_helm_by_one_of_its_files_and_without_the_other(helm_run):
    names = ("per_instance_stats.json", "scenario_state.json")
    for name, other in (names, names[::-1]):
        assert len(rows_of(helm_run / name)[0]) == 10
        held = (helm_run / other).read_bytes()
        (helm_run / other).unlink()
        lacking = f"The folder of {helm_run / name} lacks {other}, so it is no whole run of HELM"
        with pytest.raises(InputError, match=re.escape(lacking)):
            rows_of(helm_run / name)
        (helm_run / other).write_bytes(held)


@pytest.mark.data
def test_perturbed_instances_are_apart(helm_run):
    stats = json.loads((helm_run / "per_instance_stats.json").read_text())
    state = json.loads((helm_run / "scenario_state.json").read_text())
    typos = {
        "name": "typos",
        "robustness": True,
        "fairness": False,
        "computed_on": "perturbed",
        "prob": 0.1,
    }
    stats.append(stats[0] | {"perturbation": typos})
    first = json.loads(json.dumps(state["request_states"][0]))
    first["instance"]["perturbation"] = typos
    first["result"] = {"success": False, "error": "invented"}
    state["request_states"].append(first)
    written_json(helm_run / "per_instance_stats.json", stats)
    written_json(helm_run / "scenario_state.json", state)
    rows, _ = rows_of(str(helm_run))
    assert (rows[-1]["perturbation"], rows[-1]["outcome"], rows[-1]["error"]) == (
        "typos:0.1",
        "errored",
        "invented",
    )
    assert "exact_match" not in rows[-1]
    with pytest.raises(InputError, match=r"2 values of perturbation: none, typos:0\.1"):
        audit(str(helm_run), "mean(exact_match)", "target", worse="lower")


@pytest.mark.data
def test_helm_files_of_two_runs(helm_run):
    stats = json.loads((helm_run / "per_instance_stats.json").read_text())
    stats[0]["instance_id"] = "another"
    written_json(helm_run / "per_instance_stats.json", stats)
    rows, notes = rows_of(str(helm_run))
    assert "1 instance of per_instance_stats.json in no request" in notes
    assert [row["outcome"] for row in rows].count("unscored") == 1


# -- promptfoo ---------------------------------------------------------------------------------------


@pytest.mark.data
def test_promptfoo_gives_the_tool_s_own_numbers(data):
    path = data / "logs" / "promptfoo_repeat2.json"
    rows, notes = rows_of(path)
    own = json.loads(path.read_text())["results"]["prompts"][0]["metrics"]
    exact = [row["exact"] for row in rows if "exact" in row]
    assert (sum(exact), len(exact)) == (
        own["namedScores"]["exact"],
        own["namedScoresCount"]["exact"],
    )
    outcomes = [row["outcome"] for row in rows]
    assert outcomes.count("errored") == own["testErrorCount"]
    assert (
        sum(row.get("success", 0) for row in rows) + outcomes.count("unscored")
        == own["testPassCount"]
    )
    assert (
        "promptfoo says a pass rate of 0.600 of success; the 4 rows that have a score give 0.500"
        in notes
    )
    assert "4 answers without a check" in notes
    # Repeats have no field: what is given to the prompt tells them.
    assert sorted((row["word"], row["repeat"]) for row in rows) == sorted(
        (w, r) for w in ("two", "three", "fail", "x", "y") for r in (1, 2)
    )
    assert len({row["id"] for row in rows}) == 5
    assert rows[0]["speaker"] == "p1"


@pytest.mark.data
def test_promptfoo_of_two_providers(data, tmp_path):
    found = json.loads((data / "logs" / "promptfoo_repeat2.json").read_text())
    for result in found["results"]["results"][::2]:
        result["provider"] = {"id": "other"}
    log = written_json(tmp_path / "out.json", found)
    with pytest.raises(InputError, match="2 values of provider: made-up, other"):
        audit(log, "mean(success)", "dialect", worse="lower")
    del found["results"]["results"][1]["success"]
    with pytest.raises(InputError, match=r"result 2 has no field 'success'"):
        rows_of(written_json(tmp_path / "out.json", found))


# -- deepeval, MLflow, Every Eval Ever, Label Studio ---------------------------------------------------


@pytest.mark.data
def test_deepeval_gives_the_tool_s_own_numbers(data):
    path = data / "logs" / "deepeval_test_run.json"
    rows, notes = rows_of(path)
    own = json.loads(path.read_text())["metricsScores"][0]
    assert [row["exact"] for row in rows if "exact" in row] == own["scores"]
    assert sum(row.get("exact_success", 0) for row in rows) == own["passes"]
    assert [row["outcome"] for row in rows].count("errored") == own["errors"]
    assert "1 case with a metric that was errored" in notes


@pytest.mark.data
def test_mlflow_tells_errors_from_missing_scores(data):
    rows, _ = rows_of(data / "logs" / "mlflow_result_df.parquet")
    assert [row["outcome"] for row in rows] == ["answered", "errored", "answered", "answered"]
    assert "breaks" not in rows[1] or rows[1]["breaks"] != rows[1]["breaks"]
    assert [row["right"] for row in rows] == [1, 0, 1, 0]
    assert {row["dialect"] for row in rows} == {"north"}
    assert rows[1]["error"] == "breaks"


def _instance(number, **changed):
    """An instance of Every Eval Ever, schema 0.3.0."""
    return {
        "schema_version": "0.3.0",
        "evaluation_id": "e",
        "model_id": "org/m",
        "evaluation_name": "quiz",
        "sample_id": f"s{number}",
        "interaction_type": "single_turn",
        "input": {"raw": "2 + 2?", "reference": ["4"]},
        "output": {"raw": ["4"]},
        "answer_attribution": [],
        "evaluation": {"score": float(number % 2), "is_correct": bool(number % 2)},
        "metadata": {"dialect": "ns"[number % 2]},
    } | changed


def test_every_eval_ever(tmp_path):
    instances = [_instance(i) for i in range(4)]
    instances += [
        _instance(4, error="broke", evaluation={"score": 0.0}),
        _instance(5, evaluation={"score": None}),
    ]
    log = written_lines(tmp_path / "e_samples.jsonl", instances)
    rows, _ = rows_of(log)
    assert [row["outcome"] for row in rows] == ["answered"] * 4 + ["errored", "unscored"]
    assert [row.get("score") for row in rows] == [0, 1, 0, 1, None, None]
    assert [row.get("is_correct") for row in rows][:2] == [0, 1]
    assert (rows[1]["target"], rows[1]["output"], rows[1]["dialect"]) == ("4", "4", "s")
    instances += [_instance(i, evaluation_result_id="other") for i in range(4)]
    written_lines(log, instances)
    with pytest.raises(InputError, match="2 values of evaluation: other, quiz"):
        audit(log, "mean(score)", "dialect", worse="lower")


@pytest.mark.data
def test_every_eval_ever_as_its_schema_says(data):
    """What the reader needs is what the schema demands."""
    schema = json.loads((data / "schemas" / "instance_level_eval.schema.json").read_text())
    assert {"sample_id", "evaluation", "evaluation_name"} <= set(schema["required"])
    assert {"score", "is_correct"} <= set(schema["properties"]["evaluation"]["properties"])
    assert set(_instance(1)) <= set(schema["properties"])


@pytest.mark.data
def test_label_studio_keeps_what_its_other_exports_lose(data):
    rows, notes = rows_of(data / "logs" / "label_studio_export_INPUT_handmade.json")
    assert [(row["id"], row["annotator"], row["outcome"]) for row in rows] == [
        ("1", "1", "answered"), ("1", "2", "answered"), ("2", "1", "answered"), ("2", "2", "skipped"), ("3", "1", "skipped"),
    ]  # fmt: skip
    assert [row.get("verdict") for row in rows] == ["right", "wrong", "right", None, None]
    assert rows[1]["tags"] == '["rude","unsafe"]'
    assert rows[0]["metadata_verdict"] == "in data"
    assert "2 annotations skipped" in notes
    # No address of an annotator.
    assert "example.com" not in str(rows)


def test_label_studio_predictions(tmp_path):
    def result(value):
        return [{"from_name": "verdict", "type": "choices", "value": {"choices": [value]}}]

    tasks = [
        {"id": 1, "data": {"text": "a"}, "annotations": [{"id": 1, "completed_by": 4, "result": result("yes")}], "predictions": [{"result": result("no")}]},
        {"id": 2, "data": {"text": "b"}, "annotations": []},
    ]  # fmt: skip
    rows, notes = rows_of(written_json(tmp_path / "export.json", tasks))
    assert (rows[0]["verdict"], rows[0]["prediction_verdict"], rows[0]["annotator"]) == (
        "yes",
        "no",
        "4",
    )
    assert len(rows) == 1
    assert "1 task without an annotation" in notes


def test_a_line_longer_than_the_engine_s_usual(tmp_path):
    rows = [
        lm_eval_row(1),
        lm_eval_row(2, arguments={"prompt": "x" * (17 * 2**20)}),
        lm_eval_row(3),
    ]
    found, _ = rows_of(written_lines(tmp_path / "samples_t.jsonl", rows))
    assert [row["acc"] for row in found] == [1, 0, 1]


def test_two_runs_of_one_task_are_not_pooled(tmp_path):
    """lm-eval names no model in its samples: two folders with files of one name are two runs."""
    for model in ("old", "new"):
        (tmp_path / model).mkdir()
        written_lines(
            tmp_path / model / f"samples_t_{_TIME}.jsonl", [lm_eval_row(i) for i in range(20)]
        )
    with pytest.raises(InputError, match=rf"2 values of log: new/samples_t_{_TIME}\.jsonl, old/"):
        audit(str(tmp_path), "mean(acc)", "dialect", worse="lower")
    found = audit(str(tmp_path), "mean(acc)", "log", worse="lower")
    assert len(found.groups) == 2
