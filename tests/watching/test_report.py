"""What people see of a watch: the sentences, the page, the command line, lines of JSON and the webhook."""

import io
import json
import subprocess
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from rich.cells import cell_len
from rich.console import Console
from tests.commands import run_command
from tests.watching.worlds import ASKED, METRIC, calls

import evenhand
from evenhand.cli.standard_input import input_tables
from evenhand.cli.webhook import Webhook
from evenhand.errors import InputError
from evenhand.pages.edition import Edition
from evenhand.pages.numbers import rate
from evenhand.watching import words

EVIL = '</title><script>document.title="owned"</script>{{7*7}}\u202e'
WORDS = ("--metric", METRIC, "--by", "accent,floor", "--worse", "higher", "--threshold", "0.2")


@pytest.fixture(scope="module")
def found():
    return evenhand.watch(calls(), METRIC, "accent,floor", time="day", explain="caller", **ASKED)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "calls.parquet"
    pyarrow.parquet.write_table(calls(), path)
    return path


def test_the_first_sentence_says_since_when_for_whom_and_what_before():
    table = calls()
    right = table.append_column("right", pa.array([0] * len(table)))
    found = evenhand.watch(
        right,
        "error_rate(label=right, prediction=wrong)",
        "accent,floor",
        time="day",
        threshold=0.2,
    )
    changed = [line for line in str(found).splitlines() if line.startswith("Since ")]
    assert any("of 100 answers wrong for indian · floor 4; before, " in line for line in changed)
    assert any("March 2026" in line or "February 2026" in line for line in changed)


def test_names_of_an_edition_stand_in_the_sentences(found):
    page = found.to_html(
        Edition(title="Ward 4", labels={"indian": "Indian accents", "floor=4": "floor 4"})
    )
    assert "Indian accents · floor 4" in page
    assert "<h1>Ward 4</h1>" in page


def test_texts_of_the_data_are_escaped():
    rng = np.random.default_rng(1)
    table = pa.table({"site": [EVIL] * 300, "wrong": (rng.random(300) < 0.6).astype(int)})
    found = evenhand.watch(table, METRIC, "site", **ASKED)
    assert found.exit_code == 1
    assert "<script>" not in found.to_html()
    assert "\u202e" not in str(found)
    assert "<script>" not in found.to_figure()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_of_the_terminal_is_too_wide(found, width):
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(found)
    assert max(cell_len(line) for line in out.getvalue().splitlines()) <= width


def test_quiet_is_said_with_what_it_means():
    found = evenhand.watch(calls(worse=0.1), METRIC, "accent", **ASKED)
    assert found.exit_code == 0
    assert "Quiet after 4,000 rows: no group is known to be above" in str(found)


def test_the_page_needs_no_alarm_and_no_past():
    found = evenhand.watch(calls(rows=60), METRIC, "accent", **ASKED)
    assert "How to read it" in found.to_html()
    assert found.to_figure().startswith("<svg")


def test_exit_codes_are_0_1_and_3(table, tmp_path):
    assert run_command("watch", str(table), *WORDS).returncode == 1
    pyarrow.parquet.write_table(calls(worse=0.1), tmp_path / "good.parquet")
    assert run_command("watch", str(tmp_path / "good.parquet"), *WORDS).returncode == 0
    pyarrow.parquet.write_table(calls(rows=30), tmp_path / "few.parquet")
    ended = run_command("watch", str(tmp_path / "few.parquet"), *WORDS, "--json")
    assert ended.returncode == 3
    assert json.loads(ended.stdout)["schema"] == "evenhand.watch/1"
    ended = run_command("watch", str(tmp_path / "none.csv"), *WORDS)
    assert ended.returncode == 2
    assert "No file is called" in ended.stderr


def test_a_folder_is_watched_file_by_file_and_again_only_what_is_new(tmp_path):
    folder, rows = tmp_path / "in", calls()
    folder.mkdir()
    for i in range(2):
        pyarrow.parquet.write_table(rows.slice(i * 1000, 1000), folder / f"{i}.parquet")
    asked = (str(folder), *WORDS, "--state", str(tmp_path / "s"), "--json")
    first = json.loads(run_command("watch", *asked).stdout)
    assert first["taken"]["rows"] == 2000
    pyarrow.parquet.write_table(rows.slice(2000), folder / "2.parquet")
    second = json.loads(run_command("watch", *asked).stdout)
    assert second["taken"] | {"late": 0} == first["taken"] | {
        "late": 0,
        "files": 1,
        "repeated_files": 2,
        "rows": 4000,
        "new_rows": 2000,
    }
    assert second["alarms"]


