"""The loss of each introduced group, version by version, on rows that are known by now."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.deployed.pointer_decision_list import PointerDecisionList
from evenhand.bounty.proof.block_losses import Mask, Rows
from evenhand.bounty.state import State
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.submission.predictions import Predictions
from evenhand.bounty.task.losses import Floats
from evenhand.bounty.task.task import Matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Rows whose labels decide nothing any more.

    Attributes
    ----------
    name : str
        For people: ``sealed block 1``, or ``practice rows``.
    epoch : int or None
        The epoch that opened the block; `None` for practice rows.
    matrix : array of shape (rows, features)
    losses_of : callable
        ``(predictions, rows) -> losses``.
    """

    name: str
    epoch: int | None
    matrix: Matrix
    losses_of: Callable[[Predictions, Rows], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """The versions that one epoch published, on its own block.

    Attributes
    ----------
    name : str
        Of the rows.
    rows : int
    versions : tuple of int
        Nodes of the list at each version; the first is the list that the epoch began with.
    overall : tuple of float
        Mean loss at each version.
    groups : tuple of tuple
        Mean loss of each introduced group at each version; `None` where it has no rows here.
    """

    name: str
    rows: int
    versions: tuple[int, ...]
    overall: tuple[float, ...]
    groups: tuple[tuple[float | None, ...], ...]


def known_rows(bounty: Bounty, state: State) -> list[Known]:
    """The judged blocks; or the practice rows, where a block stays in use or none is judged yet."""
    ledger = bounty.ledger
    judged = sorted({verdict.epoch for verdict in state.verdicts})
    if bounty.rules.mode == "epochs" and judged:
        return [
            Known(
                name=f"sealed block {block + 1}",
                epoch=block,
                matrix=ledger.features(block),
                losses_of=partial(ledger.losses, block),
            )
            for block in judged
        ]
    data, loss = bounty.data("practice"), bounty.task.loss
    return [
        Known(
            name="practice rows",
            epoch=None,
            matrix=data.matrix,
            losses_of=lambda found, rows: loss.of_rows(found, data.labels[rows]),
        )
    ]


def chapters(bounty: Bounty, state: State) -> list[Chapter]:
    """One for each judged epoch; a single one, on the practice rows, in continuous mode."""
    epochs = {verdict.key: verdict.epoch for verdict in state.verdicts}
    out = []
    for known in known_rows(bounty, state):
        start, stop = _span(state.listed, epochs, known.epoch)
        masks = state.listed.memberships(known.matrix, bounty.runner)
        pages = list(_pages(state.listed, start, stop, known, masks, bounty.runner))
        losses = np.stack([loss for _, loss in pages])
        out.append(
            Chapter(
                name=known.name,
                rows=len(known.matrix),
                versions=tuple(version for version, _ in pages),
                overall=tuple(losses.mean(axis=1).tolist()),
                groups=tuple(_means(losses, mask) for mask in masks),
            )
        )
    return out


def _span(
    listed: PointerDecisionList, epochs: dict[str, int], epoch: int | None
) -> tuple[int, int]:
    """First and last version that an epoch published; all versions where none is named."""
    if epoch is None:
        return 0, listed.version
    numbers = []
    current = 0
    for node in listed.nodes:
        # A repair belongs to the update before it.
        current = epochs[node.key] if node.key else current
        numbers.append(current)
    before = sum(number < epoch for number in numbers)
    return before, before + numbers.count(epoch)


def _pages(
    listed: PointerDecisionList,
    start: int,
    stop: int,
    known: Known,
    masks: Sequence[Mask],
    runner: Runner,
) -> Iterator[tuple[int, Floats]]:
    """Each published version with the losses of all rows; an update's repairs come with it."""
    everyone = np.arange(len(known.matrix))
    before = listed.prefix(start).predict(known.matrix, runner)
    losses = np.array(known.losses_of(before, everyone), float)
    pointed = {node.version for node in listed.nodes if node.version is not None}
    kept = {start: losses.copy()}
    yield start, losses.copy()
    for index in range(start, stop):
        node = listed.nodes[index]
        rows = np.flatnonzero(masks[node.group])
        if node.active and len(rows):
            if node.model is not None:
                found = listed.models[node.model].predict(known.matrix[rows], listed.task, runner)
                losses[rows] = known.losses_of(found, rows)
            else:
                losses[rows] = kept[node.version or 0][rows]
        if index + 1 in pointed:
            kept[index + 1] = losses.copy()
        if index + 1 == stop or listed.nodes[index + 1].model is not None:
            yield index + 1, losses.copy()


def _means(losses: npt.NDArray[np.float64], mask: Mask) -> tuple[float | None, ...]:
    if not mask.any():
        return (None,) * len(losses)
    return tuple(losses[:, mask].mean(axis=1).tolist())
