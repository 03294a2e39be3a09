"""Pooled customers in plain words, the answer first."""

from collections.abc import Iterator

from evenhand.errors import Note
from evenhand.pages.caveats import after_numbers
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.numbers import listed, percent, plural, rate
from evenhand.pooling.result import NOT_SHARED, Pooled, PooledGroup, UsualGroup

#: Cubes that caveats name, each in a line of its own.
NAMED = 4


def called(one: PooledGroup | UsualGroup, edition: Edition = PLAIN) -> str:
    """A group by its values."""
    return edition.group(one.group, one.predicate)


def answers(found: Pooled, edition: Edition = PLAIN) -> Iterator[str]:
    """Which group is worst nearly everywhere, and where it is worse still."""
    name = edition.column(found.metric.name)
    known = [one for one in found.usual if one.value is not None]
    who = listed([one.name for one in found.customers])
    yield (
        f"{plural(len(found.customers), 'customer')} ({who}) counted {name} by "
        f"{edition.crossed(found.settings.by)}; no row of theirs was read."
    )
    if known:
        worst, best = known[0], known[-1]
        yield (
            f"Over {plural(worst.customers, 'customer')}, {name} is usually {rate(worst.value)} for "
            f"{called(worst, edition)}"
            + (
                f", and {rate(best.value)} for {called(best, edition)}."
                if best is not worst
                else "."
            )
        )
        yield from _furthest(found, known, name, edition)
    elif len(found.customers) < 3:
        yield "What is usual is told of three customers on: of fewer it would tell of one."


def _furthest(found: Pooled, known: list[UsualGroup], name: str, edition: Edition) -> Iterator[str]:
    """The group at a customer that is furthest on the bad side of what is usual."""
    usual = {one.predicate: one.value for one in known}
    sign = 1.0 if found.metric.higher_is_worse else -1.0
    apart = []
    for one in found.groups:
        value, own = usual.get(one.predicate), one.estimate
        near = own.low if found.metric.higher_is_worse else own.high
        # Only where the customer's own rows say it by themselves.
        if (
            value is not None
            and one.shrunk is not None
            and near is not None
            and sign * near > sign * value
        ):
            apart.append((sign * (one.shrunk - value), one))
    if apart:
        _, one = max(apart, key=lambda told: told[0])
        yield (
            f"Furthest from it is {called(one, edition)} at {one.customer}: {name} of {rate(one.shrunk)} there, where "
            f"{rate(usual[one.predicate])} is usual (own rows alone say {rate(one.estimate.value)})."
        )


def caveats(found: Pooled) -> list[Note]:
    """What must be known before the numbers: also which cubes may hold what should not have left its house."""
    own = [note for one in found.customers for note in one.notes if note.code == NOT_SHARED]
    more = len(own) - NAMED
    if more > 0:
        text = f"Nor are {plural(more, 'more cube')}."
        own = [*own[:NAMED], Note(code=NOT_SHARED, text=text)]
    return [*own, *found.notes]


def notes(found: Pooled) -> Iterator[str]:
    """How it was computed."""
    yield (
        "“Shrunk” borrows from the customer's other groups and from the same group elsewhere: nearer to the truth "
        f"on average, and biased towards what the others have.  The interval ({percent(found.level)}) is of the "
        "customer's own rows."
    )
    yield from after_numbers(found.notes)
    for one in found.customers:
        for note in one.notes:
            if note.code == NOT_SHARED:
                continue
            yield f"{one.name}: {note.text}"
