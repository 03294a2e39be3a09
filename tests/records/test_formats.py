"""Every way to hand over the same rows gives the same audit."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

import evenhand
from evenhand.errors import EvenhandError, InputError
from evenhand.metrics import parse_metric
from evenhand.records import Column, Kind, text_files

METRIC = "true_positive_rate(label, prediction)"


def make_rows(n=300, seed=5):
    rng = np.random.default_rng(seed)
    group = rng.choice(["us", "in", 'a"b', "it's", "x, y", "é🙂", None], n)
    return pa.table(
        {
            "accent": pa.array(group.tolist(), pa.string()),
            "age": pa.array(rng.integers(18, 90, n)),
            "speaker": pa.array([f"s{i}" for i in rng.integers(0, 40, n)]),
            "label": pa.array(rng.integers(0, 2, n)),
            "prediction": pa.array(rng.integers(0, 2, n)),
            "score": pa.array(rng.integers(0, 1000, n) / 1000),
        }
    )


ROWS = make_rows()


def delimited(rows, mark, quote=True):
    def cell(value):
        text = "" if value is None else str(value)
        return (
            '"' + text.replace('"', '""') + '"'
            if quote and any(c in text for c in f'{mark}"\n')
            else text
        )

    lines = [mark.join(rows.column_names)]
    lines += [mark.join(cell(value) for value in row.values()) for row in rows.to_pylist()]
    return "\n".join(lines) + "\n"


def json_lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows.to_pylist())


def write_text(name, text):
    def write(folder):
        path = folder / name
        data = text.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return str(path)

    return write


def write_arrow(name, new, compression=None):
    def write(folder):
        options = pa.ipc.IpcWriteOptions(compression=compression)
        with new(str(folder / name), ROWS.schema, options=options) as file:
            file.write_table(ROWS, max_chunksize=70)
        return str(folder / name)

    return write


def write_parquet(folder):
    pq.write_table(ROWS, folder / "r.parquet", row_group_size=50)
    return str(folder / "r.parquet")


def write_glob(folder):
    (folder / "shards").mkdir()
    for i in range(3):
        shard = ROWS.slice(i * 100, 100)
        # Columns may stand in another order in another shard.
        pq.write_table(
            shard.select(shard.column_names[:: -1 if i else 1]), folder / "shards" / f"{i}.parquet"
        )
    return str(folder / "shards" / "*.parquet")


def write_csv_glob(folder):
    for i in range(3):
        shard = ROWS.slice(i * 100, 100)
        (folder / f"part-{i}.csv").write_text(
            delimited(shard.select(shard.column_names[:: -1 if i else 1]), ",")
        )
    return str(folder / "part-?.csv")


def write_duckdb(table="rows", slashes="///", view=False):
    def write(folder):
        with duckdb.connect(str(folder / "r.duckdb")) as connection:
            connection.register("given", ROWS)
            name = '"' + table.replace('"', '""') + '"'
            connection.execute(f"CREATE TABLE {'base' if view else name} AS FROM given")
            if view:
                connection.execute(f"CREATE VIEW {name} AS FROM base")
        place = str(folder / "r.duckdb").removeprefix("/")
        return f"duckdb:{slashes}{place}?table={table.replace(' ', '%20')}"

    return write


SOURCES = {
    "csv": write_text("r.csv", delimited(ROWS, ",")),
    "csv with a byte order mark": write_text("b.csv", "\ufeff" + delimited(ROWS, ",")),
    "csv of Windows": write_text("w.csv", delimited(ROWS, ",").replace("\n", "\r\n")),
    "csv with semicolons": write_text("s.csv", delimited(ROWS, ";")),
    "csv without last newline": write_text("n.csv", delimited(ROWS, ",").rstrip("\n")),
    "csv gzipped": write_text("r.csv.gz", delimited(ROWS, ",")),
    "csv in capitals": write_text("R.CSV", delimited(ROWS, ",")),
    "csv with a hostile name": write_text("a'b \"c; --[1]*.csv", delimited(ROWS, ",")),
    "tsv": write_text("r.tsv", delimited(ROWS, "\t", quote=False)),
    "tsv gzipped": write_text("r.tsv.gz", delimited(ROWS, "\t", quote=False)),
    "json lines": write_text("r.jsonl", json_lines(ROWS)),
    "json lines gzipped": write_text("r.jsonl.gz", json_lines(ROWS)),
    "json lines with blank lines": write_text("k.ndjson", json_lines(ROWS).replace("\n", "\n\n")),
    "a json array": write_text("a.json", json.dumps(ROWS.to_pylist())),
    "parquet": write_parquet,
    "arrow file": write_arrow("r.arrow", pa.ipc.new_file),
    "arrow stream": write_arrow("s.arrow", pa.ipc.new_stream),
    "feather with zstd": write_arrow("z.feather", pa.ipc.new_file, "zstd"),
    "glob of parquet": write_glob,
    "glob of csv": write_csv_glob,
    "duckdb": write_duckdb(),
    "duckdb view": write_duckdb(view=True),
    "duckdb with four slashes": write_duckdb(slashes="////"),
    "duckdb with a hostile table": write_duckdb('calls"; drop'),
    "pandas": lambda _: ROWS.to_pandas(),
    "pandas with arrow types": lambda _: ROWS.to_pandas(types_mapper=pd.ArrowDtype),
    "pandas with categories": lambda _: ROWS.to_pandas().astype(
        {"accent": "category", "speaker": "category"}
    ),
    "pandas with an odd index": lambda _: ROWS.to_pandas().set_index(
        pd.Index(["i"] * 300, name="accent")
    ),
    "polars": lambda _: pl.from_arrow(ROWS),
    "polars with categories": lambda _: pl.from_arrow(ROWS).with_columns(
        pl.col("accent").cast(pl.Categorical)
    ),
    "pyarrow": lambda _: ROWS,
    "pyarrow in chunks": lambda _: pa.concat_tables([ROWS.slice(0, 7), ROWS.slice(7)]),
    "pyarrow batch": lambda _: ROWS.to_batches()[0],
    "pyarrow reader": lambda _: ROWS.to_reader(),
    "pyarrow dictionary": lambda _: ROWS.set_column(
        0, "accent", ROWS["accent"].dictionary_encode()
    ),
    "narwhals": lambda _: nw.from_native(pl.from_arrow(ROWS)),
    "duckdb relation": lambda _: duckdb.connect().from_arrow(ROWS),
    "opened before": lambda _: evenhand.open_records(ROWS),
}
QUESTIONS = [
    {"metric": METRIC, "by": ["accent", "age"], "unit": "speaker"},
    {
        "metric": "brier(label, score)",
        "by": "accent",
        "where": "age >= 30",
        "versus": "accent = 'us'",
    },
]


def facts(audit):
    """All numbers, rounded where the order of a sum may show; not where the rows came from."""
    data = audit.to_dict()
    del data["source"], data["settings"]["command"]

    def rounded(value):
        if isinstance(value, dict):
            return {key: rounded(item) for key, item in value.items()}
        if isinstance(value, list):
            return [rounded(item) for item in value]
        return float(f"{value:.9g}") if isinstance(value, float) else value

    return rounded(data)


@pytest.fixture(scope="module")
def expected():
    return [facts(evenhand.audit(ROWS, **question)) for question in QUESTIONS]


@pytest.mark.parametrize("source", SOURCES)
def test_all_sources_give_the_same_audit(source, expected, tmp_path):
    for question, wanted in zip(QUESTIONS, expected, strict=True):
        folder = tmp_path / question["metric"][:3]
        folder.mkdir()
        found = evenhand.audit(SOURCES[source](folder), **question)
        assert found.source.rows == (
            300 if "where" not in question else wanted["overall"]["n_rows"]
        )
        assert facts(found) == wanted


@pytest.mark.parametrize(
    "source", ["csv", "csv gzipped", "tsv", "json lines", "json lines gzipped", "glob of csv"]
)
def test_text_larger_than_memory_streams_to_the_same_audit(source, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "HELD_BYTES", 10)
    table = evenhand.open_records(SOURCES[source](tmp_path))
    kinds = table.engine.query("SELECT table_type AS t FROM information_schema.tables")[
        "t"
    ].to_pylist()
    assert set(kinds) == {"VIEW"}
    for question, wanted in zip(QUESTIONS, expected, strict=True):
        assert facts(evenhand.audit(table, **question)) == wanted


def test_the_same_audit_twice_is_the_same_to_the_last_bit():
    rng = np.random.default_rng(1)
    n = 4000
    table = pa.table(
        {
            "g": rng.choice(["a", "b", "c"], n),
            "u": rng.integers(0, 300, n).astype(str),
            "label": rng.integers(0, 2, n),
            "prediction": rng.integers(0, 2, n),
            "score": rng.random(n),
        }
    )
    for metric in (METRIC, "mean(score)"):
        found = {evenhand.audit(table, metric=metric, by="g", unit="u").to_json() for _ in range(8)}
        assert len(found) == 1


def test_reading_creates_no_file(tmp_path):
    path = SOURCES["csv"](tmp_path)
    before = sorted(tmp_path.iterdir())
    evenhand.audit(path, metric=METRIC, by="accent")
    for missing in (f"duckdb:///{tmp_path}/none.duckdb?table=t", str(tmp_path / "none.parquet")):
        with pytest.raises(InputError, match="called"):
            evenhand.audit(missing, metric=METRIC, by="accent")
    assert sorted(tmp_path.iterdir()) == before


def test_rows_that_lack_an_attribute_are_counted_and_not_judged():
    table = pa.table({"g": ["a"] * 20 + [None] * 5 + [""] * 3 + ["NA"] * 2, "x": [1, 0] * 15})
    audit = evenhand.audit(table, metric="mean(x)", by="g")
    assert [group.label for group in audit.groups] == ["a"]
    assert [(item.attribute, item.n_rows) for item in audit.missing] == [("g", 10)]
    kept = evenhand.audit(table, metric="mean(x)", by="g", missing_values=())
    assert {group.label for group in kept.groups} == {"a", "", "NA"}


@pytest.mark.parametrize("mark", ["NA", "nan", "?", "null"])
def test_a_text_that_means_missing_is_missing_in_labels_too(mark):
    table = pa.table(
        {"g": ["a", "b"] * 20, "label": [mark, "x"] * 20, "prediction": [mark, "y", "x", "x"] * 10}
    )
    audit = evenhand.audit(table, metric="accuracy(label, prediction)", by="g")
    assert audit.overall.value == 0.5
    assert ("label", 20) in [(item.attribute, item.n_rows) for item in audit.missing]
    opened = evenhand.open_records(table, missing_values=("none of these",))
    kept = evenhand.audit(opened, metric="accuracy(label, prediction)", by="g")
    assert kept.overall.n_rows == 40


def test_not_a_number_in_a_column_is_missing_and_infinity_too():
    values = pa.array([1.5] * 10 + [2.5] * 10 + [float("nan")] * 3 + [float("inf")] * 2 + [None])
    table = pa.table({"g": values, "x": [1, 0] * 13})
    audit = evenhand.audit(table, metric="mean(x)", by="g")
    assert [group.label for group in sorted(audit.groups, key=lambda g: g.label)] == ["1.5", "2.5"]
    assert audit.missing[0].n_rows == 6


# -- column names --------------------------------------------------------------------------------

ODD = [
    '"; drop',
    'a"b',
    "it's",
    "select",
    "a0",
    "s0",
    "w",
    "level",
    "unit",
    "n_rows",
    "label",
    "prediction",
    "score",
    "counted",
    "records",
    "evenhand_edge",
    "edges",
    "scored",
    "block",
    "missing0",
    "hits",
    "reference",
    "evenhand_reference",
    "evenhand:hits",
    "{value}",
    "%s",
    "x,y",
    "ünï 🙂",
    "x\ny",
    "NULL",
    "A0",
    " pad ",
]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


@pytest.fixture(scope="module")
def plain():
    rng = np.random.default_rng(3)
    n = 120
    return {
        "g": rng.choice(["a", "b"], n).tolist(),
        "u": rng.integers(0, 30, n).astype(str).tolist(),
        "y": rng.integers(0, 2, n).tolist(),
        "p": rng.integers(0, 2, n).tolist(),
        "q": rng.random(n).tolist(),
        "t": rng.choice(["a b", "b c"], n).tolist(),
        "h": rng.choice(["a b", "b"], n).tolist(),
    }


def essence(audit):
    return {
        (group.label, round(group.estimate.value, 9), group.estimate.n_rows, group.estimate.n_units)
        for group in audit.groups
    }


ROLES = [
    ("accuracy(y, p)", {"by": "g", "unit": "u"}, "g"),
    ("accuracy(y, p)", {"by": "g", "unit": "u"}, "u"),
    ("auc(y, q)", {"by": "g"}, "q"),
    ("wer(t, h)", {"by": "g", "unit": "u"}, "g"),
    ("wer(t, h)", {"by": "g", "unit": "u"}, "t"),
]


@pytest.fixture(scope="module")
def unnamed(plain):
    return [
        essence(evenhand.audit(pa.table(plain), metric=metric, **options))
        for metric, options, _ in ROLES
    ]


@pytest.mark.parametrize("name", ODD)
def test_a_column_may_have_any_name_as_attribute_unit_and_argument(name, plain, unnamed):
    for (metric, options, column), wanted in zip(ROLES, unnamed, strict=True):
        table = pa.table({name if key == column else key: values for key, values in plain.items()})
        renamed = metric.replace(f"({column},", f"({quoted(name)},").replace(
            f" {column})", f" {quoted(name)})"
        )
        changed = {
            k: ([[name]] if k == "by" else name) if v == column else v for k, v in options.items()
        }
        found = evenhand.audit(
            table, metric=renamed, where=f"{quoted(name)} IS NOT NULL", **changed
        )
        assert essence(found) == wanted, (metric, column)


@pytest.mark.parametrize("name", ODD)
def test_the_reported_expression_parses_back(name):
    columns = [Column(name=name, kind=Kind.INTEGER), Column(name="p_", kind=Kind.INTEGER)]
    metric = parse_metric(f"true_positive_rate({quoted(name)}, prediction=p_ >= 1)", columns)
    assert parse_metric(metric.text, columns) == metric


def test_columns_that_differ_in_case_only_are_told_apart_or_refused():
    rows = pa.table({"g": ["a", "b"] * 20, "G": ["x"] * 40, "x": [0, 1] * 20})
    try:
        audit = evenhand.audit(rows, metric="mean(x)", by="G")
    except EvenhandError as error:
        assert "Did you mean 'g'" not in str(error)  # noqa: PT017 - a refusal must say what is wrong
    else:
        assert [group.label for group in audit.groups] == ["x"]


def test_two_audits_share_no_tables():
    """Two opened tables live apart, whatever their engines keep."""
    first, second = (
        evenhand.open_records(pa.table({"g": ["a", "b"] * 9, "x": [i] * 18})) for i in (1, 2)
    )
    first.engine.execute("CREATE TEMP TABLE scored AS SELECT 1 AS one")
    second.engine.execute("CREATE TEMP TABLE scored AS SELECT 2 AS one")
    assert first.engine.query("FROM scored")["one"].to_pylist() == [1]
    values = [
        evenhand.audit(table, metric="mean(x)", by="g").overall.value for table in (first, second)
    ]
    assert values == [1.0, 2.0]


def test_audits_in_threads_give_what_they_give_alone():
    def score(words):
        table = pa.table({"g": ["a", "b"] * 20, "t": ["a b c d"] * 40, "h": [words] * 40})
        return evenhand.audit(table, metric="wer(t, h)", by="g").overall.value

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(score, ["a b c d", "a b c", "a b", "a"])) == [0.0, 0.25, 0.5, 0.75]
