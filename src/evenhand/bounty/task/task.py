"""What a bounty is about: the features of a row, what is predicted, and the loss.

Groups and models all read one float32 matrix, so that Python, the sandbox and an exported ONNX
file see the same numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from evenhand.bounty.task.losses import RowLoss, parse_loss, with_class_placed
from evenhand.deferred import compute
from evenhand.deferred import pyarrow as pa
from evenhand.errors import InputError, near, unknown_name
from evenhand.records import Column, Kind, Records, find_column, open_records

Matrix = npt.NDArray[np.float32]
Labels = npt.NDArray[np.generic]
Media = Literal["text", "audio", "image"]
FeatureKind = Literal["number", "text", "boolean"]
#: Code of a text that the task does not list: not missing, equal to nothing listed.
UNSEEN = -1.0
MAX_CATEGORIES = 10_000
MAX_FEATURES = 1_000
_KINDS = {Kind.BOOLEAN: "boolean", Kind.INTEGER: "number", Kind.NUMBER: "number", Kind.TEXT: "text"}
_COLUMN_KINDS = {"number": Kind.NUMBER, "text": Kind.TEXT, "boolean": Kind.BOOLEAN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One column of the matrix.

    Attributes
    ----------
    name : str
        The column of the table.
    kind : "number", "text" or "boolean"
        A text stands in the matrix as its place in `categories`, a boolean as 0 or 1.
    categories : tuple of str
        Listed texts in order; empty for the other kinds.
    """

    name: str
    kind: FeatureKind
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is predicted from what, and how a prediction is scored.

    Attributes
    ----------
    label : str
        The column to predict.
    classes : tuple of str
        Its values in order; empty for regression.
    features : tuple of Feature
        Columns of the matrix, in order.
    loss : RowLoss
        Of one row.
    unit : str or None
        Column that names the patient, the speaker, the document that a row belongs to: rows of one resemble
        each other, and are drawn together.  `None` where each row is drawn for itself.
    most : int
        Rows of a unit, at most.
    asks : str or None
        Column of what services are asked: a text, or the path of a sound or a picture.  `None` where models are
        functions of the features.
    media : "text", "audio" or "image"
        What that is.
    times : int
        How often a service is asked about each row.
    """

    label: str
    classes: tuple[str, ...]
    features: tuple[Feature, ...]
    loss: RowLoss
    unit: str | None = None
    most: int = 1
    asks: str | None = None
    media: Media = "text"
    times: int = 1

    @property
    def columns(self) -> tuple[Column, ...]:
        """The features, as the group language reads them."""
        return tuple(Column(name=f.name, kind=_COLUMN_KINDS[f.kind]) for f in self.features)

    def index_of(self, name: str) -> int:
        """Place of a feature in the matrix; an unknown one is an error with a near name."""
        names = [feature.name for feature in self.features]
        if name not in names:
            raise InputError(unknown_name("feature", name, names))
        return names.index(name)

    def encode(self, table: pa.Table | Mapping[str, Sequence[Any]]) -> Matrix:
        """Features of a table as a matrix of shape (rows, features), contiguous by row.

        Missing, NaN and infinite values are NaN; a text that is not listed is `UNSEEN`.

        Raises
        ------
        InputError
            Where a feature has no column, or one of another kind.
        """
        known = list(table.column_names if isinstance(table, pa.Table) else table)
        columns = []
        for feature in self.features:
            if feature.name not in known:
                raise InputError(
                    f"The table has no column {feature.name!r}, which the task reads."
                    f"{near(feature.name, known)}"
                )
            columns.append(_encode(_array(table[feature.name], feature.name), feature))
        return np.ascontiguousarray(np.column_stack(columns), np.float32)

    def encode_labels(self, table: pa.Table | Mapping[str, Sequence[Any]]) -> Labels:
        """Labels of a table: class indices (int64) or numbers (float64)."""
        array = _array(table[self.label], self.label)
        if array.null_count:
            raise InputError(
                f"{array.null_count:,} rows have no label in {self.label!r}.  Leave them out."
            )
        if self.loss.reads == "text":
            return np.asarray(_texts(array).to_pylist(), str)
        if not self.classes:
            numbers = _floats(array, self.label)
            if not np.isfinite(numbers).all():
                raise InputError(f"The label {self.label!r} holds NaN or infinite values.")
            return numbers
        codes = _codes(array, self.classes)
        if (codes < 0).any():
            value = _texts(array)[int(np.argmax(codes < 0))].as_py()
            raise InputError(
                f"The label {self.label!r} holds {value!r}.  Classes: {', '.join(self.classes)}"
            )
        return codes.astype(np.int64)

    def units_of(self, table: pa.Table | Mapping[str, Sequence[Any]]) -> npt.NDArray[np.str_]:
        """Name of each row's unit, as text; the number of the row where each is one."""
        if self.unit is None:
            return np.arange(len(table[self.label])).astype(str)
        array = _array(table[self.unit], self.unit)
        if array.null_count:
            raise InputError(
                f"{array.null_count:,} rows have no {self.unit!r}, which says what belongs together.  "
                "Leave them out, or give each an id of its own."
            )
        return np.asarray(_texts(array).to_pylist(), str)

    def asked_of(self, table: pa.Table | Mapping[str, Sequence[Any]]) -> npt.NDArray[np.str_]:
        """What a service is asked about each row; missing is an error."""
        name = str(self.asks)
        array = _array(table[name], name)
        if array.null_count:
            raise InputError(
                f"{array.null_count:,} rows have nothing to ask in {self.asks!r}.  Leave them out."
            )
        return np.asarray(_texts(array).to_pylist(), str)

    def decode(self, matrix: Matrix) -> pa.Table:
        """The features of encoded rows as a table again; texts that are not listed are missing."""
        columns = {}
        for feature, values in zip(self.features, np.asarray(matrix).T, strict=True):
            absent = np.isnan(values) | ((values < 0) & (feature.kind == "text"))
            filled = np.where(absent, 0, values)
            if feature.kind == "text":
                texts = pa.array(feature.categories, pa.string())
                found = texts.take(pa.array(filled.astype(np.int64), mask=absent))
            elif feature.kind == "boolean":
                found = pa.array(filled != 0, mask=absent)
            else:
                found = pa.array(filled.astype(float), mask=absent)
            columns[feature.name] = found
        return pa.table(columns)

    def to_dict(self) -> dict[str, Any]:
        """For JSON; `task_from_dict` reads it back."""
        return {
            "label": self.label,
            "classes": list(self.classes),
            "loss": self.loss.text,
            "unit": self.unit,
            "most": self.most,
            "asks": self.asks,
            "media": self.media,
            "times": self.times,
            "features": [
                {"name": f.name, "kind": f.kind, "categories": list(f.categories)}
                for f in self.features
            ],
        }


