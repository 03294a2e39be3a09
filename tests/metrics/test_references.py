"""Several right references, marked readings, equivalent phrases; agreement with sclite and meeteval."""

import itertools
import random
import re
import shutil
import subprocess

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rapidfuzz.distance import Levenshtein

import evenhand
from evenhand.errors import InputError
from evenhand.metrics.speech.alignment import count_edits
from evenhand.metrics.speech.readings import count_readings
from evenhand.metrics.speech.scorer import Scorer


def readings(text):
    """Every reading of a marked text, by plain expansion: its words, and how many were left out."""
    tokens = text.split()

    def sequence(place, inside):
        found = [((), 0)]
        while place < len(tokens) and not (
            tokens[place] == "}" or (inside and tokens[place] == "/")
        ):
            token = tokens[place]
            place += 1
            if token == "{":
                options = []
                while True:
                    option, place = sequence(place, True)
                    options += option
                    place += 1
                    if tokens[place - 1] == "}":
                        break
            elif token.startswith("(") and token.endswith(")"):
                options = [((token[1:-1],), 0), ((), 1)]
            else:
                options = [((token,) if token != "@" else (), 0)]
            found = [(a + b, m + n) for (a, m), (b, n) in itertools.product(found, options)]
        return found, place

    return sequence(0, False)[0]


def marked_text(rng, depth=0, words="abcd"):
    parts = []
    for _ in range(rng.randint(0 if depth else 1, 4)):
        word = rng.choice(words)
        kind = rng.random()
        if kind < 0.2:
            parts.append(f"({word})")
        elif kind < 0.4 and depth < 2:
            parts.append(
                "{ "
                + " / ".join(
                    marked_text(rng, depth + 1, words) or "@" for _ in range(rng.randint(2, 3))
                )
                + " }"
            )
        else:
            parts.append(word)
    return " ".join(parts)


def test_the_reading_with_the_fewest_errors_counts():
    rng = random.Random(11)
    for _ in range(600):
        text = marked_text(rng)
        heard = rng.choices("abcd", k=rng.randint(0, 6))
        found = count_readings(text, heard, str.split)
        least = min(Levenshtein.distance(list(words), heard) for words, _ in readings(text))
        assert found.errors == least == found.insertions + found.substitutions + found.deletions, (
            text
        )
        assert found.hits + found.substitutions + found.insertions >= len(heard)
        best = [
            (len(words) + left_out)
            for words, left_out in readings(text)
            if Levenshtein.distance(list(words), heard) == least
        ]
        assert found.hits + found.substitutions + found.deletions in best, text


def test_many_optional_words_are_no_matter():
    text = " ".join(["(uh) well"] * 60)
    assert count_readings(text, ["well"] * 60, str.split).errors == 0


@pytest.mark.parametrize("text", ["{ a / b", "a }", "{ a / { b }", "a / b }"])
def test_braces_that_do_not_match_are_refused(text):
    with pytest.raises(InputError, match=r"brace that .*\{ a / b \}"):
        count_readings(text, ["a"], str.split)


def table(**columns):
    return pa.table(columns)


def rate(records, metric):
    return evenhand.audit(records, metric, by="g", min_units=2).overall.value


def test_a_list_of_references_counts_by_the_best():
    said = [["going to go", "gonna go"], ["x y"], ["a"], None, [], ["b", None]]
    records = table(g=list("ababab"), said=said, heard=["gonna go", "x z", None, "q", "r", "b"])
    result = evenhand.audit(records, "wer(said, heard)", by="g", min_units=2)
    assert result.overall.counts == {
        "hits": 4.0,
        "substitutions": 1.0,
        "deletions": 1.0,
        "insertions": 0.0,
    }
    assert [(missing.attribute, missing.n_rows) for missing in result.missing] == [("said", 2)]


