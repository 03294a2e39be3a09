"""Dose and response: a metric against the strength of a condition, group by group."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.rates import rates_of
from evenhand.comparisons.rules import VerdictRules
from evenhand.comparisons.sets import GroupSet
from evenhand.cubes import Cube, estimate
from evenhand.differential.result import Dose
from evenhand.stats.forms import Form, Ratio

Bools = npt.NDArray[np.bool_]


def dose_response(
    cube: Cube,
    form: Form,
    cells: Sequence[GroupSet],
    dose: str,
    plain: Bools,
    rules: VerdictRules,
    *,
    proportion: bool,
) -> Iterator[Dose]:
    """Everybody and each group at each dose.

    Parameters
    ----------
    cube : Cube
        Counts by the dose, among other attributes.
    dose : str
        The attribute.
    plain : bool array of shape (cells,)
        Cells under the reference; where they have no dose they are told as one without.

    Notes
    -----
    Each interval holds for itself.  All rows with one dose are taken together, whatever else their
    conditions vary.
    """
    codes, keys = cube.codes((dose,))
    levels: list[tuple[float | None, Bools]] = [
        (float(key), codes == code)
        for code, (key,) in enumerate(keys)
        if isinstance(key, int | float) and not isinstance(key, bool)
    ]
    levels.sort(key=lambda item: item[0] or 0.0)
    without = plain & np.array([key[0] is None for key in keys], bool)[codes]
    if without.any():
        levels.insert(0, (None, without))
    everybody = np.ones(len(cube.keys), bool)
    sides = [everybody, *(cell.members for cell in cells)]
    sets = np.array([side & members for side in sides for _, members in levels])
    # Covariances are not needed: those of no pairs are asked for.
    estimates = estimate(cube, form, sets, np.zeros((0, 2), np.int64))
    binomial = proportion and cube.units is None and isinstance(form, Ratio)
    rates = rates_of(estimates, form, cube.parts, rules, binomial=binomial)
    for number, rate in enumerate(rates):
        side, level = divmod(number, len(levels))
        cell = cells[side - 1] if side else None
        yield Dose(
            by=cell.partition.names if cell else (),
            predicate=cell.predicate if cell else None,
            label=" · ".join(map(str, cell.label)) if cell else "everybody",
            dose=levels[level][0],
            estimate=rate,
        )
