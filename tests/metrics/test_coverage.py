"""Intervals of metrics that are no ratio of sums hold as often as they say, on the scale of their range.

All worlds of one size lie in one table, a group each, so that the whole way from rows to interval is
walked.  The truth is that of a large table.  Slack is 3 binomial standard errors.
"""

import numpy as np
import pyarrow as pa
import pytest
from threadpoolctl import threadpool_limits

from evenhand.cubes import build_cube, estimate
from evenhand.groups import parse_partitions
from evenhand.metrics import find_definition, parse_metric
from evenhand.records import open_records
from evenhand.stats.scales import scale_of, scaled

WORLDS, LARGE = 150, 40_000
NAMES = np.array(["cat", "dog", "owl"])


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    with threadpool_limits(1):
        yield


def classes(rng, n):
    y = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    return {"y": NAMES[y], "p": NAMES[np.where(rng.random(n) < 0.7, y, rng.choice(3, n))]}


def binary(rng, n):
    y = (rng.random(n) < 0.4).astype(int)
    return {"y": y, "p": np.where(rng.random(n) < 0.8, y, 1 - y)}


def scores(rng, n):
    y = (rng.random(n) < 0.3).astype(int)
    return {"y": y, "p": rng.normal(size=n) + y}


def ratings(rng, n):
    truth = rng.integers(1, 5, n)
    return {
        name: np.clip(truth + rng.integers(-1, 2, n) * (rng.random(n) < 0.5), 1, 4)
        for name in "abc"
    }


def numbers(rng, n):
    t = rng.lognormal(1, 0.5, n) + 0.5
    return {"y": t, "p": t + rng.normal(size=n) * 0.7 * np.sqrt(t)}


def rankings(rng, n):
    relevance = rng.integers(0, 4, n * 6) * (rng.random(n * 6) < 0.5)
    relevance[::6] += 1
    return {
        "y": relevance,
        "p": relevance + rng.normal(size=n * 6) * 1.5,
        "q": np.repeat(np.arange(n), 6).astype(str),
    }


#: Metric, world, and the sizes at which its interval holds (of 600 worlds each).
CASES = [
    ("f1(y, p, average='weighted')", classes, (20, 60, 200)),
    ("f1(y, p, average='macro')", classes, (60, 200)),
    ("mcc(y, p)", classes, (20, 60, 200)),
    ("f_beta(y, p, beta=2)", binary, (20, 60)),
    ("generalized_entropy(y, p)", binary, (60, 200)),
    ("theil(y, p)", binary, (60, 200)),
    ("average_precision(y, p)", scores, (20, 60, 200)),
    ("fleiss_kappa(raters=(a, b, c))", ratings, (20, 60)),
    ("krippendorff_alpha(raters=(a, b, c), level='ordinal')", ratings, (20, 60)),
    ("median_absolute_error(y, p)", numbers, (20, 60, 200)),
    ("r_squared(y, p)", numbers, (200,)),
    ("ndcg(y, p, q)", rankings, (20, 60)),
]


def rare_binary(rng, n):
    y = (rng.random(n) < 0.03).astype(int)
    return {"y": y, "p": np.where(rng.random(n) < np.where(y, 0.9, 0.99), y, 1 - y)}


def rare_classes(rng, n):
    y = rng.choice(3, n, p=[0.94, 0.04, 0.02])
    return {
        "y": y,
        "p": np.where(rng.random(n) < 0.85, y, rng.choice(3, n, p=[0.94, 0.04, 0.02])),
    }


def rare_ratings(rng, n):
    truth = rng.random(n) < 0.05
    return {
        name: np.where(rng.random(n) < 0.85, truth, rng.random(n) < 0.05).astype(int)
        for name in "abc"
    }


#: Metrics of worlds in which nearly all rows are of one class, and what all rows' intervals covered there.
RARE = [
    ("cohen_kappa(y, p)", rare_binary, 60),  # .79
    ("cohen_kappa(y, p)", rare_classes, 60),
    ("cohen_kappa(y, p, weights='quadratic')", rare_classes, 60),
    ("mcc(y, p, labels=(0, 1, 2))", rare_classes, 60),
    ("fleiss_kappa(raters=(a, b, c))", rare_ratings, 60),  # .84, and .47 of 20 rows
    ("krippendorff_alpha(raters=(a, b, c))", rare_ratings, 60),
    ("krippendorff_alpha(raters=(a, b, c), level='ordinal')", rare_ratings, 60),
    ("f_beta(y, p, beta=2)", rare_binary, 60),
]


