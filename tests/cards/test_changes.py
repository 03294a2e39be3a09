"""What changed is told where it is more than noise; rows that are shared are never taken for two samples."""

import json

import numpy as np
import pyarrow.csv as pacsv
import pytest
from tests.cards.worlds import METRIC, audited, calls, carded

import evenhand
from evenhand.cards.changes.comparing import compare_cards
from evenhand.cards.changes.intervals import differences_apart
from evenhand.cards.verification import read_card
from evenhand.errors import InputError
from evenhand.results.estimate import Estimate


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
            one = estimate(10, 100, error=error, units=units)
            sides.append(
                Estimate(
                    **{name: getattr(one, name) for name in one.__slots__} | {"value": own.mean()}
                )
            )
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
    from tests.cards.worlds import WRITTEN

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


def test_a_table_that_no_card_rests_on_is_refused(tmp_path):
    old, new = two_cards(tmp_path, calls(1), calls(2))
    pacsv.write_csv(calls(3), tmp_path / "third.csv")
    with pytest.raises(InputError, match=r"third\.csv has SHA-256 .* neither card rests on it"):
        compare_cards(old, new, data=[tmp_path / "third.csv"])
    with pytest.raises(InputError, match=r"level is 95, but must be a confidence"):
        compare_cards(old, new, level=95)


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
