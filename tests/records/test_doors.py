"""Nothing that goes in is changed, dropped or misread in silence: files as people have them."""

import csv
import gzip
import io
import json

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import evenhand
from evenhand.errors import EvenhandError, FaultsError, InputError
from evenhand.records import Kind, open_records

MANY = 25_000  # more rows than engines look at before they decide


def write(folder, name, text, encoding="utf-8"):
    path = folder / name
    data = text if isinstance(text, bytes) else text.encode(encoding)
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return str(path)


def as_name(name, text):
    return text.replace(",", "\t") if name.startswith("t.tsv") else text


def kinds(path, **options):
    return {column.name: column.kind for column in open_records(path, **options).columns}


def values(path, column, **options):
    table = open_records(path, **options)
    found = table.engine.query(f'SELECT "{column}" AS v FROM {table.source}')["v"]
    return found.to_pylist()


# -- one typing rule at any size ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.csv.gz", "t.tsv.gz"])
def test_decimals_after_twenty_thousand_whole_numbers_are_not_rounded(name, tmp_path):
    rows = "".join(f"{'ab'[i % 2]},1,{1 if i < MANY else 1.4}\n" for i in range(30_000))
    path = write(tmp_path, name, as_name(name, "g,t,p\n" + rows))
    audit = evenhand.audit(path, metric="mae(t, p)", by="g")
    assert audit.overall.value == pytest.approx(0.4 * 5000 / 30_000)


LATE = {
    "10": ("10.5", Kind.NUMBER),
    "7": ("007", Kind.TEXT),
    "2026-01-01": ("2026-01-01 09:30:00", Kind.TEXT),
    "true": ("yes", Kind.TEXT),
    "1": ("X12", Kind.TEXT),
    "2": ("12345678901234567890", Kind.TEXT),
    "3": ("1e400", Kind.TEXT),
    "4": ("1_000", Kind.TEXT),
    "5": ("0x1F", Kind.TEXT),
    "6": ("12:30", Kind.TEXT),
    "0.5": ("half", Kind.TEXT),
}


@pytest.mark.parametrize("early", LATE)
@pytest.mark.parametrize("rows", [400, MANY])
def test_what_fits_a_type_only_in_part_is_text_as_written_at_any_size(early, rows, tmp_path):
    late, kind = LATE[early]
    path = write(tmp_path, "t.csv", "x,y\n" + f"{early},1\n" * rows + f"{late},0\n")
    assert kinds(path)["x"] is kind
    found = values(path, "x")
    wanted = [float(early), float(late)] if kind is Kind.NUMBER else [early, late]
    assert [found[0], found[-1]] == wanted


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_numbers_after_twenty_thousand_empty_fields_are_numbers(form, tmp_path):
    if form == "csv":
        text = "v,y\n" + ",1\n" * MANY + "".join(f"{i}.5,0\n" for i in range(10))
    else:
        text = '{"v": null, "y": 1}\n' * MANY + "".join(
            f'{{"v": {i}.5, "y": 0}}\n' for i in range(10)
        )
    path = write(tmp_path, f"t.{form}", text)
    assert kinds(path)["v"] is Kind.NUMBER
    assert evenhand.audit(path, metric="mean(v)", by="y").overall.value == pytest.approx(5.0)


def test_text_stays_as_written(tmp_path):
    text = (
        "code,version,hour,answer,big\n007,1.0,09:30,yes,12345678901234567890\n010,v2,10:00,no,1\n"
    )
    path = write(tmp_path, "t.csv", text)
    assert set(kinds(path).values()) == {Kind.TEXT}
    assert values(path, "code") == ["007", "010"]
    assert values(path, "version") == ["1.0", "v2"]


def test_strings_of_json_are_never_made_numbers(tmp_path):
    path = write(tmp_path, "t.jsonl", '{"c": "007", "d": "2026-01-02", "m": 10}\n' * 3)
    assert kinds(path) == {"c": Kind.TEXT, "d": Kind.DATE, "m": Kind.INTEGER}


