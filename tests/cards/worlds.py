"""Small services to make cards of."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

import evenhand

METRIC = "error_rate(label=wrong, prediction=zero)"
WRITTEN = """\
results = [{results}]
out_of_scope = ["Anything else."]

[service]
name = "calls"
version = "{version}"
provider = "a provider"
applies_to = 2026-03-01
contact = "cards@example.org"

[operating_point]
description = "As it stands."
metrics = ["error_rate"]

[[uses]]
name = "notes"
risks = ["A wrong word."]
"""


def calls(seed, n=600, rates=(0.1, 0.1, 0.4)):
    """Rows of three sites, the last of which fares worse."""
    rng = np.random.default_rng(seed)
    site = rng.integers(0, 3, n)
    sex = rng.integers(0, 2, n)
    wrong = rng.random(n) < np.array(rates)[site]
    return pa.table(
        {
            "id": range(n),
            "site": np.array(["north", "south", "west"])[site],
            "sex": np.array(["f", "m"])[sex],
            "wrong": wrong.astype(int),
            "zero": np.zeros(n, int),
        }
    )


def audited(folder, name="calls", table=None, **options):
    """A table on disk and its audit beside it, as the command line writes it."""
    path = folder / f"{name}.csv"
    if table is not None or not path.exists():
        pacsv.write_csv(calls(1) if table is None else table, path)
    settings = {"by": "site,sex", **options}
    command = f"evenhand audit {name}.csv --metric '{METRIC}' --by {settings['by']}"
    found = evenhand.audit(str(path), METRIC, command=command, **settings)
    (folder / f"{name}.audit.json").write_text(found.to_json(), encoding="utf-8")
    return found


def carded(folder, name="calls", *, version="1.0", results=None, more="", key=None):
    """A card of a folder, written beside its results; the card and its path."""
    named = ", ".join(f'"{one}"' for one in results or [f"{name}.audit.json"])
    request = folder / f"{name}.toml"
    request.write_text(WRITTEN.format(results=named, version=version) + more, encoding="utf-8")
    card = evenhand.make_card(request, key=key)
    path = folder / f"{name}.json"
    path.write_text(card.to_json(), encoding="utf-8")
    return card, path


def edited(path, change):
    """A copy of a card beside it after `change` was done to its JSON."""
    plain = json.loads(path.read_text(encoding="utf-8"))
    change(plain)
    other = Path(path).with_name("edited.json")
    other.write_text(json.dumps(plain), encoding="utf-8")
    return other
