"""What stands beside numbers in every result: notes before them, and the rows that are not in them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from evenhand.errors import Note, inert_text
from evenhand.pages.numbers import minus, tidy
from evenhand.results.estimate import Missing

#: Notes on how it was computed: they follow the numbers; all others stand before them.
FOOTNOTES = frozenset(
    {
        "rows_independent",
        "units_in_several_groups",
        "compared_with_all_others",
        "interval_alone",
        "taken_for_share",
        "pairs_limited",
        "doses_together",
        "fewer_slices",
        "too_few_units",
        "curves_left_out",
        "compared_alone",
        "share_of_pilot",
        "units_shared",
        "units_bet_once",
        "late_groups",
        "repeated_files",
        "duplicate",
        "corrected",
        "late",
        "labels_at_random",
        "transcripts_some_empty",
    }
)


def before_numbers(notes: Sequence[Note]) -> list[str]:
    """Notes that a reader must know before the numbers."""
    return [note.text for note in notes if note.code not in FOOTNOTES]


def after_numbers(notes: Sequence[Note]) -> list[str]:
    """Notes on how it was computed."""
    return [note.text for note in notes if note.code in FOOTNOTES]


def together(adjust: str, what: str = "all") -> str:
    """In which sense comparisons hold together, by how they were corrected."""
    return {
        "max-t": f"{what} hold at once (max-t)",
        "holm": f"{what} hold at once (Bonferroni; p-values by Holm)",
        "bh": "p-values control the false discovery rate (Benjamini-Hochberg)",
    }[adjust]


def independence(unit: str | None, *, advice: str = "") -> str:
    """What counts as independent; `advice` goes to who can name another unit."""
    return f"{unit} is the independent unit" if unit else f"each row counts as independent{advice}"


def bin_sentences(bins: Mapping[str, Sequence[float]]) -> Iterator[str]:
    """Where each numeric attribute was cut."""
    for name, edges in bins.items():
        cut = ", ".join(minus(f"{tidy(edge)}") for edge in edges)
        yield (
            f"{name} is cut at {cut}." if edges else f"{name} has one bin: its values do not vary."
        )


def refused_sentence(messages: Sequence[str], *, where: str = "in --json") -> Iterator[str]:
    """The first refusal, and how many more there are; `where` says where they stand.  Nothing where there is none."""
    if messages:
        more = len(messages) - 1
        yield messages[0] + (f"  … and {more:,} more, {where}." if more else "")


def missing_sentences(missing: Sequence[Missing]) -> Iterator[str]:
    """Each kind of missing row in a sentence."""
    for item in missing:
        if item.n_rows == 0:
            continue
        rows = "1 row lacks" if item.n_rows == 1 else f"{item.n_rows or 0:,} rows lack"
        rows = "Some rows (how many is hidden) lack" if item.n_rows is None else rows
        they = "is" if item.n_rows == 1 else "are"
        if item.reason == "zero_weight":
            have = rows.replace("lacks", "has").replace("lack", "have")
            yield f"{have} a weight of 0 ({item.attribute}) and {they} not in the numbers."
            continue
        if item.estimate is not None:
            yield f"{rows} {item.attribute}: shown as missing, not judged."
        elif item.reason == "missing_attribute":
            yield f"{rows} {item.attribute} and {they} in no group of it."
        else:
            yield f"{rows} {item.attribute} and {they} not in the numbers."


def inert(value: Any) -> Any:
    r"""The same value with every character that could steer a terminal written out.

    Examples
    --------
    >>> print(inert("wales\x1b[31m"))
    wales\x1b[31m
    """
    if isinstance(value, str):
        return inert_text(value).replace("\n", "\\n").replace("\t", "\\t")
    if isinstance(value, tuple | list):
        return type(value)(map(inert, value))
    if isinstance(value, dict):
        return {inert(key): inert(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: inert(getattr(value, f.name)) for f in fields(value)})
    return value
