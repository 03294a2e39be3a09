"""What is wrong with a file is told at once, with its place, and is never a traceback."""

import gzip
import json
import re
import shlex

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

import evenhand
from evenhand.errors import EvenhandError, FaultsError, InputError
from evenhand.records import text_files

HEADER = "g,label,score\n"
ROWS = "".join(f"{'ab'[i % 2]},{i % 2},0.{i % 10}\n" for i in range(40))
OBJECT = '{"g": "a", "label": 1, "score": 0.5}\n'


def audit(path, metric="brier(label, score)", **options):
    return evenhand.audit(str(path), metric=metric, by="g", **options)


def write(folder, name, content):
    path = folder / name
    data = content if isinstance(content, bytes) else content.encode()
    if name.lower().endswith(".gz") and not data.startswith(b"\x1f\x8b"):
        data = gzip.compress(data)
    path.write_bytes(data)
    return path


def lines_of(error):
    return [fault.line for fault in error.faults]


# Content after the header (line 1) and 40 rows (lines 2 to 41).
SHAPES = {
    "a short row": (ROWS + "a,1\n" + ROWS, [42]),
    "two short rows": (ROWS + "a,1\n" + ROWS + "b\n", [42, 83]),
    "a long row": (ROWS + "a,1,0.5,9\n" + ROWS, [42]),
    "many long rows": (ROWS + "a,1,0.5,9\n" * 3 + ROWS, [42, 43, 44]),
    "a short and a long row": (ROWS + "a,1\n" + ROWS + "b,1,0.5,7,7\n", [42, 83]),
    "a long row first": ("a,1,0.5,9\n" + ROWS, [2]),
    "a short row first": ("a,1\n" + ROWS, [2]),
    "a long row last": (ROWS + "a,1,0.5,9\n", [42]),
    "quoted newlines before": ('"a\nx",1,0.5\n' * 3 + ROWS + "a,1\n" + ROWS, [48]),
    "quoted newlines and a long row": ('"a\nx",1,0.5\n' * 3 + ROWS + "a,1,0.5,9\n" + ROWS, [48]),
    "a row far down": (ROWS * 1000 + "a,1\n" + ROWS, [40_002]),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_rows_of_the_wrong_length_are_told_together_with_their_lines(shape, name, tmp_path):
    body, wanted = SHAPES[shape]
    with pytest.raises(FaultsError, match=r"fields, but the header has 3") as caught:
        audit(write(tmp_path, name, HEADER + body))
    assert lines_of(caught.value) == wanted


@pytest.mark.parametrize(
    "shape", ["a short row", "two short rows", "a long row", "a long row first"]
)
def test_rows_of_the_wrong_length_in_tsv_too(shape, tmp_path):
    body, wanted = SHAPES[shape]
    with pytest.raises(FaultsError, match=r"fields, but the header has 3") as caught:
        audit(write(tmp_path, "t.tsv", (HEADER + body).replace(",", "\t")))
    assert lines_of(caught.value) == wanted


@pytest.mark.parametrize("held", [True, False], ids=["held", "streamed"])
def test_a_value_of_another_type_far_down_is_told_with_its_line(held, tmp_path, monkeypatch):
    if not held:
        monkeypatch.setattr(text_files, "HELD_BYTES", 10)
    text = HEADER + ROWS * 1000 + "a,oops,0.5\n" + ROWS + "b,1,bad\n"
    with pytest.raises(FaultsError, match=r"oops") as caught:
        audit(write(tmp_path, "t.csv", text))
    assert lines_of(caught.value) == [40_002, 40_043]
    assert "bad" in str(caught.value)


def test_a_file_that_streams_and_has_short_rows_tells_them(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "HELD_BYTES", 10)
    with pytest.raises(FaultsError, match="fields") as caught:
        audit(write(tmp_path, "t.csv", HEADER + ROWS * 1000 + "a,1\n" + ROWS + "b\n"))
    assert lines_of(caught.value) == [40_002, 40_043]


def test_an_unclosed_quotation_mark_is_told_with_the_line_where_it_opens(tmp_path):
    with pytest.raises(FaultsError, match=r"quot") as caught:
        audit(write(tmp_path, "t.csv", HEADER + ROWS + '"a,1,0.5\n' + ROWS))
    assert lines_of(caught.value)[0] == 42


def test_more_faults_than_are_shown_are_counted(tmp_path):
    with pytest.raises(FaultsError, match=r"\(15 more faults like these\)") as caught:
        audit(write(tmp_path, "t.csv", HEADER + ROWS + "a,1\n" * 25))
    assert caught.value.total == 25


def test_faults_of_the_second_file_name_the_second_file(tmp_path):
    write(tmp_path, "1.csv", HEADER + ROWS)
    second = write(tmp_path, "2.csv", HEADER + ROWS + "a,1\n")
    with pytest.raises(FaultsError, match="fields") as caught:
        audit(tmp_path / "*.csv")
    assert caught.value.source == str(second)
    assert lines_of(caught.value) == [42]


@pytest.mark.parametrize(
    ("name", "before", "mark", "line"),
    [
        ("t.csv", '"a\nx",1,0.5\n' * 3, ",", 8),
        ("t.csv.gz", '"a\nx",1,0.5\n' * 3, ",", 8),
        ("T.CSV.GZ", '"a\nx",1,0.5\n' * 3, ",", 8),
        ("t.csv", '"a\nx",1,0.5\n' * 3, ";", 8),
        ("t.csv", "a,1,0.5\n\n\na,1,0.5\n", ",", 6),
        ("t.tsv", '"a,1,0.5\n' * 3, "\t", 5),
    ],
)
@pytest.mark.parametrize("where", [None, "g = 'b'"])
def test_a_probability_out_of_range_is_told_with_its_line(
    name, before, mark, line, where, tmp_path
):
    text = (HEADER + before + "b,1,1.7\n" + ROWS).replace(",", mark)
    with pytest.raises(
        FaultsError, match=r"`score` is 1.7, but a probability lies in \[0, 1\]"
    ) as caught:
        audit(write(tmp_path, name, text), where=where)
    assert lines_of(caught.value) == [line]


def test_faults_of_several_arguments_come_together(tmp_path):
    with pytest.raises(FaultsError, match=r"1.7") as caught:
        audit(write(tmp_path, "t.csv", HEADER + "a,5,0.5\nb,1,1.7\n" + ROWS))
    assert sorted(lines_of(caught.value)) == [2, 3]


def test_lines_of_json_count_blank_ones(tmp_path):
    path = write(tmp_path, "t.jsonl", OBJECT * 3 + "\n\n" + OBJECT.replace("0.5", "1.7"))
    with pytest.raises(FaultsError, match=r"1.7") as caught:
        audit(path)
    assert lines_of(caught.value) == [6]


def test_lines_hold_in_a_file_that_streams(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "HELD_BYTES", 10)
    text = HEADER + "".join(f"{'ab'[i % 2]},1,0.5\n" for i in range(300_000)) + "b,1,1.7\n"
    with pytest.raises(FaultsError, match=r"1.7") as caught:
        audit(write(tmp_path, "t.csv", text))
    assert lines_of(caught.value) == [300_002]


# -- encodings -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.tsv"])
def test_every_line_that_is_not_utf8_is_told(name, tmp_path):
    # Beside characters that are UTF-8, so the file as a whole is no Windows text.
    data = (
        (HEADER + ROWS.replace("a", "à", 1)).encode()
        + "é,1,0.5\n".encode("latin1")
        + ROWS.encode()
        + "xü,1,0.5\n".encode("latin1")
    )
    with pytest.raises(FaultsError, match="0xE9 at column 1 is not UTF-8") as caught:
        audit(write(tmp_path, name, data))
    assert lines_of(caught.value) == [42, 83]
    assert "0xFC at column 2" in str(caught.value)
    assert "iconv" in str(caught.value)


def test_json_lines_that_are_not_utf8_are_told_too(tmp_path):
    data = (OBJECT * 3).encode() + b'{"g": "\xe9", "label": 1, "score": 0.5}\n'
    with pytest.raises(InputError, match=r"iconv -f windows-1252 -t utf-8"):
        audit(write(tmp_path, "t.jsonl", data))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-32"])
def test_a_file_of_another_unicode_encoding_is_read(encoding, tmp_path):
    text = HEADER + ROWS.replace("a", "ä")
    found = audit(write(tmp_path, "t.csv", text.encode(encoding)))
    assert found.overall.n_rows == 40
    assert {group.label for group in found.groups} == {"ä", "b"}


# -- JSON lines ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (OBJECT * 3 + '{"g": \n' + OBJECT * 2 + "[1, 2]\n" + OBJECT + "nope\n", [4, 7, 9]),
        (OBJECT * 3 + "5\n" + OBJECT, [4]),
        (OBJECT * 3 + "null\n" + OBJECT, [4]),
        ("\n" + OBJECT + OBJECT[:-5], [3]),
    ],
)
@pytest.mark.parametrize("name", ["t.jsonl", "t.jsonl.gz"])
def test_lines_that_are_no_json_object_are_told_together(name, text, lines, tmp_path):
    with pytest.raises(FaultsError, match="Each line must be one JSON object") as caught:
        audit(write(tmp_path, name, text))
    assert lines_of(caught.value) == lines


