"""Deliveries with gaps: no label yet, no byte yet, a line that cannot be used, a settlement in between."""

import io
import json
import sqlite3

import numpy as np
import pyarrow as pa
import pytest
from tests.commands import run_command

import evenhand
from evenhand.cli.standard_input import input_tables
from evenhand.errors import InputError
from evenhand.watching.words import apart, short

ASKED = {"worse": "higher", "threshold": 0.2}


def rows(rate, n=200, seed=1, site="a", **more):
    """Rows of one site, so many of a hundred wrong."""
    wrong = np.random.default_rng(seed).random(n) < rate
    return [{"site": site, "wrong": int(one), **more} for one in wrong]


def lines(path, given):
    path.write_text("".join(json.dumps(one) + "\n" for one in given))
    return str(path)


def codes(found):
    return {note.code for note in found.notes}


@pytest.mark.parametrize("named", [False, True])
def test_rows_without_a_label_are_counted_and_the_watch_goes_on(tmp_path, named):
    def called(day, given):
        return [{**one, "call": f"{day}-{i}"} for i, one in enumerate(given)]

    folder = tmp_path / "days"
    folder.mkdir()
    lines(folder / "1.jsonl", called(1, rows(0.1)))
    lines(folder / "2.jsonl", called(2, [{**one, "wrong": None} for one in rows(0.1, 50)]))
    (folder / "3.jsonl").write_text("")
    lines(folder / "4.jsonl", called(4, rows(0.6, seed=2)))
    asked = {"state": tmp_path / "s", **({"id": "call"} if named else {}), **ASKED}
    found = evenhand.watch(folder, "mean(wrong)", "site", **asked)
    assert found.exit_code == 1
    assert found.taken.rows == 400
    assert [(one.attribute, one.n_rows) for one in found.missing] == [("wrong", 50)]
    assert "empty_files" in codes(found)
    assert "3.jsonl is empty so far" in str(found)
    if named:
        # What was labelled, and is delivered without its label now, counts no more.
        again = lines(tmp_path / "5.jsonl", called(4, [{**r, "wrong": None} for r in rows(0.6)]))
        found = evenhand.watch(again, "mean(wrong)", "site", **asked)
        assert found.taken.rows == 200
        assert found.exit_code == 0


def test_a_first_table_without_a_label_is_refused(tmp_path):
    first = lines(tmp_path / "1.jsonl", [{**one, "wrong": None} for one in rows(0.1)])
    with pytest.raises(InputError, match=r"no row of .* has a value in 'wrong'"):
        evenhand.watch(first, "mean(wrong)", "site", state=tmp_path / "s", **ASKED)
    assert not (tmp_path / "s").exists()


def test_a_day_without_a_case_is_a_day(tmp_path):
    def day(number, ill):
        return lines(
            tmp_path / f"{number}.jsonl",
            [
                {"ward": "a", "ill": "yes" if ill and i % 2 else "no", "said": "no", "day": number}
                for i in range(100)
            ],
        )

    metric = "false_negative_rate(ill, said, positive='yes')"
    found = evenhand.watch(
        [day(1, True), day(2, False), day(3, True)], metric, "ward", threshold=0.5
    )
    assert found.groups[0].n_rows == 100  # those that are ill
    assert found.exit_code == 1
    with pytest.raises(InputError, match="'yes' never occurs"):
        evenhand.watch([day(4, False)], metric, "ward", threshold=0.5)


class Slow(io.RawIOBase):
    """A stream that gives a piece at a time."""

    def __init__(self, *pieces):
        super().__init__()
        self.pieces = [one.encode() for one in pieces]

    def read1(self, _=-1):
        return self.pieces.pop(0) if self.pieces else b""

    read = read1


def written(given):
    return "".join(json.dumps(one) + "\n" for one in given)


@pytest.mark.parametrize("before", ["\n", "\ufeff", "# service started\n"])
def test_a_stream_is_told_by_its_lines_whatever_stands_before_them(tmp_path, before):
    stream = Slow(before, written(rows(0.1, 3)), written(rows(0.1, 2)))
    parts = list(input_tables(tmp_path, stream))
    assert len(parts) == 2
    assert sum(part.unread for part in parts) == before.startswith("#")
    assert evenhand.watch(iter(parts), "mean(wrong)", "site", worse="higher").taken.rows == 5


def test_a_line_without_a_label_or_of_another_kind_ends_no_stream(tmp_path):
    unlike = [{"site": "a", "wrong": "perhaps"}]
    pieces = [rows(0.1), [{"site": "a"}], rows(0.1, 5)[:2] + unlike + rows(0.6), unlike]
    found = evenhand.watch(
        input_tables(tmp_path, Slow(*map(written, pieces))),
        "mean(wrong)",
        "site",
        state=tmp_path / "s",
        **ASKED,
    )
    assert found.taken.rows == 402
    assert found.exit_code == 1
    assert [(one.attribute, one.n_rows) for one in found.missing] == [("wrong", 1)]
    text = str(found)
    assert "2 lines of the stream cannot be used, and are left out." in text
    assert "The first line that cannot be used: " in text


