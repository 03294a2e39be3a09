"""Cubes of shards, days and customers, added from their files, wherever each was counted.

A cube's file says which records it counts.  Records that are counted twice are refused, so the same day is not
added again; a file that no cube counts yet is what an update has to read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evenhand.cubes.cube import Cube, read_sources
from evenhand.errors import InputError
from evenhand.records import fingerprint
from evenhand.results.origin import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Shards:
    """A cube and the records that it counts.

    Attributes
    ----------
    cube : Cube
    sources : tuple of Source
        Empty entries are of cubes that do not say what they count.
    """

    cube: Cube
    sources: tuple[Source, ...]

    def unseen(self, paths: Sequence[Path]) -> list[Path]:
        """Files that are not among the sources; each is read for its hash, not for its rows."""
        known = {source.sha256 for source in self.sources}
        return [path for path in paths if fingerprint([path]) not in known]

    def write(self, path: str | Path) -> None:
        """Write the cube with its sources."""
        self.cube.write(path, self.sources)


def read_shard(path: str | Path) -> Shards:
    """Read one cube with its sources."""
    return Shards(cube=Cube.read(path), sources=read_sources(path))


def merge_shards(paths: Sequence[str | Path]) -> Shards:
    """Add the cubes of several files.

    Cubes are added two by two, and the results again, so that each cell is touched as often as the logarithm of
    the number of files says.  At most that many cubes are in memory at once.

    Raises
    ------
    InputError
        Where there is no file, a file is no cube, two count different things, or two count the same records.
    """
    if not paths:
        raise InputError("There is no cube to add.  Name at least one file.")
    where: dict[str, str | Path] = {}
    waiting: list[tuple[int, Shards]] = []
    for path in paths:
        shard = read_shard(path)
        for source in shard.sources:
            if source.sha256 is not None and where.setdefault(source.sha256, path) is not path:
                raise InputError(
                    f"{path} and {where[source.sha256]} both count {source.name}.  Added, its rows would count "
                    "twice: leave one of them out."
                )
        size = 1
        while waiting and waiting[-1][0] == size:
            shard, size = _added(waiting.pop()[1], shard, path), 2 * size
        waiting.append((size, shard))
    while len(waiting) > 1:
        _, last = waiting.pop()
        size, before = waiting.pop()
        waiting.append((size, _added(before, last, paths[-1])))
    return waiting[0][1]


def _added(one: Shards, other: Shards, path: str | Path) -> Shards:
    try:
        cube = one.cube.merge(other.cube)
    except InputError as error:
        raise InputError(f"{path} cannot be added.  {error}") from error
    return Shards(cube=cube, sources=one.sources + other.sources)
