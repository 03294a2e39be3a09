"""Rows that are kept while a table passes by, to be scored under another normaliser."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

# Tables up to here are kept whole; of larger ones so many rows that scoring them again costs some
# 0.05 s, which an audit of a few 100,000 rows does not feel.
WHOLE_ROWS = 20_000
MOST_ROWS = 3_000


@dataclass(slots=True, kw_only=True)
class TranscriptSample:
    """Every k-th row of a table, k a power of two, so that few are kept of a large one.

    `texts` is the number of columns of text, the last ones; `whole` says that nothing was left out.
    """

    texts: int
    whole: bool = True
    _blocks: list[pa.Table] = field(default_factory=list)
    _every: int = 1
    _passed: int = 0

    def watch(self, blocks: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """Pass the blocks on, and keep some of their rows."""
        for block in blocks:
            self._keep(block)
            yield block

    def _keep(self, block: pa.Table) -> None:
        """Kept rows are those whose number in the table is divisible by k."""
        before, start = self._every, self._passed
        self._passed += block.num_rows
        while self._passed > WHOLE_ROWS and -(-self._passed // self._every) > MOST_ROWS:
            self.whole = False
            self._every *= 2
        if self._every > before:
            place, thinner = 0, []
            for kept in self._blocks:
                thinner.append(
                    _thinned(kept, -place % (self._every // before), self._every // before)
                )
                place += kept.num_rows
            self._blocks = thinner
        self._blocks.append(_thinned(block, -start % self._every, self._every))

    def blocks(self) -> list[pa.Table]:
        """Kept rows, at least one block."""
        return self._blocks


def _thinned(block: pa.Table, first: int, every: int) -> pa.Table:
    return block if every == 1 else block.take(pa.array(np.arange(first, block.num_rows, every)))
