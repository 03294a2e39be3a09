"""What a gate writes: read back by the tools that it is for, and nothing of the data is markup."""

import json
import os
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from importlib.metadata import entry_points

import junitparser
import pyarrow as pa
import pytest
from markdown_it import MarkdownIt
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif
from tests.commands import run_command

import evenhand
from evenhand.gates.junit import render_junit
from evenhand.gates.markdown import LONGEST, render_comment, render_summary
from evenhand.gates.sarif import render_sarif
from evenhand.pages.commands import readable

HOSTILE = "<img src=x onerror=alert(1)> | [a](http://x.y) @ada `c` **b**\n# h \x1b[31m ]]>&"
METRIC = "error_rate(label=y, prediction=p)"


def gate(wrong=200, group="b", name="errors", **more):
    """A rule that one group breaks, one keeps, and one is too small for."""
    counts = {"a": (10, 400), group: (wrong, 400), "tiny": (0, 3)}
    rows = [(g, 1, int(i >= n)) for g, (n, of) in counts.items() for i in range(of)]
    table = pa.table(dict(zip("gyp", map(list, zip(*rows, strict=True)), strict=True)))
    rule = {"name": name, "table": table, "metric": METRIC, "by": "g", "maximum": 0.2, **more}
    return evenhand.check({"title": "Release 3", "rule": [rule]})


@pytest.fixture(scope="module")
def hostile():
    return gate(group=HOSTILE, name=f"rule {HOSTILE}", treatment=HOSTILE, hazard=HOSTILE)


# -- JUnit -----------------------------------------------------------------------------------------


def test_junit_is_read_by_its_tools(tmp_path):
    (tmp_path / "j.xml").write_text(render_junit(gate()))
    found = junitparser.JUnitXml.fromfile(str(tmp_path / "j.xml"))
    (suite,) = found
    assert (found.tests, found.failures, found.errors, found.skipped) == (3, 1, 1, 0)
    results = {case.name: [type(one).__name__ for one in case.result] for case in suite}
    assert results == {"maximum: a": [], "maximum: b": ["Failure"], "maximum: tiny": ["Error"]}
    (broken,) = [case for case in suite if case.name == "maximum: b"]
    assert broken.result[0].message.startswith("error_rate of b is .500 (200 of 400), at least ")


def test_what_is_excused_is_skipped():
    found = junitparser.JUnitXml.fromstring(render_junit(gate(small_groups="excused")).encode())
    assert (found.failures, found.errors, found.skipped) == (1, 0, 1)


def test_junit_of_hostile_names_is_one_document(hostile):
    root = ET.fromstring(render_junit(hostile).encode())
    assert next(case.get("name") for case in root.iter("testcase")).startswith(
        "maximum: <img src=x"
    )
    assert {one.tag for one in root.iter()} <= {
        *("testsuites", "testsuite", "testcase", "failure", "error", "properties", "property"),
    }


# -- SARIF -----------------------------------------------------------------------------------------


def sarif(found):
    text = render_sarif(found)
    Sarif.model_validate_json(text)
    return json.loads(text)["runs"][0]


def test_sarif_is_of_its_schema_and_tells_what_is_broken_and_open():
    run = sarif(gate(treatment="ask a person"))
    told = {one["message"]["text"][:19]: (one["kind"], one["level"]) for one in run["results"]}
    assert told == {
        "error_rate of b is ": ("fail", "error"),
        "error_rate of tiny:": ("open", "none"),
    }
    (rule,) = run["tool"]["driver"]["rules"]
    assert rule["id"] == "errors"
    assert rule["help"]["text"] == "ask a person"
    assert all(
        run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"]
        for one in run["results"]
    )


def test_a_rule_that_is_kept_has_no_result_in_sarif():
    assert sarif(gate(wrong=10, small_groups="excused"))["results"] == []


