"""Where a bounty stands: what was accepted, what it is worth, and who is credited with what."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.proof.block_losses import Mask, Rows
from evenhand.bounty.proof.reward import Share, reward, shapley_shares
from evenhand.bounty.state import State
from evenhand.bounty.submission.group import read_group
from evenhand.bounty.task.losses import Floats
from evenhand.bounty.task.membership import Bitmaps, unpack
from evenhand.bounty.telling.history import known_rows

#: Draws of the attribution; anyone who repeats it gets the same shares.
SEED, PERMUTATIONS = 0, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """An accepted update, with its reward.

    Attributes
    ----------
    submission, team, group : str
    version : int
        Nodes of the list with it.
    epoch : int
        The block that judged it.
    group_weight, error_before, error_after, improvement : float or None
        From its certificate; `None` where the block stays in use and its digits are not told.
    lower_bound : float or None
        Of the improvement, after fresh data where there are any.
    severity, novelty : float
    points : float or None
        Lower bound, severity and novelty multiplied.
    final : bool
        Whether fresh data have confirmed it; provisional before.
    share : float
        Of what all updates together reached on the known rows: Shapley's value over random orders.
    share_error : float
        Standard error of its sampling.
    """

    submission: str
    team: str
    group: str
    version: int
    epoch: int
    group_weight: float | None
    error_before: float | None
    error_after: float | None
    improvement: float | None
    lower_bound: float | None
    severity: float
    novelty: float
    points: float | None
    final: bool
    share: float
    share_error: float


def stand(bounty: Bounty) -> dict[str, Any]:
    """Account, leaderboard, epochs, and each accepted update with its reward, for JSON."""
    state = bounty.state
    epochs = sorted({verdict["epoch"] for verdict in state.verdicts})
    return {
        **bounty.status(),
        "epochs": [_epoch(state, epoch) for epoch in epochs],
        "accepted": [asdict(one) for one in accepted(bounty, state)],
    }


def _epoch(state: State, epoch: int) -> dict[str, int]:
    verdicts = [verdict for verdict in state.verdicts if verdict["epoch"] == epoch]
    return {
        "epoch": epoch,
        "rows": int(state.blocks[epoch]["rows"]),
        "tested": len(verdicts),
        "accepted": sum(verdict["accepted"] for verdict in verdicts),
    }


def accepted(bounty: Bounty, state: State) -> list[Accepted]:
    """All active updates in the order of the list."""
    listed = state.listed
    verdicts = {verdict["key"]: verdict for verdict in state.verdicts if verdict["accepted"]}
    places = [i for i, n in enumerate(listed.nodes) if n.model is not None and n.active]
    practice = bounty.data("practice").matrix
    masks = listed.memberships(practice, bounty.runner)
    weights = severities(bounty, practice)
    shares = attribution(bounty, state)
    out: list[Accepted] = []
    for rank, place in enumerate(places):
        node = listed.nodes[place]
        verdict = verdicts[node.key]
        certificate: Mapping[str, Any] = verdict["certificate"] or {}
        confirmed = state.confirmed.get(node.key)
        # Where the certificate is not told, fresh data alone give a bound.
        bound = certificate.get("lower_bound", confirmed["lower_bound"] if confirmed else None)
        mask = masks[node.group]
        worth = reward(
            bound or 0.0,
            mask,
            [masks[listed.nodes[other].group] for other in places[:rank]],
            severity=float(weights[mask].mean()) if mask.any() else 1.0,
            confirmed=confirmed["lower_bound"] if confirmed else None,
        )
        out.append(
            Accepted(
                submission=node.key,
                team=node.team,
                group=listed.groups[node.group].text,
                version=place + 1,
                epoch=verdict["epoch"],
                group_weight=certificate.get("mass"),
                error_before=certificate.get("loss_before"),
                error_after=certificate.get("loss_after"),
                improvement=certificate.get("improvement"),
                lower_bound=worth.lower_bound if bound is not None else None,
                severity=worth.severity,
                novelty=worth.novelty,
                points=worth.points if bound is not None else None,
                final=worth.final,
                share=shares[rank].value,
                # Sums of floats in another order differ in their last digits; that is no error.
                share_error=round(shares[rank].standard_error, 12),
            )
        )
    return out


def severities(bounty: Bounty, matrix: Any) -> Floats:
    """What a unit of loss weighs in each row: the largest of the severities that hold, or 1."""
    given: Mapping[str, float] = bounty.log.read()[0].body.get("severities", {})
    bitmaps, most = Bitmaps(matrix), np.full(len(matrix), -1.0)
    for text, weight in given.items():
        group = read_group({"predicate": text}, bounty.task)
        inside = unpack(group.bits(bitmaps, matrix, bounty.runner), len(matrix))
        most[inside] = np.maximum(most[inside], weight)
    return np.where(most < 0, 1.0, most)


def attribution(bounty: Bounty, state: State) -> tuple[Share, ...]:
    """Shapley's value of each active update, on all known rows together."""
    listed, runner = state.listed, bounty.runner
    nodes = [node for node in listed.nodes if node.model is not None and node.active]
    if not nodes:
        return ()
    starts: list[Floats] = []
    parts: list[list[tuple[Rows, Floats]]] = [[] for _ in nodes]
    offset = 0
    for known in known_rows(bounty, state):
        everyone = np.arange(len(known.matrix))
        base = listed.models[0].predict(known.matrix, listed.task, runner)
        starts.append(known.losses_of(base, everyone))
        masks: list[Mask] = listed.memberships(known.matrix, runner)
        for part, node in zip(parts, nodes, strict=True):
            rows = np.flatnonzero(masks[node.group])
            if len(rows):
                model = listed.models[node.model or 0]
                found = model.predict(known.matrix[rows], listed.task, runner)
                part.append((rows + offset, known.losses_of(found, rows)))
        offset += len(known.matrix)
    updates = [_joined(part) for part in parts]
    rng = np.random.default_rng(SEED)
    return shapley_shares(np.concatenate(starts), updates, rng, permutations=PERMUTATIONS)


def _joined(parts: list[tuple[Rows, Floats]]) -> tuple[Rows, Floats]:
    if not parts:
        return np.zeros(0, np.intp), np.zeros(0)
    return np.concatenate([rows for rows, _ in parts]), np.concatenate(
        [found for _, found in parts]
    )
