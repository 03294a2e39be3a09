"""Prove from the graph alone that an ONNX model answers each row by itself.

A model that looks at its whole batch answers otherwise when it is asked about one row, and tells
of other rows.  Each tensor's sizes are followed through the graph; the axis that stands for the
rows is marked `ROWS`, and tensors without it are the same for every batch.  An operator is allowed
where row i of what it makes depends on row i of what it reads, and on nothing else.
Semantics: github.com/onnx/onnx/blob/main/docs/Operators.md, and Operators-ml.md.
"""

from dataclasses import replace

from evenhand.bounty.strangers.graph import FLOAT, GraphNode, Guard, OnnxGraph
from evenhand.bounty.strangers.guards import guards_of, stays_small
from evenhand.bounty.strangers.operators import rule_of
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.strangers.tensor import MAX_AXES, ROWS, Tensor, UnclearError, tensor_of


def check_rowwise(graph: OnnxGraph, features: int | None) -> tuple[Guard, ...]:
    """Refuse a graph that is not proven to answer each row by itself.

    What is left to be looked at in the numbers of each run is returned.

    Parameters
    ----------
    graph : OnnxGraph
        Its first input is the matrix.
    features : int or None
        Columns of the matrix.

    Raises
    ------
    SubmissionError
        ``not_row_wise``, with the operator.
    """
    known = {item.name: tensor_of(item) for item in graph.constants}
    if len(known) != len(graph.constants):
        raise _refusal("", "two constants of one name")
    known[graph.inputs[0].name] = Tensor((ROWS, features), FLOAT)
    guards: list[Guard] = []
    for node in graph.nodes:
        for name, tensor in zip(node.outputs, _made(node, known, graph, guards), strict=False):
            if name in known:
                raise _refusal(node.operator, "an output's name that stands for something else")
            if name:
                known[name] = tensor
    for output in graph.outputs:
        found = known.get(output.name)
        if found is None or found.axis != 0:
            raise _refusal("", f"the output {output.name[:40]!r}, which has not one answer a row")
    return tuple(dict.fromkeys(guards))


def _refusal(operator: str, why: str) -> SubmissionError:
    where = f"the operator {operator[:40]!r} has " if operator else "the model has "
    return SubmissionError(
        "not_row_wise",
        f"{where}{why}.  A model must be seen to answer each row by itself, whatever other rows "
        "it is asked about at the same time.",
    )


def _made(
    node: GraphNode, known: dict[str, Tensor], graph: OnnxGraph, guards: list[Guard]
) -> list[Tensor]:
    """The outputs of a node; what its inputs must keep is added to the guards."""
    if any(name and name not in known for name in node.inputs):
        raise _refusal(node.operator, "an input that no node before it makes")
    inputs = [known[name] if name else None for name in node.inputs]
    fixed = all(tensor is None or tensor.axis is None for tensor in inputs)
    rule = rule_of(node, graph.versions)
    try:
        guards += guards_of(node, inputs)
    except UnclearError as error:
        raise _refusal(node.operator, str(error)) from error
    try:
        # Without a version the oldest form is taken, which proves the least.
        made = rule(node, inputs, graph.versions.get(node.domain, 1))
    except (UnclearError, IndexError, AttributeError, ValueError) as error:
        if fixed:
            # The same for every batch, whatever it is.
            return [Tensor(None, None) for _ in node.outputs]
        raise _refusal(
            node.operator,
            str(error) if isinstance(error, UnclearError) else "inputs of an odd kind",
        ) from error
    if len(made) < len(node.outputs) or any(
        tensor.dims is not None and (tensor.dims.count(ROWS) > 1 or len(tensor.dims) > MAX_AXES)
        for tensor in made
    ):
        raise _refusal(node.operator, "outputs that are not known")
    if stays_small(node, inputs):
        return [replace(tensor, small=True) for tensor in made]
    return made
