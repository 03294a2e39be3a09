"""Each condition of rows does what its parameters say, and says where a row does not fit."""

import copy
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.conditions.table import TABLE
from evenhand.errors import InputError
from evenhand.samples.sample import SampleError
from evenhand.samples.table import is_missing

BY_NAME = {definition.name: definition for definition in TABLE}
ROW = {"age": 47, "weight": 81.4, "ward": "B", "code": 2, "note": None, "pulse": math.nan}


def applied(name, row=ROW, seed=0, **values):
    before = copy.deepcopy(row)
    found = BY_NAME[name](**values).apply(row, seed)
    assert repr(row) == repr(before)
    assert list(found) == list(row)
    return found


@pytest.mark.parametrize(("share", "count"), [(0, 0), (0.25, 1), (0.5, 2), (1, 4)])
def test_the_share_of_fields_is_blanked(share, count):
    found = applied("missing_fields", share=share)
    assert sum(found[name] is None and not is_missing(ROW[name]) for name in ROW) == count


def test_only_named_fields_go_missing_and_the_seed_draws_them():
    found = applied("missing_fields", share=1, columns=["age", "ward"])
    assert (found["age"], found["ward"], found["weight"]) == (None, None, 81.4)
    draws = {repr(applied("missing_fields", share=0.25, seed=seed)) for seed in range(30)}
    assert len(draws) == 4
    assert applied("missing_fields", row={}) == {}


@pytest.mark.parametrize(
    ("factor", "age", "weight"), [(10, 470, 814), (2.54, 119.38, 206.756), (0.1, 4.7, 8.14)]
)
def test_a_unit_mistake_multiplies(factor, age, weight):
    found = applied("unit_mistake", columns=["age", "weight", "note", "pulse"], factor=factor)
    assert found["age"] == pytest.approx(age)
    assert found["weight"] == pytest.approx(weight)
    assert isinstance(found["age"], int) == (factor == 10)
    assert found["note"] is None
    assert math.isnan(found["pulse"])


@given(st.floats(-1e6, 1e6) | st.integers(-(10**9), 10**9), st.floats(0.01, 1000))
def test_rounding_moves_half_a_step_at_most(value, step):
    found = applied("rounding", row={"x": value}, columns=["x"], step=step)["x"]
    slack = 0.5 if isinstance(value, int) else 0
    assert abs(found - value) <= step / 2 + slack + 1e-6
    assert type(found) is type(value)


def test_rounding_goes_to_multiples():
    found = applied("rounding", columns=["age", "weight"], step=5)
    assert (found["age"], found["weight"]) == (45, 80.0)


def test_a_code_list_goes_round_and_back():
    values = ["A", "B", "C"]
    assert applied("shifted_category", column="ward", values=values)["ward"] == "C"
    assert applied("shifted_category", column="ward", values=values, shift=2)["ward"] == "A"
    there = applied("shifted_category", column="ward", values=values, shift=7)
    assert applied(
        "shifted_category", row=there, column="ward", values=values, shift=-7
    ) == there | {"ward": "B"}
    assert applied("shifted_category", column="code", values=["1", "2", "3"])["code"] == 3
    assert applied("shifted_category", column="note", values=values)["note"] is None


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("unit_mistake", {"columns": "wieght"}, "no field 'wieght'. Did you mean 'weight'"),
        ("unit_mistake", {"columns": "ward"}, "holds 'B', which is no number"),
        ("rounding", {"columns": ["age", "ward"]}, "no number"),
        (
            "shifted_category",
            {"column": "ward", "values": ["X", "Y"]},
            "holds 'B', not one of X, Y",
        ),
        ("missing_fields", {"columns": ["nope"]}, "no field 'nope'"),
    ],
)
def test_a_row_that_does_not_fit_has_a_reason(name, values, message):
    with pytest.raises(SampleError, match=message) as error:
        applied(name, **values)
    assert error.value.reason == "unfit_media"


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(InputError, match="also needs columns"):
        BY_NAME["unit_mistake"]()
    with pytest.raises(InputError, match="two or more different"):
        BY_NAME["shifted_category"](column="ward", values=["A", "A"])
    for name, values in (
        ("unit_mistake", {"factor": 0}),
        ("rounding", {"step": 0}),
        ("missing_fields", {"share": 1.1}),
    ):
        with pytest.raises(InputError, match="Allowed"):
            BY_NAME[name](**({"columns": ["age"]} | values))


def test_a_part_of_a_field_is_blanked_as_often():
    """A fifth of one column must not be none: over seeds it is a fifth."""
    gone = [
        applied("missing_fields", share=0.2, columns=["age"], seed=seed)["age"] is None
        for seed in range(500)
    ]
    assert 0.2 - 3 * 0.0179 < sum(gone) / 500 < 0.2 + 3 * 0.0179


@pytest.fixture
def people(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(
        "age,sex,ward\n" + "".join(f"{30 + i},{'fm'[i % 2]},{'AB'[i % 2]}\n" for i in range(20))
    )
    return str(path)


def test_permuted_fields_are_those_of_one_other_row(people):
    row = {"age": 99, "sex": "f", "ward": "C", "note": "x"}
    draws = [
        applied("permuted_fields", row=row, seed=seed, columns=["age", "ward"], rows=people)
        for seed in range(400)
    ]
    # Together: the ward belongs to the age that was drawn.
    assert all(found["ward"] == "AB"[found["age"] % 2] for found in draws)
    assert {found["age"] for found in draws} == set(range(30, 50))
    assert all((found["sex"], found["note"]) == ("f", "x") for found in draws)


def test_permuted_fields_may_stay_within_a_group(people):
    row = {"age": 99, "sex": "f", "ward": "C"}
    draws = {
        applied("permuted_fields", row=row, seed=seed, columns=["age"], rows=people, within=["sex"])["age"]
        for seed in range(200)
    }  # fmt: skip
    assert draws == set(range(30, 50, 2))
    with pytest.raises(SampleError, match="has no row with sex 'x'"):
        applied("permuted_fields", row=row | {"sex": "x"}, columns=["age"], rows=people,
                within=["sex"])  # fmt: skip


def test_permuted_fields_name_what_the_table_lacks(people, tmp_path):
    with pytest.raises(InputError, match=r"no column 'aeg'.*age|'aeg'"):
        applied("permuted_fields", row={"aeg": 1}, columns=["aeg"], rows=people)
    with pytest.raises(InputError, match=r"gone.csv cannot be read"):
        applied("permuted_fields", columns=["age"], rows=str(tmp_path / "gone.csv"))


def test_a_table_that_changes_is_read_again(people):
    first = applied("permuted_fields", row={"age": 1}, columns=["age"], rows=people)
    Path(people).write_text("age,sex\n7,f\n")
    assert first["age"] >= 30
    assert applied("permuted_fields", row={"age": 1}, columns=["age"], rows=people) == {"age": 7}
