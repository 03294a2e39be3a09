"""Worlds of two services on the same rows: who gains and who loses by switching."""

import numpy as np
import pyarrow as pa
from scipy import stats

import evenhand

from .claims import Claim

#: Groups and rows of each.
SHAPE = (6, 150)


def moved(report, verdicts=("gains", "loses")):
    return [one for one in report.groups if one.verdict in verdicts]


def answers(rng, disagree, change=0.0):
    """Answers of two services by group, 1 is wrong; of the rows where they differ half go either way.

    The first group loses `change` more.
    """
    differ = rng.random(SHAPE) < disagree
    turned = rng.random(SHAPE) < 0.5
    alike = rng.random(SHAPE) < 0.2
    first, second = np.where(differ, turned, alike), np.where(differ, ~turned, alike)
    second[0] |= rng.random(SHAPE[1]) < change
    return first.astype(int), second.astype(int)


def compared(first, second):
    group = np.repeat(np.arange(len(first)), first.shape[1])
    table = pa.table({"g": group.astype(str), "old": first.ravel(), "new": second.ravel()})
    return evenhand.compare(table, ["mean(old)", "mean(new)"], "g", worse="higher")


def unpaired(first, second):
    """Two audits beside each other: the smallest p-value of two proportions, Bonferroni."""
    n = first.shape[1]
    both = [stats.fisher_exact([[a, n - a], [b, n - b]]).pvalue
            for a, b in zip(first.sum(1), second.sum(1), strict=True)]  # fmt: skip
    return min(both) * len(both)


def paired_t(first, second):
    differences = second - first
    told = [row for row in differences if row.any()]
    p = [stats.ttest_1samp(row, 0.0).pvalue for row in told]
    return min(p, default=1.0) * len(differences)


def null(rng, _index):
    first, second = answers(rng, 0.08)
    return {
        "evenhand": float(bool(moved(compared(first, second)))),
        "paired t, Bonferroni": float(paired_t(first, second) < 0.05),
        "two audits, Bonferroni": float(unpaired(first, second) < 0.05),
    }


def gaps(rng, _index):
    """Everybody gains alike: nobody falls behind."""
    first, second = answers(rng, 0.08)
    better = rng.random(second.shape) < 0.4
    report = compared(first, np.where(better, 0, second))
    behind = [g for g in report.groups if g.gap_verdict in ("falls behind", "catches up")]
    return {"evenhand": float(bool(behind))}


def power(rng, _index):
    first, second = answers(rng, 0.08, change=0.12)
    report = compared(first, second)
    lost = [one for one in moved(report, ("loses",)) if one.group["g"] == "0"]
    n = first.shape[1]
    apart = stats.fisher_exact(
        [[first[0].sum(), n - first[0].sum()], [second[0].sum(), n - second[0].sum()]]
    ).pvalue
    up, down = int((second[0] > first[0]).sum()), int((second[0] < first[0]).sum())
    exact = stats.binomtest(up, up + down).pvalue if up + down else 1.0
    return {
        "evenhand": float(bool(lost)),
        "McNemar, Bonferroni": float(exact * 6 < 0.05),
        "two audits, Bonferroni": float(apart * 6 < 0.05),
    }


CLAIMS = (
    Claim(
        name="switching-null",
        title="switching, equal services",
        words="Of equal services no group is said to gain or to lose.",
        world="6 groups of 150 rows that two services answer; they differ on 8 %, as often either way",
        nominal=0.05,
        bound="at most",
        worlds=200,
        run=null,
    ),
    Claim(
        name="switching-gaps",
        title="switching, all gain alike",
        words="No group is said to fall behind, or to catch up, where all gain alike.",
        world="6 groups of 150 rows; the new service mends two errors in five",
        nominal=0.05,
        bound="at most",
        worlds=200,
        run=gaps,
    ),
    Claim(
        name="switching-power",
        title="switching, power",
        words="Power is not below the better rival's by more than 3 points.",
        world="6 groups of 150 rows; one group loses 12 points by switching",
        nominal=None,
        bound="at least",
        worlds=200,
        run=power,
    ),
)
