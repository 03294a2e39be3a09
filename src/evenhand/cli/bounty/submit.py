"""``evenhand bounty submit``: send a group and a better model for it."""

import base64
import json as json_module
import math
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.hunting.patch import train_patch
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.submission.submission import (
    read_submission,
    team_and_key,
    write_submission,
)
from evenhand.bounty.telling import words
from evenhand.bounty.telling.answers import Committed, Written
from evenhand.bounty.telling.outcome import Outcome, outcome_of_receipt, unsent
from evenhand.bounty.word import SignedWord, Word
from evenhand.cli.bounty.models import lookup_of, model_named, read_file
from evenhand.cli.bounty.output import own_files, show_json, spent
from evenhand.cli.bounty.terms import Waiting
from evenhand.cli.bounty.words import signed_here, word_in
from evenhand.cli.kinds import Flag
from evenhand.cli.lines import say
from evenhand.cli.options import Writing
from evenhand.errors import EXIT_REFUSED, InputError
from evenhand.records.output import check_outputs, input_files, write_bytes


def submit(
    folder: Path,
    file: Path | None = None,
    /,
    *,
    team: str | None = None,
    group: str | None = None,
    model: Path | None = None,
    constant: str | None = None,
    finding: float | None = None,
    service: str | None = None,
    lookup: str | None = None,
    key: str | None = None,
    note: str = "",
    predictions: str | None = None,
    check: Flag = False,
    out: Path | None = None,
    commit: Flag = False,
    signature: Path | None = None,
    waiting: Waiting = Waiting(),
    output: Writing = Writing(),
) -> int:
    """Send a group and a better model for it; a group alone, and the patch is trained here; or a finding.

    Parameters
    ----------
    folder
        The bounty.
    file
        A submission as evenhand.bounty.pack or --out wrote it.
    team
        Who is to be credited, where no file is given.
    group
        A predicate such as "sex = 'F' AND age >= 50", or a .json file (a tree or a linear rule) or
        an .onnx file.
    model
        An ONNX file.  Without --model and --constant the patch is trained on the group's public rows.
    constant
        Or one answer for the whole group.
    finding
        No model: the claim that the group's error exceeds that of all others by more than this, 0.1 say.
    service
        The name of a registered service, where this bounty asks services.
    lookup
        A table of predictions, columns prediction and --key, in place of a model: for rows that are known one by one.
    key
        The feature that tells them apart.
    note
        For people.
    predictions
        Only measure a table of columns row and prediction for all practice rows; nothing is merged.
    check
        Say what would be refused and how it scores in practice; send nothing.
    out
        Write the submission to this file; send nothing.
    commit
        Promise the submission by its hash only; send the same file later.
    signature
        The word of a registered team, from `evenhand bounty sign`; where not given, it is signed here by
        EVENHAND_TEAM_KEY.  With --commit it is all that is needed: it names the hash.
    """
    texts = (group, None if predictions is None else str(predictions))
    named = [path for text in texts if text for path in input_files(text)]
    inputs = [*named, *own_files(folder), *(one for one in (file, model, signature) if one)]
    check_outputs([("--out", out)], inputs, force=output.force)
    with waiting.opened(folder) as opened:
        if predictions is not None:
            score = opened.measure(predictions)
            return _tell(unsent(opened, "measured_only", score, team=team), json=output.json)
        said = word_in(opened, signature, "committed" if commit else "submitted")
        if commit and said is not None and file is None and group is None:
            return _commit(opened, said.team, said.key, said, json=output.json)
        data = _submission(
            opened, file, team, group, model, constant, finding, service, (lookup, key), note
        )
        if out is not None:
            return _write(out, data, json=output.json)
        if commit:
            given = read_submission(data, opened.task)
            return _commit(opened, given.team, given.key, said, json=output.json)
        try:
            if check:
                score = opened.check(data, trainer=train_patch)
                return _tell(unsent(opened, "checked_only", score), json=output.json)
            signed = _signature(opened, "submitted", *team_and_key(data), said)
            receipt = opened.submit(data, trainer=train_patch, signature=signed)
        except SubmissionError as error:
            return spent(opened, error, json=output.json)
        return _tell(outcome_of_receipt(opened, receipt), json=output.json)


