"""Where a result came from: the metric as computed, the records, and the versions that computed it."""

import platform
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricNote:
    """The metric as it was computed; `label` tells it from others of its name beside it."""

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
    """Where the records came from; `sha256` is that of the files' bytes."""

    name: str
    rows: int
    sha256: str | None


@cache
def versions() -> tuple[tuple[str, str], ...]:
    """Versions of what computed the numbers."""
    packages = ("evenhand", "duckdb", "numpy", "rapidfuzz")
    return (("python", platform.python_version()), *((name, version(name)) for name in packages))
