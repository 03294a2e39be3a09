"""Slices in plain words: what a person reads in the terminal and in the report."""

from collections.abc import Callable, Iterator, Mapping

from evenhand.pages.caveats import after_numbers, missing_sentences
from evenhand.pages.marks import MARKS
from evenhand.pages.numbers import plural, points, rate, share
from evenhand.slicing.result import Slice, Slices

#: Methods that tell what parts of the rows showed.
HALVES = ("split", "cross-screening", "e-values")
#: Findings told one by one; the table has them all.
TOLD = 5


def direction(found: Slices) -> str:
    """Which way harm lies, and what is compared."""
    worse = "higher" if found.metric.higher_is_worse else "lower"
    if found.metric.baseline:
        return f"less that of {found.metric.baseline}; {worse} is worse"
    return f"overall; {worse} is worse"


def difference(one: Slice, *, in_points: bool) -> str:
    """Difference to the rest: ``+14.9``."""
    return "–" if one.difference is None else points(one.difference, in_points=in_points)


def kind(one: Slice) -> str:
    """Kind of the verdict, for its sign and its colour."""
    return "worse" if one.confirmed else "unsure"


def mark(one: Slice) -> str:
    """Verdict with its sign: a lead may be chance."""
    return f"{MARKS[kind(one)].sign} {'worse' if one.confirmed else 'lead'}"


def difference_of(value: float | None, found: Slices) -> str:
    """A rate, or the difference of two rates where that is what was searched."""
    if found.metric.baseline is None or value is None:
        return rate(value)
    return points(value, in_points=found.metric.in_points)


def told_value(value: float | None, found: Slices) -> str:
    """A rate on a page: in per cent where it is a share."""
    if found.metric.baseline is None and found.metric.in_points:
        return share(value)
    return difference_of(value, found)


def by_predicate(one: Slice) -> str:
    """What a slice is called to who may ask again."""
    return one.predicate


def sentences(
    found: Slices,
    name: Callable[[Slice], str] = by_predicate,
    write: Callable[[float | None, Slices], str] = difference_of,
) -> Iterator[str]:
    """The findings as sentences; `name` says what a slice is called, `write` how its value is told."""
    confirmed = found.confirmed
    for one in confirmed[:TOLD]:
        yield _finding(one, found, name(one), write)
    if len(confirmed) > TOLD:
        yield f"… and {plural(len(confirmed) - TOLD, 'more confirmed slice')}, in the table."
    if not confirmed:
        yield _none_proven(found)
        yield from (_finding(one, found, name(one), write) for one in found.elsewhere[:TOLD])


def _none_proven(found: Slices) -> str:
    """What is known where none of the slices told is proven; never that there is no proven one."""
    method, others = found.confirmation.method, len(found.elsewhere)
    whole = method not in ("none", *HALVES)
    if others:
        are = "one is" if others == 1 else f"{others} are"
        if found.slices:
            return f"None of these slices is proven worse, but {are} that {found.score} puts behind them:"
        return f"{_nothing(found)}; {are} proven worse all the same (order by --score evidence):"
    if found.slices and method == "none":
        return "Leads only: nothing here was confirmed, so it may be chance."
    if found.slices and whole:
        return "No slice is proven worse than the rest: what stands below are leads, which may be chance."
    if found.slices:
        return "None of these slices is proven worse than the rest: they are leads, which may be chance."
    if found.score != "sliceline":
        return "No slice with enough rows is worse than all rows together."
    tail = "and none is proven worse" if whole else "which says nothing of small ones"
    return f"{_nothing(found)}, {tail}.  Others may be worse than all rows together: try --score evidence."


def _nothing(found: Slices) -> str:
    return f"No slice scores above 0 by {found.score}"


def _finding(
    one: Slice, found: Slices, name: str, write: Callable[[float | None, Slices], str]
) -> str:
    in_points = found.metric.in_points
    unit = " points" if in_points else ""
    low, high = one.low, one.high
    if not found.metric.higher_is_worse and low is not None and high is not None:
        low, high = -high, -low
    # A bound and an exact p-value may differ a little: then the bound is not told as if it were one.
    if low is not None and high is not None and low > 0.0005 * (1 if in_points else 0):
        small, large = (points(v, in_points=in_points, signed=False) for v in (low, high))
        size = f"by {small} to {large}{unit}"
    else:
        shown = points(abs(one.difference or 0), in_points=in_points, signed=False)
        size = f"by about {shown}{unit}"
    rows = f"{plural(one.n_rows, 'row')}, {one.support * 100:.1f} %"
    if found.metric.baseline is None:
        return (
            f"Worse for {name}: {found.metric.name} {write(one.value, found)}, {size} compared with the rest "
            f"({rows})."
        )
    return f"{_change(one, found, name)}, {size} worse than elsewhere ({rows})."


def _change(one: Slice, found: Slices, name: str) -> str:
    """What became of a slice itself, where two metrics, models or conditions are compared."""
    in_points = found.metric.in_points
    unit = " points" if in_points else ""
    low, high = one.value_low, one.value_high
    if not found.metric.higher_is_worse and low is not None and high is not None:
        low, high = -high, -low
    told = f"{name}: {found.metric.name} {difference_of(one.value, found)}{unit}"
    if low is not None and low > 0:
        return f"Became worse for {told}"
    if high is not None and high < 0:
        return f"Gained less for {told}"
    return f"No gain proven for {told}"


def notes(
    found: Slices,
    *,
    aside: str = " (in --json and --html)",
    advice: str = " (name a --unit if it is not)",
) -> Iterator[str]:
    """How it was searched and confirmed, and what was left out.

    `aside` says where folded slices are, `advice` what to do where rows are not independent.
    """
    searched = found.searched
    conditions = f"{searched.depth} literal{'s' * (searched.depth > 1)}"
    folded = ", but for those folded into these" if found.settings.fold else ""
    if found.exact and found.slices and found.confirmation.method not in HALVES:
        yield (
            f"Searched exactly: of all slices of up to {conditions} and at least {searched.min_rows:,} rows none "
            f"has a higher {found.score} score than the last one here{folded}."
        )
    yield found.confirmation.sentence
    yield from after_numbers(found.notes)
    number = sum(len(one.folded) for one in found.slices)
    if number:
        yield (
            f"{number} {'slice' if number == 1 else 'slices'} that say{'s' * (number == 1)} the same as one of "
            f"these, or add{'s' * (number == 1)} nothing to it, {'is' if number == 1 else 'are'} folded into it"
            f"{aside}."
        )
    yield from missing_sentences(found.missing)
    if found.left_out:
        yield (
            "Left out: "
            + "; ".join(f"{', '.join(names)} ({why})" for why, names in _by_reason(found.left_out))
            + "."
        )
    if found.unit is None:
        yield f"Each row counts as independent{advice}."


def _by_reason(left_out: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Columns that were left out for one reason, together."""
    for why in dict.fromkeys(left_out.values()):
        yield why, [name for name, reason in left_out.items() if reason == why]
