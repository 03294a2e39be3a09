"""Edges and numbers of bins as they are written after ``--bins``."""

from collections.abc import Sequence

from evenhand.errors import InputError

#: Above this a single number is an edge: age=65.
MOST_BINS = 20


def parse_bins(given: Sequence[str]) -> dict[str, int | list[float]]:
    """Bins by the name of their attribute.

    Examples
    --------
    >>> parse_bins(["age=25,45", "income=5"])
    {'age': [25.0, 45.0], 'income': 5}
    """
    out: dict[str, int | list[float]] = {}
    for item in given:
        name, _, text = item.rpartition("=")
        name = name.strip()[1:-1].replace('""', '"') if name.strip()[:1] == '"' else name
        edges = [edge for edge in text.split(",") if edge.strip()]
        try:
            few = text.isdigit() and int(text) <= MOST_BINS
            out[name] = int(text) if few else [float(edge) for edge in edges]
        except ValueError:
            name = ""
        if not name:
            raise InputError(
                f"--bins {item!r}: write age=25,45,65 for edges, or age=5 for five quantile bins (at most "
                f"{MOST_BINS}; a larger number is an edge)."
            )
    return out
