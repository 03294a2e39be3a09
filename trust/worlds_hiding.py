"""Worlds of suppression: a linear program over the published numbers looks for hidden ones."""

import numpy as np
import pyarrow as pa
from scipy.optimize import linprog

import evenhand

from .claims import Claim

LEAST = 10


def recovers(equations, numbers, hidden):
    """Whether counts of atoms that fit what is shown leave a hidden sum one possible value."""
    for one in hidden:
        ends = [
            linprog(sign * one, A_eq=np.array(equations), b_eq=np.array(numbers, float))
            for sign in (1, -1)
        ]
        if all(e.status == 0 for e in ends) and -ends[1].fun - ends[0].fun < 1e-6:
            return True
    return False


def attacked(sets, shown, total):
    """The attack on rows, or on sums: sets of atoms, the number shown of each or None."""
    known = [(np.ones(len(sets[0])), total)] if total is not None else []
    known += [(s, n) for s, n in zip(sets, shown, strict=True) if n is not None]
    hidden = [s for s, n in zip(sets, shown, strict=True) if n is None]
    if not hidden or not known:
        return False
    return recovers([k[0] for k in known], [k[1] for k in known], hidden)


def overlapping(rng, _index):
    """A column, and a predicate that joins two of its values."""
    names = np.array(list("ABCD"))
    sizes = np.r_[rng.integers(150, 300), rng.integers(1, 10), rng.integers(20, 60), 100]
    group = np.repeat(names, sizes)
    y = rng.integers(0, 2, len(group))
    rows = pa.table({"g": group, "y": y})
    report = evenhand.audit(
        rows, "mean(y)", ["g", "g IN ('B','D')"], suppress_below=LEAST
    ).to_dict()
    sets, counts, sums = [], [], []
    for one in report["groups"]:
        name = one["group"].get("g") if one["by"] == ["g"] else None
        sets.append(np.isin(names, [name] if name else ["B", "D"]).astype(float))
        shown = not one["suppressed"]
        counts.append(one["estimate"]["n_rows"] if shown else None)
        sums.append(one["estimate"]["numerator"] if shown else None)
    leaks = attacked(sets, counts, report["overall"]["n_rows"]) or attacked(
        sets, sums, report["overall"]["numerator"]
    )
    plain = [np.isin(names, [n]).astype(float) for n in names] + [np.array([0, 1.0, 0, 1.0])]
    true = [float(s @ sizes) for s in plain]
    small = [n if n >= LEAST else None for n in true]
    return {
        "evenhand": float(leaks),
        "hiding small cells only": float(attacked(plain, small, float(sizes.sum()))),
    }


CLAIMS = (
    Claim(
        name="hiding",
        title="suppressed numbers recovered",
        words="No hidden number of rows or numerator has one possible value.",
        world="four groups, one under 10 rows, and a predicate that joins it with another",
        nominal=0.0,
        bound="at most",
        worlds=60,
        run=overlapping,
        note="claim 3; recovered exactly before; the program here is not the package's own",
    ),
)
