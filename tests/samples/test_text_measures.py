"""Texts in any script are counted as a reader counts them; readability by its published formula."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evenhand.samples.text import MEASURES, SCRIPTS, measure_text


@pytest.mark.parametrize(
    ("text", "characters", "words", "emoji"),
    [
        ("", 0, 0, 0),
        ("   \n", 4, 0, 0),
        ("don't stop — co-operate", 23, 3, 0),
        ("e\u0301te\u0301", 3, 1, 0),  # accents apart from their letters
        ("हिन्दी भाषा", None, 2, 0),  # vowel signs do not part words
        ("مرحبا بالعالم", 13, 2, 0),
        ("שלום, עולם!", 11, 2, 0),
        ("👩🏽‍⚕️", 1, 0, 1),
        ("👨‍👩‍👧‍👦 🇩🇪🇫🇷 👍🏿", 6, 0, 4),
        ("42 beds", 7, 2, 0),
        ("'quoted' -- dash", 16, 2, 0),
    ],
)
def test_counts_are_those_of_a_reader(text, characters, words, emoji):
    found = measure_text(text)
    assert characters is None or found["characters"] == characters
    assert (found["words"], found["emoji"]) == (words, emoji)


@pytest.mark.parametrize(
    ("text", "script"),
    [("ward", "latin"), ("Привет", "cyrillic"), ("你好", "han"), ("ひらがなカナ", "kana"), ("안녕", "hangul"), ("สวัสดี", "thai"),
     ("שלום", "hebrew"), ("مرحبا", "arabic"), ("नमस्ते", "devanagari"), ("γειά", "greek"), ("ſtrauß", "latin"), ("ａｂ", "latin"), ("Բարեւ", "armenian")],
)  # fmt: skip
def test_a_letter_tells_its_script(text, script):
    found = measure_text(text)
    assert found["script"] == script
    share = found.get(f"letters_{script}", found["letters_other"])
    assert share == 1


def test_mixed_scripts_share_the_letters():
    found = measure_text("abc где 12 👍")
    assert (found["letters_latin"], found["letters_cyrillic"]) == (0.5, 0.5)
    assert measure_text("אבג abc")["right_to_left_share"] == 0.5


def test_words_of_unspaced_scripts_are_not_counted():
    found = measure_text("我今天去医院。你呢？")
    assert found["words"] is None
    assert found["lix"] is None
    assert found["sentences"] == 2


@pytest.mark.parametrize(
    ("text", "sentences"),
    [("One. Two! Three?", 3), ("No end", 1), ("He said “stop.” Then left", 2), ("Wait... what?!", 2), ("3.5 mg", 1), ("هل؟ نعم.", 2), ("", 0), ("...", 0)],
)  # fmt: skip
def test_sentences_end_where_a_mark_is_followed_by_space(text, sentences):
    assert measure_text(text)["sentences"] == sentences


def test_readability_is_the_published_formula():
    text = "The nurse gave medicine. Everybody recovered slowly."
    letters = 3 + 5 + 4 + 8 + 9 + 9 + 6
    found = measure_text(text)
    assert found["lix"] == pytest.approx(7 / 2 + 100 * 3 / 7)
    assert found["ari"] == pytest.approx(4.71 * letters / 7 + 0.5 * 7 / 2 - 21.43)


@pytest.mark.parametrize("text", ["", "👍", "12 + 3", "…"])
def test_no_letters_is_undefined_not_zero(text):
    found = measure_text(text)
    assert found["script"] is None
    assert found["right_to_left_share"] is None
    assert found["letters_latin"] is None
    assert found["ari"] is None


@given(st.text())
def test_any_text_is_measured(text):
    found = measure_text(text)
    assert list(found) == [measure.name for measure in MEASURES]
    shares = [found[f"letters_{name}"] for name in (*SCRIPTS, "other")]
    if found["letters"]:
        assert sum(shares) == pytest.approx(1)
    assert 0 <= found["characters"] <= len(text)
    assert found["emoji"] <= len(text)


@given(st.text(alphabet="abÉ0９_ '’-.!?…。אमस😀½", min_size=1), st.data())
def test_an_accent_on_a_letter_changes_no_count(text, data):
    # A text without marks is counted whole, one with marks letter by letter: each is the other's oracle.
    places = [place for place, letter in enumerate(text, 1) if letter.isalnum()]
    assume(places)
    place = data.draw(st.sampled_from(places))
    assert measure_text(text[:place] + "\u0301" + text[place:]) == measure_text(text)
