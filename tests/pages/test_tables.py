"""Tables at a terminal: nothing is cut, and nothing is dropped in silence."""

import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from evenhand.pages.table import TableCell, TableColumn, table_of
from evenhand.pages.terminal import lay_out, wrapped_head


def printed(table, width, named=1):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(lay_out(table, width, named=named))
    return console.file.getvalue()


def rates(rows=3):
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="rows", need=2),
        TableColumn(head="false_positive_rate"),
        TableColumn(head="vs rest"),
        TableColumn(head="(all at once)", left=True),
        TableColumn(head="adjusted p", need=1),
        TableColumn(head="verdict", left=True),
    )
    given = [
        [f"a group called {i}", f"{i}00", f".{i}44", "+22.8", "+18.7 to +26.9", "< .0001",
         TableCell("? insufficient evidence", kind="unsure")]
        for i in range(1, rows + 1)
    ]  # fmt: skip
    return table_of("rates", columns, given)


@pytest.mark.parametrize("width", [30, 40, 60, 80, 110, 200])
def test_every_head_and_every_cell_stands_at_every_width(width):
    text = printed(rates(), width)
    assert max(map(cell_len, text.splitlines())) <= width
    whole = re.sub(r"\s+", "", text)
    for piece in ("rows", "positive_", "vs", "once)", "adjusted", "verdict", "insufficient"):
        assert piece in whole
    for cell in ("100", ".244", "+22.8", "+18.7", "+26.9", ".0001"):
        assert cell in whole


def test_what_is_needed_least_goes_into_the_second_table():
    first, second = printed(rates(), 80).split("\n\n")
    assert "verdict" in first
    assert "adjusted" not in first or "rows" not in first
    assert "rows" in second
    assert "a group" in second


def test_heads_stay_on_one_line_where_there_is_room():
    assert "false_positive_rate" in printed(rates(), 200)
    assert "\nfalse_" not in printed(rates(), 200)


def test_a_column_that_is_left_out_takes_its_cells_along():
    table = table_of("t", (TableColumn(head="a"), None, TableColumn(head="c")), [["1", "2", "3"]])
    assert [cell.text for cell in table.rows[0]] == ["1", "3"]


@given(st.text("ab_ ", min_size=1, max_size=40), st.integers(1, 20))
def test_a_wrapped_head_loses_no_letter(head, width):
    assert re.sub(r"\s", "", wrapped_head(head, width)) == re.sub(r"\s", "", head)


def test_a_column_that_cannot_fold_further_cuts_no_other():
    columns = [
        TableColumn(head=head, left=True, fold=True) for head in ("service", "metric", "group")
    ]
    columns += [TableColumn(head="value (interval)"), TableColumn(head="verdict", left=True)]
    row = ["a rather long name for a service 1.0", "false_positive_rate", "African-American · Male",
           "44.8 % (42.6 to 47.2 %)", "worse"]  # fmt: skip
    shown = printed(table_of("worst", columns, [row]), 80)
    assert "44.8 % (42.6 to 47.2 %)" in shown
    assert "false_positive_rate" in shown


def _numbers(rows):
    return [cell for row in rows for cell in row[2:]]


@pytest.mark.parametrize("width", [40, 60, 80])
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_no_number_is_cut_at_any_width(width, data):
    """Heads, names and verdicts of any length beside numbers as they are written: each is found whole on a line."""
    kinds = {
        "44.8 %": "49.9 %",
        "< .0001": ".00018",
        "+14.7 (−10.2 to +19.1)": "+8.8 (−172.9 to +347.5)",
        "1,234,567": "12",
        ".244 to .260": "–",
    }
    samples = data.draw(st.lists(st.sampled_from(list(kinds)), min_size=1, max_size=7))
    head = st.text("abc_ ", min_size=1, max_size=22)
    words = ["African-American", "other people", "worse", "? cannot", "tell", "·", "18 to 25"]
    name = st.lists(st.sampled_from(words), min_size=1, max_size=4).map(" ".join)
    columns = [
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="verdict", left=True, fold=True, need=data.draw(st.integers(0, 2))),
    ]
    columns += [
        TableColumn(head=data.draw(head), left=data.draw(st.booleans()), need=data.draw(st.integers(0, 2)))
        for _ in samples
    ]  # fmt: skip
    rows = [
        [data.draw(name), data.draw(name), *(one if n % 2 else kinds[one] for one in samples)]
        for n in range(data.draw(st.integers(1, 3)))
    ]
    shown = printed(table_of("any", columns, rows), width)
    lines = shown.splitlines()
    assert max(map(cell_len, lines)) <= width
    for number in _numbers(rows):
        assert any(number in line for line in lines), number


def test_a_p_value_beside_names_that_fold_is_whole_at_80_columns():
    heads = ("2.0", "3.0", "change (interval)", "adjusted p")
    columns = [TableColumn(head=head, left=True, fold=True) for head in ("group", "verdict")]
    columns += [TableColumn(head=head) for head in heads]
    rows = [
        ["African-American", "? cannot tell", "44.8 %", "30.1 %", "+14.7 (−10.2 to +19.1)", ".00018"],
        ["Other people of the world", "worse", "44.8 %", "9.1 %", "+14.7 (+10.2 to +19.1)", "< .0001"],
    ]  # fmt: skip
    shown = printed(table_of("changes", columns, rows), 80)
    assert ".00018" in shown
    assert "< .0001" in shown
