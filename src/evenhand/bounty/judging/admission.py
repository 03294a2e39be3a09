"""Whether a team may say what it says: who it is, in which phase, within its quota, and for the first time.

All of it by the log alone, so that an outsider who has nothing else checks it again.
"""

from collections.abc import Callable
from typing import Any

from evenhand.bounty.files import hash_of
from evenhand.bounty.keys import check_public, signed_text
from evenhand.bounty.log import Event
from evenhand.bounty.names import LONGEST, is_name, is_text, likeness
from evenhand.bounty.roster import (
    FAILURES_OF_TIME,
    Appealed,
    PhaseSet,
    Promise,
    Registered,
    RegisteredService,
    Revoked,
    Roster,
    Sent,
    ServiceAnswers,
    Vouched,
    Withdrawn,
    given,
)
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.errors import InputError, unknown_name
from evenhand.results.signatures import is_signed


def check_event(roster: Roster, event: Event) -> None:
    """Refuse an event that could not have been written at this point of the log.

    Raises
    ------
    InputError
        With the sentence that the writer would have been told.
    """
    if event.kind in _CHECKS:
        kind, check = _CHECKS[event.kind]
        check(roster, given(kind, event))
    elif event.kind in ("block_opened", "resumed", "judged", "rolled_back"):
        _check_course(roster, event)


def _check_course(roster: Roster, event: Event) -> None:
    """Refuse blocks out of order, verdicts of none that is open, and a roll-back while one is."""
    opened = roster.opened
    if event.kind not in ("judged", "resumed"):
        if opened is not None:
            raise InputError(f"block {opened.block + 1} is open since event {opened.event}.")
        if event.kind == "block_opened" and event.body.get("block") != roster.blocks:
            raise InputError(f"it opens another block than {roster.blocks + 1}, which is next.")
        return
    block = event.body.get("block")
    if opened is None or type(block) is not int or block != opened.block:
        does = "goes on with" if event.kind == "resumed" else "tells verdicts of"
        raise InputError(f"it {does} a block that is not open.")
    if event.kind == "judged" and not {one["key"] for one in event.body["verdicts"]} <= set(
        roster.pending
    ):
        raise InputError("it tells verdicts of what did not wait.")


def check_registered(roster: Roster, asked: Registered) -> None:
    """Refuse a team that looks like another, and a key that is, or was, somebody's."""
    _check_name(asked.team)
    key = asked.key
    if check_public(key) != key:
        raise InputError(f"The key {key!r} is not written in lower case.")
    like = roster.names.get(likeness(asked.team))
    if like is not None and like != asked.team and like in roster.keys:
        raise InputError(
            f"{asked.team!r} would be taken for {like!r}, which is registered.  Choose another name."
        )
    if roster.keys.get(asked.team) == key:
        raise InputError(f"{asked.team!r} is registered with this very key.")
    if key in roster.retired:
        raise InputError(
            f"This key of {roster.retired[key]!r} was revoked or replaced.  Register a new one."
        )
    if key == roster.host:
        raise InputError("This is the host's key.  A team needs one of its own.")
    owner = next((team for team, held in roster.keys.items() if held == key), None)
    if owner is not None:
        raise InputError(f"This key belongs to {owner!r}.  Each team needs one of its own.")


def check_revoked(roster: Roster, asked: Revoked) -> None:
    """Refuse to revoke a key that is not the team's."""
    _check_registered_name(roster, asked.team)
    if roster.keys[asked.team] is None:
        raise InputError(f"{asked.team!r} has no key: its last one was revoked.")
    if roster.keys[asked.team] != asked.key:
        raise InputError(f"The key of {asked.team!r} is {roster.keys[asked.team]}.")
    _check_reason("A revocation", asked.reason)


def check_phase_set(roster: Roster, asked: PhaseSet) -> None:
    """Refuse a phase that breaks what teams were promised."""
    if asked.phase == "open" and roster.terms.commitments:
        raise InputError(
            "This bounty's terms ask for promises first, so it is never open.  "
            "Choose committing, revealing or closed."
        )
    _check_text("deadline", asked.deadline)
    again = asked.phase in ("open", "committing") and roster.revealable is not None
    # What is appealed was shown in an epoch before this one.
    if again and not roster.appealed.issuperset(roster.pending):
        raise InputError(
            "Submissions were shown and wait for their verdicts: whoever read them could promise a copy now.  "
            "Close the epoch first: evenhand bounty close."
        )


