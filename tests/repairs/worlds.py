"""Worlds of decisions: how scores and labels come about is known."""

import numpy as np
import pyarrow as pa

from evenhand.comparisons.sets import GroupSet
from evenhand.groups import Partition
from evenhand.repairs.rows import RepairRows

FALSE_ALARMS = "false_positive_rate(label=y, prediction=score >= 0.5)"


def clinic(number, seed, *, share=0.4, shift=0.15):
    """Two sites; the score of those without the illness is higher at one of them.

    The score of a row with label 0 is uniform at a, and higher by `shift` at b, so that false positive rates of
    thresholds are known.
    """
    rng = np.random.default_rng(seed)
    site = np.where(rng.random(number) < share, "b", "a")
    y = (rng.random(number) < 0.4).astype(int)
    score = np.where(y == 1, 0.3 + 0.9 * rng.random(number), 0.8 * rng.random(number))
    score = score + shift * ((site == "b") & (y == 0))
    return pa.table({"site": site, "score": score, "y": y})


def false_alarms(threshold, site, shift=0.15):
    """The true false positive rate of a threshold at a site of `clinic`."""
    return float(np.clip(1 - (threshold - shift * (site == "b")) / 0.8, 0, 1))


def nobody(number):
    """Decisions ``p`` that are right of half of the rows, and ``never``, which are no."""
    rng = np.random.default_rng(0)
    site, y, p = rng.choice(["a", "b"], number), *rng.integers(0, 2, (2, number))
    return pa.table({"site": site, "y": y, "p": p, "never": np.zeros(number, int)})


def rows_of(group, truth):
    """Rows with groups and labels alone."""
    cells = tuple(
        GroupSet(
            partition=Partition(names=("g",)),
            key=(f"{g}",),
            label=(f"{g}",),
            predicate=f"g = '{g}'",
            members=np.ones(1, bool),
            known=np.ones(1, bool),
            codes=(0,),
            by_predicate=False,
        )
        for g in range(int(group.max()) + 1)
    )
    return RepairRows(
        table=pa.table({"g": [f"{g}" for g in group]}),
        cells=cells,
        group=group,
        units=np.arange(len(group)),
        truth=truth,
        answers={"now": truth},
        scores={},
    )
