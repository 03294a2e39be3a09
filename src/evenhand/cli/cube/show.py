"""``evenhand cube show``: what a cube counts."""

from pathlib import Path

from evenhand.audits.cube_summary import summary_of
from evenhand.cli.cube.output import tell
from evenhand.cli.options import Printing
from evenhand.cubes import read_cube


def show(cube: Path, /, *, printing: Printing = Printing()) -> int:
    """Say what a cube counts: which rows, groups and metrics, from which records.

    Parameters
    ----------
    cube
        File of counts, as evenhand cube count writes it.
    """
    tell(summary_of(read_cube(cube)), json=printing.json)
    return 0
