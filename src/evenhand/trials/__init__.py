"""Trials: samples × conditions × services → records that an audit reads."""

from evenhand.trials.plan import Plan, make_plan, read_plan
from evenhand.trials.runner import InterruptedTrial, run_trial
from evenhand.trials.scoring import AnswerScore, Judge, read_score, score_answers
from evenhand.trials.trial import Agreement, Expected, Trial, TrialProgress
from evenhand.trials.wiring import Wired

__all__ = [
    "Agreement",
    "AnswerScore",
    "Expected",
    "InterruptedTrial",
    "Judge",
    "Plan",
    "Trial",
    "TrialProgress",
    "Wired",
    "make_plan",
    "read_plan",
    "read_score",
    "run_trial",
    "score_answers",
]
