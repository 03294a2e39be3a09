"""The seam to whatever holds the rows: one query in, Arrow out, and what it can do.

Nobody asks which engine it is.  DuckDB in memory is the default, and the twin that tests use in place of a
server; a new engine is a file in `engines`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Protocol, TypeVar, runtime_checkable

from evenhand.deferred import pyarrow as pa

BATCH_ROWS = 1 << 16
_T = TypeVar("_T")


class Engine(Protocol):
    """Anything that answers a query with Arrow tables, and says which SQL it speaks.

    Attributes
    ----------
    dialect : str
        Name of its SQL, as sqlglot has it; what it can do is told by `dialect_of`.
    """

    dialect: str

    def query(self, sql: str) -> pa.Table:
        """Run `sql` and return the whole result."""
        ...

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Run `sql` and return the result in batches of about 65 000 rows."""
        ...

    def types_of(self, source: str) -> dict[str, str]:
        """The engine's name for the type of each column of a FROM clause."""
        ...

    def close(self) -> None:
        """Give memory and connections back."""
        ...


#: What a worker does with its part of a table: batches of Arrow in, batches out.
Work = Callable[[Iterator[Any]], Iterator[Any]]


@runtime_checkable
class MappingEngine(Engine, Protocol):
    """An engine whose workers can do to rows what no SQL says, where they lie."""

    def map_batches(
        self, sql: str, work: Work, *, kept: Sequence[str], counts: Sequence[str]
    ) -> str:
        """FROM clause of what `work` makes of the rows of `sql`, each time that it is read.

        Parameters
        ----------
        sql : str
            A query.
        work : callable
            From batches of the query's rows to batches of `kept` and `counts`.  It and what it holds are
            sent to the workers, which import what they need of this package.
        kept : sequence of str
            Names of the query's first columns, which stay as they are.
        counts : sequence of str
            Names of columns of int32.
        """
        ...

    def sample(self, sql: str, share: float) -> pa.Table:
        """About so large a share of the rows of `sql`; all of them at 1."""
        ...


@cache
def _thread(process: int) -> ThreadPoolExecutor:
    """The thread in which the main thread's statements run; a forked process has its own."""
    return ThreadPoolExecutor(1, thread_name_prefix=f"evenhand-engine-{process}")


def interruptible(work: Callable[[], _T], cancel: Callable[[], None]) -> _T:
    """Do `work` such that Ctrl-C ends it at once: the main thread only waits, and then cancels.

    Native code in the main thread would see the signal late (DuckDB 2.0.1 between its tasks, as a
    RuntimeError) or keep it to itself (ADBC 1.13.0, as an error of the statement).  It waits in
    short turns, since a wait without end is not woken once polars 2.1.0 is imported; and for a bare lock, since
    `threading.Condition` is written in Python, where Ctrl-C can leave it unlocked twice (a RuntimeError).
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    ended: list[bool] = []
    running = threading.Lock()
    running.acquire()

    def run() -> _T:
        try:
            return work()
        finally:
            ended.append(True)
            running.release()

    result = _thread(os.getpid()).submit(run)
    try:
        while not ended:
            running.acquire(timeout=0.1)
    except KeyboardInterrupt:
        cancel()
        while not ended:
            running.acquire(timeout=0.1)
            if not ended:
                cancel()  # before it began, it was cancelled in vain
        raise
    return result.result()
