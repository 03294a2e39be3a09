"""Confirmation: which found slices are proven worse, after all that was looked at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Cells
from evenhand.errors import InputError
from evenhand.slicing.family import Family, count_family
from evenhand.slicing.hunt import Hunt, Report, prepare
from evenhand.slicing.judging import Judged, harm_z, judge_slices
from evenhand.slicing.maximum import (
    exchangeable,
    multiplier_maximum,
    permutation_maximum,
    standardised_excess,
    work,
)
from evenhand.slicing.search import Candidate
from evenhand.slicing.space import Item, mask_of
from evenhand.stats.exact import calibrated_e_value
from evenhand.stats.intervals import z_of
from evenhand.stats.simultaneous import holm

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
METHODS = ("auto", "exact", "permutation", "bootstrap", "split", "cross-screening", "e-values")
#: Products up to which the maximum over the family is simulated (some tens of seconds).
AFFORDABLE = 3e10
#: Random halvings that e-values are averaged over.
HALVINGS = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verdicts:
    """What confirmation says of some slices; arrays have one value a slice.

    Attributes
    ----------
    slices : list of (literals, score)
        What was judged: what the whole data show, or what one half showed.
    judged : Judged
        Their rates and differences, on the data that did not choose them where some were held out.
    p_adjusted : array
        After everything searched.
    critical_z : float
        Quantile of the bounds of the differences.
    held_out : Cells, optional
        The rows held out, of which all numbers are.
    p_floor : float, optional
        The least that `p_adjusted` can be, where it is simulated.
    """

    slices: list[tuple[list[Item], float]]
    judged: Judged
    p_adjusted: Floats
    critical_z: float
    method: str
    family: Family | None
    held_out: Cells | None = None
    p_floor: float | None = None


def choose_method(hunt: Hunt, wanted: str) -> str:
    """The method that suits the data, or the one asked for if it does."""
    binary = hunt.losses.binary and hunt.cells.unit is None
    if wanted == "auto":
        if binary:
            return "exact"
        if work((hunt.bitmaps, hunt.attribute, hunt.limits), len(hunt.cells)) > AFFORDABLE:
            return "split"
        return "permutation" if exchangeable(hunt.cells) else "bootstrap"
    if wanted == "exact" and not binary:
        raise InputError(
            "Exact p-values exist for 0/1 losses of independent rows only.  "
            "Choose --confirm permutation, bootstrap, split, cross-screening or e-values."
        )
    if wanted == "permutation" and not exchangeable(hunt.cells):
        raise InputError(
            "A permutation would tear units apart whose attributes vary (or a cube's cells).  "
            "Choose --confirm bootstrap, split, cross-screening or e-values."
        )
    halved = wanted in ("split", "cross-screening", "e-values")
    if halved and _from_cube(hunt.cells):
        raise InputError(
            "A cube without units cannot be split in halves: its cells hold rows of both.  "
            "Choose --confirm exact or bootstrap, or build the cube with units."
        )
    return wanted


def _from_cube(cells: Cells) -> bool:
    return cells.unit is None and cells.comoments is not None


def confirm(
    hunt: Hunt,
    found: Sequence[Candidate],
    method: str,
    *,
    level: float,
    rng: np.random.Generator,
    progress: Report | None = None,
) -> Verdicts:
    """Judge the slices found, or look anew in parts of the data.

    Parameters
    ----------
    hunt : Hunt
        What was searched.
    found : Sequence of Candidate
        What it found.
    method : str
        One of `METHODS` but ``auto``.
    level : float
        Confidence for all slices at once.
    rng : numpy.random.Generator
        For permutations, multipliers and halves.
    progress : callable, optional
        Told how far further searches are.
    """
    if method in _WHOLE:
        slices = [(hunt.literals(candidate), candidate.score) for candidate in found]
        return _WHOLE[method](hunt, slices, level, rng)
    if method == "split":
        return _split(hunt, level, rng, progress)
    if method == "cross-screening":
        return _cross(hunt, level, rng, progress)
    return _e_values(hunt, level, rng, progress)


Found = list[tuple[list[Item], float]]


def _exact(hunt: Hunt, slices: Found, level: float, rng: np.random.Generator) -> Verdicts:
    """Bonferroni over the family with Fisher's p-values: exact, whatever the losses."""
    del rng
    family = count_family(hunt.bitmaps, hunt.attribute, hunt.limits)
    judged = _judge(hunt, hunt.cells, slices)
    return Verdicts(
        slices=slices,
        judged=judged,
        p_adjusted=np.minimum(judged.p * family.size, 1.0),
        critical_z=_bonferroni(family.size, level),
        method="exact",
        family=family,
    )


