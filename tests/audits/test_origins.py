"""How labels came about: what rows that a system chose can tell, and what it takes others to tell."""

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv
from tests.commands import run_command

from evenhand import audit, audit_metrics, compare, effects, open_records, slices, with_origin
from evenhand.errors import InputError, RefusedError
from evenhand.metrics import DEFINITIONS
from evenhand.metrics.definition import RestsOn


def _world(n=6000, seed=4):
    """Everybody, as nobody sees them: fraud, a score that knows a little of it, and two rules of what fraud is."""
    rng = np.random.default_rng(seed)
    region = rng.choice(["north", "south"], n)
    fraud = rng.random(n) < np.where(region == "south", 0.25, 0.15)
    flag = rng.random(n) + 0.3 * fraud > 0.8
    return {
        "region": region,
        "flag": flag.astype(int),
        "fraud": fraud.astype(int),
        "chargeback": (fraud & (rng.random(n) < 0.5)).astype(int),
        "random": rng.random(n) < 0.3,
    }


def _seen(world, *, rest=False):
    """What is labelled: all alerts, and a random part of all rows (or of the rest); each row once a label."""
    chosen, drawn = world["flag"] == 1, world["random"] & ~((world["flag"] == 1) & rest)
    places = np.concatenate([np.flatnonzero(chosen), np.flatnonzero(drawn)])
    table = {name: values[places] for name, values in world.items() if name != "random"}
    table["source"] = ["alert"] * int(chosen.sum()) + ["sample"] * int(drawn.sum())
    return pa.table(table)


_SOURCE = ("source", "alert=chosen", "sample=random")


def _titles(found):
    return [one.metric.title for one in found]


def test_each_part_tells_what_it_can_and_no_more():
    world = _world()
    seen = _seen(world)
    records = with_origin(open_records(seen), _SOURCE)
    precision, missed = audit_metrics(
        records, ["precision(fraud, flag)", "false_negative_rate(fraud, flag)"], "region"
    )[1:]
    assert _titles((precision, missed)) == [
        "precision (chosen by the system)",
        "false_negative_rate (drawn at random)",
    ]
    # The oracle: everybody, whom no part of the rows is.
    right = audit(pa.table(world), "precision(fraud, flag)", "region")
    assert precision.overall.value == right.overall.value
    truth = audit(pa.table(world), "false_negative_rate(fraud, flag)", "region").overall.value
    assert missed.overall.low < truth < missed.overall.high
    # Pooled, alerts would hide whom it misses.
    pooled = audit(seen, "false_negative_rate(fraud, flag)", "region").overall
    assert pooled.high < truth
    assert missed.notes[0].code == "label_origin"
    refused = [note.text for note in missed.notes if note.code == "label_origin_refused"]
    (told,) = refused
    assert told.startswith(
        "false_negative_rate(label=fraud, prediction=flag) cannot be told of rows chosen by the sy"
    )
    assert told.endswith("it needs rows that the system did not choose, whose labels are not here.")


def test_a_part_is_the_audit_of_its_rows_alone():
    seen = _seen(_world())
    records = with_origin(open_records(seen), _SOURCE)
    (drawn, chosen) = audit_metrics(records, ["precision(fraud, flag)"], "region", adjust="holm")
    for one, source in ((drawn, "sample"), (chosen, "alert")):
        alone = audit_metrics(
            seen, ["precision(fraud, flag)", "f1(fraud, flag)"], "region", where=f"source = '{source}'", adjust="holm"
        )[0]  # fmt: skip
        assert one.overall == alone.overall
        assert [g.versus for g in one.groups] == [g.versus for g in alone.groups]
        assert one.settings.where == f"source = '{source}'"
        assert one.settings.metrics_in_family == 2
    for by in ("source", ["region", "source"], "region,source"):
        with pytest.raises(
            InputError,
            match="source says how labels came about, so each of its parts is told alone",
        ):
            audit_metrics(records, ["precision(fraud, flag)"], by)


