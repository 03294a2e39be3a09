"""Small groups that are far worse are found and proven; what is proven is never denied."""

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from scipy import stats

import evenhand
from evenhand.cli.slices import slices as command
from evenhand.slicing.scores import SCORES


def minority():
    """100 rows of which 58 are wrong, beside 1,900 of which 570 are."""
    return pa.table(
        {
            "accent": ["minority"] * 100 + ["other"] * 1900,
            "wrong": [1] * 58 + [0] * 42 + [1] * 570 + [0] * 1330,
        }
    )


MINORITY = "accent = 'minority'"


def small(seed, share, rate, *, rows, overall=0.1):
    rng = np.random.default_rng([9, seed])
    columns = {f"f{n}": rng.integers(0, card, rows) for n, card in enumerate((2, 3, 6, 4))}
    group = np.arange(rows) < share * rows
    wrong = rng.random(rows) < np.where(group, rate, overall)
    columns["kind"] = np.where(group, "small", "large")
    return pa.table(columns | {"wrong": wrong.astype(int)})


def test_a_minority_that_fails_twice_as_often_is_found_and_confirmed():
    found = evenhand.slices(minority(), "mean(wrong)")
    assert [one.predicate for one in found.confirmed] == [MINORITY]
    assert found.slices[0].low == pytest.approx(0.175, abs=0.005)
    assert not found.elsewhere


def test_the_search_agrees_with_the_audit():
    audited = evenhand.audit(minority(), metric="mean(wrong)", by="accent")
    worse = [group.predicate for group in audited.groups if group.verdict == "worse"]
    assert worse == [one.predicate for one in evenhand.slices(minority(), "mean(wrong)").confirmed]


@pytest.mark.parametrize(
    ("share", "rate", "rows", "overall"),
    [(0.012, 0.22, 20_000, 0.1), (0.015, 0.6, 6_000, 0.3), (0.02, 0.25, 5_000, 0.05)],
)
def test_a_slice_of_one_percent_that_fails_twice_as_often_is_first(share, rate, rows, overall):
    hits = 0
    for seed in range(6):
        found = evenhand.slices(small(seed, share, rate, rows=rows, overall=overall), "mean(wrong)")
        hits += [one.predicate for one in found.confirmed][:1] == ["kind = 'small'"]
    assert hits >= 5


def test_the_default_puts_first_neither_the_tiny_nor_the_huge():
    """A third of the rows, worse by a third, beside tiny slices that are bad by chance."""
    for seed in range(4):
        rng = np.random.default_rng([10, seed])
        columns = {f"f{n}": rng.integers(0, 12, 4000) for n in range(3)}
        third = rng.random(4000) < 0.33
        wrong = rng.random(4000) < np.where(third, 0.2, 0.12)
        table = pa.table(columns | {"third": third, "wrong": wrong.astype(int)})
        found = evenhand.slices(table, "mean(wrong)", min_support=5)
        assert found.slices[0].predicate == "third = TRUE"
        assert found.slices[0].confirmed


# -- evidence ------------------------------------------------------------------------------------


def test_evidence_of_errors_is_the_root_of_the_likelihood_ratio():
    found = evenhand.slices(small(0, 0.05, 0.3, rows=3000), "mean(wrong)", fold=False, top=40)
    assert found.score == "evidence"
    assert len(found.slices) == 40
    errors, rows = found.overall.numerator, found.overall.n_rows
    for one in found.slices:
        inside = (one.numerator, one.n_rows - one.numerator)
        outside = (errors - inside[0], rows - errors - inside[1])
        g = stats.chi2_contingency([inside, outside], correction=False, lambda_="log-likelihood")
        assert one.score == pytest.approx(np.sqrt(g.statistic), rel=1e-9)


