"""An outsider with the table's finest cells but not their numbers: the strongest reader of a report.

Written apart from `evenhand.audits.disclosure.hiding` and from `evenhand.audits.disclosure.attack`: sets are evaluated by DuckDB on the
rows themselves, and every published number is an equation over the cells that there really are.
"""

import re

import duckdb
import numpy as np
from scipy.optimize import linprog


def members_of(table, predicates):
    """For each predicate which rows satisfy it, and for which it is neither true nor false."""
    connection = duckdb.connect()
    connection.register("t", table)
    asked = ", ".join(f"({text}) AS c{i}" for i, text in enumerate(predicates))
    found = connection.sql(f"SELECT {asked} FROM t").to_arrow_table()
    columns = [found.column(i).to_pylist() for i in range(len(predicates))]
    return [np.array([v is True for v in c]) for c in columns], [
        np.array([v is None for v in c]) for c in columns
    ]


def narrow(amounts, visible, hidden, targets, least, width, needed=None):
    """Targets whose range, given the visible sets, is less wide than it should be."""
    needed = np.full(len(targets), width) if needed is None else needed
    every = np.array([*visible, *hidden, *targets], bool)
    _, first, kind = np.unique(every, axis=1, return_index=True, return_inverse=True)
    truth = np.bincount(kind.ravel(), amounts) / width
    every = every[:, first].astype(float)
    equal = every[: len(visible)]
    full = every[len(visible) : len(visible) + len(hidden)]
    out = []
    for place, goal in enumerate(every[len(visible) + len(hidden) :]):
        if needed[place] <= 0:
            continue
        ends = [
            linprog(
                sign * goal,
                A_eq=equal if len(equal) else None,
                b_eq=equal @ truth if len(equal) else None,
                A_ub=-full if least and len(full) else None,
                b_ub=np.full(len(full), -least / width) if least and len(full) else None,
                bounds=(0, None),
            )
            for sign in (1, -1)
        ]
        assert all(end.status in (0, 3) for end in ends), ends
        if (
            all(end.status == 0 for end in ends)
            and -ends[1].fun - ends[0].fun < needed[place] / width - 1e-5
        ):
            out.append((place, ends[0].fun * width, -ends[1].fun * width))
    return out


def due(amounts, people, minimum):
    """The width that the documentation promises."""
    total = amounts.sum()
    each = total / people
    whole = (amounts == np.round(amounts)).all()
    return min(minimum * (max(each, 1) if whole else each), total / 2)


def leaks_of(table, audits, sums, unit, minimum):
    """Every number that a publication of several audits gives away.

    `sums` has for each audit the numerator and denominator of each row; all audits read all rows.
    """
    out = []
    for part in parts_of(audits):
        out += leaks_of_part(table, audits, sums, unit, minimum, part)
    return out


def parts_of(audits):
    """Partitions that share columns, together: of the others only totals are known."""
    parts = []
    for by in dict.fromkeys(group.by for audit in audits for group in audit.groups):
        names = " ".join([*by, *(audits[0].settings.versus for _ in "1")])
        columns = set(re.findall(r"\b(?:a|b|c|age)\b", names))
        linked = [part for part in parts if part[0] & columns]
        parts = [part for part in parts if not part[0] & columns]
        parts.append(
            (
                columns.union(*(part[0] for part in linked)),
                [by, *(one for part in linked for one in part[1])],
            )
        )
    return [part[1] for part in parts]


def leaks_of_part(table, audits, sums, unit, minimum, part):
    """What follows of the sets of some partitions."""
    visible, hidden = known_sets(table, audits, part)
    crowd, n = units_of(table, unit), table.num_rows
    everyone = np.ones(n, bool)
    few = small_differences([*visible, *hidden], crowd, minimum)
    targets = distinct([*hidden, *few])
    counted = [below for a, (_, below) in zip(audits, sums, strict=True) if has_sums(a)]
    people = len(np.unique(crowd))
    if unit:
        people = max([len(np.unique(crowd[b > 0])) for b in counted], default=people) or 1
    out = []
    for name, amounts, least in kinds_of(audits, sums, np.ones(n)):
        lost = name != "rows" and all(a.overall.reason == "suppressed" for a in audits)
        seen = [v for v in visible if not (lost and v.all())]
        seen = seen if lost else distinct([*seen, everyone])
        width = due(amounts, people, minimum)
        if width > 0:
            apart = [min(width, minimum if name == "rows" else amounts[m].sum()) for m in targets]
            needed = [width if place < len(hidden) else w for place, w in enumerate(apart)]
            found = narrow(amounts, seen, hidden, targets, least, width, needed)
            out += [(name, *one) for one in found]
    if unit:
        ones = np.ones(n)
        out += narrow_units("people", crowd, ones, [*visible, everyone], hidden, targets, minimum)
        for below in counted:
            seen = [*visible, everyone]
            out += narrow_units("counted", crowd, below, seen, hidden, hidden, minimum)
    return out


