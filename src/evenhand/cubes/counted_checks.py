"""What a file of counts says, checked before anything is told from it."""

import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.cubes.counted import CountedMetric
from evenhand.cubes.cube import Units
from evenhand.cubes.moments import LARGEST_SUM
from evenhand.groups import Attribute
from evenhand.groups.partition import NO_BIN
from evenhand.records import Column, Kind

#: Digits of a number that is a group; whole numbers of databases have fewer.
_DIGITS = 40
#: Sides at most that a ratio needs units of.
_MOST_SIDES = 2
#: A square that is 0 may be below it by so much of what it was told from.
_ROUNDING = 1e-6


def check_told(told: Mapping[str, Any]) -> None:
    """Refuse metadata of wrong types, or that leave open what is counted.

    Raises
    ------
    TypeError, ValueError
        With what is wrong.
    """
    for name in ("by", "units", "missing_values"):
        _texts(told[name], name)
    _text(told["declared"], "declared")
    _check_sample(told)
    for source in told["sources"]:
        for name in ("name", "sha256", "where"):
            _text(source.get(name), f"{name} of a source", missing=name != "name")
    for column in told["columns"]:
        _texts(column, "columns")
    for attribute in told["attributes"]:
        _text(attribute["name"], "name of a group")
        _edges(attribute["edges"], attribute["name"])
    for name in ("metrics", "sources"):
        if not told[name]:
            raise ValueError(f"it names no {name}")
    names = [attribute["name"] for attribute in told["attributes"]]
    if len(set(names)) < len(names):
        raise ValueError("a group stands there twice")
    for metric in told["metrics"]:
        _check_metric(metric)
    _notes(told["notes"])


def _check_sample(told: Mapping[str, Any]) -> None:
    """How rows were drawn, where it is told."""
    for name in ("weight", "stratum"):
        _text(told.get(name), name, missing=True)
    names = [attribute["name"] for attribute in told["attributes"]]
    if told.get("stratum") is not None and told["stratum"] not in names:
        raise ValueError("the stratum is none of its groups")
    drawn = told.get("weight") is not None or told.get("stratum") is not None
    for metric in told["metrics"]:
        sides = metric.get("weighted")
        if (sides is not None) != drawn:
            raise ValueError("it says in one place that rows have weights, and not in the other")
        if drawn and (type(sides) is not int or not 1 <= sides <= _MOST_SIDES):
            raise ValueError(f"weights of {sides!r:.40} sides are none of a ratio")


def _check_metric(told: Mapping[str, Any]) -> None:
    _text(told["metric"], "metric")
    _text(told["meaning"], "meaning")
    _texts(told["parts"], "parts")
    _notes(told["notes"])
    if told["higher_is_worse"] not in (True, False, None):
        raise TypeError(f"higher_is_worse is {told['higher_is_worse']!r}")
    bounds = told["bounds"] or []
    known = [_number(one, "bounds") for one in bounds if one is not None]
    if told["bounds"] is not None and (len(bounds) != 2 or known != sorted(known)):
        raise ValueError(f"bounds are {bounds}")
    for name, count in told["missing"]:
        _text(name, "missing")
        if type(count) is not int or not 0 <= count < 2**63:
            raise ValueError(f"{count!r} rows lack {name}")


def _text(value: Any, what: str, *, missing: bool = False) -> None:
    if not isinstance(value, str) and not (missing and value is None):
        raise TypeError(f"{what} is {value!r:.40}, not a text")


def _texts(values: Any, what: str) -> None:
    if not isinstance(values, list):
        raise TypeError(f"{what} is {values!r:.40}, not a list")
    for value in values:
        _text(value, what)


def _notes(notes: Sequence[Mapping[str, Any]]) -> None:
    for note in notes:
        _text(note["code"], "code of a note")
        _text(note["text"], "text of a note")


def _number(value: Any, what: str) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not -math.inf < value < math.inf
    ):
        raise ValueError(f"{what} holds {value!r:.40}, not a finite number")
    return value


def _edges(edges: Any, name: str) -> None:
    known = [_number(edge, f"edges of {name}") for edge in edges or ()]
    if any(a >= b for a, b in pairwise(known)):
        raise ValueError(f"edges of {name} do not rise: {known}")


def check_places(places: pa.ChunkedArray, metrics: int) -> None:
    """Refuse rows of a metric that the file does not name."""
    if set(places.unique().to_pylist()) - set(range(metrics)):
        raise ValueError("a row belongs to no metric")


