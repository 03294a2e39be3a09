"""Whom a roll-back makes worse: nothing is repaired after it, so the log says for whom the promise ends."""

from collections.abc import Callable
from typing import Any

import numpy as np

from evenhand.bounty.proof.certificate import Rows
from evenhand.bounty.state import State
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.task.task import Matrix


def rises_of(
    state: State,
    key: str,
    matrix: Matrix,
    losses_of: Callable[[Any, Rows], Any],
    runner: Runner,
) -> list[dict[str, Any]]:
    """Introduced groups whose loss rises by a roll-back, with the rise per row of all rows.

    Parameters
    ----------
    state : State
        Before it.
    key : str
        The submission that is taken out.
    matrix : array of shape (rows, features)
    losses_of : callable
        ``(predictions, rows) -> losses``, of some of these rows.
    runner : Runner
        Runs models.
    """
    everyone = np.arange(len(matrix))
    before, after = (
        np.asarray(losses_of(listed.predict(matrix, runner), everyone))
        for listed in (state.listed, state.listed.rolled_back(key))
    )
    masks = state.listed.memberships(matrix, runner)
    rises = [float((after - before)[mask].sum()) / len(matrix) for mask in masks]
    return [{"group": i, "rise": rise} for i, rise in enumerate(rises) if rise > 0]
