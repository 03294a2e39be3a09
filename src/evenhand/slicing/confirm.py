"""Confirmation: which found slices are proven worse, after all that was looked at."""

from collections.abc import Callable, Sequence

import numpy as np

from evenhand.cubes import Cells
from evenhand.errors import InputError
from evenhand.slicing.family import count_family
from evenhand.slicing.halves import cross_screening, e_values, split
from evenhand.slicing.hunt import Hunt, Report
from evenhand.slicing.judging import harm_z
from evenhand.slicing.maximum import (
    Maximum,
    bootstrap_maximum,
    exchangeable,
    multiplier_maximum,
    observed,
    permutation_maximum,
    work,
)
from evenhand.slicing.search import Candidate
from evenhand.slicing.studentised import Contrasts, sample_of
from evenhand.slicing.verdicts import (
    Found,
    Verdicts,
    bonferroni_quantile,
    family_of,
    judge_found,
    masks_of,
)

METHODS = ("auto", "exact", "permutation", "bootstrap", "split", "cross-screening", "e-values")
#: Products up to which the maximum over the family is simulated (some tens of seconds).
AFFORDABLE = 3e10
#: Proven slices told where the score lists none.
OTHERS = 5


def choose_method(hunt: Hunt, wanted: str) -> str:
    """The method that suits the data, or the one asked for if it does."""
    binary = hunt.losses.binary and hunt.cells.unit is None
    if wanted == "auto":
        if binary:
            return "exact"
        if work(family_of(hunt), len(hunt.cells)) > AFFORDABLE:
            return "split"
        return "bootstrap"
    if wanted == "exact" and not binary:
        raise InputError(
            "Exact p-values exist for 0/1 losses of independent rows only.  "
            "Choose --confirm permutation, bootstrap, split, cross-screening or e-values."
        )
    if wanted == "permutation" and _from_cube(hunt.cells):
        raise InputError(
            "A permutation moves rows, and a cube without units holds sums of them.  Choose --confirm "
            f"{'exact' if binary else 'bootstrap'}, or search the records."
        )
    if wanted == "permutation" and not exchangeable(hunt.cells):
        raise InputError(
            "A permutation would tear units apart whose attributes vary.  "
            "Choose --confirm bootstrap, split, cross-screening or e-values."
        )
    halved = wanted in ("split", "cross-screening", "e-values")
    if halved and _from_cube(hunt.cells):
        raise InputError(
            "A cube without units cannot be split in halves: its cells hold rows of both.  "
            f"Choose --confirm {'exact or bootstrap' if binary else 'bootstrap'}, or count the cube with a --unit."
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
        return split(hunt, level, rng, progress)
    if method == "cross-screening":
        return cross_screening(hunt, level, rng, progress)
    return e_values(hunt, level, rng, progress)


def _exact(hunt: Hunt, slices: Found, level: float, rng: np.random.Generator) -> Verdicts:
    """Bonferroni over the family with Fisher's p-values: exact, whatever the losses."""
    del rng
    family = count_family(*family_of(hunt))
    judged = judge_found(hunt, hunt.cells, slices)
    return Verdicts(
        slices=slices,
        judged=judged,
        p_adjusted=np.minimum(judged.p * family.size, 1.0),
        critical_z=bonferroni_quantile(family.size, level),
        method="exact",
        family=family,
    )


def _permutation(hunt: Hunt, slices: Found, level: float, rng: np.random.Generator) -> Verdicts:
    sample = sample_of(hunt.cells, hunt.losses)
    maxima = permutation_maximum(sample, family_of(hunt), rng)
    contrasts = observed(sample, masks_of(hunt.cells, slices))
    return _of_maximum(hunt, slices, contrasts, maxima, level, "permutation")


def _bootstrap(hunt: Hunt, slices: Found, level: float, rng: np.random.Generator) -> Verdicts:
    if _from_cube(hunt.cells):
        maxima = multiplier_maximum(hunt.cells, hunt.losses, family_of(hunt), rng)
        return _of_maximum(hunt, slices, None, maxima, level, "multipliers")
    sample = sample_of(hunt.cells, hunt.losses)
    maxima = bootstrap_maximum(sample, family_of(hunt), rng)
    contrasts = observed(sample, masks_of(hunt.cells, slices))
    return _of_maximum(hunt, slices, contrasts, maxima, level, "bootstrap")


_WHOLE: dict[str, Callable[[Hunt, Found, float, np.random.Generator], Verdicts]] = {
    "exact": _exact,
    "permutation": _permutation,
    "bootstrap": _bootstrap,
}


def _of_maximum(
    hunt: Hunt,
    slices: Found,
    contrasts: Contrasts | None,
    maximum: Maximum,
    level: float,
    method: str,
) -> Verdicts:
    judged = judge_found(hunt, hunt.cells, slices)
    if contrasts is None:
        found = np.nan_to_num(harm_z(judged.comparison, hunt.question), nan=-np.inf)
    else:
        judged = judged.completed(contrasts, shares=hunt.losses.shares)
        found = contrasts.z
    return Verdicts(
        slices=slices,
        judged=judged,
        p_adjusted=maximum.p(found),
        p_floor=maximum.least,
        critical_z=maximum.quantile(level),
        method=method,
        family=count_family(*family_of(hunt)),
        maximum=maximum,
    )


def prove_others(
    hunt: Hunt, told: Verdicts, *, level: float, progress: Report | None = None
) -> Verdicts | None:
    """Slices that are proven worse where none of those told is.

    A score may put first, or alone, what cannot be proven.  All admissible slices were corrected for,
    so looking among all of them once more costs no error.

    Returns
    -------
    Verdicts or None
        Of the proven ones, at most `OTHERS`, the surest first.  `None` where some told slice is
        proven, and where halves were used: those allow no second look.
    """
    if told.method not in (*_WHOLE, "multipliers") or told.proven(hunt.question, level):
        return None
    anew = hunt.scored("evidence")
    maximum = told.maximum
    if maximum is not None and maximum.best:
        candidates = anew.candidates([items for items, z in maximum.best if z > told.critical_z])
        kept = anew.folded(candidates, OTHERS)
    elif hunt.score.name == "evidence":
        return None
    else:
        kept = anew.find(progress)[1][:OTHERS]
    slices = [(anew.literals(one.candidate), one.candidate.score) for one in kept]
    found = _again(anew, slices, told, level)
    proven = found.proven(hunt.question, level)
    return _again(anew, [slices[number] for number in proven], told, level)


def _again(hunt: Hunt, slices: Found, told: Verdicts, level: float) -> Verdicts:
    """Verdicts of other slices by the simulation that there is."""
    hunt = hunt.telling([items for items, _ in slices])
    if told.maximum is None:
        return _exact(hunt, slices, level, np.random.default_rng(0))
    contrasts = None
    if told.method != "multipliers":
        sample = sample_of(hunt.cells, hunt.losses)
        contrasts = observed(sample, masks_of(hunt.cells, slices))
    return _of_maximum(hunt, slices, contrasts, told.maximum, level, told.method)
