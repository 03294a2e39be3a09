"""What a card is laid out in: sections of blocks, which the page and the Markdown both show."""

from dataclasses import dataclass

from evenhand.pages.forest import Forest
from evenhand.pages.table import Table

#: What stands where a part is missing.
ABSENT = "Not told."


@dataclass(frozen=True, slots=True, kw_only=True)
class CardBlock:
    """One thing in a section: exactly one of its fields is there.

    `heading` stands above it; `folded` hides it behind its heading on the page.
    """

    heading: str = ""
    folded: bool = False
    text: str = ""
    items: tuple[str, ...] = ()
    table: Table | None = None
    forest: Forest | None = None
    command: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSection:
    """A section: `level` 2 stands above those of level 3; `absent` where nobody told it."""

    name: str
    title: str
    level: int = 3
    absent: bool = False
    blocks: tuple[CardBlock, ...] = ()