def test_fingerprints_stay_while_numbers_and_lines_change(tmp_path):
    def prints(text):
        (tmp_path / "policy.toml").write_text(text)
        run = sarif(evenhand.check(tmp_path / "policy.toml"))
        lines = [
            one["locations"][0]["physicalLocation"]["region"]["startLine"] for one in run["results"]
        ]
        return [one["partialFingerprints"]["evenhandCheck/v1"] for one in run["results"]], lines

    def rows(wrong):
        return "g,y,p\n" + "a,1,1\n" * 300 + "b,1,0\n" * wrong + "b,1,1\n" * (300 - wrong)

    (tmp_path / "rows.csv").write_text(rows(200))
    text = f'[[rule]]\nname = "errors"\ntable = "rows.csv"\nmetric = "{METRIC}"\nby = "g"\nmaximum = 0.2\n'
    first, at = prints(text)
    (tmp_path / "rows.csv").write_text(rows(240))
    second, later = prints("# moved\n\n" + text.replace("0.2", "0.3"))
    assert first == second
    assert (at, later) == ([1], [3])
    third, _ = prints(text.replace('"errors"', '"other"'))
    assert third != first


def test_fingerprints_tell_groups_and_limits_apart():
    run = sarif(gate(maximum_difference=0.1, minimum=0.15))
    prints = [one["partialFingerprints"]["evenhandCheck/v1"] for one in run["results"]]
    assert len(set(prints)) == len(prints) > 4


def test_sarif_of_hostile_names_is_of_its_schema(hostile):
    (rule,) = sarif(hostile)["tool"]["driver"]["rules"]
    assert re.fullmatch(r"[a-z0-9-]+", rule["id"])


# -- Markdown and HTML -----------------------------------------------------------------------------


def kinds(text):
    """Kinds of what a reader of Markdown finds, also inside lines."""
    parser = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table")
    tokens = parser.parse(text)
    return {one.type for token in tokens for one in (token, *(token.children or ()))}


def test_markdown_tells_the_answer_first_and_why():
    text = render_summary(gate(treatment="ask a person"))
    assert text.startswith(
        "## Release 3\n\n**Fail\\: the rule is broken\\. 50 of 100 answers wrong for b, where at most 20 are "
        "allowed\\.**\n"
    )
    assert "- **Treatment:** ask a person" in text


@pytest.mark.parametrize("render", [render_summary, render_comment])
def test_nothing_of_the_data_is_markup(hostile, render):
    found = kinds(render(hostile).partition("<!-- made by evenhand -->\n")[2] or render(hostile))
    assert {
        one for one in found if one.startswith(("html", "link", "image", "code", "em", "fence"))
    } == set()
    assert not re.search(r"(?<!\\)@ada|\\@ada|http://", render(hostile))
    assert "\x1b" not in render(hostile)


@pytest.mark.parametrize("render", [render_summary, render_comment])
@pytest.mark.parametrize(
    "name",
    ["a_b.csv", "`", "``x", "a ``` @ada ` <img src=x>", "x`\n\n# head", "` |", "[l](http://x)`"],
)
def test_a_command_is_code_that_no_name_breaks_out_of(render, name):
    found = gate()
    (rule,) = found.rules
    command = shlex.join(["evenhand", "audit", name, "--where", "a = '*b*'"])
    told = render(replace(found, rules=(replace(rule, command=command),)))
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    line = next(
        token
        for token in parser.parse(told)
        if token.type == "inline" and "Look closer" in token.content
    )
    *_, text, code = line.children
    assert (text.content, code.type) == (" ", "code_inline")
    assert code.content == readable(command).replace("\n", " ")


def test_a_table_has_as_many_columns_whatever_names_hold(hostile):
    parser = MarkdownIt("commonmark").enable("table")
    tokens = [token.type for token in parser.parse(render_summary(hostile))]
    assert tokens.count("td_open") == 3 * (tokens.count("tr_open") - 1)


