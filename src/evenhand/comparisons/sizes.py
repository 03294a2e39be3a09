"""Units of unequal size: a few large ones weigh more than their number says."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.rules import VerdictRules
from evenhand.cubes import Cube, Estimates, lonely_strata, unit_values
from evenhand.errors import Note
from evenhand.pages.nouns import unit_noun
from evenhand.stats.forms import Form, Ratio

#: Strata that are named.
NAMED = 5
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
#: Units that count as fewer than this share of their number (Kish) are told of.
LEAST_SHARE = 0.5
#: A rate that changes by this many standard errors where each unit counts once shows that size matters.
APART = 0.5


def unequal_units(
    cube: Cube,
    form: Form,
    estimates: Estimates,
    sets: tuple[Bools, Integers, Sequence[str | None]],
    rules: VerdictRules,
) -> Iterator[Note]:
    """Say where units differ so much in size that an interval may miss more often than it says.

    Parameters
    ----------
    cube, form, estimates
        Units, the metric's form, and the estimates of sets of cells.
    sets : (bool array of shape (sets, cells), integer array, names)
        The sets' cells, which of them are looked at, and what these are called; `None` for everything.
    rules : VerdictRules
        Where groups are to be hidden no number is told: each is one more from which to subtract.

    Notes
    -----
    The variance of a ratio of sums accounts for unequal units (Kish 1965, Survey Sampling, section 8.2),
    but not for sizes that were not met: where larger units fail more often, the one that would have
    decided the rate may be missing.  No interval that was tried holds there (see ``docs/trust.md``).
    """
    # Of strata each takes a degree of freedom: what counts as few is then no matter of sizes.
    if cube.units is None or cube.stratum is not None or not isinstance(form, Ratio):
        return
    members, number, names = sets
    n, effective = estimates.n_units[number], estimates.n_effective[number]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where((n >= rules.min_units) & np.isfinite(effective), effective / n, np.inf)
    worst = int(np.argmin(share))
    if share[worst] >= LEAST_SHARE:
        return
    units, counted = unit_noun(rules.unit), not rules.suppress_below
    where = "" if names[worst] is None else f" of {names[worst]}"
    if not counted:
        what = f"Some {units} give so much more than others that they count as far fewer"
    else:
        what = (
            f"The {n[worst]:,} {units}{where} differ so much in size that they count as "
            f"about {effective[worst]:.0f} alike"
        )
    once = _each_once(cube, form, estimates, members, int(number[worst])) if counted else ""
    text = (
        f"{what}.  Where larger ones fail more often, 95 % intervals missed the truth in up to 25 of 100 "
        f"simulations instead of 5.{once}  Collect more {units}, or about as much of each."
    )
    yield Note(code="unequal_units", text=text)


def lonely_units(cube: Cube, rules: VerdictRules) -> Iterator[Note]:
    """Say which strata have one unit alone, and what is made of them; how many, where groups are to be hidden."""
    alone = lonely_strata(cube)
    if not alone:
        return
    which = "Some strata have"
    if not rules.suppress_below:
        named = ", ".join(alone[:NAMED]) + ", …" * (len(alone) > NAMED)
        strata, have = (
            ("1 stratum", "has") if len(alone) == 1 else (f"{len(alone):,} strata", "have")
        )
        which = f"{strata} of {cube.stratum} ({named}) {have}"
    text = (
        f"{which} one {unit_noun(rules.unit, 1)} alone, which shows no variance within it.  Its distance from the "
        "overall rate is taken instead: too large rather than too small.  Join such strata with their likes to be "
        "surer."
    )
    yield Note(code="lonely_strata", text=text)


def _each_once(cube: Cube, form: Ratio, estimates: Estimates, sets: Bools, index: int) -> str:
    """What the rate is where each unit counts once, if that is another one."""
    value = float(unit_values(cube, form, sets[index])[0].mean())
    usual = float(estimates.values[index])
    if abs(value - usual) <= APART * float(estimates.variances[index]) ** 0.5:
        return ""
    return f"  Counting each once it is {value:.3g}, not {usual:.3g}."
