"""Rates from few labels of people and many of a judge (prediction-powered inference), as forms of counts.

A judge is a model, or anyone, whose labels are on all rows; people's are on some.  The judge alone is biased by what it
gets wrong, which the rows that have both tell.  Counts of both stand side by side in `COUNTS`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.deferred import special
from evenhand.stats import intervals
from evenhand.stats.contrasts import square_and_add

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: What is counted: people's numerator and denominator on labelled rows, the judge's on the same rows and on all,
#: people's numerator times the judge's on labelled rows, and the labelled rows that say something.
COUNTS = (
    "above",
    "below",
    "judge_above_labelled",
    "judge_below_labelled",
    "judge_above",
    "judge_below",
    "both_above",
    "labelled",
)
ABOVE, BELOW, JUDGE_LABELLED, JUDGED_LABELLED, JUDGE, JUDGED, BOTH, LABELLED = range(len(COUNTS))
#: Units of which nothing is taken for gained: a judge that was never wrong on few labels may be wrong.
UNGAINED = 4.0
#: Units by which a variance is too small that was seen of so few, as far as the judge does not explain it.
UNSEEN = 10.0
#: Effective labelled units of all groups together from which their labels may choose the weight.
CHOOSING = 40.0
#: By how much the variance may be larger than the smallest, for a weight nearer to 1.
NEARER = 1.2
#: Labelled units, and labelled rows that are their own units, below which nothing is said.
LEAST_UNITS, LEAST_ROWS = 10, 30


def _side(place: int) -> tuple[float, ...]:
    return tuple(float(place == i) for i in range(len(COUNTS)))


_SIDES = ((LABELLED,), (JUDGED,))
_SIZES = (_side(BELOW), _side(JUDGED))


def _rate(sums: Floats, above: int, below: int) -> tuple[Floats, Floats]:
    """A ratio of two counts and its gradient by all, of shapes (sets,) and (sets, parts); NaN and 0 where undefined."""
    flat = sums[..., 0, :]
    value: Floats = np.full(flat.shape[0], np.nan)
    one = np.zeros(len(flat))
    some = flat[:, below] != 0
    np.divide(flat[:, above], flat[:, below], out=value, where=some)
    np.divide(1.0, flat[:, below], out=one, where=some)
    slope = np.zeros_like(flat)
    slope[:, above] += one
    slope[:, below] -= np.nan_to_num(value) * one
    return value, slope


def all_labelled(sums: Floats) -> Bools:
    """Sets without a row that only the judge labelled, which it cannot help."""
    flat = sums[..., 0, :]
    same = flat[:, JUDGE_LABELLED] == flat[:, JUDGE]
    return np.asarray(same & (flat[:, JUDGED_LABELLED] == flat[:, JUDGED]))


def labels_alone(sums: Floats) -> Floats:
    """People's rate of the labelled rows of each set; NaN where there is none."""
    return _rate(sums, ABOVE, BELOW)[0]


