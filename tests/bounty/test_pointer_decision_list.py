"""The compiled list against a plain reading of it, row by row; explanations and roll-back."""

import numpy as np
import pyarrow as pa
import pytest

from evenhand.bounty.deployed.pointer_decision_list import PointerDecisionList
from evenhand.bounty.strangers.runner import DirectRunner
from evenhand.bounty.submission.group import read_group
from evenhand.bounty.submission.model import Model
from evenhand.bounty.task.membership import Memberships, formula_of, single, unpack
from evenhand.bounty.task.task import task_of
from evenhand.groups import parse_predicate
from evenhand.records import open_records

RUNNER = DirectRunner()
PREDICATES = [
    "age >= 40",
    "sex = 'F'",
    "sex != 'F'",
    "NOT (age < 30 OR sex = 'M')",
    "race IN ('b', 'c') AND age BETWEEN 20 AND 60",
    "race NOT IN ('b', 'zz')",
    "age IS NULL",
    "NOT (age IS NULL AND sex = 'M')",
    "employed = TRUE AND race <= 'b'",
    "NOT (age BETWEEN 30 AND 50)",
    "age NOT BETWEEN 30 AND 50 OR sex IS NULL",
    "age = 41",
    "age IN (20, 21.5, 22)",
]


def table(rows, seed=0):
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, rows).astype(float)
    age[rng.random(rows) < 0.1] = np.nan
    sex = rng.choice(["F", "M"], rows).astype(object)
    sex[rng.random(rows) < 0.1] = None
    return pa.table(
        {
            "age": pa.array(age, from_pandas=True),
            "sex": pa.array(sex.tolist()),
            "race": rng.choice(["a", "b", "c", "d"], rows),
            "employed": rng.random(rows) < 0.5,
            "score": rng.uniform(0, 100, rows),
        }
    )


def task():
    return task_of(table(500), label="score", loss="squared(0, 1000)")


def constant(value):
    return Model(constant=(float(value),))


def random_list(rng, length, repairs=True):
    """A list of random updates and repairs; the constant of an update is its node's number + 1."""
    listed = PointerDecisionList(task=task(), models=(constant(0),))
    for number in range(length):
        if repairs and listed.groups and rng.random() < 0.4:
            group = int(rng.integers(len(listed.groups)))
            listed = listed.repaired(group, int(rng.integers(number + 1)))
        else:
            given = {"predicate": PREDICATES[rng.integers(len(PREDICATES))]}
            group = read_group(given, listed.task)
            listed = listed.updated(group, constant(number + 1), team="t", key=str(number))
    return listed


def plainly(listed, inside, row):
    """Model of a row by the definition: newest node first, pointers followed."""
    version = listed.version
    while version > 0:
        node = listed.nodes[version - 1]
        version -= 1
        if not node.active or not inside[node.group][row]:
            continue
        if node.model is not None:
            return node.model
        version = min(version, node.version)
    return 0


@pytest.mark.parametrize("text", PREDICATES)
def test_a_formula_holds_where_the_engine_says_the_predicate_does(text):
    rows = table(400, seed=3)
    given = task()
    formula = formula_of(parse_predicate(text, given.columns), given)
    records = open_records(rows.append_column("row", pa.array(range(400))))
    found = records.engine.query(f"SELECT row FROM {records.source} WHERE {text} ORDER BY row")
    matrix = given.encode(rows)
    mask = unpack(Memberships(matrix).of(formula), 400)
    assert np.flatnonzero(mask).tolist() == found["row"].to_pylist()
    test = single(formula)
    assert [bool(test(row)) for row in matrix.tolist()] == mask.tolist()


@pytest.mark.parametrize("seed", range(6))
def test_the_compiled_list_answers_as_a_plain_reading_of_it(seed):
    rng = np.random.default_rng(seed)
    listed = random_list(rng, 40 if seed else 400)
    matrix = listed.task.encode(table(203, seed=seed + 10))
    inside = listed.memberships(matrix, RUNNER)
    wanted = [plainly(listed, inside, row) for row in range(203)]
    predicted = listed.predict(matrix, RUNNER)
    answers = [listed.models[model].constant[0] for model in wanted]
    assert predicted.tolist() == answers
    assert [listed.explain(row, RUNNER).model for row in matrix] == wanted
    assert [listed.predict_one(row, RUNNER)[0] for row in matrix] == answers


@pytest.mark.parametrize("seed", range(4))
def test_a_rolled_back_update_is_as_if_it_had_never_been_made(seed):
    rng = np.random.default_rng(seed)
    listed = random_list(rng, 30)
    keys = [node.key for node in listed.nodes if node.key]
    back = listed.rolled_back(keys[len(keys) // 2])
    matrix = listed.task.encode(table(100, seed=seed))
    inside = back.memberships(matrix, RUNNER)
    wanted = [back.models[plainly(back, inside, row)].constant[0] for row in range(100)]
    assert back.predict(matrix, RUNNER).tolist() == wanted


def test_shadowed_updates_are_dropped():
    listed = PointerDecisionList(task=task(), models=(constant(0),))
    group = read_group({"predicate": "age > 40"}, listed.task)
    listed = listed.updated(group, constant(1), team="a", key="a").repaired(0, 0).repaired(0, 1)
    assert listed.live_nodes() == (0, 2)


def test_an_explanation_names_the_team_and_the_groups_on_the_way():
    listed = PointerDecisionList(task=task(), models=(constant(0),))
    older = read_group({"predicate": "age > 40"}, listed.task)
    women = read_group({"predicate": "sex = 'F'"}, listed.task)
    listed = listed.updated(older, constant(1), team="first", key="k1")
    listed = listed.updated(women, constant(2), team="second", key="k2").repaired(0, 1)
    row = listed.task.encode({"age": [50], "sex": ["F"], "race": ["a"], "employed": [True]})[0]
    explained = listed.explain(row, RUNNER)
    assert explained.team == "first"
    assert [(step.group, step.points_to) for step in explained.steps] == [
        ("age > 40", 1),
        ("age > 40", None),
    ]


def test_no_rows_give_no_predictions():
    listed = random_list(np.random.default_rng(0), 5)
    assert listed.predict(np.zeros((0, 4), np.float32), RUNNER).shape == (0,)
