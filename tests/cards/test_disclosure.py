"""What one result of a card hides, no other tells."""

import pytest
from tests.cards.test_exporters import BY, HIRED, WRONG, write_card

import evenhand
from evenhand.cards import make_card
from evenhand.errors import InputError


def table(folder):
    return str(folder / "people.csv")


def put(folder, name, found):
    (folder / f"{name}.audit.json").write_text(found.to_json())


def test_two_audits_that_hide_apart_are_refused(tmp_path):
    path = write_card(tmp_path, suppress_below=20)
    with pytest.raises(
        InputError, match=r"(?s)hides groups of fewer than 20.*together follows: .*in one\s+run"
    ):
        make_card(path)


def test_one_run_that_hides_for_all_metrics_is_taken(tmp_path):
    path = write_card(tmp_path)
    found = evenhand.audit_metrics(
        table(tmp_path), [HIRED, WRONG], by=BY, worse="lower", suppress_below=20
    )
    for name, one in zip(("hired", "wrong"), found, strict=True):
        put(tmp_path, name, one)
    assert len(make_card(path).audits) == 2


def test_an_audit_that_hides_nothing_tells_what_the_other_hides(tmp_path):
    path = write_card(tmp_path)
    put(tmp_path, "wrong", evenhand.audit(table(tmp_path), WRONG, by=BY, suppress_below=20))
    with pytest.raises(InputError, match="the rows can only be 200"):
        make_card(path)


def test_other_rows_of_the_same_table_are_refused(tmp_path):
    path = write_card(tmp_path)
    put(tmp_path, "wrong", evenhand.audit(table(tmp_path), WRONG, by="sex", suppress_below=20))
    put(tmp_path, "hired", evenhand.audit(table(tmp_path), HIRED, by="sex", worse="lower", suppress_below=20,
                                          where="race != 'rare'"))  # fmt: skip
    with pytest.raises(InputError, match="the same --where"):
        make_card(path)


def test_subsets_beside_hidden_groups_are_refused(tmp_path):
    path = write_card(tmp_path)
    put(tmp_path, "wrong", evenhand.audit(table(tmp_path), WRONG, by=BY, suppress_below=20))
    put(tmp_path, "hired", evenhand.slices(table(tmp_path), WRONG, confirm="none", depth=2))
    with pytest.raises(InputError, match="shows groups of its own"):
        make_card(path)


def test_nothing_hidden_is_nothing_to_check(tmp_path):
    path = write_card(tmp_path)
    put(tmp_path, "more", evenhand.slices(table(tmp_path), WRONG, confirm="none", depth=1))
    assert len(make_card(path).slices) == 1
