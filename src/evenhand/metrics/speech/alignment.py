"""Hits, substitutions, deletions and insertions of each transcript: the sums under error rates.

The counts are those of jiwer, which aligns with RapidFuzz, and come from RapidFuzz here too. What
is added is the way there. A block of texts at a time is normalised, split and numbered in Arrow, so
that each word becomes one character of a Python string; and only pairs that could be aligned in
more than one way are backtraced.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from rapidfuzz.distance import Indel, Levenshtein
from rapidfuzz.process import cpdist

from evenhand.deferred import compute
from evenhand.errors import unknown_name
from evenhand.metrics.speech.normalizers import NORMALIZERS, utf8_parts
from evenhand.metrics.speech.preparation import preparation

TOKENS = ("word", "character")

_BLOCK_BYTES = 2 << 20  # of text: some 12,000 utterances, whose tables stay in the cache
_SURROGATES = range(0xD800, 0xE000)  # code points that no string may hold

_Counts = npt.NDArray[np.int32]  # 4 x pairs: hits, substitutions, deletions, insertions


@dataclass(frozen=True, slots=True, kw_only=True)
class EditCounts:
    """What became of the reference tokens of each pair, and what was added to them.

    Parameters
    ----------
    hits, substitutions, deletions, insertions : ndarray of int32, shape (pairs,)
        ``hits + substitutions + deletions`` is the length of the reference, ``hits + substitutions
        + insertions`` that of the hypothesis, and ``substitutions + deletions + insertions`` their
        Levenshtein distance, in tokens.
    """

    hits: npt.NDArray[np.int32]
    substitutions: npt.NDArray[np.int32]
    deletions: npt.NDArray[np.int32]
    insertions: npt.NDArray[np.int32]


def count_edits(
    references: pa.Array | pa.ChunkedArray,
    hypotheses: pa.Array | pa.ChunkedArray,
    *,
    normalizer: str = "unicode",
    tokens: str = "word",
    tokenizer: str = "space",
    equivalents: Mapping[str, str] | None = None,
    workers: int = 1,
) -> EditCounts:
    """Count the edits that turn each reference into its hypothesis, in a minimal alignment.

    Parameters
    ----------
    references, hypotheses : pa.Array or pa.ChunkedArray of strings, shape (pairs,)
        What was said and what was heard, without nulls. Either may be empty: against ``""`` every
        token of the hypothesis is an insertion.
    normalizer : str
        See `evenhand.metrics.speech.normalizers.normalize`.
    tokens : {"word", "character"}
        Words are what ``str.split`` finds. Characters are those of the text without the white space
        around it, but with that within; under ``unicode`` and the languages, without that beside
        characters of scripts that put no spaces between words.
    tokenizer : {"space", "character", "icu"}
        How words are found in scripts without spaces: `evenhand.metrics.speech.scripts.cut`.
    equivalents : Mapping, optional
        One phrase for another, both normalised: `evenhand.metrics.speech.equivalents`.
    workers : int
        Threads to share the work.

    Returns
    -------
    EditCounts
        One entry per pair, in order.

    Raises
    ------
    ValueError
        If the lengths differ, a text is null, `workers` is below 1, or `normalizer` or `tokens` is
        unknown.
    TypeError
        If an array does not hold strings.

    Notes
    -----
    The number of errors is unique; how it splits into substitutions, deletions and insertions often
    is not ("a b" to "c a" is two substitutions, or an insertion and a deletion), and tools differ
    by several per cent. The rule here is RapidFuzz's, hence jiwer's: strip the common prefix and
    suffix, then walk back from the end; delete wherever that is minimal, else insert if the rest
    then costs less than the rest after a substitution, else match or substitute. Very long pairs
    are first cut in two (Hirschberg), each half then following the rule. sclite weighs
    substitutions 4 and the others 3, so even its number of errors can exceed the minimum.

    Time grows with the product of the two lengths, divided by 64 up to the backtrace.

    References
    ----------
    V. I. Levenshtein, Binary codes capable of correcting deletions, insertions and reversals,
    Soviet Physics Doklady 10 (1966) 707-710. D. S. Hirschberg, doi:10.1145/360825.360861.
    NIST SCTK, sclite: https://github.com/usnistgov/SCTK. jiwer 4.0, ``process_words``.

    Examples
    --------
    >>> said = pa.array(["The cat sat.", "on the mat", ""])
    >>> heard = pa.array(["the cat sat", "on a mat mate", "a b"])
    >>> counts = count_edits(said, heard)
    >>> counts.hits.tolist(), counts.substitutions.tolist()
    ([3, 2, 0], [0, 1, 0])
    >>> counts.deletions.tolist(), counts.insertions.tolist()
    ([0, 0, 0], [0, 1, 2])
    """
    _check(references, hypotheses, normalizer=normalizer, tokens=tokens, workers=workers)
    pairs = pa.table({"reference": references, "hypothesis": hypotheses})

    prepare = preparation(
        normalizer=normalizer, tokens=tokens, tokenizer=tokenizer, equivalents=equivalents
    )

    def count(block: tuple[int, int]) -> _Counts:
        return _count_texts(prepare(_texts_of(pairs, *block)), tokens)

    # Threads: Arrow and RapidFuzz let go of the interpreter's lock for much of the work, and a
    # second process costs more CPU to start than it saves below millions of pairs.
    with ThreadPoolExecutor(workers) as threads:
        blocks = list(threads.map(count, _block_bounds(pairs, workers)))
    nothing = np.zeros((4, 0), np.int32)
    hits, substitutions, deletions, insertions = np.concatenate([nothing, *blocks], axis=1)
    return EditCounts(
        hits=hits, substitutions=substitutions, deletions=deletions, insertions=insertions
    )


def _check(
    references: pa.Array | pa.ChunkedArray,
    hypotheses: pa.Array | pa.ChunkedArray,
    *,
    normalizer: str,
    tokens: str,
    workers: int,
) -> None:
    if normalizer not in NORMALIZERS:
        raise ValueError(unknown_name("normalizer", normalizer, NORMALIZERS))
    if tokens not in TOKENS:
        raise ValueError(unknown_name("token", tokens, TOKENS))
    if workers < 1:
        raise ValueError(f"workers is {workers}, but at least 1 thread must do the work.")
    if len(references) != len(hypotheses):
        raise ValueError(
            f"There are {len(references):,} references but {len(hypotheses):,} hypotheses; "
            "each reference needs its hypothesis."
        )
    for name, texts in {"references": references, "hypotheses": hypotheses}.items():
        if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
            raise TypeError(f"The {name} are of type {texts.type}; cast them to pa.string().")
        if texts.null_count:
            raise ValueError(
                f"{texts.null_count:,} of the {name} are null. Leave those pairs out, or fill "
                'with "" what is a real empty transcript.'
            )


def _block_bounds(pairs: pa.Table, workers: int) -> list[tuple[int, int]]:
    """Cut the rows into runs of about `_BLOCK_BYTES`, or less so that each worker has a few."""
    if not len(pairs):
        return []
    lengths = [
        compute.binary_length(column).to_numpy().astype(np.int64) for column in pairs.columns
    ]
    ends = np.cumsum(np.sum(lengths, axis=0))
    size = _BLOCK_BYTES
    if workers > 1:
        size = min(size, 1 + int(ends[-1]) // (4 * workers))
    cuts = np.flatnonzero(np.diff(ends // size)) + 1
    return list(pairwise([0, *cuts.tolist(), len(pairs)]))


def _texts_of(pairs: pa.Table, start: int, stop: int) -> pa.StringArray:
    """Return the references of these rows followed by their hypotheses, in one array."""
    rows = pairs.slice(start, stop - start)
    chunks = [chunk for column in rows.columns for chunk in column.cast(pa.string()).chunks]
    return pa.concat_arrays(chunks) if chunks else pa.array([], pa.string())


def _count_texts(texts: pa.StringArray, tokens: str) -> _Counts:
    """Count the edits from the first half of the texts to the second."""
    symbols: Sequence[Sequence[object]] = (
        _words_as_symbols(texts)
        if tokens == "word"
        else [text.strip() for text in texts.to_pylist()]
    )
    half = len(symbols) // 2
    return _count_symbols(symbols[:half], symbols[half:])


def _words_as_symbols(texts: pa.StringArray) -> list[str] | list[list[int]]:
    """Turn each text into a string with one character per word, equal where the words are."""
    words = _split(texts)
    numbered = words.values.dictionary_encode()
    codes, offsets = numbered.indices.to_numpy(), words.offsets.to_numpy()
    empty = compute.index(numbered.dictionary, "").as_py()
    if empty >= 0:  # Arrow finds an empty word in "" and beside white space at either end
        is_word = codes != empty
        offsets = np.concatenate([[0], np.cumsum(is_word)])[offsets]
        codes = codes[is_word]
    slices = pairwise(offsets.tolist())
    if len(numbered.dictionary) > sys.maxunicode + 1 - len(_SURROGATES):
        numbers = codes.tolist()  # more words than characters exist: slower, and just as right
        return [numbers[start:stop] for start, stop in slices]
    points = np.where(codes < _SURROGATES.start, codes, codes + len(_SURROGATES))
    text = points.astype("<u4").tobytes().decode("utf-32-le")
    return [text[start:stop] for start, stop in slices]


def _split(texts: pa.StringArray) -> pa.ListArray:
    # Arrow's Unicode white space is that of str.split. Its ASCII white space, at half the cost,
    # lacks the four information separators.
    data, _ = utf8_parts(texts)
    if data.isascii() and not any(separator in data for separator in b"\x1c\x1d\x1e\x1f"):
        return compute.ascii_split_whitespace(texts)
    return compute.utf8_split_whitespace(texts)


def _count_symbols(
    references: Sequence[Sequence[object]], hypotheses: Sequence[Sequence[object]]
) -> _Counts:
    """Count edits, backtracing only where distances leave the substitutions S open.

    With distance d = S + D + I and D - I = n - m, one of the three fixes the others. Two bounds
    often meet: min(D, I) >= 0 gives S <= d - abs(n - m), and the insertion-deletion distance, the
    least that D + I + 2 S = d + S can be, gives S >= indel - d.
    """
    n = np.fromiter(map(len, references), np.int32, len(references))
    m = np.fromiter(map(len, hypotheses), np.int32, len(hypotheses))
    distance = _distances(Levenshtein.distance, references, hypotheses)
    substitutions = distance - np.abs(n - m)
    doubtful = np.flatnonzero(substitutions > 1)  # 0 and 1 leave no room for D and I at once
    some_references = [references[row] for row in doubtful.tolist()]
    some_hypotheses = [hypotheses[row] for row in doubtful.tolist()]
    indel = _distances(Indel.distance, some_references, some_hypotheses)
    is_open = indel - distance[doubtful] < substitutions[doubtful]
    for position in np.flatnonzero(is_open).tolist():
        edits = Levenshtein.editops(some_references[position], some_hypotheses[position])
        replaced = [tag for tag, _, _ in edits.as_list()].count("replace")
        substitutions[doubtful[position]] = replaced
    deletions = (distance - substitutions + n - m) // 2
    return np.stack(
        [n - substitutions - deletions, substitutions, deletions, deletions - n + m], dtype=np.int32
    )


def _distances(
    scorer: Callable[..., int],
    references: Sequence[Sequence[object]],
    hypotheses: Sequence[Sequence[object]],
) -> npt.NDArray[np.int32]:
    return cpdist(references, hypotheses, scorer=scorer, dtype=np.int32)
