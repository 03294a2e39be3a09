"""The query that counts, as it is written for each warehouse: frozen as text, and the same counts when it is read back.

No warehouse is asked here.  What is checked: the text is what it was (``written/``; ``EVENHAND_WRITE=1`` writes it anew),
and DuckDB, to which sqlglot translates it back, counts the same.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import sqlglot
from tests.records.questions import made_rows

from evenhand.cubes import build_cube
from evenhand.cubes.joint_query import cells_query, units_query
from evenhand.cubes.query import CubeQuery
from evenhand.groups import Attribute, parse_predicate
from evenhand.metrics import parse_metric
from evenhand.records import DuckDBEngine, open_records
from evenhand.records.dialect import dialect_of, spoken
from evenhand.records.native_types import load_native
from evenhand.records.table import Records

WRITTEN = Path(__file__).parent / "written"
#: What each warehouse calls the types of the columns that are asked for.
TYPES = {
    "bigquery": {"accent": "STRING", "age": "INT64", "label": "INT64", "prediction": "INT64", "score": "FLOAT64", "speaker": "STRING", "Mixed Case": "STRING"},
    "databricks": {"accent": "string", "age": "int", "label": "smallint", "prediction": "bigint", "score": "double", "speaker": "string", "Mixed Case": "string"},
    "redshift": {"accent": "character varying", "age": "integer", "label": "smallint", "prediction": "bigint", "score": "double precision", "speaker": "character varying", "Mixed Case": "character varying"},
    "snowflake": {"accent": "TEXT", "age": "NUMBER", "label": "NUMBER", "prediction": "NUMBER", "score": "FLOAT", "speaker": "TEXT", "Mixed Case": "TEXT"},
    "trino": {"accent": "varchar", "age": "integer", "label": "smallint", "prediction": "bigint", "score": "double", "speaker": "varchar", "Mixed Case": "varchar"},
}  # fmt: skip
ACCENT, AGE = Attribute(name="accent"), Attribute(name="age", edges=(30, 60.5))
#: Name of a question: metric, attributes, unit, filter.
QUESTIONS = {
    "rates": ("accuracy(label, prediction)", (ACCENT, AGE), None, None),
    "units": ("f1(label, prediction)", (ACCENT,), "speaker", None),
    "numbers": ("mean(score)", (ACCENT,), None, "score < 0.7 AND \"Mixed Case\" = 'x'"),
    "squares": ("rmse(age, score)", (ACCENT,), None, None),
    "levels": ("auc(label, score)", (ACCENT,), None, None),
}  # fmt: skip


class Translated:
    """A warehouse that is DuckDB behind a translation."""

    def __init__(self, name, table):
        self.name, self.dialect = name, spoken(name)
        self.inner = DuckDBEngine()
        self.inner.register("calls", table)

    def query(self, sql):
        return self.inner.query(sqlglot.transpile(sql, read=self.name, write="duckdb")[0])

    def types_of(self, source):
        assert source == "calls"
        return TYPES[self.name]

    def close(self):
        self.inner.close()


def opened(name) -> Records:
    engine = Translated(name, made_rows().select(list(TYPES[name])))
    loaded = load_native(engine, "calls", {})
    return Records(name=name, engine=engine, source=loaded.source, columns=loaded.columns)


def asked(records, question):
    metric, attributes, unit, where = QUESTIONS[question]
    plan = parse_metric(metric, records.columns).plan(records)
    kept = where and parse_predicate(where, records.columns)
    return plan, attributes, unit, kept


@pytest.fixture(params=list(TYPES))
def warehouse(request):
    records = opened(request.param)
    yield records
    records.close()


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_query_of_a_warehouse_is_written_as_it_was(warehouse, question):
    plan, attributes, unit, where = asked(warehouse, question)
    form = plan.form if not unit else None
    query = CubeQuery(
        warehouse, plan.measure, attributes, unit, where, warehouse.missing_values, form=form
    )
    queries = [cells_query([query]), *([units_query([query])] if unit else [])]
    text = ";\n".join(one.sql for one in queries) + "\n"
    text = text.replace(" FROM ", "\nFROM ").replace(" GROUP BY ", "\nGROUP BY ")
    path = WRITTEN / f"{warehouse.name}-{question}.sql"
    if os.environ.get("EVENHAND_WRITE"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_is_written_for_a_warehouse_counts_the_same(warehouse, question):
    cubes = []
    for records in (open_records(made_rows()), warehouse):
        plan, attributes, unit, where = asked(records, question)
        cubes.append(build_cube(records, plan.measure, attributes, unit=unit, where=where))
    here, there = cubes
    assert here.keys == there.keys
    assert here.meaning == there.meaning
    np.testing.assert_array_equal(here.n_rows, there.n_rows)
    np.testing.assert_allclose(here.sums, there.sums, rtol=1e-12)
    np.testing.assert_allclose(here.comoments, there.comoments, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["duckdb", "postgres", "spark", *TYPES])
def test_a_dialect_says_all_that_is_asked_of_it(name):
    dialect = dialect_of(name)
    for reading in (dialect.text, *dialect.types.values(), *dialect.declared.values()):
        assert reading.sql.count("{}") == 1
    assert dialect.declared.keys() in (set(), {"text", "number", "integer", "boolean", "date"})
    assert all(type_ == type_.lower() for type_ in dialect.types)
    assert sqlglot.parse_one(f"SELECT {dialect.covariance.format('a', 'b')}", read=name)


@pytest.mark.parametrize("name", ["postgres", "spark", *TYPES])
def test_a_text_is_written_as_each_dialect_escapes_it(name):
    text = sqlglot.exp.Literal.string("\\N it's").sql(spoken(name))
    assert sqlglot.parse_one(text, read=name).this == "\\N it's"
