"""Rows that are kept while a table passes by, to be scored under another normaliser."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

# Some 0.1 s to score again. More would be felt in an audit of some 100,000 rows.
_MOST_ROWS = 10_000


@dataclass(slots=True, kw_only=True)
class Sample:
    """Every k-th row of a table, k a power of two, so that at most `_MOST_ROWS` are kept.

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
        first = -self._passed % self._every
        self._passed += block.num_rows
        self._blocks.append(_thinned(block, first, self._every))
        while sum(kept.num_rows for kept in self._blocks) > _MOST_ROWS:
            self.whole = False
            self._every *= 2
            # Rows that stay are those whose number is divisible by the new k.
            place, thinner = 0, []
            for kept in self._blocks:
                thinner.append(_thinned(kept, place % 2, 2))
                place += kept.num_rows
            self._blocks = thinner

    def blocks(self) -> list[pa.Table]:
        """Kept rows, at least one block."""
        return self._blocks


def _thinned(block: pa.Table, first: int, every: int) -> pa.Table:
    if every == 1:
        return block
    return block.take(pa.array(range(first, block.num_rows, every), pa.int64()))