def test_a_code_of_json_that_is_a_number_or_a_text_is_text(tmp_path):
    path = write(tmp_path, "t.jsonl", '{"c": 10, "y": 1}\n{"c": "X", "y": 0}\n' * 20)
    audit = evenhand.audit(path, metric="mean(y)", by="c")
    assert {group.label: group.estimate.value for group in audit.groups} == {"10": 1.0, "X": 0.0}


# -- where a person knows better ---------------------------------------------------------------------


def test_declared_types_are_taken(tmp_path):
    path = write(tmp_path, "t.csv", "age,code,when\n007,12,31/12/2026\n8,13,01/02/2026\n")
    declared = "age=number, code=text, when=date:%d/%m/%Y"
    assert kinds(path, columns=declared) == {
        "age": Kind.NUMBER,
        "code": Kind.TEXT,
        "when": Kind.DATE,
    }
    assert values(path, "age", columns=declared) == [7.0, 8.0]
    assert values(path, "code", columns=declared) == ["12", "13"]
    assert str(values(path, "when", columns=declared)[1]) == "2026-02-01 00:00:00"


def test_a_value_that_is_not_of_the_declared_type_is_told_with_its_line(tmp_path):
    path = write(tmp_path, "t.csv", "age\n5\nNA\nold\n")
    with pytest.raises(FaultsError, match=r"line 4: `age` is 'old', but was declared number"):
        open_records(path, columns={"age": "number"})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("age=nummer", "Allowed: number, integer, text"),
        ("agee=number", "Did you mean 'age'"),
        ("age", "Write names and types"),
        ("age=number, age=text", "twice"),
        (5, "must be names and types"),
    ],
)
def test_a_declaration_that_cannot_be_read_is_refused(columns, message, tmp_path):
    path = write(tmp_path, "t.csv", "age\n5\n")
    with pytest.raises(InputError, match=message):
        open_records(path, columns=columns)


# -- missing, once -----------------------------------------------------------------------------------


def test_na_of_r_is_missing_in_every_column_and_counted(tmp_path):
    rows = "".join(
        f"{'NA' if i % 10 == 0 else 20 + i % 40},{'ab'[i % 2]},{'NA' if i % 8 == 0 else i % 2},"
        f"{'NA' if i % 9 == 0 else 0.5}\n"
        for i in range(720)
    )
    path = write(tmp_path, "t.csv", "age,g,y,s\n" + rows)
    assert kinds(path) == {"age": Kind.INTEGER, "g": Kind.TEXT, "y": Kind.INTEGER, "s": Kind.NUMBER}
    audit = evenhand.audit(path, metric="brier(y, s)", by=["g", "age"])
    found = {item.attribute: item.n_rows for item in audit.missing}
    assert (found["y"], found["s"]) == (90, 80)
    assert found["age"] > 0
    assert len({group.label for group in audit.groups if group.by == ("age",)}) <= 4


def test_another_text_that_means_missing_can_be_named(tmp_path):
    path = write(tmp_path, "t.csv", "y,g\n" + "1,a\n0,b\n-,a\n" * 20)
    assert kinds(path, missing_values=("-",))["y"] is Kind.INTEGER
    opened = open_records(path, missing_values=("-",))
    audit = evenhand.audit(opened, metric="mean(y)", by="g")
    assert [(item.attribute, item.n_rows) for item in audit.missing] == [("y", 20)]


@pytest.mark.parametrize("sink", ["csv", "parquet", "frame"])
def test_rows_without_a_unit_are_counted(sink, tmp_path):
    clients = ["NA" if i % 10 == 0 else f"c{i % 50}" for i in range(400)]
    table = pa.table({"g": ["a", "b"] * 200, "y": [0, 1, 1, 0] * 100, "client": clients})
    if sink == "csv":
        rows = "".join(f"{r['g']},{r['y']},{r['client']}\n" for r in table.to_pylist())
        source = write(tmp_path, "t.csv", "g,y,client\n" + rows)
    elif sink == "parquet":
        pq.write_table(table, tmp_path / "t.parquet")
        source = str(tmp_path / "t.parquet")
    else:
        source = table
    audit = evenhand.audit(source, metric="mean(y)", by="g", unit="client")
    assert [(item.attribute, item.n_rows) for item in audit.missing] == [("client", 40)]
    assert audit.overall.n_rows == 360