def test_evidence_of_other_losses_is_over_the_slice_s_own_spread():
    """A noisy slice does not come first for being noisy."""
    first = {"z": 0, "evidence": 0}
    for seed in range(12):
        rng = np.random.default_rng([12, seed])
        noisy = rng.random(1500) < 0.1
        columns = {f"f{n}": rng.integers(0, 3, 1500) for n in range(4)}
        loss = rng.gamma(4, 0.25, 1500)
        loss[noisy] = rng.gamma(0.15, 1 / 0.15, noisy.sum())
        table = pa.table(columns | {"noisy": noisy, "loss": loss})
        for score in first:
            found = evenhand.slices(table, "mean(loss)", score=score, confirm=False, top=1)
            first[score] += "noisy = TRUE" in found.slices[0].predicate
    assert first["evidence"] < first["z"]


# -- what is no worse is not told ----------------------------------------------------------------


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("fold", [True, False])
def test_what_is_no_worse_than_all_rows_is_never_told(score, fold):
    """a: 2 of 3, b: 0 of 3, c: 1 of 4; overall 3 of 10."""
    table = pa.table({"x": list("aaabbbcccc"), "y": [1, 1, 0, 0, 0, 0, 0, 1, 0, 0]})
    found = evenhand.slices(table, "mean(y)", score=score, fold=fold, min_support=1, min_units=1)
    assert [one.predicate for one in found.slices] == ["x = 'a'"]
    assert found.slices[0].score > 0


@pytest.mark.parametrize("score", SCORES)
def test_what_is_exactly_average_is_not_told(score):
    """One in three everywhere, and in real losses that have no exact binary form."""
    for losses in ([1, 0, 0], [0.1, 0.2, 0.3]):
        table = pa.table({"x": np.repeat(list("abc"), 3), "y": losses * 3})
        assert not evenhand.slices(table, "mean(y)", score=score, min_support=1, fold=False).slices


def test_the_footer_says_why_others_are_not_told():
    table = pa.table({"x": list("aaabbbcccc"), "y": [1, 1, 0, 0, 0, 0, 0, 1, 0, 0]})
    options = {"min_support": 1, "fold": False}
    plain = str(evenhand.slices(table, "mean(y)", **options))
    assert "1 of 10 asked for: all others are no worse than all rows together." in plain
    assert "folded" not in plain
    by_size = str(evenhand.slices(table, "mean(y)", score="sliceline", **options))
    assert "all others score 0 or less by sliceline." in by_size


# -- what is proven is never denied --------------------------------------------------------------


def test_where_the_score_lists_nothing_the_proven_slice_is_told():
    found = evenhand.slices(minority(), "mean(wrong)", score="sliceline")
    assert not found.slices
    (one,) = found.elsewhere
    assert (one.predicate, one.confirmed) == (MINORITY, True)
    text = " ".join(str(found).split())
    assert "No slice scores above 0 by sliceline; one is proven worse all the same" in text
    assert f"Worse for {MINORITY}" in text
    assert "No slice with enough rows is worse" not in text
    assert evenhand.slicing.Slices.from_dict(found.to_dict()) == found
    assert MINORITY.replace("'", "&#39;") in found.to_html()


def with_units(seed=0):
    """12 of 400 people fail far more often; SliceLine's score has no slice above 0."""
    rng = np.random.default_rng(seed)
    people = np.repeat(np.arange(400), 10)
    rate = np.where(np.arange(400) < 12, 0.6, rng.beta(3, 7, 400))
    return pa.table(
        {
            "kind": np.where(people < 12, "small", "large"),
            "day": rng.integers(0, 3, 4000),
            "person": people,
            "wrong": (rng.random(4000) < rate[people]).astype(int),
        }
    )


