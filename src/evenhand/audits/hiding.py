"""Which sets of an audit must be hidden, so that no small count can be recovered."""

from collections.abc import Sequence

import numpy as np

from evenhand.audits.evidence import Evidence
from evenhand.stats.suppression import suppress


def hidden_sets(evidence: Evidence) -> frozenset[int]:
    """Numbers of the sets to hide: small ones, and those that would give them away."""
    minimum = evidence.rules.suppress_below
    if minimum <= 0:
        return frozenset()
    everyone = [*evidence.cells, *evidence.absent]
    index = np.concatenate([evidence.group_index, evidence.absent_index])
    totals: list[tuple[int | None, Sequence[int]]] = []
    for names in dict.fromkeys(cell.partition.names for cell in everyone):
        parts = [i for i, cell in enumerate(everyone) if cell.partition.names == names]
        if len(names) == 1:
            totals.append((None, parts))
        for i, cell in enumerate(everyone):
            inside = [j for j in parts if (everyone[j].members <= cell.members).all()]
            if len(cell.partition.names) < len(names) and inside:
                totals.append((i, inside))
    hidden = suppress(evidence.estimates.n_units[index], totals, minimum)
    return frozenset(int(number) for number in index[hidden])
