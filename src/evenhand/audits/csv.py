"""The audit as comma-separated values: one row a group."""

import csv
import io

from evenhand.audits.result import Audit
from evenhand.pages.spreadsheet import inert_cell

ESTIMATE = (
    "value",
    "low",
    "high",
    "standard_error",
    "n_rows",
    "n_units",
    "numerator",
    "denominator",
    "method",
    "reason",
)
_CONTRAST = (
    "reference",
    "difference",
    "low",
    "high",
    "ratio",
    "ratio_low",
    "ratio_high",
    "p_value",
    "p_adjusted",
)


def render_csv(audit: Audit) -> str:
    """Rows of all groups; numbers that cannot be given are empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    versus = [f"versus_{name}" for name in _CONTRAST]
    writer.writerow(
        [
            "by",
            "group",
            "predicate",
            *ESTIMATE,
            "shrunk",
            *versus,
            "minimum_detectable_difference",
            "verdict",
            "suppressed",
            "effective_sample_size",
            "tolerance",
            "metric",
        ]
    )
    for group in audit.groups:
        estimate = [getattr(group.estimate, name) for name in ESTIMATE]
        contrast = [getattr(group.versus, name) if group.versus else None for name in _CONTRAST]
        sensitivity = group.minimum_detectable_difference
        labels = [
            inert_cell(",".join(group.by)),
            inert_cell(group.label),
            inert_cell(group.predicate),
        ]
        writer.writerow(
            [
                *labels,
                *estimate,
                group.shrunk,
                *contrast,
                sensitivity,
                group.verdict,
                group.suppressed,
                group.estimate.effective_sample_size,
                audit.settings.tolerance,
                inert_cell(audit.metric.title),
            ]
        )
    return out.getvalue()
