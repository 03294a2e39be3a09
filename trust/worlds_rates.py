"""Worlds of one rate, and whether its interval covers the truth."""

import functools
import math

import numpy as np
import pyarrow as pa
from scipy import stats

import evenhand

from . import rivals
from .claims import Claim

WORDS = 10


def interval(columns, metric, **options):
    """Ends of the interval of all rows, or None where Evenhand refuses."""
    rows = len(next(iter(columns.values())))
    table = pa.table({"g": np.repeat("all", rows), **columns})
    if metric.startswith("selection_rate"):
        options["worse"] = "higher"
    found = evenhand.audit(table, metric, "g", **options).groups[0].estimate
    return None if found.low is None or found.high is None else (found.low, found.high)


def covers(ends, truth):
    return None if ends is None else float(ends[0] <= truth <= ends[1])


def few_rows(rng, _index):
    y = (rng.random(30) < 0.02).astype(int)
    share, z = y.mean(), stats.norm.ppf(0.975)
    half = z * math.sqrt(share * (1 - share) / 30)
    ours = interval({"y": y}, "selection_rate(prediction=y, positive=1)")
    return {
        "evenhand": covers(ours, 0.02),
        "Wald": covers((share - half, share + half), 0.02),
    }


def speakers(rng, index):
    unit = np.repeat(np.arange(20), 10)
    rate = rng.beta(2, 8, 20)[unit]
    wrong = rng.random((200, WORDS)) < rate[:, None]
    said = " ".join(f"w{i}" for i in range(WORDS))
    heard = [" ".join("x" if bad else f"w{i}" for i, bad in enumerate(row)) for row in wrong]
    columns = {"r": [said] * 200, "h": heard, "u": unit.astype(str)}
    ours = interval(columns, "wer(reference=r, hypothesis=h)", unit="u")
    theirs = rivals.jiwer_interval([said] * 200, heard, np.random.default_rng([7, index]))
    return {"evenhand": covers(ours, 0.2), "jiwer, bootstrap of utterances": covers(theirs, 0.2)}


def one_caller(rng, _index):
    words = np.full(12, 50)
    words[0] = int(words[1:].sum() * 0.4 / 0.6)
    errors = rng.binomial(words, rng.beta(2, 8, 12))
    unit = np.arange(12)
    columns = {"e": errors, "w": words, "u": unit.astype(str)}
    ours = interval(columns, "ratio(e, w)", unit="u")
    theirs = rivals.clustered_interval(errors / words, words, unit)
    return {"evenhand": covers(ours, 0.2), "statsmodels, clustered": covers(theirs, 0.2)}


def bursts(count):
    def world(rng, index):
        unit = np.repeat(np.arange(count), 10)
        words = rng.poisson(8, len(unit)) + 1
        errors = rng.poisson(words * rng.gamma(2, 0.05, count)[unit])
        errors = errors + (rng.random(len(unit)) < 0.02) * rng.poisson(40, len(unit))
        truth = 0.1 + 0.02 * 40 / 9
        columns = {"e": errors, "w": words, "u": unit.astype(str)}
        ours = interval(columns, "ratio(e, w)", unit="u")
        rows = rivals.bootstrap(errors, words, np.random.default_rng([8, index]))
        theirs = rivals.clustered_interval(errors / words, words, unit)
        return {
            "evenhand": covers(ours, truth),
            "bootstrap of utterances": covers(rows, truth),
            "statsmodels, clustered": covers(theirs, truth),
        }

    return world


def _sizes(rng, number):
    return np.maximum(rng.lognormal(2, 1.2, number), 1).astype(int)


def wholly(sizes):
    return np.minimum(0.004 * sizes, 1)


def partly(sizes):
    return np.minimum(0.05 + 0.002 * sizes, 1)


@functools.cache
def _size_truth(chance):
    sizes = _sizes(np.random.default_rng(0), 400_000)
    return float((sizes * chance(sizes)).mean() / sizes.mean())


def large_fail(chance, count=20):
    """Units of which larger ones fail more often: wholly or never, or in a share of their rows."""

    def world(rng, _index):
        sizes = _sizes(rng, count)
        own = chance(sizes)
        unit = np.repeat(np.arange(count), sizes)
        each = rng.random(count)[unit] if chance is wholly else rng.random(len(unit))
        bad = each < own[unit]
        columns = {"y": bad.astype(int), "u": unit.astype(str)}
        ours = interval(columns, "selection_rate(prediction=y, positive=1)", unit="u")
        theirs = rivals.clustered_interval(bad.astype(float), np.ones(len(unit)), unit)
        truth = _size_truth(chance)
        return {"evenhand": covers(ours, truth), "statsmodels, clustered": covers(theirs, truth)}

    return world


