"""What host and teams say besides submissions: keys, phases, withdrawals, appeals; each is an event of the log."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.judging.admission import (
    check_appealed,
    check_phase_set,
    check_registered,
    check_revoked,
    check_service,
    check_withdrawn,
)
from evenhand.bounty.judging.registry import registered_services
from evenhand.bounty.keys import HOST_KEY, check_public, own_public
from evenhand.bounty.log import Event
from evenhand.bounty.roster import Appealed, PhaseSet, Registered, Revoked, Roster, Withdrawn
from evenhand.bounty.terms import Phase
from evenhand.errors import InputError
from evenhand.results.protocol import to_plain


def register(bounty: Bounty, *, team: str, key: str) -> Event:
    """Let a team sign what it sends; with a new key for a registered team its old one is retired.

    Parameters
    ----------
    bounty : Bounty
    team : str
        Its name, as its submissions have it.
    key : str
        Its public key.
    """
    with bounty.log.writing():
        asked = Registered(team=team, key=check_public(key))
        check_registered(bounty.state.roster, asked)
        return bounty.log.append("registered", to_plain(asked))


def revoke(bounty: Bounty, *, team: str, reason: str) -> Event:
    """Let a team's key sign nothing from here on; what it signed before stays."""
    with bounty.log.writing():
        roster = bounty.state.roster
        asked = Revoked(team=team, key=roster.keys.get(team) or "", reason=reason)
        check_revoked(roster, asked)
        return bounty.log.append("revoked", to_plain(asked))


def register_services(
    bounty: Bounty, tables: Sequence[Mapping[str, Any]], folder: Path
) -> list[Event]:
    """Let submissions name services, which the host alone asks.

    Parameters
    ----------
    bounty : Bounty
    tables : Sequence of Mapping
        As in ``[[services]]`` of a trial; each needs a name.
    folder : Path
        Where relative paths start.
    """
    if bounty.task.asks is None:
        raise InputError(
            "This bounty's models are functions of the features.  Services are named where it began with --ask."
        )
    with bounty.log.writing():
        events = []
        for asked in registered_services(tables, folder):
            check_service(bounty.state.roster, asked)
            events.append(bounty.log.append("service", to_plain(asked)))
        return events


def set_phase(bounty: Bounty, phase: Phase, *, deadline: str = "") -> Event:
    """Say what is taken from here on; the deadline is a text for people, no clock closes anything."""
    with bounty.log.writing():
        asked = PhaseSet(phase=phase, deadline=deadline)
        check_phase_set(bounty.state.roster, asked)
        return bounty.log.append("phase", to_plain(asked))


def withdraw(bounty: Bounty, key: str, *, signature: str | None = None) -> Event:
    """Take a submission back before it is tested; it still counts against its team's quota.

    Parameters
    ----------
    bounty : Bounty
    key : str
        Hash of the submission.
    signature : str, optional
        Of the team, see `signed_text`; where it is not registered, the host's word is needed.
    """
    with bounty.log.writing():
        roster = bounty.state.roster
        asked = Withdrawn(team=_team(roster, key), key=key, signature=signature)
        check_withdrawn(roster, asked)
        _check_word(roster, signature)
        return bounty.log.append("withdrawn", to_plain(asked))


def appeal(bounty: Bounty, key: str, *, reason: str, signature: str | None = None) -> Event:
    """Have a submission tested again, in the next epoch, that ran out of time or memory; once, and free of quota.

    Parameters
    ----------
    bounty : Bounty
    key : str
        Hash of the submission.
    reason : str
        Why; it is written into the log.
    signature : str, optional
        Of the team, see `signed_text`; where it is not registered, the host's word is needed.
    """
    with bounty.log.writing():
        roster = bounty.state.roster
        block, failure = roster.failed.get(key, (-1, ""))
        asked = Appealed(
            team=_team(roster, key),
            key=key,
            reason=reason,
            block=block,
            failure=failure,
            signature=signature,
        )
        check_appealed(roster, asked)
        _check_word(roster, signature)
        return bounty.log.append("appealed", to_plain(asked))


def _team(roster: Roster, key: str) -> str:
    sent = roster.submitted.get(key)
    return "" if sent is None else sent.team


def _check_word(roster: Roster, signature: str | None) -> None:
    """Where no team can be asked who it is, the host speaks for it."""
    if signature is None and roster.host is not None and own_public(HOST_KEY) != roster.host:
        raise InputError(
            f"Its team is not registered, so only the host can say this.  Set {HOST_KEY} to the host's secret."
        )
