"""One ONNX file that gives the outputs of a whole pointer decision list.

Each part becomes operators on the one input: formulas comparisons, the list a chain of "where".  Rows
are sorted by the model that answers them and split, so that each model runs on its own rows.
"""

from typing import Any

import numpy as np

from evenhand.bounty.deployed.pointer_decision_list import PointerDecisionList
from evenhand.bounty.strangers.demands import INPUT, OUTPUTS
from evenhand.bounty.submission.group import GroupRule
from evenhand.bounty.submission.linear import Linear
from evenhand.bounty.submission.model import Model
from evenhand.bounty.submission.predictions import HAIR
from evenhand.bounty.task.membership import AllOf, Formula, MembershipLiteral
from evenhand.errors import InputError

_COMPARE = {"<": "Less", "<=": "LessOrEqual", ">": "Greater", ">=": "GreaterOrEqual"}
_MAIN_OPSET = 17


def to_one_onnx(listed: PointerDecisionList) -> bytes:
    """Write a list as one ONNX file with input ``features`` and the task's output.

    Raises
    ------
    InputError
        Where the `onnx` package is missing, or the models' operator sets cannot be joined.
    """
    try:
        import onnx  # noqa: PLC0415 - heavy extra
    except ImportError as error:
        raise InputError(
            "Writing ONNX needs more packages.  Run: pip install 'evenhand[bounty-pack]'"
        ) from error
    if listed.task.loss.change is not None:
        raise InputError(
            f"In this bounty an update moves an answer by at most {listed.task.loss.change:g}, which one ONNX "
            "file does not know.  Export the directory instead."
        )
    live = [
        listed.models[0],
        *(listed.models[listed.nodes[n].model or 0] for n in listed.live_nodes()),
    ]
    if any(model.lookup is not None or model.service is not None for model in live):
        raise InputError(
            "Lookups and services are no ONNX models.  Export the directory instead: leave --onnx out."
        )
    return _Writer(listed, onnx).write()