def test_what_another_process_settles_is_told_when_it_comes_again(tmp_path):
    state, told = tmp_path / "s", []

    def tables():
        yield pa.Table.from_pylist(rows(0.6))
        evenhand.settle_watch(state, "repaired")
        yield pa.Table.from_pylist(rows(0.1, 300, seed=2))
        yield pa.Table.from_pylist(rows(0.6, 300, seed=3))
        yield pa.Table.from_pylist(rows(0.6, 100, seed=4))

    def tell(found):
        told.append([(one.kind, one.new) for one in found.alarms if one.group])

    found = evenhand.watch(tables(), "mean(wrong)", "site", state=state, on_alarm=tell, **ASKED)
    assert told[0] == [("above", True)]
    assert ("above", True) in told[-1]
    assert len(told) == 2  # nothing is told twice
    assert found.exit_code == 1
    after = evenhand.watch(rows_table(0.6), "mean(wrong)", "site", state=state, **ASKED)
    assert not any(one.new for one in after.alarms)


def rows_table(rate):
    return pa.Table.from_pylist(rows(rate, 20, seed=9))


def test_rows_of_the_day_of_a_settlement_that_come_after_it_are_new(tmp_path):
    def day(number, rate, n, seed):
        given = rows(rate, n, seed=seed)
        return pa.Table.from_pylist(
            [{**one, "day": number, "call": f"{seed}-{i:04}"} for i, one in enumerate(given)]
        )

    asked = {"state": tmp_path / "s", "time": "day", "id": "call", **ASKED}
    evenhand.watch([day(1, 0.1, 300, 1), day(2, 0.6, 300, 2)], "mean(wrong)", "site", **asked)
    evenhand.settle_watch(tmp_path / "s", "repaired")
    found = evenhand.watch(day(2, 0.6, 500, 3), "mean(wrong)", "site", **asked)
    assert found.exit_code == 1
    assert found.groups[0].rows_since == 500
    assert {one.rows_since for one in found.settled} == {500}


def test_a_settlement_beside_a_table_without_rows_holds(tmp_path):
    state, empty = tmp_path / "s", tmp_path / "empty.csv"
    evenhand.watch(pa.Table.from_pylist(rows(0.6)), "mean(wrong)", "site", state=state, **ASKED)
    empty.write_text("site,wrong\n")
    found = evenhand.watch(str(empty), state=state, settle="repaired")
    assert found.alarms == ()
    assert {one.note for one in found.settled} == {"repaired"}


def test_a_state_knows_how_dates_are_written(tmp_path):
    def week(number):
        path = tmp_path / f"{number}.csv"
        dates = [f"{1 + i % 28:02}.0{number}.2027" for i in range(100)]
        path.write_text(
            "Datum,site,wrong\n" + "".join(f"{one},a,{i % 2}\n" for i, one in enumerate(dates))
        )
        return str(path)

    state = tmp_path / "s"
    with pytest.raises(InputError, match=r"such as '01.04.2027'.*--columns 'Datum=date:%d.%m.%Y'"):
        evenhand.watch(week(4), "mean(wrong)", "site", time="Datum", state=state, worse="higher")
    columns = {"Datum": "date:%d.%m.%Y"}
    evenhand.watch(
        week(4), "mean(wrong)", "site", time="Datum", state=state, worse="higher", columns=columns
    )
    assert evenhand.watch(week(5), state=state).taken.rows == 200


@pytest.mark.parametrize(
    ("given", "told"),
    [({"threshold": 0.0}, "--threshold"), ({"groups": 0}, "--groups")],
)
def test_what_is_asked_beside_a_state_is_never_left_unsaid(tmp_path, given, told):
    state = tmp_path / "s"
    evenhand.watch(pa.Table.from_pylist(rows(0.1)), "mean(wrong)", "site", state=state, **ASKED)
    with pytest.raises(InputError, match=f"{told} given without --metric"):
        evenhand.watch(pa.Table.from_pylist(rows(0.1, seed=2)), state=state, **given)


def test_names_that_many_rows_share_are_asked_about(tmp_path):
    table = pa.Table.from_pylist(rows(0.1))
    found = evenhand.watch(table, "mean(wrong)", "site", id="site", state=tmp_path / "s", **ASKED)
    assert "have 1 name: rows of one name are one row" in str(found)
    text = " ".join(str(found).split())
    assert text.index("Is site what tells rows apart?") < text.index("However often")


def test_a_change_that_is_over_is_told_as_over():
    table = pa.Table.from_pylist([*rows(0.1, 1000), *rows(0.6, 80), *rows(0.02, 3000)])
    found = evenhand.watch(
        table.append_column("said", pa.array([0] * len(table))), "error_rate(wrong, said)", "site"
    )
    alarm = found.alarms[-1]
    assert alarm.rate < alarm.before
    own = table["wrong"].to_numpy()[alarm.since.n : alarm.at.n]
    assert alarm.rate_then == pytest.approx(own.mean())
    assert alarm.undiagnosed is not None
    text = " ".join(str(found).split())
    assert text.startswith("From row ")
    assert "no worse than before: it is over, or was chance. --settle closes it." in text


