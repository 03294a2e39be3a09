"""The numbers of a card that other formats can hold: one a metric and group, and those that cannot be given."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from evenhand.audits.result import Audit, Group
from evenhand.cards.result import Card, CardEvidence
from evenhand.errors import InputError
from evenhand.pages.edition import without_folders
from evenhand.results.estimate import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedNumber:
    """A metric over everybody or one group.

    Attributes
    ----------
    audit : Audit
        What it stands in.
    evidence : CardEvidence
        Where that came from.
    group : Group or None
        `None` for everybody.
    """

    audit: Audit
    evidence: CardEvidence
    group: Group | None

    @property
    def estimate(self) -> Estimate:
        """The number with its interval."""
        return self.audit.overall if self.group is None else self.group.estimate

    @property
    def value(self) -> float:
        """The number itself."""
        value = self.estimate.value
        if value is None:
            raise ValueError("a number without a value is not published")
        return value

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Its interval; `None` where there is none."""
        low, high = self.estimate.low, self.estimate.high
        return None if low is None or high is None else (low, high)

    @property
    def slice_text(self) -> str:
        """The rows of the table that it is of, as a predicate; empty for all."""
        where = self.audit.settings.where
        if self.group is None:
            return where or ""
        return f"({where}) AND {self.group.predicate}" if where else self.group.predicate

    @property
    def metric_text(self) -> str:
        """What was measured, and by what rows were weighed."""
        weight = f" weighted by {self.audit.weight}" if self.audit.weight else ""
        return self.audit.metric.expression + weight

    @property
    def table(self) -> str:
        """What the table is called, without folders."""
        return without_folders(self.evidence.table)


def published(card: Card) -> Iterator[PublishedNumber]:
    """Everybody, then each group of each audit; those without a value are left out (see `withheld`).

    Raises
    ------
    InputError
        Where a number is none, or lies outside its interval: no format that this goes to would notice.
    """
    for place, audit in enumerate(card.audits):
        evidence = card.of("audits", place)
        for group in (None, *audit.groups):
            one = PublishedNumber(audit=audit, evidence=evidence, group=group)
            if one.estimate.value is not None:
                _check(one)
                yield one


def _check(one: PublishedNumber) -> None:
    low, high = one.bounds or (one.value, one.value)
    if not all(map(math.isfinite, (one.value, low, high))) or low > high:
        raise InputError(
            f"{one.evidence.name}: {one.audit.metric.title} of {one.slice_text or 'everybody'} is {one.value} "
            f"({low} to {high}), which is no number with an interval.  See: evenhand card verify"
        )


def withheld(audits: Iterable[Audit]) -> Counter[str]:
    """How many groups have no number, by reason."""
    return Counter(
        "suppressed" if group.suppressed else group.estimate.reason or "not told"
        for audit in audits
        for group in audit.groups
        if group.estimate.value is None
    )


def withheld_text(audits: Iterable[Audit]) -> str:
    """The same in words: ``3 groups have no number: 2 suppressed, 1 too_few_units.``; empty where none."""
    found = withheld(audits)
    if not found:
        return ""
    total = found.total()
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(found.items()))
    return f"{total} {'group has' if total == 1 else 'groups have'} no number: {reasons}."


def badness(one: PublishedNumber) -> float:
    """The larger, the worse the group: its value in the metric's direction of harm."""
    return one.value if one.audit.metric.higher_is_worse else -one.value
