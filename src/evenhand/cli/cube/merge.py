"""``evenhand cube merge``: cubes added."""

from pathlib import Path

from evenhand.audits.cube_summary import summary_of
from evenhand.cli.cube.output import tell
from evenhand.cli.options import Writing
from evenhand.cubes import merge_all, read_cube, write_cube
from evenhand.errors import InputError
from evenhand.records.output import check_outputs


def merge(*cubes: Path, out: Path, writing: Writing = Writing()) -> int:
    """Add the cubes of days, shards or sites, wherever each was counted.

    Records that two of them count are refused: their rows would count twice.

    Parameters
    ----------
    cubes
        Files of counts, as evenhand cube count writes them.
    out
        File to write.
    """
    if not cubes:
        raise InputError(
            "There is no cube to add.  Name files: evenhand cube merge a.cube b.cube --out sum.cube"
        )
    check_outputs([("--out", out)], cubes, force=writing.force)
    total = merge_all(read_cube(path) for path in cubes)
    write_cube(total, out)
    tell(summary_of(total, file=str(out)), json=writing.json)
    return 0