def has_sums(audit):
    return audit.overall.numerator is not None or audit.overall.reason == "suppressed"


def known_sets(table, audits, part):
    """Sets that some audit shows, and those that none shows."""
    shown = {}
    for audit in audits:
        for group in audit.groups:
            if group.by in part:
                here = group.estimate.n_rows is not None
                shown[group.predicate] = shown.get(group.predicate, False) or here
    predicates = list(shown)
    inside, unknown = members_of(table, predicates)
    visible, hidden = [], []
    for predicate, mask in zip(predicates, inside, strict=True):
        (hidden, visible)[shown[predicate]].append(mask)
    for audit in audits:
        for item in audit.missing:
            if item.estimate is not None and (item.attribute,) in part:
                mask = lacking(table, item.attribute, predicates, unknown)
                (hidden, visible)[item.n_rows is not None].append(mask)
        for group in audit.groups:
            told = group.versus is not None and group.versus.difference is not None
            if told and group.by in part:
                visible.append(reference_of(table, audit, group, predicates, inside, unknown))
    return distinct(visible), distinct(hidden)


def lacking(table, attribute, predicates, unknown):
    if attribute in predicates:
        return unknown[predicates.index(attribute)]
    return np.array([value is None for value in table[attribute].to_pylist()])


def narrow_units(name, crowd, counts, visible, hidden, targets, minimum):
    """The same for units with a row that counts, whose kinds are what they have such a row in.

    That there is no unit with rows in one place alone is not known.
    """
    names, number = np.unique(crowd[counts > 0], return_inverse=True)
    if not len(names):
        return []

    def hits(masks):
        hit = [np.bincount(number, mask[counts > 0], minlength=len(names)) > 0 for mask in masks]
        return [np.concatenate(both) for both in zip(hit, masks, strict=True)]

    width = due(np.ones(len(names)), len(names), minimum)
    least = float(name == "people")
    amounts = np.concatenate([np.ones(len(names)), np.zeros(len(crowd))])
    found = narrow(amounts, hits(visible), hits(hidden), hits(targets), least, width)
    return [(name, *one) for one in found]


def kinds_of(audits, sums, rows):
    yield "rows", rows, 1
    for audit, (above, below) in zip(audits, sums, strict=True):
        if not has_sums(audit):
            continue
        yield f"numerator of {audit.metric.expression}", above, 0
        yield f"rest of {audit.metric.expression}", below - above, 0
        if (below <= rows).all():
            yield f"outside {audit.metric.expression}", rows - below, 0


def units_of(table, unit):
    return np.array(table[unit].to_pylist()) if unit else np.arange(table.num_rows)


def distinct(masks):
    return list({mask.tobytes(): mask for mask in masks if mask.any()}.values())


def small_differences(sets, crowd, minimum):
    """Regions and differences of sets with a few people in them."""
    sets = distinct(sets)
    if not sets:
        return []
    kind = np.unique(np.array(sets), axis=1, return_inverse=True)[1].ravel()
    candidates = [kind == k for k in np.unique(kind)]
    candidates += [one & ~two for one in sets for two in sets]
    candidates += [one & two for one in sets for two in sets]
    return [m for m in distinct(candidates) if len(np.unique(crowd[m])) < minimum]


def reference_of(table, audit, group, predicates, inside, unknown):
    """Rows of a group and of what it is compared with, as far as both are told of together."""
    versus = audit.settings.versus
    if versus == "best":
        return inside[predicates.index(group.versus.reference)]
    if versus == "overall":
        return np.ones(table.num_rows, bool)
    by = " × ".join(group.by)
    if any(note.text.startswith(f"Groups of {by} are compared with all") for note in audit.notes):
        return np.ones(table.num_rows, bool)
    if versus != "rest":
        return members_of(table, [versus])[0][0]
    if group.by == (group.predicate,):
        return ~unknown[predicates.index(group.predicate)]
    return ~np.any([lacking(table, name, [], []) for name in group.by], axis=0)
