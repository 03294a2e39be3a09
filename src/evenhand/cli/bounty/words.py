"""A team's word as it is given on the command line: in a file, or signed here by the key of the environment."""

from pathlib import Path

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.keys import TEAM_KEY, own_signature, signed_text
from evenhand.bounty.telling.logged import Logged
from evenhand.bounty.word import SignedWord, Word, read_word
from evenhand.cli.bounty.output import full_key, show_json
from evenhand.cli.lines import say
from evenhand.errors import InputError


def word_in(opened: Bounty, path: Path | None, word: Word) -> SignedWord | None:
    """The word of a file; `None` where none is named."""
    if path is None:
        return None
    return read_word(path, bounty=opened.state.roster.bounty, word=word)


def signed_here(opened: Bounty, word: Word, team: str, key: str, text: str = "") -> str | None:
    """Signature by the team's key of the environment, where the team is registered."""
    roster = opened.state.roster
    if team not in roster.keys:
        return None
    return own_signature(TEAM_KEY, signed_text(roster.bounty, word, team, key, text))


def about(
    opened: Bounty, submission: str | None, said: SignedWord | None, word: Word, text: str = ""
) -> tuple[str, str | None]:
    """Which submission is meant, and the signature of its team."""
    if (submission is None) == (said is None):
        raise InputError(
            "Name the submission by its hash, or give --signature FILE, which names it."
        )
    if said is not None:
        return said.key, said.signature
    sent = opened.state.submitted
    key = full_key(sent, submission or "", "submission")
    return key, signed_here(opened, word, sent[key].team, key, text)


def tell(told: Logged, line: str, *, json: bool) -> int:
    """Say what was written into the log."""
    if json:
        show_json(told)
    else:
        say(
            line,
            f"Event {told.event}: {told.hash}{'' if told.signed else '  (unsigned by the host)'}",
        )
    return 0
