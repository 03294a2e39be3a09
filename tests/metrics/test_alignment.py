"""Counts of edits: jiwer's, pair by pair, whatever the texts."""

import csv
import os
import random
import string
import sys
from pathlib import Path

import jiwer
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from evenhand.metrics.speech import alignment
from evenhand.metrics.speech.alignment import EditCounts, count_edits
from evenhand.metrics.speech.normalizers import normalize

DELETE_PUNCTUATION = str.maketrans("", "", string.punctuation)
WHITE_SPACE = "".join(c for c in map(chr, range(sys.maxunicode + 1)) if c.isspace())
ODD_LETTERS = "aA ΣσςİıIßẞÉé语 \u1c89\ua7cb'-.\t\x1c\x00\u0301\u3000🙂"

words = st.text(st.sampled_from("ab c\u00a0"), max_size=40) | st.text(max_size=20)
pairs = st.lists(st.tuples(words, words), max_size=12)


def basic(text: str) -> str:
    return text.lower().translate(DELETE_PUNCTUATION)


def rows(counts: EditCounts) -> list[tuple[int, ...]]:
    columns = (counts.hits, counts.substitutions, counts.deletions, counts.insertions)
    assert all(column.dtype == np.int32 for column in columns)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def counted(said: list[str], heard: list[str], **options) -> list[tuple[int, ...]]:
    options = {"normalizer": "basic"} | options  # of which jiwer's counts are known
    return rows(count_edits(pa.array(said, pa.string()), pa.array(heard, pa.string()), **options))


def jiwer_words(said: str, heard: str) -> tuple[int, ...]:
    out = jiwer.process_words(" ".join(said.split()), " ".join(heard.split()))
    return out.hits, out.substitutions, out.deletions, out.insertions


def jiwer_characters(said: str, heard: str) -> tuple[int, ...]:
    out = jiwer.process_characters(said, heard)
    return out.hits, out.substitutions, out.deletions, out.insertions


def random_pairs(
    seed: int, number: int, longest: int, vocabularies: tuple[int, ...] = (2, 3, 8, 50, 2000)
) -> tuple[list[str], list[str]]:
    """Half the hypotheses are the reference with errors, half have nothing to do with it."""
    generator = random.Random(seed)
    said, heard = [], []
    for _ in range(number):
        vocabulary = [f"w{n}" for n in range(generator.choice(vocabularies))]
        reference = generator.choices(vocabulary, k=generator.randint(0, longest))
        hypothesis = generator.choices(vocabulary, k=generator.randint(0, longest))
        if generator.random() < 0.5:
            rate = generator.random()
            hypothesis = []
            for word in reference:
                edits = ([word], [], [generator.choice(vocabulary)], [word, word])
                hypothesis += generator.choice(edits) if generator.random() < rate else [word]
        said.append(" ".join(reference))
        heard.append(" ".join(hypothesis))
    return said, heard


@pytest.mark.parametrize(
    ("number", "longest"), [(6000, 12), (1500, 40), (400, 200), (3, 2000)], ids=str
)
def test_every_pair_is_counted_as_jiwer_counts_it(number: int, longest: int) -> None:
    said, heard = random_pairs(longest, number, longest)
    assert counted(said, heard) == list(map(jiwer_words, said, heard))


def test_two_thousand_tokens_with_errors_are_counted_as_jiwer_counts_them() -> None:
    generator = random.Random(4)
    said = [" ".join(generator.choices("abcdefgh", k=2000)) for _ in range(3)]
    heard = [" ".join(word for word in text.split() if generator.random() > 0.2) for text in said]
    heard[0], heard[1] = heard[1], said[2]
    assert counted(said, heard) == list(map(jiwer_words, said, heard))


@given(pairs)
@example([("", ""), ("", "a b"), ("a b", ""), (" ", "\t\n"), (" a  b ", "a\u00a0b")])
@example([("a\x1cb", "a b"), ("a\x00b", "a"), ("𝒳 \U0010ffff", "𝒳")])
def test_any_unicode_is_counted_as_jiwer_counts_it(texts: list[tuple[str, str]]) -> None:
    said, heard = [said for said, _ in texts], [heard for _, heard in texts]
    assert counted(said, heard, normalizer="none") == list(map(jiwer_words, said, heard))
    normal = [(basic(said), basic(heard)) for said, heard in texts]
    assert counted(said, heard) == [jiwer_words(*pair) for pair in normal]


