"""A card as Markdown: every text from outside is escaped, so that none of it is markup."""

import re
from collections.abc import Iterator

from evenhand.cards import words
from evenhand.cards.blocks import ABSENT, CardBlock
from evenhand.cards.result import Card
from evenhand.cards.sections import sections_of
from evenhand.pages.commands import readable
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.page import glossary
from evenhand.pages.table import Table, TableCell

#: Characters that begin or end markup somewhere in a line; HTML is written as entities.
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|~$^=:@-])")
#: Tells that a file is ours to replace; no reader sees it.
_MADE = '<!-- <meta name="generator" content="evenhand"> -->'
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def render_markdown(card: Card, edition: Edition = PLAIN, *, checklist: bool = False) -> str:
    """The card as CommonMark with tables."""
    return "\n\n".join(_parts(card, edition, checklist=checklist)) + "\n"


def escaped(text: str) -> str:
    r"""A text of one line that no reader of Markdown takes for markup.

    Examples
    --------
    >>> print(escaped("<b>a_b</b> | [x](y)\n# head"))
    &lt;b&gt;a\_b&lt;/b&gt; \| \[x\]\(y\) \# head
    """
    flat = " ".join(text.split())
    marked = _MARKUP.sub(r"\\\1", flat)
    out = "".join(_ENTITIES.get(letter, letter) for letter in marked)
    # A number and a point begin a list.
    return re.sub(r"^(\d+)\.", r"\1\\.", out)


def _parts(card: Card, edition: Edition, *, checklist: bool) -> Iterator[str]:
    service, measured = card.written.service, card.written.measured
    yield _MADE
    yield f"# {escaped(edition.title or words.title(card))}"
    if edition.note:
        yield escaped(edition.note)
    who = f"Measured by {measured.by or 'nobody named'}" + (
        f" ({measured.relation})" if measured.relation else ""
    )
    who = who if measured.by or measured.relation else "Who measured is not told"
    yield escaped(
        f"{service.provider}. Applies from {service.applies_to}. Contact: {service.contact}. {who}."
    )
    yield from (f"**{escaped(sentence)}**" for sentence in words.answers(card, edition))
    yield from (f"> {escaped(text)}" for text in dict.fromkeys(words.caveats(card, edition)))
    yield escaped(words.absent_sentence(card))
    for section in sections_of(card, edition, checklist=checklist):
        yield f"{'#' * section.level} {escaped(section.title)}"
        if section.absent:
            yield f"*{ABSENT}*"
        for block in section.blocks:
            yield from _block(block, section.level + 1)
    yield "## Glossary"
    meanings = glossary()
    yield "\n".join(f"* **{term}**: {escaped(meanings[term])}" for term in words.TERMS)


def _block(block: CardBlock, level: int) -> Iterator[str]:
    if block.forest is not None:
        return  # the table below it has its numbers
    if block.heading:
        yield f"{'#' * level} {escaped(block.heading)}"
    if block.text:
        yield from (escaped(part) for part in block.text.split("\n\n"))
    if block.items:
        yield "\n".join(f"* {escaped(item)}" for item in block.items)
    if block.table is not None:
        yield _table(block.table)
    if block.command:
        yield _fenced(readable(block.command))
    if block.source:
        yield f"*{escaped(block.source)}*"


def _table(table: Table) -> str:
    heads = " | ".join(escaped(column.head) for column in table.columns)
    sides = " | ".join("---" if column.left else "---:" for column in table.columns)
    rows = (" | ".join(map(_cell, row)) for row in table.rows)
    return "\n".join(f"| {line} |" for line in (heads, sides, *rows))


def _cell(cell: TableCell) -> str:
    return escaped(f"{cell.text} ({cell.note})" if cell.note else cell.text) or " "


def _fenced(command: str) -> str:
    """A command between more back-ticks than stand in it."""
    longest = max(map(len, re.findall(r"`+", command)), default=0)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}console\n$ {command}\n{fence}"
