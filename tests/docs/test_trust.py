"""docs/trust.md says what trust/results.json says, and its worlds answer alike when they are run again."""

import dataclasses
import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from trust import page, picture, rivals
from trust.claims import Claim, Measured, holds, measured
from trust.measuring import CLAIMS, RESULTS, measure

KEPT = json.loads(RESULTS.read_text(encoding="utf-8"))


def claim(nominal, bound):
    return Claim(
        name="n",
        title="t",
        words="w",
        world="w",
        nominal=nominal,
        bound=bound,
        worlds=1,
        run=lambda _rng, _index: {},
    )


def said(mean, worlds=400, error=0.01):
    return {"evenhand": Measured(mean=mean, error=error, worlds=worlds, refused=0)}


def test_every_claim_was_measured_in_worlds_that_are_counted():
    assert list(KEPT["claims"]) == list(CLAIMS)
    for found in KEPT["claims"].values():
        assert found["evenhand"]["worlds"] + found["evenhand"]["refused"] >= 6


def test_the_page_is_made_of_the_results_and_of_nothing_else():
    assert page.PAGE.read_text(encoding="utf-8") == page.text(KEPT)


def test_another_figure_makes_another_page_and_picture():
    other = json.loads(json.dumps(KEPT))
    other["claims"]["best-ratio"]["evenhand"]["mean"] = 0.777
    assert ".777" in page.text(other)
    assert ".777" not in page.text(KEPT)
    assert picture.svg(other) != picture.svg(KEPT)


def test_the_picture_is_that_of_the_results_and_well_formed():
    drawn = picture.PICTURE.read_text(encoding="utf-8")
    assert drawn == picture.svg(KEPT)
    ET.fromstring(drawn)


def test_the_summary_counts_the_verdicts_of_the_table():
    text = page.text(KEPT)
    broken = int(re.search(r"hold, (\d+) are broken", text).group(1))
    assert text.count("| **broken** |") == broken


@pytest.mark.parametrize(
    ("nominal", "bound", "mean", "expected"),
    [
        (0.05, "at most", 0.08, True),
        (0.05, "at most", 0.09, False),
        (0.8, "at least", 0.75, True),
        (0.8, "at least", 0.70, False),
        (0.95, "near", 0.90, True),
        (0.95, "near", 0.89, False),
        (0.95, "told", 0.1, None),
    ],
)
def test_a_claim_is_broken_beyond_three_monte_carlo_errors(nominal, bound, mean, expected):
    assert holds(claim(nominal, bound), said(mean)) is expected


def test_power_is_compared_with_the_better_rival():
    found = {**said(0.5), "a": said(0.4)["evenhand"], "b": said(0.7)["evenhand"]}
    assert holds(claim(None, "at least"), found) is False
    assert holds(claim(None, "at least"), {**found, "b": said(0.55)["evenhand"]}) is True


def test_a_refusal_is_counted_and_not_averaged():
    found = measured([1.0, None, 0.0, None])
    assert (found.mean, found.worlds, found.refused) == (0.5, 2, 2)


def test_moderated_variances_are_those_of_smyth_by_hand():
    # Equal variances: no spread beyond chance, so all become the one prior.
    same, freedom = rivals.moderated(np.full(4, 2.0), np.full(4, 9.0))
    assert np.ptp(same) == 0
    assert (freedom == 36).all()
    # Very unequal variances lend each other next to nothing.
    far, _ = rivals.moderated(np.array([0.01, 1.0, 100.0, 10_000.0]), np.full(4, 50.0))
    assert far == pytest.approx([0.01, 1.0, 100.0, 10_000.0], rel=0.1)


# A world each of a rate, an audit, the search, effects and suppression, run anew.
@pytest.mark.parametrize(
    "name", ["one-caller", "family-uneven", "slices-loss", "effects-null", "hiding"]
)
def test_a_world_is_the_same_when_it_is_run_again(name):
    few = dataclasses.replace(CLAIMS[name], worlds=4)
    first, again = (
        [few.run(np.random.default_rng([3, i]), i) for i in range(few.worlds)] for _ in range(2)
    )
    assert first == again


def test_false_alarms_are_still_rare_when_few_worlds_are_run_again():
    # 20 worlds of nominal .05: six alarms or more have probability .0003.
    found = measure("family-uneven", 0.1)
    assert found["evenhand"].worlds == 20
    assert found["evenhand"].mean < 0.3