def test_a_quoted_empty_transcript_is_silence_and_a_bare_one_is_missing(tmp_path):
    rows = '"",four words were heard\n' * 12 + "one two three,one two three\n" * 48
    path = write(tmp_path, "t.csv", "reference,hypothesis\n" + rows + ",lost\n")
    audit = evenhand.audit(
        open_records(path), metric="wer(reference, hypothesis)", by="reference IS NOT NULL"
    )
    assert audit.overall.value == pytest.approx(48 / 144)
    assert [(item.attribute, item.n_rows) for item in audit.missing] == [("reference", 1)]


@pytest.mark.parametrize(
    "metric",
    ["brier(y, s)", "mean(s)", "mae(y, s)", "false_positive_rate(label=y, prediction=s >= 0.5)"],
)
def test_not_a_number_is_missing_in_every_metric(metric):
    table = pa.table({"g": ["a", "b"] * 20, "y": [0, 1] * 20, "s": [0.5, float("nan")] * 20})
    audit = evenhand.audit(table, metric=metric, by="y", worse="higher")
    assert audit.overall.n_rows == 20
    assert sum(item.n_rows for item in audit.missing if item.attribute != "y") == 20


def test_what_somebody_chose_to_say_is_a_group(tmp_path):
    said = ["prefer not to say", "unknown", "none", "other", "keine Angabe", "n/a"]
    rows = "".join(f"{said[i % 6]},{i % 2}\n" for i in range(240))
    audit = evenhand.audit(
        write(tmp_path, "t.csv", "g,y\n" + rows), metric="mean(y)", by="g", worse="higher"
    )
    assert {g.label for g in audit.groups} == {"prefer not to say", "unknown", "none", "other"}
    assert [(item.attribute, item.n_rows) for item in audit.missing] == [("g", 80)]


# -- transcripts of digits ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "texts", [["1", "2"], ["007", "7"], ["1.0", "2.50"], ["2026-01-01", "x"], ["true", "false"]]
)
@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl"])
def test_transcripts_of_digits_are_text_as_written(texts, form, tmp_path):
    if form == "jsonl":
        text = "".join(
            json.dumps({"r": t, "h": t, "g": "ab"[i]}) + "\n" for i, t in enumerate(texts)
        )
    else:
        mark = "," if form == "csv" else "\t"
        text = mark.join("rhg") + "\n"
        text += "".join(mark.join([t, t, "ab"[i]]) + "\n" for i, t in enumerate(texts))
    path = write(tmp_path, f"t.{form}", text)
    audit = evenhand.audit(path, metric="wer(r, h, normalizer='none')", by="g")
    assert audit.overall.value == 0
    assert audit.overall.denominator == len(texts)


def test_007_is_not_7_to_a_transcript(tmp_path):
    path = write(tmp_path, "t.csv", "r,h,g\n" + "07,7,a\n7,7,b\n" * 10)
    audit = evenhand.audit(path, metric="wer(r, h)", by="g")
    assert {g.label: g.estimate.value for g in audit.groups} == {"a": 1.0, "b": 0.0}


# -- spreadsheets ------------------------------------------------------------------------------------


def test_semicolons_and_decimal_commas_are_read(tmp_path):
    path = write(tmp_path, "t.csv", "g;y;s\n" + "a;1;0,25\nb;0;0,5\n" * 20)
    audit = evenhand.audit(path, metric="brier(y, s)", by="g")
    assert audit.overall.value == pytest.approx((0.75**2 + 0.5**2) / 2)
    assert open_records(path).notes[0].code == "decimal_comma"


def test_points_that_may_part_thousands_are_not_guessed(tmp_path):
    path = write(tmp_path, "t.csv", "g;s;n\n" + "a;0,25;1.234\nb;0,5;2.000\n" * 20)
    assert kinds(path)["n"] is Kind.TEXT
    with pytest.raises(InputError, match=r"n=number.*|n=decimal-comma"):
        evenhand.audit(path, metric="mean(n)", by="g", worse="higher")
    assert values(path, "n", columns="n=decimal-comma")[0] == 1234.0


