"""Spark, through Spark Connect: the query that counts runs on the cluster, only the counts come back."""

from __future__ import annotations

import contextlib
import itertools
import re
import threading
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from evenhand.deferred import pyarrow as pa
from evenhand.errors import InputError, unknown_name
from evenhand.records.dialect import dialect_of, spoken
from evenhand.records.engine import BATCH_ROWS, Work, interruptible
from evenhand.records.engines.spark_faults import far_apart, fault_of
from evenhand.records.engines.spark_files import NO_VALUE, ParquetFiles

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_T = TypeVar("_T")
#: What stands before the names of views and queries that are ours.
_OURS = "evenhand_"
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
        Whether it ends with the engine; else its settings are as they were, once the engine is closed.
    """

    def __init__(self, session: SparkSession, *, own: bool) -> None:
        self.session, self._own = session, own
        self.dialect = spoken("spark")
        self._views: list[str] = []
        self._numbers = itertools.count()
        self._name = f"{_OURS}{uuid.uuid4().hex}"
        self._settings: dict[str, str | None] = {}
        self._check_files: Callable[[], None] | None = None
        self._versions, self._gone = "", False

    def set_up(self) -> None:
        """Make the session read as all engines do."""
        self._versions = far_apart(self._run(lambda: self.session.version))
        for name, value in _SETTINGS.items():
            if not self._own:
                self._settings[name] = self._run(partial(self.session.conf.get, name, None))
            self._set(name, value)

    def _set(self, name: str, value: str | None) -> None:
        conf = self.session.conf
        with warnings.catch_warnings():
            # The client advises against one of them, as it is set to.
            warnings.simplefilter("ignore")
            self._run(lambda: conf.unset(name) if value is None else conf.set(name, value))

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
            if not known:
                raise InputError(
                    f"Unknown table {name!r}: the current database of the cluster's catalog has none.  "
                    "Name it as CATALOG.DATABASE.TABLE, or a folder with ?parquet=PATH"
                )
            raise InputError(unknown_name("table", name, known))
        return self.view(self.session.table(read))

    def parquet(self, path: str) -> str:
        """FROM clause of Parquet files that the cluster reads: a file, a folder or a glob."""
        found = self._run(lambda: self.session.read.parquet(path).inputFiles())
        files = ParquetFiles(path=path, files=tuple(found))
        source = self._read_files(files)
        columns = self.types_of(source)
        if not columns:
            raise InputError(
                f"The cluster finds no Parquet file at {path!r}.  Name a folder or file that it can read."
            )
        if not files.without_value:
            return source
        quoted = dialect_of(self.dialect).quoted
        read = (
            f"NULLIF({quoted(name)}, '{NO_VALUE}') AS {quoted(name)}"
            if name in files.without_value
            else quoted(name)
            for name in columns
        )
        return self.view(self.session.sql(f"SELECT {', '.join(read)} FROM {source}"))

    def _read_files(self, files: ParquetFiles) -> str:
        """A view of files that does not change when others are written beside them."""
        reader = self.session.read.option("mergeSchema", "true")
        if not files.files or self._minds_absent(f"{files.files[0]}.absent"):
            # A view of Spark's is of the files that were there when it was made.
            return self.view(reader.parquet(files.path))
        # Sail looks again at each query (0.7.2), and finds what is left of the files that it is told.
        # Where folders name values it reads these by the folder only.
        named = (files.path,) if files.partitions else files.files
        frame = reader.parquet(*named)
        self._check_files = lambda: files.check(
            # The client remembers what a frame was asked once.
            self.session.read.parquet(*named).inputFiles()
        )
        return self.view(frame)

    def _minds_absent(self, file: str) -> bool:
        """Whether a file that is not there is an error."""
        try:
            self._run(lambda: self.session.read.parquet(file).inputFiles())
        except InputError:
            return True
        return False

    def query(self, sql: str) -> pa.Table:
        """Run `sql` and return the whole result."""
        found = self._run(lambda: self.session.sql(sql).toArrow())
        if self._check_files is not None:
            self._run(self._check_files)
        return found

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
        names = [column.name for column in columns]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(f"The columns {twice} are there twice.  Give each its own name.")
        return {column.name: column.dataType for column in columns}

    def close(self) -> None:
        """Forget the views; end the session if it is ours, else leave it as it was."""
        if self._gone and self._own:
            return
        steps: list[Callable[[], object]] = [self.session.stop]
        if not self._own:
            steps = [partial(self._set, name, value) for name, value in self._settings.items()]
            steps += [partial(self.session.catalog.dropTempView, name) for name in self._views]
        for step in steps:
            # What went wrong before is what is told.
            with contextlib.suppress(InputError, *self._errors()):
                step()
        self._settings, self._views = {}, []

    def _run(self, work: Callable[[], _T]) -> _T:
        """Do what asks the cluster; its errors become ours, and Ctrl-C ends it there too."""
        tag = f"{_OURS}{uuid.uuid4().hex}"

        def tagged() -> _T:
            self.session.addTag(tag)
            try:
                return work()
            finally:
                self.session.removeTag(tag)

        try:
            return interruptible(tagged, lambda: self._cancel(tag))
        except self._errors() as error:
            fault = fault_of(error)
            self._gone = fault.gone
        # Raised here, away from the client's error: its text may hold a token.
        raise InputError(f"Spark cannot answer: {fault.told}{self._versions}")

    @staticmethod
    def _errors() -> tuple[type[Exception], ...]:
        from pyspark.errors import PySparkException  # noqa: PLC0415 - a heavy third-party extra

        return PySparkException, pa.ArrowException, ValueError

    def _cancel(self, tag: str) -> None:
        # A second thread, since the server may be gone and the client waits for it.
        threading.Thread(target=self.session.interruptTag, args=(tag,), daemon=True).start()
