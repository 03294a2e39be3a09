"""Scores: how bad a slice is, and how bad any slice inside it can be.

A slice has numerator ``a`` and denominator ``b`` (see `evenhand.slicing.losses`), all together have
``A`` and ``B``, with rate ``R = A / B``.  Bounds are proven in ``docs/decisions/002-slices.md``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.deferred import special
from evenhand.errors import InputError, unknown_name
from evenhand.slicing.losses import Losses

Floats = npt.NDArray[np.float64]
SCORES = ("evidence", "sliceline", "difference", "z", "harm")


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceScore:
    """A score with its totals.

    Attributes
    ----------
    name : str
        One of `SCORES`.
    above, below : float
        Totals ``A`` and ``B``.
    variance : float
        Excess of cells squared, summed, over ``B``: what z compares with.
    alpha : float
        Weight of the error against the size, for SliceLine's score.
    rate_step, size_step : float
        The metric's units, for difference and harm.
    clustered : bool
        Whether units are named, so that z and evidence are over them.
    binary : bool
        Whether each row has a loss of 0 or 1, so that evidence is a likelihood ratio.
    """

    name: str
    above: float
    below: float
    variance: float
    alpha: float
    rate_step: float
    size_step: float
    clustered: bool = False
    binary: bool = False

    @property
    def refined(self) -> bool:
        """Whether the sums give an upper limit only: the slice's own spread may lower the score."""
        if self.name == "z":
            return self.clustered
        return self.name == "evidence" and (self.clustered or not self.binary)

    def worse(self, above: Floats, below: Floats) -> npt.NDArray[np.bool_]:
        """Whether slices are worse than all rows together, by more than rounding."""
        average = self.above / self.below * below
        return np.asarray(above - average > 1e-13 * (np.abs(above) + np.abs(average)))

    def limit(self, above: Floats, below: Floats) -> Floats:
        """Upper limit of the exact score: the score itself, but where a slice's own spread counts.

        That can only make a score smaller in size, so one below 0 may come up to it.
        """
        score = self.value(above, below)
        if self.refined:
            return np.where(np.isfinite(score), np.maximum(score, 0.0), score)
        return score

    def value(self, above: Floats, below: Floats) -> Floats:
        """Score of slices with these sums; minus infinity where it is undefined.

        *sliceline*: ``alpha (r / R - 1) - (1 - alpha) (B / b - 1)`` with ``r = a / b`` (Sagadeeva & Boehm
        2021, doi:10.1145/3448016.3457323, with the metric's denominator as size); *difference*:
        ``r`` less the rate of the rest; *harm*: difference times ``b``; *z*: ``(a - R b) / sqrt(v b (B -
        b) / B)``, the difference over its standard error if cells were exchangeable; *evidence*: of
        0/1 losses of independent rows the signed root of the likelihood ratio of the slice's rate
        and its rest's (Wilks 1938, doi:10.1214/aoms/1177732360), else z, with the spread about the
        means of slice and rest where that is larger (`evenhand.slicing.hunt`).
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            score = _FORMULAS[self.name](self, above, below)
        usable = (below > 0) & (below < self.below)
        if self.name == "sliceline":
            usable = below > 0
        return np.where(usable & np.isfinite(score), score, -np.inf)

    def bound(self, above: Floats, steepest: Floats, below: Floats, least: float) -> Floats:
        """Largest score of any part of a slice whose denominator is at least `least`.

        Parameters
        ----------
        above, below : arrays
            Sums of the slice; `above` must not be negative.
        steepest : array
            Largest ``a / b`` of its cells.
        least : float
            Smallest denominator of an admissible slice.
        """
        # The proof needs a limit that is not below the overall rate; a larger one is a limit too.
        steepest = np.maximum(steepest, self.above / self.below)
        with np.errstate(divide="ignore", invalid="ignore"):
            turn = np.where(above > 0, above / steepest, 0.0)
        best = np.minimum(np.maximum(turn, max(least, 1.0)), below)
        score = self.limit(np.minimum(above, steepest * best), best)
        if self.name == "sliceline":
            score = np.maximum(score, self.value(above, below))
        else:
            # All rows have no rest to be compared with, but a part of them may have one.
            part = np.inf if least < self.below else -np.inf
            score = np.where(best >= self.below, part, score)
        return score


def _sliceline(score: SliceScore, a: Floats, b: Floats) -> Floats:
    size = score.below / b - 1
    return score.alpha * (a / b * score.below / score.above - 1) - (1 - score.alpha) * size


def _difference(score: SliceScore, a: Floats, b: Floats) -> Floats:
    return (a / b - (score.above - a) / (score.below - b)) * score.rate_step


def _harm(score: SliceScore, a: Floats, b: Floats) -> Floats:
    return _difference(score, a, b) * b * score.size_step


def _z(score: SliceScore, a: Floats, b: Floats) -> Floats:
    excess = a - score.above / score.below * b
    return excess / np.sqrt(score.variance * b * (score.below - b) / score.below)


def _evidence(score: SliceScore, a: Floats, b: Floats) -> Floats:
    if not score.binary or score.clustered:
        return _z(score, a, b)
    rate, rest = score.above / score.below, score.below - b
    # Errors and others, inside and outside, each with what the overall rate expects of them.
    counts = (
        (a, rate * b),
        (b - a, (1 - rate) * b),
        (score.above - a, rate * rest),
        (rest - score.above + a, (1 - rate) * rest),
    )
    half = sum(special.xlogy(n, n / expected) for n, expected in counts)
    return np.asarray(np.copysign(np.sqrt(2 * np.maximum(half, 0.0)), a - rate * b), float)


_FORMULAS: dict[str, Callable[[SliceScore, Floats, Floats], Floats]] = {
    "evidence": _evidence,
    "sliceline": _sliceline,
    "difference": _difference,
    "z": _z,
    "harm": _harm,
}


def score_of(
    name: str, losses: Losses, *, alpha: float = 0.95, squares: float, clustered: bool = False
) -> SliceScore:
    """Score for given losses.

    Parameters
    ----------
    name : str
        One of `SCORES`.
    losses : Losses
        What is searched.
    alpha : float
        Weight of the error against the size, in (0, 1]; for SliceLine's score.
    squares : float
        Squared excess of all rows (or units within cells), summed.
    clustered : bool
        Whether units are named.
    """
    if name not in SCORES:
        raise InputError(unknown_name("score", name, SCORES))
    if not isinstance(alpha, int | float) or not 0 < alpha <= 1:
        raise InputError(f"alpha is {alpha!r}, but must be a number in (0, 1], for example 0.95.")
    above, below = float(losses.above.sum()), float(losses.below.sum())
    if name == "sliceline" and not (losses.plain and above > 0):
        raise InputError(
            "SliceLine's score compares rates by their ratio, which has no meaning for differences or "
            "values that may be negative.  Choose --score evidence, difference, z or harm."
        )
    return SliceScore(
        name=name,
        above=above,
        below=below,
        variance=squares / below,
        alpha=float(alpha),
        rate_step=losses.rate_step,
        size_step=losses.size_step,
        clustered=clustered,
        binary=losses.binary,
    )
