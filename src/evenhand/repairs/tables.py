"""Tables of a trial of repairs, for the terminal and the page."""

from collections.abc import Collection
from dataclasses import replace

from evenhand.pages import numbers
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.marks import MARKS
from evenhand.pages.table import Table, TableCell, TableColumn, table_of
from evenhand.repairs import words
from evenhand.repairs.amounts import before_of, of_share, told_bounds, told_value
from evenhand.repairs.result import RepairTrial
from evenhand.switching.result import Switches

_TITLES = {
    "error_rate": "Wrong decisions",
    "false_negative_rate": "Cases missed",
    "false_positive_rate": "False alarms",
}


def groups_table(found: RepairTrial, edition: Edition = PLAIN) -> Table:
    """Each group before and after, what changed, and how it is decided now."""
    change, moves, still = found.change, not found.as_it_stands, found.untouched
    share = of_share(change)
    told = {one.predicate: one for one in change.groups if one.change is not None}
    how = {one.predicate: words.decided(one, found.repair) for one in found.repair.groups}
    unit = " (points)" if found.metric.in_points else ""
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="before") if moves else None,
        TableColumn(head="after" if moves else found.metric.name),
        TableColumn(head="at once", need=1),
        TableColumn(head=f"change{unit}") if moves else None,
        TableColumn(head="verdict", left=True) if moves else None,
        TableColumn(head="is decided", left=True, fold=True, need=1) if moves else None,
        TableColumn(head="rows", need=2),
        TableColumn(head="counted", need=2) if _counts_some(found) else None,
    )
    rows: list[list[TableCell | str]] = []
    shown = [
        (edition.group(one.group, one.predicate), one.predicate, one.estimate)
        for one in found.groups
    ]
    # (No rule is judged of rows without a group, so that no interval of theirs holds at once with the others'.)
    apart = [one for one in told.values() if words.in_no_group(one)]
    how |= {one.predicate: words.decided(found.repair.otherwise, found.repair) for one in apart}
    shown += [
        (words.called(one, edition), one.predicate, replace(one.estimate, low=None, high=None))
        for one in apart
    ]
    for name, predicate, estimate in shown:
        moved = told.get(predicate)
        kind = "unsure" if moved is None else words.kind_of_move(moved, still)
        rows.append(
            [
                name,
                told_value(before_of(change, predicate), share=share),
                told_value(estimate.value, share=share),
                told_bounds(estimate.low, estimate.high, share=share),
                "–" if moved is None else words.changed(moved, estimate.value, change, still),
                TableCell(
                    "–" if moved is None else f"{MARKS[kind].sign} {words.moved(moved, still)}",
                    kind=kind,
                ),
                how.get(predicate, ""),
                numbers.count(estimate.n_rows),
                numbers.total(estimate.denominator),
            ]
        )
    return table_of(f"{found.metric.name} on held-out rows", columns, rows)


def _counts_some(found: RepairTrial) -> bool:
    """Whether the metric counts some of a group's rows only, as a false positive rate those without the label."""
    return any(
        one.estimate.denominator is not None and one.estimate.denominator != one.estimate.n_rows
        for one in found.groups
    )


def price_table(each: Switches, edition: Edition = PLAIN, untouched: Collection[str] = ()) -> Table:
    """What each group pays in, before and after: wrong decisions, misses, false alarms."""
    share = of_share(each)
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="before"),
        TableColumn(head="after"),
        TableColumn(head="change (points)"),
        TableColumn(head="verdict", left=True),
    )
    rows: list[list[TableCell | str]] = []
    for one in each.groups:
        if one.change is None:
            continue
        kind = words.kind_of_move(one, untouched)
        rows.append(
            [
                words.called(one, edition),
                told_value(before_of(each, one.predicate), share=share),
                told_value(one.estimate.value, share=share),
                words.changed(one, one.estimate.value, each, untouched),
                TableCell(f"{MARKS[kind].sign} {words.moved(one, untouched)}", kind=kind),
            ]
        )
    title = _TITLES.get(each.metric.name, each.metric.name)
    return table_of(f"{title} on held-out rows", columns, rows)


def _tried_value(found: RepairTrial, value: float | None) -> str:
    """What the rule is about: a difference, a change, or the value of a group."""
    if value is None:
        return "–"
    if found.rule.kind in ("maximum difference", "worst group"):
        signed = found.rule.kind == "worst group"
        return numbers.points(value, in_points=found.metric.in_points, signed=signed)
    return told_value(value, share=of_share(found.change))


def tried_table(found: RepairTrial) -> Table:
    """All repairs, with what practice rows say of them."""
    unit = " (points)" if found.metric.in_points else ""
    head = {
        "maximum difference": f"largest difference{unit}",
        "worst group": f"change of the worst group{unit}",
    }.get(found.rule.kind, f"{found.rule.kind} of the groups")
    told_why = any(one.passed_over is not None for one in found.tried)
    judged = any(one.answer is not None for one in found.tried)
    columns = (
        TableColumn(head="repair", left=True, fold=True),
        TableColumn(head=f"{head}, practice rows"),
        TableColumn(head="wrong decisions, practice rows"),
        TableColumn(head="the rule, practice rows", left=True, need=1) if judged else None,
        TableColumn(head="passed over", left=True, fold=True, need=2) if told_why else None,
    )
    rows: list[list[TableCell | str]] = []
    for one in found.tried:
        if one.reason is not None:
            continue
        chosen = "→ " if one.chosen else ""
        told = one.answer or "–"
        kind = words.KINDS.get(one.answer or "", "none")
        rows.append(
            [
                chosen + words.tried_name(one),
                _tried_value(found, one.value),
                numbers.share(one.errors),
                TableCell(told, kind=kind),
                "chosen" if one.chosen else one.passed_over or "–",
            ]
        )
    return table_of(
        "Repairs that were tried, on practice rows, the chosen one first", columns, rows
    )