def judge_alone(sums: Floats) -> Floats:
    """The judge's rate of all rows of each set, which is no measurement."""
    return _rate(sums, JUDGE, JUDGED)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistedRatio:
    """People's rate of the labelled, less `weight` times how much higher the judge finds the labelled than all.

    ``aL / bL - weight (a'L / b'L - a' / b')``, `a` and `b` people's counts, ``a'`` and ``b'`` the judge's.  Unbiased,
    but for the bias of a ratio, at any `weight` that the labels did not choose; 0 is the labels alone.  Where all rows
    are labelled it is their rate.

    Prediction-powered inference of a mean is the same, where a weight of ``N / (n + N)`` is its 1, `n` rows labelled
    and `N` not: Angelopoulos, Duchi & Zrnic (2023), PPI++, arXiv:2311.01453.

    Examples
    --------
    >>> counts = np.array([[[3.0, 10.0, 4.0, 10.0, 30.0, 100.0, 3.0, 10.0]]])
    >>> AssistedRatio(weight=1.0).value(counts).round(3)
    array([0.2])
    >>> AssistedRatio(weight=0.0).value(counts).round(3)
    array([0.3])
    """

    weight: float
    #: Whether variances are only those that were seen: to choose the weight by.
    as_seen: bool = False

    def value(self, sums: Floats) -> Floats:
        """Value of each set; NaN where there are no labels."""
        return self._moved(sums)[0]

    def gradient(self, sums: Floats) -> Floats:
        """Derivative by each count."""
        return self._moved(sums)[1][:, None, :]

    @property
    def sides(self) -> tuple[tuple[int, ...], ...]:
        """Labelled rows, and rows that the judge told, where it is asked."""
        return _SIDES if self.weight else _SIDES[:1]

    @property
    def sizes(self) -> tuple[tuple[float, ...], ...]:
        """People's denominator, and the judge's."""
        return _SIZES if self.weight else _SIZES[:1]

    def _moved(self, sums: Floats) -> tuple[Floats, Floats]:
        people, slope = _rate(sums, ABOVE, BELOW)
        labelled, of_labelled = _rate(sums, JUDGE_LABELLED, JUDGED_LABELLED)
        everyone, of_everyone = _rate(sums, JUDGE, JUDGED)
        # A judge that has no rate of the labelled (it finds no positive among them) cannot help.
        helps = np.isfinite(labelled) & np.isfinite(everyone) & ~all_labelled(sums)
        weight = np.where(helps, self.weight, 0.0)
        moved = np.where(helps, labelled - everyone, 0.0)
        slope = slope - weight[:, None] * (of_labelled - of_everyone)
        return people - weight * moved, np.where(np.isfinite(people)[:, None], slope, 0.0)