@given(pairs)
@example([("", ""), ("", " a b "), (" ", ""), ("a - b", "a b"), ("\u3000a", "a\x1c")])
def test_characters_are_counted_as_jiwer_counts_them(texts: list[tuple[str, str]]) -> None:
    said, heard = [said for said, _ in texts], [heard for _, heard in texts]
    expected = [jiwer_characters(basic(said), basic(heard)) for said, heard in texts]
    assert counted(said, heard, tokens="character") == expected


def test_the_character_error_rate_is_that_of_jiwer() -> None:
    said, heard = random_pairs(5, 300, 20)
    hits, substitutions, deletions, insertions = np.sum(
        counted(said, heard, tokens="character"), axis=0
    )
    rate = (substitutions + deletions + insertions) / (hits + substitutions + deletions)
    assert rate == jiwer.cer(said, heard)


@given(pairs, st.sampled_from(["word", "character"]))
def test_counts_add_up_to_both_lengths_and_to_the_distance(
    texts: list[tuple[str, str]], tokens: str
) -> None:
    said, heard = [said for said, _ in texts], [heard for _, heard in texts]
    for reference, hypothesis, count in zip(
        map(basic, said), map(basic, heard), counted(said, heard, tokens=tokens), strict=True
    ):
        cut = str.split if tokens == "word" else str.strip
        hits, substitutions, deletions, insertions = count
        assert min(count) >= 0
        assert hits + substitutions + deletions == len(cut(reference))
        assert hits + substitutions + insertions == len(cut(hypothesis))
        assert substitutions + deletions + insertions == Levenshtein.distance(
            cut(reference), cut(hypothesis)
        )


@given(pairs)
def test_exchanging_the_texts_keeps_the_errors_and_the_excess_of_deletions(
    texts: list[tuple[str, str]],
) -> None:
    # It need not exchange deletions and insertions themselves: where S, D and I could be split in
    # several ways, the backtrace prefers deletions either way round.
    said, heard = [said for said, _ in texts], [heard for _, heard in texts]
    for one, other in zip(counted(said, heard), counted(heard, said), strict=True):
        assert sum(one[1:]) == sum(other[1:])
        assert one[2] - one[3] == other[3] - other[2]


def test_exchanging_the_texts_can_split_the_errors_otherwise() -> None:
    said, heard = random_pairs(6, 500, 10, vocabularies=(3,))
    mirrored = [(h, s, i, d) for h, s, d, i in counted(heard, said)]
    assert counted(said, heard) != mirrored


def rule(a: list[str], b: list[str]) -> tuple[int, ...]:
    """Split the errors as the docstring of `count_edits` says, by plain dynamic programming."""
    hits = 0
    while a and b and (a[0] == b[0] or a[-1] == b[-1]):
        cut = slice(1, None) if a[0] == b[0] else slice(None, -1)
        hits, a, b = hits + 1, a[cut], b[cut]
    cost = np.add.outer(np.arange(len(a) + 1), np.arange(len(b) + 1))
    for i, left in enumerate(a, 1):
        for j, right in enumerate(b, 1):
            straight = cost[i - 1, j - 1] + (left != right)
            cost[i, j] = min(cost[i - 1, j] + 1, cost[i, j - 1] + 1, straight)
    i, j, substitutions, deletions, insertions = len(a), len(b), 0, 0, 0
    while i and j:
        if cost[i, j] == cost[i - 1, j] + 1:
            i, deletions = i - 1, deletions + 1
        elif cost[i, j - 1] < cost[i - 1, j - 1]:
            j, insertions = j - 1, insertions + 1
        else:
            i, j = i - 1, j - 1
            hits, substitutions = hits + (a[i] == b[j]), substitutions + (a[i] != b[j])
    return hits, substitutions, deletions + i, insertions + j


def test_ties_are_split_by_the_rule_that_is_documented() -> None:
    said, heard = random_pairs(7, 1500, 12, vocabularies=(2, 3, 5))
    expected = [rule(a.split(), b.split()) for a, b in zip(said, heard, strict=True)]
    assert counted(said, heard) == expected


