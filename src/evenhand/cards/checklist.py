"""A lawyer's check-list: which part of a card answers what laws and standards ask, and what none does."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from evenhand.cards.parts import PARTS
from evenhand.cards.result import Card
from evenhand.pages.table import Table, TableCell, TableColumn, table_of

#: What stands before every list.
ADVICE = (
    "This says where to look; it is no legal advice, and no proof that a law is kept.  What is asked is told in our "
    "own short words: the laws and standards themselves decide."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LawItem:
    """One thing that is asked.

    `parts` are names of the card's parts that answer it; `also` what else of a card does; `instead` where the rest of
    the answer lies.
    """

    item: str
    asks: str
    parts: tuple[str, ...] = ()
    also: str = ""
    instead: str = ""

    @property
    def answers(self) -> str:
        """What of a card answers it: headings of its parts, and what else."""
        titles = [PARTS[name][0] for name in self.parts]
        return "; ".join([*titles, *([self.also] if self.also else [])])


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """A law or a standard, and what it asks."""

    name: str
    source: str
    items: tuple[LawItem, ...]


@cache
def laws() -> tuple[Law, ...]:
    """All of the check-list."""
    text = (files("evenhand.cards") / "static" / "checklist.toml").read_text(encoding="utf-8")
    return tuple(
        Law(
            name=law["name"],
            source=law["source"],
            items=tuple(
                LawItem(**{**item, "parts": tuple(item.get("parts", ()))}) for item in law["items"]
            ),
        )
        for law in tomllib.loads(text)["laws"]
    )


def check_table(law: Law, card: Card) -> Table:
    """What a law asks, what of this card answers it, and what is not told."""
    columns = (
        TableColumn(head="item", left=True, fold=True),
        TableColumn(head="what is asked", left=True, fold=True),
        TableColumn(head="on this card", left=True, fold=True),
        TableColumn(head="not on this card", left=True, fold=True),
    )
    told = {part.name for part in card.parts if part.told}
    rows: list[list[TableCell | str]] = [
        [
            one.item,
            one.asks,
            TableCell("; ".join(_there(one, told)) or "nothing"),
            TableCell("; ".join(_absent(one, told)) or "–"),
        ]
        for one in law.items
    ]
    return table_of(law.name, columns, rows)


def _there(one: LawItem, told: set[str]) -> Iterator[str]:
    yield from (PARTS[name][0] for name in one.parts if name in told)
    if one.also:
        yield one.also


def _absent(one: LawItem, told: set[str]) -> Iterator[str]:
    yield from (f"{PARTS[name][0]} (not told)" for name in one.parts if name not in told)
    if one.instead:
        yield one.instead


def law_markdown(law: Law) -> str:
    """The list of a law as the documentation has it: what of any card answers it, and what none does."""
    head = f"| {law.name} | asks | a card answers under | elsewhere |\n| --- | --- | --- | --- |\n"
    return head + "\n".join(
        f"| {one.item} | {one.asks} | {one.answers or '**no line of a card**'} | {one.instead or '–'} |"
        for one in law.items
    )
