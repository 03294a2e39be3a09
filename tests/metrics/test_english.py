"""The English normaliser equals the Whisper one, on generated, random and real transcripts."""

# ruff: noqa: SIM905 - word lists read better as text

import csv
import os
import random
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.metrics.speech import english, english_rules
from evenhand.metrics.speech.english import normalize_english

ORDINARY = """the dog went to see a house and of i we they she said that was on with for about water
people travelling colour favourite centre organised grey theatre cheque analyse programme jewellery
minister street because half second would is has let can won don a minute o""".split()
CONTRACTIONS = """won't can't let's ain't y'all i'ma ma'am o'neil's he'd they'd've she's it's who's
i'll you're we've i'm don't wouldn't've he'dn't 's 't n't 'd 'll 've 'm 're 'all 'ma 'am ' '' been
gone done got gotta gonna wanna dunno kinda imma woulda 'cause cause been's been't got't""".split()
TITLES = "mr mr. Mrs. st st. Dr. prof gen col jr sr esq um uh mm mhm hmm uh-huh um's".split()
NUMBER_WORDS = """one two three nine ten eleven fifteen nineteen twenty thirty ninety hundred
thousand million trillion oh zero first second third fifth twelfth twentieth ones sixes twenties
thirties hundreds thousandth millions hundredth double triple point and half per percent cent cents
dollar dollars pounds euros minus negative plus positive twenty-one""".split()
NUMERALS = """5 1 1s 10 0 007 3.5 0.5 2.0 9.9.9 1,000 1,2,3 $5 $0.07 $0 £3 €1 ¢7 50¢ us$4 $1,5 5% %
$ . .. ... 20th 1990s 3rd 5s 1st v2 b2b 5-6 s st nd rd th s.5 half5 ½ ² ٣ １２ ＄5 ．5""".split()
ODDITIES = """[x] [ ] ( ) () (a) < > [a b] (a b) (]) ([) # ! #! #half - -- — … “quoted” don’t café
naïve Ångström ß œuvre þ 😀 👩‍👧 Σ ΟΔΟΣ İ ⅷ ℡ ﬀ ™ ％ been℡ been² archaeology half.
[laughter] x.and 你好。""".split()
INVISIBLE = ["\u200b", "half\u200b", "and\u00ad", "a\u0301", "\u0301", "s\u0301", "\ud800", "\x00"]
VOCABULARY = [ORDINARY, CONTRACTIONS, TITLES, NUMBER_WORDS, NUMERALS, ODDITIES + INVISIBLE]
PHRASES = ["and a half", "it's been", "he'd gone", "one oh one", "two and", "dollars and", "don 't"]
WHITE_SPACE = [*[" "] * 20, "  ", "\t", "\n", "\u00a0", "\u2009", "\u3000", "\x1c", ""]


