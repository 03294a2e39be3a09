"""Sets of labels, one of what is right and one of what was said for each row, and how they overlap."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.deferred import compute
from evenhand.errors import InputError, NoRowError
from evenhand.groups import Predicate, where_clause
from evenhand.groups.predicate import column_expression
from evenhand.metrics.classification.classes import LABELS
from evenhand.metrics.definition import Argument, Metric, Takes
from evenhand.records import Kind, Records, find_column

SET_LABEL = Argument(name="label", takes=Takes.SET)
SET_PREDICTION = Argument(name="prediction", takes=Takes.SET)
SEPARATOR = Argument(
    name="separator",
    takes=Takes.CONSTANT,
    required=False,
    default=",",
    means="what stands between the labels of a text",
)
#: Arguments of every metric of sets.
OF_SETS = (SET_LABEL, SET_PREDICTION, SEPARATOR, LABELS)

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sets:
    """Sets of labels of a table.

    Attributes
    ----------
    kept : pa.Table
        Columns of the table that go along.
    known : bool array of shape (rows,)
        Whether a row says what its right labels are.
    names : tuple of str
        All labels, sorted, or those of ``labels=`` in their order.
    right, said : integer arrays
        Each label of each row as ``row * len(names) + label``, sorted and without doubles.
    """

    kept: pa.Table
    known: npt.NDArray[np.bool_]
    names: tuple[str, ...]
    right: Integers
    said: Integers

    def counts(self) -> dict[str, Integers]:
        """Labels of each row that are hit, added wrongly, and missed."""
        return {
            name: np.bincount(keys // len(self.names), minlength=len(self.known))
            for name, keys in self._keys().items()
        }

    def counts_by_label(self) -> dict[str, npt.NDArray[np.int8]]:
        """The same for each label, as ``hits:cat``: 0 or 1 for each row."""
        out = {}
        for name, keys in self._keys().items():
            rows, labels = np.divmod(keys, len(self.names))
            for place, label in enumerate(self.names):
                column = np.zeros(len(self.known), np.int8)
                column[rows[labels == place]] = 1
                out[f"{name}:{label}"] = column
        return out

    def _keys(self) -> dict[str, Integers]:
        return {
            "hits": np.intersect1d(self.right, self.said, assume_unique=True),
            "added": np.setdiff1d(self.said, self.right, assume_unique=True),
            "missed": np.setdiff1d(self.right, self.said, assume_unique=True),
        }


def read_sets(
    metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> Sets:
    """Read both sets of every row.

    A cell is a list of texts, or a text whose labels stand between separators; spaces around a label
    and empty labels count for nothing.  A missing prediction is an empty set: nothing was said.
    """
    columns = [_set_column(metric, name, records) for name in ("label", "prediction")]
    dialect = records.engine.dialect
    selected = [column_expression(name).sql(dialect) for name in (*keep, *columns)]
    named = ", ".join(f"{text} AS c{i}" for i, text in enumerate(selected))
    kept = where_clause(where, dialect)
    table = records.engine.query(f"SELECT {named} FROM {records.source}{kept}")
    cells = [_lists(metric, table[f"c{len(keep) + i}"], records) for i in range(2)]
    known = cells[0].is_valid().to_numpy(zero_copy_only=False)
    flat = [_flat(cell) for cell in cells]
    names = _names(metric, flat)
    right, said = (_keys_of(rows, values, names) for rows, values in flat)
    return Sets(
        kept=table.select(range(len(keep))).rename_columns(list(keep)),
        known=known,
        names=names,
        right=right,
        said=said[known[said // max(len(names), 1)]],
    )


def _set_column(metric: Metric, name: str, records: Records) -> str:
    value = metric.given[name]
    nested = {column.name for column in records.columns if column.kind is Kind.OTHER}
    if isinstance(value, str) and value in nested:
        schema = records.engine.query(f"SELECT * FROM {records.source} LIMIT 0").schema
        held = schema.field(value).type if value in schema.names else None
        if held is not None and (pa.types.is_list(held) or pa.types.is_large_list(held)):
            return value
        raise InputError(
            f"{metric.name}: {value!r} holds {held or 'nested values'}.  A set is a list of texts, or a text such "
            "as 'cat,dog'."
        )
    column = find_column(str(value), records.columns)
    if column.kind is not Kind.TEXT:
        if column.written is not None:
            return column.written
        raise InputError(
            f"{metric.name}: {name} must hold sets of labels, as lists or as texts, but {column.name!r} holds "
            f"{column.kind} values.  Of one label a row: accuracy, f1."
        )
    return column.name


def _lists(metric: Metric, column: pa.ChunkedArray, records: Records) -> pa.Array:
    """Each cell as a list of texts; NULL where it is missing."""
    whole = column.combine_chunks()
    whole = pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole
    if pa.types.is_dictionary(whole.type):
        whole = whole.dictionary_decode()
    if pa.types.is_list(whole.type) or pa.types.is_large_list(whole.type):
        return whole.cast(pa.large_list(pa.string()))
    separator = str(metric.option("separator"))
    if not separator:
        raise InputError(
            f"{metric.name}: separator is empty, but must be what stands between labels."
        )
    missing = compute.is_in(whole, value_set=pa.array(records.missing_values, whole.type))
    texts = compute.if_else(missing, pa.scalar(None, whole.type), whole)
    return compute.split_pattern(texts, separator).cast(pa.large_list(pa.string()))


def _flat(cell: pa.Array) -> tuple[Integers, pa.Array]:
    """Row and text of every label there is."""
    rows = compute.list_parent_indices(cell).to_numpy(zero_copy_only=False).astype(np.int64)
    values = compute.utf8_trim_whitespace(cell.flatten())
    there = compute.fill_null(compute.not_equal(values, ""), fill_value=False)
    return rows[there.to_numpy(zero_copy_only=False)], values.filter(there)


def _names(metric: Metric, flat: Sequence[tuple[Integers, pa.Array]]) -> tuple[str, ...]:
    given = metric.option("labels")
    if given is not None:
        return tuple(str(one) for one in (given if isinstance(given, tuple) else (given,)))
    found = {text for _, values in flat for text in compute.unique(values).to_pylist()}
    if not found:
        raise NoRowError("There is nothing to measure: no row has a label.")
    return tuple(sorted(found))


def _keys_of(rows: Integers, values: pa.Array, names: Sequence[str]) -> Integers:
    """Sorted keys of the labels that have a name; others are no label."""
    places = compute.index_in(values, value_set=pa.array(names, pa.string()))
    named = places.is_valid().to_numpy(zero_copy_only=False)
    codes = places.drop_null().to_numpy(zero_copy_only=False).astype(np.int64)
    return np.unique(rows[named] * len(names) + codes)
