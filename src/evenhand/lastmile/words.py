"""Plans in plain words: what a person reads in the terminal and on the page, the answer first."""

from collections.abc import Iterator

from evenhand.errors import REASONS
from evenhand.lastmile.result import LabelPlan, PlannedCell
from evenhand.pages.caveats import after_numbers, bin_sentences, missing_sentences
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.nouns import count_units
from evenhand.pages.numbers import amount, percent, plural, rate

#: What each rule is for.
RULES = {
    "minimax-pair": "the difference known least, as well as can be",
    "neyman": "the value of all together, as well as can be",
    "proportional": "as the population is",
    "equal": "as many of each cell",
}


#: Cells that a sentence names.
NAMED = 5


def size(value: float, found: LabelPlan) -> str:
    """A half-width: ± points of a share, else in the metric's units."""
    return f"± {amount(value, in_points=found.metric.in_points)}"


def bare(value: float | None, found: LabelPlan) -> str:
    """A half-width in a table, whose head says of what."""
    if value is None:
        return "–"
    return f"± {amount(value, in_points=found.metric.in_points)}".removesuffix(" points")


def called(predicate: str, found: LabelPlan, edition: Edition = PLAIN) -> str:
    """A cell by its values."""
    for cell in found.cells:
        if cell.predicate == predicate:
            return edition.group(cell.group, cell.predicate)
    return predicate


def price(value: float, found: LabelPlan) -> str:
    """What labels cost; nothing is said where each costs 1."""
    if all(cell.cost == 1 for cell in found.cells):
        return ""
    return f", which cost {value:,.6g}"


def answers(found: LabelPlan, edition: Edition = PLAIN) -> Iterator[str]:
    """What to collect, and what it will tell."""
    units = sum(cell.units for cell in found.cells)
    # Of units that are in several cells it is not known how many there will be.
    people = (
        f" of {count_units(units, found.unit)}" if found.unit and not found.shared_units else ""
    )
    cells = plural(len(found.cells), "cell")
    yield (f"Collect {plural(found.labels, 'label')}{people} in {cells}{price(found.cost, found)}.")
    worst = found.worst_pair
    widths = [cell.half_width for cell in found.cells if cell.half_width is not None]
    planned = "" if len(widths) == len(found.cells) else " that can be planned"
    if worst is None or found.settings.half_width is not None:
        each = "the cell" if len(found.cells) == 1 else f"each cell{planned}"
        yield f"Then {each} is known to {size(max(widths), found)} or better."
    if worst is not None:
        first, second = (called(one, found, edition) for one in (worst.first, worst.second))
        least = amount(worst.detectable, in_points=found.metric.in_points)
        every = "Then every" if found.settings.half_width is None else "Every"
        yield (
            f"{every} difference of two cells{planned} is known to {size(worst.half_width, found)} or better; "
            f"least known is that of {first} and {second}. A difference of {least} is found in four samples of five."
        )
    yield from _usual(found)
    yield (
        f"Widths are promises: in {percent(found.assurance)} of samples none is wider, though this pilot may have been "
        "lucky."
    )
    yield "These labels are new ones: the sample stands for itself, and none of the pilot's is counted in it."
    yield from _reached(found, edition)


def _reached(found: LabelPlan, edition: Edition) -> Iterator[str]:
    """Cells that the pilot's own labels tell as well of already as was asked for, or as the plan would."""
    wanted = found.settings.half_width or 0.0
    told = [
        f"of {edition.group(cell.group, cell.predicate)}, the pilot's {plural(cell.pilot_rows, 'label')} alone already "
        f"give {size(cell.pilot_half_width, found)}"
        for cell in found.cells
        if cell.pilot_half_width is not None
        and cell.half_width is not None
        and cell.pilot_half_width <= max(wanted, cell.half_width)
    ]
    if told:
        more = f"; and so of {plural(len(told) - NAMED, 'more cell')}" if len(told) > NAMED else ""
        text = "; ".join(told[:NAMED])
        yield f"{text[0].upper()}{text[1:]}{more}."


def _usual(found: LabelPlan) -> Iterator[str]:
    """What the usual way of spending the same would leave unknown."""
    by_rule = {one.rule: one for one in found.rules}
    usual = by_rule.get("proportional")
    own = by_rule.get(found.settings.rule)
    if usual is None or own is None or usual is own or usual.worst_pair < 1.1 * own.worst_pair:
        return
    yield (
        f"Spent as the population is, the same would leave a difference known only to {size(usual.worst_pair, found)} "
        f"where this plan has {size(own.worst_pair, found)} (both as the pilot's values have it)."
    )


def unknown(found: LabelPlan, edition: Edition = PLAIN) -> Iterator[str]:
    """Cells of which the pilot cannot tell."""
    for cell in found.cells:
        if cell.reason is not None:
            yield (
                f"{edition.group(cell.group, cell.predicate)}: {REASONS[cell.reason]} "
                f"({plural(cell.pilot_units, 'unit')} in the pilot).  Label {cell.labels:,} first, then plan again."
            )


def notes(found: LabelPlan) -> Iterator[str]:
    """How it was computed."""
    yield from bin_sentences(found.settings.bins)
    yield from after_numbers(found.notes)
    yield from missing_sentences(found.missing)


def value(cell: PlannedCell) -> str:
    """The metric in the pilot."""
    return rate(cell.value)
