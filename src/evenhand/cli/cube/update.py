"""``evenhand cube update``: new files counted and added."""

from pathlib import Path

from evenhand.audits.counting import update_cube
from evenhand.audits.cube_summary import summary_of
from evenhand.cli.cube.output import tell
from evenhand.cli.kinds import Flag
from evenhand.cli.progress import counting_bar
from evenhand.cubes import read_cube


def update(cube: Path, table: str, /, *, json: Flag = False) -> int:
    """Count the files that a cube does not count yet, and add them; only these are read.

    Files are known by their bytes, whatever they are called.  What was counted before an interruption, or before a
    file that cannot be read, is kept: the next update goes on from there.

    Parameters
    ----------
    cube
        File of counts, as evenhand cube count writes it; it is replaced by the sum.
    table
        Path or glob of files, such as 'calls/*.parquet'.
    json
        Print JSON.
    """
    before = read_cube(cube)
    with counting_bar("scoring") as advance:
        total = update_cube(before, table, keep=cube, progress=advance)
    added = len(total.sources) - len(before.sources)
    tell(summary_of(total, file=str(cube), added=added), json=json)
    return 0