@pytest.mark.parametrize(
    ("cells", "ways"),
    [
        (['"1,234"', '"2,000"'], ["decimal-comma", "thousands-comma"]),
        (['"1,5"', '"2,25"'], ["decimal-comma"]),
        (['"1,234.50"', '"12,000.00"'], ["thousands-comma"]),
        (["12%", "5 %"], ["percent"]),
        (["007", "010"], ["number"]),
    ],
)
def test_numbers_with_other_marks_are_text_and_the_next_step_is_told(cells, ways, tmp_path):
    path = write(tmp_path, "t.csv", "g,n\n" + f"a,{cells[0]}\nb,{cells[1]}\n" * 20)
    with pytest.raises(InputError, match="can be read as numbers") as caught:
        evenhand.audit(path, metric="mean(n)", by="g", worse="higher")
    for way in ways:
        assert f"--columns 'n={way}'" in str(caught.value)
        opened = open_records(path, columns=f"n={way}")
        assert evenhand.audit(opened, metric="mean(n)", by="g", worse="higher").overall.n_rows == 40


def test_two_decimal_marks_in_one_column_are_told_with_their_lines(tmp_path):
    path = write(tmp_path, "t.csv", "g;s\n" + "a;0.5\nb;0.25\n" * 20 + "a;0,75\n")
    with pytest.raises(FaultsError, match=r"line 42: `s` is '0,75', but its column holds numbers"):
        evenhand.audit(path, metric="mean(s)", by="g", worse="higher")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
@pytest.mark.parametrize("name", ["t.csv", "t.tsv"])
def test_unicode_text_of_excel_is_read(encoding, name, tmp_path):
    text = "name,y\nMüller,1\n“Čapek”,0\n"
    path = write(tmp_path, name, as_name(name, text).replace("\n", "\r\n"), encoding)
    assert values(path, "name") == ["Müller", "“Čapek”"]


def test_windows_1252_is_read_and_said(tmp_path):
    path = write(tmp_path, "t.csv", "name,y\nMüller,1\n“quoted” – 5 €,0\n" * 20, "cp1252")
    table = open_records(path)
    assert values(path, "name")[:2] == ["Müller", "“quoted” – 5 €"]
    assert "Windows-1252" in table.notes[0].text
    assert "one of its words is 'Müller'." in table.notes[0].text


def test_damaged_utf8_is_not_taken_for_another_encoding(tmp_path):
    data = "name,y\nMüller,1\n".encode() + "Müller,0\n".encode("latin-1")
    with pytest.raises(FaultsError, match=r"line 3: byte 0xFC at column 2 is not UTF-8"):
        open_records(write(tmp_path, "t.csv", data))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Survey of 2026\ng,y\na,1\nb,0\n", r"line 1 is no header.*title.*tail -n \+2"),
        ("g,y\na;1\nb;0\n", "header is separated by commas, but the rows by semicolons"),
        ("Group,group\na,b\n", "Group, group differ in case only"),
        ("g,y,g\na,1,b\n", "'g' stands 2 times"),
        ("g,y\na,1\nb\n", "line 3: 1 fields, but the header has 2"),
        ('g,y\na,"1\nb,0\n', "line 2"),
        ("g\x00,y\na,1\n", "NUL bytes"),
    ],
)
def test_a_file_that_is_no_table_says_why_and_where(text, message, tmp_path):
    with pytest.raises(InputError, match=message):
        open_records(write(tmp_path, "t.csv", text))


@pytest.mark.parametrize("name", ["t.sav", "t.dta", "t.rds", "t.zip", "t.duckdb", "t.txt"])
def test_a_file_of_another_program_names_the_next_step(name, tmp_path):
    with pytest.raises(InputError, match=r"Run:|run:|Unpack|In R:|duckdb:///|call it"):
        open_records(write(tmp_path, name, b"PK\x03\x04"))


def test_columns_that_differ_in_case_are_refused_in_parquet_and_json_too(tmp_path):
    pq.write_table(pa.table({"A": [1], "a": [2]}), tmp_path / "t.parquet")
    path = write(tmp_path, "t.jsonl", '{"A": 1, "a": 2}\n')
    for source in (str(tmp_path / "t.parquet"), path):
        with pytest.raises(InputError, match="differ in case only"):
            open_records(source)


