"""Scores on the page: what they promise beside what came of it, and what each threshold would do, by group."""

from collections.abc import Sequence

from evenhand.audits.result import Audit, ScoreCurve, Threshold
from evenhand.pages.curves import Curve, CurvePoint, Panel, draw_curves
from evenhand.pages.edition import Edition
from evenhand.pages.numbers import out_of, share, shares
from evenhand.pages.table import Table, TableColumn, table_of

#: What scores would promise if each came true as often as it says.
TRUE = tuple(CurvePoint(at=at, value=at, low=None, high=None) for at in (0.0, 1.0))


def curves_of(audit: Audit, by: tuple[str, ...]) -> list[ScoreCurve]:
    """The scores of a partition's groups."""
    return [curve for curve in audit.scores if curve.by == by and curve.predicate is not None]


def draw_scores(audit: Audit, by: tuple[str, ...], edition: Edition) -> tuple[Panel, ...]:
    """A panel for each group, with everybody's scores behind it; empty where there are none."""
    everybody = [curve for curve in audit.scores if curve.predicate is None]
    own = curves_of(audit, by)
    if not own or not everybody:
        return ()
    drawn = [
        Curve(label=name, told=_told(name, curve), readings=_readings(curve))
        for curve in own
        for name in (_name(curve, edition),)
    ]
    return draw_curves(drawn, _readings(everybody[0]), share, ideal=TRUE)


def table_scores(audit: Audit, by: tuple[str, ...], edition: Edition) -> Table:
    """What stands behind the pictures."""
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="scores"),
        TableColumn(head="promised"),
        TableColumn(head="came true"),
        TableColumn(head="interval"),
        TableColumn(head="count"),
    )
    rows = [
        [
            _name(curve, edition),
            f"{one.low:g} to {one.high:g}",
            share(one.mean_score),
            share(one.rate.value),
            shares(one.rate.low, one.rate.high),
            out_of(one.rate.numerator, one.rate.denominator),
        ]
        for curve in curves_of(audit, by)
        for one in curve.bins
        if one.rate.denominator
    ]
    return table_of(f"{audit.metric.title} by {edition.crossed(by)}: scores", columns, rows)


def table_thresholds(audit: Audit, by: tuple[str, ...], edition: Edition) -> Table:
    """What each threshold would do to each group, beside each other."""
    columns = (
        TableColumn(head="threshold, group", left=True, fold=True),
        TableColumn(head="selected"),
        TableColumn(head="rightly, of the selected"),
        TableColumn(head="found, of those with the outcome"),
        TableColumn(head="selected, of those without"),
    )
    curves = curves_of(audit, by)
    rows = [
        [f"{one.least:g}, {_name(curve, edition)}", *_rates(one)]
        for lines in zip(*(curve.thresholds for curve in curves), strict=True)
        for curve, one in zip(curves, lines, strict=True)
        if one.least > 0
    ]
    return table_of(f"{audit.metric.title} by {edition.crossed(by)}: thresholds", columns, rows)


def _rates(one: Threshold) -> Sequence[str]:
    """Shares of a threshold; a dash where there is nobody to be a share of."""
    selected = one.true_positives + one.false_positives
    positives = one.true_positives + one.false_negatives
    negatives = one.false_positives + one.true_negatives
    parts = (
        (selected, positives + negatives),
        (one.true_positives, selected),
        (one.true_positives, positives),
        (one.false_positives, negatives),
    )
    return [share(part / whole if whole else None) for part, whole in parts]


def _name(curve: ScoreCurve, edition: Edition) -> str:
    if len(curve.by) == 1:
        return edition.value(curve.by[0], curve.label)
    return edition.labels.get(curve.label, curve.label)


def _readings(curve: ScoreCurve) -> tuple[CurvePoint, ...]:
    """Bins with an interval: of fewer units a point would be mostly chance, and the table has it."""
    return tuple(
        CurvePoint(at=one.mean_score, value=one.rate.value, low=one.rate.low, high=one.rate.high)
        for one in curve.bins
        if one.mean_score is not None and one.rate.low is not None
    )


def _told(name: str, curve: ScoreCurve) -> str:
    known = [one for one in curve.bins if one.mean_score is not None]
    ends = (f"{share(one.mean_score)} promised, {share(one.rate.value)} came true" for one in known)
    return f"{name}: {'; '.join(ends)}"
