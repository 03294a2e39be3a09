"""What changed is told where it is more than noise; rows that are shared are never taken for two samples."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from tests.cards.worlds import METRIC, WRITTEN, audited, calls, carded
from tests.commands import run_command

import evenhand
from evenhand.cards.changes import words
from evenhand.cards.changes.comparing import compare_cards
from evenhand.cards.changes.intervals import differences_apart
from evenhand.cards.changes.tables import changes_table
from evenhand.cards.verification import read_card
from evenhand.errors import InputError
from evenhand.results.estimate import Estimate
from evenhand.stats.intervals import t_of


def estimate(wrong, rows, level=0.95, *, error=None, units=None):
    """A rate of independent rows, or of units with a standard error."""
    from evenhand.stats.intervals import wilson, z_of

    low, high = wilson(np.array(float(wrong)), np.array(float(rows)), z_of(level))
    return Estimate(
        value=wrong / rows, low=float(low), high=float(high), standard_error=error, n_rows=rows,
        n_units=units or rows, numerator=wrong, denominator=rows, counts=None,
        method="cluster-t" if units else "wilson", reason=None,
    )  # fmt: skip


def two_cards(folder, before, after, **options):
    folder.mkdir(exist_ok=True)
    audited(folder, "old", before, **options)
    audited(folder, "new", after, **options)
    return carded(folder, "old", version="1")[0], carded(folder, "new", version="2")[0]


def test_a_group_that_became_worse_is_found_and_no_other(tmp_path):
    old, new = two_cards(tmp_path, calls(1, 3000), calls(2, 3000, (0.1, 0.3, 0.4)))
    found = compare_cards(old, new)
    worse = {one.predicate for one in found.worse}
    assert "site = 'south'" in worse
    assert not {"site = 'north'", "site = 'west'"} & worse
    assert found.groups[0].predicate == ""
    assert {one.samples for one in found.groups} == {"other tables"}


def test_changes_that_are_none_are_called_so_in_at_least_95_of_100_worlds():
    rng = np.random.default_rng(5)
    rates, sizes = rng.uniform(0.02, 0.6, 12), rng.integers(20, 400, 12)
    false = 0
    worlds = 600
    for _ in range(worlds):
        pairs = [
            (estimate(int(a), int(n)), estimate(int(b), int(n)))
            for n, a, b in zip(
                sizes, rng.binomial(sizes, rates), rng.binomial(sizes, rates), strict=True
            )
        ]
        false += any(
            one.low is not None and (one.low > 0 or one.high < 0)
            for one in differences_apart(pairs, 0.95)
        )
    assert false / worlds <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / worlds)


def test_intervals_of_changes_of_units_cover():
    rng = np.random.default_rng(6)
    units, worlds, missed = 15, 1500, 0
    for _ in range(worlds):
        sides = []
        for rate in (0.2, 0.3):
            own = rng.beta(rate * 10, (1 - rate) * 10, units)
            error = own.std(ddof=1) / np.sqrt(units)
            half = float(t_of(0.95, units - 1)) * error
            told = {"value": own.mean(), "low": own.mean() - half, "high": own.mean() + half}
            one = estimate(10, 100, error=error, units=units)
            sides.append(Estimate(**{name: getattr(one, name) for name in one.__slots__} | told))
        (found,) = differences_apart([tuple(sides)], 0.95)
        missed += not found.low <= 0.1 <= found.high
    assert missed / worlds <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / worlds)


def test_p_values_agree_with_intervals():
    rng = np.random.default_rng(7)
    pairs = [
        (estimate(int(a), 200), estimate(int(b), 200)) for a, b in rng.integers(10, 60, (40, 2))
    ]
    for one in differences_apart(pairs, 0.95):
        assert (one.p_value < 0.05) == (one.low > 0 or one.high < 0)


@pytest.mark.parametrize(
    ("side", "reason"),
    [
        ({"value": None}, "too_few_units"),
        ({"low": None, "reason": "no_denominator"}, "no_denominator"),
        ({"method": "cluster-t", "standard_error": 0.0}, "no_variation"),
        ({"method": "cluster-t", "standard_error": None}, "no_variation"),
    ],
)
def test_what_has_no_interval_has_a_reason(side, reason):
    one = estimate(10, 100)
    other = Estimate(**{name: getattr(one, name) for name in one.__slots__} | side)
    (found,) = differences_apart([(one, other)], 0.95)
    assert (found.low, found.high, found.p_value, found.reason) == (None, None, None, reason)


def test_two_cards_of_one_table_get_no_interval_without_it(tmp_path):
    table = calls(1, 900)
    worse = np.where(np.arange(900) % 7 == 0, 1, table["wrong"].to_numpy())
    both = table.append_column("later", [worse])
    pacsv.write_csv(both, tmp_path / "calls.csv")
    for name, column in (("old", "wrong"), ("new", "later")):
        found = evenhand.audit(
            str(tmp_path / "calls.csv"), f"error_rate(label=zero, prediction={column})", by="site"
        )
        (tmp_path / f"{name}.audit.json").write_text(found.to_json())
    old, new = carded(tmp_path, "old", version="1")[0], carded(tmp_path, "new", version="2")[0]
    blind = compare_cards(old, new)
    assert {(one.samples, one.low, one.verdict, one.reason) for one in blind.groups} == {
        ("same rows", None, None, "same_rows")
    }
    assert blind.comparisons == 0
    assert "same_rows" in {note.code for note in blind.notes}
    assert blind.definitions[0].place == "error_rate: expression"

    paired = compare_cards(old, new, data=[tmp_path / "calls.csv"])
    direct = evenhand.compare(
        str(tmp_path / "calls.csv"),
        ["error_rate(label=zero, prediction=wrong)", "error_rate(label=zero, prediction=later)"],
        "site",
        level=0.975,
    )
    expected = {
        one.predicate: one.change for one in direct.groups if one.service == direct.services[1].name
    }
    for one in paired.groups[1:]:
        assert one.samples == "paired"
        assert (one.low, one.high) == pytest.approx(
            (expected[one.predicate].low, expected[one.predicate].high)
        )
    assert paired.groups[0].verdict == "worse"


def test_a_metric_of_which_lower_is_worse_is_paired_with_its_own_sign(tmp_path):
    table = calls(1, 900)
    better = np.where(np.arange(900) % 5 == 0, 0, table["wrong"].to_numpy())
    both = table.append_column("later", [better])
    pacsv.write_csv(both, tmp_path / "calls.csv")
    for name, column in (("old", "wrong"), ("new", "later")):
        found = evenhand.audit(
            str(tmp_path / "calls.csv"), f"accuracy(label=zero, prediction={column})", by="site"
        )
        (tmp_path / f"{name}.audit.json").write_text(found.to_json())
    cards = [
        evenhand.make_card(carded_text(tmp_path, name, version))
        for name, version in (("old", "1"), ("new", "2"))
    ]
    found = compare_cards(*cards, data=[tmp_path / "calls.csv"])
    everybody = found.groups[0]
    assert everybody.change == pytest.approx(everybody.after.value - everybody.before.value)
    assert everybody.low > 0
    assert everybody.verdict == "better"


def carded_text(folder, name, version):
    text = WRITTEN.format(results=f'"{name}.audit.json"', version=version)
    path = folder / f"{name}.toml"
    path.write_text(text.replace('["error_rate"]', '["accuracy"]'))
    return path


def test_two_tables_of_the_same_rows_are_paired_by_their_key(tmp_path):
    before = calls(1, 900)
    later = np.where(np.arange(900) % 6 == 0, 1, before["wrong"].to_numpy())
    after = before.set_column(before.column_names.index("wrong"), "wrong", [later])
    # What differs are the answers: here the metric's prediction.
    metric = "error_rate(label=zero, prediction=wrong)"
    cards = []
    for name, table, version in (("old", before, "1"), ("new", after, "2")):
        pacsv.write_csv(table, tmp_path / f"{name}.csv")
        found = evenhand.audit(str(tmp_path / f"{name}.csv"), metric, by="site")
        (tmp_path / f"{name}.audit.json").write_text(found.to_json())
        cards.append(carded(tmp_path, name, version=version)[0])
    tables = [tmp_path / "old.csv", tmp_path / "new.csv"]
    apart, paired = compare_cards(*cards), compare_cards(*cards, data=tables, on=["id"])
    assert {one.samples for one in paired.groups} == {"paired"}
    with pytest.raises(InputError, match=r"old\.csv would not be used: .* --on id"):
        compare_cards(*cards, data=tables)
    with pytest.raises(InputError, match=r"new\.csv would not be used: .* --data OLD NEW --on id"):
        compare_cards(*cards, data=tables[1:])
    widths = [
        (one.high - one.low, other.high - other.low)
        for one, other in zip(paired.groups, apart.groups, strict=True)
        if one.low is not None
    ]
    assert all(narrow < wide for narrow, wide in widths)
    assert len(widths) >= 3


def test_groups_metrics_parts_and_words_that_came_and_went_are_told(tmp_path):
    old_table, new_table = calls(1), calls(2)
    audited(tmp_path, "old", old_table, by="site")
    audited(tmp_path, "new", new_table, by="sex", tolerance=0.02)
    old, _ = carded(tmp_path, "old", version="1", more='\n[dimensions]\nsafety = "x"\n')
    new, _ = carded(tmp_path, "new", version="2", more='\n[dimensions]\ngovernance = "y"\n')
    found = compare_cards(old, new)
    assert {one.predicate for one in found.new_groups} == {"sex = 'f'", "sex = 'm'"}
    assert {one.predicate for one in found.gone_groups} == {
        f"site = '{name}'" for name in ("north", "south", "west")
    }
    assert [one.place for one in found.definitions] == ["error_rate: tolerance"]
    assert (found.now_told, found.no_longer_told) == (("Governance",), ("Safety",))
    assert {one.place for one in found.texts} == {
        "service.version", "dimensions.safety", "dimensions.governance",
    }  # fmt: skip
    log = str(found)
    assert "Now told: Governance." in log
    assert "error_rate: tolerance was 0, and is 0.02." in " ".join(log.split())


def test_cards_in_the_wrong_order_and_of_two_services_are_told(tmp_path):
    old, new = two_cards(tmp_path, calls(1), calls(2))
    plain = json.loads(new.to_json())
    plain["written"]["service"] |= {"name": "other", "applies_to": "2020-01-01"}
    turned = evenhand.Card.from_dict(plain)
    codes = {note.code for note in compare_cards(old, turned).notes}
    assert {"other_service", "turned_round"} <= codes


def test_numbers_of_two_services_are_named_by_their_services(tmp_path):
    old, new = two_cards(tmp_path, calls(1, rates=(0.1, 0.1, 0.1)), calls(2, rates=(0.1, 0.1, 0.9)))
    plain = json.loads(new.to_json())
    plain["written"]["service"]["name"] = "rival"
    found = compare_cards(old, evenhand.Card.from_dict(plain))
    heads = [one.head for one in changes_table(found, "error_rate", 40).columns[2:4]]
    assert heads == ["calls 1", "rival 2"]
    (worse,) = [text for text in words.answers(found) if text.startswith("Worse for west:")]
    assert " by calls, " in worse
    assert " by rival (" in worse
    assert "before" not in worse


def test_groups_of_two_attributes_that_are_called_alike_are_told_apart(tmp_path):
    table = calls(1).set_column(2, "sex", [["west", "m"] * 300])
    old, new = two_cards(tmp_path, table, calls(2).set_column(2, "sex", [["west", "m"] * 300]))
    rows = changes_table(compare_cards(old, new), "error_rate", 40).rows
    names = [row[0].text for row in rows]
    assert {"site west", "sex west", "north"} <= set(names)
    assert len(set(names)) == len(names)


def test_an_interval_that_leaves_everything_open_says_that_there_was_too_little(tmp_path):
    old, new = two_cards(tmp_path, calls(1), calls(2))
    found = compare_cards(old, new)
    metric, one = found.metrics[0], found.groups[1]
    assert words.too_wide(metric, replace(one, low=-1.7, high=3.4))
    assert not words.too_wide(metric, replace(one, low=-0.5, high=3.4))
    wide = replace(found, groups=(replace(one, low=-1.7, high=3.4, change=0.088),))
    assert changes_table(wide, "error_rate", 40).rows[0][4].text == "+8.8 (too few)"


def test_a_table_that_no_card_rests_on_is_refused(tmp_path):
    old, new = two_cards(tmp_path, calls(1), calls(2))
    pacsv.write_csv(calls(3), tmp_path / "third.csv")
    with pytest.raises(InputError, match=r"third\.csv has SHA-256 .* neither card rests on it"):
        compare_cards(old, new, data=[tmp_path / "third.csv"])
    with pytest.raises(InputError, match=r"level is 95, but must be a confidence"):
        compare_cards(old, new, level=95)


@pytest.mark.parametrize("sizes", ["one large", "Pareto"])
def test_units_of_other_sizes_give_no_more_false_changes_than_told(sizes):
    rng, worlds, false = np.random.default_rng(9), 60, 0
    for _ in range(worlds):
        sides = [
            evenhand.audit(uneven(rng, sizes), "mean(y)", by="g", unit="u", worse="higher")
            for _ in "ab"
        ]
        later = {one.predicate: one.estimate for one in sides[1].groups}
        pairs = [(one.estimate, later[one.predicate]) for one in sides[0].groups]
        false += any(
            one.low is not None and (one.low > 0 or one.high < 0)
            for one in differences_apart(pairs, 0.95)
        )
    assert false / worlds <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / worlds)


def uneven(rng, sizes):
    """Twelve speakers in each of six groups, of equal rates, who say much or little."""
    groups, speakers, wrong = [], [], []
    for group in range(6):
        if sizes == "Pareto":
            said = np.minimum(np.ceil(rng.pareto(1.2, 12) * 10 + 2), 2000).astype(int)
        else:
            said = np.array([600] + [15] * 11)
        rates = np.clip(rng.lognormal(np.log(0.15) - 0.18, 0.6, 12), 0, 0.95)
        groups.append(np.repeat(group, said.sum()))
        speakers.append(np.repeat(np.arange(12) + 12 * group, said))
        wrong.append(rng.random(said.sum()) < np.repeat(rates, said))
    columns = {"g": groups, "u": speakers, "y": wrong}
    return pa.table({name: np.concatenate(of).astype(int) for name, of in columns.items()})


def rested(folder, name, table, metric, version, *, of=None, **options):
    """A card of a table, which may be that of another card."""
    path = folder / f"{of or name}.csv"
    pacsv.write_csv(table, path)
    found = evenhand.audit(str(path), metric, by="site", **options)
    (folder / f"{name}.audit.json").write_text(found.to_json())
    text = WRITTEN.format(results=f'"{name}.audit.json"', version=version)
    request = folder / f"{name}.toml"
    request.write_text(text.replace("error_rate", found.metric.name))
    return evenhand.make_card(request)


def later_calls(table, often):
    """The same calls with more wrong answers in another column."""
    wrong = table["wrong"].to_numpy()
    return table.append_column("later", [np.where(np.arange(len(wrong)) % often == 0, 1, wrong)])


def answered(column):
    return f"error_rate(label=zero, prediction={column})"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"weight": "heavy"}, "not_paired_weight"),
        ({"suppress_below": 5}, "not_paired_hidden"),
        ({"unit": "id", "stratum": "sex"}, "not_paired_stratum"),
    ],
)
def test_rows_that_would_not_be_counted_as_on_the_cards_are_not_paired(tmp_path, options, reason):
    table = later_calls(calls(1, 600), 7)
    table = table.append_column("heavy", [np.where(table["later"].to_numpy() == 1, 1, 9)])
    cards = [
        rested(tmp_path, name, table, answered(column), version, of="both", **options)
        for name, column, version in (("old", "wrong", "1"), ("new", "later", "2"))
    ]
    found = compare_cards(*cards, data=[tmp_path / "both.csv"])
    assert {(one.samples, one.verdict, one.low) for one in found.groups} == {
        ("same rows", None, None)
    }
    assert found.metrics[0].reason == reason
    assert reason in {note.code for note in found.notes}
    # The cards' own numbers stand there.
    assert found.groups[0].before == cards[0].audits[0].overall
    assert found.groups[0].after == cards[1].audits[0].overall


def test_one_question_of_one_table_that_was_counted_otherwise_is_said_so(tmp_path):
    table = calls(1, 600).append_column("heavy", [np.arange(600) % 5 + 1])
    cards = [
        rested(tmp_path, name, table, answered("wrong"), version, of="both", **options)
        for name, version, options in (("old", "1", {}), ("new", "2", {"weight": "heavy"}))
    ]
    for data in ([], [tmp_path / "both.csv"]):
        found = compare_cards(*cards, data=data)
        assert found.metrics[0].reason == "counted_otherwise"
        assert {one.verdict for one in found.groups} == {None}
    assert [one.place for one in found.definitions] == ["error_rate: weight"]


def test_rows_with_a_judge_are_not_paired(tmp_path):
    from evenhand.audits.result import JudgeHelp
    from evenhand.cards.changes.asking import unpairable

    found = audited(tmp_path, "old", calls(1))
    helped = JudgeHelp(expression=METRIC, method="post-stratified", weight=None, helped=())
    assert unpairable(found, found) is None
    assert unpairable(found, replace(found, judge=helped)) == "not_paired_judge"


def test_rows_that_lack_an_answer_of_one_card_leave_no_verdict(tmp_path):
    table = later_calls(calls(1, 600), 3)
    lacking = [
        None if row % 4 == 0 else int(one) for row, one in enumerate(table["later"].to_pylist())
    ]
    table = table.set_column(table.column_names.index("later"), "later", [lacking])
    cards = [
        rested(tmp_path, name, table, answered(column), version, of="both")
        for name, column, version in (("old", "wrong", "1"), ("new", "later", "2"))
    ]
    found = compare_cards(*cards, data=[tmp_path / "both.csv"])
    assert found.metrics[0].reason == "not_the_cards_numbers"
    assert {one.verdict for one in found.groups} == {None}
    assert found.groups[0].before == cards[0].audits[0].overall


def test_rows_in_one_table_only_are_counted_and_the_cards_own_numbers_stand_beside(tmp_path):
    before = calls(1, 900)
    wrong = np.where(np.arange(900) % 6 == 0, 1, before["wrong"].to_numpy())
    after = before.set_column(before.column_names.index("wrong"), "wrong", [wrong])
    cards = [
        rested(tmp_path, "old", before.slice(0, 700), answered("wrong"), "1"),
        rested(tmp_path, "new", after.slice(300), answered("wrong"), "2"),
    ]
    tables = [tmp_path / "old.csv", tmp_path / "new.csv"]
    found = compare_cards(*cards, data=tables, on=["id"])
    shared = found.metrics[0].shared
    assert (shared.shared, shared.before, shared.after) == (400, 700, 600)
    everybody = found.groups[0]
    assert everybody.before.n_rows == 400
    assert everybody.card_before == cards[0].audits[0].overall.value
    assert everybody.card_after == cards[1].audits[0].overall.value
    first, *_ = words.answers(found)
    assert first.startswith(
        "error_rate is compared on the 400 rows that both cards have, of 700 on the older and 600"
    )
    assert "groups_of_older" in {note.code for note in found.notes}
    assert f"(all rows {everybody.card_before:.1%}".replace("%", " %") in " ".join(
        found.to_html().split()
    )


def test_another_quantity_under_one_name_is_said_first_and_not_subtracted(tmp_path):
    table = later_calls(calls(1, 600), 3)
    cards = [
        rested(tmp_path, name, table, f"mean({column})", version, worse="higher")
        for name, column, version in (("old", "wrong", "1"), ("new", "id", "2"))
    ]
    found = compare_cards(*cards)
    assert {(one.change, one.verdict, one.reason) for one in found.groups} == {
        (None, None, "other_quantity")
    }
    assert next(words.answers(found)).startswith(
        "mean is not the same quantity on both cards (mean(value=id) now)"
    )


def test_another_truth_is_another_quantity_and_another_answer_is_not(tmp_path):
    table = later_calls(calls(1, 600), 3)
    old = rested(tmp_path, "old", table, answered("wrong"), "1")
    for metric, reason in (
        ("error_rate(label=wrong, prediction=zero)", "other_quantity"),
        (answered("later"), None),
    ):
        new = rested(tmp_path, "new", table.slice(1), metric, "2")
        assert compare_cards(old, new).metrics[0].reason == reason


def test_another_direction_of_harm_and_other_missing_values_are_told(tmp_path):
    cards = [
        rested(tmp_path, "old", calls(1, 900), "mean(wrong)", "1", worse="higher"),
        rested(
            tmp_path,
            "new",
            calls(2, 900, (0.4, 0.5, 0.9)),
            "mean(wrong)",
            "2",
            worse="lower",
            missing_values=["-"],
        ),
    ]
    found = compare_cards(*cards)
    assert {(one.verdict, one.reason) for one in found.groups} == {(None, "other_direction")}
    assert next((one.place, one.before, one.after) for one in found.definitions) == (
        "mean: what is worse", "higher", "lower",
    )  # fmt: skip
    assert found.definitions[1].place == "mean: missing values"
    assert found.definitions[1].after == "'-'"


def test_groups_that_could_not_be_judged_are_named(tmp_path):
    few = pa.concat_tables([calls(1, 900), calls(3, 3).set_column(1, "site", [["east"] * 3])])
    cards = [
        rested(tmp_path, "old", few, answered("wrong"), "1"),
        rested(tmp_path, "new", few.slice(1), answered("wrong"), "2"),
    ]
    said = list(words.answers(compare_cards(*cards)))
    assert said == [
        "No group changed beyond noise, of 4 comparisons.",
        "Could not be judged: east.",
    ]


def test_results_that_are_no_audits_are_said_not_to_be_compared(tmp_path):
    old = rested(tmp_path, "old", calls(1), answered("wrong"), "1")
    found = evenhand.slices(str(tmp_path / "old.csv"), answered("wrong"), features="site,sex")
    (tmp_path / "slices.json").write_text(found.to_json())
    new = carded(tmp_path, "new", results=["old.audit.json", "slices.json"], version="2")[0]
    (note,) = [one for one in compare_cards(old, new).notes if one.code == "not_compared"]
    assert "1 search for subsets of the newer card" in note.text


def test_cards_without_a_common_metric_were_not_compared(tmp_path):
    old = rested(tmp_path, "old", calls(1), answered("wrong"), "1")
    new = rested(tmp_path, "new", calls(2), "mean(wrong)", "2", worse="higher")
    assert list(words.answers(compare_cards(old, new))) == [
        "The cards have no metric and group in common, so nothing was compared."
    ]


def test_a_card_that_was_changed_is_refused_by_the_command(tmp_path):
    two_cards(tmp_path, calls(1), calls(2))
    plain = json.loads((tmp_path / "new.json").read_text())
    plain["audits"][0]["overall"]["value"] = 0.9
    (tmp_path / "changed.json").write_text(json.dumps(plain))
    ended = run_command("card", "diff", "old.json", "changed.json", cwd=tmp_path)
    assert ended.returncode == 2
    assert "changed.json was changed after it was made" in ended.stderr


def test_cards_are_put_side_by_side_with_what_was_changed(tmp_path):
    from evenhand.cards.shelf.shelving import beside, find_cards, shelve

    two_cards(tmp_path, calls(1), calls(2))
    (tmp_path / "old.html").write_text("page")
    plain = json.loads((tmp_path / "new.json").read_text())
    plain["worst"][0]["value"] = 0.0
    (tmp_path / "changed.json").write_text(json.dumps(plain))
    shelf = shelve(find_cards([str(tmp_path)]))
    assert [(one.version, one.intact) for one in shelf.cards] == [
        ("2", False),
        ("2", True),
        ("1", True),
    ]
    assert shelf.cards[-1].worst[0].group == "west"
    page = beside(shelf, tmp_path).to_html()
    assert 'href="old.html"' in page
    assert page.count("changed after it was made") == 1
    with pytest.raises(InputError, match="No card lies in"):
        find_cards([str(_empty(tmp_path))])
    with pytest.raises(InputError, match="No file is called"):
        find_cards([str(tmp_path / "nothing*.json")])


def _empty(folder):
    place = folder / "empty"
    place.mkdir(exist_ok=True)
    return place


def test_a_card_is_read_from_its_file_as_it_was_made(tmp_path):
    audited(tmp_path)
    card, path = carded(tmp_path)
    assert read_card(path)[0] == card
    assert METRIC in card.to_json()
