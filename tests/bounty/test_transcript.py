"""Codes are fair: their probabilities add up to one; disjointness is never claimed wrongly."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.bounty.proof.transcript import Transcript, code_probability
from evenhand.bounty.task.disjoint import can_meet
from evenhand.bounty.task.membership import AllOf, AnyOf, MembershipLiteral, Memberships, unpack


@pytest.mark.parametrize("length", [1, 3, 6])
def test_the_probabilities_of_all_answers_add_up_to_one(length):
    total = sum(
        np.exp(code_probability(sum(answers), length - sum(answers)))
        for answers in itertools.product([0, 1], repeat=length)
    )
    assert total == pytest.approx(1)


def test_answers_about_groups_that_cannot_meet_cost_nothing_but_refusals_do():
    transcript = Transcript()
    for group in range(20):
        transcript.accept("over 5", "ada", group)
    alone = transcript.log_probability(lambda _: False)
    assert alone == pytest.approx(0)
    transcript.refuse("over 5", "ada")
    assert transcript.log_probability(lambda _: False) < alone
    assert transcript.log_probability() < transcript.log_probability(lambda group: group < 3)


@pytest.mark.parametrize("teams", ["aaaa", "aabb", "abca"])
@pytest.mark.parametrize("kinds", ["ssss", "sws w".replace(" ", "")])
@pytest.mark.parametrize("meets", [(1, 1, 1, 1), (0, 1, 0, 1), (1, 0, 1, 0), (0, 0, 0, 0)])
def test_what_a_candidate_can_see_of_all_histories_has_levels_that_add_up_to_at_most_one(
    teams, kinds, meets
):
    """The largest level of each history that could matter to a group, over all histories."""
    most = {}
    for answers in itertools.product([0, 1], repeat=4):
        transcript, groups = Transcript(), []
        for place, (yes, team, kind) in enumerate(zip(answers, teams, kinds, strict=True)):
            if yes:
                transcript.accept(kind, team, len(groups))
                groups.append(meets[place])
            else:
                transcript.refuse(kind, team)
        seen = tuple(a for a, meet in zip(answers, meets, strict=True) if meet)
        level = np.exp(transcript.log_probability(lambda group, met=groups: bool(met[group])))
        most[seen] = max(most.get(seen, 0.0), level)
    assert sum(most.values()) <= 1 + 1e-12


def test_a_team_that_floods_a_class_makes_its_own_answers_dear_and_not_those_of_others():
    calm, flooded = Transcript(), Transcript()
    for number in range(40):
        for transcript in (calm, flooded):
            transcript.accept("over 5", f"team {number % 20}", number)
    for _ in range(10_000):
        flooded.refuse("over 5", "flood")
    assert calm.log_probability() - flooded.log_probability() < 5


LITERALS = st.one_of(
    st.builds(
        lambda c, o, v: MembershipLiteral(c, o, (float(v),)),
        st.integers(0, 1),
        st.sampled_from(["<", "<=", ">", ">=", "=", "!="]),
        st.integers(0, 4),
    ),
    st.builds(
        lambda c, o, v: MembershipLiteral(c, o, tuple(sorted(float(x) for x in v))),
        st.integers(0, 1),
        st.sampled_from(["in", "not in"]),
        st.sets(st.integers(0, 4), min_size=0, max_size=3),
    ),
    st.builds(MembershipLiteral, st.integers(0, 1), st.sampled_from(["null", "not null"])),
)
FORMULAS = st.recursive(
    LITERALS,
    lambda inner: st.builds(
        lambda kind, parts: kind(tuple(parts)),
        st.sampled_from([AllOf, AnyOf]),
        st.lists(inner, min_size=0, max_size=3),
    ),
    max_leaves=6,
)
VALUES = [-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, np.nan]
EVERY = np.array(list(itertools.product(VALUES, VALUES)), np.float32)


@given(FORMULAS, FORMULAS)
@settings(max_examples=400, deadline=None)
def test_groups_that_share_a_row_are_never_called_disjoint(one, other):
    bitmaps = Memberships(EVERY)
    shared = unpack(bitmaps.of(one) & bitmaps.of(other), len(EVERY)).any()
    assert can_meet(one, other) or not shared


@given(LITERALS, LITERALS)
@settings(max_examples=300, deadline=None)
def test_single_conditions_are_told_apart_exactly(one, other):
    bitmaps = Memberships(EVERY)
    assert can_meet(one, other) == unpack(bitmaps.of(one) & bitmaps.of(other), len(EVERY)).any()
