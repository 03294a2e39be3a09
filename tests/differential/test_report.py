"""What people see: the command line, the tables and the report."""

import dataclasses
import io
import json
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest
from rich.cells import cell_len
from rich.console import Console

import evenhand
from evenhand.demos import ward_commands
from evenhand.differential.answer import answers
from evenhand.pages.edition import Edition

EVIL = '</title><script>document.title="owned"</script>{{7*7}}\u202e\''
WER = "wer(reference=reference, hypothesis=hypothesis)"


@pytest.fixture(scope="module")
def hostile():
    """Names that attack, long names, an empty cell, doses, and a group that pays."""
    rng = np.random.default_rng(6)
    rows = []
    for voice in (EVIL, "plain", "averyveryverylongname" * 20, "rare"):
        for dose in (None, -5.0, 5.0):
            for s in range(30 if voice != "rare" else 2):
                share = 0.1 if dose is None else 0.3 + 0.05 * dose * (voice == EVIL)
                name = "clean" if dose is None else f"tone(level={dose:g}) {EVIL}"
                rows.append((voice, name, s, dose, float(rng.random() < share)))
    voice, condition, sentence, dose, wrong = zip(*rows, strict=True)
    table = pa.table(
        {
            "voice": voice,
            "condition": condition,
            "sentence": sentence,
            "dose": pa.array(dose, pa.float64()),
            "wrong": wrong,
        }
    )
    return evenhand.effects(table, "mean(wrong)", "voice", unit="sentence", dose="dose")


def command(*words):
    code = (
        "import sys; from evenhand.cli import main; sys.argv = ['evenhand', *sys.argv[1:]]; main()"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )


