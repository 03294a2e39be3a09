"""Measure the claims and write the page: ``python -m trust [SHARE]``, SHARE of the worlds (1)."""

import json
import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"  # before numpy is imported: worlds run in two processes

import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict

from . import page, picture
from .measuring import CLAIMS, RESULTS, measure, versions


def main(share: float) -> None:
    """Measure every claim in two processes; write results, page and picture."""
    names = list(CLAIMS)
    found = {}
    with ProcessPoolExecutor(2) as pool:
        for name, one in zip(names, pool.map(measure, names, [share] * len(names)), strict=True):
            found[name] = {who: asdict(said) for who, said in one.items()}
            print(name, *(f"{who}: {said.mean}" for who, said in one.items()), flush=True)
    results = {"versions": versions(), "share": share, "claims": found}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    page.write(results)
    picture.write(results)


if __name__ == "__main__":
    if sys.argv[1:] == ["--page"]:
        kept = json.loads(RESULTS.read_text(encoding="utf-8"))
        page.write(kept)
        picture.write(kept)
    else:
        main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
