"""A trigram language model with Witten-Bell smoothing, written as ARPA text.

Source: Witten & Bell (1991), doi:10.1109/18.87000, method C; interpolated as in Chen & Goodman
(1999), doi:10.1006/csla.1999.0128.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

START = "<s>"
END = "</s>"
ORDER = 3
NEVER = -99.0  # ARPA's logarithm of zero: the start is given, not predicted

NGram = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModel:
    """Probabilities of words after the words before them.

    Parameters
    ----------
    probability : dict
        Of the last word of each n-gram seen in training, given the others.
    backoff : dict
        For each context seen, the weight of the shorter context for words not seen after it.
    """

    probability: dict[NGram, float]
    backoff: dict[NGram, float]

    def to_arpa(self) -> str:
        """Write the model as ARPA text, logarithms to base 10."""
        by_order = [
            sorted(ngram for ngram in {*self.probability, (START,)} if len(ngram) == order)
            for order in range(1, ORDER + 1)
        ]
        lines = ["\\data\\"]
        lines += [f"ngram {order}={len(ngrams)}" for order, ngrams in enumerate(by_order, 1)]
        for order, ngrams in enumerate(by_order, 1):
            lines += ["", f"\\{order}-grams:", *map(self._arpa_line, ngrams)]
        return "\n".join([*lines, "", "\\end\\", ""])

    def _arpa_line(self, ngram: NGram) -> str:
        likely = math.log10(self.probability[ngram]) if ngram in self.probability else NEVER
        line = f"{likely:.6f}\t{' '.join(ngram)}"
        if ngram in self.backoff:
            line += f"\t{math.log10(self.backoff[ngram]):.6f}"
        return line


def fit_witten_bell(sentences: Iterable[str]) -> LanguageModel:
    """Estimate a trigram model by interpolated Witten-Bell smoothing.

    A context that was followed by many different words gives much of its mass to the shorter
    context: with ``c`` words after it, ``t`` of them different, the shorter context weighs
    ``t / (c + t)``. The shortest is the uniform distribution over the words and the end.

    Parameters
    ----------
    sentences : iterable of str
        Words separated by spaces.

    Examples
    --------
    >>> model = fit_witten_bell(["call the nurse", "call the porter"])
    >>> round(model.probability["call", "the"], 3)
    0.744
    """
    counts = Counter(ngram for sentence in sentences for ngram in ngrams_of(sentence))
    followers: defaultdict[NGram, dict[str, int]] = defaultdict(dict)
    for ngram, count in counts.items():
        followers[ngram[:-1]][ngram[-1]] = count

    uniform = 1.0 / len(followers[()])
    probability: dict[NGram, float] = {}
    backoff: dict[NGram, float] = {}
    for context in sorted(followers, key=len):
        total, different = sum(followers[context].values()), len(followers[context])
        if context:
            backoff[context] = different / (total + different)
        for word, count in followers[context].items():
            shorter = probability[(*context[1:], word)] if context else uniform
            probability[(*context, word)] = (count + different * shorter) / (total + different)
    return LanguageModel(probability=probability, backoff=backoff)


def ngrams_of(sentence: str) -> Iterator[NGram]:
    """Yield the 1-, 2- and 3-grams of a sentence, its start only ever as context."""
    words = [START, *sentence.split(), END]
    for last in range(1, len(words)):
        for first in range(max(0, last - ORDER + 1), last + 1):
            yield tuple(words[first : last + 1])
