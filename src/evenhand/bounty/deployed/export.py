"""The patched model outside the bounty: a directory, and one ONNX file where all parts allow it."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from evenhand.bounty.deployed.node import Explanation, Node
from evenhand.bounty.deployed.pointer_decision_list import PointerDecisionList
from evenhand.bounty.files import canonical, write_whole
from evenhand.bounty.strangers.asked import Call, CalledServices
from evenhand.bounty.strangers.demands import OUTPUTS, check_features, output_named
from evenhand.bounty.strangers.onnx_file import read_onnx
from evenhand.bounty.strangers.runner import DirectRunner
from evenhand.bounty.submission.group import read_group
from evenhand.bounty.submission.lookup import read_lookup
from evenhand.bounty.submission.model import Model
from evenhand.bounty.submission.predictions import Predictions
from evenhand.bounty.task.task import Matrix, Task, task_from_dict
from evenhand.errors import InputError

SCHEMA = "evenhand.patched-model/1"


class PatchedModel:
    """A pointer decision list that predicts.

    Parameters
    ----------
    listed : PointerDecisionList
        The list; its models run in this process, so they should be accepted ones.
    """

    def __init__(self, listed: PointerDecisionList) -> None:
        self.listed = listed
        self._runner = DirectRunner()

    @property
    def task(self) -> Task:
        """What is predicted from what."""
        return self.listed.task

    def hasten(self) -> None:
        """Make it ready for millions of rows at once, where the extra ``fast`` is installed.

        It takes a second, and is done by itself once that pays: after about ten million rows.
        """
        self.listed.hasten(self._runner)

    def predict(self, table: Any) -> Predictions:
        """Predictions of the rows of a table (see `Task.encode`): classes by name, or numbers."""
        found = self.predict_matrix(self.task.encode(table))
        if self.task.loss.reads == "class":
            return np.asarray(np.array(self.task.classes)[found.astype(int)])
        return found

    def predict_matrix(self, matrix: Matrix) -> Predictions:
        """Predictions of encoded rows: class indices, numbers or probabilities."""
        return self.listed.predict(matrix, self._runner)

    def predict_one(self, row: Any) -> Predictions:
        """Prediction of one encoded row of shape (features,)."""
        return self.listed.predict_one(np.asarray(row, np.float32), self._runner)

    def route(self, table: Any) -> list[str]:
        """The service that answers each row of a table: what a router sends where.

        Raises
        ------
        InputError
            Where the list's models are no services.
        """
        self._check_services()
        names = [model.service for model in self.listed.models]
        matrix = self.task.encode(table)
        return [str(names[model]) for model in self.listed.answering(matrix, self._runner)]

    def answer(self, table: Any, call: Call) -> list[str]:
        """What the services of a list answer: where one has no answer the list below is asked, as when it was judged.

        Parameters
        ----------
        table : table
            As `Task.encode` takes it.
        call : callable
            ``call(service, rows)`` asks a service, by its name, about rows of the table, by their numbers, and gives
            for each a text, or `None` where there is no answer.

        Returns
        -------
        list of str
            Empty where no service of the list has an answer.
        """
        self._check_services()
        matrix = self.task.encode(table)
        numbered = np.column_stack([matrix, np.arange(len(matrix), dtype=np.float32)])
        found = self.listed.predict(
            np.ascontiguousarray(numbered, np.float32), CalledServices(call)
        )
        return [str(text) for text in found[:, 0]]

    def _check_services(self) -> None:
        if self.listed.models[0].service is None:
            raise InputError("The models of this list are no services: use predict.")

    def explain(self, row: Any) -> Explanation:
        """Which update decided about an encoded row."""
        return self.listed.explain(np.asarray(row, np.float32), self._runner)


def export_model(listed: PointerDecisionList, folder: Path | str) -> Path:
    """Write a list as a directory: ``list.json`` and the ONNX files that can still answer.

    `load_model` reads it back; nothing in it is a pickle.
    """
    place = Path(folder)
    (place / "models").mkdir(parents=True, exist_ok=True)
    live = {0} | {listed.nodes[n].model for n in listed.live_nodes()}
    models: list[dict[str, Any]] = []
    for number, model in enumerate(listed.models):
        if number not in live:
            models.append({"dropped": True})
        elif model.onnx is not None:
            name = f"models/{number:04d}.onnx"
            write_whole(place / name, model.onnx)
            models.append({"file": name})
        elif model.lookup is not None:
            models.append({"lookup": dict(model.lookup.given)})
        elif model.service is not None:
            models.append({"service": model.service})
        else:
            models.append({"constant": list(model.constant or ())})
    body = {
        "schema": SCHEMA,
        "task": listed.task.to_dict(),
        "models": models,
        "groups": [dict(group.given) for group in listed.groups],
        "nodes": [
            {name: getattr(node, name) for name in Node.__dataclass_fields__}
            for node in listed.nodes
        ],
    }
    write_whole(place / "list.json", canonical(body))
    return place


def load_model(folder: Path | str) -> PatchedModel:
    """Read a directory that `export_model` wrote."""
    place = Path(folder)
    try:
        body = json.loads((place / "list.json").read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"There is no exported model in {place}.") from error
    try:
        task = task_from_dict(body["task"])
        listed = PointerDecisionList(
            task=task,
            models=tuple(_model(place, given, task) for given in body["models"]),
            groups=tuple(read_group(given, task) for given in body["groups"]),
            nodes=tuple(Node(**node) for node in body["nodes"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"The model in {place} is damaged, or another version of Evenhand wrote it.  "
            "Export it again: evenhand bounty export FOLDER --out NEW"
        ) from error
    return PatchedModel(listed)


def _model(place: Path, given: dict[str, Any], task: Task) -> Model:
    if "file" in given:
        name = str(given["file"])
        if not re.fullmatch(r"models/[0-9]{1,9}\.onnx", name) or (place / name).is_symlink():
            raise InputError(f"{name[:80]!r} is no model of an exported directory.")
        onnx = (place / name).read_bytes()
        graph = read_onnx(onnx)
        check_features(graph, len(task.features))
        output_named(graph, *OUTPUTS[task.loss.reads])
        return Model(onnx=onnx)
    if "lookup" in given:
        return Model(lookup=read_lookup(given["lookup"], task))
    if "service" in given:
        return Model(service=str(given["service"]))
    return Model(constant=tuple(given["constant"])) if "constant" in given else Model()
