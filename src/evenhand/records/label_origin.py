"""How labels came about: drawn at random, chosen by the system itself, complained of, picked by reviewers.

What a label says of others depends on it: rows that the system chose say nothing of those that it passed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Origin(StrEnum):
    """How a row came to have its label."""

    RANDOM = "random"
    """Drawn at random among all rows."""
    CHOSEN = "chosen"
    """Every row, or a random part of those, that the system selected."""
    COMPLAINT = "complaint"
    """Somebody complained."""
    REVIEW = "review"
    """People picked it to look at."""


#: Words for them, as columns have them.
ORIGINS = {
    "random sample": Origin.RANDOM,
    "random_sample": Origin.RANDOM,
    "chosen by the system": Origin.CHOSEN,
    "system": Origin.CHOSEN,
    "complaints": Origin.COMPLAINT,
    "human review": Origin.REVIEW,
    "human_review": Origin.REVIEW,
    **{origin.value: origin for origin in Origin},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelOrigin:
    """How the labels of a table came about.

    Attributes
    ----------
    every : Origin, optional
        That of every row; `None` where a column tells.
    column : str
        The column that tells; empty where there is none.
    words : Mapping
        Origin of values of the column that are not called so.
    """

    every: Origin | None = None
    column: str = ""
    words: Mapping[str, Origin] = field(default_factory=dict)

    def of(self, value: object) -> Origin | None:
        """Origin of a row with this value of the column; `None` where it is not known."""
        text = _text(value)
        return self.words.get(text) or ORIGINS.get(text.strip().casefold())


def _text(value: object) -> str:
    """A value as a person writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