def kappa(rng, _index):
    n, share = 82, 0.2
    y = rng.random(n) < share
    p = np.where(y, rng.random(n) < 0.8, rng.random(n) < 0.05)
    if y.all() or not y.any():
        return {"evenhand": None}
    seen, chosen = 0.8 * share + 0.95 * (1 - share), 0.8 * share + 0.05 * (1 - share)
    chance = share * chosen + (1 - share) * (1 - chosen)
    ours = interval({"y": y.astype(int), "p": p.astype(int)}, "cohen_kappa(label=y, prediction=p)")
    return {"evenhand": covers(ours, (seen - chance) / (1 - chance))}


def auc(rng, _index):
    y = (rng.random(200) < 0.05).astype(int)
    y[0], y[1] = 0, 1
    score = rng.normal(0, 1, 200) + 1.5 * y
    ours = interval({"y": y, "s": score}, "auc(label=y, score=s)")
    return {"evenhand": covers(ours, stats.norm.cdf(1.5 / math.sqrt(2)))}


def r_squared(rows):
    def world(rng, _index):
        x = rng.normal(0, 1, rows)
        y = x + rng.normal(0, 1, rows)
        ours = interval({"y": y, "x": x}, "r_squared(target=y, prediction=x)")
        return {"evenhand": covers(ours, 0.5)}

    return world


def _coverage(name, title, words, world, run, worlds=200, note="", bound="near"):
    return Claim(
        name=name,
        title=title,
        words=words,
        world=world,
        nominal=0.95,
        bound=bound,
        worlds=worlds,
        run=run,
        note=note,
    )


CLAIMS = (
    _coverage(
        "one-rate",
        "rate of 2 %, 30 rows",
        "The interval of a rare rate covers it.",
        "30 rows, each 1 with probability .02",
        few_rows,
        note="the share is discrete: an interval can cover more than .95, never less by much",
    ),
    _coverage(
        "speakers",
        "WER by speaker",
        "The interval of a word error rate holds when people are named as units.",
        "20 speakers of 10 utterances of 10 words, rates beta(2, 8)",
        speakers,
    ),
    _coverage(
        "one-caller",
        "a caller with 40 % of words",
        "One caller who speaks much does not make the interval too sure.",
        "12 callers, one with 40 % of all words, rates beta(2, 8)",
        one_caller,
        note="claim 6; .872 before",
    ),
    _coverage(
        "bursts-20",
        "bursts, 20 speakers",
        "The interval holds where rare utterances have bursts of insertions.",
        "20 speakers of 10 utterances; 2 % of utterances have some 40 insertions more",
        bursts(20),
    ),
    _coverage(
        "bursts-10",
        "bursts, 10 speakers",
        "The same with ten speakers.",
        "10 speakers of 10 utterances, the same bursts",
        bursts(10),
        note="claim 12; .890 before",
    ),
    *(
        _coverage(
            f"large-fail{name}",
            title,
            "Known weakness: where units differ much in size and larger ones fail more, the interval "
            "misses more often; the report says so.",
            world,
            large_fail(chance, count),
            bound="told",
            note=note,
        )
        for name, title, world, chance, count, note in (
            (
                "",
                "large units fail more",
                "20 units of lognormal sizes, each fails wholly or never, large ones more often",
                wholly,
                20,
                "claim 5; .537 before; withdrawn in words: the unit that would decide is not in the sample",
            ),
            ("-200", "the same, 200 units", "200 such units", wholly, 200, ""),
            (
                "-partly",
                "large units fail in more rows",
                "20 units of lognormal sizes, the share of rows that fails grows with size",
                partly,
                20,
                "",
            ),
        )
    ),
    _coverage(
        "kappa",
        "Cohen's kappa, 82 rows",
        "The interval of kappa covers, or is refused.",
        "82 rows, a fifth positive, .80 and .95 of them right",
        kappa,
        note="claim 12; .878 before",
    ),
    _coverage(
        "auc",
        "AUC, 10 positives",
        "The interval of an AUC covers, or is refused.",
        "200 rows, one in twenty positive, normal scores 1.5 apart",
        auc,
        note="claim 12; .906 before",
    ),
    *(
        _coverage(
            f"r2-{rows}",
            f"R², {rows} rows",
            "The interval of R² covers, or is refused.",
            f"{rows} rows, half of the variance explained",
            r_squared(rows),
            worlds=100,
            note=note,
        )
        for rows, note in (
            (400, ""),
            (200, "R² is refused below 400 rows: of 200 it covered .91"),
        )
    ),
)
