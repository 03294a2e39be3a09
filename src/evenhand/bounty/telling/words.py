"""What a bounty says to people: one place for the words of terminal and report."""

from collections.abc import Iterator

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.hunting.round import Round
from evenhand.bounty.judging.practice import PracticeScore
from evenhand.bounty.proof.account import Account
from evenhand.bounty.proof.certificate import REFUSALS
from evenhand.bounty.proof.excess import UNPROVEN, Excess
from evenhand.bounty.proof.verdict import FreshResult
from evenhand.bounty.status import Status, TeamCount
from evenhand.bounty.telling.explained import Explained
from evenhand.bounty.telling.findings import ProvenFinding
from evenhand.bounty.telling.outcome import Closed, Outcome
from evenhand.bounty.telling.standing import Accepted
from evenhand.pages.marks import MARKS
from evenhand.pages.numbers import gain, plural, share, significant

#: Why something is not accepted.
REASONS = {**REFUSALS, **UNPROVEN}


def percent(value: float | None) -> str:
    """A share of rows."""
    return "–" if value is None else f"{value * 100:.1f} %" if value >= 0.001 else "< 0.1 %"


def rate(value: float | None, loss: str = "") -> str:
    """A mean loss: in per cent where a row is right or wrong."""
    right_or_wrong = loss in ("zero_one", "accuracy", "differs") or loss.startswith(
        ("missed", "wer")
    )
    return share(value) if right_or_wrong else significant(value)


def reason(code: str | None) -> str:
    """Why something is not accepted, for a person."""
    return REASONS.get(code or "", code or "")


def drawn(bounty: Bounty) -> str:
    """What was drawn: each row, or units and how many rows of one count."""
    task, left = bounty.task, bounty.thinned
    if task.unit is None:
        return "Each row is taken for drawn by itself: no unit is named."
    units = ", ".join(f"{block.units:,}" for block in bounty.state.blocks)
    return (
        f"Drawn by {task.unit}: {units} in the blocks, at most {plural(task.most, 'row')} each"
        f"{f'; {left:,} sealed rows of larger ones were left out by lot' if left else ''}."
    )


def ledger(account: Account) -> str:
    """The account in one line."""
    spent = f"{account.delta_spent:.3g} of δ = {account.delta:.3g} spent"
    left = f"{plural(account.blocks_left, 'sealed block')} left"
    parts = [spent, left]
    found = account.smallest_detectable
    parts.append(
        "nothing more can be proven"
        if found is None
        else f"smallest improvement detectable now {significant(found, 2)} a row"
    )
    return "Ledger: " + ", ".join(parts) + "."


def practice(score: PracticeScore) -> str:
    """A practice score, and that it proves nothing."""
    error = score.standard_error
    spread = f" (standard error {significant(error)})" if error else ""
    return (
        f"Practice: {gain(score.improvement)} a row{spread} on {score.rows:,} public rows, "
        f"{score.group_rows:,} of them in the group.  This proves nothing."
    )


def verdict(told: Outcome, loss: str = "") -> Iterator[str]:
    """A submission's fate."""
    name = f"{told.team}: {told.group}"
    if told.pending:
        yield f"Received {(told.submission or '')[:12]} of {name}."
        if told.held:
            yield (
                "Held: practice rows speak strongly against it, so it is not tested unless the organiser vouches "
                "for it (evenhand bounty vouch)."
            )
        else:
            yield "Pending: it is tested on sealed rows when the epoch is closed (evenhand bounty close)."
        return
    if told.finding is not None:
        yield from _finding(told, told.finding, loss)
        return
    if not told.accepted:
        yield f"{MARKS['none'].sign} not accepted  {name}"
        yield f"  {reason(told.reason)}{_evidence(told)}"
        return
    yield f"{MARKS['fine'].sign} accepted  {name}"
    if told.error_before is not None:
        yield (
            f"  error in the group {rate(told.error_before, loss)} → {rate(told.error_after, loss)} "
            f"({percent(told.group_weight)} of the rows); over all rows at least "
            f"{significant(told.lower_bound)} better{_evidence(told)}"
        )


def served(told: Closed) -> Iterator[str]:
    """What is served after an epoch: the groups that went back, and what is proven of all of it."""
    for repair in told.repairs:
        yield (
            f"Back to version {repair.points_to}: {repair.group}, as the block does not show that it gained."
        )
    proven = told.served
    if proven.disagreements:
        bound = (
            f"at least {significant(proven.lower_bound)} better, proven"
            if proven.lower_bound > 0
            else "not proven to be better as a whole"
        )
        yield (
            f"Served from now on: {gain(proven.improvement)} a row over all {proven.rows:,} rows of the block; {bound}."
        )


