"""A policy that cannot be read as it is: what is wrong is said at its line, all of it together."""

import re
from pathlib import Path

import pytest
from tests.commands import run_command

import evenhand
from evenhand.errors import FaultsError, InputError
from evenhand.gates.keys import RULE
from evenhand.gates.spoken import in_keys

ROWS = "g,h,y,p,day\n" + "".join(
    f"{'ab'[i % 2]},{i % 3},1,{int(i % 5 > 0)},2026-01-0{i % 9 + 1}\n" for i in range(90)
)
START = """\
title = "T"
table = "rows.csv"
[[rule]]
name = "errors"
metric = "error_rate(label=y, prediction=p)"
by = "g"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "rows.csv").write_text(ROWS)
    return tmp_path


def told(folder, text):
    path = folder / "policy.toml"
    path.write_text(text)
    with pytest.raises(InputError) as raised:
        evenhand.check(path)
    return str(raised.value).replace(str(folder) + "/", "")


@pytest.mark.parametrize(
    ("line", "number", "says"),
    [
        ("maximun = 0.2", 7, r"Unknown key 'maximun'. Did you mean 'maximum'\?"),
        ('maximum = "0.2"', 7, r"maximum is '0.2', but must be a finite number"),
        ("maximum = true", 7, "maximum is True, but must be a finite number"),
        ("maximum = nan", 7, "maximum is nan, but must be a finite number"),
        ("maximum = inf", 7, "maximum is inf, but must be a finite number"),
        ("maximum = 20", 7, r"maximum is 20, but values of error_rate lie in \[0, 1\].  Did you mean 0.2\?"),
        ("maximum_difference = 5", 7, r"maximum_difference is 5, but .*Did you mean 0.05"),
        ("maximum_difference = -0.1", 7, "maximum_difference is -0.1, but must be a finite number of at least 0"),
        ("minimum_ratio = 80", 7, r"minimum_ratio is 80, but must be .*Did you mean 0.8\?"),
        ("minimum_ratio = 0", 7, "minimum_ratio is 0, but must be a number above 0"),
        ("maximum_ratio = 0.5", 7, "maximum_ratio is 0.5, but must be a finite number of at least 1"),
        ("maximum = 0.1\nminimum = 0.2", 8, "minimum is 0.2 and maximum 0.1: no value keeps both"),
        ("maximum_ratio = 2\nminimum_ratio = 0.5", 8, "keep one of them"),
        ("hazard = 'h'", 3, "it demands nothing.  Give it one of: maximum"),
        ("maximum = 0.2\ngroups = ['a', 'bb']", 8, r"Unknown group 'bb'. Did you mean 'b'\?  Groups: a, b"),
        ("maximum = 0.2\nunit = 'speeker'", 8, "unit: Unknown column 'speeker'"),
        ("maximum = 0.2\nwhere = 'hh = 1'", 8, r"where: hh = 1\n +\^ unknown column 'hh'. Did you mean 'h'\?"),
        ("maximum = 0.2\ncondition = 'noise'", 8, "condition: Unknown column 'noise'"),
        ("maximum = 0.2\ncondition = 'g'", 8, "g is among the groups already"),
        ("maximum = 0.2\ntolerance = 0.1", 8, "tolerance says something of not_worse_than, which is not given"),
        ("maximum = 0.2\nfeatures = 'g'", 8, "features says something of a search: slices = true"),
        ("slices = true\nmaximum = 0.2", 8, "a search for slices does not take maximum"),
        ("maximum = 0.2\nmin_units = 1", 8, "min_units is 1, but must be a whole number of at least 2"),
        ("maximum = 0.2\nsmall_groups = 'excuse'", 8, "must be insufficient or excused"),
        ("maximum = 0.2\nworse = 'up'", 8, "worse is 'up', but must be higher or lower"),
        ("not_older_than = '30 days'", 7, "say which column tells when a row was made"),
        ("not_older_than = 'a month'\ntime = 'day'", 7, "but must be such as 30 days"),
        ("not_older_than = '3 days'\ntime = 'h'", 8, "h holds integer values, but time needs dates"),
        ("label_origin = ['randum']\norigin = 'random'", 7, "label_origin is 'randum'. Did you mean 'random'"),
        ("label_origin = ['random']", 7, "nobody says how labels came about"),
        ("label_origin = ['random']\norigin = 'sauce'", 8, "no column is called so"),
        ("review_by = 'soon'\nmaximum = 0.2", 7, "must be a date such as 2027-01-31"),
        ("results = 'x.json'", 6, "results is a file that was judged before, so by says nothing of it"),
        ("findings = 'x.json'\nmaximum = 0.2", 7, "There is no file of findings yet"),
        ("maximum = 0.2\ntable = 'row.csv'", 8, "row.csv: no such file.  Paths are looked for beside the policy"),
        ("maximum = 0.2\n[[rule]]\nname = 'errors'\nmaximum = 0.1", 9, "Two rules are called 'errors'"),
        ("maximum = 0.2\n[[rule]]\nmaximum = 0.1", 8, "Rule 2 has no name"),
        ("maximum = 0.2\n[[rule]]\nname = 'x'\nmaximum = 0.1", 8, "x: it has no metric.  For example: metric = "),
        ("maximum = 0.2\nsuppress_below = -1", 8, "suppress_below is -1"),
        ("maximum = 0.2\nbins = { h = ['a'] }", 8, "bins is .*but must be a number or a list of edges"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_line(folder, line, number, says):
    found = told(folder, START + line + "\n")
    assert re.search(rf"^policy\.toml line {number}: ", found, re.MULTILINE), found
    assert re.search(says, found), found


@pytest.mark.parametrize(
    ("old", "new", "number", "says"),
    [
        ("error_rate(label", "eror_rate(label", 5, "metric: Unknown metric 'eror_rate'. Did you mean 'error_rate'"),
        ("label=y", "label=z", 5, "Unknown column 'z'"),
        ('by = "g"', 'by = "gg"', 6, "by: Unknown column 'gg'. Did you mean 'g'"),
        ('by = "g"', "by = \"g = 'mars'\"", 6, "No row satisfies g = 'mars'"),
        ('by = "g"', "by = []", 6, "by is .., but must be text, or a list"),
        ('title = "T"', "level = 95", 1, "level is 95, but must be a confidence.*Did you mean 0.95"),
        ('title = "T"', "maximum = 0.1", 1, "'maximum' says something of a rule: write it below"),
        ("rows.csv", "row.csv", 2, "row.csv: no such file"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_what_all_rules_share_is_said_once(folder, old, new, number, says):
    found = told(folder, START.replace(old, new) + "maximum = 0.9\n")
    assert len(re.findall(r"^policy\.toml line ", found, re.MULTILINE)) == 1, found
    assert re.search(rf"^policy\.toml line {number}: ", found, re.MULTILINE), found
    assert re.search(says, found), found


def test_all_that_is_wrong_is_said_together(folder):
    second = START.partition("\n[[rule]]\n")[2].replace("errors", "more").replace('"g"', '"gg"')
    text = START + "maximum = 20\n[[rule]]\n" + second + "maximum = 30\n"
    path = folder / "policy.toml"
    path.write_text(text)
    with pytest.raises(FaultsError) as raised:
        evenhand.check(path)
    assert [fault.line for fault in raised.value.faults] == [7, 11, 12]


@pytest.mark.parametrize(
    ("option", "key"),
    [
        ("no row satisfies --where and has both", "no row satisfies `where` and has both"),
        ("choose one (--where \"task = 'a'\")", "choose one (where = \"task = 'a'\")"),
        ("--unit clip --unit voice the errors", 'unit = ["clip", "voice"] the errors'),
        ("--origin spk: 'a'", "origin = \"spk\": 'a'"),
        ("--bins 'age=10,20'", "bins = { age = [10, 20] }"),
        ("or lower --suppress-below.", "or lower `suppress_below`."),
        ("--min-units 5", "min_units = 5"),
        ("see evenhand watch … --time COLUMN", "see evenhand watch … --time COLUMN"),
        ("choose --confirm exact", "choose --confirm exact"),
    ],
)
def test_options_are_told_as_keys_and_commands_as_they_are(option, key):
    assert in_keys(option) == key


ALL_WRONG = """\
levle = 0.9
table = "rows.csv"
[[rules]]
name = "first"
metric = "eror_rate(label=y, prediction=p)"
by = "gg"
unit = "hh"
maxium = 0.1
[[rule]]
name = "second"
table = "row.csv"
metric = "acuracy(label=y, prediction=p)"
maximum = "0.1"
[[rule]]
name = "third"
metric = "error_rate(label=y, prediction=p)"
by = "g"
groups = ["aa"]
maximum = 20
"""


def test_typos_of_every_kind_are_said_in_one_run_each_with_what_was_meant(folder):
    found = told(folder, ALL_WRONG)
    assert re.findall(r"^policy\.toml line (\d+)", found, re.MULTILINE) == [
        *("1", "3", "5", "6", "7", "8", "11", "12", "13", "18", "19")
    ], found
    for says in (
        r"line 1: Unknown key 'levle'. Did you mean 'level'\?$",
        r"line 3: Unknown table \[\[rules\]\].  Did you mean \[\[rule\]\]\?$",
        r"line 5: first: metric: Unknown metric 'eror_rate'. Did you mean 'error_rate'\?",
        r"line 6: first: by: Unknown column 'gg'. Did you mean 'g'\?",
        r"line 7: first: unit: Unknown column 'hh'. Did you mean 'h'\?",
        r"line 8: Unknown key 'maxium'. Did you mean 'maximum'\?$",
        r"line 12: second: metric: Unknown metric 'acuracy'. Did you mean 'accuracy'\?",
        r"line 18: third: Unknown group 'aa'. Did you mean 'a'\?",
    ):
        assert re.search(says, found, re.MULTILINE), (says, found)


def test_a_head_with_one_bracket_is_looked_through_as_a_rule(folder):
    found = told(folder, START.replace("[[rule]]", "[rule]") + "maxium = 0.2\n")
    assert re.findall(r"^policy\.toml line (\d+)", found, re.MULTILINE) == ["3", "7"], found


def test_groups_of_a_search_are_no_silent_wish(folder):
    found = told(folder, START + "slices = true\n")
    assert "line 6: errors: a search for slices looks at all columns, or at features: by" in found
    shared = START.replace('by = "g"', "slices = true").replace("title", 'by = "g"\ntitle')
    (folder / "policy.toml").write_text(shared)
    assert evenhand.check(folder / "policy.toml").answer == "pass"


def test_messages_speak_of_keys_and_not_of_options(folder):
    found = told(folder, START + "maximum = 0.2\nwhere = 'h = 7'\n")
    assert "no row of rows.csv satisfies `where`." in found
    assert "--" not in found.replace("--example", "")


def test_limits_of_two_rules_that_no_value_keeps_are_refused(folder):
    second = START.partition("\n[[rule]]\n")[2].replace("errors", "more")
    found = told(folder, START + "maximum = 0.2\n[[rule]]\n" + second + "minimum = 0.3\n")
    assert "line 7: errors: maximum is 0.2, and 'more' demands at least 0.3 of the same" in found


@pytest.mark.parametrize("key", ["by", "metric", "where", "suppress_below"])
def test_what_one_rule_hides_no_other_may_give_away(folder, key):
    hiding = START + "maximum = 0.9\nsuppress_below = 10\n"
    second = hiding.partition("\n[[rule]]\n")[2].replace("errors", "more")
    other = {
        "by": second.replace('"g"', '"g,h"'),
        "metric": second.replace("error_rate", "accuracy"),
        "where": second + "where = 'h = 1'\n",
        "suppress_below": second.replace("suppress_below = 10\n", ""),
    }[key]
    found = told(folder, hiding + "[[rule]]\n" + other)
    assert (
        f"line 8: errors: it hides groups, and 'more' reads the same table with another {key}"
        in found
    )


def test_rules_that_hide_alike_are_judged(folder):
    hiding = START + "maximum = 0.9\nsuppress_below = 10\n"
    second = hiding.partition("\n[[rule]]\n")[2].replace("errors", "more").replace("0.9", "0.8")
    (folder / "policy.toml").write_text(hiding + "[[rule]]\n" + second)
    assert len(evenhand.check(folder / "policy.toml").rules) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "policy.toml: There is no rule.  Write one below a line [[rule]]"),
        ("title = 'x'", "There is no rule"),
        ("rule = 3", "Write each rule below a line [[rule]]"),
        ("[rule]\nname = 'x'", "Write each rule below a line [[rule]]"),
        ("a = [\n", "policy.toml is no TOML"),
        ("level = 0.9\nlevel = 0.8", "is no TOML: Cannot overwrite a value"),
    ],
)
def test_a_file_that_is_no_policy_is_told(folder, text, says):
    assert says in told(folder, text)


def test_a_mark_at_the_start_of_the_file_is_passed_over(folder):
    (folder / "policy.toml").write_bytes(b"\xef\xbb\xbf" + (START + "maximum = 0.9\n").encode())
    assert evenhand.check(folder / "policy.toml").answer == "pass"


def test_a_file_that_is_no_text_is_told(folder):
    (folder / "policy.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is no text in UTF-8"):
        evenhand.check(folder / "policy.toml")


def test_an_empty_table_is_never_green(folder):
    (folder / "rows.csv").write_text("g,h,y,p,day\n")
    assert "There is nothing to measure" in told(folder, START + "maximum = 0.9\n")


def test_lines_are_those_of_keys_and_not_of_texts_that_look_like_them(folder):
    text = (
        START.replace('title = "T"', 'title = """\n[[rule]]\nmaximum = 3\n"""') + "maximum = 20\n"
    )
    assert re.search(r"^policy\.toml line 10: errors: maximum is 20", told(folder, text))


def test_every_key_is_explained_in_the_how_to():
    text = (Path(__file__).parents[2] / "docs" / "how-to.md").read_text()
    told = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.MULTILINE))
    assert {key: one.meaning for key, one in RULE.items()}.items() <= told.items()


def test_without_a_policy_the_command_says_how_to_get_one(folder):
    ended = run_command("check", cwd=folder)
    assert ended.returncode == 2
    assert "evenhand check --example > policy.toml" in ended.stderr
    assert run_command("check", "nowhere.toml", cwd=folder).returncode == 2


def test_something_else_than_a_policy_is_refused():
    with pytest.raises(InputError, match="policy is int, but must be a TOML file"):
        evenhand.check(3)


#: What may be said beside a file of results; `columns` and `time` only with `table` and `not_older_than`.
OF_RESULTS = {"name", "results", "table", "columns", "time", "not_older_than"}
OF_RESULTS |= {"hazard", "treatment", "review_trigger", "review_by"}


@pytest.mark.parametrize("key", sorted(set(RULE) - OF_RESULTS))
def test_no_key_beside_results_is_taken_and_ignored(folder, key):
    values = {
        "bins": "{ h = 1 }",
        "slices": "true",
        "worse": "'higher'",
        "small_groups": "'excused'",
        "depth": "2",
        "suppress_below": "5",
        "min_units": "5",
        "coverage": "5",
        "label_origin": "'random'",
    }
    numeric = {"maximum", "minimum", "maximum_difference", "maximum_ratio", "minimum_ratio"}
    value = values.get(key, "0.5" if key in numeric else "'x'")
    if key in ("maximum_ratio", "tolerance"):
        value = "1"
    found = told(folder, f"[[rule]]\nname = 'r'\nresults = 'x.json'\n{key} = {value}\n")
    assert f"results is a file that was judged before, so {key} says nothing of it" in found