def _signature(
    opened: Bounty, word: Word, team: str, key: str, said: SignedWord | None
) -> str | None:
    """The team's signature: from a file that must be about this submission, or made here."""
    if said is None:
        return signed_here(opened, word, team, key)
    if (said.team, said.key) != (team, key):
        raise InputError(
            f"--signature is {said.team!r}'s, about {said.key[:12]}; the submission is {team!r}'s {key[:12]}."
        )
    return said.signature


def _submission(
    opened: Bounty,
    file: Path | None,
    team: str | None,
    group: str | None,
    model: Path | None,
    constant: str | None,
    finding: float | None,
    service: str | None,
    lookup: tuple[str | None, str | None],
    note: str,
) -> bytes:
    if file is not None:
        if team or group or model or constant or service or any(lookup) or finding is not None:
            raise InputError("A submission file says all: leave --team, --group and --model out.")
        return read_file(file)
    if team is None or group is None:
        raise InputError(
            "Give a submission file, or --team and --group (and --model, or the patch is trained here)."
        )
    return write_submission(
        team=team,
        group=_group(group),
        model=_model(opened, model, constant, finding, service, lookup),
        # Unguessable, so that a commitment tells nothing.
        nonce=secrets.token_hex(16),
        note=note,
    )


def _model(
    opened: Bounty,
    model: Path | None,
    constant: str | None,
    finding: float | None,
    service: str | None,
    lookup: tuple[str | None, str | None],
) -> bytes | dict[str, Any] | None:
    """What stands for a model, of which there is one at most."""
    reads, (table, key) = opened.task.loss.reads, lookup
    named = {"model": model, "constant": constant, "lookup": table, "service": service}
    given = [
        f"--{name}" for name, value in {**named, "finding": finding}.items() if value is not None
    ]
    if len(given) > 1:
        raise InputError(
            f"{' and '.join(given)} are two models.  Choose one, or send two submissions."
        )
    if (table is None) != (key is None):
        raise InputError(
            "--lookup and --key go together: a table, and the feature that tells rows apart."
        )
    if table is not None:
        return {"lookup": lookup_of(table, str(key), reads)}
    if service is not None:
        return {"service": service}
    if finding is None:
        return model_named(model, constant, reads, "--model")
    if not math.isfinite(finding):
        raise InputError(f"--finding is {finding}.  Allowed: a number, 0 or more.")
    return {"finding": {"more_than": finding}}


def _group(text: str) -> Mapping[str, Any] | str:
    if text.endswith(".onnx"):
        return {"onnx": base64.b64encode(read_file(Path(text))).decode()}
    if not text.endswith(".json"):
        return text
    try:
        found = json_module.loads(read_file(Path(text)))
    except ValueError as error:
        raise InputError(f"{text} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InputError(f'{text} must hold {{"tree": …}}, {{"linear": …}} or {{"predicate": …}}.')
    return found


def _commit(opened: Bounty, team: str, key: str, said: SignedWord | None, *, json: bool) -> int:
    try:
        signed = _signature(opened, "committed", team, key, said)
        opened.commit(team=team, key=key, signature=signed)
    except SubmissionError as error:
        return spent(opened, error, json=json)
    if json:
        show_json(Committed(team=team, key=key))
    else:
        say(f"Committed {key} of {team}.  Send the same file before the epoch closes.")
    return 0


def _write(path: Path, data: bytes, *, json: bool) -> int:
    write_bytes(path, data)
    if json:
        show_json(Written(file=str(path)))
    else:
        say(f"Submission: {path}")
    return 0


def _tell(told: Outcome, *, json: bool) -> int:
    if json:
        show_json(told)
    else:
        say(*words.outcome(told), words.ledger(told.ledger))
        if told.head is not None:
            say(f"Receipt: {told.head}")
    return EXIT_REFUSED if told.accepted is False else 0
