"""A repair that was learnt: what it decides of a row, as values that go to JSON and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from evenhand.groups.partition import Key
from evenhand.repairs.linear import LinearScorer
from evenhand.repairs.seen import SeenNumbers

Floats = npt.NDArray[np.float64]
RepairKind = Literal[
    "as it stands", "one answer", "one threshold", "thresholds by group", "answers by group"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowWeight:
    """How often rows of a group with a label are there for a training.

    Attributes
    ----------
    group : dict
        The attributes and their values.
    predicate : str
        The rows of the group.
    label : str, int, float or bool
        What is right.
    weight : float
        How often, on average.
    """

    group: dict[str, Key]
    predicate: str
    label: str | int | float | bool
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe:
    """How a learner was trained whose answers a repair reads: train so, and apply the repair to what it answers.

    Attributes
    ----------
    called : str
        What its answers are called among the repair's.
    train : str
        The program or function.
    rows : str
        What was done to the rows, in words.
    weights : tuple of RowWeight
        How often rows are there; all others once.
    condition : str or None
        Rows are there a second time under this condition.
    column : str
        What of its answers is read.
    """

    called: str
    train: str
    rows: str
    weights: tuple[RowWeight, ...]
    condition: str | None
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDecision:
    """How a group's rows are decided.

    Attributes
    ----------
    group : dict
        The attributes and their values.
    predicate : str
        The rows of the group.
    threshold : float or None
        Scores from here up are decided positive; `None` where an answer is taken.
    answer : str or None
        The decision that is taken; `None` where a score decides.
    fallback : bool
        Whether the group had too few rows to learn from, and has what holds for everybody.
    """

    group: dict[str, Key]
    predicate: str
    threshold: float | None
    answer: str | None
    fallback: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedRepair:
    """A repair that was learnt.

    Attributes
    ----------
    name : str
        What it is called.
    kind : str
        ``as it stands``, ``one answer``, ``one threshold``, ``thresholds by group`` or ``answers by group``.
    by : tuple of str
        Attributes that tell groups apart.
    bins : dict
        Where numeric attributes are cut.
    score : str or None
        The score that thresholds are of: a column, or what `scorer` gives.
    answers : dict
        Decisions that are chosen among, by what they are called: a column, or a predicate.
    now : str
        What was decided before: a column, or a predicate.
    groups : tuple of GroupDecision
        One a group; groups that are not here were never seen.
    otherwise : GroupDecision
        Of rows whose attribute is missing.
    label : str
        What is right.
    positive, negative : str, int, float or bool
        The two decisions as they are written.
    scorer : LinearScorer or None
        What gives the score, where it was trained here.
    trainings : tuple of TrainingRecipe
        How the learner was trained whose answers it reads.
    uses_group : bool
        Whether a row's group changes its decision.
    missing_values : tuple of str
        Texts that mean missing.
    columns : dict
        How columns that it reads are read of a file, where their values alone may say otherwise: ``text``, or as
        they were declared.
    seen : tuple of SeenNumbers
        What it has seen of the numbers that it reads.
    """

    name: str
    kind: RepairKind
    by: tuple[str, ...]
    bins: dict[str, tuple[float, ...]]
    score: str | None
    answers: dict[str, str]
    now: str
    groups: tuple[GroupDecision, ...]
    otherwise: GroupDecision
    label: str
    positive: str | int | float | bool
    negative: str | int | float | bool
    scorer: LinearScorer | None
    trainings: tuple[TrainingRecipe, ...]
    uses_group: bool
    missing_values: tuple[str, ...]
    columns: dict[str, str] = field(default_factory=dict)
    seen: tuple[SeenNumbers, ...] = ()

    def decide(
        self, group: npt.NDArray[np.int64], score: Floats | None, answers: Mapping[str, Floats]
    ) -> Floats:
        """Decisions: 1, 0, or NaN where what it needs is missing.

        Parameters
        ----------
        group : integer array of shape (rows,)
            Place in `groups`; -1 where an attribute is missing.
        score : array, optional
        answers : mapping of str to array
        """
        out = np.full(len(group), np.nan)
        for number, one in (*enumerate(self.groups), (-1, self.otherwise)):
            own = group == number
            if one.threshold is not None:
                assert score is not None
                told = np.where(np.isnan(score[own]), np.nan, score[own] >= one.threshold)
            else:
                assert one.answer is not None
                told = answers[one.answer][own]
            out[own] = told
        return out
