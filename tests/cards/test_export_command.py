"""``evenhand card export`` writes what it says, and refuses what was changed by hand."""

import json

import pytest
from tests.cards.test_exporters import write_card
from tests.commands import run_command

from evenhand.cards import make_card
from evenhand.cards.exporters.catalogue import FORMATS


@pytest.fixture
def card(tmp_path):
    path = tmp_path / "card.json"
    path.write_text(make_card(write_card(tmp_path)).to_json())
    return path


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_is_printed_and_written_alike(card, form, tmp_path):
    asked = ["card", "export", card, "--to", form]
    asked += ["--benchmark", "a/b/c"] if form == "eval-results" else []
    printed = run_command(*asked)
    assert printed.returncode == 0, printed.stderr
    out = tmp_path / f"out{FORMATS[form].ending}"
    assert run_command(*asked, "--out", out).returncode == 0
    if form != "every-eval-ever":  # it tells the time
        assert out.read_text() == printed.stdout


def test_a_card_that_was_changed_goes_nowhere(card):
    plain = json.loads(card.read_text())
    plain["audits"][0]["overall"]["value"] = 0.01
    card.write_text(json.dumps(plain))
    refused = run_command("card", "export", card, "--to", "prov")
    assert refused.returncode == 2
    assert "was changed after it was made" in " ".join(refused.stderr.split())


def test_days_are_days(card):
    refused = run_command("card", "export", card, "--to", "local-law-144", "--audited", "1/2/2026")
    assert refused.returncode == 2
    assert "--audited is '1/2/2026'" in refused.stderr


def test_an_option_of_another_format_is_refused(card):
    refused = run_command("card", "export", card, "--to", "prov", "--benchmark", "a/b/c")
    assert refused.returncode == 2
    assert "--benchmark is for --to eval-results, and this is prov" in refused.stderr