@cache
def oracle() -> Callable[[str], str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in its docstrings
        pytest.importorskip("whisper_normalizer", reason="whisper-normalizer is the test oracle")
        from whisper_normalizer.english import EnglishTextNormalizer
    return EnglishTextNormalizer()


def assert_equals_oracle(texts: list[str]) -> None:
    expected = [oracle()(text) for text in texts]
    got = normalize_english(texts)
    assert len(got) == len(texts)
    for text, ours, theirs in zip(texts, got, expected, strict=True):
        assert ours == theirs, text


def sentences(count: int, seed: int) -> Iterator[str]:
    rng = random.Random(seed)
    for _ in range(count):
        weights = [rng.choice([0, 0, 1, 1, 4]) + 0.01 for _ in VOCABULARY]
        text = ""
        for kind in rng.choices(VOCABULARY, weights, k=rng.choice([0, 1, 2, 3, 5, 8, 15])):
            word = rng.choice(kind) if rng.random() < 0.96 else rng.choice(PHRASES)
            text += decorated(word, rng) + rng.choice(WHITE_SPACE)
        yield text if rng.random() < 0.2 else text.rstrip()


def decorated(word: str, rng: random.Random) -> str:
    if rng.random() < 0.1:
        word = rng.choice([word.capitalize(), word.upper()])
    if rng.random() < 0.08:
        word += rng.choice(".,!?%$'\"’)]-;:")
    return rng.choice("\"'($[-.#<“") + word if rng.random() < 0.04 else word


def artie_transcripts() -> list[str]:
    data = Path(os.environ.get("EVENHAND_DATA", Path(__file__).parents[3] / "shared" / "data"))
    folder = data / "artie"
    if not folder.is_dir():
        pytest.skip(f"the Artie Bias Corpus is not at {folder}; set EVENHAND_DATA")
    texts = []
    columns = [("artie-bias-corpus.tsv", "sentence")]
    columns += [(f"predictions/{path.name}", "prediction") for path in folder.glob("predictions/*")]
    for name, column in columns:
        with (folder / name).open(encoding="utf-8", newline="") as lines:
            rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            texts += [row[column] or "" for row in rows]
    return texts


def test_generated_sentences_equal_the_oracle():
    assert_equals_oracle(list(sentences(20_000, seed=2212)))


@pytest.mark.data
def test_real_references_and_transcripts_equal_the_oracle():
    texts = artie_transcripts()
    assert len(texts) > 10_000
    assert_equals_oracle(texts)


TOKENS = st.sampled_from([word for kind in VOCABULARY for word in kind] + PHRASES)
SPACES = st.sampled_from([" ", " ", " ", "  ", "\n", ""])


@settings(max_examples=700, deadline=None)
@given(st.lists(st.tuples(TOKENS, SPACES), max_size=8))
def test_any_sequence_of_tokens_equals_the_oracle(pairs):
    assert_equals_oracle(["".join(token + space for token, space in pairs)])


@settings(max_examples=700, deadline=None)
@given(st.text("ab1 2.,'$%¢s tndmul ()[]<>0€", max_size=16) | st.text(max_size=24))
def test_any_characters_equal_the_oracle(text):
    assert_equals_oracle([text])


@pytest.mark.parametrize("token", sorted({word for kind in VOCABULARY for word in kind}))
def test_every_token_equals_the_oracle_between_any_two_neighbours(token):
    left = ["", "one ", "hundred ", "5 ", "$2 and ", "it's ", "two and a "]
    left += ["let ", "don ", "y ", "i ", "ma "]  # an apostrophe next completes these
    right = ["", " one", " hundred", " 5", " cents", " been", " 's", "'s", "."]
    assert_equals_oracle([before + token + after for before in left for after in right])


def test_every_spelling_variant_equals_the_oracle():
    assert_equals_oracle(list(english_rules.spellings()))
    assert_equals_oracle([f"{word.capitalize()}'s" for word in english_rules.spellings()])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("twenty one", "21", id="tens-and-ones-add"),
        pytest.param("one oh one", "101", id="spoken-digits-are-a-row"),
        pytest.param("double seven", "77", id="double-repeats"),
        pytest.param("nineteen ninety five", "1995", id="a-year-is-two-numbers-in-a-row"),
        pytest.param("$ 3 million", " 3000000", id="a-lone-dollar-sign-leaves-a-space"),
        pytest.param("$3 million", "$3000000", id="a-dollar-sign-goes-with-its-number"),
        pytest.param("three dollars and seven cents", "$3.07", id="cents-join-their-dollars"),
        pytest.param("20 percent, 20 per cent", "20% 20%", id="percent-in-one-word-or-two"),
        pytest.param("the 1990s", "the 1990s", id="a-decade-keeps-its-ending"),
        pytest.param("the twenty first", "the 21st", id="ordinals-keep-their-ending"),
        pytest.param("two and a half", "2.5", id="a-half-is-point-five"),
        pytest.param("a cup and a half", "a cup and a half", id="a-half-of-no-number-is-words"),
        pytest.param("one", "one", id="a-lone-one-stays-a-word"),
        pytest.param("1,000", "1000", id="commas-between-digits-go"),
        pytest.param("minus three point one four", "-3.14", id="a-sign-goes-with-its-number"),
        pytest.param("um it's (inaudible) fine [noise]", "it is fine", id="asides-go"),
        pytest.param("it's been gone", "it has been gone", id="perfect-tense"),
        pytest.param("he'd gotta", "he would got to", id="not-every-perfect-tense"),
        pytest.param("it's gotta", "it has got to", id="rules-feed-later-rules"),
        pytest.param("it's been't", "it has bee not", id="perfect-tense-before-negation"),
        pytest.param("he'dn't", "he would not", id="negation-before-endings"),
        pytest.param("can 't", "can not", id="space-before-an-apostrophe-goes"),
        pytest.param("Café Ångström, œuvre", "cafe angstrom oeuvre", id="diacritics-go"),
        pytest.param("Dr. Grey's colour", "doctor gray is color", id="title-and-spelling"),
        pytest.param("5 #and 7 #!", "5 and 7", id="our-marks-in-a-text-are-only-symbols"),
        pytest.param("", "", id="nothing-is-nothing"),
        pytest.param("um, uh", "", id="only-fillers-is-nothing"),
    ],
)
def test_hand_case(text, expected):
    assert normalize_english([text]) == [expected]
    assert_equals_oracle([text])


def test_what_was_read_before_does_not_matter(monkeypatch):
    texts = list(sentences(500, seed=7))
    expected = normalize_english(texts)
    english._chunks().clear()
    monkeypatch.setattr(english, "_REMEMBERED", 3)  # forget all the time
    assert normalize_english(texts) == expected
    assert len(english._chunks()) <= 3 + 1  # a plain word is remembered while its chunk is read


def test_a_long_chunk_is_not_remembered():
    chunk = "你好" * 1000
    assert normalize_english([chunk]) == [chunk]
    assert chunk not in english._chunks()


def test_a_numeral_too_long_for_python_stays():
    numeral = "7" * 5000
    assert normalize_english([f"about {numeral} of them"]) == [f"about {numeral} of them"]


def test_one_string_is_refused():
    with pytest.raises(TypeError, match="'hello'; pass a sequence"):
        normalize_english("hello")