@pytest.mark.parametrize("tokens", ["word", "character"])
def test_two_threads_count_what_one_does(tokens: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alignment, "_BLOCK_BYTES", 500)
    said, heard = random_pairs(8, 3000, 20)
    assert counted(said, heard, tokens=tokens, workers=2) == counted(said, heard, tokens=tokens)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_blocks_do_not_matter(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    said, heard = random_pairs(9, 60, 15)
    whole = counted(said, heard)
    monkeypatch.setattr(alignment, "_BLOCK_BYTES", size)
    assert counted(said, heard) == whole


def test_chunks_slices_and_large_strings_do_not_matter() -> None:
    said, heard = random_pairs(10, 60, 15)
    cut = pa.chunked_array([pa.array(said[:11]), pa.array(said[11:])])
    framed = pa.array(["x", *heard, "x"], pa.large_string()).slice(1, 60)
    assert rows(count_edits(cut, framed, normalizer="basic")) == counted(said, heard)


def test_no_pairs_give_no_counts() -> None:
    assert counted([], []) == []
    nothing = pa.chunked_array([], pa.string())
    assert rows(count_edits(nothing, nothing, tokens="character")) == []


def test_more_words_than_there_are_characters() -> None:
    said = " ".join(map(str, range(1_120_000)))
    assert counted([said], [said + " 0"]) == [(1_120_000, 0, 0, 1)]


def test_words_are_numbered_around_the_surrogates() -> None:
    said = [" ".join(map(str, range(70_000)))]
    assert counted(said, ["x " + said[0]]) == [(70_000, 0, 0, 1)]


@pytest.mark.parametrize("space", WHITE_SPACE, ids=ascii)
def test_words_are_those_of_str_split(space: str) -> None:
    assert counted([f"{space}a{space}{space}b"], ["a b"], normalizer="none") == [(2, 0, 0, 0)]


@given(st.lists(st.text(st.sampled_from(ODD_LETTERS)) | st.text()))
@example(["", "ΑΣ ΣΑ", "İ", "\u1c89"])
def test_basic_is_lower_case_without_punctuation(texts: list[str]) -> None:
    framed = pa.array(["Ä!", *texts, "B?"]).slice(1, len(texts))
    assert normalize(framed, "basic").to_pylist() == list(map(basic, texts))


def test_basic_knows_every_character() -> None:
    characters = [chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000]
    assert normalize(pa.array(characters), "basic").to_pylist() == list(map(basic, characters))


def test_none_changes_nothing_and_english_spells_out() -> None:
    texts = pa.array([" I'm  HERE. ", ""])
    assert normalize(texts, "none").to_pylist() == [" I'm  HERE. ", ""]
    assert normalize(texts, "english").to_pylist() == ["i am here", ""]


def test_what_cannot_be_counted_is_refused_by_name() -> None:
    one, two = pa.array(["a"]), pa.array(["a", "b"])
    with pytest.raises(ValueError, match="1 references but 2 hypotheses"):
        count_edits(one, two)
    with pytest.raises(ValueError, match=r"Unknown normalizer 'basics'.*Did you mean 'basic'"):
        count_edits(one, one, normalizer="basics")
    with pytest.raises(ValueError, match="Unknown normalizer"):
        normalize(one, "whisper")
    with pytest.raises(ValueError, match="Unknown token 'words'"):
        count_edits(one, one, tokens="words")
    with pytest.raises(ValueError, match="workers is 0"):
        count_edits(one, one, workers=0)
    with pytest.raises(ValueError, match="1 of the hypotheses are null"):
        count_edits(one, pa.array([None], pa.string()))
    with pytest.raises(TypeError, match="type int64"):
        count_edits(one, pa.array([1]))


def artie() -> Path:
    beside = Path(__file__).parents[2] / ".." / "shared" / "data"
    return Path(os.environ.get("EVENHAND_DATA", beside)) / "artie"


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.data
@pytest.mark.skipif(not artie().is_dir(), reason="no Artie data (EVENHAND_DATA, ../shared/data)")
def test_artie_totals_are_those_of_jiwer() -> None:
    heard_of = {
        Path(row["path"]).stem: row["prediction"] or ""
        for row in read(artie() / "predictions" / "amazon-en-US.tsv")
    }
    sentences = read(artie() / "artie-bias-corpus.tsv")
    said = [row["sentence"] for row in sentences]
    heard = [heard_of[Path(row["path"]).stem] for row in sentences]
    totals = np.sum(counted(said, heard), axis=0).tolist()
    out = jiwer.process_words(list(map(basic, said)), list(map(basic, heard)))
    assert totals == [out.hits, out.substitutions, out.deletions, out.insertions]
    assert len(said) == 1712
    assert round(sum(totals[1:]) / sum(totals[:3]), 3) == 0.253
