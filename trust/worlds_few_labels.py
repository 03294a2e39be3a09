"""Worlds in which people labelled some rows and a judge all."""

import math

import numpy as np
import pandas as pd
from scipy import stats

import evenhand

from .claims import Claim
from .worlds_rates import covers

ROWS, LABELLED = 2000, 50
CALLERS = 120
_Z = stats.norm.ppf(0.975)


def prediction_powered(people, judge, others):
    """PPI++'s interval of a mean with its tuned weight (arXiv:2311.01453): normal, and of independent rows."""
    n, more = len(people), len(others)
    every = np.concatenate([judge, others])
    spread = (1 + n / more) * every.var(ddof=1)
    lam = np.clip(np.cov(people, judge)[0, 1] / spread, 0, 1) if spread > 0 else 0.0
    value = people.mean() + lam * (others.mean() - judge.mean())
    variance = (people - lam * judge).var(ddof=1) / n + lam**2 * others.var(ddof=1) / more
    return value - _Z * math.sqrt(variance), value + _Z * math.sqrt(variance)


def ends(table, metric, judge, **options):
    found = evenhand.audit(table, metric, "g", judge=judge, worse="higher", **options)
    rate = found.groups[0].estimate
    return None if rate.low is None or rate.high is None else (rate.low, rate.high)


def few_rows(rng, _index):
    wrong = (rng.random(ROWS) < 0.2).astype(float)
    judge = np.where(rng.random(ROWS) < 0.98, wrong, 1 - wrong)
    told = np.arange(ROWS) < LABELLED
    table = pd.DataFrame({"g": "all", "y": np.where(told, wrong, np.nan), "j": judge})
    theirs = prediction_powered(wrong[told], judge[told], judge[~told])
    return {
        "evenhand": covers(ends(table, "mean(y)", "mean(j)"), 0.2),
        "PPI++": covers(theirs, 0.2),
    }


def _callers(rng, number, right, *, heavy):
    size = np.maximum(1, np.rint(rng.lognormal(np.log(15), 1.0, number))).astype(int)
    tilt = 0.8 * np.log(size / 15) + rng.normal(0, 0.5, number)
    rate = 1 / (1 + np.exp(np.log(0.85 / 0.15) - tilt))
    if heavy:
        rate = np.where(rng.random(number) < 0.1, 0.8, 0.022)
    wrong = rng.binomial(size, rate)
    judge = wrong - rng.binomial(wrong, 1 - right) + rng.binomial(size - wrong, 1 - right)
    return size, wrong, judge


def callers(right, *, heavy, labelled):
    size, wrong, _ = _callers(np.random.default_rng(1), 1_000_000, 1.0, heavy=heavy)
    truth = wrong.sum() / size.sum()

    def world(rng, _index):
        size, wrong, judge = _callers(rng, CALLERS, right, heavy=heavy)
        told = np.arange(CALLERS) < labelled
        table = pd.DataFrame(
            {
                "g": "all",
                "caller": [f"c{i}" for i in range(CALLERS)],
                "size": size,
                "wrong": np.where(told, wrong, np.nan),
                "judge": judge,
            }
        )
        ours = ends(table, "ratio(wrong, size)", "ratio(judge, size)", unit="caller")
        rows = [np.repeat([1.0, 0.0] * CALLERS, np.c_[w, size - w].ravel()) for w in (wrong, judge)]
        split = int(size[:labelled].sum())
        theirs = prediction_powered(rows[0][:split], rows[1][:split], rows[1][split:])
        return {"evenhand": covers(ours, truth), "PPI++ of rows": covers(theirs, truth)}

    return world


CLAIMS = (
    Claim(
        name="few-labels-rows",
        title="50 labels and a judge",
        words="The interval of a share from few labels of people and a judge's of all covers it.",
        world="2,000 rows, a rate of .2; people labelled 50; the judge is right in 98 %",
        nominal=0.95,
        bound="at least",
        worlds=200,
        run=few_rows,
    ),
    Claim(
        name="few-labels-callers",
        title="10 labelled callers and a judge",
        words="The interval of a ratio of sums from few labelled units and a judge's labels of all covers it.",
        world="120 callers of unequal size, larger ones with higher rates; 10 are labelled; the judge is right in 95 %",
        nominal=0.95,
        bound="at least",
        worlds=200,
        run=callers(0.95, heavy=False, labelled=10),
    ),
    Claim(
        name="few-labels-bad-judge",
        title="30 labelled callers and a bad judge",
        words="The same, of callers a tenth of whom have nearly all errors, with a judge hardly better than chance.",
        world="120 callers; a tenth has nearly all errors; 30 are labelled; the judge is right in 60 %",
        nominal=0.95,
        bound="told",
        worlds=200,
        run=callers(0.6, heavy=True, labelled=30),
        note="rare units that nobody labelled and the judge hardly sees are in no interval; a note says so",
    ),
)