def test_a_comment_is_never_longer_than_its_place():
    names = [f"{'g' * 200}{i}" for i in range(40)]
    table = pa.table({"g": names * 6, "y": [1] * 240, "p": [0] * 240})
    rules = [
        {"name": f"{i}", "table": table, "metric": METRIC, "by": "g", "coverage": 9}
        for i in range(20)
    ]
    text = render_comment(evenhand.check({"rule": rules}))
    assert len(text) <= LONGEST + 100
    assert text.endswith("the rest is in the report\\.\n")


def test_nothing_of_the_data_is_a_tag_of_the_page(hostile):
    page = hostile.to_html()
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_the_terminal_shows_no_escape_of_the_data(hostile):
    assert "\x1b" not in str(hostile)


# -- files -----------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "rows.csv").write_text("g,y,p\n" + "a,1,1\n" * 75 + "a,1,0\n" * 25)
    before = pa.table({"g": ["a"] * 200, "y": [1] * 200, "p": [0, 1] * 100})
    (tmp_path / "last.json").write_text(evenhand.audit(before, METRIC, "g").to_json())
    (tmp_path / "policy.toml").write_text(
        f'[[rule]]\nname = "errors"\ntable = "rows.csv"\nmetric = "{METRIC}"\nby = "g"\nmaximum = 0.6\n'
        'not_worse_than = "last.json"\n'
    )
    return tmp_path


FILES = ("--junit", "j.xml", "--sarif", "s.sarif", "--comment", "c.md", "--html", "p.html")


def test_a_run_that_is_repeated_replaces_what_the_last_one_wrote_and_adds_to_the_summary(folder):
    for _ in range(2):
        ended = run_command("check", "policy.toml", *FILES, "--summary", "s.md", cwd=folder)
        assert ended.returncode == 0, ended.stderr
    assert (folder / "s.md").read_text().count("\n**Pass") == 2
    assert (folder / "c.md").read_text().count("\n**Pass") == 1


@pytest.mark.parametrize(("option", "name"), list(zip(FILES[::2], FILES[1::2], strict=True)))
def test_a_file_of_somebody_else_is_not_replaced_unasked(folder, option, name):
    (folder / name).write_text("mine")
    ended = run_command("check", "policy.toml", option, name, cwd=folder)
    assert ended.returncode == 2
    assert f"{option} {name} exists, and Evenhand did not make it" in ended.stderr
    assert (folder / name).read_text() == "mine"
    assert run_command("check", "policy.toml", option, name, "--force", cwd=folder).returncode == 0


@pytest.mark.parametrize("name", ["policy.toml", "rows.csv", "last.json"])
@pytest.mark.parametrize("option", ["--junit", "--summary"])
def test_nothing_that_is_read_is_written(folder, option, name):
    before = (folder / name).read_text()
    ended = run_command("check", "policy.toml", option, name, "--force", cwd=folder)
    assert ended.returncode == 2
    assert "which this run reads" in ended.stderr
    assert (folder / name).read_text() == before


# -- pytest ----------------------------------------------------------------------------------------


def asked(folder, *words):
    """What pytest says of a folder with the plugin."""
    command = ["-m", "pytest", "-p", "evenhand.pytest_plugin", "-p", "no:cacheprovider", "-q"]
    # No other plugin, nor this one a second time where it is installed.
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        [sys.executable, *command, *words], cwd=folder, capture_output=True, text=True, env=alone
    )


def test_pytest_finds_the_plugin_where_the_package_is_installed():
    (found,) = entry_points(group="pytest11", name="evenhand")
    assert found.value == "evenhand.pytest_plugin"


def test_rules_are_items_of_pytest(folder):
    text = (folder / "policy.toml").read_text()
    more = text.replace('"errors"', '"broken"').replace("0.6", "0.1")
    unknown = text.replace('"errors"', '"unsure"').replace("0.6", "0.28")
    (folder / "policy.toml").write_text(text + more + unknown)
    (folder / "test_own.py").write_text("def test_own():\n    pass\n")
    ended = asked(folder, "--evenhand", "policy.toml")
    assert ended.returncode == 1
    assert "2 failed, 2 passed" in ended.stdout
    assert "error_rate of a is .250 (25 of 100), at least " in ended.stdout
    assert "The evidence is not enough" in ended.stdout
    assert "Traceback" not in ended.stdout
    words = ("--evenhand", "policy.toml", "--evenhand-open", "skip", "-k", "not broken")
    assert "2 passed, 1 skipped, 1 deselected" in asked(folder, *words).stdout


