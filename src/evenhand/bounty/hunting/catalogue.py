"""Hunters by name; each is loaded when it is chosen, since one of them searches slices."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evenhand.bounty.hunting.ground import Hunter
from evenhand.errors import InputError, unknown_name

#: Where each hunter is written.
HUNTERS: Mapping[str, str] = {
    "slices": "slice_search",
    "alternating": "hunters",
    "ternary": "hunters",
    "prepend": "hunters",
}


def choose(
    names: Sequence[str], *, groups: Sequence[str] | None = None, seed: int = 0
) -> dict[str, Hunter]:
    """Hunters by name; ``all`` is every one of them.

    Parameters
    ----------
    names : sequence of str
    groups : sequence of str, optional
        Predicates of the prepend hunter.
    seed : int
        Of the alternating hunter's starts.
    """
    for name in names:
        if name not in (*HUNTERS, "all"):
            raise InputError(unknown_name("hunter", name, ["all", *HUNTERS]))
    given: dict[str, tuple[Any, ...]] = {
        "alternating": (np.random.default_rng(seed),),
        "prepend": (groups,),
    }
    chosen = [name for name in HUNTERS if name in names or "all" in names]
    return {name: _load(name)(*given.get(name, ())) for name in chosen}


def _load(name: str) -> Any:
    return getattr(importlib.import_module(f"evenhand.bounty.hunting.{HUNTERS[name]}"), name)