def test_a_sample_of_those_who_were_passed_over_is_no_sample_of_all():
    seen = _seen(_world(), rest=True)
    records = with_origin(open_records(seen), _SOURCE)
    with pytest.raises(
        RefusedError, match="drawn at random of those passed over: none of them was selected"
    ):
        audit(records, "false_negative_rate(fraud, flag)", "region")
    with pytest.raises(RefusedError, match="no sample of all"):
        audit(records, "false_negative_rate(fraud, flag)", "region", where="source = 'sample'")
    (found,) = audit_metrics(records, ["false_omission_rate(fraud, flag)"], "region")
    truth = audit(pa.table(_world()), "false_omission_rate(fraud, flag)", "region").overall.value
    assert found.metric.title == "false_omission_rate (drawn at random of those passed over)"
    assert found.overall.low < truth < found.overall.high
    # What the message advises: each row stands for as many as there are of its kind.
    weights = np.where(np.array(seen["source"]) == "alert", 1.0, 1 / 0.3)
    weighed = seen.append_column("w", pa.array(weights))
    truth = audit(pa.table(_world()), "false_negative_rate(fraud, flag)", "region").overall.value
    found = audit(weighed, "false_negative_rate(fraud, flag)", "region", weight="w").overall
    assert found.low < truth < found.high


def test_by_the_rule_of_what_is_right_alone_a_model_is_better_or_worse():
    """A line a rule; the oracle is counting by hand."""
    world = _world()
    table = pa.table(world)
    found = audit_metrics(
        table, ["lift(prediction=flag)"], "region", labels=["fraud", "chargeback"]
    )
    for one, rule in zip(found, ("fraud", "chargeback"), strict=True):
        label, flag = world[rule] == 1, world["flag"] == 1
        assert one.overall.value == pytest.approx(label[flag].mean() / label.mean(), rel=1e-12)
        assert one.metric.title == f"lift(label={rule})"
    assert found[0].overall.value != found[1].overall.value
    assert [one.settings.metrics_in_family for one in found] == [2, 2]
    rule = "chargeback = 1 OR fraud = 1"
    one = audit_metrics(table, ["precision(prediction=flag)"], "region", labels=[rule])[0]
    assert one.overall.value == audit(table, "precision(fraud, flag)", "region").overall.value


@pytest.mark.parametrize(
    ("metric", "labels", "message"),
    [
        (
            "precision(fraud, flag)",
            ["chargeback"],
            "names a label itself, and --label chargeback another",
        ),
        ("precision(label=fraud, prediction=flag)", ["chargeback"], "names a label itself"),
        ("mean(flag)", ["fraud"], "mean takes no label"),
        ("precision(prediction=flag)", ["frad"], "Did you mean 'fraud'?"),
        ("precision(prediction=flag)", ["fraud", "fraud"], "Labels are named twice: fraud, fraud"),
        ("precision(prediction=flag)", "fraud", "must be columns, in a list"),
        ("precision(prediction=flag)", [], "precision also needs label"),
    ],
)
def test_a_label_that_is_none_is_told(metric, labels, message):
    with pytest.raises(InputError) as error:
        audit_metrics(pa.table(_world(200)), [metric], "region", labels=labels)
    assert message in str(error.value)


@pytest.mark.parametrize("word", ["chosen", "complaint", "review", "random"])
def test_one_word_for_all_rows(word):
    seen = _seen(_world(2000))
    records = with_origin(open_records(seen), word)
    answers = {
        name: name == "mean" or word == "random" or (word == "chosen" and name == "precision")
        for name in ("mean", "precision", "false_negative_rate")
    }
    for metric, answered in zip(
        ("mean(fraud)", "precision(fraud, flag)", "false_negative_rate(fraud, flag)"),
        answers.values(),
        strict=True,
    ):
        if answered:
            found = audit(records, metric, "region", worse="higher" if "mean" in metric else None)
            assert found.notes[0].code == "label_origin"
        else:
            with pytest.raises(RefusedError, match="cannot be told of rows"):
                audit(records, metric, "region")