INSIDE = '[{"g": "a", "y": 1}, {"g": "b", "y": 0}]'


@pytest.mark.parametrize(
    "text",
    [
        f'{{"rows": {INSIDE}}}',
        f'{{\n  "rows": {INSIDE}\n}}',
        f'{{"version": 2, "rows": [\n{INSIDE[1:]}\n}}\n',
        f'\n{{"none": [],\n"rows": {INSIDE}}}',
    ],
)
def test_rows_within_one_object_are_told_with_the_way_to_take_them_out(text, tmp_path):
    path = write(tmp_path, "some rows.json", text)
    with pytest.raises(EvenhandError) as caught:
        audit(path)
    told = str(caught.value)
    assert "one JSON object" in told
    assert "'rows' (2)" in told
    command = re.search(r"jq .*jsonl", told).group()
    assert shlex.split(command)[:4] == ["jq", "-c", '.["rows"][]', str(path)]


def test_one_object_without_rows_and_objects_without_values_are_told_as_what_they_are(tmp_path):
    with pytest.raises(EvenhandError, match="has rows, none of which is a list of objects"):
        audit(write(tmp_path, "t.json", '{\n"rows": {"g": "a"}}'))
    nested = '{"rows": {"g": "a"}}\n' * 2
    with pytest.raises(EvenhandError, match=r"nothing but lists and objects \(rows\)"):
        audit(write(tmp_path, "t.jsonl", nested))


