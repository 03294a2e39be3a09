"""Confirmation by halves: what one half of the units shows is tested in the other."""

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Cells
from evenhand.errors import InputError
from evenhand.slicing.family import count_family
from evenhand.slicing.hunt import Hunt, Report, prepare
from evenhand.slicing.losses import losses_of
from evenhand.slicing.maximum import bootstrap_of, observed
from evenhand.slicing.space import Item, mask_of
from evenhand.slicing.studentised import UnitSample, sample_of
from evenhand.slicing.verdicts import (
    Found,
    Verdicts,
    bonferroni_quantile,
    family_of,
    judge_found,
    masks_of,
)
from evenhand.stats.exact import calibrated_e_value
from evenhand.stats.simultaneous import holm

Bools = npt.NDArray[np.bool_]
#: Random halvings that e-values are averaged over.
HALVINGS = 10
#: Units and memberships up to which those held out are drawn anew; beyond, means are normal enough.
FEW = 300_000


def _half(cells: Cells, rng: np.random.Generator) -> Bools:
    """One half of the units, at random; rows of one unit stay together."""
    unit = np.arange(len(cells)) if cells.unit is None else cells.unit
    units = int(unit.max()) + 1
    chosen = np.zeros(units, bool)
    chosen[rng.permutation(units)[: units // 2]] = True
    return np.asarray(chosen[unit])


def _look(hunt: Hunt, half: Bools, progress: Report | None) -> Found:
    """What one half alone shows."""
    try:
        part = prepare(hunt.cells.take(half), hunt.question, hunt.settings, share=0.5)
    except InputError:
        # The half may lack what a search needs, errors for example: it shows nothing.
        return []
    found, kept = part.find(progress)
    if not found.exact:
        raise KeyboardInterrupt
    return [(part.literals(one.candidate), one.candidate.score) for one in kept]


def split(hunt: Hunt, level: float, rng: np.random.Generator, progress: Report | None) -> Verdicts:
    """What one half shows, judged by the other; Cox (1975), doi:10.1093/biomet/62.2.441."""
    half = _half(hunt.cells, rng)
    held_out = hunt.cells.take(~half)
    # A slice of which the other half has no row cannot be judged by it.
    slices = [
        (items, score)
        for items, score in _look(hunt, half, progress)
        if held_out.n_rows[mask_of(held_out, items)].any()
    ]
    judged = judge_found(hunt, held_out, slices)
    sample = _sample(hunt, held_out, slices)
    if sample is None:
        maximum = None
        p, critical = (
            holm(judged.p) if slices else judged.p,
            bonferroni_quantile(len(slices), level),
        )
    else:
        masks = masks_of(held_out, slices)
        maximum, contrasts = bootstrap_of(sample, masks, rng), observed(sample, masks)
        judged = judged.completed(contrasts, shares=hunt.losses.shares)
        p, critical = maximum.p(contrasts.z), maximum.quantile(level)
    return Verdicts(
        slices=slices,
        judged=judged,
        p_adjusted=p,
        critical_z=critical,
        method="split",
        family=None,
        held_out=held_out,
        p_floor=None if maximum is None else maximum.least,
        maximum=maximum,
    )


def _sample(hunt: Hunt, held_out: Cells, slices: Found) -> UnitSample | None:
    """Held-out units, where the largest of the slices told is to be simulated.

    `None` where exact p-values exist, where there is nothing to divide by, and where there are so
    many rows that Student's t will do.
    """
    if not slices or (hunt.losses.binary and held_out.unit is None):
        return None
    if masks_of(held_out, slices).sum() + held_out.n_units > FEW:
        return None
    question = hunt.question
    try:
        losses = losses_of(
            held_out,
            question.form,
            higher_is_worse=question.higher_is_worse,
            proportion=question.proportion,
        )
    except InputError:
        return None
    return sample_of(held_out, losses)


def cross_screening(
    hunt: Hunt, level: float, rng: np.random.Generator, progress: Report | None
) -> Verdicts:
    """Each half is searched and tested on the other at half the error; Zhao, Small & Rosenbaum (2018)."""
    half = _half(hunt.cells, rng)
    sides = []
    for side in (half, ~half):
        found = _look(hunt, side, progress)
        if found:
            judged = judge_found(hunt, hunt.cells.take(~side), found)
            sides.append((found, np.minimum(2 * holm(judged.p), 1.0)))
    merged: dict[str, tuple[list[Item], float, float]] = {}
    for found, p in sides:
        for (items, score), value in zip(found, p, strict=True):
            key = " AND ".join(item.text for item in items)
            known = merged.get(key, (items, score, 1.0))
            merged[key] = (items, score, min(known[2], float(value)))
    return _merged(hunt, list(merged.values()), level, "cross-screening")


def e_values(
    hunt: Hunt, level: float, rng: np.random.Generator, progress: Report | None
) -> Verdicts:
    """Averages of e-values over random halves, both ways; the slices of a half share its evidence.

    In each half the e-values of its slices, divided by their number, add up to one of mean at most 1
    over those that are not worse; so does the average, and Markov's inequality bounds the error of all.
    Vovk & Wang (2021), doi:10.1214/20-AOS2020.
    """
    total: dict[str, tuple[list[Item], float, float]] = {}
    for _ in range(HALVINGS):
        half = _half(hunt.cells, rng)
        for side in (half, ~half):
            found = _look(hunt, side, progress)
            if not found:
                continue
            judged = judge_found(hunt, hunt.cells.take(~side), found)
            for (items, score), p in zip(found, judged.p, strict=True):
                key = " AND ".join(item.text for item in items)
                _, _, known = total.get(key, (items, score, 0.0))
                gain = calibrated_e_value(float(p)) / len(found) / (2 * HALVINGS)
                total[key] = (items, score, known + gain)
    slices = [(items, score, min(1.0, 1 / e)) for items, score, e in total.values()]
    return _merged(hunt, slices, level, "e-values")


def _merged(
    hunt: Hunt, slices: list[tuple[list[Item], float, float]], level: float, method: str
) -> Verdicts:
    """The most certain slices of several looks, shown with the numbers of all rows."""
    slices.sort(key=lambda one: (one[2], -one[1]))
    slices = slices[: hunt.settings.top]
    found: Found = [(items, score) for items, score, _ in slices]
    family = count_family(*family_of(hunt))
    return Verdicts(
        slices=found,
        judged=judge_found(hunt, hunt.cells, found),
        p_adjusted=np.array([p for _, _, p in slices], float),
        critical_z=bonferroni_quantile(family.size, level),
        method=method,
        family=family,
    )
