"""Learning curves of groups: how far more training data takes each, and where it no longer helps."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
#: Exponents of power laws that are thought of, equally likely: from what deep networks show to what lookup tables do.
EXPONENTS = np.array([0.1, 0.15, 0.22, 0.33, 0.5, 0.7, 1.0, 1.5, 2.2, 3.3])
#: What a row of another group is worth to a group, in rows of its own.
TRANSFERS = np.array([0.0, 0.03, 0.1, 0.3, 1.0])
#: How long a curve is flat before it falls, in rows that there are: few rows teach some learners nothing.
SHIFTS = np.array([0.0, 0.5, 2.0])
#: How likely it is before the data that rows take nothing away.
NOTHING = 0.1
#: Draws from each triple of these, before the constraints.
_EACH = 1_000
#: Steps in which a round is spent.
_STEPS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurves:
    """Draws of ``floor + reducible ((m + s m0) / (m0 + s m0)) ** -exponent``, ``m = own + transfer * others`` rows.

    Attributes
    ----------
    floor, reducible, exponent, transfer, shift : arrays of shape (draws, curves)
    now : array of shape (groups,)
        Rows of each group that there are; `reducible` is what is above the floor with these.
    groups : integer array of shape (curves,)
        Whose curve each is: groups that were not measured have rows, and no curve.
    """

    floor: Floats
    reducible: Floats
    exponent: Floats
    transfer: Floats
    shift: Floats
    now: Floats
    groups: npt.NDArray[np.int64]

    def place(self, group: int) -> int:
        """Number of the curve of a group."""
        return int(np.flatnonzero(self.groups == group)[0])

    def values(self, sizes: npt.ArrayLike) -> Floats:
        """Value of each draw and curve with so many rows of each group, shape (draws, curves)."""
        grown = self._grown(self._rows(np.asarray(sizes, float)))
        return np.asarray(self.floor + self.reducible * grown**-self.exponent, float)

    def gains(self, more: npt.ArrayLike) -> Floats:
        """What so many more rows of each group take away, shape (draws, curves)."""
        return np.asarray(self.values(self.now) - self.values(self.now + np.asarray(more)), float)

    def slopes(self, sizes: Floats) -> Floats:
        """What one more row of each group takes from the sum of all values, shape (draws, groups)."""
        rows = self._rows(sizes)
        grown, present = self._grown(rows), self._rows(self.now) * (1 + self.shift)
        each = self.exponent * self.reducible * grown ** (-self.exponent - 1) / present
        out = np.repeat((each * self.transfer).sum(axis=1, keepdims=True), len(self.now), axis=1)
        out[:, self.groups] += each * (1 - self.transfer)
        return np.asarray(out, float)

    def _grown(self, rows: Floats) -> Floats:
        present = self._rows(self.now)
        return np.asarray((rows / present + self.shift) / (1 + self.shift), float)

    def _rows(self, sizes: Floats) -> Floats:
        own = sizes[..., self.groups]
        others = sizes.sum(axis=-1, keepdims=True) - own
        return np.asarray(own + self.transfer * others, float)


def fit_curves(
    sizes: npt.ArrayLike,
    values: npt.ArrayLike,
    covariance: npt.ArrayLike,
    now: npt.ArrayLike,
    rng: np.random.Generator,
    draws: int = 500,
    groups: npt.ArrayLike | None = None,
) -> LearningCurves:
    """Draws of the learning curve of each group, from trainings with parts of the data.

    Parameters
    ----------
    sizes : array of shape (runs, groups)
        Rows of each group in each training; above 0.
    values : array of shape (runs, curves)
        What was measured; lower is better, 0 is best.
    covariance : array of shape (curves, runs, runs)
        Of the values of each curve: runs that are measured on the same rows vary together.
    now : array of shape (groups,)
        Rows of each group in the whole data.
    rng : numpy.random.Generator
    draws : int
    groups : integer array of shape (curves,), optional
        Whose values were measured; all groups'.

    Returns
    -------
    LearningCurves

    Notes
    -----
    Power laws hold over many orders of size for many learners (Hestness et al. 2017, arXiv:1712.00409); Slice Tuner
    (Tae & Whang 2021, doi:10.1145/3448016.3452792) fits one a group.  One best fit says more than the data do:
    exponents and floors that fit as well promise very different gains.  So curves are drawn from all that fit:
    exponent, transfer and shift from a grid, each as likely as another before the data, floor and reducible part from
    their normal distribution given those, both at least 0; and rows that take nothing away.  Few rows teach some
    learners nothing until there are more (Hestness calls it the small data region): a curve that looks flat may fall
    later, which the shift allows for.
    """
    sizes, values = np.asarray(sizes, float), np.asarray(values, float)
    now, covariance = np.asarray(now, float), np.asarray(covariance, float)
    own = np.arange(len(now)) if groups is None else np.asarray(groups, np.int64)
    columns = [
        _one(sizes, values[:, curve], covariance[curve], now, group, rng, draws)
        for curve, group in enumerate(own.tolist())
    ]
    floor, reducible, exponent, transfer, shift = np.stack(columns, axis=-1)
    return LearningCurves(
        floor=floor,
        reducible=reducible,
        exponent=exponent,
        transfer=transfer,
        shift=shift,
        now=now,
        groups=own,
    )


def _one(
    sizes: Floats,
    values: Floats,
    covariance: Floats,
    now: Floats,
    group: int,
    rng: np.random.Generator,
    draws: int,
) -> Floats:
    """Floor, reducible part, exponent and transfer of one group, shape (5, draws)."""
    grid = np.array([(a, t, s) for a in EXPONENTS for t in TRANSFERS for s in SHIFTS])
    a, t, s = grid[:, :1], grid[:, 1:2], grid[:, 2:]
    own, others = sizes[:, group], sizes.sum(axis=1) - sizes[:, group]
    present = now[group] + t * (now.sum() - now[group])
    x = (((own + t * others) / present + s) / (1 + s)) ** -a
    root = np.linalg.inv(np.linalg.cholesky(covariance))
    y = root @ values
    design = np.stack([np.broadcast_to(root.sum(axis=1), x.shape), x @ root.T], axis=-1)
    inner = np.einsum("kri,krj->kij", design, design)
    spread = np.linalg.pinv(inner, hermitian=True)
    mean = np.einsum("kij,krj,r->ki", spread, design, y)
    misfit = ((y - np.einsum("kri,ki->kr", design, mean)) ** 2).sum(axis=1)
    half = _root(spread)
    drawn = mean[:, None] + rng.standard_normal((len(grid), _EACH, 2)) @ half.transpose(0, 2, 1)
    allowed = (drawn >= 0).all(axis=-1)
    volume = 0.5 * np.linalg.slogdet(spread)[1] + np.log(2 * np.pi)
    log = volume - misfit / 2 - np.log(len(grid) * _EACH * max(values.max(), 1e-300))
    log += np.log1p(-NOTHING)
    # Rows that take nothing away: a floor alone.
    ones = root.sum(axis=1)
    flat = float(ones @ y / (ones @ ones))
    level = 0.5 * np.log(2 * np.pi / (ones @ ones)) - ((y - ones * flat) ** 2).sum() / 2
    level += np.log(NOTHING)
    # Exponents of which no draw is allowed (values that rise with rows) say nothing of how likely the others are.
    top = max(log[allowed.any(axis=1)].max(initial=-np.inf), level)
    likely = np.exp(np.minimum(log - top, 0.0))[:, None] * allowed
    weight = np.append(likely.ravel(), np.exp(level - top))
    chosen = rng.choice(weight.size, draws, p=weight / weight.sum())
    alone = chosen == weight.size - 1
    chosen[alone] = 0
    place = chosen // _EACH
    kept = drawn.reshape(-1, 2)[chosen]
    floors = np.maximum(flat + rng.standard_normal(draws) / np.sqrt(ones @ ones), 0)
    return np.stack(
        [
            np.where(alone, floors, kept[:, 0]),
            np.where(alone, 0.0, kept[:, 1]),
            grid[place, 0],
            grid[place, 1],
            grid[place, 2],
        ]
    )


def _root(spread: Floats) -> Floats:
    """Cholesky factors of 2 × 2 matrices."""
    a = np.sqrt(spread[:, 0, 0])
    b = spread[:, 1, 0] / a
    c = np.sqrt(np.maximum(spread[:, 1, 1] - b**2, 0))
    return np.stack([np.stack([a, np.zeros_like(a)], -1), np.stack([b, c], -1)], -2)


def next_round(curves: LearningCurves, amount: float, cost: Floats, floor: float) -> Floats:
    """What to collect of each group next, in rows.

    Parameters
    ----------
    curves : LearningCurves
    amount : float
        What the round may cost.
    cost : array of shape (groups,)
        Of a row.
    floor : float
        Part of the amount that is spent alike on all, whatever the curves say.

    Notes
    -----
    Each draw of the curves spends the rest where it takes most from the sum of the groups' values, and the draws are
    averaged: where curves are known badly that is near to alike.
    """
    groups, draws = len(cost), len(curves.floor)
    alike = np.full(groups, floor * amount / groups) / cost
    sizes = np.broadcast_to(curves.now + alike, (draws, groups)).copy()
    step = (1 - floor) * amount / _STEPS
    each = np.arange(draws)
    for _ in range(_STEPS):
        best = (curves.slopes(sizes) / cost).argmax(axis=1)
        sizes[each, best] += step / cost[best]
    return np.asarray(sizes.mean(axis=0) - curves.now, float)
