"""The group of a submission: who."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.bounty.strangers.demands import OUTPUTS, check_features, output_named
from evenhand.bounty.strangers.onnx_file import read_onnx
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.submission.linear import Linear, linear_rows, read_linear
from evenhand.bounty.submission.tree import read_tree
from evenhand.bounty.submission.values import decoded
from evenhand.bounty.task.membership import Bits, Formula, Memberships, check_size, formula_of
from evenhand.bounty.task.task import Matrix, Task
from evenhand.groups import parse_predicate, to_text


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRule:
    """Who: a predicate or tree (`formula`), a linear rule, or an ONNX model with output ``group``."""

    text: str
    given: Mapping[str, Any]
    formula: Formula | None = None
    linear: Linear | None = None
    onnx: bytes | None = None

    def bits(self, bitmaps: Memberships, matrix: Matrix, runner: Runner) -> Bits:
        """The rows in the group, as packed bits; nobody where its model fails."""
        try:
            return self.tried(bitmaps, matrix, runner)
        except SubmissionError:
            return np.zeros((len(matrix) + 7) // 8, np.uint8)

    def tried(
        self, bitmaps: Memberships, matrix: Matrix, runner: Runner, *, strict: bool = False
    ) -> Bits:
        """The rows in the group, or why its model fails.

        A row is inside where an ONNX model answers 1, outside where it has no answer; `strict`
        refuses any answer but 0 and 1.
        """
        if self.formula is not None:
            return bitmaps.of(self.formula)
        if self.linear is not None:
            return np.packbits(linear_rows(self.linear, matrix))
        return np.packbits(_onnx_group(self.onnx or b"", matrix, runner, strict=strict))


def read_group(given: Any, task: Task) -> GroupRule:
    """A group from its JSON."""
    if not isinstance(given, dict) or len(given) != 1:
        raise SubmissionError(
            "wrong_group", "a group is one of predicate, tree, linear, onnx, and nothing else."
        )
    kind, value = next(iter(given.items()))
    if kind == "predicate" and isinstance(value, str):
        predicate = parse_predicate(value, task.columns)
        formula = check_size(formula_of(predicate, task))
        return GroupRule(text=to_text(predicate), given=given, formula=formula)
    if kind == "tree":
        formula = check_size(read_tree(value, task, 0))
        return GroupRule(text="a decision tree", given=given, formula=formula)
    if kind == "linear":
        return GroupRule(text="a linear rule", given=given, linear=read_linear(value, task))
    if kind == "onnx":
        data = decoded(value)
        graph = read_onnx(data)
        check_features(graph, len(task.features))
        output_named(graph, *OUTPUTS["group"])
        return GroupRule(text="an ONNX model", given=given, onnx=data)
    raise SubmissionError("wrong_group", f"a group of kind {str(kind)[:40]!r} is not known.")


def _onnx_group(
    model: bytes, matrix: Matrix, runner: Runner, *, strict: bool
) -> npt.NDArray[np.bool_]:
    answered = runner.run(model, "group", matrix)
    found = answered.values
    found = found[:, 0] if found.shape == (len(matrix), 1) else found
    if found.shape != (len(matrix),) or found.dtype.kind not in "biu":
        raise SubmissionError(
            "wrong_shape", f"the group has shape {found.shape} and type {found.dtype}."
        )
    if strict:
        answered.check_all()
    if strict and not np.isin(found, (0, 1)).all():
        raise SubmissionError("wrong_group", "the group's output holds other values than 0 and 1.")
    return np.asarray((found == 1) & ~answered.failed)
