"""Write the reference pages from the package itself.

Run ``python docs/generate.py`` after a change of metrics, options, results or public names;
``--check`` writes nothing, says what differs and exits 1.
"""

import argparse
import difflib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from reference_pages.command_line import command_line_page
from reference_pages.json import json_page
from reference_pages.metrics import metrics_page
from reference_pages.python import python_page
from reference_pages.trials import conditions_page, measures_page, trials_page

from evenhand.cards.schema import card_schema

DOCS = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Write all pages, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where a page differs"
    )
    check = parser.parse_args(arguments).check
    differences = [
        line for name, text in pages() for line in _settle(DOCS / "reference" / name, text, check)
    ]
    for line in differences:
        sys.stderr.write(line + "\n")
    return 1 if differences else 0


def pages() -> Iterator[tuple[str, str]]:
    """Name and text of each reference page."""
    yield "metrics.md", metrics_page()
    yield "command-line.md", command_line_page()
    yield "json.md", json_page()
    yield "python.md", python_page()
    yield "conditions.md", conditions_page()
    yield "measures.md", measures_page()
    yield "trials.md", trials_page()
    yield "card.schema.json", card_schema()


def _settle(path: Path, text: str, check: bool) -> list[str]:
    """Write a page; or, where only checking, the lines that differ."""
    if not check:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return []
    found = path.read_text(encoding="utf-8") if path.exists() else ""
    name = f"docs/reference/{path.name}"
    lines = difflib.unified_diff(
        found.splitlines(), text.splitlines(), name, "as the package has it", lineterm="", n=0
    )
    changed = list(lines)
    return [*changed, f"{name} differs.  Run: python docs/generate.py"] if changed else []


if __name__ == "__main__":
    sys.exit(main())