def _evidence(told: Outcome) -> str:
    if told.p_value is None:
        return ""
    return f" (p {significant(told.p_value, 2)}, allowed {significant(told.threshold, 2)})"


def _finding(told: Outcome, found: Excess, loss: str) -> Iterator[str]:
    """A group that was claimed to be failed."""
    sign = MARKS["fine"].sign if told.accepted else MARKS["none"].sign
    state = "proven" if told.accepted else "not proven"
    yield f"{sign} finding {state}  {told.team}: {told.group}"
    if found.excess is None:
        yield f"  {reason(told.reason)}"
        return
    means = f"error {rate(found.error, loss)} there, {rate(found.others, loss)} for all others"
    least = f"at least {rate(found.lower_bound, loss)} more, claimed {rate(found.more_than, loss)}"
    why = "" if told.accepted else f"{reason(told.reason)}: "
    yield f"  {why}{means}; {least} ({percent(found.group_weight)} of the rows)"


def finding(one: ProvenFinding, loss: str = "") -> Iterator[str]:
    """A proven finding, and how its group is served by now."""
    state = "open" if one.open else "no longer so"
    yield (
        f"! {one.team} found: {one.group}: error {rate(one.error, loss)} there, "
        f"{rate(one.others, loss)} for all others, at least {rate(one.lower_bound, loss)} more"
    )
    yield (
        f"  {state}: now {rate(one.error_now, loss)} and {rate(one.others_now, loss)}; "
        f"reward {significant(one.points)}"
    )


def team(one: TeamCount) -> str:
    """A team on the leaderboard."""
    found = f", {plural(one.findings, 'finding')} proven" if one.findings else ""
    return (
        f"  {one.team}: {one.accepted} of {one.submitted} accepted, "
        f"at least {significant(one.lower_bound)} better a row{found}"
    )


def outcome(told: Outcome, loss: str = "") -> Iterator[str]:
    """What a hunter is told at once."""
    if told.reason == "measured_only":
        yield "Measured, not merged: predictions are no model."
    elif told.reason == "checked_only":
        yield "Nothing to refuse; nothing was sent."
    else:
        yield from verdict(told, loss)
    if told.practice is not None:
        yield practice(told.practice)


def standing(told: Status) -> str:
    """Counts of the list and of what waits."""
    parts = [
        plural(told.updates, "active update"),
        plural(told.repairs, "repair"),
        plural(told.pending, "submission") + " pending",
    ]
    held = (
        f"  {plural(told.held, 'of them waits', 'of them wait')} for the organiser's word: practice rows speak against."
        if told.held
        else ""
    )
    return ", ".join(parts) + "." + held


def waiting(told: Status) -> Iterator[str]:
    """What was not tested when an epoch was closed, since nobody vouched for it."""
    if told.held:
        tested = "evenhand bounty vouch" if told.ledger.blocks_left else "no block is left for it"
        yield (
            f"Not tested: {plural(told.held, 'submission')} that practice rows speak strongly against ({tested})."
        )


def worth(one: Accepted) -> str:
    """Reward and credit of an accepted update."""
    state = "final" if one.final else "provisional"
    points = (
        f"reward {significant(one.points)} {state} (at least {significant(one.lower_bound)} a row × "
        f"severity {significant(one.severity)})"
    )
    credit = f"credited with {significant(one.share)} ± {significant(one.share_error, 2)} a row of the common gain"
    return f"{points}; {credit}"


def confirmed(team: str, one: FreshResult) -> str:
    """What fresh rows said of an update."""
    return (
        f"Reward final for {team}: on {one.rows:,} fresh rows {gain(one.improvement)} a row, "
        f"at least {significant(one.lower_bound)}."
    )


def hunted(done: Round, *, closed: bool) -> Iterator[str]:
    """A round of automatic hunters."""
    sent = sum(team.sent for team in done.teams)
    ended = f", {done.accepted} accepted" if closed else "; the epoch stays open"
    refused = f", {done.refused} refused" if done.refused else ""
    yield f"Round {done.round}: {plural(sent, 'submission')}{refused}{ended}."
    for team in done.teams:
        if closed:
            yield f"  {team.team}: {team.accepted} of {team.sent} accepted"
        else:
            yield f"  {team.team}: {team.sent} sent"
    for note in done.notes:
        yield f"  {note}"


def whose(found: Explained) -> str:
    """Who answered."""
    if found.submission is None:
        return "the base model"
    return f"the update {found.submission[:12]} of {found.team}"


def way(found: Explained) -> Iterator[str]:
    """Each group that the row was found in, newest first."""
    for step in found.steps:
        what = (
            f"update of {step.team or ''}"
            if step.points_to is None
            else f"repair: answered as in version {step.points_to}"
        )
        yield f"  version {step.version}  {step.group}: {what}"
