"""Measure the claims and write the page.

``python -m trust [SHARE]`` measures SHARE of the worlds (1); ``python -m trust --only NAME …`` measures
some claims anew, all their worlds, and keeps the rest; ``python -m trust --page`` only writes.
"""

import json
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from typing import Any

from . import page, picture
from .measuring import CLAIMS, RESULTS, measure, versions


def measured(names: Sequence[str], share: float) -> dict[str, Any]:
    """Measurements of claims, in two processes."""
    found = {}
    with ProcessPoolExecutor(2) as pool:
        for name, one in zip(names, pool.map(measure, names, [share] * len(names)), strict=True):
            found[name] = {who: asdict(said) for who, said in one.items()}
            print(name, *(f"{who}: {said.mean}" for who, said in one.items()), flush=True)
    return found


def write(results: dict[str, Any]) -> None:
    """Results in the order of the claims, the page and the picture."""
    claims = results["claims"]
    results = {**results, "claims": {name: claims[name] for name in CLAIMS if name in claims}}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    page.write(results)
    picture.write(results)


def main(words: Sequence[str]) -> None:
    """Do what the words of the command line ask."""
    if words[:1] in (["--page"], ["--only"]):
        kept = json.loads(RESULTS.read_text(encoding="utf-8"))
        if words[0] == "--only":
            kept["claims"] |= measured(words[1:], 1.0)
            kept["versions"] = versions()
        write(kept)
        return
    share = float(words[0]) if words else 1.0
    write({"versions": versions(), "share": share, "claims": measured(list(CLAIMS), share)})


if __name__ == "__main__":
    main(sys.argv[1:])
