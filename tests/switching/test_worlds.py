"""Drawn worlds: of equal services nobody gains or loses, and intervals hold the truth for all groups at once.

Seeded; the bars have three binomial standard errors of the number of worlds as slack.
"""

import numpy as np
import pyarrow as pa
import pytest

import evenhand

WORLDS = 20
GROUPS = 5


def slack(share):
    return 3 * np.sqrt(share * (1 - share) / WORLDS)


def answers(rng, change):
    """Rows of 0 and 1, hard ones for both services; `change` by group."""
    group = np.repeat(np.arange(GROUPS), 160)
    hard = rng.random(len(group)) < 0.3
    old = hard & (rng.random(len(group)) < 0.6)
    new = hard & (rng.random(len(group)) < 0.6 + change[group] / 0.3)
    table = pa.table({"g": group, "old": old.astype(int), "new": new.astype(int)})
    return evenhand.compare(table, ["mean(old)", "mean(new)"], "g")


def transcripts(rng, change):
    """Errors and words of 24 speakers a group, of whom some are hard for both services."""
    people = 24 * GROUPS
    speaker = np.repeat(np.arange(people), rng.integers(3, 9, people))
    group = speaker % GROUPS
    words = rng.integers(3, 15, len(speaker))
    base = 0.1 + 0.5 * rng.beta(1, 4, people)
    old, new = (base + rng.uniform(-0.05, 0.05, people) for _ in range(2))
    errors = [
        rng.binomial(words, rate[speaker])
        for rate in (old, new + change[np.arange(people) % GROUPS])
    ]
    table = pa.table({"g": group, "s": speaker, "old": errors[0], "new": errors[1], "words": words})
    metrics = ["ratio(old, words)", "ratio(new, words)"]
    return evenhand.compare(table, metrics, "g", unit="s", worse="higher")


@pytest.mark.parametrize("world", [answers, transcripts])
def test_of_equal_services_nobody_is_said_to_gain_or_to_lose(world):
    rng = np.random.default_rng(20)
    changed, moved = 0, 0
    for _ in range(WORLDS):
        own = world(rng, np.zeros(GROUPS)).switched("new", ("g",))
        changed += any(one.verdict in ("gains", "loses") for one in own)
        moved += any(one.gap_verdict in ("falls behind", "catches up") for one in own)
    assert changed / WORLDS <= 0.05 + slack(0.05)
    assert moved / WORLDS <= 0.05 + slack(0.05)


@pytest.mark.parametrize("world", [answers, transcripts])
def test_intervals_hold_the_truth_for_all_groups_at_once(world):
    rng = np.random.default_rng(21)
    change = np.array([0.06, 0.03, 0.0, -0.02, -0.04])
    others = (change.sum() - change) / (GROUPS - 1)
    held, gaps = 0, 0
    for _ in range(WORLDS):
        own = {one.label: one for one in world(rng, change).switched("new", ("g",))}
        held += all(
            own[str(g)].change.low <= change[g] <= own[str(g)].change.high for g in range(GROUPS)
        )
        apart = change - others
        gaps += all(
            own[str(g)].gap_change.low <= apart[g] <= own[str(g)].gap_change.high
            for g in range(GROUPS)
        )
    assert held / WORLDS >= 0.95 - slack(0.95)
    assert gaps / WORLDS >= 0.95 - slack(0.95)
