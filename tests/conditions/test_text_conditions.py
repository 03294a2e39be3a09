"""Names, registers, slips, contractions and templates; and laws that hold for every text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.conditions.condition import Condition
from evenhand.conditions.text import REWRITERS, TEXT, VARIETIES, Person, change_text, fill_template
from evenhand.conditions.text.contractions import contract, expand
from evenhand.conditions.text.names import pair_names, read_names, swap_names
from evenhand.conditions.text.phrases import read_phrases, rewrite
from evenhand.conditions.text.typing_slips import _neighbours, change_case, make_typos
from evenhand.conditions.text.words import read_list
from evenhand.errors import ExpressionError, InputError

BY_NAME = {definition.name: definition for definition in TEXT}
REQUIRED = {"dialect": {"variety": "scottish"}}
ODD = [
    "",
    " ",
    "👩🏽‍⚕️🇩🇪",
    "שלום עולם",
    "مرحبا",
    "日本語",
    "e\u0301",
    "\u202eabc\u202c",
    "a\x00b",
    "İstanbul ß ŉ ﬁ",
    "'''",
    "’s",
    "{}",
    "\ud800",
]


def generator(seed=0):
    return np.random.default_rng(seed)


def bound(name):
    return BY_NAME[name](**REQUIRED.get(name, {}))


@pytest.mark.parametrize("name", BY_NAME)
class TestAll:
    @pytest.mark.parametrize("text", ODD)
    def test_odd_texts_pass(self, name, text):
        assert isinstance(bound(name).apply(text, 0), str)

    @given(text=st.text(max_size=50))
    def test_any_text_passes(self, name, text):
        condition = bound(name)
        change = change_text(condition, text, 3)
        assert change.text == condition.apply(text, 3)
        assert change.ambiguous <= change.changed
        if not change.changed:
            assert change.text == text

    def test_has_a_source(self, name):
        assert BY_NAME[name].source
        assert BY_NAME[name].about


def test_each_definition_has_its_rewriter():
    assert list(REWRITERS) == list(BY_NAME)


def test_steps_of_a_chain_add_up():
    chain: Condition = BY_NAME["gender"]().followed_by(BY_NAME["names"]())
    change = change_text(chain, "Emily lost her keys.", 5)
    assert change.changed == 2
    assert change.text == chain.apply("Emily lost her keys.", 5)
    assert change.reversible
    assert change_text(chain, change.text, 5).text == "Emily lost her keys."


# Names


def test_names_have_one_partner_of_the_same_sex():
    names = read_names()
    partners = pair_names(names, "white", "black")
    assert len(partners) == 36
    sex = {name: kept for (_, kept), listed in names.within.items() for name in listed}
    assert all(partners[other] == one and sex[one] == sex[other] for one, other in partners.items())


@given(
    st.integers(0, 1000),
    st.lists(st.sampled_from(["Emily", "JAMAL's", "Greg,", "Kenya's", "an", "a", "met", "emily"])),
)
def test_names_go_there_and_back(seed, words):
    text = " ".join(words).replace("an met", "a met")
    names = read_names()
    partners = pair_names(names, "white", "black", generator(seed))
    there = swap_names(text, partners)
    if " a " not in f" {text}" and " an " not in f" {text}":
        assert swap_names(there.text, partners).text == text
    assert there.changed == sum(
        word.strip(",'s").capitalize() in partners and word != "emily" for word in text.split()
    )


def test_a_name_that_is_a_word_is_ambiguous():
    change = BY_NAME["names"]()
    assert change_text(change, "Kenya and Emily", 0).ambiguous == 1


def test_an_own_list_needs_groups_and_sources(tmp_path):
    file = tmp_path / "names.csv"
    file.write_text("name,group,source\nAna,x,me\nBea,y,me\nEva,z,me\nAda,x,me\n")
    condition = BY_NAME["names"](names=str(file), first="x", second="y")
    assert condition.files == (str(file),)
    assert condition.apply("Ana, Eva and Bea. A nurse", 1) in {
        "Bea, Eva and Ana. A nurse",
        "Ana, Eva and Bea. A nurse",
    }
    for values, message in (
        ({}, "3 groups, so say which"),
        ({"first": "x", "second": "q"}, "No names of 'q'"),
        ({"first": "x", "second": "x"}, "Nothing to pair"),
    ):
        with pytest.raises(InputError, match=message):
            BY_NAME["names"](names=str(file), **values).apply("Ana", 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [("name,group\nAna,x\n", "no column source"), ("name,group,source\nAna,x,\n", "line 2: 'Ana' has no source"),
     ("name,group,source\nAna,x,me\nAna,y,me\n", "line 3: 'Ana' stands twice"), ("name,group,source\nana,x,me\n", "not one capitalised word"),
     ("name,group,source\nAna,x\n", "line 2: not as many fields"), ("", "no column name")],
)  # fmt: skip
def test_a_faulty_list_is_told_where(tmp_path, content, message):
    file = tmp_path / "names.csv"
    file.write_text(content)
    with pytest.raises(InputError, match=message):
        read_names(str(file))


def test_a_list_that_is_not_there_or_no_text(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_names(str(tmp_path / "none.csv"))
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        read_names(str(tmp_path / "b.csv"))


# Dialect, formality, misspellings

LISTS = [("dialect.csv", "standard", "dialect", ("variety", v)) for v in VARIETIES]
LISTS += [
    ("formality.csv", "informal", "formal", None),
    ("misspellings.csv", "correct", "misspelled", None),
]


@pytest.mark.parametrize(("file", "source", "target", "where"), LISTS)
def test_correspondences_are_one_to_one_and_find_their_way_back(file, source, target, where):
    there, back = (
        read_phrases(file, *columns, where=where)
        for columns in ((source, target), (target, source))
    )
    assert len(there.into) == len(back.into) > 20
    for old, _ in there.into.values():
        for written in (old, old[0].upper() + old[1:]):
            text = f"we say {written}, now"
            change = rewrite(text, there)
            assert change.changed >= 1, text
            assert rewrite(change.text, back).text == text


def test_varieties_and_sources_are_named():
    rows = read_list("dialect.csv")
    assert {row["variety"] for row in rows} == set(VARIETIES)
    assert all(row["source"] and row["feature"] for row in rows)


@pytest.mark.parametrize(
    ("variety", "text", "expected"),
    [("british", "An elevator and an apartment's ELEVATORS.", "A lift and a flat's LIFTS."),
     ("british", "Parking lot by the emergency room", "Car park by the casualty department"),
     ("scottish", "I do not know the child.", "I dinnae ken the bairn."),
     ("african_american", "She is not here.", "She ain't here."),
     ("indian", "It ended this morning.", "It ended today morning.")],
)  # fmt: skip
def test_phrases_are_rewritten_whole_and_grammatically(variety, text, expected):
    assert BY_NAME["dialect"](variety=variety).apply(text, 0) == expected


def test_the_way_back_is_a_parameter():
    there = BY_NAME["dialect"](variety="british").apply("The truck broke down.", 0)
    assert (
        BY_NAME["dialect"](variety="british", direction="from").apply(there, 0)
        == "The truck broke down."
    )


def test_a_share_is_that_share():
    text = "apartment " * 40
    for share, count in ((0, 0), (0.25, 10), (1, 40)):
        assert (
            change_text(BY_NAME["dialect"](variety="british", share=share), text, 1).changed
            == count
        )


def test_odd_capitals_are_left_and_counted():
    change = change_text(BY_NAME["dialect"](variety="british"), "aPartment Parking Lot", 0)
    assert (change.text, change.declined) == ("aPartment Parking Lot", 2)


# Slips


@pytest.mark.parametrize("rate", [0, 0.05, 0.3, 1])
def test_typos_are_neighbours_at_their_rate(rate):
    text = "The Quick brown fox, 42 é 👍. " * 20
    change = make_typos(text, rate, generator())
    different = [(a, b) for a, b in zip(text, change.text, strict=True) if a != b]
    letters = sum(c in _neighbours() for c in text)
    assert len(different) == change.changed == round(rate * letters)
    assert all(b in _neighbours()[a] for a, b in different)


def test_neighbours_are_mutual():
    assert all(a in _neighbours()[b] for a, near in _neighbours().items() for b in near)
    assert set(_neighbours()["s"]) == set("adewxz")


@given(st.text(max_size=40), st.sampled_from(["lower", "upper", "swapped"]))
def test_case_keeps_the_length(text, to):
    found = change_case(text, to, 1, generator()).text
    assert len(found) == len(text)
    assert found.casefold() == text.casefold() or not text.isascii()


# Contractions


@pytest.mark.parametrize(
    ("full", "short"),
    [("I am sure.", "I'm sure."), ("She is here.", "She's here."), ("They are late.", "They're late."), ("He will come.", "He'll come."),
     ("We would like it.", "We'd like it."), ("I cannot come.", "I can't come."), ("I will not.", "I won't."), ("It is not.", "It isn't."),
     ("I am not ill.", "I'm not ill."), ("They have been ill.", "They've been ill."), ("DO NOT GO", "DON'T GO"), ("Let us go.", "Let's go."),
     ("They would not and could not.", "They wouldn't and couldn't."), ("You must not.", "You mustn't."), ("Who is there?", "Who's there?")],
)  # fmt: skip
def test_contracting_and_expanding_are_inverse(full, short):
    assert contract(full).text == short
    assert expand(short).text == full


@pytest.mark.parametrize(
    "text",
    [
        "Yes, I am.",
        "She is, too.",
        "I have a car.",
        "He is and I am",
        "It is too.",
        "May I or shall I?",
        "The nurse is here.",
        "I will",
    ],
)
def test_no_speaker_contracts_here(text):
    assert contract(text).text == text


def test_questions_keep_their_order():
    assert (
        expand("Don't you know? Isn't she here? Can’t I?").text
        == "Do you not know? Is she not here? Can I not?"
    )


def test_what_may_be_a_genitive_is_left_and_counted():
    change = expand("The nurse's here. It ain't. Ann's book.")
    assert (change.text, change.declined) == ("The nurse's here. It ain't. Ann's book.", 3)
    assert expand("He's finished. She'd gone.").ambiguous == 2
    assert (
        expand("He's been; it's late; she'd better go; I'd like it.").text
        == "He has been; it is late; she had better go; I would like it."
    )


# Templates

PEOPLE = [
    Person(pronouns="she", name="Ana", terms={"job": "engineer"}, attributes={"gender": "woman"}),
    Person(pronouns="they", name="Kim", terms={"job": "nurse"}, attributes={"gender": "nonbinary"}),
]


@pytest.mark.parametrize(
    ("template", "first", "second"),
    [("{name} is {a} {job}.", "Ana is an engineer.", "Kim is a nurse."),
     ("{pronoun.subject} {is|are} here. {pronoun.subject} {knows|know}.", "She is here. She knows.", "They are here. They know."),
     ("I saw {pronoun.object} and {pronoun.determiner} dog, not {pronoun.possessive}.", "I saw her and her dog, not hers.", "I saw them and their dog, not theirs."),
     ("{Pronoun.reflexive}, {name's} {{braces}}", "Herself, Ana's {braces}", "Themselves, Kim's {braces}"),
     ("{a} {job} came; {A} {job}!", "An engineer came; An engineer!", "A nurse came; A nurse!")],
)  # fmt: skip
def test_slots_are_filled_grammatically(template, first, second):
    filled = fill_template(template, PEOPLE)
    assert [one.text for one in filled] == [first, second]
    assert {one.template for one in filled} == {template}
    assert filled[0].attributes == {"gender": "woman"}


@pytest.mark.parametrize(
    ("template", "message"),
    [("{pronoun.objct}", r"Unknown pronoun form 'objct'. Did you mean 'object'"), ("{nmae} x", "Unknown slot 'nmae'"), ("a } b", "a single }"),
     ("a { b", "a single {"), ("{a|b|c}", "singular.plural"), ("{}", "Unknown slot ''")],
)  # fmt: skip
def test_a_wrong_slot_has_a_caret(template, message):
    with pytest.raises(ExpressionError, match=message) as error:
        fill_template(template, PEOPLE)
    assert "^" in str(error.value)


def test_a_person_must_fill_every_slot():
    with pytest.raises(ExpressionError, match="has no name"):
        fill_template("{name}", [Person(pronouns="he")])
    with pytest.raises(InputError, match="Unknown set of pronouns 'her'"):
        fill_template("x", [Person(pronouns="her")])
