"""What people see of switches: the sentences, the tables, the page and the command line."""

import io
import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from rich.cells import cell_len
from rich.console import Console
from tests.differential.test_report import Tags

import evenhand
from evenhand.pages.edition import Edition

EVIL = '</title><script>document.title="owned"</script>{{7*7}}\u202e\''


def rows(seed=2):
    """Group lost loses by new and all others gain; one group has few rows."""
    rng = np.random.default_rng(seed)
    group = np.array(["lost"] * 200 + ["won"] * 200 + [EVIL] * 200 + ["few"] * 3)
    old = rng.random(len(group)) < 0.4
    new = np.where(
        group == "lost", old | (rng.random(len(group)) < 0.3), old & (rng.random(len(group)) < 0.5)
    )
    return pa.table(
        {
            "site": group,
            "label": np.zeros(len(group), int),
            "old": old.astype(int),
            "new": new.astype(int),
            "person": [f"p{i}" for i in range(len(group))],
        }
    )


METRICS = ["error_rate(label, old)", "error_rate(label, new)"]


@pytest.fixture(scope="module")
def found():
    return evenhand.compare(rows(), METRICS, "site")


def command(*words):
    code = (
        "import sys; from evenhand.cli import main; sys.argv = ['evenhand', *sys.argv[1:]]; main()"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )


def test_the_first_sentence_says_who_gains_who_loses_and_by_how_much(found):
    first, second, *_ = " ".join(str(found).split()).split(".  ")[0].split(". ")
    assert first.startswith("Switching from old to new: ")
    assert "of 4 sites gain" in found.to_html()
    assert "lost loses (" in str(found)
    assert "more of 100 answers wrong" in " ".join(str(found).split())
    assert second


def test_a_gap_that_grows_is_told_beside_the_loss(found):
    text = " ".join(str(found).split())
    assert "lost is better off than the others" in text or "between lost and the others" in text


def test_where_nothing_is_shown_it_says_what_would_have_been():
    rng = np.random.default_rng(1)
    table = pa.table({"g": ["a", "b"] * 60, "old": rng.random(120), "new": rng.random(120)})
    text = " ".join(str(evenhand.compare(table, ["mean(old)", "mean(new)"], "g")).split())
    assert "these records cannot tell a gain or a loss of any of 2 groups of g" in text
    assert "would have been found in four comparisons of five" in text


def test_the_page_is_well_formed_and_escapes_what_the_data_say(found):
    page = found.to_html(Edition(title=EVIL, note=EVIL))
    tags = Tags()
    tags.feed(page)
    assert tags.faults == []
    assert tags.open == []
    assert "script" not in tags.seen
    assert "49" not in page.split("</title>")[0]
    assert "nan" not in page.lower()


def test_the_page_has_a_table_of_services_and_a_line_a_group(found):
    page = found.to_html()
    assert page.count('<ul class="forest"') == 2
    assert "all together" in page
    assert ">old</th>" in page
    assert "Refused" in page  # the group of three rows


def test_services_have_the_plain_names_that_readers_know(found):
    page = found.to_html(Edition(labels={"old": "the old one", "new": "the new one"}))
    assert "Switching from the old one to the new one" in page


def test_the_figure_draws_changes_and_gaps(found):
    figure = found.to_figure()
    assert "who loses" in figure
    assert "whose gap grows" in figure


@pytest.mark.parametrize("width", [40, 80, 110, 200])
def test_tables_fit_any_terminal(found, width):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(found)
    assert max(map(cell_len, console.export_text().splitlines())) <= width


# -- the command line ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("switching") / "calls.csv"
    table = rows()
    pa.csv.write_csv(table.filter(pa.compute.not_equal(table["site"], EVIL)), path)
    return str(path)


@pytest.mark.parametrize(
    "services", [["--compare", *METRICS], ["--compare", METRICS[0], "--compare", METRICS[1]]]
)
def test_services_stand_after_one_option_or_two(file, services):
    answer = command("audit", file, *services, "--by", "site", "--json")
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert found["schema"] == "evenhand.switches/1"
    assert [one["name"] for one in found["services"]] == ["old", "new"]


def test_page_csv_and_figure_are_written(file, tmp_path):
    page, figure = tmp_path / "a.html", tmp_path / "a.svg"
    words = ["audit", file, "--compare", *METRICS, "--by", "site", "--csv"]
    answer = command(*words, "--html", str(page), "--figure", str(figure), "--title", "Two")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("by,group,predicate,service,")
    assert "<title>Two" in page.read_text(encoding="utf-8")
    assert figure.read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--metric", "mean(old)"], "--metric is for the audit of one service"),
        (["--versus", "best"], "--versus is for the audit of one service"),
        (["--share"], "--share: group site = 'few' has 3 rows under old"),
        (["--suppress-below", "4"], "--suppress-below: group site = 'few' has 3 rows"),
        (["--json", "--csv"], "cannot both go to the output"),
    ],
)
def test_options_that_do_not_go_together_are_refused(file, more, message):
    answer = command("audit", file, "--compare", *METRICS, "--by", "site", *more)
    assert answer.returncode == 2
    assert message in answer.stderr


def test_groups_must_be_named(file):
    answer = command("audit", file, "--compare", *METRICS)
    assert answer.returncode == 2
    assert "Say with --by for which groups" in answer.stderr


def test_without_evidence_the_code_is_3(tmp_path):
    path = tmp_path / "few.csv"
    pa.csv.write_csv(pa.table({"g": ["a"] * 3, "old": [1, 0, 1], "new": [0, 0, 1]}), path)
    answer = command("audit", str(path), "--compare", "mean(old)", "mean(new)", "--by", "g")
    assert answer.returncode == 3
