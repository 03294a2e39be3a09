"""Parquet files behind Spark Connect: those that were there at the opening are read, and no others."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from evenhand.errors import InputError

#: Folder of the rows that have no value of a partition's column; Sail takes it for a text.
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_FOLDER = re.compile(r"/([^/=]+)=([^/]*)(?=/)")
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetFiles:
    """Parquet files that a path names on a cluster.

    Attributes
    ----------
    path : str
        A file, a folder or a glob.
    files : tuple of str
        What the cluster found there at the opening.
    """

    path: str
    files: tuple[str, ...]

    @property
    def partitions(self) -> set[str]:
        """Columns whose values are named by folders below the path."""
        return {name for name, _ in self._folders()}

    @property
    def without_value(self) -> set[str]:
        """Those of which some row has no value."""
        return {name for name, value in self._folders() if value == NO_VALUE}

    def _folders(self) -> Iterable[tuple[str, str]]:
        for file in self.files:
            below = unquote(file).rpartition(self.path.rstrip("/"))[2] if "=" in self.path else file
            yield from ((unquote(name), value) for name, value in _FOLDER.findall(below))

    def check(self, found: Collection[str]) -> None:
        """Refuse to go on where the path names other files than at the opening."""
        new, gone = sorted({*found} - {*self.files}), sorted({*self.files} - {*found})
        if new or gone:
            told = [f"{len(new):,} new ({_some(new)})"] * bool(new)
            told += [f"{len(gone):,} gone ({_some(gone)})"] * bool(gone)
            raise InputError(
                f"The files of {self.path!r} changed while they were counted: {' and '.join(told)}.  "
                "Run it again when nobody writes there, or name a folder that stays as it is."
            )


def _some(files: Sequence[str]) -> str:
    names = [file.rpartition("/")[2] for file in files[:_SHOWN]]
    return ", ".join([*names, "…"] if len(files) > _SHOWN else names)