def allowed(variances: Floats, alone: Floats, units: Floats, sums: Floats, weight: float) -> Floats:
    """Variances of an `AssistedRatio` with what few units do not show.

    Parameters
    ----------
    variances, alone : array of shape (sets,)
        Linearised variances, with the judge and of the labels alone.
    units : array of shape (sets,)
        Effective labelled units.
    sums : array of shape (sets, levels, parts)
        Counts.
    weight : float
        Of the judge.

    Notes
    -----
    A judge that few labels never found wrong has a variance near 0 and is not near the truth: of what it gains on
    the labels alone, the part that `UNGAINED` units are of all is taken back.  And few unequal units hold none of the
    rare ones that would widen them: `UNSEEN` units' part is added, times the share of the labels' variance that the
    judge leaves.  Labels alone, and sets all of whose rows are labelled, stay as they are.

    Of 10 to 50 labelled callers (equal, of unequal size, with larger ones worse, a tenth with nearly all errors, a
    judge that breaks on some) and judges right in 60 to 98 % of rows, 95 % intervals covered 94 to 100 %; 90 to 96 %
    of the heavy-tailed with a judge right in 60 %, where labels alone cover 64 to 89 % (1,500 worlds each).
    """
    if weight == 0:
        return variances
    # Where people's labels do not differ, nothing tells how sure to be, however the judge's do.
    variances = np.where((alone > 0) | all_labelled(sums), variances, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        back = np.minimum(np.nan_to_num(UNGAINED / units, nan=1.0), 1.0)
        left = np.minimum(np.nan_to_num(variances / alone, nan=1.0), 1.0)
        more = np.minimum(np.nan_to_num(UNSEEN / units, nan=1.0), 1.0) * left
    wider = (variances + back * np.maximum(alone - variances, 0.0)) * (1 + more)
    return np.where(all_labelled(sums), variances, wider)


def pooled_weight(variances: tuple[Floats, Floats, Floats], units: Floats) -> float:
    """One weight of the judge for all groups.

    Parameters
    ----------
    variances : three arrays of shape (sets,)
        Of groups at weights 0, 1/2 and 1, of which the variance is a parabola.
    units : array of shape (sets,)
        Effective labelled units of the groups.

    Returns
    -------
    float
        Within [0, 1]; 1 where units are too few to choose by.

    Notes
    -----
    A weight for each group would cost coverage: labels that choose it also say how well it does.  The nearest to 1 of
    those whose pooled variance is within a fifth of the smallest: labels that hold none of the rare units with a high
    rate make the judge, which saw them, look worse than it is.

    Examples
    --------
    >>> many = np.array([100.0])
    >>> pooled_weight((np.array([1.0]), np.array([0.5]), np.array([1.0])), many)
    0.7236...
    >>> pooled_weight((np.array([1.0]), np.array([0.5]), np.array([1.0])), np.array([12.0]))
    1.0
    """
    known = np.all([np.isfinite(one) for one in variances], axis=0) & (units > 0)
    if units[known].sum() < CHOOSING:
        return 1.0
    share = (units[known] / units[known].sum()) ** 2
    none, half, whole = (float(share @ one[known]) for one in variances)
    bend = 2 * (none + whole - 2 * half)
    slope = whole - none - bend
    if bend <= 0:
        return 1.0 if whole <= none else 0.0
    best = min(max(-slope / (2 * bend), 0.0), 1.0)
    most = NEARER * (none + slope * best + bend * best**2)
    reach = max(slope**2 - 4 * bend * (none - most), 0.0)
    return float(min(max((-slope + np.sqrt(reach)) / (2 * bend), best), 1.0))


@dataclass(frozen=True, slots=True)
class LabelledApart:
    """How much higher the judge's rate is of labelled rows than of all: 0 but for chance, of labels at random."""

    def value(self, sums: Floats) -> Floats:
        """Difference of each set; NaN where one side is undefined."""
        return _rate(sums, JUDGE_LABELLED, JUDGED_LABELLED)[0] - judge_alone(sums)

    def gradient(self, sums: Floats) -> Floats:
        """Derivative by each count."""
        slope = _rate(sums, JUDGE_LABELLED, JUDGED_LABELLED)[1] - _rate(sums, JUDGE, JUDGED)[1]
        return np.where(np.isfinite(self.value(sums))[:, None], slope, 0.0)[:, None, :]

    @property
    def sides(self) -> tuple[tuple[int, ...], ...]:
        """Labelled rows, and rows that the judge told."""
        return _SIDES

    @property
    def sizes(self) -> tuple[tuple[float, ...], ...]:
        """The judge's denominator of labelled rows, and of all."""
        return (_side(JUDGED_LABELLED), _side(JUDGED))


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistedShare:
    """A share of rows that are their own units: people's shares where the judge says yes and no, each by its rows.

    Post-stratification by the judge's answer (Fisch et al. 2024, StratPPI, arXiv:2406.04291).  Where an answer of the
    judge has no labelled row, the labels alone.

    Examples
    --------
    >>> counts = np.array([[[3.0, 10.0, 4.0, 10.0, 30.0, 100.0, 3.0, 10.0]]])
    >>> AssistedShare().value(counts).round(3)
    array([0.225])
    """

    def value(self, sums: Floats) -> Floats:
        """Value of each set; NaN where there are no labels."""
        said, people = self._answers(sums), labels_alone(sums)
        with np.errstate(divide="ignore", invalid="ignore"):
            yes, no = said.yes[0] / said.yes[1], said.no[0] / said.no[1]
            value = said.share * yes + (1 - said.share) * no
        return np.where(said.apart, value, people)

    def gradient(self, sums: Floats) -> Floats:
        """Derivative by each count."""
        said, (people, plain) = self._answers(sums), _rate(sums, ABOVE, BELOW)
        (x1, n1), (x0, n0), share = said.yes, said.no, said.share
        slope = np.zeros(plain.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            yes, no = x1 / n1, x0 / n0
            slope[:, BOTH] = share / n1 - (1 - share) / n0
            slope[:, ABOVE] = (1 - share) / n0
            slope[:, JUDGE_LABELLED] = -share * yes / n1 + (1 - share) * no / n0
            slope[:, JUDGED_LABELLED] = -(1 - share) * no / n0
            slope[:, JUDGE] = (yes - no) / said.rows
            slope[:, JUDGED] = -(yes - no) * share / said.rows
        slope = np.where(said.apart[:, None], slope, plain)
        return np.where(np.isfinite(people)[:, None], slope, 0.0)[:, None, :]

    @property
    def sides(self) -> tuple[tuple[int, ...], ...]:
        """Labelled rows, and rows that the judge told."""
        return _SIDES

    @property
    def sizes(self) -> tuple[tuple[float, ...], ...]:
        """Labelled rows, and all."""
        return _SIZES

    def limits(self, sums: Floats, z: Floats, *, exact: bool) -> tuple[Floats, Floats]:
        """Interval of each set's value, of shape (sets,) each; NaN without labels.

        Parameters
        ----------
        sums : array of shape (sets, levels, parts)
        z : array
            Two-sided normal quantile of the confidence, one or one of each set.
        exact : bool
            Whether Clopper and Pearson's limits are taken in place of Wilson's.

        Notes
        -----
        Limits of people's share among rows to which the judge said yes and no, and of the judge's share, squares
        added as variances are (Zou & Donner 2008, doi:10.1002/sim.3095).  Each has its own interval, so that a judge
        that was never found wrong is not taken to be right.
        """
        z = np.broadcast_to(np.asarray(z, float), len(sums))
        said, flat = self._answers(sums), sums[..., 0, :]

        def ends(above: Floats, below: Floats) -> tuple[Floats, Floats]:
            if exact:
                return intervals.clopper_pearson(above, below, tail=special.ndtr(-z))
            return intervals.wilson(above, below, z, each_end=True)

        plain = (
            ends(flat[:, ABOVE], flat[:, BELOW])
            if exact
            else intervals.wilson(flat[:, ABOVE], flat[:, BELOW], z)
        )
        value = self.value(sums)
        with np.errstate(divide="ignore", invalid="ignore"):
            yes, no = said.yes[0] / said.yes[1], said.no[0] / said.no[1]
            (low1, high1), (low0, high0) = ends(*said.yes), ends(*said.no)
            share, (few, many) = said.share, ends(said.share * said.rows, said.rows)
            tilt = yes - no
            lower = np.where(tilt > 0, share - few, many - share)
            upper = np.where(tilt > 0, many - share, share - few)
            parts_low = (share * (yes - low1), (1 - share) * (no - low0), tilt * lower)
            parts_high = (share * (high1 - yes), (1 - share) * (high0 - no), tilt * upper)
            low = value - np.sqrt(sum(part**2 for part in parts_low))
            high = value + np.sqrt(sum(part**2 for part in parts_high))
        stays = ~said.apart | all_labelled(sums)
        low, high = np.where(stays, plain[0], low), np.where(stays, plain[1], high)
        return np.maximum(low, 0.0), np.minimum(high, 1.0)

    def difference(
        self, first: Floats, second: Floats, z: Floats, *, exact: bool
    ) -> tuple[Floats, Floats]:
        """Interval of the first sets' values less the second's, which share no row."""
        sides = []
        for sums in (first, second):
            low, high = self.limits(sums, z, exact=exact)
            sides.append((self.value(sums), low, high))
        return square_and_add(sides[0], sides[1])

    def _answers(self, sums: Floats) -> "_ByAnswer":
        flat = sums[..., 0, :]
        rows = flat[:, JUDGED]
        share = np.divide(flat[:, JUDGE], rows, out=np.zeros(len(flat)), where=rows > 0)
        yes = flat[:, BOTH], flat[:, JUDGE_LABELLED]
        no = flat[:, ABOVE] - yes[0], flat[:, JUDGED_LABELLED] - yes[1]
        apart = (yes[1] > 0) & (no[1] > 0)
        return _ByAnswer(yes=yes, no=no, share=share, rows=rows, apart=apart)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ByAnswer:
    """Rows by the judge's answer: people's yes and labelled rows, the share of yes of all, if both have labels."""

    yes: tuple[Floats, Floats]
    no: tuple[Floats, Floats]
    share: Floats
    rows: Floats
    apart: Bools


Assisted = AssistedRatio | AssistedShare
