"""What a hunter sends: a group and a model, as one canonical JSON text whose hash is the commitment.

Nothing in it is ever executed by Python: groups are data, models are data or ONNX.
"""

import base64
import binascii
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.bounty.membership import All, Bitmaps, Bits, Formula, check_size, formula_of
from evenhand.bounty.membership import Any as Some
from evenhand.bounty.membership import Literal as Condition
from evenhand.bounty.onnx_model import (
    MAX_BYTES,
    OUTPUTS,
    SubmissionError,
    check_features,
    output_named,
    read_onnx,
)
from evenhand.bounty.sandbox import Runner
from evenhand.bounty.task import Matrix, Task
from evenhand.errors import InputError
from evenhand.groups import parse_predicate, to_text

SCHEMA = "evenhand.submission/1"
MAX_SUBMISSION = 3 * MAX_BYTES
MAX_TREE_DEPTH = 12
#: Values of one condition of a tree.
MAX_AMONG = 20_000
#: What float32 probabilities may miss: each one its range, and their sum 1.
SLACK = (1e-6, 1e-3)
Predictions = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """Rows where Σ weight · value reaches the threshold; a missing value puts a row outside.

    Each term is (column, code or `None`, weight): with a code the value is 1 where the column has it.
    """

    terms: tuple[tuple[int, float | None, float], ...]
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Who: a predicate or tree (`formula`), a linear rule, or an ONNX model with output ``group``."""

    text: str
    given: Mapping[str, Any]
    formula: Formula | None = None
    linear: Linear | None = None
    onnx: bytes | None = None

    def bits(self, bitmaps: Bitmaps, matrix: Matrix, runner: Runner) -> Bits:
        """The rows in the group, as packed bits; nobody where its model fails."""
        try:
            return self.tried(bitmaps, matrix, runner)
        except SubmissionError:
            return np.zeros((len(matrix) + 7) // 8, np.uint8)

    def tried(
        self, bitmaps: Bitmaps, matrix: Matrix, runner: Runner, *, strict: bool = False
    ) -> Bits:
        """The rows in the group, or why its model fails.

        A row is inside where an ONNX model answers 1; `strict` refuses any answer but 0 and 1.
        """
        if self.formula is not None:
            return bitmaps.of(self.formula)
        if self.linear is not None:
            return np.packbits(_linear(self.linear, matrix))
        return np.packbits(_onnx_group(self.onnx or b"", matrix, runner, strict=strict))


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What is predicted: by an ONNX model, or one answer for all; neither means "train it for me"."""

    onnx: bytes | None = None
    constant: tuple[float, ...] | None = None

    @property
    def trained_here(self) -> bool:
        """Whether the hunter named a group only."""
        return self.onnx is None and self.constant is None

    def predict(
        self, matrix: Matrix, task: Task, runner: Runner, *, strict: bool = False
    ) -> Predictions:
        """Predictions of shape (rows,), or (rows, classes) of probabilities.

        Answers that are none are settled, see `settle_predictions`; `strict` refuses them.
        """
        if self.constant is not None:
            return _constant(self.constant, len(matrix), task)
        if self.onnx is None:
            raise SubmissionError("no_model", "this submission has no model to run.")
        found = runner.run(self.onnx, OUTPUTS[task.loss.reads][0], matrix)
        check = check_predictions if strict else settle_predictions
        return check(found, task, len(matrix))


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A (group, model) pair of a team.

    Attributes
    ----------
    key : str
        SHA-256 of the canonical text: the commitment.
    content : str
        SHA-256 of group and model alone, so that a renamed copy is known.
    """

    team: str
    group: Group
    model: Model
    nonce: str
    note: str
    key: str
    content: str


def write_submission(
    *,
    team: str,
    group: Mapping[str, Any] | str,
    model: Mapping[str, Any] | bytes | None,
    nonce: str = "",
    note: str = "",
) -> bytes:
    """Canonical text of a submission.

    Parameters
    ----------
    team : str
        Who is to be credited.
    group : str or Mapping
        A predicate, or JSON: ``{"tree": …}``, ``{"linear": …}``, ``{"onnx": base64}``.
    model : bytes, Mapping or None
        An ONNX file, ``{"constant": …}``, or `None` to have the patch trained on the group.
    nonce : str
        Anything unguessable, where the hash is committed before the text is shown.
    note : str
        For people.
    """
    group_given = {"predicate": group} if isinstance(group, str) else dict(group)
    if isinstance(model, bytes):
        model_given: dict[str, Any] = {"onnx": base64.b64encode(model).decode()}
    else:
        model_given = dict(model) if model is not None else {"train": True}
    return canonical(
        {
            "schema": SCHEMA,
            "team": team,
            "nonce": nonce,
            "note": note,
            "group": group_given,
            "model": model_given,
        }
    )


def canonical(value: Any) -> bytes:
    """The one JSON text of a value: sorted names, no spaces, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def read_submission(data: bytes, task: Task) -> Submission:
    """Read and check a submission; nothing in it is run.

    Raises
    ------
    SubmissionError
        Where it is damaged, not canonical, too large, or names what does not exist.
    """
    if len(data) > MAX_SUBMISSION:
        raise SubmissionError(
            "too_large", f"it has {len(data):,} bytes.  Allowed: {MAX_SUBMISSION:,}."
        )
    given = _parsed(data)
    for name in ("team", "nonce", "note"):
        if not isinstance(given[name], str) or len(given[name]) > 500:
            raise SubmissionError("damaged", f"{name!r} must be text of up to 500 characters.")
    if not given["team"].strip() or not given["team"].isprintable():
        raise SubmissionError("damaged", "the team needs a name that can be printed.")
    try:
        group = read_group(given["group"], task)
        model = read_model(given["model"], task)
    except SubmissionError:
        raise
    except (TypeError, ValueError, OverflowError, AttributeError, RecursionError) as error:
        raise SubmissionError("damaged", "the group or model is not as described.") from error
    except InputError as error:
        # A caret must stand under its character: what has several lines begins on its own.
        text = str(error)
        raise SubmissionError("wrong_group", f"\n{text}" if "\n" in text else text) from error
    return Submission(
        team=given["team"],
        nonce=given["nonce"],
        note=given["note"],
        group=group,
        model=model,
        key=hashlib.sha256(data).hexdigest(),
        content=hashlib.sha256(
            canonical({"group": given["group"], "model": given["model"]})
        ).hexdigest(),
    )


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        given = json.loads(data)
        fine = canonical(given) == data
    except (ValueError, RecursionError, OverflowError) as error:
        raise SubmissionError(
            "damaged", "it is not the JSON that write_submission makes."
        ) from error
    names = {"schema", "team", "nonce", "note", "group", "model"}
    if not fine or not isinstance(given, dict) or set(given) != names or given["schema"] != SCHEMA:
        raise SubmissionError("damaged", "it is not the JSON that write_submission makes.")
    return given


