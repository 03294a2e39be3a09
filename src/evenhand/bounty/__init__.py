"""Bounty: outsiders' better models, accepted only with proof, merged without making a group worse.

Importing this package costs nothing: each name below is loaded when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evenhand.bounty.bounty import Bounty, Receipt
    from evenhand.bounty.creation import create_bounty
    from evenhand.bounty.custody import Custody, read_custody
    from evenhand.bounty.deployed.export import export_model, load_model
    from evenhand.bounty.deployed.pointer_decision_list import PointerDecisionList
    from evenhand.bounty.desk import appeal, register, revoke, set_phase, withdraw
    from evenhand.bounty.hunting.pack import pack
    from evenhand.bounty.proof.certificate import Certificate
    from evenhand.bounty.proof.ledger import Ledger
    from evenhand.bounty.proof.rules import Rules
    from evenhand.bounty.strangers.refusals import SubmissionError
    from evenhand.bounty.strangers.runner import DirectRunner
    from evenhand.bounty.strangers.sandbox import Sandbox
    from evenhand.bounty.submission.submission import (
        Submission,
        read_submission,
        write_submission,
    )
    from evenhand.bounty.task.losses import parse_loss
    from evenhand.bounty.task.task import Task, task_of
    from evenhand.bounty.terms import Terms
    from evenhand.bounty.verification import Verification, verify
    from evenhand.bounty.word import SignedWord, sign_word

_HOMES = {
    "Bounty": "bounty",
    "Receipt": "bounty",
    "create_bounty": "creation",
    "export_model": "deployed.export",
    "load_model": "deployed.export",
    "PointerDecisionList": "deployed.pointer_decision_list",
    "pack": "hunting.pack",
    "Certificate": "proof.certificate",
    "Ledger": "proof.ledger",
    "Rules": "proof.rules",
    "SubmissionError": "strangers.refusals",
    "DirectRunner": "strangers.runner",
    "Sandbox": "strangers.sandbox",
    "Submission": "submission.submission",
    "read_submission": "submission.submission",
    "write_submission": "submission.submission",
    "parse_loss": "task.losses",
    "Task": "task.task",
    "task_of": "task.task",
    "Verification": "verification",
    "verify": "verification",
    "Custody": "custody",
    "read_custody": "custody",
    "appeal": "desk",
    "register": "desk",
    "revoke": "desk",
    "set_phase": "desk",
    "withdraw": "desk",
    "Terms": "terms",
    "SignedWord": "word",
    "sign_word": "word",
}
__all__ = [
    "Bounty",
    "Certificate",
    "Custody",
    "DirectRunner",
    "Ledger",
    "PointerDecisionList",
    "Receipt",
    "Rules",
    "Sandbox",
    "SignedWord",
    "Submission",
    "SubmissionError",
    "Task",
    "Terms",
    "Verification",
    "appeal",
    "create_bounty",
    "export_model",
    "load_model",
    "pack",
    "parse_loss",
    "read_custody",
    "read_submission",
    "register",
    "revoke",
    "set_phase",
    "sign_word",
    "task_of",
    "verify",
    "withdraw",
    "write_submission",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'evenhand.bounty' has no attribute {name!r}")
    return getattr(importlib.import_module(f"evenhand.bounty.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