def test_not_a_number_in_json_is_a_fault_or_missing_never_a_wrong_answer(tmp_path):
    path = write(tmp_path, "t.jsonl", OBJECT * 20 + OBJECT.replace("1,", "NaN,"))
    try:
        found = audit(path, metric="accuracy(label, label)")
    except EvenhandError:
        return
    assert found.overall.value == 1.0
    assert ("label", 1) in [(item.attribute, item.n_rows) for item in found.missing]


def test_a_number_that_becomes_text_far_down_in_json_names_the_line(tmp_path):
    path = write(tmp_path, "t.jsonl", OBJECT * 30_000 + OBJECT.replace(": 1,", ': "oops",'))
    with pytest.raises(EvenhandError, match=r"30001.*oops|oops.*30001"):
        audit(path)


def test_a_key_that_appears_far_down_in_json_is_read(tmp_path):
    path = write(tmp_path, "t.jsonl", '{"g": "a", "label": 1}\n' * 30_000 + OBJECT * 10)
    found = audit(path)
    assert found.overall.n_rows == 10
    assert ("score", 30_000) in [(item.attribute, item.n_rows) for item in found.missing]


# -- whole files ---------------------------------------------------------------------------------


def parquet_bytes():
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.table({"g": ["a", "b"] * 500, "label": [0, 1] * 500, "score": [0.1, 0.9] * 500}), sink
    )
    return sink.getvalue().to_pybytes()