def estimates(metric, data, keep=()):
    records = open_records(pa.table(data))
    plan = parse_metric(metric, records.columns).plan(records, list(keep))
    attributes = parse_partitions("w", records.columns)[0] if keep else ()
    cube = build_cube(plan.records, plan.measure, attributes)
    codes = cube.codes(("w",))[0] if keep else np.zeros(len(cube.keys), int)
    return estimate(cube, plan.form, codes[None, :] == np.unique(codes)[:, None])


@pytest.mark.parametrize(("metric", "world", "sizes"), CASES, ids=[case[0] for case in CASES])
def test_intervals_hold_as_often_as_they_say(metric, world, sizes):
    definition = find_definition(metric.split("(")[0])
    scale = scale_of(definition.low, definition.high)
    rng = np.random.default_rng(len(metric))
    truth = estimates(metric, world(rng, LARGE)).values[0]
    for n in sizes:
        tables = [world(rng, n) for _ in range(WORLDS)]
        data = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
        each = len(data["y"] if "y" in data else data["a"]) // WORLDS
        data["w"] = np.repeat(np.arange(WORLDS), each).astype(str)
        if "q" in data:
            data["q"] = np.char.add(np.char.add(data["w"], ":"), data["q"])
        found = estimates(metric, data, keep=("w",))
        low, high = scaled(found.values, found.variances, found.n_units.astype(float), 0.95, scale)
        told = np.isfinite(low) & (found.n_units >= 5)
        assert told.mean() > 0.6
        share = np.mean((low[told] <= truth) & (truth <= high[told]))
        assert share > 0.95 - 3 * np.sqrt(0.95 * 0.05 / told.sum()), (n, share)


@pytest.mark.parametrize(("metric", "world", "n"), RARE)
def test_where_one_class_holds_nearly_all_rows_the_others_are_counted(metric, world, n):
    definition = find_definition(metric.split("(")[0])
    rng = np.random.default_rng(3)
    truth = estimates(metric, world(rng, LARGE)).values[0]
    for size in (n, 5 * n):
        tables = [world(rng, size) for _ in range(WORLDS)]
        data = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
        data["w"] = np.repeat(np.arange(WORLDS), size).astype(str)
        found = estimates(metric, data, keep=("w",))
        low, high = scaled(
            found.values,
            found.variances,
            found.n_effective,
            0.95,
            scale_of(definition.low, definition.high),
        )
        told = np.isfinite(low) & (found.n_units >= 5)
        assert told.mean() < 0.5 if size == n else told.mean() > 0.5
        covered = (low[told] <= truth) & (truth <= high[told])
        assert (~covered).sum() <= 0.05 * told.sum() + 3 * np.sqrt(0.05 * 0.95 * told.sum()) + 0.5
        assert (found.n_units < size / 3).all()


@pytest.mark.parametrize(
    ("metric", "data", "counted"),
    [
        # 6 of 40 labels are no 0, and 4 of 40 predictions.
        ("cohen_kappa(y, p)", {"y": [1] * 6 + [0] * 34, "p": [1] * 4 + [0] * 36}, 4),
        ("cohen_kappa(y, p)", {"y": [0] * 4 + [1] * 36, "p": [0] * 9 + [1] * 31}, 4),
        (
            "cohen_kappa(y, p, weights='linear')",
            {"y": [1] * 3 + [2] * 4 + [0] * 33, "p": [1] * 8 + [0] * 32},
            7,
        ),
        # 9 of 30 ratings by three raters fill three rows.
        (
            "fleiss_kappa(raters=(a, b, c))",
            {"a": [1] * 3 + [0] * 7, "b": [1] * 2 + [0] * 8, "c": [1] * 4 + [0] * 6},
            3,
        ),
        # 7 of 25 ratings of ten rows, in rows of 2.5 ratings.
        (
            "krippendorff_alpha(raters=(a, b, c))",
            {"a": [1] * 3 + [0] * 7, "b": [1] * 2 + [0] * 8, "c": [1] * 2 + [0] * 3 + [None] * 5},
            2,
        ),
        # Two positives of the prediction: (true and false positives).
        ("f_beta(y, p, beta=2)", {"y": [1] * 9 + [0] * 20, "p": [1] * 2 + [0] * 27}, 2),
    ],
)
def test_the_rows_that_count_are_those_of_the_scarcer_side(metric, data, counted):
    assert estimates(metric, data).n_units[0] == counted


def test_of_many_classes_none_is_asked_for():
    data = {"y": [0] * 40 + list(range(1, 15)), "p": [0] * 40 + list(range(1, 15))}
    assert estimates("cohen_kappa(y, p)", data).n_units[0] == 54
