"""Disparities that are no rate of one group: equalised odds as one number, conditional demographic disparity."""

from dataclasses import dataclass
from typing import Any, ClassVar, Unpack

import numpy as np
import numpy.typing as npt

from evenhand.audits.audit import AuditOptions, audit_metrics
from evenhand.cubes import Cube, build_cube
from evenhand.deferred import special
from evenhand.groups.partition import Key
from evenhand.metrics import find_definition
from evenhand.metrics.definition import Given
from evenhand.questions.keywords import tells_options
from evenhand.questions.opening import opened
from evenhand.questions.options import check_numbers
from evenhand.questions.question import By, read_question, unit_columns
from evenhand.results.protocol import Result

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualizedOdds(Result):
    """How far groups are from equalised odds.

    Attributes
    ----------
    by : tuple of str
        What groups are told apart by.
    largest : float or None
        The wider of the two gaps, of true positive and of false positive rates: biased upwards, as any
        largest difference of estimates is.
    lower_bound : float or None
        It is at least so wide, at the audit's confidence, whichever rate and whichever pair of groups.
    rate : str or None
        The rate with the wider gap.
    reason : str or None
        Why a number is `None`.
    """

    SCHEMA: ClassVar[str] = "evenhand.equalized_odds/1"

    by: tuple[str, ...]
    largest: float | None
    lower_bound: float | None
    rate: str | None
    reason: str | None = None


