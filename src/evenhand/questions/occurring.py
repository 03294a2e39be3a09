"""Which of some texts are values of a table: asked for by name, so that no column is read whole."""

from collections.abc import Iterator, Sequence

from sqlglot import exp

from evenhand.groups.predicate import column_expression
from evenhand.records import Kind, Records, find_column


def occurring(
    records: Records, columns: Sequence[str], names: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Columns with those of their values, as text, that are named: ``Other``, or ``race=Other`` for one column."""
    dialect = records.engine.dialect
    for column in columns:
        texts = sorted({name.removeprefix(f"{column}=") for name in names})
        if find_column(column, records.columns).kind is Kind.BOOLEAN:
            yield from ((column, text) for text in texts if text in ("True", "False"))
            continue
        value = f"CAST({column_expression(column).sql(dialect)} AS VARCHAR)"
        among = ", ".join(exp.Literal.string(text).sql(dialect) for text in texts)
        rows = records.engine.query(
            f"SELECT DISTINCT {value} AS value FROM {records.source} WHERE {value} IN ({among})"
        )
        yield from ((column, str(text)) for text in rows["value"].to_pylist())
