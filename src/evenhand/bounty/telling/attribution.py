"""What each update is credited with, and what a unit of loss weighs where."""

from functools import partial
from typing import Any

import numpy as np

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.proof.certificate import Rows
from evenhand.bounty.proof.opened_block import Mask
from evenhand.bounty.proof.reward import Moves, ShapleyShare, shapley_shares
from evenhand.bounty.state import State
from evenhand.bounty.submission.group import read_group
from evenhand.bounty.task.losses import Floats
from evenhand.bounty.task.membership import Memberships, unpack
from evenhand.bounty.telling.history import Known, known_rows

#: Draws of the attribution; anyone who repeats it gets the same shares.
SEED, PERMUTATIONS = 0, 200


def severities(bounty: Bounty, matrix: Any) -> Floats:
    """What a unit of loss weighs in each row: the largest of the severities that hold, or 1."""
    bitmaps, most = Memberships(matrix), np.full(len(matrix), -1.0)
    for text, weight in bounty.severities.items():
        group = read_group({"predicate": text}, bounty.task)
        inside = unpack(group.bits(bitmaps, matrix, bounty.runner), len(matrix))
        most[inside] = np.maximum(most[inside], weight)
    return np.where(most < 0, 1.0, most)


def mean_severity(weights: Floats, mask: Mask) -> float:
    """What a unit of loss weighs in a group on average; 1 where nobody is in it."""
    return float(weights[mask].mean()) if mask.any() else 1.0


def attribution(bounty: Bounty, state: State) -> tuple[ShapleyShare, ...]:
    """Shapley's value of each active update, on all known rows together."""
    listed, runner = state.listed, bounty.runner
    nodes = [node for node in listed.nodes if node.model is not None and node.active]
    if not nodes:
        return ()
    starts: list[Floats] = []
    parts: list[list[tuple[Rows, Any]]] = [[] for _ in nodes]
    answered: list[Any] = []
    stepwise = listed.task.loss.change is not None
    offset, blocks = 0, known_rows(bounty, state)
    for known in blocks:
        everyone = np.arange(len(known.matrix))
        base = listed.models[0].predict(known.matrix, listed.task, runner)
        starts.append(known.losses_of(base, everyone))
        answered.append(base)
        masks: list[Mask] = listed.memberships(known.matrix, runner)
        for part, node in zip(parts, nodes, strict=True):
            rows = np.flatnonzero(masks[node.group])
            if len(rows):
                model = listed.models[node.model or 0]
                found = model.predict(known.matrix[rows], listed.task, runner)
                part.append((rows + offset, found if stepwise else known.losses_of(found, rows)))
        offset += len(known.matrix)
    updates = [_joined(part) for part in parts]
    rng = np.random.default_rng(SEED)
    moves = Moves(
        start=np.concatenate(answered),
        limited=listed.task.loss.limited,
        losses_of=partial(_losses_of, blocks),
    )
    return shapley_shares(
        np.concatenate(starts),
        updates,
        rng,
        permutations=PERMUTATIONS,
        moves=moves if stepwise else None,
    )


def _losses_of(blocks: list[Known], answers: Any, rows: Rows) -> Floats:
    """Losses of rows, in order, that are counted through all blocks."""
    ends = np.cumsum([len(known.matrix) for known in blocks])
    cuts = np.searchsorted(rows, ends)
    firsts = np.concatenate([[0], ends[:-1]])
    starts = np.concatenate([[0], cuts[:-1]])
    return np.concatenate(
        [
            known.losses_of(answers[start:end], rows[start:end] - first)
            for known, first, start, end in zip(blocks, firsts, starts, cuts, strict=True)
        ]
    )


def _joined(parts: list[tuple[Rows, Any]]) -> tuple[Rows, Any]:
    if not parts:
        return np.zeros(0, np.intp), np.zeros(0)
    return np.concatenate([rows for rows, _ in parts]), np.concatenate(
        [found for _, found in parts]
    )
