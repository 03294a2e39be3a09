"""What is refused before anything is tested, and the patch of those who name a group only."""

from collections.abc import Callable

from evenhand.bounty.folder import Data
from evenhand.bounty.proof.account import Account
from evenhand.bounty.state import State
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.submission.submission import Submission, rows_of
from evenhand.bounty.task.task import Labels, Matrix, Task

Trainer = Callable[[Matrix, Labels, Task], bytes]
#: Training rows that a group needs for a patch.
MIN_TRAINED = 50


def check_open(state: State, account: Account) -> None:
    """Refuse where an epoch must be closed first, or nothing is left to spend."""
    if state.opened is not None:
        raise SubmissionError(
            "epoch_closing",
            "a block is open and its verdicts are not written.  Close the epoch.",
        )
    if account.reason is not None:
        raise SubmissionError(
            account.reason,
            "no sealed block is left, so nothing more can be proven.  Seal new rows in a new bounty.",
        )


def check_new(state: State, given: Submission) -> None:
    """Refuse what was sent before, and what another team has promised."""
    if given.key in state.submitted:
        raise SubmissionError("replayed", "this very submission was sent before.")
    team = state.committed.get(given.key)
    if team is not None and team != given.team:
        raise SubmissionError("renamed", f"its hash was committed by another team than {team!r}.")
    first = state.contents.get(given.content)
    if first is not None:
        raise SubmissionError(
            "duplicate", f"the same group and model were sent before, as {first[:12]}."
        )


def check_promise(state: State, key: str) -> None:
    """Refuse a promise that is none, and one that was made or kept before."""
    if len(key) != 64 or not set(key) <= set("0123456789abcdef"):
        raise SubmissionError("wrong_commitment", "a commitment is a SHA-256 in hex.")
    if key in state.committed or key in state.submitted:
        raise SubmissionError("replayed", "this commitment was made before.")


def train(
    given: Submission, data: Data, task: Task, runner: Runner, trainer: Trainer | None
) -> bytes:
    """The patch of a group, from its public rows."""
    if trainer is None:
        raise SubmissionError("no_model", "this bounty trains no patches: send a model too.")
    inside = rows_of(given, data.matrix, runner)
    if len(inside) < MIN_TRAINED:
        raise SubmissionError(
            "too_few_rows",
            f"the group has {len(inside)} training rows.  Needed: {MIN_TRAINED}.",
        )
    return trainer(data.matrix[inside], data.labels[inside], task)