def read_group(given: Any, task: Task) -> Group:
    """A group from its JSON."""
    if not isinstance(given, dict) or len(given) != 1:
        raise SubmissionError(
            "wrong_group", "a group is one of predicate, tree, linear, onnx, and nothing else."
        )
    kind, value = next(iter(given.items()))
    if kind == "predicate" and isinstance(value, str):
        predicate = parse_predicate(value, task.columns)
        formula = check_size(formula_of(predicate, task))
        return Group(text=to_text(predicate), given=given, formula=formula)
    if kind == "tree":
        formula = check_size(_tree(value, task, 0))
        return Group(text="a decision tree", given=given, formula=formula)
    if kind == "linear":
        return Group(text="a linear rule", given=given, linear=_read_linear(value, task))
    if kind == "onnx":
        data = _base64(value)
        graph = read_onnx(data)
        check_features(graph, len(task.features))
        output_named(graph, *OUTPUTS["group"])
        return Group(text="an ONNX model", given=given, onnx=data)
    raise SubmissionError("wrong_group", f"a group of kind {str(kind)[:40]!r} is not known.")


def read_model(given: Any, task: Task) -> Model:
    """A model from its JSON."""
    if not isinstance(given, dict) or len(given) != 1:
        raise SubmissionError("wrong_model", "a model is one of onnx, constant, train.")
    kind, value = next(iter(given.items()))
    if kind == "train" and value is True:
        return Model()
    if kind == "constant":
        return Model(constant=_read_constant(value, task))
    if kind == "onnx":
        data = _base64(value)
        graph = read_onnx(data)
        check_features(graph, len(task.features))
        output_named(graph, *OUTPUTS[task.loss.reads])
        return Model(onnx=data)
    raise SubmissionError(
        "wrong_model",
        f"a model of kind {str(kind)[:40]!r} is not known.  Pickled models are never read.",
    )