@tells_options
def equalized_odds(
    table: Any,
    label: Given,
    prediction: Given,
    by: By,
    *,
    positive: Given | None = None,
    **options: Unpack[AuditOptions],
) -> tuple[EqualizedOdds, ...]:
    """Equalised-odds difference of each partition: the larger gap of true and of false positive rates.

    Parameters
    ----------
    table, by
        As in `evenhand.audit`.
    label, prediction : str or predicate
        Yes/no columns.
    positive : optional
        Value of the columns that means yes.
    **options
        As in `evenhand.audit_metrics`.

    Notes
    -----
    Lower bounds of both rates' gaps hold together with the confidence asked for (the two are one
    family), so that the larger bound holds for the larger gap.  Hardt, Price & Srebro (2016), arXiv
    1610.02413; as one number Agarwal et al. (2018), arXiv 1803.02453.

    Examples
    --------
    >>> import pyarrow as pa
    >>> rows = {"g": ["a"] * 40 + ["b"] * 40, "y": [1, 0] * 40, "p": [1, 0] * 20 + [0, 0, 1, 0] * 10}
    >>> (odds,) = equalized_odds(pa.table(rows), "y", "p", by="g")
    >>> odds.rate, odds.largest, odds.lower_bound > 0.1
    ('true_positive_rate', 0.5, True)
    """
    given = {} if positive is None else {"positive": positive}
    rates = ("true_positive_rate", "false_positive_rate")
    metrics = [find_definition(name)(label, prediction, **given) for name in rates]
    audits = audit_metrics(table, metrics, by, **options)
    found = []
    for gaps in zip(*(audit.gaps for audit in audits), strict=True):
        known = [
            (gap.largest, rate)
            for gap, rate in zip(gaps, rates, strict=True)
            if gap.largest is not None
        ]
        bounds = [gap.lower_bound for gap in gaps if gap.lower_bound is not None]
        reason = next((gap.reason for gap in gaps if gap.reason is not None), None)
        whole = len(known) == len(rates)
        largest, rate = max(known) if whole else (None, None)
        found.append(
            EqualizedOdds(
                by=gaps[0].by,
                largest=largest,
                # A gap that is proven of one rate is proven, whatever is known of the other.
                lower_bound=max(bounds, default=None),
                rate=rate,
                reason=None if whole else reason,
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalDisparity(Result):
    """Conditional demographic disparity of one group.

    Attributes
    ----------
    group : text, number, truth or None
        The group's value.
    value : float or None
        Positive where the group has more of the rejections than of the acceptances, within strata.
    low, high, standard_error : float or None
        Interval and error, of independent units.
    n_rows, n_units : int
        Rows of all groups in the strata that count, and their units.
    strata, strata_left_out : int
        Strata in which somebody was accepted and somebody rejected, and the others, which cannot tell.
    reason : str or None
        Why a number is `None`.
    """

    SCHEMA: ClassVar[str] = "evenhand.conditional_demographic_disparity/1"

    group: Key
    value: float | None
    low: float | None
    high: float | None
    standard_error: float | None
    n_rows: int
    n_units: int
    strata: int
    strata_left_out: int
    reason: str | None = None


@tells_options
def conditional_demographic_disparity(
    table: Any,
    prediction: Given,
    by: str,
    strata: str,
    *,
    positive: Given | None = None,
    unit: str | None = None,
    where: str | None = None,
    level: float = 0.95,
) -> tuple[ConditionalDisparity, ...]:
    """Demographic disparity of each group within strata, averaged over the strata by their rows.

    The disparity of a group within a stratum is its share of the rejections less its share of the
    acceptances there (Wachter, Mittelstadt & Russell 2021, doi:10.1016/j.clsr.2021.105567).

    Parameters
    ----------
    table : str, Path or data frame
        As in `evenhand.audit`.
    prediction : str or predicate
        Yes/no column: who is accepted.
    by, strata : str
        Columns of the groups, and of what makes people comparable; numbers are cut at quartiles.
    positive : optional
        Value of `prediction` that means accepted.
    unit : str, optional
        Column that names what is independent.
    where : str, optional
        Predicate; only rows that satisfy it are read.
    level : float
        Confidence of each interval.

    Returns
    -------
    tuple of ConditionalDisparity
        The most disfavoured group first.

    Notes
    -----
    A stratum in which nobody is accepted or nobody rejected has no disparity; it is left out, and
    counted.  Intervals are linearised: Student's t on the influence of units, which includes how many of them
    fall in each stratum, with a variance of at least that of shares of so few independent rows.

    Examples
    --------
    >>> import pyarrow as pa
    >>> rows = {"g": ["a", "b"] * 40, "job": ["x"] * 40 + ["y"] * 40, "hired": [1, 0, 0, 1] * 10 + [1, 0] * 20}
    >>> worst, _ = conditional_demographic_disparity(pa.table(rows), "hired", "g", "job")
    >>> worst.group, worst.value
    ('b', 0.5)
    """
    check_numbers({"level": level})
    with opened(table) as records:
        given = {} if positive is None else {"positive": positive}
        metric = find_definition("selection_rate")(prediction, **given)
        units = unit_columns(unit)
        question = read_question(records, [[by, strata]], units=units, where=where)
        plan = metric.plan(records, [by, strata], question.where)
        cube = build_cube(
            plan.records,
            plan.measure,
            question.attributes,
            unit=units,
            where=question.where,
            missing_values=records.missing_values,
        )
    return disparities_of(cube, by, strata, level=level)


def disparities_of(
    cube: Cube, by: str, strata: str, *, level: float = 0.95
) -> tuple[ConditionalDisparity, ...]:
    """The same from a cube of (selected, not selected), whose attributes are the two named."""
    group, groups = cube.codes((by,))
    stratum, layers = cube.codes((strata,))
    # Who is in no group or no stratum is compared with nobody.
    known = [np.array([v is not None for (v,) in values]) for values in (groups, layers)]
    there = known[0][group] & known[1][stratum]
    totals = np.zeros((len(layers), 2))
    np.add.at(totals, stratum[there], cube.sums[there])
    usable = np.minimum(totals[:, 0], totals[:, 1]) > 0
    inside = there & usable[stratum]
    occurring = sorted({int(s) for s in stratum[there]})
    left_out = sum(not usable[s] for s in occurring)
    found = [
        _one(cube, groups[code][0], inside & (group == code), inside, stratum, totals, level)
        for code in sorted({int(code) for code in group[there]})
    ]
    told = [
        ConditionalDisparity(
            **one, strata=int(usable[occurring].sum()), strata_left_out=int(left_out)
        )
        for one in found
    ]
    return tuple(sorted(told, key=lambda one: -(one.value if one.value is not None else -2.0)))


def _one(
    cube: Cube,
    name: Key,
    own: npt.NDArray[np.bool_],
    inside: npt.NDArray[np.bool_],
    stratum: Integers,
    totals: Floats,
    level: float,
) -> dict[str, Any]:
    """Value, interval and sizes of one group."""
    rows = np.zeros(len(totals))
    np.add.at(rows, stratum[inside], cube.sums[inside].sum(axis=1))
    counts = np.zeros_like(totals)
    np.add.at(counts, stratum[own], cube.sums[own])
    n = rows.sum()
    out: dict[str, Any] = {"group": name, "n_rows": int(n), "n_units": 0}
    out |= {"value": None, "low": None, "high": None, "standard_error": None, "reason": None}
    if not n:
        return out | {"reason": "no_denominator"}
    shares = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    disparity = shares[:, 1] - shares[:, 0]
    value = float((rows * disparity).sum() / n)
    # Influence of a row: on its stratum's weight, and on the share of its side in its stratum.
    weight = (disparity - value) / n
    side = np.where(own[:, None], 1.0, 0.0) - shares[stratum]
    scale = rows[:, None] / n / np.where(totals > 0, totals, 1.0)
    influence = weight[stratum][:, None] + side * scale[stratum] * np.array([-1.0, 1.0])
    influence = np.where(inside[:, None], influence, 0.0)
    units, squares = _squares(cube, influence, inside)
    out |= {"value": value, "n_units": units}
    if units < 2:
        return out | {"reason": "too_few_units"}
    steady, df = _steadied(counts, totals, rows / n)
    error = float(np.sqrt(max(squares * units / (units - 1), steady)))
    margin = float(special.stdtrit(min(df, units - 1.0), (1 + level) / 2)) * error
    return out | {
        "standard_error": error,
        "low": max(value - margin, -1.0),
        "high": min(value + margin, 1.0),
    }


def _steadied(counts: Floats, totals: Floats, weights: Floats) -> tuple[float, float]:
    """Least variance of the shares of all strata, and the degrees of freedom that it gives.

    A side of a stratum with few rows that are all of one group is not certain of its share: as
    Agresti & Coull (1998, doi:10.1080/00031305.1998.10480550) one of each is added before its variance
    is taken.  Degrees of freedom are Welch and Satterthwaite's over all sides (doi:10.2307/3002019).
    """
    used = (weights > 0)[:, None]
    safe = np.where(used, totals, 1.0)
    shares = (counts + 1) / (safe + 2)
    each = np.where(used, weights[:, None] ** 2 * shares * (1 - shares) / safe, 0.0)
    total = float(each.sum())
    return total, total**2 / float((each**2 / np.maximum(safe - 1, 1)).sum())


def _squares(cube: Cube, influence: Floats, inside: npt.NDArray[np.bool_]) -> tuple[int, float]:
    """Number of independent units, and the sum of their squared influences."""
    if cube.units is None:
        return int(cube.sums[inside].sum()), float((cube.sums * influence**2).sum())
    own = (influence[cube.units.cell] * cube.units.sums).sum(axis=1)
    each = np.zeros(len(cube.units.names))
    np.add.at(each, cube.units.unit, own)
    present = np.unique(cube.units.unit[inside[cube.units.cell]])
    return len(present), float((each**2).sum())