def test_rates_near_one_are_told_apart():
    table = pa.Table.from_pylist(
        [{"site": "a", "y": 1, "p": int(i % 1000 != 0)} for i in range(5000)]
    )
    found = evenhand.watch(table, "accuracy(y, p)", "site")
    assert short(0.9965, found) == "996 of 1,000"
    assert apart(0.984, 0.9965, found) == ("98 of 100", "996 of 1,000")
    assert short(1.0, found) == "100 of 100"


@pytest.mark.parametrize("name", ["settings", "rules", "shape", "told"])
def test_a_state_whose_words_are_damaged_is_said(tmp_path, name):
    state = tmp_path / "s"
    evenhand.watch(pa.Table.from_pylist(rows(0.1)), "mean(wrong)", "site", state=state, **ASKED)
    with sqlite3.connect(state) as connection:
        connection.execute("UPDATE about SET value = '{\"a\": 1' WHERE name = ?", (name,))
        if name == "told":
            connection.execute("INSERT OR REPLACE INTO about VALUES ('told', '[[')")
    connection.close()
    with pytest.raises(InputError, match=r"is damaged .*Take its last copy"):
        evenhand.watch(
            pa.Table.from_pylist(rows(0.1, seed=2)), "mean(wrong)", "site", state=state, **ASKED
        )


def test_alarms_of_what_is_merged_are_told_beside_tables(tmp_path):
    for i in range(2):
        table = lines(tmp_path / f"{i}.jsonl", rows(0.6, seed=i, site="ab"[i]))
        evenhand.watch(table, "mean(wrong)", "site", state=tmp_path / f"s{i}", **ASKED)
    quiet = lines(tmp_path / "2.jsonl", rows(0.1, 20, seed=5, site="c"))
    merge = [f"--merge={tmp_path / f's{i}'}" for i in range(2)]
    done = run_command("watch", quiet, *merge, f"--state={tmp_path / 'm'}", "--jsonl")
    assert done.returncode == 1, done.stderr
    assert {json.dumps(json.loads(line)["group"]) for line in done.stdout.splitlines()} >= {
        '{"site": "a"}',
        '{"site": "b"}',
    }


@pytest.mark.parametrize("metric", ["error_rate(y, p)", "wer(t, h)", "accuracy(y, p)"])
def test_a_percentage_for_a_rate_is_asked_about(metric):
    table = pa.table({"s": ["a"], "y": [1], "p": [0], "t": ["a b"], "h": ["a c"]})
    with pytest.raises(InputError, match=r"threshold is 20, .* Did you mean 0\.2\?"):
        evenhand.watch(table, metric, "s", threshold=20)


def shard(folder, name, site, pieces, settle_after=None):
    """A watch of one site with a journal; rates of its pieces one after the other."""
    state, start = folder / name, 0
    for number, (n, rate) in enumerate(pieces):
        given = rows(rate, n, seed=number + 10 * len(name), site=site)
        named = [
            {**one, "t": start + i, "id": f"{name}{start + i:05}"} for i, one in enumerate(given)
        ]
        evenhand.watch(
            pa.Table.from_pylist(named),
            "mean(wrong)",
            "site",
            state=state,
            time="t",
            id="id",
            **ASKED,
        )
        start += n
        if number == settle_after:
            evenhand.settle_watch(state, "repaired")
    return state


def test_harm_from_before_a_settlement_elsewhere_keeps_its_date_and_its_rate_before(tmp_path):
    one = shard(tmp_path, "x", "a", [(600, 0.1), (200, 0.6), (400, 0.1)], settle_after=1)
    other = shard(tmp_path, "yy", "b", [(300, 0.1), (900, 0.6)])
    merged = evenhand.merge_watches([one, other], tmp_path / "m")
    own = next(a for a in merged.alarms if a.group == {"site": "b"} and a.kind == "changed")
    assert abs(own.since.n - 300) < 30
    assert own.before == pytest.approx(0.1, abs=0.05)
    assert not own.settled
    assert "when alarms were closed" not in str(merged)


def test_an_alarm_settled_here_and_open_there_is_open_and_said(tmp_path):
    one = shard(tmp_path, "x", "a", [(1500, 0.1), (600, 0.6), (400, 0.1)], settle_after=1)
    other = shard(tmp_path, "yy", "a", [(1500, 0.1), (1000, 0.6)])
    merged = evenhand.merge_watches([one, other], tmp_path / "m")
    assert {a.kind for a in merged.alarms if a.group} == {"above", "changed"}
    text = " ".join(str(merged).split())
    assert "Settled: repaired. An alarm that it closed stands open in another" in text
    assert "would not have come" not in text
