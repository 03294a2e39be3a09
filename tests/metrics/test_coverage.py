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
