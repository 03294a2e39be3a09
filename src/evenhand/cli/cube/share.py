"""``evenhand cube share``: a cube fit to leave the house."""

from pathlib import Path

from evenhand.audits.cube_summary import summary_of
from evenhand.cli.cube.output import tell
from evenhand.cli.lines import say
from evenhand.cli.options import Writing
from evenhand.cubes import write_cube
from evenhand.pooling.sharing import share_cube, told
from evenhand.records.output import check_outputs, input_files


def share(
    cube: Path,
    /,
    *,
    out: Path,
    suppress_below: int = 10,
    epsilon: float | None = None,
    writing: Writing = Writing(),
) -> int:
    """Make of a cube one that may leave the house: no names of units, no small cell, none that margins give away.

    Parameters
    ----------
    cube
        File of counts, as evenhand cube count writes it.
    out
        File to write.
    suppress_below
        Cells with fewer units than this (rows, where none is named) are left out, and others that would give them away.
    epsilon
        Noise on all counts (differential privacy, by OpenDP), for metrics that count rows, without units. The
        smaller, the more noise; every cube shared of the same rows spends as much anew.
    """
    check_outputs([("--out", out)], input_files(str(cube)), force=writing.force)
    shared = share_cube(cube, suppress_below=suppress_below, epsilon=epsilon)
    write_cube(shared.counted, out)
    tell(summary_of(shared.counted, file=str(out)), json=writing.json)
    if not writing.json:
        say(told(shared))
    return 0