def task_from_dict(given: Mapping[str, Any]) -> Task:
    """Task of `Task.to_dict`."""
    return Task(
        label=given["label"],
        classes=tuple(given["classes"]),
        loss=parse_loss(given["loss"]),
        unit=given["unit"],
        most=given["most"],
        asks=given["asks"],
        media=given["media"],
        times=given["times"],
        features=tuple(
            Feature(name=f["name"], kind=f["kind"], categories=tuple(f["categories"]))
            for f in given["features"]
        ),
    )


def read_table(table: Any) -> pa.Table:
    """A table by path, URL or as a data frame, read whole."""
    if isinstance(table, pa.Table):
        return table
    records = open_records(table)
    try:
        found = records.read_rows()
        # The row numbers of a pandas frame are no feature.
        return found.drop(
            [n for n in found.column_names if re.fullmatch(r"__index_level_\d+__", n)]
        )
    finally:
        if not isinstance(table, Records):
            records.close()


def task_of(
    table: pa.Table,
    *,
    label: str,
    loss: str = "zero_one",
    features: Sequence[str] | None = None,
    unit: str | None = None,
    most: int = 1,
    asks: str | None = None,
    media: Media = "text",
    times: int = 1,
) -> Task:
    """Task that a table suggests: kinds of columns, listed texts and classes.

    Parameters
    ----------
    table : pyarrow.Table
        All rows of the bounty, so that every text and class is listed.
    label : str
        Column to predict.
    loss : str
        As `parse_loss` reads it; ``squared`` and ``absolute`` make it a regression.
    features : Sequence of str, optional
        Columns to predict from; all others than the label and the unit if not given.
    unit : str, optional
        Column of what belongs together; each row for itself if not given.
    most : int
        Rows of a unit, at most.
    asks : str, optional
        Column of what services are asked; needed for losses of texts.
    media : "text", "audio" or "image"
        What that is; paths where it is no text.
    times : int
        How often a service is asked about each row.
    """
    records = open_records(table)
    find_column(label, records.columns)
    if unit is not None:
        find_column(unit, records.columns)
    values = _distinct(table[label], label) if loss.strip().startswith("missed") else ()
    scored = parse_loss(with_class_placed(loss, values) if values else loss)
    names = (
        list(features)
        if features is not None
        else [n for n in table.column_names if n not in (label, unit, asks)]
    )
    if not 1 <= len(names) <= MAX_FEATURES:
        raise InputError(f"{len(names)} features are named.  Allowed: 1 to {MAX_FEATURES}.")
    if label in names:
        raise InputError(f"{label!r} is the label, and no feature.  Leave it out of the features.")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"The feature {twice[0]!r} is named twice.  Name it once.")
    found = tuple(_feature(table, find_column(name, records.columns)) for name in names)
    _check_asking(scored, asks, media, times, records.columns)
    plain = scored.reads in ("value", "text")
    classes = () if plain else _distinct(table[label], label)
    if not plain and len(classes) < 2:
        raise InputError(f"The label {label!r} has one value only: there is nothing to predict.")
    if scored.classes is not None and scored.classes != len(classes):
        raise InputError(
            f"The loss {scored.text} is for {scored.classes} classes; the label {label!r} has "
            f"{len(classes)}: {', '.join(classes[:20])}."
        )
    return Task(
        label=label,
        classes=classes,
        features=found,
        loss=scored,
        unit=unit,
        most=most,
        asks=asks,
        media=media,
        times=times,
    )


