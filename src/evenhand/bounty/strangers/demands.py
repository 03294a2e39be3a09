"""What a bounty asks of an ONNX file: its input, its output, their types and sizes."""

from evenhand.bounty.strangers import rows_apart
from evenhand.bounty.strangers.graph import BOOL, DOUBLE, FLOAT, INT64, OnnxGraph
from evenhand.bounty.strangers.refusals import SubmissionError

INPUT = rows_apart.INPUT


def check_features(graph: OnnxGraph, features: int) -> None:
    """Refuse a model whose input has another number of columns than the task has features."""
    shape = graph.inputs[0].shape
    width = shape[1] if shape is not None and len(shape) == 2 else None
    fixed = shape is not None and (len(shape) != 2 or shape[0] not in (None, 0))
    if fixed or (width not in (None, 0, features)):
        raise SubmissionError(
            "wrong_shape",
            f"the input {INPUT!r} has shape {shape}.  Allowed: (any number of rows, {features}).",
        )


def output_named(graph: OnnxGraph, name: str, elements: tuple[int, ...]) -> None:
    """Refuse a model that lacks an output of this name and one of these element types."""
    found = {value.name: value.element for value in graph.outputs}
    if name not in found:
        listed = ", ".join(repr(n[:40]) for n in found) or "none"
        raise SubmissionError(
            "wrong_output", f"the outputs are {listed}.  Needed for this task: {name!r}."
        )
    if found[name] not in elements:
        raise SubmissionError(
            "wrong_type", f"the output {name!r} has ONNX type {found[name]}, not {elements}."
        )


#: Output that a model must have, and its types, by what the task's loss reads.
OUTPUTS: dict[str, tuple[str, tuple[int, ...]]] = {
    "class": ("label", (INT64,)),
    "value": ("value", (FLOAT, DOUBLE)),
    "probabilities": ("probabilities", (FLOAT, DOUBLE)),
    "group": ("group", (BOOL, INT64)),
}
