"""JsonColumns of JSON that an engine holds, each as what its values are: numbers, truth or text."""

from collections.abc import Sequence

from evenhand.deferred import pyarrow as pa
from evenhand.records.column_types import quoted, text_literal
from evenhand.records.engines.duckdb import DuckDBEngine
from evenhand.records.logs.row import DEPTH
from evenhand.records.logs.spool import SCORE, LogPart, held

_WHOLE = {"BIGINT", "UBIGINT", "HUGEINT"}
_NUMBERS = {*_WHOLE, "DOUBLE"}
#: Numbers in a list that are a log-likelihood and what it is divided by.
_PAIR = 2


class JsonColumns:
    """JsonColumns that are made of those of JSON.

    Parameters
    ----------
    engine : DuckDBEngine
    rows : str
        FROM clause of the columns of JSON.
    """

    def __init__(self, engine: DuckDBEngine, rows: str) -> None:
        self._engine, self._rows = engine, rows
        self._values: dict[str, str] = {}
        self._types: dict[str, pa.DataType] = {}

    def add(self, name: str, value: str, type_: pa.DataType | None = None) -> None:
        """A column by its expression."""
        self._values[name], self._types[name] = value, type_ or pa.string()

    def text(self, name: str, column: str) -> None:
        """A column of JSON as text."""
        self.add(name, one_text(column))

    def score(self, name: str, column: str) -> str:
        """A score of JSON; two numbers in a list are a log-likelihood and what it is divided by."""
        types = self._kinds(column)
        pairs = f"json_type({column}) = 'ARRAY' AND json_array_length({column}) = {_PAIR}"
        if types == {"ARRAY"} and not self._some(
            f"NOT ({pairs} AND TRY_CAST({column}->>0 AS DOUBLE) IS NOT NULL"
            f" AND TRY_CAST({column}->>1 AS DOUBLE) IS NOT NULL)"
        ):
            for place, part in enumerate(("loglikelihood", "weight")):
                value = f"CAST({column}->>{place} AS DOUBLE)"
                self.add(f"{SCORE}{name}_{part}", value, pa.float64())
            return column
        if types <= {*_NUMBERS, "BOOLEAN"}:
            truth = f"CASE {column}->>'$' WHEN 'true' THEN 1 WHEN 'false' THEN 0"
            self.add(
                f"{SCORE}{name}", f"{truth} ELSE CAST({column}->>'$' AS DOUBLE) END", pa.float64()
            )
        else:
            self.text(f"{SCORE}{name}", column)
        return column

    def members(self, who: str, column: str) -> None:
        """Members of objects of JSON; those of objects in them by both names, lists as text."""
        if self._kinds(column) - {"OBJECT"}:
            self.text(
                f"{who}{column}", f"CASE WHEN json_type({column}) <> 'OBJECT' THEN {column} END"
            )
        self._members(who, column, "", "", DEPTH, frozenset())

    def _members(
        self, who: str, column: str, path: str, name: str, depth: int, taken: frozenset[str]
    ) -> None:
        keys = self._engine.query(
            f"SELECT DISTINCT unnest(json_keys({column}, {text_literal(path)})) AS key FROM {self._rows}"
        )["key"].to_pylist()
        order = self._order(column, path)
        keys.sort(key=lambda key: (order.index(key) if key in order else len(order), key))
        places = [path + "/" + key.replace("~", "~0").replace("/", "~1") for key in keys]
        parts = [f"json_extract({column}, {text_literal(place)})" for place in places]
        names = taken | {f"{name}{key}" for key in keys}
        for key, place, part, types in zip(
            keys, places, parts, self._kinds_of(column, places), strict=True
        ):
            told = f"{name}{key}"
            # What stands under this name already keeps it.
            told = f"{name[:-1]}.{key}" if told in taken or who + told in self._values else told
            value = f"({part})->>'$'"
            if types <= _WHOLE and types:
                self.add(who + told, f"CAST({value} AS BIGINT)", pa.int64())
            elif types <= _NUMBERS and types:
                self.add(who + told, f"CAST({value} AS DOUBLE)", pa.float64())
            elif types == {"BOOLEAN"}:
                self.add(who + told, f"CAST({value} AS BOOLEAN)", pa.bool_())
            elif "OBJECT" in types and depth > 1:
                if types != {"OBJECT"}:
                    self.add(
                        who + told, f"CASE WHEN json_type({part}) <> 'OBJECT' THEN {value} END"
                    )
                self._members(who, column, place, f"{told}_", depth - 1, names)
            elif types:
                self.add(who + told, value)

    def _order(self, column: str, path: str) -> list[str]:
        """Keys as the first row has them."""
        found = self._engine.query(
            f"SELECT json_keys({column}, {text_literal(path)}) AS keys FROM {self._rows} "
            f"WHERE {column} IS NOT NULL LIMIT 1"
        )["keys"].to_pylist()
        return list(found[0] or []) if found else []

    def _kinds(self, column: str) -> set[str]:
        return self._kinds_of(column, [""])[0]

    def _kinds_of(self, column: str, places: Sequence[str]) -> list[set[str]]:
        """Types of the values at each place; where there are no values, there are none."""
        if not places:
            return []
        asked = ", ".join(
            f"list(DISTINCT json_type({column}, {text_literal(place)})) AS k{number}"
            for number, place in enumerate(places)
        )
        row = self._engine.query(f"SELECT {asked} FROM {self._rows}").to_pylist()[0]
        return [set(row[f"k{number}"] or ()) - {None, "NULL"} for number in range(len(places))]

    def _some(self, condition: str) -> bool:
        found = self._engine.query(f"SELECT 1 AS one FROM {self._rows} WHERE {condition} LIMIT 1")
        return bool(found.num_rows)

    def part(self) -> LogPart:
        """The columns as a query."""
        columns = ", ".join(
            f"{value} AS {quoted(held(name))}" for name, value in self._values.items()
        )
        return LogPart(f"SELECT {columns} FROM {self._rows}", self._types)


def one_text(column: str) -> str:
    """A value of JSON as text: a text as it is, a list of one as its value, anything else as JSON."""
    one = f"json_type({column}) = 'ARRAY' AND json_array_length({column}) = 1"
    return f"CASE WHEN {one} THEN ({column})->>0 ELSE ({column})->>'$' END"