def _check_asking(
    loss: RowLoss, asks: str | None, media: str, times: int, columns: Sequence[Column]
) -> None:
    """Refuse a loss of texts without anything to ask, and the reverse."""
    if asks is not None:
        find_column(asks, columns)
    elif (media, times) != ("text", 1):
        raise InputError(
            f"media is {media} and times is {times}, but no column is named that services are asked about: name it."
        )
    if (loss.reads == "text") != (asks is not None):
        raise InputError(
            f"The loss {loss.text} needs the column that services are asked about: name it."
            if asks is None
            else f"Services answer with texts, which the loss {loss.text} does not read.  Allowed: wer(most), differs."
        )
    if media not in ("text", "audio", "image"):
        raise InputError(unknown_name("kind of media", media, ["text", "audio", "image"]))
    if not 1 <= times <= 21 or times % 2 == 0:
        raise InputError(
            f"times is {times}.  Allowed: an odd number up to 21, as the median counts."
        )


def _feature(table: pa.Table, column: Column) -> Feature:
    kind = _KINDS.get(column.kind)
    if kind is None:
        raise InputError(
            f"The feature {column.name!r} holds {column.kind} values.  "
            "Allowed: numbers, text, true or false.  Turn dates into numbers first."
        )
    texts = _distinct(table[column.name], column.name) if kind == "text" else ()
    return Feature(name=column.name, kind=kind, categories=texts)  # type: ignore[arg-type]


def _distinct(column: pa.ChunkedArray, name: str) -> tuple[str, ...]:
    values = compute.unique(_texts(_array(column, name)).drop_null()).to_pylist()
    if len(values) > MAX_CATEGORIES:
        raise InputError(
            f"The column {name!r} has {len(values):,} different values, more than "
            f"{MAX_CATEGORIES:,}.  Leave it out or group its values first."
        )
    # Numbers as classes come in their own order: 2 before 10.
    numeric = all(_is_number(value) for value in values)
    return tuple(sorted(values, key=(lambda v: (float(v), v)) if numeric else None))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _array(column: Any, name: str) -> pa.Array:
    try:
        array = column if isinstance(column, pa.ChunkedArray | pa.Array) else pa.array(column)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InputError(f"The column {name!r} mixes kinds of values.") from error
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _texts(array: pa.Array) -> pa.Array:
    return array if pa.types.is_string(array.type) else array.cast(pa.string())


def _codes(array: pa.Array, listed: Sequence[str]) -> npt.NDArray[np.float64]:
    places = compute.index_in(_texts(array), pa.array(listed, pa.string()))
    return np.asarray(compute.fill_null(places, -1), float)


def _floats(array: pa.Array, name: str) -> npt.NDArray[np.float64]:
    try:
        numbers = np.asarray(array.cast(pa.float64()).to_numpy(zero_copy_only=False), float)
    except pa.ArrowException as error:
        raise InputError(
            f"The column {name!r} must hold numbers; it holds {array.type}."
        ) from error
    return numbers


def _encode(array: pa.Array, feature: Feature) -> npt.NDArray[np.float32]:
    if feature.kind == "text":
        codes = _codes(array, feature.categories)
        codes[np.asarray(array.is_null(), bool)] = np.nan
        return codes.astype(np.float32)
    numbers = _floats(array, feature.name)
    with np.errstate(over="ignore"):
        single = numbers.astype(np.float32)
    return np.where(np.isfinite(single), single, np.float32(np.nan))
