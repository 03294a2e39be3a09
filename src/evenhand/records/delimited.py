"""CSV and TSV: what separates the columns, what the header says, and the rows as text.

Nothing is guessed by the engine: it is told the separator, the names and that every field is text.
A bare empty field is missing; a quoted empty one is a text without characters.
"""

import csv
import glob
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from evenhand.errors import Fault, FaultsError, InputError
from evenhand.records.column_types import quoted, text_literal
from evenhand.records.encodings import encoding_of, open_text, write_utf8
from evenhand.records.engines.duckdb import DuckDBEngine

SEPARATORS = ",;\t|"
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# Records that are looked at to find the separator.
_LOOKED_AT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Delimited:
    """How one file is cut into columns.

    Attributes
    ----------
    path : Path
    separator : str
    names : tuple of str
        The header, without spaces around names; a column without a name is ``column`` and its place.
    quotes : bool
        Whether quotation marks hold fields together.  TSV has none (IANA text/tab-separated-values).
    """

    path: Path
    separator: str
    names: tuple[str, ...]
    quotes: bool

    def options(self) -> str:
        """What the engine is told: everything, so that it guesses nothing."""
        quote = text_literal('"') if self.quotes else "''"
        columns = ", ".join(f"{text_literal(name)}: 'VARCHAR'" for name in self.names)
        return (
            f"auto_detect = false, header = true, delim = {text_literal(self.separator)}, quote = {quote}, "
            f"escape = {quote}, nullstr = '', allow_quoted_nulls = false, strict_mode = true, "
            f"columns = {{{columns}}}"
        )


def find_layout(path: Path, *, tabs: bool) -> Delimited:
    """Separator and header of a file.

    Raises
    ------
    InputError, FaultsError
        Where the first lines do not agree on a separator, or the header cannot name columns.
    """
    separator = "\t" if tabs else _separator(path)
    first = next(_records(path, separator, quotes=not tabs), [])
    if not any(name.strip() for name in first):
        raise InputError(f"{path} has no header.  Its first line must name the columns.")
    quotes = not tabs
    if tabs and all(len(name) > 1 and name[0] == name[-1] == '"' for name in first):
        # R quotes every text of a TSV, and its header with them.
        quotes, first = True, next(_records(path, separator), [])
    if tabs and len(first) == 1 and any(mark in first[0] for mark in ",;"):
        raise InputError(
            f"{path}: its header {first[0][:60]!r} has no tab.  If commas or semicolons separate the "
            f"columns, call it {path.stem}.csv"
        )
    names = tuple(name.strip() or f"column{place}" for place, name in enumerate(first))
    _check_names(path, names)
    return Delimited(path=path, separator=separator, names=names, quotes=quotes)


def _records(path: Path, separator: str, *, quotes: bool = True) -> Iterator[list[str]]:
    with open_text(path) as file:
        if quotes:
            yield from csv.reader(file, delimiter=separator)
        else:
            yield from csv.reader(file, delimiter=separator, quoting=csv.QUOTE_NONE)


def _separator(path: Path) -> str:
    """The separator by which the first records have the header's number of fields."""
    widths: dict[str, list[int]] = {}
    for mark in SEPARATORS:
        try:
            rows = islice((row for row in _records(path, mark) if row), _LOOKED_AT)
            widths[mark] = [len(row) for row in rows]
        except csv.Error as error:
            raise InputError(f"{path}: cannot be read as a table ({error}).") from error
    usable = {mark: found for mark, found in widths.items() if found and found[0] > 1}
    if usable:
        best = max(usable, key=lambda mark: (_agreeing(usable[mark]), usable[mark][0]))
        _check_rows(path, best, widths)
        _check_first(path, best)
        return best
    _check_title(path, widths)
    return ","


def _agreeing(widths: Sequence[int]) -> int:
    return sum(width == widths[0] for width in widths)


def _check_rows(path: Path, mark: str, widths: dict[str, list[int]]) -> None:
    """Refuse a file whose rows are separated otherwise than its header."""
    rows = widths[mark][1:]
    if not rows or any(width > 1 for width in rows):
        return
    for other, found in widths.items():
        if other != mark and all(width == widths[mark][0] for width in found[1:]):
            raise InputError(
                f"{path}: the header is separated by {_NAMES[mark]}, but the rows by "
                f"{_NAMES[other]}.  One table needs one separator."
            )


