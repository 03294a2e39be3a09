"""Cohen's kappa of a judge and people, with its interval over units, which is an audit's."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from evenhand.cubes import build_cube, estimate
from evenhand.metrics import find_definition
from evenhand.records import open_records
from evenhand.stats.scales import scale_of, scaled
from evenhand.trials.trial import Agreement

_LEVEL = 0.95
_FEWEST_UNITS = 5


def with_kappa(found: Agreement, human: list[int], said: list[int], units: list[str]) -> Agreement:
    """Add kappa and its interval over units, which is an audit's."""
    table = pa.table({"human": human, "judge": said, "unit": units})
    metric = find_definition("cohen_kappa")(label="human", prediction="judge")
    records = open_records(table)
    try:
        made = metric.plan(records)
        cube = build_cube(records, made.measure, (), unit="unit")
    finally:
        records.close()
    whole = estimate(cube, made.form, np.ones((1, len(cube.keys)), bool))
    kappa = float(whole.values[0])
    if not np.isfinite(kappa):
        return replace(found, reason="all labels are alike, so chance would agree as well")
    found = replace(found, kappa=kappa, units=len(set(units)))
    needed = int(whole.n_units[0])
    if needed < _FEWEST_UNITS or whole.variances[0] == 0:
        few = f"{needed} of the rarer label, of {_FEWEST_UNITS} that it needs"
        return replace(found, reason=few if needed < _FEWEST_UNITS else "no unit differs")
    scale = scale_of(metric.definition.low, metric.definition.high)
    low, high = scaled(whole.values, whole.variances, whole.n_effective, _LEVEL, scale)
    return replace(found, low=float(low[0]), high=float(high[0]))
