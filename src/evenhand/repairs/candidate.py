"""A repair that was tried: what practice rows say of it, its place among the others, and why it was not chosen."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.pages.numbers import share
from evenhand.repairs.decisions import Learnable
from evenhand.repairs.goals import RepairGoal
from evenhand.repairs.judge import GoalEvidence

Floats = npt.NDArray[np.float64]
#: Errors that are given for a bound that is nearer to the limit, a point for a point, where it cannot be reached.
_PRICE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairCandidate:
    """A repair, and what practice rows that it had not seen say of it."""

    repair: Learnable | None
    name: str
    decisions: Floats
    value: float | None
    evidence: GoalEvidence | None
    errors: float
    uses_group: bool
    extreme: bool
    hopeful: bool

    def rank(self, goal: RepairGoal, now: float) -> tuple[float, ...]:
        """The first is chosen: what meets the goal at the fewest errors, else what comes nearest.

        What costs more errors than are allowed comes last; what surely breaks the rule after what may keep it, and that
        after what the test will likely prove; what meets the goal by deciding hardly anyone one way after what does
        without; of two that are alike the one that reads no group first.
        """
        dear = float(self.dear(goal, now))
        reads, extreme = float(self.uses_group), float(self.extreme)
        if goal.kind == "worst group":
            worst = np.inf if self.value is None else self.value
            return (dear + extreme, round(worst, 4), self.errors, reads)
        assert goal.limit is not None
        assert self.evidence is not None
        high = self.evidence.low if goal.kind == "minimum" else self.evidence.high
        if high is None:
            return (dear, 3.0, np.inf, self.errors)
        beyond = goal.limit - high if goal.kind == "minimum" else high - goal.limit
        if self.evidence.answer == "reached":
            return (dear, 0.0 if self.hopeful else 0.5, extreme, self.errors, reads)
        open_or_broken = 2.0 if self.evidence.answer == "not reached" else 1.0
        return (dear, open_or_broken, self.errors + _PRICE * max(beyond, 0.0), reads)

    def dear(self, goal: RepairGoal, now: float) -> bool:
        """Whether it costs more errors than are allowed."""
        return self.errors > now + goal.allowance + 1e-12

    def passed_over(self, chosen: "RepairCandidate", goal: RepairGoal, now: float) -> str | None:
        """Why another one was chosen, in the order of `rank`; `None` of the chosen one."""
        if self is chosen:
            return None
        if self.repair is None:
            return "draws lots"
        if self.dear(goal, now) and not chosen.dear(goal, now):
            return f"too many errors: {share(now + goal.allowance)} allowed"
        unproven = self._unproven(chosen)
        if unproven is not None:
            return unproven
        if self.extreme and not chosen.extreme:
            return "decides hardly anyone one way"
        if self.rank(goal, now) < chosen.rank(goal, now):
            return "better by no more than chance, and less simple"
        if goal.kind == "worst group" and (self.value or 0.0) > (chosen.value or 0.0):
            return "helps the worst group less"
        if self.errors > chosen.errors:
            return "more errors"
        return "farther from the rule" if self.errors < chosen.errors else "no better"

    def _unproven(self, chosen: "RepairCandidate") -> str | None:
        """What practice rows say less of its rule than of that of the chosen one."""
        if self.evidence is None or chosen.evidence is None:
            return None
        own = self.evidence.answer
        if own not in (chosen.evidence.answer, "reached"):
            return "breaks the rule" if own == "not reached" else "may break the rule"
        hardly = own == "reached" and chosen.hopeful and not self.hopeful
        return "the test would hardly prove it" if hardly else None
