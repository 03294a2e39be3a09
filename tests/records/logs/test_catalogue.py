"""Which files are logs: known by content, several tools are not mixed, and others may offer readers."""

import re
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from tests.records.logs.reading import (
    inspect_document,
    inspect_sample,
    lm_eval_row,
    rows_of,
    written_json,
    written_lines,
)

from evenhand import open_records
from evenhand.errors import InputError
from evenhand.records.logs import LogReader, LogRow, RowLog, catalogue, reader_names


def test_the_page_lists_all_readers():
    page = (Path(__file__).parents[3] / "docs" / "logs.md").read_text()
    listed = re.findall(r"^\| (.+?) \| .* \| `([\w-]+)` \|$", page, re.MULTILINE)
    own = [(reader.title, reader.name) for reader in catalogue._own()]
    assert sorted(listed[1:]) == sorted(own)


def test_content_tells_whatever_the_file_is_called(tmp_path):
    document = inspect_document([inspect_sample("a")])
    assert open_records(written_json(tmp_path / "some.json", document)).log == "inspect"
    assert open_records(written_lines(tmp_path / "lines.json", [lm_eval_row(1)])).log == "lm-eval"
    assert (
        open_records(written_lines(tmp_path / "lines.jsonl", [{"doc_id": 1, "text": "x"}])).log
        == ""
    )


def test_logs_of_several_tools(tmp_path):
    written_json(tmp_path / "a.json", inspect_document([inspect_sample("a")]))
    written_lines(tmp_path / "b.jsonl", [lm_eval_row(1)])
    (tmp_path / "notes.txt").write_text("no log")
    with pytest.raises(
        InputError, match=r"a\.json is of inspect_ai, b\.jsonl is of lm-eval.*--read NAME"
    ):
        rows_of(str(tmp_path))
    assert len(rows_of(str(tmp_path), read="lm-eval")[0]) == 1
    written_lines(tmp_path / "c.jsonl", [{"x": 1}])
    with pytest.raises(InputError, match=r"b\.jsonl is of lm-eval, c\.jsonl is no log"):
        rows_of(str(tmp_path / "*.jsonl"))


def test_a_folder_without_logs(tmp_path):
    (tmp_path / "t.csv").write_text("a\n1\n")
    with pytest.raises(
        InputError, match=r"is a folder\.  Name its files, .*/\*\.csv; no log of another tool"
    ):
        rows_of(str(tmp_path))
    with pytest.raises(InputError, match="no log of HELM lies in it"):
        rows_of(str(tmp_path), read="helm")


def test_a_reader_that_does_not_exist(tmp_path):
    (tmp_path / "t.csv").write_text("a\n1\n")
    with pytest.raises(InputError, match=r"reader of logs called 'inspekt'|inspekt.*inspect"):
        rows_of(tmp_path / "t.csv", read="inspekt")


class _Words(RowLog):
    def rows(self):
        for number, line in enumerate(self.path.read_text().splitlines()[1:]):
            yield LogRow({"id": str(number)}, {"length": len(line)}, {"first": line[0]}, len(line))


READER = LogReader(
    name="words",
    title="a list of words",
    recognises=lambda g: g.first_line == "words!",
    open=_Words,
)
NO_READER = 7


@pytest.fixture
def others():
    """What is offered is looked for once a process: for a test anew, and after it."""
    yield catalogue._others
    catalogue._others.cache_clear()


@pytest.mark.usefixtures("others")
def test_another_package_offers_a_reader(tmp_path, monkeypatch):
    def offered(value):
        catalogue._others.cache_clear()
        point = EntryPoint(name="words", value=f"{__name__}:{value}", group=catalogue.ENTRY_POINTS)
        monkeypatch.setattr(EntryPoint, "load", lambda self: globals()[value])
        monkeypatch.setattr(catalogue, "entry_points", lambda group: [point])

    offered("READER")
    path = tmp_path / "list"
    path.write_text("words!\nalpha\nbeta\n")
    rows, _ = rows_of(path)
    assert rows == [{"id": "0", "length": 5, "first": "a"}, {"id": "1", "length": 4, "first": "b"}]
    assert "words" in reader_names()
    offered("NO_READER")
    with pytest.raises(
        InputError, match=r"entry point 'words' of evenhand\.logs is a int, but must be a LogReader"
    ):
        rows_of(path)


def test_too_many_columns(tmp_path):
    samples = [inspect_sample(str(i), metadata={f"answer of person {i}": 1}) for i in range(1100)]
    log = written_json(tmp_path / "a.json", inspect_document(samples))
    with pytest.raises(InputError, match="more than 1,000 columns"):
        rows_of(log)
