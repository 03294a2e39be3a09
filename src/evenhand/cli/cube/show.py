"""``evenhand cube show``: what a cube counts."""

from evenhand.audits.cube_summary import summary_of
from evenhand.cli.cube.output import tell
from evenhand.cli.options import Printing
from evenhand.cubes import read_cube
from evenhand.questions.counted import counted_records


def show(cube: str, /, *, printing: Printing = Printing()) -> int:
    """Say what a cube counts: which rows, groups and metrics, from which records.

    Parameters
    ----------
    cube
        File of counts, as evenhand cube count writes it, or a glob of such files, which are added.
    """
    counted = counted_records(cube) or read_cube(cube)  # which says what is wrong with it
    tell(summary_of(counted, file=cube), json=printing.json)
    return 0
