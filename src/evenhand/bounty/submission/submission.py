"""What a hunter sends: a group and a model, as one canonical JSON text whose hash is the commitment.

Nothing in it is ever executed by Python: groups are data, models are data or ONNX.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evenhand.bounty.files import canonical, sha256
from evenhand.bounty.proof.certificate import Rows
from evenhand.bounty.strangers.onnx_file import MAX_BYTES
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.submission.group import GroupRule, read_group
from evenhand.bounty.submission.model import Model, read_model
from evenhand.bounty.task.membership import Memberships, unpack
from evenhand.bounty.task.task import Matrix, Task
from evenhand.errors import InputError

SCHEMA = "evenhand.submission/1"
MAX_SUBMISSION = 3 * MAX_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A (group, model) pair of a team.

    Attributes
    ----------
    key : str
        SHA-256 of the canonical text: the commitment.
    content : str
        SHA-256 of group and model alone, so that a renamed copy is known.
    """

    team: str
    group: GroupRule
    model: Model
    nonce: str
    note: str
    key: str
    content: str


def write_submission(
    *,
    team: str,
    group: Mapping[str, Any] | str,
    model: Mapping[str, Any] | bytes | None,
    nonce: str = "",
    note: str = "",
) -> bytes:
    """Canonical text of a submission.

    Parameters
    ----------
    team : str
        Who is to be credited.
    group : str or Mapping
        A predicate, or JSON: ``{"tree": …}``, ``{"linear": …}``, ``{"onnx": base64}``.
    model : bytes, Mapping or None
        An ONNX file, ``{"constant": …}``, or `None` to have the patch trained on the group.
    nonce : str
        Anything unguessable, where the hash is committed before the text is shown.
    note : str
        For people.
    """
    group_given = {"predicate": group} if isinstance(group, str) else dict(group)
    if isinstance(model, bytes):
        model_given: dict[str, Any] = {"onnx": base64.b64encode(model).decode()}
    else:
        model_given = dict(model) if model is not None else {"train": True}
    return canonical(
        {
            "schema": SCHEMA,
            "team": team,
            "nonce": nonce,
            "note": note,
            "group": group_given,
            "model": model_given,
        }
    )


def read_submission(data: bytes, task: Task) -> Submission:
    """Read and check a submission; nothing in it is run.

    Raises
    ------
    SubmissionError
        Where it is damaged, not canonical, too large, or names what does not exist.
    """
    if len(data) > MAX_SUBMISSION:
        raise SubmissionError(
            "too_large", f"it has {len(data):,} bytes.  Allowed: {MAX_SUBMISSION:,}."
        )
    given = _parsed(data)
    for name in ("team", "nonce", "note"):
        if not isinstance(given[name], str) or len(given[name]) > 500:
            raise SubmissionError("damaged", f"{name!r} must be text of up to 500 characters.")
    if not given["team"].strip() or not given["team"].isprintable():
        raise SubmissionError("damaged", "the team needs a name that can be printed.")
    try:
        group = read_group(given["group"], task)
        model = read_model(given["model"], task)
    except SubmissionError:
        raise
    except (TypeError, ValueError, OverflowError, AttributeError, RecursionError) as error:
        raise SubmissionError("damaged", "the group or model is not as described.") from error
    except InputError as error:
        # A caret must stand under its character: what has several lines begins on its own.
        text = str(error)
        raise SubmissionError("wrong_group", f"\n{text}" if "\n" in text else text) from error
    return Submission(
        team=given["team"],
        nonce=given["nonce"],
        note=given["note"],
        group=group,
        model=model,
        key=sha256(data),
        content=sha256(canonical({"group": given["group"], "model": given["model"]})),
    )


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        given = json.loads(data)
        fine = canonical(given) == data
    except (ValueError, RecursionError, OverflowError) as error:
        raise SubmissionError(
            "damaged", "it is not the JSON that write_submission makes."
        ) from error
    names = {"schema", "team", "nonce", "note", "group", "model"}
    if not fine or not isinstance(given, dict) or set(given) != names or given["schema"] != SCHEMA:
        raise SubmissionError("damaged", "it is not the JSON that write_submission makes.")
    return given


def rows_of(given: Submission, matrix: Matrix, runner: Runner) -> Rows:
    """Rows of a matrix in a submission's group."""
    bits = given.group.bits(Memberships(matrix), matrix, runner)
    return np.flatnonzero(unpack(bits, len(matrix)))
