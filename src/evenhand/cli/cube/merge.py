"""``evenhand cube merge``: cubes added."""

from pathlib import Path

from evenhand.audits.counting import merge_cubes
from evenhand.audits.cube_summary import summary_of
from evenhand.cli.cube.output import tell
from evenhand.cli.options import Writing
from evenhand.cubes import write_cube
from evenhand.errors import InputError
from evenhand.records.output import check_outputs, input_files


def merge(*cubes: Path, out: Path, writing: Writing = Writing()) -> int:
    """Add the cubes of days, shards or sites, wherever each was counted.

    Records that two of them count are refused: their rows would count twice.

    Parameters
    ----------
    cubes
        Files of counts, as evenhand cube count writes them, or globs of them.
    out
        File to write.
    """
    if not cubes:
        raise InputError(
            "There is no cube to add.  Name files: evenhand cube merge a.cube b.cube --out sum.cube"
        )
    files = [path for given in cubes for path in input_files(str(given))]
    check_outputs([("--out", out)], files, force=writing.force)
    total = merge_cubes(cubes)
    write_cube(total, out)
    tell(summary_of(total, file=str(out)), json=writing.json)
    return 0
