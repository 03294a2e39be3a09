"""Many cards side by side: each is told, also that which cannot be read."""

import json

import pytest
from tests.cards.worlds import METRIC, audited, calls, carded
from tests.commands import run_command

from evenhand.cards.shelf.shelving import find_cards, shelve
from evenhand.cards.shelf.tables import cards_table
from evenhand.errors import InputError


@pytest.fixture
def folder(tmp_path):
    """Two cards, and a third that is broken off."""
    for name, seed in (("calls", 1), ("other", 2)):
        audited(tmp_path, name, calls(seed))
        _, path = carded(tmp_path, name, version=f"{seed}.0")
    (tmp_path / "broken.json").write_text(path.read_text()[:500])
    return tmp_path


def test_a_card_that_cannot_be_read_hides_no_other(folder):
    ended = run_command("card", "index", ".", "--html", "index.html", cwd=folder)
    assert ended.returncode == 3
    said = " ".join(ended.stdout.split())
    assert "2 cards of 1 service. Not shown, as they cannot be read: 1 file." in said
    assert "broken.json is no JSON" in said
    page = (folder / "index.html").read_text()
    assert "broken.json is no JSON" in page
    assert "calls 1.0" in page
    assert "calls 2.0" in page
    found = shelve(find_cards([str(folder)]))
    assert [one.file.endswith("broken.json") for one in found.unreadable] == [True]


def test_where_no_card_can_be_read_the_first_reason_is_told(folder):
    for name in ("calls.json", "other.json"):
        (folder / name).write_text(json.dumps({"schema": "evenhand.card/9"}))
    with pytest.raises(InputError, match=r"broken\.json is no JSON.*2 more files cannot be read"):
        shelve(find_cards([str(folder)]))


def test_a_narrow_terminal_shows_all_of_each_card(folder):
    said = run_command("card", "index", "calls.json", "other.json", cwd=folder).stdout
    assert max(map(len, said.splitlines())) <= 80
    for told in (
        "units",
        "everybody",
        "rows",
        "error_rate",
        "west",
        "not signed",
        "2026-03-01",
        "rules",
    ):
        assert told in said


def test_what_was_never_asked_is_no_good_news(folder):
    (folder / "policy.toml").write_text(
        f'[[rule]]\nname = "few"\ntable = "calls.csv"\nmetric = "{METRIC}"\nby = "site"\nmaximum = 0.1\n'
        f'[[rule]]\nname = "all"\ntable = "calls.csv"\nmetric = "{METRIC}"\nby = "site"\nmaximum_ratio = 4\n'
    )
    told = run_command("check", "policy.toml", "--json", cwd=folder).stdout
    (folder / "check.json").write_text(told)
    carded(folder, results=["calls.audit.json", "check.json"])
    ruled, silent = shelve([folder / "calls.json", folder / "other.json"]).cards[::-1]
    assert (ruled.alarms, ruled.broken_rules, ruled.open_rules) == (None, 1, 1)
    assert (silent.alarms, silent.broken_rules, silent.open_rules) == (None, None, None)
    cells = [
        [cell.text for cell in row] for row in cards_table(shelve([folder / "calls.json"])).rows
    ]
    assert cells[0][2:4] == ["–", "1, 1 open"]
    cells = [
        [cell.text for cell in row] for row in cards_table(shelve([folder / "other.json"])).rows
    ]
    assert cells[0][2:4] == ["–", "–"]
