"""Held-out rows that are copies of practice rows prove nothing; other people's rows that are alike do."""

import numpy as np
import pyarrow as pa
import pytest
from tests.repairs.worlds import FALSE_ALARMS, clinic

from evenhand.repairs import fix
from evenhand.repairs.parting import held_out


def asked(table):
    return fix(table, FALSE_ALARMS, "site", maximum=0.5)


def codes(found):
    return {note.code for note in found.notes}


def test_copies_on_both_sides_of_the_seal_are_counted_and_nothing_is_reached():
    once = clinic(1500, 1)
    assert asked(once).rule.answer == "reached"
    twice = pa.concat_tables([once, once])
    found = asked(twice)
    assert found.rule.answer == "insufficient evidence"
    assert found.rule.high is None
    # The same parting, told by hand: rows are one each, groups as they are.
    group = np.unique(twice["site"].to_numpy(zero_copy_only=False), return_inverse=True)[1]
    sealed = held_out(np.arange(3000), group, 0.4, np.random.default_rng(0))
    other = np.roll(sealed, 1500)
    assert str(found).startswith(
        f"{(sealed & ~other).sum():,} of the {sealed.sum():,} held-out rows"
    )
    assert "no repair had seen" not in str(found)


def test_copies_with_numbers_of_their_own_are_copies():
    twice = pa.concat_tables([clinic(1500, 1)] * 2)
    numbered = twice.append_column("number", pa.array(np.arange(3000)))
    assert "sealed_copies" in codes(asked(numbered))


def test_a_few_copies_are_told_and_the_proof_stands():
    once = clinic(3000, 1)
    found = asked(pa.concat_tables([once, once.slice(0, 10)]))
    assert "copied_rows" in codes(found)
    assert found.rule.answer == "reached"


def test_rows_of_one_unit_are_no_copies_beyond_the_seal():
    once = clinic(1500, 1).append_column("unit", pa.array(np.arange(1500)))
    found = fix(pa.concat_tables([once, once]), FALSE_ALARMS, "site", maximum=0.5, unit="unit")
    assert not codes(found) & {"copied_rows", "sealed_copies"}
    assert found.rule.answer == "reached"


@pytest.mark.parametrize("digits", [1, 2, 3])
def test_other_peoples_rows_that_are_alike_are_no_copies(digits):
    table = clinic(6000, 2)
    score = np.round(table["score"].to_numpy(), digits)
    found = asked(table.set_column(1, "score", pa.array(score)))
    assert not codes(found) & {"copied_rows", "sealed_copies"}


def test_scores_that_nearly_tell_rows_apart_make_no_copies_of_rows_that_are_labelled_otherwise():
    # Half of the people share a score of many digits with another one.
    table = clinic(3000, 3)
    score = table["score"].to_numpy().copy()
    site, y = (table[name].to_numpy(zero_copy_only=False).copy() for name in ("site", "y"))
    score[1500:], site[1500:] = score[:1500], site[:1500]
    y[1500:] = np.random.default_rng(0).permutation(y[1500:])
    found = asked(pa.table({"site": site, "score": score, "y": y}))
    assert not codes(found) & {"copied_rows", "sealed_copies"}


def test_scores_of_exactly_0_and_1_make_no_copies():
    table = clinic(3000, 3)
    score = np.clip(2 * table["score"].to_numpy() - 0.5, 0, 1)
    assert 0.2 < np.isin(score, [0, 1]).mean() < 0.6
    found = asked(table.set_column(1, "score", pa.array(score)))
    assert not codes(found) & {"copied_rows", "sealed_copies"}
