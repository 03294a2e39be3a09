"""What fresh rows say about updates that were accepted before: rewards become final by them."""

from collections.abc import Callable, Collection

import numpy as np

from evenhand.bounty.deployed.pointer_decision_list import PointerDecisionList
from evenhand.bounty.proof.certificate import Drawn, Rows, certify
from evenhand.bounty.proof.verdict import FreshResult
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.submission.predictions import Predictions
from evenhand.bounty.task.losses import Floats
from evenhand.bounty.task.membership import Memberships, unpack
from evenhand.bounty.task.task import Matrix
from evenhand.errors import InputError

#: Error probability of one confirmed lower bound.  A final reward takes the lesser of it and the
#: certificate's, so it errs no more often than the certificate, whatever stands here.
LEVEL = 0.05
LossesOf = Callable[[Predictions, Rows], Floats]


def confirm(
    listed: PointerDecisionList,
    keys: Collection[str],
    matrix: Matrix,
    drawn: Drawn,
    losses_of: LossesOf,
    runner: Runner,
) -> list[FreshResult]:
    """Each update's gain on fresh rows over the list as it stood before it.

    Parameters
    ----------
    listed : PointerDecisionList
        The current list.
    keys : collection of str
        Submissions to look at; those without an active update are left out.
    matrix : array of shape (rows, features)
        Rows that nobody has seen before.
    drawn : Drawn
        Their units, in random order and independent of each other.
    losses_of : callable
        ``(predictions, rows) -> losses``, of some of these rows.
    runner : Runner
        Runs models.
    """
    bitmaps = Memberships(matrix)
    out = []
    for position, node in enumerate(listed.nodes):
        if node.model is None or not node.active or node.key not in keys:
            continue
        bits = listed.groups[node.group].bits(bitmaps, matrix, runner)
        rows = np.flatnonzero(unpack(bits, len(matrix)))
        gain, bound = _gain(listed, position, rows, matrix, drawn, losses_of, runner)
        out.append(FreshResult(key=node.key, rows=len(matrix), improvement=gain, lower_bound=bound))
    return out


def _gain(
    listed: PointerDecisionList,
    position: int,
    rows: Rows,
    matrix: Matrix,
    drawn: Drawn,
    losses_of: LossesOf,
    runner: Runner,
) -> tuple[float, float]:
    """μΔ of the update at a position, and its lower bound."""
    model = listed.models[listed.nodes[position].model or 0]
    if not len(rows):
        return 0.0, 0.0
    below = listed.prefix(position).predict(matrix[rows], runner)
    try:
        found = model.predict(matrix[rows], listed.task, runner)
    except InputError:
        # A model that gives no answer on fresh rows has confirmed nothing.
        return 0.0, 0.0
    after = losses_of(listed.task.loss.limited(found, below), rows)
    told = certify(listed.task.loss, losses_of(below, rows), after, rows, drawn, alpha=LEVEL)
    return told.improvement, told.lower_bound
