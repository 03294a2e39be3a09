"""``evenhand bounty sign``: sign a word about a submission, where the team's key is."""

import re
from pathlib import Path

from evenhand.bounty.log import EventLog
from evenhand.bounty.submission.submission import team_and_key
from evenhand.bounty.word import Word, sign_word
from evenhand.cli.bounty.models import read_file
from evenhand.cli.bounty.output import show_json
from evenhand.cli.lines import say
from evenhand.cli.options import Writing
from evenhand.errors import InputError
from evenhand.records.output import check_outputs, write_bytes

_HASH, _BEGINNING = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{1,63}")


def sign(
    submission: str,
    /,
    *,
    bounty: str,
    word: Word = "submitted",
    team: str | None = None,
    reason: str = "",
    out: Path | None = None,
    output: Writing = Writing(),
) -> int:
    """Sign a word about a submission by the team's key, EVENHAND_TEAM_KEY; the host takes it by --signature.

    Parameters
    ----------
    submission
        The file, or its hash.
    bounty
        The bounty's own hash, as `evenhand bounty status` shows it; or its log or folder.
    word
        committed, submitted, withdrawn or appealed.
    team
        Who signs, where no file tells it.
    reason
        Why, of an appeal.
    out
        Write the word to this file.
    """
    if _BEGINNING.fullmatch(submission.lower()) and not Path(submission).exists():
        raise InputError(
            f"{submission} is no file, and no whole hash: that has 64 hexadecimal digits, since no list of "
            "submissions is read where you sign."
        )
    path = None if _HASH.fullmatch(submission.lower()) else Path(submission)
    check_outputs([("--out", out)], [] if path is None else [path], force=output.force)
    if (word == "appealed") != bool(reason):
        raise InputError("--reason belongs to --word appealed, which needs one.")
    named, key = (team, submission.lower()) if path is None else team_and_key(read_file(path))
    if named is None or (team is not None and team != named):
        raise InputError(
            "Name the team: --team."
            if named is None
            else f"--team is {team!r}; {submission} is {named!r}'s."
        )
    said = sign_word(bounty=_bounty(bounty), word=word, team=named, key=key, text=reason)
    if out is not None:
        write_bytes(out, said.to_json(indent=1).encode())
    if output.json or out is None:
        show_json(said)
    else:
        say(f"Signed: {said.word} {key[:12]} of {named}, in {out}.")
    return 0


def _bounty(text: str) -> str:
    if _HASH.fullmatch(text.lower()):
        return text.lower()
    path = Path(text)
    events = EventLog(path / "log.jsonl" if path.is_dir() else path).read()
    if not events:
        raise InputError(f"There is no bounty in {text}.")
    return events[0].hash