def test_half_a_surrogate_in_json_is_told_with_its_line(tmp_path):
    path = write(tmp_path, "t.jsonl", '{"a": "x"}\n{"a": "\\ud83d"}\n')
    with pytest.raises(FaultsError, match=r"line 2: \\ud83d is half of a character"):
        open_records(path)


def test_lines_that_end_in_several_ways_are_read(tmp_path):
    path = write(tmp_path, "t.csv", 'g,y\na,1\r\n"b\nc",0\nd,1\r\n')
    assert values(path, "g") == ["a", "b\nc", "d"]


def test_a_copy_of_another_encoding_is_gone_with_its_table(tmp_path, monkeypatch):
    copies = tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(copies))
    table = open_records(write(tmp_path, "t.csv", "g,y\nä,1\n", "utf-16"))
    assert list(copies.iterdir())
    table.close()
    del table
    assert not list(copies.iterdir())


def test_a_table_of_another_schema_is_found_by_its_name(tmp_path):
    with duckdb.connect(str(tmp_path / "f.db")) as connection:
        connection.execute("CREATE SCHEMA s1; CREATE TABLE s1.t2 AS SELECT 1 AS y, 'a' AS g")
    assert [c.name for c in open_records(f"duckdb:///{tmp_path}/f.db?table=s1.t2").columns] == [
        "y",
        "g",
    ]
    with pytest.raises(InputError, match=r"Tables: s1\.t2"):
        open_records(f"duckdb:///{tmp_path}/f.db?table=t2")


# -- messy files against plain Python ----------------------------------------------------------------

CELLS = st.one_of(
    st.sampled_from(["", "NA", "NaN", "n/a", "null", "0", "1", "2", "1.5", "-3", "1e3", "007", "yes",
                     "true", "1,5", "a b", "é", 'say "hi"', "2026-01-01", "10:30", "x;y", "l\nine"]),
    st.integers(-999, 999).map(str),
    st.decimals(-99, 99, places=2).map(str),
)  # fmt: skip


@st.composite
def messy(draw):
    """Text of a file, and the rows that a person sees in it."""
    separator = draw(st.sampled_from([",", ";", "\t", "|"]))
    width, height = draw(st.integers(2, 4)), draw(st.integers(1, 8))
    palette = [draw(st.lists(CELLS, min_size=1, max_size=4)) for _ in range(width)]
    rows = [[draw(st.sampled_from(palette[c])) for c in range(width)] for _ in range(height)]
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, quoting=quoting, lineterminator=end)
    writer.writerow([f"c{i}" for i in range(width)])
    writer.writerows(rows)
    text = out.getvalue()
    if draw(st.integers(0, 9)) == 0:
        text += separator.join(["1"] * (width + 1)) + end  # ragged
        rows = None
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
    return text.encode(encoding), rows, quoting == csv.QUOTE_ALL


def is_missing(text):
    from evenhand.records import MISSING_VALUES

    return text.strip() in ("", *MISSING_VALUES)


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(messy())
def test_a_messy_file_is_read_right_or_refused_never_wrong(tmp_path, drawn):
    data, rows, _quoted = drawn
    path = tmp_path / "messy.csv"
    path.write_bytes(data)
    if rows is None:
        with pytest.raises(EvenhandError, match=r"fields|header"):
            open_records(str(path))
        return
    table = open_records(str(path))
    found = table.engine.query(f"SELECT * FROM {table.source}").to_pylist()
    assert len(found) == len(rows)
    for place, column in enumerate(table.columns):
        for wanted, row in zip((row[place] for row in rows), found, strict=True):
            check_cell(column, wanted, row[column.name])


def check_cell(column, wanted, value):
    match column.kind:
        case Kind.TEXT:
            assert value == wanted or (value is None and wanted == "")
        case Kind.INTEGER | Kind.NUMBER:
            if is_missing(wanted):
                assert value is None
            else:
                assert value == float(wanted.replace(",", "."))
                assert not wanted.startswith("00")
        case Kind.BOOLEAN:
            assert value is None if is_missing(wanted) else str(value).lower() == wanted
        case Kind.DATE:
            assert value is None if is_missing(wanted) else str(value)[:10] == wanted[:10]
