"""Spark, through Spark Connect: the query that counts runs on the cluster, only the counts come back."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import re
import sys
import threading
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

from evenhand.deferred import pyarrow as pa
from evenhand.errors import InputError, unknown_name
from evenhand.records.dialect import dialect_of, spoken
from evenhand.records.engine import BATCH_ROWS, Work, interruptible

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_T = TypeVar("_T")
#: What stands before the names of views and queries that are ours.
_OURS = "evenhand_"
#: A server that does not answer is asked for some four seconds, not for the client's ten minutes.
_RETRIES = 4
#: Folder of the rows that have no value of a partition's column; Sail takes it for a text.
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_SETTINGS = {
    # A time with a zone is read as the time in UTC.
    "spark.sql.session.timeZone": "UTC",
    # A folder called zip=01234 holds the text 01234, not the number 1234.
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    # ${env:HOME} in a name or a text means itself, not what the server knows by it.
    "spark.sql.variable.substitute": "false",
    # What a site may have set otherwise: a backslash in a text, what overflows, columns by their place.
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.groupByOrdinal": "true",
    "spark.sql.orderByOrdinal": "true",
}


class SparkEngine:
    """A Spark cluster, or what speaks Spark Connect; the cube query runs there, only the cube comes back.

    Parameters
    ----------
    session : SparkSession
        An open session.
    own : bool
        Whether it is closed with the engine.
    """

    def __init__(self, session: SparkSession, *, own: bool) -> None:
        self.session, self._own = session, own
        self.dialect = spoken("spark")
        self._views: list[str] = []
        self._numbers = itertools.count()
        self._name = f"{_OURS}{uuid.uuid4().hex}"

    def set_up(self) -> None:
        """Make the session read as all engines do."""
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # the client advises against one of them, as it is set to
            for name, value in _SETTINGS.items():
                self._run(partial(self.session.conf.set, name, value))

    def view(self, frame: DataFrame) -> str:
        """FROM clause of a data frame."""
        name = f"{self._name}_{next(self._numbers)}"
        self._run(lambda: frame.createOrReplaceTempView(name))
        self._views.append(name)
        return name

    def table(self, name: str) -> str:
        """FROM clause of a table of the catalog, which may be named with its catalog and database."""
        parts = re.findall(r"`((?:[^`]|``)+)`|([^.`]+)", name)
        quoted = dialect_of(self.dialect).quoted
        read = ".".join(quoted(one.replace("``", "`") or two) for one, two in parts)
        if not self._run(lambda: self.session.catalog.tableExists(read)):
            tables = self._run(self.session.catalog.listTables)
            known = sorted(one.name for one in tables if not one.name.startswith(_OURS))
            raise InputError(unknown_name("table", name, known))
        return self.view(self.session.table(read))

    def parquet(self, path: str) -> str:
        """FROM clause of Parquet files that the cluster reads: a file, a folder or a glob."""
        frame = self.session.read.option("mergeSchema", "true").parquet(path)
        source = self.view(frame)
        columns = self.types_of(source)
        if not columns:
            raise InputError(
                f"The cluster finds no Parquet file at {path!r}.  Name a folder or file that it can read."
            )
        empty = _without_value(self._run(frame.inputFiles))
        if not empty:
            return source
        quoted = dialect_of(self.dialect).quoted
        read = (
            f"NULLIF({quoted(name)}, '{_NO_VALUE}') AS {quoted(name)}"
            if name in empty
            else quoted(name)
            for name in columns
        )
        return self.view(self.session.sql(f"SELECT {', '.join(read)} FROM {source}"))

    def query(self, sql: str) -> pa.Table:
        """Run `sql` and return the whole result."""
        return self._run(lambda: self.session.sql(sql).toArrow())

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Run `sql` and return the result in batches of about 65 000 rows."""
        yield from self.query(sql).to_batches(BATCH_ROWS)

    def map_batches(
        self, sql: str, work: Work, *, kept: Sequence[str], counts: Sequence[str]
    ) -> str:
        """FROM clause of a view of what Python on the workers makes of the rows of `sql`."""
        from pyspark.sql.types import IntegerType, StructField, StructType  # noqa: PLC0415

        rows = self.session.sql(sql)
        read = self._run(lambda: rows.schema)
        fields = [StructField(name, read[place].dataType) for place, name in enumerate(kept)]
        fields += [StructField(name, IntegerType()) for name in counts]
        return self.view(rows.mapInArrow(work, StructType(fields)))

    def sample(self, sql: str, share: float) -> pa.Table:
        """About so large a share of the rows of `sql`, the same ones each time; all of them at 1."""
        rows = self.session.sql(sql)
        some = rows if share >= 1 else rows.sample(fraction=share, seed=0)
        return self._run(some.toArrow)

    def types_of(self, source: str) -> dict[str, str]:
        """The engine's name for the type of each column of a view."""
        columns = self._run(lambda: self.session.catalog.listColumns(source))
        return {column.name: column.dataType for column in columns}

    def close(self) -> None:
        """Forget the views, and end the session if it is ours."""
        if self._own:
            self.session.stop()
            return
        for name in self._views:
            self.session.catalog.dropTempView(name)

    def _run(self, work: Callable[[], _T]) -> _T:
        """Do what asks the cluster; its errors become ours, and Ctrl-C ends it there too."""
        from pyspark.errors import PySparkException  # noqa: PLC0415 - a heavy third-party extra

        tag = f"{_OURS}{uuid.uuid4().hex}"

        def tagged() -> _T:
            self.session.addTag(tag)
            try:
                return work()
            finally:
                self.session.removeTag(tag)

        told = ""
        try:
            return interruptible(tagged, lambda: self._cancel(tag))
        except (PySparkException, pa.ArrowException, ValueError) as error:
            told = _told(error)
        # Raised here, away from the client's error: its text may hold a token.
        raise InputError(f"Spark cannot answer: {told}")

    def _cancel(self, tag: str) -> None:
        # A second thread, since the server may be gone and the client waits for it.
        threading.Thread(target=self.session.interruptTag, args=(tag,), daemon=True).start()


