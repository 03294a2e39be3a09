"""Readers of logs by name, each in a file of its own; others come as entry points of installed packages."""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from evenhand.errors import InputError, unknown_name
from evenhand.records.logs.glimpse import Glimpse
from evenhand.records.logs.reader import LogReader

#: Files of this folder that hold a reader, those first that know their files for certain.
_OWN = (
    "inspect", "lm_eval", "helm", "promptfoo", "deepeval", "mlflow", "every_eval_ever", "label_studio", "sclite",
    "meeteval", "trn", "stm", "ctm", "kaldi", "nemo", "common_voice", "transcripts",
)  # fmt: skip
#: Those of files of Parquet, which most tables are: the others need not be loaded for them.
PARQUET, _OF_PARQUET = (".parquet", ".pq"), ("mlflow",)
#: Where installed packages offer readers of their own.
ENTRY_POINTS = "evenhand.logs"
#: Endings of files that are tables whatever they hold, and are not looked into.
_TABLES = (".csv", ".csv.gz", ".arrow", ".feather", ".ipc")


@cache
def _own(names: Sequence[str] = _OWN) -> tuple[LogReader, ...]:
    modules = [import_module(f"{__package__}.{name}") for name in names]
    return tuple(
        reader
        for module in modules
        for reader in (module.READERS if hasattr(module, "READERS") else (module.READER,))
    )


@cache
def _others() -> tuple[LogReader, ...]:
    """Readers of installed packages, which are looked for once."""
    return tuple(map(_offered, entry_points(group=ENTRY_POINTS)))


def _offered(point: EntryPoint) -> LogReader:
    reader = point.load()
    if not isinstance(reader, LogReader):
        raise InputError(
            f"The entry point {point.name!r} of {ENTRY_POINTS} is a {type(reader).__name__}, but must be a LogReader."
        )
    return reader


def reader_names() -> list[str]:
    """What ``--read`` takes."""
    return [reader.name for reader in (*_own(), *_others())]


def reader_called(name: str) -> LogReader:
    """The reader of a name.

    Raises
    ------
    InputError
        Where there is none.
    """
    for reader in (*_own(), *_others()):
        if reader.name == name:
            return reader
    raise InputError(unknown_name("reader of logs", name, reader_names()))


def reader_of(path: Path) -> LogReader | None:
    """The reader that knows a file or folder by its content; `None` where it is a table, or unknown."""
    if path.name.lower().endswith(_TABLES):
        return None
    glimpse = Glimpse(path)
    own = _own(_OF_PARQUET) if path.name.lower().endswith(PARQUET) else _own()
    found = next((reader for reader in own if reader.recognises(glimpse)), None)
    return found or next((reader for reader in _others() if reader.recognises(glimpse)), None)