def test_a_policy_that_is_wrong_is_told_by_pytest_without_a_traceback(folder):
    (folder / "policy.toml").write_text("[[rule]]\nname = 3\nby = 'g'\ntable = 'row.csv'\n")
    ended = asked(folder, "--evenhand", "policy.toml")
    assert ended.returncode == 2
    assert "line 2: name is 3, but must be text" in ended.stdout
    assert "row.csv: no such file" in ended.stdout
    assert "Traceback" not in ended.stdout
    assert asked(folder, "--evenhand", "nowhere.toml").returncode == 4


def test_what_pytest_prints_of_a_rule_can_be_run_again(folder):
    text = (folder / "policy.toml").read_text()
    more = text.replace('"errors"', '"of all:: [1]"').replace("0.6", "0.1")
    (folder / "policy.toml").write_text(text + more)
    once = ("--evenhand", "policy.toml", "--evenhand=./policy.toml")
    told = asked(folder, *once).stdout
    assert "1 failed, 1 passed" in told
    (node,) = re.findall(r"^FAILED (policy\.toml::.*?) - ", told, re.MULTILINE)
    again = asked(folder, node)
    assert "1 failed in" in again.stdout, again.stdout
    assert "1 failed in" in asked(folder, *once, node).stdout
    assert "1 passed in" in asked(folder, "policy.toml::errors").stdout
    assert "1 failed, 1 passed in" in asked(folder, *once, ".").stdout


def test_settings_of_pytest_name_a_policy_beside_them(folder):
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --evenhand policy.toml\n")
    (folder / "sub").mkdir()
    assert "1 passed" in asked(folder / "sub").stdout
    assert "1 passed" in asked(folder / "sub", "--evenhand", "../policy.toml").stdout


def test_a_policy_is_judged_once_also_where_its_data_have_faults(folder):
    text = (folder / "policy.toml").read_text()
    rules = "".join(text.replace('"errors"', f'"{name}"') for name in "abc")
    (folder / "policy.toml").write_text(rules)
    (folder / "rows.csv").write_text("g,y,p\n" + "a,1,x\n" * 9)
    (folder / "conftest.py").write_text(
        "import evenhand.gates as gates\n"
        "judge = gates.check\n"
        "def once(path):\n"
        "    print('judged', file=open('judged.txt', 'a'))\n"
        "    return judge(path)\n"
        "gates.check = once\n"
    )
    told = asked(folder, "--evenhand", "policy.toml").stdout
    assert "3 failed" in told, told
    assert (folder / "judged.txt").read_text() == "judged\n"


def test_what_must_be_known_of_a_rule_that_passes_is_told_by_pytest(folder):
    text = (folder / "policy.toml").read_text().replace("maximum = 0.6", "minimum = 0.1")
    (folder / "policy.toml").write_text(text.replace('not_worse_than = "last.json"', ""))
    told = asked(folder, "--evenhand", "policy.toml").stdout
    assert "1 passed" in told
    assert "errors: error_rate is better when lower, and minimum = 0.1 forbids that." in told


def test_the_plugin_loads_nothing_before_a_policy_is_named():
    code = "import sys; before = set(sys.modules); import pytest; ours = set(sys.modules); import evenhand.pytest_plugin; print(*(set(sys.modules) - ours))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.startswith("evenhand")}
    assert loaded == {"evenhand", "evenhand.deferred", "evenhand.errors", "evenhand.pytest_plugin"}
    assert not {"numpy", "duckdb", "pyarrow", "scipy", "rich"} & set(done.stdout.split())