def connect(place: str) -> SparkEngine:
    """Open a session at ``sc://host:port``, Spark Connect's own scheme."""
    with _importable():
        try:
            from pyspark.errors import PySparkException  # noqa: PLC0415
            from pyspark.sql.connect.client.retries import DefaultPolicy  # noqa: PLC0415
            from pyspark.sql.connect.session import SparkSession  # noqa: PLC0415
        except ImportError as error:
            raise InputError(
                "Reading sc:// needs one more package.  Run: pip install 'evenhand[spark]'"
            ) from error
        session: Any = None
        # Told below, away from the client's error: its text may hold a token.
        with contextlib.suppress(PySparkException, ValueError):
            session = SparkSession.builder.remote(place).create()
    if session is None:
        raise InputError("That is no address of Spark Connect.  Write sc://host:port?table=NAME")
    # The client writes each error to stderr, as JSON with the query; it is told once, by us.
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # How often the client asked again is told from threads of its own; that it was in vain is told by us.
    warnings.filterwarnings("ignore", message=r"\[RETRIES_EXCEEDED\]")
    session.client.set_retry_policies([DefaultPolicy(max_retries=_RETRIES)])
    engine = SparkEngine(session, own=True)
    engine.set_up()
    return engine


@contextlib.contextmanager
def _importable() -> Iterator[None]:
    """Let the client be imported: in silence about pandas 3, and where no file was started.

    Version 4.2.0 takes a main module without a file (``python -c``, a worker of a pool) for a run of its
    own tests, looks for a Spark that is not there, and ends the process.
    """
    main = sys.modules["__main__"]
    started = getattr(main, "__spec__", None) or hasattr(main, "__file__") or hasattr(sys, "ps1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not started and "SPARK_HOME" not in os.environ and find_spec("pyspark"):
            os.environ["SPARK_HOME"] = ""
            try:
                import_module("pyspark.testing.connectutils")
            finally:
                del os.environ["SPARK_HOME"]
        yield


def _without_value(files: Iterable[str]) -> set[str]:
    """Columns that folders of Hive name, and of which some row has no value."""
    found = (
        re.findall(rf"/([^/=]+)={_NO_VALUE}(?=/)", file) for file in files if _NO_VALUE in file
    )
    return {unquote(name) for names in found for name in names}


def _told(error: Exception) -> str:
    """What the server says, without where it is: that may hold a token."""
    text = str(error).strip()
    details = re.search(r'details = "(.*)"', text)
    first = details[1] if details else (text.splitlines() or [type(error).__name__])[0]
    return re.sub(r"\w*://\S+", "the URL", first)