class _Writer:
    def __init__(self, listed: PointerDecisionList, onnx: Any) -> None:
        self._list, self._onnx = listed, onnx
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._columns: dict[int, str] = {}
        self._known: dict[Formula, str] = {}
        self._opsets: dict[str, int] = {"": _MAIN_OPSET}
        self._count = 0
        reads = listed.task.loss.reads
        self._output = OUTPUTS[reads][0]
        self._type = {"class": np.int64, "value": np.float64, "probabilities": np.float64}[reads]

    def write(self) -> bytes:
        live = [self._list.nodes[number].model for number in self._list.live_nodes()]
        models = sorted({0, *(model for model in live if model is not None)})
        answers = [
            self._model(self._list.models[model], f"model{model}", part)
            for model, part in zip(models, self._parts(models), strict=True)
        ]
        sorted_answers = self._add("Concat", *answers, axis=0)
        place = self._add("Unsqueeze", "order", self._constant(np.array([1])))
        back = self._add("ScatterND", sorted_answers, place, sorted_answers)
        count = self._add("Shape", INPUT, end=1)
        answer = self._add("Slice", back, self._constant(np.array([0])), count)
        self._nodes.append(self._onnx.helper.make_node("Identity", [answer], [self._output]))
        return self._finish()

    def _parts(self, models: list[int]) -> list[str]:
        """The rows of each model and a last one of zeros, since some operators fail where there is none."""
        helper, zeros = self._onnx.helper, np.zeros((len(models), len(self._list.task.features)))
        leaf = self._add("Concat", self._leaves(), self._constant(np.array(models)), axis=0)
        rows = self._add("Concat", INPUT, self._constant(zeros.astype(np.float32)), axis=0)
        size = self._add("Shape", leaf)
        ones = self._add("Expand", self._constant(np.array([1])), size)
        none = self._constant(np.zeros(models[-1] + 1, np.int64))
        counts = self._add("ScatterElements", none, leaf, ones, axis=0, reduction="add")
        counts = self._add("Gather", counts, self._constant(np.array(models)), axis=0)
        self._nodes.append(
            helper.make_node("TopK", [leaf, size], ["by_model", "order"], largest=0, sorted=1)
        )
        parts = [f"rows{model}" for model in models]
        grouped = self._add("Gather", rows, "order", axis=0)
        self._nodes.append(helper.make_node("Split", [grouped, counts], parts, axis=0))
        return parts

    def _finish(self) -> bytes:
        helper, kinds = self._onnx.helper, self._onnx.TensorProto
        classes = len(self._list.task.classes)
        wide = self._list.task.loss.reads == "probabilities"
        kind = kinds.INT64 if self._type is np.int64 else kinds.DOUBLE
        graph = helper.make_graph(
            self._nodes,
            "patched_model",
            [
                helper.make_tensor_value_info(
                    INPUT, kinds.FLOAT, [None, len(self._list.task.features)]
                )
            ],
            [
                helper.make_tensor_value_info(
                    self._output, kind, [None, classes] if wide else [None]
                )
            ],
            self._constants,
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in self._opsets.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        return bytes(model.SerializeToString())

    def _add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        self._count += 1
        name = f"step{self._count}"
        node = self._onnx.helper.make_node(operator, list(inputs), [name], **attributes)
        self._nodes.append(node)
        return name

    def _constant(self, value: Any) -> str:
        self._count += 1
        name = f"constant{self._count}"
        self._constants.append(self._onnx.numpy_helper.from_array(np.asarray(value), name))
        return name

    def _leaves(self) -> str:
        """The chain of the list: number of the model that answers each row."""
        zeros = self._add("Mul", self._add("Shape", INPUT, end=1), self._constant(np.array([0])))
        first = self._add(
            "Cast", self._add("IsNaN", self._column(0)), to=self._onnx.TensorProto.INT64
        )
        leaf = self._add("Mul", first, self._add("Squeeze", zeros, self._constant(np.array([0]))))
        live = set(self._list.live_nodes())
        versions = {0: leaf}
        for number, node in enumerate(self._list.nodes):
            if number in live:
                mask = self._group(self._list.groups[node.group], node.group)
                chosen = (
                    self._constant(np.int64(node.model))
                    if node.model is not None
                    else versions[node.version or 0]
                )
                leaf = self._add("Where", mask, chosen, leaf)
            versions[number + 1] = leaf
        return leaf

    def _column(self, index: int) -> str:
        if index not in self._columns:
            place = self._constant(np.int64(index))
            self._columns[index] = self._add("Gather", INPUT, place, axis=1)
        return self._columns[index]

    def _group(self, group: GroupRule, number: int) -> str:
        if group.formula is not None:
            return self._formula(group.formula)
        if group.linear is not None:
            return self._linear(group.linear)
        found = self._inline(group.onnx or b"", "group", f"group{number}_{self._count}", INPUT)
        flat = self._add("Reshape", found, self._constant(np.array([-1])))
        whole = self._add("Cast", flat, to=self._onnx.TensorProto.INT64)
        return self._add("Equal", whole, self._constant(np.int64(1)))

    def _formula(self, formula: Formula) -> str:
        if formula not in self._known:
            self._known[formula] = self._new_formula(formula)
        return self._known[formula]

    def _new_formula(self, formula: Formula) -> str:
        if isinstance(formula, MembershipLiteral):
            return self._literal(formula)
        if not formula.parts:
            # A comparison with itself is a mask of the right length.
            number = self._add("IsNaN", self._column(0))
            joined = "Or" if isinstance(formula, AllOf) else "And"
            return self._add(joined, number, self._add("Not", number))
        out = self._formula(formula.parts[0])
        for part in formula.parts[1:]:
            out = self._add("And" if isinstance(formula, AllOf) else "Or", out, self._formula(part))
        return out

    def _literal(self, literal: MembershipLiteral) -> str:
        column = self._column(literal.column)
        if literal.operator in _COMPARE:
            bound = self._constant(np.float32(literal.values[0]))
            return self._add(_COMPARE[literal.operator], column, bound)
        missing = self._add("IsNaN", column)
        if literal.operator == "null":
            return missing
        present = self._add("Not", missing)
        if literal.operator == "not null":
            return present
        found = self._add("And", missing, present)
        for value in literal.values:
            equal = self._add("Equal", column, self._constant(np.float32(value)))
            found = self._add("Or", found, equal)
        if literal.operator in ("=", "in"):
            return found
        return self._add("And", present, self._add("Not", found))

    def _linear(self, rule: Linear) -> str:
        double = self._onnx.TensorProto.DOUBLE
        total = self._constant(np.float64(0))
        for index, code, weight in rule.terms:
            column = self._column(index)
            value = self._add("Cast", column, to=double)
            if code is not None:
                equal = self._add("Equal", column, self._constant(np.float32(code)))
                value = self._add(
                    "Where", self._add("IsNaN", column), value, self._add("Cast", equal, to=double)
                )
            total = self._add(
                "Add", total, self._add("Mul", value, self._constant(np.float64(weight)))
            )
        return self._add("GreaterOrEqual", total, self._constant(np.float64(rule.threshold)))

    def _model(self, model: Model, prefix: str, rows: str) -> str:
        wide = self._list.task.loss.reads == "probabilities"
        if model.onnx is None:
            values = self._constant(
                np.array([model.constant], self._type)[:, : None if wide else 1]
            )
            count = self._add(
                "Concat", self._add("Shape", rows, end=1), self._constant(np.array([1])), axis=0
            )
            every = self._add("Expand", values, count)
            return every if wide else self._add("Squeeze", every, self._constant(np.array([1])))
        kind = self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(self._type))
        found = self._add("Cast", self._inline(model.onnx, self._output, prefix, rows), to=kind)
        shape = [-1, len(self._list.task.classes)] if wide else [-1]
        return self._settled(self._add("Reshape", found, self._constant(np.array(shape))))

    def _settled(self, found: str) -> str:
        """As `settle_predictions`: something definite in place of what is no answer."""
        task = self._list.task
        if task.loss.reads == "class":
            last = self._constant(np.int64(len(task.classes) - 1))
            return self._add("Clip", found, self._constant(np.int64(0)), last)
        if task.loss.reads == "value":
            low, high = (self._constant(np.float64(bound)) for bound in task.loss.target)
            above = self._add("IsInf", found, detect_positive=1, detect_negative=0)
            missing = self._add("Or", self._add("IsNaN", found), self._add("IsInf", found))
            return self._add("Where", missing, self._add("Where", above, high, low), found)
        hair, half, one, nil = (self._constant(np.float64(n)) for n in (HAIR, 0.5, 1, 0))
        axis, most = self._constant(np.array([1])), self._constant(np.float64(HAIR + 0.5))
        # By their distance from 1/2, since NaN is smaller than nothing.
        away = self._add("Abs", self._add("Sub", found, half))
        within = self._add("LessOrEqual", self._add("ReduceMax", away, axes=[1]), most)
        off = self._add("Abs", self._add("Sub", self._add("ReduceSum", found, axis), one))
        fine = self._add("And", within, self._add("LessOrEqual", off, hair))
        clipped = self._add("Clip", self._add("Where", fine, found, one), nil, one)
        shares = self._add("Div", clipped, self._add("ReduceSum", clipped, axis))
        equal = self._constant(np.float64(1 / len(task.classes)))
        return self._add("Where", fine, shares, equal)

    def _inline(self, data: bytes, output: str, prefix: str, rows: str) -> str:
        """All nodes of a model under names of their own, on some rows."""
        model = self._onnx.load_from_string(data)
        model = self._raised(model)

        def renamed(name: str) -> str:
            return name and (rows if name == INPUT else f"{prefix}.{name}")

        for node in model.graph.node:
            copied = self._onnx.NodeProto()
            copied.CopyFrom(node)
            copied.name = ""
            for listed in (copied.input, copied.output):
                for index, name in enumerate(listed):
                    listed[index] = renamed(name)
            self._nodes.append(copied)
        for constant in model.graph.initializer:
            copied = self._onnx.TensorProto()
            copied.CopyFrom(constant)
            copied.name = renamed(constant.name)
            self._constants.append(copied)
        return renamed(output)

    def _raised(self, model: Any) -> Any:
        """The model in this file's operator sets."""
        found = {
            item.domain.replace("ai.onnx", "")
            if item.domain == "ai.onnx"
            else item.domain: item.version
            for item in model.opset_import
        }
        used = {node.domain for node in model.graph.node}
        for domain, version in found.items():
            if domain == "" and version > _MAIN_OPSET:
                raise InputError(
                    f"A model uses operator set {version}; one file is written in {_MAIN_OPSET}.  "
                    "Export the directory instead."
                )
            if domain and domain in used:
                if self._opsets.setdefault(domain, version) != version and not _compatible(
                    model, version, self._opsets[domain]
                ):
                    raise InputError(
                        f"The models use versions {self._opsets[domain]} and {version} of {domain}.  "
                        "Export the directory instead."
                    )
                self._opsets[domain] = max(self._opsets[domain], version)
        if found.get("", _MAIN_OPSET) < _MAIN_OPSET:
            return _to_main_opset(model, self._onnx)
        return model


def _compatible(model: Any, one: int, other: int) -> bool:
    """Versions 1 to 4 of ai.onnx.ml differ for these only by what they newly allow."""
    return min(one, other) >= 1 and max(one, other) <= 4 and bool(model.graph.node)


def _to_main_opset(model: Any, onnx: Any) -> Any:
    """Operators of an older set, whose meaning has not changed since, or converted."""
    try:
        return onnx.version_converter.convert_version(model, _MAIN_OPSET)
    except Exception as error:
        raise InputError(
            f"A model's operator set cannot be raised to {_MAIN_OPSET} ({str(error)[:120]}).  "
            "Export the directory instead."
        ) from error
