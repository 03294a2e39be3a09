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