def check_promised(roster: Roster, asked: Promise) -> None:
    """Refuse a promise that is none, one made or kept before, and one of somebody else."""
    _check_no_block(roster)
    if len(asked.key) != 64 or not set(asked.key) <= set("0123456789abcdef"):
        raise SubmissionError("wrong_commitment", "a commitment is a SHA-256 in hex.")
    if asked.key in roster.committed or asked.key in roster.submitted:
        raise SubmissionError("replayed", "this commitment was made before.")
    phase = roster.phase.phase
    if phase not in ("open", "committing"):
        raise SubmissionError(
            phase, f"no more promises are taken{_until(roster)}.  Wait for the next epoch."
        )
    _check_author(roster, "committed", asked.team, asked.key, asked.signature)
    _check_quota(roster, asked.team, asked.key)


def check_new(roster: Roster, asked: Sent) -> None:
    """Refuse what was sent before, and what another team has promised."""
    _check_no_block(roster)
    if asked.key in roster.submitted:
        raise SubmissionError("replayed", "this very submission was sent before.")
    team = roster.committed.get(asked.key)
    if team is not None and team != asked.team:
        raise SubmissionError(
            "renamed", f"its hash was committed by another team than {asked.team!r}."
        )
    _check_content(roster, asked.content)


def check_sent(roster: Roster, asked: Sent) -> None:
    """Refuse what is not new, not its team's word, or not its turn."""
    _check_turn(roster, asked.key)
    _check_author(roster, "submitted", asked.team, asked.key, asked.signature)
    check_new(roster, asked)
    _check_quota(roster, asked.team, asked.key)


def check_withdrawn(roster: Roster, asked: Withdrawn) -> None:
    """Refuse to take back what does not wait, or is another team's."""
    _check_no_block(roster)
    _check_own(roster, asked.team, asked.key)
    if asked.key not in roster.pending:
        raise SubmissionError(
            "not_pending", f"{asked.key[:12]} does not wait: it was judged or withdrawn before."
        )
    _check_author(roster, "withdrawn", asked.team, asked.key, asked.signature)


def check_appealed(roster: Roster, asked: Appealed) -> None:
    """Refuse an appeal against what was no failure of time or memory, and a second one."""
    _check_reason("An appeal", asked.reason)
    _check_no_block(roster)
    _check_own(roster, asked.team, asked.key)
    if asked.key in roster.appealed:
        raise SubmissionError("appealed", f"{asked.key[:12]} was appealed before; once is all.")
    found = roster.failed.get(asked.key)
    if found is None or found[1] not in FAILURES_OF_TIME:
        why = "did not fail" if found is None else f"failed by {found[1]!r}"
        raise SubmissionError(
            "no_appeal",
            f"{asked.key[:12]} {why}.  May be appealed: {', '.join(FAILURES_OF_TIME)}.",
        )
    if found != (asked.block, asked.failure):
        raise SubmissionError(
            "no_appeal", f"{asked.key[:12]} failed otherwise than the appeal says."
        )
    _check_content(roster, roster.submitted[asked.key].content)
    _check_author(roster, "appealed", asked.team, asked.key, asked.signature, asked.reason)


def check_service(roster: Roster, asked: RegisteredService) -> None:
    """Refuse a service under a name that is taken: what was judged under it would be another's."""
    _check_name(asked.name)
    if asked.name in roster.services:
        raise InputError(
            f"A service {asked.name!r} is registered already.  Give this one another name."
        )
    if asked.sha256 != hash_of(asked.config):
        raise InputError(f"The configuration of {asked.name!r} is not what its hash says.")


def check_answers(roster: Roster, asked: ServiceAnswers) -> None:
    """Refuse answers of a service that is not registered."""
    if asked.service not in roster.services:
        raise InputError(unknown_name("service", asked.service, sorted(roster.services)))


def check_vouched(roster: Roster, asked: Vouched) -> None:
    """Refuse to vouch for what does not wait, and twice."""
    _check_no_block(roster)
    if asked.key not in roster.pending:
        raise InputError(f"No waiting submission has the hash {asked.key[:12]}.")
    if asked.key in roster.vouched:
        raise InputError(f"{asked.key[:12]} was vouched for before.")
    _check_reason("Vouching", asked.reason)


def _check_no_block(roster: Roster) -> None:
    if roster.opened is not None:
        raise SubmissionError(
            "epoch_closing",
            "a block is open and its verdicts are not written.  Close the epoch.",
        )


def _check_name(team: str) -> None:
    if not is_name(team):
        raise InputError(
            f"{team[:80]!r} is no name for a team.  Allowed: from 1 to {LONGEST} characters that can be seen, "
            "on one line."
        )