def arrow_bytes(new):
    sink = pa.BufferOutputStream()
    table = pa.table({"g": ["a", "b"] * 50, "label": [0, 1] * 50, "score": [0.1, 0.9] * 50})
    with new(sink, table.schema) as file:
        file.write_table(table)
    return sink.getvalue().to_pybytes()


def twice(new):
    sink = pa.BufferOutputStream()
    table = pa.table([pa.array(["a"]), pa.array(["b"])], names=["g", "g"])
    with new(sink, table.schema) as file:
        file.write_table(table)
    return sink.getvalue().to_pybytes()


def long_gzip(text):
    return gzip.compress(text.encode())


WHOLE = {
    "empty csv": ("t.csv", b"", "empty"),
    "empty jsonl": ("t.jsonl", b"", "empty"),
    "empty parquet": ("t.parquet", b"", "empty"),
    "blank csv": ("t.csv", b"\n\n\n", "header"),
    "blank jsonl": ("t.jsonl", b"\n\n", ""),
    "header only": ("t.csv", HEADER, "no rows"),
    "header only without newline": ("t.csv", HEADER.strip(), "no rows"),
    "header only tsv": ("t.tsv", HEADER.replace(",", "\t"), "no rows"),
    "empty objects": ("t.jsonl", "{}\n" * 9, ""),
    "truncated parquet": ("t.parquet", parquet_bytes()[:-9], "not a whole Parquet file"),
    "half a parquet": ("t.parquet", parquet_bytes()[:700], "not a whole Parquet file"),
    "damaged parquet": (
        "t.parquet",
        parquet_bytes()[:20] + b"\xff" * 60 + parquet_bytes()[80:],
        r"t\.parquet",
    ),
    "text called parquet": ("t.parquet", HEADER + ROWS, "not a whole Parquet file"),
    "truncated arrow": ("t.arrow", arrow_bytes(pa.ipc.new_file)[:500], "not a whole Arrow file"),
    "truncated arrow stream": (
        "t.arrow",
        arrow_bytes(pa.ipc.new_stream)[:300],
        "not a whole Arrow file",
    ),
    "text called arrow": ("t.arrow", HEADER + ROWS, "not a whole Arrow file"),
    "truncated gzip": (
        "t.csv.gz",
        long_gzip(HEADER + ROWS * 2000)[:-20],
        "cannot be read to its end",
    ),
    "text called gzip": ("t.csv.gz", b"\x1f\x8bnot at all", "cannot be read to its end"),
    "truncated gzip of json": (
        "t.jsonl.gz",
        long_gzip(OBJECT * 5000)[:-20],
        "cannot be read to its end",
    ),
    "a workbook": ("t.xlsx", b"x", "no whole spreadsheet"),
    "unknown ending": ("t.abc", b"x", "known format"),
    "no ending": ("records", b"x", "known format"),
    "a column twice in csv": ("t.csv", "g,label,label\n" + ROWS, "'label' stands 2 times"),
    "a column twice in arrow": ("t.arrow", twice(pa.ipc.new_file), "more than once|2 times"),
    "a column twice in json": (
        "t.jsonl",
        '{"g": "a", "g": "b", "label": 1, "score": 0.5}\n' * 9,
        "g",
    ),
    "one column": ("t.csv", "g\na\nb\n", "Unknown column 'label'"),
}