def test_what_metrics_rest_on():
    """A metric of labels and predictions that is not told here would be answered where it must not be."""
    confusion = {
        name
        for name, definition in DEFINITIONS.items()
        if {"label", "prediction"} <= {a.name for a in definition.arguments}
        and not name.startswith(("set_", "subset_", "hamming_"))
    }
    resting = {name for name, one in DEFINITIONS.items() if one.rests_on is not RestsOn.ROWS}
    assert confusion <= resting
    assert {n for n, one in DEFINITIONS.items() if one.rests_on is RestsOn.SELECTED} == {
        "precision",
        "false_discovery_rate",
    }
    assert resting - confusion == {
        "selection_rate", "scoring_rate", "auc", "average_precision", "false_match_rate", "false_non_match_rate",
    }  # fmt: skip


def test_other_questions_do_not_pool_either():
    table = _seen(_world(2000)).append_column(
        "noise", pa.array(["off", "on"] * 10_000).slice(0, len(_seen(_world(2000))))
    )
    table = table.append_column("other", table["fraud"])
    records = with_origin(open_records(table), _SOURCE)
    for ask in (
        lambda: slices(records, "precision(fraud, flag)", features=["region"]),
        lambda: compare(records, ["precision(fraud, flag)", "precision(fraud, other)"], "region"),
        lambda: effects(
            records, "precision(fraud, flag)", condition="noise", reference="off", by="region"
        ),
    ):
        with pytest.raises(InputError, match=r"came about in 2 ways .* Pooled they are of nobody"):
            ask()
    found = slices(records, "precision(fraud, flag)", features=["region"], where="source = 'alert'")
    assert found.notes[0].code == "label_origin"
    with pytest.raises(RefusedError):
        slices(records, "error_rate(fraud, flag)", features=["region"], where="source = 'alert'")


def test_rows_of_which_nothing_is_said_are_in_no_part():
    seen = _seen(_world(2000))
    source = [
        None if place % 50 == 0 else value for place, value in enumerate(seen["source"].to_pylist())
    ]
    table = seen.set_column(seen.column_names.index("source"), "source", pa.array(source))
    records = with_origin(open_records(table), _SOURCE)
    found = audit_metrics(records, ["precision(fraud, flag)"], "region")
    told = {note.code: note.text for note in found[0].notes}
    assert (
        told["label_origin_unknown"] == f"{source.count(None)} rows without source are in no part."
    )
    assert sum(one.overall.n_rows for one in found) == len(source) - source.count(None)
    one_part = table.filter(pa.array([value != "sample" for value in source]))
    (alone,) = audit_metrics(
        with_origin(open_records(one_part), _SOURCE), ["precision(fraud, flag)"], "region"
    )
    assert alone.settings.where == "source = 'alert'"
    hidden = audit_metrics(records, ["precision(fraud, flag)"], "region", suppress_below=5)
    assert {n.text for n in hidden[0].notes if n.code == "label_origin_unknown"} == {
        "Some rows without source are in no part."
    }


@pytest.mark.parametrize(
    ("origin", "message"),
    [
        (
            "sauce",
            "no column is called so, and it is no origin that I know. Did you mean 'source'?",
        ),
        (["source", "alert=choosen"], "say what a value of the column means, as in alert=chosen"),
        (["source", "alert"], "say what a value of the column means"),
        (["random", "alert=chosen"], "no column is called so"),
        (
            ["source", "alert=chosen", "alert=random"],
            "says of alert that it means chosen and random",
        ),
        ([], "Say how labels came about"),
    ],
)
def test_origins_that_are_none_are_told(origin, message):
    with pytest.raises(InputError) as error:
        with_origin(open_records(_seen(_world(200))), origin)
    assert message in str(error.value)


