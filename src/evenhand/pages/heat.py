"""Heat maps: numbers in a table, tinted by their size."""

from dataclasses import dataclass

#: Strongest tint of a cell: text on it stays readable in light and dark.
TINT = 0.55
#: Columns that fit beside each other on half a screen and on paper, and on a whole screen.  With more
#: each row runs over several lines, each number under its own head.
FEW, SOME = 6, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatCell:
    """A number; `share` is how much tint it has, `kind` which (harm, or none) and whether it is proven."""

    text: str
    share: float
    kind: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """Rows of cells under columns; `first` sets the first column apart, `narrow` ones hold two digits."""

    label: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[HeatCell, ...]], ...]
    first: bool = False
    narrow: bool = False

    @property
    def breadth(self) -> str:
        """How much room its columns need, as a class of the stylesheet; narrow ones need less than half."""
        columns = len(self.columns) / (2.5 if self.narrow else 1)
        return "few" if columns <= FEW else "some" if columns <= SOME else "many"


def tint(value: float | None, largest: float) -> float:
    """How strong the tint of a value is beside the largest."""
    if value is None or largest <= 0:
        return 0.0
    return round(min(abs(value) / largest, 1.0) * TINT, 3)
