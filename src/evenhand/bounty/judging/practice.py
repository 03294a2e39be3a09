"""The public practice block: unlimited instant scores, rounded, and never called proof."""

from dataclasses import dataclass

import numpy as np

from evenhand.bounty.deployed.pointer_decision_list import PointerDecisionList
from evenhand.bounty.folder import Data
from evenhand.bounty.proof.certificate import Drawn, Rows
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.strangers.sandbox import careful
from evenhand.bounty.submission.group import GroupRule
from evenhand.bounty.submission.model import Model
from evenhand.bounty.submission.predictions import Predictions
from evenhand.bounty.task.losses import Floats, mean_loss
from evenhand.bounty.task.membership import Memberships, unpack

#: Practice rows of the spot check, and the share of them whose answers rounding may change.
SPOT_ROWS, SPOT_SHARE = 64, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeScore:
    """A practice score.

    Attributes
    ----------
    rows : int
        Practice rows.
    group_rows : int
        Those in the group.
    improvement : float
        Mean over all practice rows of what the loss falls by, rounded to a whole number of standard
        errors (the Ladder of Blum & Hardt 2015, arXiv 1502.04585): finer digits would only teach the
        practice rows by heart.  Of a finding: what the group loses beyond the others and the claim, times
        its share of the rows.
    standard_error : float or None
        Of the improvement; `None` where the models never differ.
    """

    rows: int
    group_rows: int
    improvement: float
    standard_error: float | None


class Practice:
    """The practice rows under one version of the list."""

    def __init__(self, listed: PointerDecisionList, data: Data, runner: Runner) -> None:
        self._task, self._runner = listed.task, runner
        self._matrix, self._labels = data.matrix, data.labels
        self._drawn = Drawn.of(data.unit_of, self._task.most)
        self._bitmaps = Memberships(data.matrix)
        self._answers = listed.predict(data.matrix, runner)
        self._before = self._task.loss.of_rows(self._answers, data.labels)

    def score(self, group: GroupRule, model: Model) -> PracticeScore:
        """Score of a (group, model) pair; groups of nobody or everybody are refused.

        So are answers that are none, which are only settled elsewhere: they are a hunter's mistake.
        """
        exact, error, inside = self.exact(group, model, strict=True)
        if inside in (0, len(self._matrix)):
            reason = "whole_population" if inside else "empty_group"
            who = "every" if inside else "no"
            raise SubmissionError(reason, f"the group matches {who} practice row.")
        self._spot_check(group, model)
        rounded = round(exact / error) * error if error else exact
        return PracticeScore(
            rows=len(self._matrix),
            group_rows=inside,
            improvement=rounded,
            standard_error=error,
        )

    def _spot_check(self, group: GroupRule, model: Model) -> None:
        """Ask about few rows in another order, and about one alone: the answers must be the same.

        The graph was proven to be row by row before; this is for what the proof takes on trust.
        """
        runner, task, rows = careful(self._runner), self._task, len(self._matrix)
        few = np.random.default_rng(rows).permutation(rows)[:SPOT_ROWS]
        for chosen in (few, few[:1]):
            if group.onnx is not None:
                inside = unpack(group.tried(self._bitmaps, self._matrix, runner), rows)[chosen]
                part = np.ascontiguousarray(self._matrix[chosen])
                again = unpack(group.tried(Memberships(part), part, runner), len(chosen))
                _compare(inside.astype(float), again.astype(float))
            if model.onnx is not None:
                whole = model.predict(self._matrix, task, runner)[chosen]
                found = model.predict(np.ascontiguousarray(self._matrix[chosen]), task, runner)
                _compare(whole.astype(float), found.astype(float))

    def exact(
        self, group: GroupRule, model: Model, *, strict: bool = False
    ) -> tuple[float, float | None, int]:
        """Improvement, its standard error, and rows in the group, unrounded."""
        n = len(self._matrix)
        runner = careful(self._runner)
        bits = group.tried(self._bitmaps, self._matrix, runner, strict=strict)
        rows = np.flatnonzero(unpack(bits, n))
        if not len(rows):
            return 0.0, None, 0
        if model.finding is not None:
            return (*self._excess(rows, model.finding), len(rows))
        predicted = model.predict(
            self._matrix[rows],
            self._task,
            runner,
            strict=strict,
            below=lambda silent: self._answers[rows[silent]],
        )
        predicted = self._task.loss.limited(predicted, self._answers[rows])
        after = self._task.loss.of_rows(predicted, self._labels[rows])
        gain = self._before[rows] - after
        return float(gain.sum()) / n, self._drawn.standard_error(gain, rows), len(rows)

    def _excess(self, rows: Rows, more_than: float) -> tuple[float, float | None]:
        """What a group loses beyond the others and the claim, times its mass, and the standard error."""
        n, own = len(self._matrix), np.zeros(len(self._matrix), bool)
        own[rows] = True
        weights = self._task.loss.weight(self._labels)
        error, others = (mean_loss(self._before[mask], weights[mask]) for mask in (own, ~own))
        if error is None or others is None:
            return 0.0, None
        # Each row's influence on the difference of two ratios of sums.
        pull = np.where(own, self._before - error * weights, others * weights - self._before)
        pull *= len(rows) / np.where(own, weights[own].sum(), weights[~own].sum())
        mass = len(rows) / n
        spread = self._drawn.standard_error(pull, np.arange(n))
        return float(mass * (error - others - more_than)), spread

    def score_predictions(self, predictions: Predictions) -> PracticeScore:
        """Score of a predictions file for all practice rows: measured, never merged."""
        gain = self._before - self._task.loss.of_rows(predictions, self._labels)
        n = len(gain)
        error = self._drawn.standard_error(gain, np.arange(n))
        mean = float(gain.mean())
        return PracticeScore(
            rows=n,
            group_rows=n,
            improvement=round(mean / error) * error if error else mean,
            standard_error=error,
        )


def _compare(whole: Floats, part: Floats) -> None:
    scale = max(float(np.abs(whole).max(initial=0.0)), 1e-12)
    apart = np.abs(whole - part).reshape(len(whole), -1).max(axis=1) > 1e-3 * scale
    if np.count_nonzero(apart) > SPOT_SHARE * len(whole):
        raise SubmissionError(
            "not_row_wise", "the answer about a row changes with the other rows asked about."
        )
