"""Tables as spreadsheets may read them: what is a formula there is none here."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence


def inert_cell(text: str) -> str:
    """Text that a spreadsheet does not take for a formula.

    Examples
    --------
    >>> inert_cell("=1+1"), inert_cell("wales")
    ("'=1+1", 'wales')
    """
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def groups_csv(
    by: Sequence[str],
    heads: Sequence[str],
    lines: Iterable[tuple[Mapping[str, object], Sequence[object]]],
    first: Sequence[str] = (),
) -> str:
    """Comma-separated values with a line a group.

    Parameters
    ----------
    by : sequence of str
        Attributes, a column each.
    heads : sequence of str
        What the other columns are called.
    lines : iterable of (mapping, sequence)
        Each group's attributes, and what is told of it; `None` is empty, texts are made inert.
    first : sequence of str
        Columns that the mappings hold beside the attributes, and that stand before them.

    Examples
    --------
    >>> print(groups_csv(["site"], ["rows"], [({"site": "=a"}, [3])]), end="")
    site,rows
    '=a,3
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [*first, *by]
    writer.writerow([*map(inert_cell, names), *heads])
    for group, told in lines:
        writer.writerow(
            [
                *(inert_cell(str(group[name])) for name in names),
                *(inert_cell(one) if isinstance(one, str) else one for one in told),
            ]
        )
    return out.getvalue()
