"""Kinds of options: one that is there or not, and one that may be given several times."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

Flag = Annotated[bool, Parameter(negative="", show_default=False)]
Several = Annotated[tuple[str, ...], Parameter(negative="", show_default=False)]
#: Several that must be given.
Needed = Annotated[list[str], Parameter(negative="")]
#: Several after one name, or the name several times.
Row = Annotated[tuple[str, ...], Parameter(negative="", show_default=False, consume_multiple=True)]
#: The same of files.
Files = Annotated[
    tuple[Path, ...], Parameter(negative="", show_default=False, consume_multiple=True)
]
