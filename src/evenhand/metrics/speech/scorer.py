"""Edits of rows that may have several right references: those of the best one count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.deferred import compute
from evenhand.metrics.speech.alignment import EditCounts, count_edits
from evenhand.metrics.speech.normalizers import strings
from evenhand.metrics.speech.preparation import Preparation, preparation
from evenhand.metrics.speech.readings import MARKED, count_readings

_FIELDS = ("hits", "substitutions", "deletions", "insertions")
_Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """How transcripts are compared.

    Attributes
    ----------
    normalizer, tokens, tokenizer, equivalents, workers
        As in `evenhand.metrics.speech.alignment.count_edits`.
    marked : bool
        Whether references hold sclite's alternations and optional words.
    """

    normalizer: str = "unicode"
    tokens: str = "word"
    tokenizer: str = "space"
    marked: bool = False
    equivalents: Mapping[str, str] = field(default_factory=dict)
    workers: int = 1

    def score(
        self, references: Sequence[pa.ChunkedArray], hypothesis: pa.ChunkedArray
    ) -> tuple[EditCounts, _Mask]:
        """Edits of each row, and whether it has a reference at all.

        Parameters
        ----------
        references : sequence of arrays of strings, or of lists of strings
            A row's references are all that are not null.
        hypothesis : array of strings
            Null is an empty transcript.

        Returns
        -------
        (EditCounts, ndarray of bool)
            Of the reference with the fewest errors; of several, of the longest, and then the
            first.  All 0 where there is none.

        Examples
        --------
        >>> said = pa.chunked_array([[["a b", "a c d"], [], ["x"]]])
        >>> counts, known = Scorer().score([said], pa.chunked_array([["a c", "a", None]]))
        >>> known.tolist(), counts.deletions.tolist(), counts.substitutions.tolist()
        ([True, False, True], [1, 0, 1], [0, 0, 0])
        """
        heard = _filled(hypothesis)
        if len(references) == 1 and not pa.types.is_list(references[0].type):
            counts = self._count(_filled(references[0]), heard)
            return counts, references[0].is_valid().to_numpy()
        owners, texts = _listed(references)
        rows = len(heard)
        counts = self._count(texts, heard.take(pa.array(owners)))
        stacked = np.stack([getattr(counts, name) for name in _FIELDS])
        # Fewest errors, then insertions, then substitutions: deletions are left, the longest reference.
        errors = stacked[1:].sum(axis=0)
        order = np.lexsort((np.arange(len(owners)), stacked[1], stacked[3], errors, owners))
        with_reference, first = np.unique(owners[order], return_index=True)
        best = np.zeros((4, rows), np.int32)
        best[:, with_reference] = stacked[:, order[first]]
        known = np.zeros(rows, np.bool_)
        known[with_reference] = True
        return EditCounts(**dict(zip(_FIELDS, best, strict=True))), known

    def _count(self, said: pa.ChunkedArray, heard: pa.ChunkedArray) -> EditCounts:
        counts = count_edits(
            said,
            heard,
            normalizer=self.normalizer,
            tokens=self.tokens,
            tokenizer=self.tokenizer,
            equivalents=self.equivalents,
            workers=self.workers,
        )
        if not self.marked:
            return counts
        prepare = preparation(
            normalizer=self.normalizer, tokenizer=self.tokenizer, equivalents=self.equivalents
        )
        marked = compute.match_substring_regex(said, r"[{(]").to_numpy()
        columns = {name: getattr(counts, name).copy() for name in _FIELDS}
        for row in np.flatnonzero(marked).tolist():
            text = said[row].as_py()
            if MARKED.search(text):
                found = count_readings(
                    text, _words(prepare, heard[row].as_py()), partial(_words, prepare)
                )
                for name in _FIELDS:
                    columns[name][row] = getattr(found, name)
        return EditCounts(**columns)


def _words(prepare: Preparation, text: str) -> list[str]:
    words: list[str] = prepare(strings([text]))[0].as_py().split()
    return words


def _filled(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    texts = texts.cast(pa.string())
    return texts.fill_null("") if texts.null_count else texts


def _listed(references: Sequence[pa.ChunkedArray]) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """Every reference there is, and the row that it belongs to."""
    owners: list[npt.NDArray[np.int64]] = []
    texts: list[pa.Array] = []
    for column in references:
        whole = column.combine_chunks()
        whole = pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole
        if pa.types.is_list(whole.type):
            rows, values = compute.list_parent_indices(whole).to_numpy(), whole.flatten()
        else:
            rows, values = np.arange(len(whole)), whole
        values = values.cast(pa.string())
        there = values.is_valid().to_numpy(zero_copy_only=False)
        owners.append(rows[there].astype(np.int64))
        texts.append(values.drop_null())
    return np.concatenate(owners), pa.concat_arrays(texts)