def check_counts(
    metric: CountedMetric,
    attributes: Sequence[Attribute],
    units: Sequence[str],
    columns: Sequence[Column],
) -> None:
    """Refuse counts that no rows have.

    Raises
    ------
    ValueError
        With what is wrong.
    """
    cube = metric.cube
    kinds = {column.name: column.kind for column in columns}
    for place, attribute in enumerate(attributes):
        for value in cube.keys.values[place]:
            _check_key(value, attribute, kinds)
    if (cube.n_defined > cube.n_rows).any() or (cube.n_rows < 1).any():
        raise ValueError("a cell has less than one row, or says more of rows than it has")
    if cube.weights is not None:
        _check_weights(cube.weights, cube.n_rows)
    if cube.n_rows.astype(float).sum() > 2.0**53:
        raise ValueError("there are more rows than can be counted")
    if np.abs(cube.sums).max(initial=0) > LARGEST_SUM:
        raise ValueError("a sum is too large to be squared")
    of_rows = (cube.indicators or metric.proportion) and cube.weights is None
    if (cube.indicators and (cube.sums.sum(axis=1) > cube.n_defined).any()) or (
        of_rows and ((cube.sums < 0).any() or (cube.sums > cube.n_rows[:, None]).any())
    ):
        raise ValueError("more rows are counted in a cell than it has")
    if cube.units is None:
        squares = np.diagonal(cube.comoments, axis1=1, axis2=2)
        if not np.isfinite(squares).all() or (squares < -_ROUNDING * (1 + cube.sums**2)).any():
            raise ValueError("a variance is below 0")
        return
    _check_pairs(cube.units, units, columns, of_rows=of_rows)


def _check_weights(weights: npt.NDArray[np.float64], n_rows: npt.NDArray[np.int64]) -> None:
    """No more rows have a weight than there are, and squares fit their sums."""
    rows, total, squares = np.moveaxis(weights, -1, 0)
    if (weights < 0).any() or (rows > n_rows[:, None]).any():
        raise ValueError("a weight is below 0, or more rows have one than there are")
    if np.abs(weights).max(initial=0) > LARGEST_SUM:
        raise ValueError("a sum of weights is too large to be squared")
    slack = 1 + _ROUNDING
    if (squares > total**2 * slack).any() or (total**2 > rows * squares * slack).any():
        raise ValueError("the squares of weights are none of numbers with their sum")


def _check_key(value: Any, attribute: Attribute, kinds: Mapping[str, Kind]) -> None:
    if attribute.edges is not None:
        if value is not None and (
            type(value) is not int or not NO_BIN <= value <= len(attribute.edges)
        ):
            raise ValueError(f"{value!r:.40} is no bin of {attribute.name}")
    elif attribute.predicate is not None:
        if value not in (True, False, None):
            raise ValueError(f"{value!r:.40} is not true or false of {attribute.name}")
    elif (isinstance(value, int) and abs(value) >= 10**_DIGITS) or (
        isinstance(value, float)
        and not math.isfinite(value)
        and kinds.get(attribute.name) is not Kind.NUMBER
    ):
        raise ValueError(f"{value!r:.40} is no group of {attribute.name}")


def _check_pairs(
    counted: Units, units: Sequence[str], columns: Sequence[Column], *, of_rows: bool
) -> None:
    """Each unit stands once in a cell; where rows are counted, none counts less than no row."""
    pairs = np.stack([counted.cell, counted.unit])
    if len(np.unique(pairs, axis=1).T) < pairs.shape[1]:
        raise ValueError("a unit stands twice in a cell")
    if of_rows and (counted.sums < 0).any():
        raise ValueError("a unit counts less than no row")
    _check_units(counted.names, units, columns)


def _check_units(names: Sequence[str], units: Sequence[str], columns: Sequence[Column]) -> None:
    """Names of units are texts; of columns of numbers, numbers."""
    kinds = {column.name: column.kind for column in columns}
    numbered = [name in kinds and kinds[name].numeric for name in units]
    for name in names:
        own = json.loads(name) if len(units) > 1 else [name]
        _texts(own, "units")
        if len(own) != len(units):
            raise ValueError(f"{name!r:.40} does not name {len(units)} units")
        for one, is_number in zip(own, numbered, strict=True):
            if is_number:
                _check_numeral(one)


def _check_numeral(text: str) -> None:
    try:
        known = not Decimal(text).is_nan()
    except InvalidOperation:
        known = False
    if not known:
        raise ValueError(f"the unit {text!r:.40} is no number")