def _permutation(hunt: Hunt, slices: Found, level: float, rng: np.random.Generator) -> Verdicts:
    family = (hunt.bitmaps, hunt.attribute, hunt.limits)
    scaled, maxima = permutation_maximum(hunt.cells, hunt.losses, family, rng)
    masks = [mask_of(hunt.cells, items) for items, _ in slices]
    observed = [standardised_excess(scaled, hunt.losses, mask) for mask in masks]
    return _of_maximum(hunt, slices, np.array(observed, float), maxima, level, "permutation")


def _bootstrap(hunt: Hunt, slices: Found, level: float, rng: np.random.Generator) -> Verdicts:
    family = (hunt.bitmaps, hunt.attribute, hunt.limits)
    maxima = multiplier_maximum(hunt.cells, hunt.losses, family, rng)
    judged = _judge(hunt, hunt.cells, slices)
    observed = np.nan_to_num(harm_z(judged.comparison, hunt.question), nan=-np.inf)
    return _of_maximum(hunt, slices, observed, maxima, level, "bootstrap")


_WHOLE: dict[str, Callable[[Hunt, Found, float, np.random.Generator], Verdicts]] = {
    "exact": _exact,
    "permutation": _permutation,
    "bootstrap": _bootstrap,
}


def _of_maximum(
    hunt: Hunt, slices: Found, observed: Floats, maxima: Floats, level: float, method: str
) -> Verdicts:
    # One that ties with the data counts, whatever the order of additions.
    tie = observed[:, None] - 1e-9 * np.maximum(1.0, np.abs(observed[:, None]))
    above = (maxima[None, :] >= tie).sum(axis=1)
    critical = float(np.quantile(maxima, level, method="higher"))
    return Verdicts(
        slices=slices,
        judged=_judge(hunt, hunt.cells, slices),
        p_adjusted=(1.0 + above) / (1.0 + len(maxima)),
        p_floor=1.0 / (1.0 + len(maxima)),
        critical_z=max(critical, float(z_of(2 * level - 1))),
        method=method,
        family=count_family(hunt.bitmaps, hunt.attribute, hunt.limits),
    )


def _judge(hunt: Hunt, cells: Cells, slices: Found) -> Judged:
    binary = hunt.losses.binary and cells.unit is None
    return judge_slices(cells, hunt.question, [items for items, _ in slices], exact=binary)


def _bonferroni(number: int, level: float) -> float:
    """Quantile at which each of so many one-sided bounds holds, all at once."""
    return float(z_of(1 - 2 * (1 - level) / max(number, 1)))


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


def _split(hunt: Hunt, level: float, rng: np.random.Generator, progress: Report | None) -> Verdicts:
    half = _half(hunt.cells, rng)
    held_out = hunt.cells.take(~half)
    # A slice of which the other half has no row cannot be judged by it.
    slices = [
        (items, score)
        for items, score in _look(hunt, half, progress)
        if held_out.n_rows[mask_of(held_out, items)].any()
    ]
    judged = _judge(hunt, held_out, slices)
    return Verdicts(
        slices=slices,
        judged=judged,
        p_adjusted=holm(judged.p) if slices else judged.p,
        critical_z=_bonferroni(len(slices), level),
        method="split",
        family=None,
        held_out=held_out,
    )


def _cross(hunt: Hunt, level: float, rng: np.random.Generator, progress: Report | None) -> Verdicts:
    """Each half is searched and tested on the other at half the error; Zhao, Small & Rosenbaum (2018)."""
    half = _half(hunt.cells, rng)
    sides = []
    for side in (half, ~half):
        found = _look(hunt, side, progress)
        if found:
            judged = _judge(hunt, hunt.cells.take(~side), found)
            sides.append((found, np.minimum(2 * holm(judged.p), 1.0)))
    merged: dict[str, tuple[list[Item], float, float]] = {}
    for found, p in sides:
        for (items, score), value in zip(found, p, strict=True):
            key = " AND ".join(item.text for item in items)
            known = merged.get(key, (items, score, 1.0))
            merged[key] = (items, score, min(known[2], float(value)))
    return _merged(hunt, list(merged.values()), level, "cross-screening")


def _e_values(
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
            judged = _judge(hunt, hunt.cells.take(~side), found)
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
    family = count_family(hunt.bitmaps, hunt.attribute, hunt.limits)
    return Verdicts(
        slices=found,
        judged=_judge(hunt, hunt.cells, found),
        p_adjusted=np.array([p for _, _, p in slices], float),
        critical_z=_bonferroni(family.size, level),
        method=method,
        family=family,
    )