def _check_text(what: str, text: str) -> None:
    if not is_text(text):
        raise InputError(
            f"The {what} is {text[:80]!r}.  Allowed: up to {LONGEST} characters that can be printed, on one line."
        )


def _check_reason(what: str, reason: str) -> None:
    _check_text("reason", reason)
    if not reason.strip():
        raise InputError(f"{what} needs a reason: --reason.")


def _check_registered_name(roster: Roster, team: str) -> None:
    if team not in roster.keys:
        raise InputError(unknown_name("team", team, sorted(roster.keys)))


def _until(roster: Roster) -> str:
    return f" ({roster.phase.deadline})" if roster.phase.deadline else ""


def _check_turn(roster: Roster, key: str) -> None:
    """Refuse what the phase does not take."""
    phase = roster.phase.phase
    if phase == "committing":
        raise SubmissionError(
            "committing",
            f"submissions are promised now{_until(roster)} and shown later: send its hash only (--commit).",
        )
    if phase == "closed":
        raise SubmissionError("closed", f"nothing is taken now{_until(roster)}.")
    if phase == "revealing" and key not in (roster.revealable or ()):
        raise SubmissionError(
            "not_promised",
            f"only what was promised before is taken now{_until(roster)}, since others' submissions can be read.",
        )


def _check_content(roster: Roster, content: str) -> None:
    first = roster.contents.get(content)
    if first is not None:
        raise SubmissionError(
            "duplicate", f"the same group and model were sent before, as {first[:12]}."
        )


def _check_own(roster: Roster, team: str, key: str) -> None:
    """Refuse where a submission does not exist or is another team's."""
    sent = roster.submitted.get(key)
    if sent is None:
        raise SubmissionError("unknown", f"no submission has the hash {key[:12]}.")
    if sent.team != team:
        raise SubmissionError("not_yours", f"{key[:12]} is of {sent.team!r}, not of {team!r}.")


def _check_quota(roster: Roster, team: str, key: str) -> None:
    quota, used = roster.terms.quota, roster.used.get(team, frozenset())
    if quota is not None and key not in used and len(used) >= quota:
        raise SubmissionError(
            "quota",
            f"{team!r} has sent or promised {len(used)} in this epoch.  Allowed: {quota}; what was withdrawn counts.",
        )


def _check_author(
    roster: Roster, word: str, team: str, key: str, signature: str | None, text: str = ""
) -> None:
    """Refuse what is not the team's own word.

    Where a team is not registered nobody can tell whose word it is: then the name alone counts, as
    long as the terms allow that.
    """
    _check_name(team)
    like = roster.names.get(likeness(team), team)
    if like != team:
        raise SubmissionError("like_another", f"{team!r} would be taken for {like!r}.")
    if team not in roster.keys:
        if roster.terms.registration or signature is not None:
            raise SubmissionError(
                "unregistered",
                f"{team!r} is not registered.  Make a key (evenhand bounty key) and send its public half to the host.",
            )
        return
    if signature is None:
        raise SubmissionError(
            "unsigned", f"{team!r} is registered, so its word is signed.  Set EVENHAND_TEAM_KEY."
        )
    said = signed_text(roster.bounty, word, team, key, text)
    own = roster.keys[team]
    if own is not None and is_signed(said, own, signature):
        return
    raise _not_theirs(roster, said, team, signature)


def _not_theirs(roster: Roster, said: bytes, team: str, signature: str) -> SubmissionError:
    """Why a signature is not a team's."""
    for key, owner in roster.retired.items():
        if is_signed(said, key, signature):
            return SubmissionError(
                "revoked",
                f"it is signed by a key of {owner!r} that was revoked or replaced.  Sign with the current one.",
            )
    for other, held in roster.keys.items():
        if held is not None and is_signed(said, held, signature):
            return SubmissionError(
                "wrong_key", f"it is signed by the key of {other!r}, not of {team!r}."
            )
    lost = (
        ""
        if roster.keys[team]
        else f"  {team!r} has no key now: ask the host to register a new one."
    )
    return SubmissionError(
        "forged", f"it is not signed by the key of {team!r}, or something else was.{lost}"
    )


_CHECKS: dict[str, tuple[type, Callable[[Roster, Any], None]]] = {
    "registered": (Registered, check_registered),
    "revoked": (Revoked, check_revoked),
    "phase": (PhaseSet, check_phase_set),
    "committed": (Promise, check_promised),
    "submitted": (Sent, check_sent),
    "withdrawn": (Withdrawn, check_withdrawn),
    "appealed": (Appealed, check_appealed),
    "vouched": (Vouched, check_vouched),
    "service": (RegisteredService, check_service),
    "answered": (ServiceAnswers, check_answers),
}