@pytest.mark.parametrize("method", ["bootstrap", "permutation"])
def test_people_are_not_denied_either(method):
    options = {"unit": "person", "features": "kind", "confirm": method}
    found = evenhand.slices(with_units(), "mean(wrong)", score="sliceline", **options)
    assert not found.confirmed
    assert [one.predicate for one in found.elsewhere] == ["kind = 'small'"]
    listed = evenhand.slices(with_units(), "mean(wrong)", **options)
    assert [one.predicate for one in listed.confirmed] == ["kind = 'small'"]
    assert listed.confirmed[0].p_adjusted == found.elsewhere[0].p_adjusted
    assert listed.confirmed[0].low == found.elsewhere[0].low


def test_leads_do_not_hide_what_is_proven():
    """One slice is asked for, and the score puts a tiny unproven one first."""
    found = evenhand.slices(
        small(1, 0.3, 0.2, rows=3000), "mean(wrong)", score="difference", top=1, min_support=6
    )
    assert not found.confirmed
    assert "kind = 'small'" in [one.predicate for one in found.elsewhere]
    assert "is that difference puts behind" in str(found) or "are that difference" in str(found)


def test_where_nothing_is_proven_nothing_is_added():
    rng = np.random.default_rng(2)
    table = pa.table({"g": rng.integers(0, 4, 800), "wrong": (rng.random(800) < 0.2).astype(int)})
    for score in SCORES:
        found = evenhand.slices(table, "mean(wrong)", score=score)
        assert not found.confirmed
        assert not found.elsewhere
        if score == "sliceline" and not found.slices:
            assert "none is proven worse" in " ".join(str(found).split())


def test_halves_claim_only_what_they_looked_at():
    text = " ".join(
        str(evenhand.slices(minority(), "mean(wrong)", score="sliceline", confirm="split")).split()
    )
    assert "No slice scores above 0 by sliceline" in text
    assert "try --score evidence" in text


def test_the_exit_code_is_that_of_the_evidence(tmp_path, capsys):
    """0 where something is told, also beside the score; 3 where nothing is worse."""
    pa.csv.write_csv(minority(), tmp_path / "calls.csv")
    good = pa.table({"g": ["a", "b"] * 50, "wrong": [1, 1, 0, 0] * 25})
    pa.csv.write_csv(good, tmp_path / "good.csv")
    table = str(tmp_path / "calls.csv")
    assert command(table, metric="mean(wrong)") == 0
    assert command(table, metric="mean(wrong)", score="sliceline") == 0
    assert command(str(tmp_path / "good.csv"), metric="mean(wrong)") == 3
    assert "No slice with enough rows is worse" in capsys.readouterr().out


# -- bounds and p-values agree -------------------------------------------------------------------


@pytest.mark.parametrize("method", ["exact", "bootstrap", "permutation", "split"])
def test_confirmed_means_a_small_p_value_and_a_bound_above_zero(method):
    for seed in range(4):
        table = small(seed, 0.2, 0.16, rows=1500)
        found = evenhand.slices(table, "mean(wrong)", confirm=method, fold=False, top=30)
        for one in found.slices:
            proven = one.p_adjusted <= 0.05 and one.low > 0
            assert one.confirmed == proven
            if method in ("bootstrap", "permutation"):
                # Of one statistic, so a bound above 0 never stands beside a large p-value.
                assert not (one.low > 0 and one.p_adjusted > 0.051)


def test_where_lower_is_worse_the_upper_bound_decides():
    table = minority()
    right = pa.array([1 - wrong for wrong in table["wrong"].to_pylist()])
    found = evenhand.slices(
        table.append_column("right", right).drop(["wrong"]), "mean(right)", worse="lower"
    )
    assert [one.predicate for one in found.confirmed] == [MINORITY]
    assert found.slices[0].high < 0


def test_bounds_of_a_total_disparity_stay_within_what_is_possible():
    harmed = np.repeat([1, 0], 61)
    people = pa.table({"g": harmed, "wrong": harmed, "person": np.arange(122)})
    found = evenhand.slices(people, "mean(wrong)", features="g", unit="person")
    (one,) = found.confirmed
    assert 0.8 < one.low < 0.99
    assert one.high <= 1
    assert one.p_value < 1e-6
