"""Trials: samples × conditions × services → records that an audit reads."""

from evenhand.trials.plan import Plan, Wired, make_plan, read_plan
from evenhand.trials.runner import InterruptedTrial, run_trial
from evenhand.trials.scoring import Score, score_answers
from evenhand.trials.trial import Expected, Progress, Trial

__all__ = [
    "Expected",
    "InterruptedTrial",
    "Plan",
    "Progress",
    "Score",
    "Trial",
    "Wired",
    "make_plan",
    "read_plan",
    "run_trial",
    "score_answers",
]
