"""Coverage in plain words: what a person reads in the terminal and on the page, the answer first."""

from collections.abc import Iterator

from evenhand.lastmile.coverage.result import Coverage, CoveredCell, State
from evenhand.pages.caveats import after_numbers, bin_sentences, missing_sentences
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.marks import MARKS
from evenhand.pages.nouns import count_units, unit_noun
from evenhand.pages.numbers import amount, count, listed, percent, plural, points, share

#: How each state is marked and coloured, beside its word: as verdicts of this kind are.
KINDS: dict[State, str] = {
    "covered": "fine",
    "thin": "unsure",
    "empty": "worse",
    "synthetic only": "worse",
}
BASES = {
    "rate": "the rate of all natural rows",
    "cell": "how much the cell's own units vary",
    "others": "the cell whose units vary most, since its own are too few to tell",
    "worst case": "a proportion near one half, the worst case",
}


def called(cell: CoveredCell, edition: Edition = PLAIN) -> str:
    """A cell by its values."""
    return " · ".join(level(name, value, edition) for name, value in cell.group.items())


def level(name: str, value: object, edition: Edition = PLAIN) -> str:
    """A value of an attribute; of what is true or false the attribute's name."""
    told = edition.value(name, value)
    if not isinstance(value, bool) or told != str(value):
        return told
    return edition.column(name) if value else f"not {edition.column(name)}"


def answers(found: Coverage, edition: Edition = PLAIN) -> Iterator[str]:
    """How much of the population is covered, and what nobody has looked at."""
    yield " ".join(_headline(found))
    yield _meaning(found)
    shown = [c.detectable for c in found.cells if c.state == "covered" and c.share != 0]
    least = [one for one in shown if one is not None]
    if least:
        size = _size(max(least), found)
        where = "the covered cell" if len(least) == 1 else "every covered cell"
        yield (
            f"In {where} a difference of {size} from the rest would show in four samples of five; smaller ones may "
            "stay unseen."
        )
    yield from _missing(found, edition)
    yield from _filled(found)


def _headline(found: Coverage) -> Iterator[str]:
    by_state = {one.state: one for one in found.states}
    total = sum(one.cells for one in found.states)
    covered, empty, made = (by_state[s] for s in ("covered", "empty", "synthetic only"))
    they = "it is" if covered.cells == 1 else "they are"
    part = "" if covered.share is None or not covered.cells else f"; {they} {_of(covered.share)}"
    have = "is" if 1 in (covered.cells, total) else "are"
    yield f"{count(covered.cells)} of {plural(total, 'cell')} {have} covered{part}."
    if empty.cells:
        have = "has" if empty.cells == 1 else "have"
        part = "" if empty.share is None else f", {_of(empty.share)},"
        yield f"{plural(empty.cells, 'cell')}{part} {have} no row."
    if made.cells:
        have = "has" if made.cells == 1 else "have"
        part = "" if made.share is None else f", {_of(made.share)},"
        yield f"{plural(made.cells, 'cell')}{part} {have} synthetic rows only."


def _of(part: float) -> str:
    return f"{share(part)} of the population"


def _meaning(found: Coverage) -> str:
    """When a cell is covered."""
    settings = found.settings
    units = count_units(settings.min_units, found.unit) if found.unit else ""
    least = units or plural(settings.min_units, "row")
    kind = "natural " if settings.synthetic else ""
    about = f" that {found.metric.name} is known of" if found.metric else ""
    if settings.detect is None:
        return f"Covered is a cell with at least {least}{about}{', none of them synthetic' if kind else ''}."
    return (
        f"Covered is a cell whose {kind}{unit_noun(found.unit) if found.unit else 'rows'}{about} show a difference of "
        f"{_size(settings.detect, found)} from the rest in four samples of five ({percent(found.level)} intervals; at "
        f"least {least})."
    )


def _size(value: float, found: Coverage) -> str:
    return amount(value, in_points=found.metric is None or found.metric.in_points)


def _missing(found: Coverage, edition: Edition) -> Iterator[str]:
    """What to collect first."""
    lacking = list(found.lacking)
    known = [cell for cell in lacking if cell.missing]
    if known:
        number = sum(cell.missing or 0 for cell in known)
        units = f"{number:,} {unit_noun(found.unit, number) if found.unit else 'rows'}"
        first = listed([f"{called(cell, edition)} ({cell.missing:,})" for cell in known])
        order = "the largest share first" if found.population else "those that lack most first"
        cells = plural(len(known), "cell")
        yield f"{units} are missing in {cells}, {order}: {first}."
    unknown = [cell for cell in lacking if cell.missing is None]
    if unknown:
        yield (
            f"Of {plural(len(unknown), 'cell')} nothing tells how many would do: too few units are at hand to tell "
            "how much they vary."
        )


def _filled(found: Coverage) -> Iterator[str]:
    """What synthetic rows add; it is counted apart."""
    rows = sum(cell.synthetic_rows for cell in found.cells)
    if not found.settings.synthetic:
        return
    filled = sum(cell.filled for cell in found.lacking)
    yield (
        f"{plural(rows, 'synthetic row')} {'is' if rows == 1 else 'are'} counted apart and "
        f"{'covers' if rows == 1 else 'cover'} nothing; with them {plural(filled, 'more cell')} would have enough."
    )


def state(cell: CoveredCell) -> str:
    """The state with its mark: never by colour alone."""
    return f"{mark(cell)} {cell.state}"


def mark(cell: CoveredCell) -> str:
    """The sign of the state, as figures have it."""
    return MARKS[KINDS[cell.state]].sign


def detectable(cell: CoveredCell, found: Coverage) -> str:
    """The smallest difference that a cell shows."""
    if cell.detectable is None:
        return "–"
    in_points = found.metric is None or found.metric.in_points
    mark = "" if cell.basis in ("rate", "cell") or found.metric is None else "*"
    return points(cell.detectable, in_points=in_points, signed=False) + mark


def notes(found: Coverage) -> Iterator[str]:
    """How it was computed."""
    yield from bin_sentences(found.settings.bins)
    if found.left_out:
        they = "is" if found.left_out == 1 else "are"
        yield (
            f"{plural(found.left_out, 'crossing')} that neither the table nor {_served(found)} has {they} left out."
        )
    starred = sorted({BASES[c.basis] for c in found.cells if "*" in detectable(c, found)})
    for text in starred:
        yield f"* told from {text}."
    yield from after_numbers(found.notes)
    yield from missing_sentences(found.missing)


def _served(found: Coverage) -> str:
    return found.population.name if found.population else "the population"
