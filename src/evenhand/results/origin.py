"""Where a result came from: the metric as computed, the records, and the versions that computed it."""

from dataclasses import dataclass
from functools import cache

from evenhand.deferred import metadata, platform


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricNote:
    """The metric as it was computed; `label` tells it from others of its name beside it.

    Attributes
    ----------
    name : str
        The metric's name.
    expression : str
        The metric as it was written, with every argument named; it parses back to the same
        metric.
    definition : str
        Numerator over denominator, in words.
    higher_is_worse : bool
        Direction of harm, after `--worse`.
    source : str
        Where the metric is defined.
    in_points : bool
        True where the value is a share of something, so that a difference of 0.01 reads as one
        percentage point.
    label : str
        What it is called beside other metrics of the same run: the name, with what differs
        where two have one name.
    """

    name: str
    expression: str
    definition: str
    higher_is_worse: bool
    source: str
    in_points: bool
    label: str = ""

    @property
    def title(self) -> str:
        """What it is called in headings and sentences."""
        return self.label or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the records came from; `sha256` is that of the files' bytes.

    Attributes
    ----------
    name : str
        What the user called the table.
    rows : int
        Rows that the numbers rest on: those that satisfy `where` and have what the metric and
        the unit need.
    sha256 : str or None
        SHA-256 of the files' bytes, in the order of their names; `None` for frames and servers.
    """

    name: str
    rows: int
    sha256: str | None


@cache
def versions() -> tuple[tuple[str, str], ...]:
    """Versions of what computed the numbers."""
    packages = ("evenhand", "duckdb", "numpy", "rapidfuzz")
    return (
        ("python", platform.python_version()),
        *((name, metadata.version(name)) for name in packages),
    )