def test_words_of_a_column_that_are_not_known_are_named():
    with pytest.raises(InputError) as error:
        audit(
            with_origin(open_records(_seen(_world(200))), "source"),
            "precision(fraud, flag)",
            "region",
        )
    assert (
        "'alert', 'sample': no origin that I know.  Say what it means, as in --origin source --origin"
        in str(error.value)
    )
    known = _seen(_world(200))
    words = pa.array(
        ["Random Sample" if v == "sample" else "chosen" for v in known["source"].to_pylist()]
    )
    known = known.set_column(known.column_names.index("source"), "source", words)
    assert (
        len(
            audit_metrics(
                with_origin(open_records(known), "source"), ["precision(fraud, flag)"], "region"
            )
        )
        == 2
    )


def test_the_command_says_a_line_each_and_its_page_too(tmp_path):
    csv.write_csv(_seen(_world(2000)), tmp_path / "cases.csv")
    words = [
        "audit",
        "cases.csv",
        "--by",
        "region",
        "--origin",
        "source",
        "--origin",
        "alert=chosen",
        "--origin",
        "sample=random",
    ]
    done = run_command(
        *words, "--metric", "precision(prediction=flag)", "--label", "fraud", "--label", "chargeback", "--html", "page.html",
        cwd=tmp_path,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["overall", "value", "95", "%", "rows", "worse", "for"]
    page = (tmp_path / "page.html").read_text()
    assert "Side by side" in page
    assert page.count("precision(label=chargeback) (chosen by the system)") >= 3
    refused = run_command(
        *words[:4], "--origin", "chosen", "--metric", "recall_of(x)", cwd=tmp_path
    )
    assert refused.returncode == 2
    refused = run_command(
        *words[:4],
        "--origin",
        "chosen",
        "--metric",
        "false_negative_rate(fraud, flag)",
        cwd=tmp_path,
    )
    assert refused.returncode == 3
    assert "whose labels are not here" in refused.stderr
    found = json.loads(
        run_command(*words, "--metric", "precision(fraud, flag)", "--json", cwd=tmp_path).stdout
    )
    assert [one["metric"]["label"] for one in found] == [
        "precision (drawn at random)",
        "precision (chosen by the system)",
    ]
    cube = run_command(
        *words, "--metric", "precision(fraud, flag)", "--cube", "x.cube", cwd=tmp_path
    )
    assert cube.returncode == 2
    assert "Choose one with where" in cube.stderr


def test_rows_chosen_by_something_else_are_told_or_refused():
    world = _world(4000)
    chosen = pa.table({k: v for k, v in world.items() if k != "random"}).filter(
        pa.array(world["flag"] == 1)
    )
    # Another system's decisions on the rows that the first one chose.
    other = np.ones(len(chosen), int)
    other[::10] = 0
    records = with_origin(open_records(chosen.append_column("other", pa.array(other))), "chosen")
    assert [n.code for n in audit(records, "precision(fraud, flag)", "region").notes][:2].count(
        "chosen_by_another"
    ) == 0
    told = {n.code: n.text for n in audit(records, "precision(fraud, other)", "region").notes}
    assert told["chosen_by_another"].startswith(
        "Of the rows that are said to be chosen by the system other selects 90.0%."
    )
    for metric in ("precision(fraud, flag, positive=0)", "precision(fraud, region = 'nowhere')"):
        with pytest.raises(InputError):
            audit(records, metric, "region")
    with pytest.raises(RefusedError, match="it needs rows that the system did not choose"):
        audit(records, "precision(fraud, flag, average='macro')", "region")
    with pytest.raises(RefusedError, match="selects 10% of them"):
        audit(records, "precision(fraud, other = 0)", "region")


@pytest.mark.parametrize("values", [[True, False], [1.0, 0.0], [1, 0], ["Yes", "No"]])
def test_origins_are_written_as_people_write_values(values, tmp_path):
    seen = _seen(_world(400))
    column = pa.array(
        [values[0] if v == "alert" else values[1] for v in seen["source"].to_pylist()]
    )
    table = seen.set_column(seen.column_names.index("source"), "source", column)
    one, none = {bool: ("true", "false"), float: ("1", "0"), int: ("1", "0"), str: ("Yes", "No")}[
        type(values[0])
    ]
    records = with_origin(open_records(table), ["source", f"{one}=chosen", f"{none}=random"])
    found = audit_metrics(records, ["precision(fraud, flag)"], "region")
    assert _titles(found) == ["precision (drawn at random)", "precision (chosen by the system)"]


def test_labels_of_a_cube_are_those_that_were_counted(tmp_path):
    from evenhand import count_cube

    counted = count_cube(
        pa.table(_world(400)), ["precision(fraud, flag)", "precision(chargeback, flag)"], "region"
    )
    (one,) = audit_metrics(counted, ["precision(prediction=flag)"], labels=["chargeback"])
    assert one.metric.expression == "precision(label=chargeback, prediction=flag)"
    with pytest.raises(InputError, match="Name the metric that the labels are for"):
        audit_metrics(counted, labels=["chargeback"])


def test_a_sample_of_the_rest_is_known_by_predictions_of_any_kind():
    """Accuracy takes classes, and had an answer where the rate of false negatives had none."""
    records = with_origin(open_records(_seen(_world(3000), rest=True)), _SOURCE)
    for metric in (
        "accuracy(fraud, flag)",
        "f1(fraud, flag, average='macro')",
        "cohen_kappa(fraud, flag)",
    ):
        with pytest.raises(RefusedError, match="no sample of all"):
            audit(records, metric, "region")
    seen = _seen(_world(3000), rest=True)
    scored = seen.append_column("score", pa.array(np.linspace(0, 1, len(seen))))
    (found,) = audit_metrics(
        with_origin(open_records(scored), _SOURCE), ["auc(fraud, score)"], "region"
    )
    told = {note.code: note.text for note in found.notes}
    assert "they are no sample of all" in told["perhaps_of_the_rest"]


def test_counts_of_parts_are_not_added(tmp_path):
    from evenhand import count_cube, merge_cubes

    seen = _seen(_world(1000))
    drawn, chosen = (
        count_cube(
            with_origin(open_records(seen), _SOURCE),
            ["precision(fraud, flag)"],
            "region",
            where=f"source = '{s}'",
        )
        for s in ("sample", "alert")
    )
    with pytest.raises(InputError, match="Origins of labels of"):
        merge_cubes([drawn, chosen])
    for by in ("source", "region,source"):
        with pytest.raises(InputError, match="Pooled they are of nobody"):
            count_cube(with_origin(open_records(seen), _SOURCE), ["precision(fraud, flag)"], by)
    with pytest.raises(InputError, match="Pooled they are of nobody"):
        slices(
            with_origin(open_records(seen), _SOURCE),
            "precision(fraud, flag)",
            features=["region", "source"],
        )


def test_values_of_python_that_say_nothing_are_told(tmp_path):
    csv.write_csv(_seen(_world(300)), tmp_path / "cases.csv")
    assert with_origin(tmp_path / "cases.csv", "random").origin.every == "random"
    for origin in (None, 3, [3], {}):
        with pytest.raises((InputError, TypeError)):
            with_origin(tmp_path / "cases.csv", origin)


def test_the_lines_of_csv_say_of_which_part_they_are(tmp_path):
    csv.write_csv(_seen(_world(2000)), tmp_path / "cases.csv")
    done = run_command(
        "audit", "cases.csv", "--by", "region", "--origin", "source", "--origin", "alert=chosen", "--origin", "sample=random",
        "--metric", "precision(fraud, flag)", "--csv", cwd=tmp_path,
    )  # fmt: skip
    ends = [line.split(",")[-1] for line in done.stdout.splitlines()]
    assert ends == [
        "metric",
        *["precision (drawn at random)"] * 2,
        "metric",
        *["precision (chosen by the system)"] * 2,
    ]
