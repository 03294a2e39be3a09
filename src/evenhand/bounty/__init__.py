"""Bounty: outsiders' better models, accepted only with proof, merged without making a group worse."""

from evenhand.bounty.bounty import Bounty, Receipt
from evenhand.bounty.certificate import Certificate
from evenhand.bounty.creation import create_bounty
from evenhand.bounty.ledger import Ledger, Rules
from evenhand.bounty.losses import parse_loss
from evenhand.bounty.onnx_model import SubmissionError
from evenhand.bounty.pack import pack
from evenhand.bounty.pointer_decision_list import PointerDecisionList
from evenhand.bounty.sandbox import DirectRunner, Sandbox
from evenhand.bounty.submission import Submission, read_submission, write_submission
from evenhand.bounty.task import Task, task_of
from evenhand.bounty.verification import Verification, verify

__all__ = [
    "Bounty",
    "Certificate",
    "DirectRunner",
    "Ledger",
    "PointerDecisionList",
    "Receipt",
    "Rules",
    "Sandbox",
    "Submission",
    "SubmissionError",
    "Task",
    "Verification",
    "create_bounty",
    "pack",
    "parse_loss",
    "read_submission",
    "task_of",
    "verify",
    "write_submission",
]