def test_lists_are_read_from_parquet_and_json_lines(tmp_path):
    records = table(g=["a", "b"] * 5, said=[["i am", "i'm"]] * 10, heard=["I'm", "i am"] * 5)
    pq.write_table(records, tmp_path / "r.parquet")
    assert rate(tmp_path / "r.parquet", "wer(said, heard)") == 0.0
    lines = ['{"g": "a", "said": ["i am", "i\'m"], "heard": "im"}'] * 5 + [
        '{"g": "b", "said": ["x"], "heard": "x"}'
    ] * 5
    (tmp_path / "r.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert rate(tmp_path / "r.jsonl", "wer(said, heard)") == 0.0


def test_references_may_stand_in_several_columns():
    records = table(
        g=["a", "b"] * 5, one=["i am"] * 10, two=["i'm", None] * 5, heard=["im", "i am"] * 5
    )
    assert rate(records, "wer(one, heard)") == pytest.approx(
        10 / 20
    )  # i am → im: 2 errors of 2 words
    assert rate(records, "wer(one, heard, also='two')") == 0.0
    assert rate(records, "cer(one, heard, also='two')") == 0.0
    with pytest.raises(InputError, match="Did you mean 'two'"):
        rate(records, "wer(one, heard, also='twoo')")


def test_a_list_of_numbers_is_refused():
    with pytest.raises(InputError, match="a list of texts that are all right"):
        rate(table(g=["a"], said=[[1]], heard=["x"]), "wer(said, heard)")


def test_marks_are_read_when_asked_for():
    records = table(
        g=["a", "b"] * 5,
        said=["(uh) { going to / gonna } go", "a (b) c"] * 5,
        heard=["Gonna go!", "a c"] * 5,
    )
    assert rate(records, "wer(said, heard, markup='sclite')") == 0.0
    assert rate(records, "wer(said, heard)") >= 0.5


def test_equivalent_phrases_of_a_file(tmp_path):
    file = tmp_path / "alike.txt"
    file.write_text("# ours\ncolour = color\ngonna = going to = Going-To\n\n", encoding="utf-8")
    records = table(
        g=["a", "b"] * 5,
        said=["The colour is gonna fade"] * 10,
        heard=["the color is going to fade"] * 10,
    )
    assert rate(records, f"wer(said, heard, equivalents='{file}')") == 0.0
    assert rate(records, f"cer(said, heard, equivalents='{file}')") == 0.0
    assert rate(records, "wer(said, heard)") == pytest.approx(3 / 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [("colour", "line 1 must name at least two"), ("a = b\nb = c", "line 2: a phrase of it stands in an earlier"),
     ("a = ", "line 1 must name"), (None, "cannot be read: No such file")],
)  # fmt: skip
def test_a_faulty_file_of_equivalents_is_told(tmp_path, text, message):
    file = tmp_path / "alike.txt"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        rate(table(g=["a"], said=["x"], heard=["x"]), f"wer(said, heard, equivalents='{file}')")


def triples(said, heard, costs):
    """All (S, D, I) of the alignments of least cost."""
    substitution, deletion, insertion = costs
    table = {(0, 0): (0, {(0, 0, 0)})}
    for i in range(len(said) + 1):
        for j in range(len(heard) + 1):
            ways = []
            if i:
                ways.append((*table[i - 1, j], deletion, (0, 1, 0)))
            if j:
                ways.append((*table[i, j - 1], insertion, (0, 0, 1)))
            if i and j:
                equal = said[i - 1] == heard[j - 1]
                ways.append(
                    (
                        *table[i - 1, j - 1],
                        *((0, (0, 0, 0)) if equal else (substitution, (1, 0, 0))),
                    )
                )
            if ways:
                least = min(cost + more for cost, _, more, _ in ways)
                found = {
                    tuple(np.add(counts, step).tolist())
                    for cost, all_counts, more, step in ways
                    if cost + more == least
                    for counts in all_counts
                }
                table[i, j] = (least, found)
    return table[len(said), len(heard)][1]


def random_pairs(number, seed, vocabulary):
    rng = random.Random(seed)
    words = [f"w{i}" for i in range(vocabulary)]
    for _ in range(number):
        said = rng.choices(words, k=rng.randint(1, 9))
        heard = []
        for word in said:
            edits = ([word], [], [rng.choice(words)], [word, rng.choice(words)])
            heard += rng.choice(edits) if rng.random() < 0.3 else [word]
        yield said, heard


def sclite(pairs, folder, *options):
    """Hits, substitutions, deletions, insertions of each pair, by the program itself."""
    if shutil.which("sctk") is None:
        pytest.skip("sctk is not installed (Debian: sctk)")
    for name, column in (("r", 0), ("h", 1)):
        lines = (f"{' '.join(pair[column])} (s_{i})\n" for i, pair in enumerate(pairs))
        (folder / f"{name}.trn").write_text("".join(lines), encoding="utf-8")
    command = [
        "sctk",
        "sclite",
        "-r",
        "r.trn",
        "trn",
        "-h",
        "h.trn",
        "trn",
        "-i",
        "rm",
        "-o",
        "pra",
        "stdout",
        *options,
    ]
    out = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    found = re.findall(r"id: \(s_(\d+)\)\s*\nScores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)", out)
    return {int(row[0]): tuple(map(int, row[1:])) for row in found}


@pytest.mark.parametrize("vocabulary", [4, 30, 1000])
def test_sclite_counts_the_same_where_its_alignment_is_a_least_one(tmp_path, vocabulary):
    pairs = list(random_pairs(700, vocabulary, vocabulary))
    theirs = sclite(pairs, tmp_path)
    texts = [pa.array([" ".join(pair[side]) for pair in pairs]) for side in (0, 1)]
    counts = count_edits(*texts)
    ours = list(
        zip(
            counts.hits.tolist(),
            counts.substitutions.tolist(),
            counts.deletions.tolist(),
            counts.insertions.tolist(),
            strict=True,
        )
    )
    assert len(theirs) == len(pairs)
    settled = 0
    for i, (said, heard) in enumerate(pairs):
        assert sum(ours[i][1:]) <= sum(theirs[i][1:])
        least, weighed = triples(said, heard, (1, 1, 1)), triples(said, heard, (4, 3, 3))
        assert ours[i][1:] in least
        assert theirs[i][1:] in weighed
        if len(least | weighed) == 1:  # no tie to break, and its weights do not matter
            settled += 1
            assert ours[i] == theirs[i]
    assert settled > {4: 380, 30: 580, 1000: 640}[vocabulary]


def test_sclite_reads_marks_as_we_do(tmp_path):
    rng = random.Random(5)
    pairs = []
    while len(pairs) < 300:
        text = marked_text(rng, words="abcdefghijklmnopqrst")
        words, _ = rng.choice(readings(text))
        heard = [word if rng.random() > 0.1 else "x" for word in words]
        if heard and len(readings(text)) < 200:
            pairs.append((text.split(), heard))
    theirs = sclite(pairs, tmp_path, "-D")
    references = pa.chunked_array([[" ".join(said) for said, _ in pairs]])
    hypotheses = pa.chunked_array([[" ".join(heard) for _, heard in pairs]])
    counts, _ = Scorer(marked=True).score([references], hypotheses)
    errors = (counts.substitutions + counts.deletions + counts.insertions).tolist()
    differing = [i for i in range(len(pairs)) if errors[i] != sum(theirs[i][1:])]
    # Never more than theirs. Fewer where it charges a little for each optional word that is left out.
    assert all(errors[i] < sum(theirs[i][1:]) for i in differing)
    assert len(differing) <= 9


def test_meeteval_counts_the_same():
    meeteval = pytest.importorskip("meeteval", reason="meeteval is a test oracle")
    pairs = list(random_pairs(800, 3, 20))
    texts = [pa.array([" ".join(pair[side]) for pair in pairs]) for side in (0, 1)]
    counts = count_edits(*texts, normalizer="none")
    errors = (counts.substitutions + counts.deletions + counts.insertions).tolist()
    for i, (said, heard) in enumerate(pairs):
        found = meeteval.wer.siso_word_error_rate(" ".join(said), " ".join(heard))
        assert (found.errors, found.length) == (errors[i], len(said))
