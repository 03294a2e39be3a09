"""What a log says of its keeping, for people: who signed it, what is taken now, what was opened and left."""

from collections.abc import Iterator

from evenhand.bounty.custody import Custody
from evenhand.bounty.roster import OpenBlock, ServiceAnswers
from evenhand.bounty.status import Keeping
from evenhand.bounty.terms import Phase, Terms
from evenhand.pages.numbers import plural

#: So many that may be appealed are told one by one.
MOST = 10
_TAKEN: dict[Phase, str] = {
    "open": "all is taken",
    "committing": "promises only are taken",
    "revealing": "only what was promised before is taken",
    "closed": "nothing is taken",
}


def keeping(told: Keeping, head: str) -> Iterator[str]:
    """Lines of the status: phase and terms where they are not those of a rehearsal, signatures, an open block."""
    if told.phase != "open" or told.deadline:
        yield taken(told.phase, told.deadline)
    asked = _asked(told.terms)
    if asked or told.teams:
        teams = plural(len(told.teams), "registered team")
        yield f"Terms: {', '.join([*asked, teams])}."
        yield f"Teams sign for the bounty {told.bounty}."
    if told.services:
        yield f"Services that may be named: {', '.join(told.services)}."
    yield from map(_answered, told.answers)
    yield _signatures(told)
    yield latest(told, head)
    for one in told.appealable[:MOST]:
        yield (
            f"{one.submission[:12]} of {one.team} failed by {one.failure} and may be tested once more: "
            "evenhand bounty appeal."
        )
    if len(told.appealable) > MOST:
        yield f"So did {len(told.appealable) - MOST:,} more: evenhand bounty status --json."
    if told.opened is not None:
        yield opened(told.opened) + "  Write them: evenhand bounty close."


def _answered(one: ServiceAnswers) -> str:
    """What a service was asked, and how it ended."""
    ended = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(one.outcomes.items()))
    unsteady = f"; {one.unsteady:,} answered differently when asked again" if one.unsteady else ""
    return f"  {one.service} on {plural(one.rows, 'row')} of {one.about}: {ended}{unsteady}."


def taken(phase: Phase, deadline: str) -> str:
    """What a phase takes."""
    until = f" ({deadline})" if deadline else ""
    return f"Phase {phase}: {_TAKEN[phase]}{until}."


def _asked(terms: Terms) -> list[str]:
    asked = []
    if terms.registration:
        asked.append("only registered teams are heard")
    if terms.quota is not None:
        asked.append(f"at most {terms.quota:,} of a team in an epoch")
    if terms.commitments:
        asked.append("all is promised before any is shown")
    return asked


def keyless(told: Keeping) -> Iterator[str]:
    """What a bounty cannot keep that asks teams for keys and was begun without the host's."""
    if told.host is None and (told.terms.registration or told.terms.commitments):
        yield (
            "No host's key was given, and none can be added later: nobody outside can tell who registered whom, "
            "or who wrote the log.  To begin with one: evenhand bounty key."
        )


def latest(told: Keeping, head: str) -> str:
    """The hash to keep: it shows later that nothing up to here was changed."""
    return f"Latest event: {told.events - 1}, {head}.  Keep it for verify --head."


def _signatures(told: Keeping) -> str:
    events = plural(told.events, "event")
    if told.host is None:
        return (
            f"Log: {events}, unsigned, since the bounty was begun without a host's key: "
            "nobody outside can tell who wrote it."
        )
    left = told.events - told.signed - told.by_teams
    teams = f", {told.by_teams:,} of their teams" if told.by_teams else ""
    return (
        f"Log: {events}; {told.signed:,} bear a signature of the host ({told.host[:12]}…){teams}, "
        f"{left:,} none.  Check them: evenhand bounty verify."
    )


def opened(block: OpenBlock) -> str:
    """An open block in a sentence: it is spent."""
    again = "".join(f", and again at event {number}" for number in block.resumed)
    return (
        f"Block {block.block + 1} was opened at event {block.event}{again}; its verdicts were never written, "
        "and it is spent."
    )


def custody(told: Custody) -> Iterator[str]:
    """Who wrote a log, what was stopped on the way, and what is wrong."""
    for one in told.authors:
        who = (
            f"signed by {one.name}"
            if one.name
            else f"signed by the host, whose key is {told.keeping.host}"
            if one.host
            else "without a valid signature"
        )
        yield f"  {plural(one.events, 'event')} {who}"
    if told.keeping.host is None:
        yield "  The bounty was begun without a host's key: nobody outside can tell who wrote its log."
    for block in told.reopened:
        if block != told.keeping.opened:
            yield (
                f"  Block {block.block + 1} was opened at event {block.event}; its judging was stopped and begun "
                f"again at {', '.join(f'event {number}' for number in block.resumed)}."
            )
    if told.keeping.opened is not None:
        yield f"  {opened(told.keeping.opened)}"
    yield latest(told.keeping, told.head)
    if told.unchecked:
        yield "Not checked:"
    yield from (f"  {one}" for one in told.unchecked)
