"""Runs the worlds of a claim, each with a seed of its own."""

import importlib.metadata
import platform
import zlib
from pathlib import Path

import numpy as np

from . import (
    worlds_attack,
    worlds_audits,
    worlds_cards,
    worlds_effects,
    worlds_few_labels,
    worlds_hiding,
    worlds_rates,
    worlds_slices,
    worlds_switching,
)
from .claims import Claim, Measured, measured

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results.json"
CLAIMS: dict[str, Claim] = {
    claim.name: claim
    for module in (
        worlds_rates,
        worlds_few_labels,
        worlds_audits,
        worlds_slices,
        worlds_effects,
        worlds_switching,
        worlds_cards,
        worlds_hiding,
        worlds_attack,
    )
    for claim in module.CLAIMS
}
RIVALS = ("fairlearn", "jiwer", "statsmodels", "scipy", "numpy")


def measure(name: str, share: float = 1.0) -> dict[str, Measured]:
    """Outcomes of a claim's worlds, by contestant; world i of a claim is always the same."""
    claim = CLAIMS[name]
    seed = zlib.crc32(name.encode())
    outcomes: dict[str, list[float | None]] = {}
    for index in range(max(round(claim.worlds * share), 1)):
        answers = claim.run(np.random.default_rng([seed, index]), index)
        for who, said in answers.items():
            outcomes.setdefault(who, []).append(said)
    return {who: measured(said) for who, said in outcomes.items()}


def versions() -> dict[str, str]:
    """What the worlds were measured with."""
    installed = {name: importlib.metadata.version(name) for name in ("evenhand", *RIVALS)}
    return {"python": platform.python_version(), **installed}
