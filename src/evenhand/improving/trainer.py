"""Training with a part of the rows: a function or a program of the user, and what it said of the rows for testing."""

import hashlib
import math
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv, parquet

from evenhand.errors import RESERVED, EvenhandError, InputError
from evenhand.pages.numbers import listed
from evenhand.records import open_records
from evenhand.services.function import import_function
from evenhand.services.source import files_digest, module_digest

#: What a program's arguments must name.
_PLACES = ("{train}", "{test}", "{out}")
#: What a function's answers are called.
PREDICTION = "prediction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainer:
    """Trains, and asks what was trained.

    Attributes
    ----------
    told : str
        How it was named.
    function : callable, optional
        Given rows for training and rows for testing, it answers for each of the latter.
    arguments : tuple of str
        Of a program, where it is one.
    identity : str or None
        What changes when its answers may; `None` where that cannot be known.
    """

    told: str
    function: Callable[[pa.Table, pa.Table], Any] | None = None
    arguments: tuple[str, ...] = ()
    identity: str | None = None

    def predict(self, train: pa.Table, test: pa.Table) -> pa.Table:
        """Answers for the rows of `test`: a column or more, as long.

        Raises
        ------
        InputError
            Where it fails, with what it said, or its answers are not one a row.
        """
        if self.function is None:
            return self._checked(self._run(train, test), test)
        try:
            found = self.function(train, test)
        except EvenhandError:
            raise
        except (Exception, SystemExit) as error:
            raise InputError(
                f"{self.told} failed on {train.num_rows:,} rows for training: {type(error).__name__}: {error}"
            ) from error
        return self._checked(found, test)

    def _run(self, train: pa.Table, test: pa.Table) -> pa.Table:
        with tempfile.TemporaryDirectory(prefix="evenhand-") as folder:
            places = {name: Path(folder) / f"{name[1:-1]}.csv" for name in _PLACES}
            csv.write_csv(train, places["{train}"])
            csv.write_csv(test, places["{test}"])
            arguments = list(self.arguments)
            for name, place in places.items():
                arguments = [one.replace(name, str(place)) for one in arguments]
            try:
                code, text = _ended(arguments)
            except OSError as error:
                raise InputError(f"{self.told} cannot be started: {error.strerror}.") from error
            said = " ".join(text.split())[-400:] or "it said nothing"
            if code:
                raise InputError(
                    f"{self.told} failed on {train.num_rows:,} rows for training (exit code {code}): {said}"
                )
            if not places["{out}"].is_file():
                raise InputError(
                    f"{self.told} wrote no {{out}}.  It shall write a CSV with a line for each row of {{test}}, in "
                    f"their order; it said: {said}"
                )
            records = open_records(places["{out}"])
            try:
                return records.read_rows()
            finally:
                records.close()

    def _checked(self, found: Any, test: pa.Table) -> pa.Table:
        columns = self._columns(found)
        # What a program copies from the rows it was given is theirs.
        own = {name: column for name, column in columns.items() if name not in test.column_names}
        if not own:
            raise InputError(
                f"{self.told} answered with no column of its own: the rows for testing have {listed(list(columns))} "
                f"already.  Leave it out of them, or call the answers something else.  A function "
                f"returns an answer for each row for testing (they become the "
                f"column {PREDICTION}), or columns by name."
            )
        for name, column in columns.items():
            if len(column) != test.num_rows:
                raise InputError(
                    f"{self.told} gave {len(column):,} answers ({name}) for {test.num_rows:,} rows for testing.  It "
                    "shall give one for each, in their order."
                )
            if name.startswith(RESERVED):
                raise InputError(
                    f"{self.told} answered with a column {name!r}.  Names that begin with {RESERVED!r} are kept for "
                    "this command: call it something else."
                )
            if name in test.column_names and _differ(column, test[name]):
                raise InputError(
                    f"{self.told} answered with {name}, which the rows for testing have already, with other values.  "
                    f"Leave {name} out of the rows for testing, or call the answers something else."
                )
        return pa.table(own)

    def _columns(self, found: Any) -> dict[str, Any]:
        """Answers as columns by name."""
        if isinstance(found, Mapping):
            given = [(str(name), column) for name, column in found.items()]
        elif isinstance(found, pa.Table):
            given = list(zip(found.column_names, found.columns, strict=True))
        elif hasattr(found, "columns"):
            names = list(found.columns)
            given = (
                [(str(name), found[name]) for name in names]
                if len(set(names)) == len(names)
                else [(str(name), ()) for name in names]
            )
        else:
            given = [(PREDICTION, found)]
        told = [name for name, _ in given]
        twice = [name for name in told if told.count(name) > 1]
        if twice:
            raise InputError(
                f"{self.told} answered with two columns called {twice[0]!r}.  Give each a name of its own."
            )
        return {name: _array(column, self.told) for name, column in given}


def _ended(arguments: Sequence[str]) -> tuple[int, str]:
    """A program's exit code and what it said; where we are interrupted, what it has started ends with it."""
    pipe = subprocess.PIPE
    # In a group of its own, for a shell does not end what it has started.
    process = subprocess.Popen(arguments, stdout=pipe, stderr=pipe, start_new_session=True)
    try:
        _, said = process.communicate()
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    return process.returncode, said.decode("utf-8", errors="replace")


