"""What one result of a card hides, no other tells."""

import pytest
from tests.cards.test_exporters import BY, HIRED, WRONG, write_card
from tests.commands import run_command

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
    with pytest.raises(InputError, match=r"shows groups of its own.*would tell the same"):
        make_card(path)


def test_nothing_hidden_is_nothing_to_check(tmp_path):
    path = write_card(tmp_path)
    put(tmp_path, "more", evenhand.slices(table(tmp_path), WRONG, confirm="none", depth=1))
    assert len(make_card(path).slices) == 1


OTHER = '[[data]]\ntable = "other.csv"\nother_people = true\n'


def other_file(folder, *, drop=0):
    """The same people in another file: turned round, and perhaps some fewer."""
    head, *rows = (folder / "people.csv").read_text().splitlines()
    path = folder / "other.csv"
    path.write_text("\n".join([head, *rows[::-1][drop:]]) + "\n")
    return str(path)


@pytest.mark.parametrize("drop", [0, 5])
def test_another_file_of_the_same_people_tells_nothing_that_is_hidden(tmp_path, drop):
    path = write_card(tmp_path)
    put(tmp_path, "wrong", evenhand.audit(table(tmp_path), WRONG, by="race", suppress_below=20))
    other = other_file(tmp_path, drop=drop)
    put(tmp_path, "hired", evenhand.audit(other, HIRED, by="race", worse="lower"))
    with pytest.raises(InputError, match=r"another table, other\.csv\..*other_people = true"):
        make_card(path)
    put(tmp_path, "hired", evenhand.slices(other, WRONG, confirm="none", depth=1))
    with pytest.raises(InputError, match=r"another table, other\.csv"):
        make_card(path)


def test_a_table_of_other_people_is_taken_where_somebody_says_so(tmp_path):
    path = write_card(tmp_path)
    put(tmp_path, "wrong", evenhand.audit(table(tmp_path), WRONG, by="race", suppress_below=20))
    put(tmp_path, "hired", evenhand.audit(other_file(tmp_path, drop=5), HIRED, by="race", worse="lower"))  # fmt: skip
    path.write_text(path.read_text() + OTHER)
    assert len(make_card(path).audits) == 2
    path.write_text(path.read_text().replace("= true", '= "yes"'))
    with pytest.raises(InputError, match="must be true or false"):
        make_card(path)


def test_the_same_bytes_are_not_other_people(tmp_path):
    path = write_card(tmp_path)
    put(tmp_path, "wrong", evenhand.audit(table(tmp_path), WRONG, by="race", suppress_below=20))
    other = tmp_path / "other.csv"
    other.write_bytes((tmp_path / "people.csv").read_bytes())
    put(tmp_path, "hired", evenhand.audit(str(other), HIRED, by="race", worse="lower"))
    path.write_text(path.read_text() + OTHER)
    with pytest.raises(InputError, match=r"have the same content \(SHA-256"):
        make_card(path)


def test_audits_that_count_other_units_and_hide_other_groups_are_refused(tmp_path):
    path = write_card(tmp_path)
    rows = (tmp_path / "people.csv").read_text().splitlines()
    # Each person of one race has five rows: by person it is the smallest beside the rare one, by row the largest.
    people = [f"{'few' if ',r1' in row else 'p'}{n // 5 if ',r1' in row else n}" for n, row in enumerate(rows)]  # fmt: skip
    people[0] = "person"
    (tmp_path / "people.csv").write_text(
        "\n".join(f"{row},{one}" for row, one in zip(rows, people, strict=True)) + "\n"
    )
    put(tmp_path, "wrong", evenhand.audit(table(tmp_path), WRONG, by="race", suppress_below=20))
    put(tmp_path, "hired", evenhand.audit(table(tmp_path), HIRED, by="race", worse="lower",
                                          unit="person", suppress_below=20))  # fmt: skip
    with pytest.raises(InputError, match=r"count other rows or units .* and hide other groups"):
        make_card(path)


def test_effects_of_other_rows_tell_nothing_that_is_hidden(tmp_path):
    path = write_card(tmp_path)
    put(tmp_path, "wrong", evenhand.audit(table(tmp_path), WRONG, by="race", suppress_below=20))
    asked = {"by": "race", "condition": "sex", "reference": "f"}
    effects = evenhand.effects(table(tmp_path), WRONG, where="race != 'rare'", **asked)
    put(tmp_path, "hired", effects)
    with pytest.raises(InputError, match="the same --where"):
        make_card(path)


def test_effects_of_a_group_that_an_audit_hides_are_refused(tmp_path):
    path = write_card(tmp_path)
    kept = "race != 'rare' OR able = 1"
    asked = {"by": "race", "condition": "sex", "reference": "f", "where": kept}
    audit = evenhand.audit(table(tmp_path), WRONG, by="race", suppress_below=20, where=kept)
    put(tmp_path, "wrong", audit)
    put(tmp_path, "hired", evenhand.effects(table(tmp_path), WRONG, **asked))
    with pytest.raises(InputError, match="which is hidden so that a small group does not follow"):
        make_card(path)


def test_an_audit_shows_nothing_that_a_check_hides(tmp_path):
    path = write_card(tmp_path)
    (tmp_path / "policy.toml").write_text(
        f'[[rule]]\nname = "few"\ntable = "people.csv"\nmetric = "{WRONG}"\nby = "race"\nmaximum = 0.9\n'
        "suppress_below = 20\n"
    )
    told = run_command("check", "policy.toml", "--json", cwd=tmp_path).stdout
    (tmp_path / "check.audit.json").write_text(told)
    with pytest.raises(
        InputError, match=r"check\.audit\.json hides small groups, and hired\.audit"
    ):
        make_card(path)
    for name in ("hired", "wrong"):
        (tmp_path / f"{name}.audit.json").unlink()
    assert len(make_card(path).gates) == 1