def _check_title(path: Path, widths: dict[str, list[int]]) -> None:
    """Refuse a first line of one field above rows of several: a title, as spreadsheets have."""
    for mark, found in widths.items():
        rows = found[1:]
        if len(rows) > 1 and rows[0] > 1 and _agreeing(rows) > len(rows) / 2:
            raise InputError(
                f"{path}: line 1 is no header; it has one field, but the lines below have "
                f"{rows[0]}, separated by {_NAMES[mark]}.  Is it a title?  Delete what stands above "
                f"the line that names the columns, for example: tail -n +2 {path} > table{path.suffix}"
            )


def _check_first(path: Path, mark: str) -> None:
    """Refuse a title whose line has the other columns empty, a comment, and Excel's ``sep=;``."""
    rows = list(islice((row for row in _records(path, mark) if row), 2))
    titles = [name.strip() for name in rows[0] if name.strip()]
    below = sum(bool(name.strip()) for name in rows[1]) if len(rows) > 1 else 0
    first = rows[0][0].lstrip()
    if first.startswith(("#", "sep=")) or (len(titles) == 1 and len(rows[0]) > 2 and below > 1):
        raise InputError(
            f"{path}: line 1 is no header; it says {mark.join(rows[0])[:60]!r}.  Delete what stands above "
            f"the line that names the columns, for example: tail -n +2 {path} > table{path.suffix}"
        )


def _check_names(path: Path, names: Sequence[str]) -> None:
    counts = Counter(names)
    doubled = [name for name, count in counts.items() if count > 1]
    if doubled:
        raise FaultsError(
            str(path),
            [
                Fault(line=1, message=f"column {name!r} stands {counts[name]} times")
                for name in doubled
            ],
            advice="Give every column a name of its own.",
        )
    check_case(str(path), names)


def check_case(where: str, names: Iterable[str]) -> None:
    """Refuse names that differ in case only: engines do not tell them apart."""
    folded: dict[str, list[str]] = {}
    for name in names:
        folded.setdefault(name.casefold(), []).append(name)
    twins = [name for found in folded.values() if len(found) > 1 for name in found]
    if twins:
        raise InputError(
            f"{where}: the columns {', '.join(twins)} differ in case only, which engines do not tell apart.  "
            "Give each its own name."
        )


def rows_as_text(engine: DuckDBEngine, layouts: Sequence[Delimited]) -> str:
    """Query that reads the rows of all files, every field as text, columns matched by name."""
    first = layouts[0]
    for layout in layouts:
        if layout.separator != first.separator:
            raise InputError(
                f"{layout.path} separates its columns by {_NAMES[layout.separator]}, but {first.path} "
                f"by {_NAMES[first.separator]}.  One table needs one separator."
            )
    alike: dict[tuple[str, ...], list[Delimited]] = {}
    for layout in layouts:
        alike.setdefault(layout.names, []).append(layout)
    check_case("These files", dict.fromkeys(name for names in alike for name in names))
    selects = [
        f"FROM read_csv({listed([readable(engine, item.path) for item in group])}, {group[0].options()})"
        for group in alike.values()
    ]
    if len(selects) == 1:
        return selects[0]
    names = dict.fromkeys(name for group in alike for name in group)
    empty = ", ".join(f"NULL::VARCHAR AS {quoted(name)}" for name in names)
    return " UNION ALL BY NAME ".join([f"(SELECT {empty} LIMIT 0)", *(f"({s})" for s in selects)])


def readable(engine: DuckDBEngine, path: Path) -> Path:
    """The file itself where the engine can read its bytes, else a copy in UTF-8 that ends with it."""
    if encoding_of(path).utf8:
        return path
    folder = Path(engine.keep_folder(tempfile.mkdtemp(prefix="evenhand-")))
    copy = folder / path.name.removesuffix(".gz").removesuffix(".GZ")
    write_utf8(path, copy)
    return copy


def listed(paths: Sequence[Path]) -> str:
    """SQL list of files; the engine takes its paths for patterns, and these are none."""
    return "[" + ", ".join(text_literal(glob.escape(str(path))) for path in paths) + "]"
