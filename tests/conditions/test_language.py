"""The condition language: what is written is what is applied, and faults point at their place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.conditions import (
    DEFINITIONS,
    FAMILIES,
    ConditionDefinition,
    Parameter,
    ParameterKind,
    find_definition,
    parse_condition,
)
from evenhand.conditions.expression import read_condition
from evenhand.errors import ExpressionError, InputError


def drawn(media, generator, values):
    return [*media, (values["size"], generator.random())]


def joined(media, generator, values):
    return media + "".join(values["words"])


KNOWN = {
    "count": ConditionDefinition(
        name="count",
        kind="table",
        parameters=(
            Parameter(name="size", default=1.5, low=0, high=9, unit="m"),
            Parameter(name="times", low=1, takes=ParameterKind.WHOLE),
            Parameter(name="on", default=True, takes=ParameterKind.FLAG),
            Parameter(name="colour", takes=ParameterKind.TEXT, choices=("red", "blue")),
            Parameter(name="note", takes=ParameterKind.TEXT),
            Parameter(name="file", takes=ParameterKind.FILE),
            Parameter(name="files", takes=ParameterKind.FILES),
        ),
        apply=drawn,
        about="",
        source="",
    ),
    "say": ConditionDefinition(
        name="say",
        kind="text",
        parameters=(Parameter(name="words", takes=ParameterKind.TEXTS, required=True),),
        apply=joined,
        about="",
        source="",
    ),
}


def read(text):
    return read_condition(text, KNOWN)


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("count", "count(size=1.5, on=true)"),
        (" count ( ) ", "count(size=1.5, on=true)"),
        ("count(size=2.0,)", "count(size=2, on=true)"),
        ("count(size=1e0, times = 3)", "count(size=1, times=3, on=true)"),
        ("count(on=false, colour=red)", "count(size=1.5, on=false, colour=red)"),
        ("count(note='it''s | (so)')", "count(size=1.5, on=true, note='it''s | (so)')"),
        ('count(file="a b.wav")', "count(size=1.5, on=true, file='a b.wav')"),
        ("count(size=none, files=[a, 'b.wav'])", "count(size=1.5, on=true, files=[a, 'b.wav'])"),
        ("say(words=x)", "say(words=[x])"),
        ("count | count(size=2)", "count(size=1.5, on=true) | count(size=2, on=true)"),
    ],
)
def test_text_says_the_whole_condition_and_parses_back(text, full):
    condition = read(text)
    assert condition.text == full
    assert read(full) == condition
    assert read(condition.to_dict()) == condition


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "size": st.floats(0, 9),
        "times": st.integers(1, 2**53),
        "on": st.booleans(),
        "colour": st.sampled_from(["red", "blue"]),
        "note": st.text(max_size=20),
        "file": st.text(max_size=20),
        "files": st.lists(st.text(max_size=9), min_size=1, max_size=3),
    },
)


@given(st.lists(VALUES, min_size=1, max_size=3))
def test_every_condition_survives_its_text(steps):
    condition = read([{"name": "count", **values} for values in steps])
    assert read(condition.text) == condition


@given(st.text(alphabet="countsay(),=|[]'\" 1.e-x", max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        condition = read(text)
    except InputError:
        return
    assert read(condition.text) == condition


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("", "expected a condition", 0),
        ("cuont(size=1)", "Did you mean 'count'", 0),
        ("count(seize=1)", "Did you mean 'size'", 6),
        ("count(size 1)", "expected = after 'size'", 11),
        ("count(size=)", "expected a number", 11),
        ("count(size=1, size=2)", "given twice", 14),
        ("count(size=10)", "size is 10 m.  Allowed: 0 to 9 m", 11),
        ("count(size=-1)", "size is -1 m", 11),
        ("count(size=1e999)", "size is inf m", 11),
        ("count(size=true)", "size is true", 11),
        ("count(size=big)", "size is big", 11),
        ("count(times=1.5)", "times is 1.5.  Allowed: whole numbers from 1", 12),
        ("count(on=1)", "on is 1.  Allowed: true or false", 9),
        ("count(colour=blu)", "Did you mean 'blue'", 13),
        ("count(files=[1])", "Allowed: list of files", 12),
        ("count(files=[])", "Allowed: list of files", 12),
        ("count(files=[a", "expected , or ]", 14),
        ("count(files=[[a]])", "lists do not nest", 13),
        ("count(size=1", "expected , or )", 12),
        ("count)", "expected | or the end", 5),
        ("count(size=1) count", "expected | or the end", 14),
        ("count(note='x)", "expected a closing '", 11),
        ("count(size=1;2)", "unexpected character", 12),
        ("__import__('os')", "Unknown condition", 0),
        ("say", "say also needs words", 0),
    ],
)
def test_a_fault_shows_its_place(text, message, position):
    with pytest.raises(ExpressionError) as caught:
        read(text)
    assert message in caught.value.message
    assert caught.value.position == position


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ({"size": 1}, "has no name"),
        ([], "A condition is text or a table"),
        (3, "A condition is text or a table"),
        ([["count"]], "has no name"),
        ({"name": "count", "size": 10**400}, "Allowed: 0 to 9 m"),
        ({"name": "count", "size": float("nan")}, "size is nan"),
        ({"name": "count", "note": 3}, "note is 3"),
        ({"name": "cuont"}, "Did you mean 'count'"),
        ([{"name": "count"}, {"name": "say", "words": "x"}], "only conditions of the same media"),
    ],
)
def test_a_faulty_table_is_told(steps, message):
    with pytest.raises(InputError) as caught:
        read(steps)
    assert message in str(caught.value)


def test_far_too_long_text_is_refused():
    with pytest.raises(ExpressionError, match="longer than 10,000"):
        read("count(" + " " * 20_000)


def test_each_step_draws_alike_whatever_follows():
    alone = read("count(size=2)").apply([], 7)
    chained = read("count(size=2) | count(size=3)").apply([], 7)
    assert chained[:1] == alone
    assert chained[0][1] != chained[1][1]
    assert read("count(size=2)").apply([], 8) != alone
    assert read("count(size=2)").apply([], 2**200) == read("count(size=2)").apply([], 2**200)


def test_a_chain_has_the_names_and_media_of_its_steps():
    chain = parse_condition("clean | tone(frequency=1000) | notch(frequency=1000)")
    assert chain.name == "clean | tone | notch"
    assert chain.kind == "audio"
    assert [step.definition.name for step in chain.steps] == ["clean", "tone", "notch"]
    assert parse_condition("clean").kind == "any"


def test_files_are_listed_for_the_cache():
    assert read("count(file=a) | count(files=[b, c])").files == ("a", "b", "c")
    assert read("count").files == ()


def test_values_may_exclude_each_other():
    with pytest.raises(ExpressionError, match="low must be smaller"):
        parse_condition("band(low=3000, high=300)")
    with pytest.raises(InputError, match="Make burst larger"):
        parse_condition({"name": "packet_loss", "share": 0.8, "burst": 2})


def test_the_catalogue_knows_every_condition_once():
    listed = [definition.name for family in FAMILIES.values() for definition in family]
    assert len(listed) == len(set(listed)) == len(DEFINITIONS)
    assert find_definition("tone").name == "tone"
    with pytest.raises(InputError, match="Did you mean 'tone'"):
        find_definition("tome")


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_every_condition_is_documented(name):
    definition = DEFINITIONS[name]
    assert definition.name.isidentifier()
    assert len(definition.about) > 10
    assert len(definition.source) > 5
    for parameter in definition.parameters:
        assert parameter.about, parameter.name
        assert parameter.name not in {"name", "seed"}
        if parameter.takes in {ParameterKind.NUMBER, ParameterKind.WHOLE}:
            assert parameter.low is not None, parameter.name
            assert parameter.high is not None, parameter.name
        if parameter.default is not None:
            assert parameter.check(parameter.default, name) == parameter.default


def test_numpy_numbers_are_numbers():
    condition = DEFINITIONS["noise"](snr=np.float32(10))
    assert condition.text == "noise(snr=10, colour=white)"