def test_alarms_are_lines_of_json_from_a_stream():
    lines = "".join(
        json.dumps({**row, "day": str(row["day"])}) + "\n" for row in calls().to_pylist()
    )
    code = (
        "import sys; from evenhand.cli import main; sys.argv = ['evenhand', *sys.argv[1:]]; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, "watch", "-", *WORDS, "--time", "day", "--jsonl"],
        input=lines,
        capture_output=True,
        text=True,
        check=False,
    )
    told = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == 1
    assert {"group", "kind", "at", "text"} <= set(told[0])
    assert any(one["group"] == {"accent": "indian", "floor": "4"} for one in told)


def test_portions_of_a_stream_are_whole_lines(tmp_path):
    class Slow(io.BytesIO):
        def read1(self, size=-1):
            return self.read(7)

    text = b'{"a": 1}\n{"a": 2}\n{"a": 3}'
    portions = [Path(part.table).read_bytes() for part in input_tables(tmp_path, Slow(text))]
    assert b"".join(portions) == text + b"\n"
    assert all(one.endswith(b"\n") for one in portions)
    assert [
        Path(part).read_bytes() for part in input_tables(tmp_path, io.BytesIO(b"a,b\n1,2\n"))
    ] == [b"a,b\n1,2\n"]
    assert list(input_tables(tmp_path, io.BytesIO(b""))) == []


@pytest.fixture
def listener():
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if "broken" in self.path else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", heard
    server.shutdown()
    thread.join()
    server.server_close()


def test_new_alarms_are_sent_once_and_no_secret_is_written(table, tmp_path, listener):
    address, heard = listener
    asked = (
        str(table),
        *WORDS,
        "--state",
        str(tmp_path / "s"),
        "--webhook",
        f"{address}/secret",
        "--html",
        str(tmp_path / "w.html"),
    )
    ended = run_command("watch", *asked, "--json")
    assert ended.returncode == 1
    alarms = json.loads(ended.stdout)["alarms"]
    assert len(heard) == len(alarms) > 0
    assert {json.loads(body)["kind"] for _, body in heard} == {one["kind"] for one in alarms}
    assert heard[0][0] == "/secret"
    assert "secret" not in ended.stdout + (tmp_path / "w.html").read_text(encoding="utf-8")
    assert b"secret" not in (tmp_path / "s").read_bytes()
    assert run_command("watch", *asked).returncode == 1
    assert len(heard) == len(alarms)


def test_a_webhook_that_fails_is_told_and_loses_no_alarm(table, listener):
    address, _ = listener
    ended = run_command("watch", str(table), *WORDS, "--webhook", f"{address}/broken", "--json")
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["alarms"]
    assert "answered 500.  The alarm stands" in ended.stderr


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/x",
        "ftp://example.org",
        "nonsense",
        "env:NOT_SET_ANYWHERE",
        "https://[::1",
    ],
)
def test_only_addresses_that_are_safe_are_told(address):
    with pytest.raises(InputError, match="--webhook"):
        Webhook(address)


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (0.2004, 0.2, ("2,004 of 10,000", "2,000 of 10,000")),
        (0.204, 0.2, ("204 of 1,000", "200 of 1,000")),
        (0.5, 0.2, ("50 of 100", "20 of 100")),
        (0.2, 0.2, ("20 of 100", "20 of 100")),
        (None, 0.2, ("–", "20 of 100")),
    ],
)
def test_rates_that_are_compared_have_digits_that_tell_them_apart(found, one, other, said):
    assert words.apart(one, other, found) == (
        "–" if one is None else rate(one) if one != 0.2004 else ".2004",
        rate(other) if one != 0.2004 else ".2000",
    )
    people = replace(found, metric=replace(found.metric, name="error_rate"))
    assert words.apart(one, other, people) == said


def test_what_is_above_after_a_settlement_is_told_of_the_rows_since(tmp_path):
    def rows(n, rate, seed):
        wrong = (np.random.default_rng(seed).random(n) < rate).astype(int)
        return pa.table({"y": [0] * n, "p": wrong, "site": ["a"] * n})

    state, asked = tmp_path / "s", {"threshold": 0.2, "state": tmp_path / "s"}
    rate = ("error_rate(label=y, prediction=p)", "site")
    evenhand.watch(pa.concat_tables([rows(9000, 0.02, 1), rows(200, 0.6, 2)]), *rate, **asked)
    evenhand.settle_watch(state, "mended")
    found = evenhand.watch(rows(400, 0.4, 3), *rate, **asked)
    above = next(alarm for alarm in found.alarms if alarm.kind == "above" and alarm.group)
    assert above.rate_then > 0.3
    text = words.alarm(above, found)
    assert (
        ": more than the 20 of 100 that are tolerated.  Over all rows so far it is 5 of 100."
        in text
    )


def test_too_few_units_are_called_units():
    n = 40 * 20
    table = pa.table({"y": [0] * n, "p": [0] * n, "site": ["a"] * n, "who": list(range(40)) * 20})
    found = evenhand.watch(
        table, "error_rate(label=y, prediction=p)", "site", threshold=0.2, unit="who"
    )
    assert found.exit_code == 3
    assert "no group has 50 units (who) yet" in " ".join(str(found).split())
