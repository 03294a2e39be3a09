"""The loss of each introduced group, version by version, on rows that are known by now."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.proof.certificate import Rows
from evenhand.bounty.proof.opened_block import Mask
from evenhand.bounty.state import Served, State
from evenhand.bounty.submission.predictions import Predictions
from evenhand.bounty.task.losses import Floats, mean_loss
from evenhand.bounty.task.task import Matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Rows whose labels decide nothing any more.

    Attributes
    ----------
    name : str
        For people: ``sealed block 1``.
    served : Served
        The list that is served since.
    matrix : array of shape (rows, features)
    losses_of : callable
        ``(predictions, rows) -> losses``.
    weights : array of shape (rows,)
        What the loss counts of each row.
    """

    name: str
    served: Served
    matrix: Matrix
    losses_of: Callable[[Predictions, Rows], Floats]
    weights: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """The lists served before and after one epoch, on its own block.

    Attributes
    ----------
    name : str
        Of the rows.
    rows : int
    versions : tuple of int
        Nodes of the list at each version; the first is the list that the epoch began with.
    overall : tuple of float or None
        Mean loss at each version.
    groups : tuple of tuple
        Mean loss of each introduced group at each version; `None` where it has no rows here.
    """

    name: str
    rows: int
    versions: tuple[int, ...]
    overall: tuple[float | None, ...]
    groups: tuple[tuple[float | None, ...], ...]


def known_block(bounty: Bounty, served: Served) -> Known:
    """A judged block: nothing is tested on it any more."""
    return Known(
        name=f"sealed block {served.block + 1}",
        served=served,
        matrix=bounty.ledger.features(served.block),
        losses_of=partial(bounty.ledger.losses, served.block),
        weights=bounty.ledger.weights(served.block),
    )


def known_rows(bounty: Bounty, state: State) -> list[Known]:
    """All judged blocks."""
    return [known_block(bounty, served) for served in state.served]


def chapters(bounty: Bounty, state: State) -> list[Chapter]:
    """One for each judged epoch: the list served before it, and the one served since."""
    out = []
    for known in known_rows(bounty, state):
        versions = (known.served.before, known.served.version)
        everyone = np.arange(len(known.matrix))
        losses = np.stack(
            [
                known.losses_of(
                    state.listed.prefix(v).predict(known.matrix, bounty.runner), everyone
                )
                for v in versions
            ]
        )
        masks = state.listed.memberships(known.matrix, bounty.runner)
        whole = np.ones(len(everyone), bool)
        out.append(
            Chapter(
                name=known.name,
                rows=len(known.matrix),
                versions=versions,
                overall=_means(losses, known.weights, whole),
                groups=tuple(_means(losses, known.weights, mask) for mask in masks),
            )
        )
    return out


def _means(losses: Floats, weights: Floats, mask: Mask) -> tuple[float | None, ...]:
    """Of each version, over what the loss counts in the group."""
    return tuple(mean_loss(loss[mask], weights[mask]) for loss in losses)
