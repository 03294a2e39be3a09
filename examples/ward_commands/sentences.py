"""Sentences of the ward, drawn from templates with slots."""

from __future__ import annotations

import random
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, cycle, islice

SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """Sentence patterns and the values of their slots.

    Parameters
    ----------
    patterns : sequence of str
        Such as ``"call the {person} to {place}"``.
    slots : mapping of str to sequence of str
        The values of each slot, which may hold slots themselves.
    """

    patterns: Sequence[str]
    slots: Mapping[str, Sequence[str]]

    def words(self) -> list[str]:
        """List all words a sentence can hold, sorted."""
        texts = [*self.patterns, *chain.from_iterable(self.slots.values())]
        return sorted({word for text in texts for word in SLOT.sub(" ", text).split()})

    def draw(
        self, count: int, choices: random.Random, *, besides: Container[str] = frozenset()
    ) -> list[str]:
        """Draw `count` sentences, the patterns taking turns, none of them in `besides`.

        Repeats are allowed: a language model counts what is said often.
        """
        return [self.filled(pattern, choices, besides=besides) for pattern in self.turns(count)]

    def draw_distinct(self, count: int, choices: random.Random) -> list[str]:
        """Draw `count` sentences, the patterns taking turns, no two alike."""
        drawn: list[str] = []
        for pattern in self.turns(count):
            drawn.append(self.filled(pattern, choices, besides=drawn))
        return drawn

    def turns(self, count: int) -> Iterator[str]:
        """Yield `count` patterns in turn."""
        return islice(cycle(self.patterns), count)

    def filled(self, pattern: str, choices: random.Random, *, besides: Container[str]) -> str:
        """Fill the pattern's slots at random, each value equally likely, until it is new."""
        while True:
            sentence = pattern
            while SLOT.search(sentence):
                sentence = SLOT.sub(lambda slot: choices.choice(self.slots[slot[1]]), sentence)
            if sentence not in besides:
                return sentence
