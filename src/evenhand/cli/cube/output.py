"""What the verbs of a cube say."""

import shlex

from evenhand.audits.cube_summary import CubeSummary
from evenhand.cli.lines import say
from evenhand.pages.nouns import count_units
from evenhand.pages.numbers import plural
from evenhand.pages.sampled import sampled

#: Files that are named.
_NAMED = 5


def tell(summary: CubeSummary, *, json: bool) -> None:
    """Say what a cube counts, for people or for programs."""
    if json:
        print(summary.to_json())
        return
    what = plural(summary.rows, "row")
    if summary.units is not None:
        unit = summary.unit
        what += (
            f" and {count_units(summary.units, unit[0])}"
            if len(unit) == 1
            else f", {summary.units:,} combinations of {' and '.join(unit)}"
        )
    what += sampled(summary.weight, summary.stratum, None)
    names = list(dict.fromkeys(part.name for part in summary.sources))
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    say(f"{summary.file} counts {what}, from {', '.join(names[:_NAMED])}{more}.")
    if summary.added is not None:
        files = "file was" if summary.added == 1 else "files were"
        say(f"{summary.added:,} {files} new." if summary.added else "No file was new.")
    for where in dict.fromkeys(part.where for part in summary.sources if part.where):
        say(f"Only rows where {where}.")
    say(f"Metrics: {'; '.join(summary.metrics)}")
    say(
        f"Groups: {'; '.join(summary.by)}  ({plural(summary.cells, 'cell')}, {plural(summary.counts, 'count')})"
    )
    for name, edges in summary.bins.items():
        say(f"{name} is cut at {', '.join(f'{edge:g}' for edge in edges) or 'no edge'}.")
    for note in summary.notes:
        say(f"! {note.text}")
    say(f"Next: evenhand audit {shlex.quote(str(summary.file))}")
