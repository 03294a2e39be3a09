"""Why a row is answered as it is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.deployed.node import PassedNode
from evenhand.bounty.deployed.pointer_decision_list import PointerDecisionList
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.submission.predictions import Predictions
from evenhand.bounty.task.task import Matrix, Task
from evenhand.results.protocol import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedStep:
    """A node of the list whose group holds the row.

    Attributes
    ----------
    version : int
        Nodes of the list with it.
    group : str
        The group in words.
    team : str or None
        Who is credited; `None` in a repair.
    points_to : int or None
        The older version that a repair sends the row to; `None` in an update.
    """

    version: int
    group: str
    team: str | None
    points_to: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained(Result):
    """The answer about a row, and whose update decided.

    Attributes
    ----------
    row : int
        The row of the table, from 0.
    answer : str, float or Mapping
        A class by its name, a number, or probabilities by class; where services are asked, which one is.
    team : str or None
        Whose update decided, the last that moved the answer; `None` where the base model did.
    submission : str or None
        SHA-256 of the submission that decided.
    steps : tuple of ExplainedStep
        Each node that the row was found in, newest first; where an update moves an answer only so far, all
        that moved it.
    """

    SCHEMA: ClassVar[str] = "evenhand.explanation/1"

    row: int
    answer: str | float | Mapping[str, float]
    team: str | None
    submission: str | None
    steps: tuple[ExplainedStep, ...]


def explain(bounty: Bounty, table: Any, row: int) -> Explained:
    """Explain the answer about a row of a table that has all features."""
    matrix = bounty.task.encode(table.slice(row, 1))
    listed = bounty.state.listed
    found = listed.explain(matrix[0], bounty.runner)
    if bounty.task.loss.change is not None:
        found = replace(found, steps=_moved(listed, matrix, bounty.runner))
    return Explained(
        row=row,
        answer=listed.models[found.model].service
        or _answer(listed.predict(matrix, bounty.runner), bounty.task),
        team=found.team or None,
        submission=found.key or None,
        steps=tuple(
            ExplainedStep(
                version=step.node + 1,
                group=step.group,
                team=step.team or None,
                points_to=step.points_to,
            )
            for step in found.steps
        ),
    )


def _moved(listed: PointerDecisionList, matrix: Matrix, runner: Runner) -> tuple[PassedNode, ...]:
    """All nodes that had a part in the answer, where an update only moves that of the list below it."""
    inside = [bool(mask[0]) for mask in listed.memberships(matrix, runner)]
    steps, version = [], listed.version
    while version:
        node = listed.nodes[version - 1]
        version -= 1
        if not (node.active and inside[node.group]):
            continue
        group = listed.groups[node.group].text
        steps.append(PassedNode(node=version, group=group, team=node.team, points_to=node.version))
        version = version if node.version is None else node.version
    return tuple(steps)


def _answer(found: Predictions, task: Task) -> str | float | dict[str, float]:
    if task.loss.reads == "class":
        return task.classes[int(found[0])]
    if task.loss.reads == "value":
        return float(found[0])
    return dict(zip(task.classes, (float(p) for p in found[0]), strict=True))
