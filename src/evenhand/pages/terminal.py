"""Answers at a terminal: what stands first, and tables whose heads wrap; columns without room get a second table."""

import re
from collections.abc import Iterable, Iterator, Sequence

from rich import table as rich_table
from rich.cells import cell_len
from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from evenhand.errors import Note
from evenhand.pages.caveats import before_numbers
from evenhand.pages.marks import MARKS
from evenhand.pages.table import Table, TableCell

#: A column that may fold is at least so wide, if its cells are; and so wide that no word shorter than the
#: second is broken.
LEAST, WORD = 11, 20
#: Where nothing else helps, names are so narrow before a number is broken.
SLIVER = 4
GAP = 2


def opening(answers: Iterable[str], notes: Sequence[Note], about: str) -> list[RenderableType]:
    """The answers, the first one bold; what must be known before the numbers; what they are of."""
    first, *more = answers
    parts: list[RenderableType] = [Text(first, style="bold"), *map(Text, more), Text()]
    parts += [Text(f"! {note}", style="yellow") for note in before_numbers(notes)]
    return [*parts, Text(about, style="dim")]


def lay_out(given: Table, width: int, *, named: int = 1) -> RenderableType:
    """The table, or several one below the other, each with the first columns, which name the rows."""
    parts: list[RenderableType] = []
    least = _least(given)
    for places in _tables(given, least, width, named):
        parts += [Text()] if parts else []
        part = given.of_columns(places)
        parts.append(_drawn(part, _widths(part, [least[i] for i in places], width)))
    return Lines(*parts)


def wrapped_head(head: str, width: int) -> str:
    """A head over as many lines as it needs, broken after ``_`` and between words.

    Examples
    --------
    >>> print(wrapped_head("false_positive_rate", 9))
    false_
    positive_
    rate
    """
    lines = [""]
    for piece in re.findall(r"[^_ ]*[_ ]?", head):
        if lines[-1] and cell_len((lines[-1] + piece).rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def _least(given: Table) -> list[int]:
    """Widths at which no number and no piece of a head is cut, and what may fold is folded."""
    out = []
    for place, column in enumerate(given.columns):
        pieces = re.findall(r"[^_ ]+_?", column.head)
        cells = (row[place].text for row in given.rows)
        most = max(map(cell_len, (*pieces, *cells)), default=1)
        words = [cell_len(word) for row in given.rows for word in row[place].text.split()]
        whole = max((word for word in words if word <= WORD), default=0)
        out.append(min(most, max(LEAST, whole)) if column.fold else most)
    return out


def _widths(given: Table, least: Sequence[int], width: int) -> list[int]:
    """Width of each column: with the gaps they fit, so that what draws them has nothing left to take away."""
    room = width - sum(least) - GAP * (len(least) - 1)
    if room < 0:
        return _narrowed(given, least, -room)
    out = list(least)
    folded = [place for place, column in enumerate(given.columns) if column.fold]
    whole = {
        place: max((cell_len(row[place].text) for row in given.rows), default=0) for place in folded
    }
    # What folds most gets the room last.
    while room and (short := [place for place in folded if out[place] < whole[place]]):
        out[min(short, key=lambda place: out[place])] += 1
        room -= 1
    # Heads stay on one line where there is room for it, from the left.
    for place, column in enumerate(given.columns):
        more = cell_len(column.head) - out[place]
        if 0 < more <= room:
            out[place] += more
            room -= more
    return out


def _narrowed(given: Table, least: Sequence[int], excess: int) -> list[int]:
    """Widths where even the least are too many: names fold first, then numbers between words, then what must."""
    out = list(least)
    words = [
        max((cell_len(word) for row in given.rows for word in row[place].text.split()), default=1)
        for place in range(len(out))
    ]
    folds = [column.fold for column in given.columns]
    floors = (
        [
            min(word, LEAST) if fold else one
            for word, fold, one in zip(words, folds, out, strict=True)
        ],
        [min(word, SLIVER) if fold else word for word, fold in zip(words, folds, strict=True)],
        [1] * len(out),
    )
    for floor in floors:
        while excess > 0 and (wide := [i for i, one in enumerate(out) if one > floor[i]]):
            out[max(wide, key=lambda place: out[place])] -= 1
            excess -= 1
    return out


def _tables(given: Table, least: Sequence[int], width: int, named: int) -> Iterator[list[int]]:
    """Places of the columns of each table: what is needed most comes first."""
    names = list(range(named))
    rest = sorted(range(named, len(given.columns)), key=lambda i: given.columns[i].need)
    start = sum(least[i] + GAP for i in names)
    while True:
        taken: list[int] = []
        used = start
        for place in list(rest):
            # The first one is shown whatever its width: then it folds.
            if taken and used + least[place] > width:
                continue
            taken.append(place)
            rest.remove(place)
            used += least[place] + GAP
        yield [*names, *sorted(taken)]
        if not rest:
            return


def _drawn(given: Table, widths: Sequence[int]) -> RenderableType:
    table = rich_table.Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    for column, room in zip(given.columns, widths, strict=True):
        table.add_column(
            Text(wrapped_head(column.head, room)),
            justify="left" if column.left else "right",
            overflow="fold",
            width=room,
        )
    for row in given.rows:
        table.add_row(*map(_text, row))
    return table


def _text(cell: TableCell) -> Text:
    return Text(cell.text, style=MARKS[cell.kind].style if cell.kind else "")