class Tags(HTMLParser):
    """Opened tags, and whether each is closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.faults = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append((tag, self.getpos()))


def test_the_report_is_well_formed_and_escapes_what_the_data_say(hostile):
    page = hostile.to_html()
    tags = Tags()
    tags.feed(page)
    assert tags.faults == []
    assert tags.open == []
    assert "script" not in tags.seen
    assert "49" not in page.split("</title>")[0]
    assert "nan" not in page.lower().replace("nanyvery", "")
    assert tags.seen.count("polyline") == 8
    assert 'class="heat few"' in page


def test_every_group_and_condition_stands_in_the_heat_map(hostile):
    page = hostile.to_html()
    table = page[page.index('<table class="heat few">') :]
    table = table[: table.index("</table>")]
    assert table.count("<tr>") == 1 + len(hostile.conditions)
    assert table.count("<td") == len(hostile.conditions) * (1 + 4)


@pytest.mark.parametrize("width", [40, 80, 110, 200])
def test_tables_fit_any_terminal(hostile, width):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(hostile)
    text = console.export_text()
    assert max(map(cell_len, text.splitlines())) <= width
    assert "in four trials of five" in text or "more than the" in text.replace("\n", " ")


def test_the_reference_is_named_first_and_that_nobody_chose_it(hostile):
    usual = "against the reference clean (the usual one, as no other was named"
    told = " ".join(" ".join(str(hostile).splitlines()[:4]).split())
    assert f"{usual}; --reference names another)" in told
    assert f"{usual})" in hostile.to_html()
    chosen = evenhand.effects(
        str(ward_commands()), WER, "voice", unit="sentence", reference="quiet", only="tone_12hz"
    )
    assert "1 condition against the reference quiet" in " ".join(str(chosen).split())
    assert "the usual one" not in str(chosen) + chosen.to_html()


def test_the_reference_has_the_plain_name_that_readers_know(hostile):
    page = hostile.to_html(Edition(labels={"clean": "a quiet room"}))
    assert "under a quiet room" in page
    assert "under clean" not in page


def test_a_group_has_its_plain_name_along_its_doses(hostile):
    page = hostile.to_html(Edition(labels={"plain": "a plain voice"}))
    assert "<h3>a plain voice</h3>" in page
    assert "<h3>plain</h3>" not in page


def test_command_line_prints_reports_and_json(tmp_path):
    words = ["effects", str(ward_commands()), "--metric", WER, "--by", "voice"]
    words += ["--unit", "sentence", "--reference", "quiet", "--only", "tone_12hz"]
    page = tmp_path / "effects.html"
    shown = command(*words, "--html", str(page))
    assert shown.returncode == 0, shown.stderr
    assert "costs voice = 'en+m1'" in shown.stdout
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    found = json.loads(command(*words, "--json").stdout)
    assert found["schema"] == "evenhand.effects/1"
    assert found["conditions"] == ["tone_12hz"]
    assert [o["condition"] for o in found["overall"]] == ["quiet", "tone_12hz"]
    assert found["settings"]["command"].startswith("evenhand effects ")


def test_command_line_says_what_is_wrong():
    words = ["effects", str(ward_commands()), "--metric", WER, "--by", "voice"]
    wrong = command(*words)
    assert wrong.returncode == 2
    assert "reference is 'clean', but condition has no such value." in wrong.stderr
    assert "Values: quiet, tone, tone_12hz" in wrong.stderr
    thin = command(*words, "--reference", "quiet", "--min-units", "900")
    assert thin.returncode == 3


def test_many_groups_and_conditions_are_cut_and_said_so(hostile):
    one = next(g for g in hostile.groups if g.differential)
    plain = next(
        g for g in hostile.groups if g.differential is None and g.predicate == one.predicate
    )
    groups = tuple(
        dataclasses.replace(g, predicate=f"voice = 'v{i}'", group={"voice": f"v{i}"}, condition=c)
        for i in range(100)
        for g, c in ((plain, "clean"), *((one, c) for c in hostile.conditions))
    )
    page = dataclasses.replace(hostile, groups=groups, pairs=(), doses=()).to_html()
    assert "40 more groups are in the JSON of this answer" in page
    assert "The first 40 of 200 are drawn." in page


# -- headlines ------------------------------------------------------------------------------------


def _people(rate_before, rate_after):
    """Two groups of 400 sentences each, whose shares of errors before and after are given by group."""
    rows = [
        (who, condition, f"{who}{i}", int(i < 400 * rates[who]))
        for condition, rates in (("clean", rate_before), ("typos", rate_after))
        for who in rates
        for i in range(400)
    ]
    who, condition, sentence, wrong = zip(*rows, strict=True)
    return pa.table({"who": who, "condition": condition, "sentence": sentence, "wrong": wrong})


def _told(before, after):
    table = _people(before, after)
    shown = str(evenhand.effects(table, "mean(wrong)", "who", unit="sentence"))
    return " ".join(shown.split())


def test_where_the_others_gain_nobody_is_said_to_pay():
    told = _told({"man": 0.1, "woman": 0.3}, {"man": 0.1, "woman": 0.1})
    assert "typos saves the others 0.200" in told
    assert "who = 'man' nothing: its mean stays at .100" in told
    assert "costs who" not in told


def test_where_one_side_pays_and_the_other_gains_both_are_told():
    told = _told({"man": 0.1, "woman": 0.3}, {"man": 0.2, "woman": 0.1})
    assert "typos costs who = 'man' 0.100 and saves the others 0.200, 0.300 apart" in told
    assert "its mean goes from .100 to .200" in told


def test_where_nothing_changes_that_is_said():
    told = _told({"man": 0.1, "woman": 0.3}, {"man": 0.1, "woman": 0.3})
    assert (
        "Nothing changes: under every condition each group has the mean that it has under clean"
        in told
    )
    assert "costs" not in told


def test_a_saving_comes_first_and_is_not_told_as_a_harm():
    """A repair that helps one group alone: it saves overall, the others gain less, nobody loses."""
    rows = [
        (who, condition, f"s{s}", float(who == "a" and condition == "clean" and s % 5 > 0))
        for who in "abc"
        for condition in ("clean", "mended")
        for s in range(40)
    ]
    columns = dict(zip(("who", "condition", "s", "wrong"), zip(*rows, strict=True), strict=True))
    found = evenhand.effects(pa.table(columns), "mean(wrong)", "who", unit="s", worse="higher")
    page = found.to_html()
    assert "Best is mended: mean" in page
    told = {line.split(">", 1)[1]: "worse" in line.split(">", 1)[0] for line in page.splitlines() if line.startswith("<li")}  # fmt: skip
    harms = {text.partition("<")[0]: harm for text, harm in told.items()}
    assert [harm for text, harm in harms.items() if text.startswith("mended saves 0.2")] == [False]
    assert harms["By mended no group is worse off."] is False
    assert next(harm for text, harm in harms.items() if "who b nothing" in text)


def _answer(wrong):
    """Answer of the page, where `wrong` says of a group the share of 40 that are wrong under each condition."""
    rows = [
        (who, condition, f"s{s}", float(s % 10 < 10 * share))
        for who, shares in wrong.items()
        for condition, share in zip(("clean", "mended", "noisy"), shares, strict=False)
        for s in range(40)
    ]
    columns = dict(zip(("who", "condition", "s", "wrong"), zip(*rows, strict=True), strict=True))
    table = pa.table({**columns, "right": [0.0] * len(rows)})
    found = evenhand.effects(table, "error_rate(right, wrong)", "who", unit="s")
    return list(answers(found, Edition()))[1]


def test_who_had_nothing_to_gain_is_told_and_those_alike_share_the_most():
    assert _answer({"a": (0.8, 0.0), "b": (0, 0), "c": (0, 0), "d": (0.5, 0.5)}) == (
        "3 of 4 groups of who gain less than the others: b, c and d (b and c had nothing to gain). "
        "Most: b, c and d under mended, by 26.7 points each."
    )
    assert _answer({"a": (0.8, 0.0), "b": (0, 0)}) == (
        "1 of 2 groups of who gains less than the others: b, with nothing to gain. "
        "Most: b under mended, by 80.0 points."
    )


def test_one_group_pays_and_of_two_one_may_gain_less():
    assert _answer({"a": (0.1, 0.9), "b": (0.1, 0.1)}) == (
        "1 of 2 groups of who pays more than the others: a. Most: a under mended, by 80.0 points."
    )
    assert _answer({"a": (0.9, 0.9, 0.9), "b": (0.9, 0.1, 0.1), "c": (0.1, 0.1, 0.9)}).startswith(
        "2 of 3 groups of who pay more, or gain less, than the others: c and a"
    )