@pytest.mark.parametrize("case", WHOLE)
def test_a_file_that_cannot_be_read_is_an_error_that_names_it(case, tmp_path):
    name, content, message = WHOLE[case]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(EvenhandError, match=message or r"\w") as caught:
        audit(path)
    assert "Columns: json" not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("none.csv", "No file is called"),
        ("none*.csv", "No file is called"),
        ("", ""),
        ("a\x00b.csv", "No file is called"),
        ("x" * 5000 + ".csv", ""),
        ("http://example.org/t.csv", "http:// is not a source I know"),
        ("s3://bucket/t.parquet", "s3:// is not a source I know"),
        ("duckdb:///none.duckdb?table=t", "No DuckDB file"),
        ("duckdb:///none.duckdb", "Say which table"),
        ("postgresql://u:p@127.0.0.1:1/d?table=t", "does not answer"),
        ("postgresql://u:p@127.0.0.1:1/d", "Say which table"),
        ("postgresql://u:p@[bad/d?table=t", ""),
    ],
)
def test_a_place_without_a_table_is_an_error(table, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if table.startswith("postgresql"):
        pytest.importorskip("adbc_driver_postgresql")
    with pytest.raises(InputError, match=message or r"\w") as caught:
        evenhand.audit(table, metric="mean(score)", by="g")
    assert " is a folder" not in str(caught.value)


def test_a_folder_is_an_error_that_says_what_to_write(tmp_path):
    with pytest.raises(InputError, match=r"is a folder\.  Name its files"):
        audit(tmp_path)


def test_formats_do_not_mix(tmp_path):
    write(tmp_path, "a.csv", HEADER + ROWS)
    write(tmp_path, "b.jsonl", OBJECT)
    with pytest.raises(InputError, match="cannot mix formats; these files are csv and jsonl"):
        audit(tmp_path / "*")


def test_an_empty_file_among_others_is_named(tmp_path):
    write(tmp_path, "a.csv", HEADER + ROWS)
    write(tmp_path, "b.csv", "")
    with pytest.raises(InputError, match=r"b\.csv is empty"):
        audit(tmp_path / "*.csv")


def test_files_with_different_separators_are_read_or_refused_never_half_lost(tmp_path):
    write(tmp_path, "a.csv", HEADER + ROWS)
    write(tmp_path, "b.csv", (HEADER + ROWS).replace(",", ";"))
    try:
        found = audit(tmp_path / "*.csv")
    except EvenhandError as error:
        assert "b.csv" in str(error)  # noqa: PT017 - either is right
        return
    assert (found.overall.n_rows, found.missing) == (80, ())


def test_a_column_twice_in_the_second_file_is_told(tmp_path):
    write(tmp_path, "a.csv", HEADER + ROWS)
    write(tmp_path, "b.csv", "g,score,score\n" + ROWS)
    with pytest.raises(FaultsError, match="'score' stands 2 times") as caught:
        audit(tmp_path / "*.csv")
    assert caught.value.source.endswith("b.csv")


def test_tsv_quotes_are_text(tmp_path):
    text = 'g\tlabel\tscore\n"a\t1\t0.5\n' + 'b"c\t0\t0.5\n' * 6 + "'\t1\t0.5\n"
    found = audit(write(tmp_path, "t.tsv", text))
    assert {group.label for group in found.groups} == {'"a', 'b"c', "'"}


def test_a_header_in_quotes_with_the_separator_inside(tmp_path):
    text = '"a,b";g;label;score\n' + "x;a;1;0.5\nx;b;0;0.5\n" * 9
    found = audit(write(tmp_path, "t.csv", text))
    assert found.overall.n_rows == 18


def test_text_columns_that_look_like_numbers_keep_their_zeros(tmp_path):
    rows = json.dumps({"g": "007", "label": 1, "score": 0.5}) + "\n"
    found = audit(write(tmp_path, "t.jsonl", rows * 9))
    assert found.groups[0].label == "007"


def test_an_opened_table_can_be_asked_twice(tmp_path):
    table = evenhand.open_records(str(write(tmp_path, "t.csv", HEADER + ROWS)))
    first = evenhand.audit(table, metric="brier(label, score)", by="g")
    assert evenhand.audit(table, metric="brier(label, score)", by="g") == first