def _array(found: Any, told: str) -> Any:
    if isinstance(found, pa.Array | pa.ChunkedArray):
        return _flat(found, told)
    if isinstance(found, str | bytes):
        raise InputError(
            f"{told} answered with one text, and not one for each row for testing.  Allowed: a list or array of them."
        )
    shape: tuple[int, ...] = tuple(getattr(found, "shape", ()))
    if len(shape) == 2 and shape[1] == 1 and hasattr(found, "reshape"):
        found = found.reshape(-1)
    if hasattr(found, "tolist"):
        found = found.tolist()
    try:
        return _flat(pa.array(list(found)), told)
    except (TypeError, pa.ArrowInvalid) as error:
        said = str(error).splitlines()[0]
        raise InputError(
            f"{told} answered with {type(found).__name__}: {said}.  Allowed: a list or array with an answer for each "
            "row for testing, or a mapping or table of such columns."
        ) from error


def _flat(column: Any, told: str) -> Any:
    if pa.types.is_nested(column.type):
        raise InputError(
            f"{told} answered with several values for a row ({column.type}).  Allowed: one value for each row for "
            "testing; several are columns by name."
        )
    return column


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _differ(one: Any, two: Any) -> bool:
    """Whether columns of the same kind hold other values; of other kinds it cannot be told."""
    if one.type != two.type:
        return False
    nothing = (None, "")
    pairs = zip(one.to_pylist(), two.to_pylist(), strict=True)
    return any(
        a != b and not (a in nothing and b in nothing) and not (_is_nan(a) and _is_nan(b))
        for a, b in pairs
    )


def _search_here() -> None:
    """Let the current folder be searched for modules first, as ``python -m`` does; a command does not by itself."""
    here = str(Path.cwd())
    if not {"", here} & set(sys.path):
        sys.path.insert(0, here)


def read_trainer(train: Callable[[pa.Table, pa.Table], Any] | str) -> Trainer:
    """What was named to train with.

    Parameters
    ----------
    train : callable or str
        A function of rows for training and for testing; ``module:function``; or a program with its arguments,
        ``{train}``, ``{test}`` and ``{out}`` among them.

    Raises
    ------
    InputError
        Where there is none.
    """
    if callable(train):
        name = getattr(train, "__qualname__", type(train).__name__)
        return Trainer(told=name, function=train)
    if not isinstance(train, str):
        raise InputError(
            f"train is {train!r}, but must be a function, 'module:function', or a program."
        )
    if "{" not in train:
        _search_here()
        function: Callable[..., Any] = import_function(train)
        return Trainer(told=train, function=function, identity=f"{train} {module_digest(function)}")
    lacking = [place for place in _PLACES if place not in train]
    if lacking:
        raise InputError(
            f"train is {train!r}, which has no {' and no '.join(lacking)}.  Example: 'python fit.py {{train}} {{test}} "
            "{out}': rows for training and testing come as CSV files, and {out} shall become one with the answers."
        )
    try:
        arguments = tuple(shlex.split(train))
    except ValueError as error:
        raise InputError(f"train is {train!r}: {error}.") from error
    if shutil.which(arguments[0]) is None:
        raise InputError(f"train is {train!r}, but no program is called {arguments[0]!r}.")
    return Trainer(
        told=train, arguments=arguments, identity=f"{train} {files_digest(arguments[1:])}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingCache:
    """Answers of trainings that are done, in a folder: a plan that was interrupted goes on.

    Attributes
    ----------
    folder : Path or None
        None is kept where there is none.
    identity : str
        What tells this trainer, these rows and their order from others.
    """

    folder: Path | None
    identity: str

    def answers(self, rows: Any, ask: Callable[[], pa.Table]) -> pa.Table:
        """Answers of a training with these rows: read, or asked and kept."""
        if self.folder is None:
            return ask()
        key = hashlib.sha256(self.identity.encode() + rows.tobytes()).hexdigest()[:24]
        place = self.folder / f"{key}.parquet"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"keep is {str(self.folder)!r}, which cannot be a folder for answers: {error.strerror or error}."
            ) from error
        if place.exists():
            try:
                return parquet.read_table(place)
            except (pa.ArrowException, OSError) as error:
                raise InputError(
                    f"{place} is no answer that was kept: {str(error).splitlines()[0]}.  Remove it, and that training "
                    "is done again."
                ) from error
        found = ask()
        half = place.with_suffix(".half")
        parquet.write_table(found, half)
        half.replace(place)
        return found


def of_tables(trainer: Trainer, *tables: pa.Table) -> str:
    """What tells a trainer with its tables from others."""
    digest = hashlib.sha256((trainer.identity or "").encode())
    for table in tables:
        digest.update(str(table.schema).encode())
        digest.update(_written(table))
    return digest.hexdigest()


def _written(table: pa.Table) -> memoryview:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table.combine_chunks())
    return memoryview(sink.getvalue())
