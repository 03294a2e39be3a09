"""Where no slice is worse, none may be confirmed: in 5 worlds of 100 at most, whatever the loss.

Seeded; the bar is .05 plus three binomial standard errors of the number of worlds.
"""

import numpy as np
import pyarrow as pa
import pytest

import evenhand

WORLDS = 60
BAR = 0.05 + 3 * np.sqrt(0.05 * 0.95 / WORLDS)


def features(rng, rows, cards=(2, 3, 4, 5, 6)):
    return {f"f{j}": rng.integers(0, card, rows) for j, card in enumerate(cards)}


def binary(rng, base=0.1):
    table = features(rng, 1000)
    return table | {"wrong": (rng.random(1000) < base).astype(int)}, "mean(wrong)", None


def rare(rng):
    return binary(rng, base=0.01)


def skewed(rng):
    return features(rng, 800) | {"loss": rng.lognormal(0, 2, 800)}, "mean(loss)", None


def ratio(rng):
    words = rng.poisson(8, 800) + 1
    errors = rng.binomial(words, rng.beta(0.3, 2, 800))
    return features(rng, 800) | {"errors": errors, "words": words}, "ratio(errors, words)", None


def speakers(rng, *, mixed):
    """Speakers with error rates of their own; attributes of speakers, or of utterances as well."""
    count = 100
    size = rng.integers(3, 20, count)
    speaker = np.repeat(np.arange(count), size)
    table = {f"f{j}": rng.integers(0, card, count)[speaker] for j, card in enumerate((2, 3, 4, 5))}
    if mixed:
        table |= {f"g{j}": rng.integers(0, card, len(speaker)) for j, card in enumerate((2, 3))}
    words = rng.poisson(8, len(speaker)) + 1
    errors = rng.binomial(words, rng.beta(0.5, 4, count)[speaker])
    rest = {"errors": errors, "words": words, "speaker": [f"s{u}" for u in speaker]}
    return table | rest, "ratio(errors, words)", "speaker"


def false_alarms(world, confirm, worlds=WORLDS, score="z"):
    alarms, methods = 0, set()
    for seed in range(worlds):
        columns, metric, unit = world(np.random.default_rng([2026, seed]))
        names = [name for name in columns if name[0] in "fg" and name[1:].isdigit()]
        found = evenhand.slices(
            pa.table(columns),
            metric=metric,
            features=names,
            unit=unit,
            min_support=0.03,
            confirm=confirm,
            score=score,
            seed=seed,
        )
        alarms += bool(found.confirmed)
        methods.add(found.confirmation.method)
    return alarms / worlds, methods


@pytest.mark.parametrize(
    ("world", "method"),
    [
        (binary, "exact"),
        (rare, "exact"),
        (skewed, "bootstrap"),
        (ratio, "bootstrap"),
        (lambda rng: speakers(rng, mixed=False), "bootstrap"),
        (lambda rng: speakers(rng, mixed=True), "bootstrap"),
    ],
    ids=["binary", "rare", "skewed", "ratio", "speakers", "speakers and utterances"],
)
def test_nothing_is_confirmed_where_nothing_is_worse(world, method):
    alarms, methods = false_alarms(world, True)
    assert methods == {method}
    assert alarms <= BAR


@pytest.mark.parametrize("world", [skewed, lambda rng: speakers(rng, mixed=False)])
def test_nothing_is_confirmed_by_permutation_where_losses_depend_on_no_feature(world):
    """Exact there, tiny skewed slices included."""
    alarms, methods = false_alarms(world, "permutation", 24)
    assert methods == {"permutation"}
    assert alarms <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 24)


@pytest.mark.parametrize("confirm", ["split", "cross-screening", "e-values"])
def test_nothing_is_confirmed_by_halves_where_nothing_is_worse(confirm):
    worlds = 40 if confirm != "e-values" else 12
    for world in (binary, lambda rng: speakers(rng, mixed=True)):
        alarms, _ = false_alarms(world, confirm, worlds)
        assert alarms <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / worlds)


def test_the_worst_slices_alone_would_alarm_in_nearly_every_world():
    """The test of the test: without correction the same worlds give alarms."""
    alarms = 0
    for seed in range(30):
        columns, metric, _ = binary(np.random.default_rng([2026, seed]))
        found = evenhand.slices(pa.table(columns), metric=metric, score="z", min_support=0.03)
        alarms += any(one.p_value < 0.05 for one in found.slices)
    assert alarms >= 28


def test_a_planted_slice_is_confirmed():
    """Depth 3, 3 % of 20 000 rows at .25 instead of .10: found and confirmed, and nothing else."""
    hits = 0
    for seed in range(10):
        rng = np.random.default_rng([7, seed])
        columns = features(rng, 20_000, (2, 3, 6, 4, 5))
        planted = (columns["f0"] == 1) & (columns["f1"] == 2) & (columns["f2"] == 3)
        wrong = rng.random(20_000) < np.where(planted, 0.25, 0.10)
        found = evenhand.slices(
            pa.table(columns | {"wrong": wrong.astype(int)}), metric="mean(wrong)", score="z"
        )
        hits += [one.predicate for one in found.confirmed[:1]] == ["f0 = 1 AND f1 = 2 AND f2 = 3"]
    assert hits >= 9
