"""Plain names beside what was found: names of nothing are told, and values called alike are kept apart."""

import sys
from collections.abc import Collection, Mapping, Sequence

from evenhand.audits.result import Audit
from evenhand.differential.result import Effects
from evenhand.pages.edition import Edition
from evenhand.switching.result import Switches


def fit(edition: Edition, found: Sequence[Audit | Effects | Switches]) -> Edition:
    """The edition with values kept apart that labels would call alike; labels of nothing are told."""
    values: dict[str, dict[object, None]] = {}
    names: list[str] = []
    for one in found:
        names.append(one.metric.title)
        if isinstance(one, Switches):
            names += [service.name for service in one.services]
        if isinstance(one, Effects):
            values.setdefault(one.condition, {}).update(
                dict.fromkeys((one.reference, *one.conditions))
            )
        for group in one.groups:
            if group.group == {group.predicate: True}:
                names.append(group.predicate)
                continue
            for column, value in group.group.items():
                values.setdefault(column, {})[value] = None
    tell_unknown(edition, names, values)
    return edition.apart(values)


def tell_unknown(
    edition: Edition, names: Collection[str], values: Mapping[str, Collection[object]]
) -> None:
    """Say which labels are of nothing."""
    absent = edition.unknown(names, values)
    if absent:
        told = ", ".join(absent[:5]) + (", …" if len(absent) > 5 else "")
        print(f"--labels: nothing here is called {told}.", file=sys.stderr)
