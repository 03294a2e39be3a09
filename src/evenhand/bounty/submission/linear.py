"""A linear rule as a group."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.submission.tree import code_of
from evenhand.bounty.submission.values import finite
from evenhand.bounty.task.task import Matrix, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """Rows where Σ weight · value reaches the threshold; a missing value puts a row outside.

    Each term is (column, code or `None`, weight): with a code the value is 1 where the column has it.
    """

    terms: tuple[tuple[int, float | None, float], ...]
    threshold: float


def read_linear(given: Any, task: Task) -> Linear:
    """``{"weights": {name: w}, "values": [{"feature", "value", "weight"}], "threshold": t}``."""
    try:
        terms: list[tuple[int, float | None, float]] = []
        places: dict[int, dict[str, float]] = {}
        for name, weight in given.get("weights", {}).items():
            column = task.index_of(name)
            if task.features[column].kind == "text":
                raise SubmissionError("wrong_group", f"{name!r} holds text: weigh its values.")
            terms.append((column, None, finite(weight)))
        for item in given.get("values", []):
            column = task.index_of(item["feature"])
            categories = task.features[column].categories
            if column not in places:
                places[column] = {text: float(place) for place, text in enumerate(categories)}
            code = code_of(column, item["value"], task, places[column])
            terms.append((column, code, finite(item["weight"])))
        if not 1 <= len(terms) <= 1_000:
            raise SubmissionError("wrong_group", "a linear rule has 1 to 1000 weights.")
        return Linear(terms=tuple(terms), threshold=finite(given["threshold"]))
    except (AttributeError, KeyError, TypeError) as error:
        raise SubmissionError("wrong_group", "the linear rule is not as described.") from error


def linear_rows(rule: Linear, matrix: Matrix) -> npt.NDArray[np.bool_]:
    """Which rows reach the threshold."""
    total = np.zeros(len(matrix))
    for column, code, weight in rule.terms:
        values = matrix[:, column].astype(float)
        present = np.where(np.isnan(values), np.nan, values == code)
        total += weight * (values if code is None else present)
    # NaN compares as false: a row with a missing value stays outside.
    return np.asarray(total >= rule.threshold)