def _base64(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise SubmissionError("damaged", "the ONNX file is not base64.") from error


def _finite(value: Any) -> float:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    # Compared before anything turns it into a float: whole numbers may be longer than any float.
    if not plain or not -3.4e38 <= value <= 3.4e38:
        raise SubmissionError("wrong_number", "a number is not finite, or not a number.")
    return float(value)


def _read_constant(value: Any, task: Task) -> tuple[float, ...]:
    if task.loss.reads == "class":
        if str(value) not in task.classes:
            raise SubmissionError(
                "wrong_classes",
                f"{str(value)[:40]!r} is no class.  Classes: {', '.join(task.classes[:20])}",
            )
        return (float(task.classes.index(str(value))),)
    if task.loss.reads == "value":
        return (_finite(value),)
    if not isinstance(value, list) or len(value) != len(task.classes):
        raise SubmissionError("wrong_shape", f"{len(task.classes)} probabilities are needed.")
    numbers = np.array([[_finite(item) for item in value]])
    return tuple(float(p) for p in check_predictions(numbers, task, 1)[0])


def _constant(constant: tuple[float, ...], rows: int, task: Task) -> Predictions:
    if task.loss.reads == "class":
        return np.full(rows, int(constant[0]))
    if task.loss.reads == "value":
        return np.full(rows, constant[0])
    return np.tile(np.array(constant), (rows, 1))


def check_predictions(found: Predictions, task: Task, rows: int) -> Predictions:
    """What a model answered, as the loss reads it; or why it is refused."""
    values = _shaped(found, task, rows)
    if task.loss.reads == "class":
        outside = (values < 0) | (values >= len(task.classes))
        if outside.any():
            raise SubmissionError(
                "wrong_classes",
                f"class {values[outside][0]} is predicted.  Allowed: 0 to {len(task.classes) - 1}.",
            )
        return values
    if not np.isfinite(values).all():
        count = int(np.count_nonzero(~np.isfinite(values)))
        raise SubmissionError("not_finite", f"{count:,} predictions are NaN or infinite.")
    if task.loss.reads == "probabilities" and not _adding_up(values).all():
        raise SubmissionError("wrong_probabilities", "the probabilities of a row must add up to 1.")
    return values


def settle_predictions(found: Predictions, task: Task, rows: int) -> Predictions:
    """What a model answered, with something definite in place of what is no answer.

    A class that does not exist is the nearest one that does; NaN and infinite numbers are bounds of
    the target, NaN the lower one; probabilities that do not add up to 1 are equal ones.  The same
    holds when a model is tested and when it serves, so one odd row can neither stop a bounty nor
    answer differently from what was tested.
    """
    values = _shaped(found, task, rows)
    if task.loss.reads == "class":
        return np.asarray(np.clip(values, 0, len(task.classes) - 1))
    if task.loss.reads == "value":
        low, high = task.loss.target
        return np.asarray(np.nan_to_num(values, nan=low, posinf=high, neginf=low))
    return np.where(_adding_up(values)[:, None], values, 1 / len(task.classes))


def _adding_up(values: Any) -> npt.NDArray[np.bool_]:
    # A hair of slack for float32; probabilities that do not add up would cheat Brier's score.
    with np.errstate(invalid="ignore"):
        within = ((values >= -SLACK[0]) & (values <= 1 + SLACK[0])).all(axis=1)
        return np.asarray(within & (np.abs(values.sum(axis=1) - 1) <= SLACK[1]))


def _shaped(found: Predictions, task: Task, rows: int) -> npt.NDArray[Any]:
    """Class indices or float64 numbers of the right shape."""
    found = np.asarray(found)
    reads, classes = task.loss.reads, len(task.classes)
    if found.dtype.kind not in ("biu" if reads == "class" else "biuf"):
        raise SubmissionError("wrong_type", f"the predictions are {found.dtype} values.")
    if reads != "probabilities" and found.shape == (rows, 1):
        found = found[:, 0]
    shape = (rows, classes) if reads == "probabilities" else (rows,)
    if found.shape != shape:
        raise SubmissionError(
            "wrong_shape", f"the predictions have shape {found.shape}, not {shape}."
        )
    return found.astype(np.int64 if reads == "class" else float)


def _tree(given: Any, task: Task, depth: int) -> Formula:
    """A decision tree as "any of its paths"; each node asks about one feature.

    ``{"feature": name, "at_most": t, "yes": node, "no": node, "missing": "yes"|"no"}``, or
    ``"among": [texts]`` in place of ``at_most``; a leaf is true or false.
    """
    if isinstance(given, bool):
        return All(()) if given else Some(())
    if depth > MAX_TREE_DEPTH or not isinstance(given, dict):
        raise SubmissionError("wrong_group", f"a tree is at most {MAX_TREE_DEPTH} levels of nodes.")
    if not {"feature", "yes", "no"} <= set(given) <= {
        *("feature", "at_most", "among", "yes", "no", "missing")
    } or ("at_most" in given) == ("among" in given):
        raise SubmissionError(
            "wrong_group", "a node has feature, at_most or among, yes, no, missing."
        )
    column = task.index_of(str(given["feature"]))
    yes, no = _tests(given, column, task)
    if given.get("missing", "no") not in ("yes", "no"):
        raise SubmissionError("wrong_group", "missing is 'yes' or 'no'.")
    nothing = Condition(column, "null")
    if given.get("missing", "no") == "yes":
        yes = Some((yes, nothing))
    else:
        no = Some((no, nothing))
    left, right = _tree(given["yes"], task, depth + 1), _tree(given["no"], task, depth + 1)
    return Some((All((yes, left)), All((no, right))))


def _tests(given: Mapping[str, Any], column: int, task: Task) -> tuple[Formula, Formula]:
    feature = task.features[column]
    if "at_most" in given:
        if feature.kind == "text":
            raise SubmissionError("wrong_group", f"{feature.name!r} holds text: ask with 'among'.")
        bound = float(np.float32(_finite(given["at_most"])))
        return Condition(column, "<=", (bound,)), Condition(column, ">", (bound,))
    among = given["among"]
    if not isinstance(among, list) or len(among) > MAX_AMONG:
        raise SubmissionError("wrong_group", f"among is a list of up to {MAX_AMONG:,} values.")
    listed = {text: float(place) for place, text in enumerate(feature.categories)}
    codes = tuple(sorted({_code(column, value, task, listed) for value in among}))
    return Condition(column, "in", codes), Condition(column, "not in", codes)


def _code(column: int, value: Any, task: Task, listed: Mapping[str, float]) -> float:
    feature = task.features[column]
    if feature.kind != "text":
        return float(np.float32(_finite(value)))
    if not isinstance(value, str) or value not in listed:
        raise SubmissionError("wrong_group", f"{feature.name!r} never holds {str(value)[:40]!r}.")
    return listed[value]


def _read_linear(given: Any, task: Task) -> Linear:
    """``{"weights": {name: w}, "values": [{"feature", "value", "weight"}], "threshold": t}``."""
    try:
        terms: list[tuple[int, float | None, float]] = []
        places: dict[int, dict[str, float]] = {}
        for name, weight in given.get("weights", {}).items():
            column = task.index_of(name)
            if task.features[column].kind == "text":
                raise SubmissionError("wrong_group", f"{name!r} holds text: weigh its values.")
            terms.append((column, None, _finite(weight)))
        for item in given.get("values", []):
            column = task.index_of(item["feature"])
            categories = task.features[column].categories
            if column not in places:
                places[column] = {text: float(place) for place, text in enumerate(categories)}
            code = _code(column, item["value"], task, places[column])
            terms.append((column, code, _finite(item["weight"])))
        if not 1 <= len(terms) <= 1_000:
            raise SubmissionError("wrong_group", "a linear rule has 1 to 1000 weights.")
        return Linear(terms=tuple(terms), threshold=_finite(given["threshold"]))
    except (AttributeError, KeyError, TypeError) as error:
        raise SubmissionError("wrong_group", "the linear rule is not as described.") from error


def _linear(rule: Linear, matrix: Matrix) -> npt.NDArray[np.bool_]:
    total = np.zeros(len(matrix))
    for column, code, weight in rule.terms:
        values = matrix[:, column].astype(float)
        present = np.where(np.isnan(values), np.nan, values == code)
        total += weight * (values if code is None else present)
    # NaN compares as false: a row with a missing value stays outside.
    return np.asarray(total >= rule.threshold)


def _onnx_group(
    model: bytes, matrix: Matrix, runner: Runner, *, strict: bool
) -> npt.NDArray[np.bool_]:
    found = np.asarray(runner.run(model, "group", matrix))
    found = found[:, 0] if found.shape == (len(matrix), 1) else found
    if found.shape != (len(matrix),) or found.dtype.kind not in "biu":
        raise SubmissionError(
            "wrong_shape", f"the group has shape {found.shape} and type {found.dtype}."
        )
    if strict and not np.isin(found, (0, 1)).all():
        raise SubmissionError("wrong_group", "the group's output holds other values than 0 and 1.")
    return np.asarray(found == 1)


def order_predictions(
    rows: list[Any], predictions: list[Any], expected: int, task: Task
) -> Predictions:
    """Predictions of a file for rows 0 to expected - 1, each exactly once, in order."""
    counts = Counter(rows)
    double = next((row for row, count in counts.items() if count > 1), None)
    if double is not None:
        raise SubmissionError("doubled_rows", f"row {double} is predicted more than once.")
    ordered: list[Any] = [None] * expected
    for row, value in zip(rows, predictions, strict=True):
        if type(row) is not int or not 0 <= row < expected:
            raise SubmissionError("unknown_rows", f"row {str(row)[:40]} was not disclosed.")
        ordered[row] = value
    if len(rows) < expected:
        missing = next(row for row in range(expected) if row not in counts)
        raise SubmissionError("missing_rows", f"row {missing} has no prediction.")
    if task.loss.reads == "class":
        known = {text: i for i, text in enumerate(task.classes)}
        unknown = [value for value in ordered if str(value) not in known]
        if unknown:
            raise SubmissionError("wrong_classes", f"{str(unknown[0])[:40]!r} is no class.")
        return np.array([known[str(value)] for value in ordered])
    return check_predictions(np.array([_finite(value) for value in ordered]), task, expected)
