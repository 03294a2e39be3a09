"""The seam to whatever holds the rows: one query in, Arrow out, and what it can do.

Nobody asks which engine it is.  DuckDB in memory is the default, and the twin that tests use in place of a
server; a new engine is a file in `engines`.
"""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

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


def interruptible(work: Callable[[], _T], cancel: Callable[[], None]) -> _T:
    """Do `work` such that Ctrl-C ends it at once: the main thread only waits, and then cancels.

    Native code in the main thread would see the signal late (DuckDB 2.0.1 between its tasks, as a
    RuntimeError) or keep it to itself (ADBC 1.13.0, as an error of the statement).  It waits in
    short turns, since a wait without end is not woken once polars 2.1.0 is imported.

    A bare thread and a bare lock: `threading.Condition`, and so a pool of threads, is written in Python, where
    Ctrl-C between two lines leaves it locked, or unlocked twice.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    statement = _Statement(work)
    try:
        _thread.start_new_thread(statement.run, ())
        while not statement.ended:
            statement.wait()
    except KeyboardInterrupt:
        statement.given_up = True
        if statement.begun:
            cancel()
        while statement.begun and not statement.ended:
            statement.wait()
            if not statement.ended:
                cancel()  # before its statement ran, it was cancelled in vain
        raise
    return statement.result()


class _Statement(Generic[_T]):
    """Work in a thread of its own; what is given up before it begins never does."""

    def __init__(self, work: Callable[[], _T]) -> None:
        self._work = work
        self._result: list[_T] = []
        self._error: list[BaseException] = []
        self._running = threading.Lock()
        self._running.acquire()
        self.begun = self.ended = self.given_up = False

    def run(self) -> None:
        self.begun = True
        try:
            if not self.given_up:
                self._result.append(self._work())
        except BaseException as error:  # noqa: BLE001 — raised where it is waited for
            self._error.append(error)
        finally:
            self.ended = True
            self._running.release()

    def wait(self) -> None:
        self._running.acquire(timeout=0.1)

    def result(self) -> _T:
        if self._error:
            raise self._error.pop()
        return self._result[0]
