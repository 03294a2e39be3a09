"""Repairs of real decisions: what COMPAS did, and what thresholds by group would have done."""

import pytest

from evenhand.repairs import fix

pytestmark = pytest.mark.data
ALARMS = "false_positive_rate(label=two_year_recid, prediction=decile_score >= 5)"


def test_false_alarms_of_compas_are_brought_together_at_a_price_that_is_told(data):
    found = fix(
        data / "compas" / "compas.csv",
        ALARMS,
        "race",
        maximum_difference=0.1,
        where="race in ('African-American', 'Caucasian')",
    )
    # Angwin et al. 2016: .4485 and .2345 of all rows.
    before = {one.label: one.estimate.value for one in found.change.groups if not one.change}
    assert before == pytest.approx({"African-American": 0.4485, "Caucasian": 0.2345}, abs=0.03)
    assert found.rule.answer == "reached"
    at = {one.group["race"]: one.threshold for one in found.repair.groups}
    assert at["African-American"] > at["Caucasian"]
    assert found.errors.overall[1].change.low <= found.errors.overall[1].change.value


def test_an_equal_rule_for_everybody_costs_more_of_compas_than_it_is_worth(data):
    found = fix(
        data / "compas" / "compas.csv",
        ALARMS,
        "race",
        maximum_difference=0.1,
        where="race in ('African-American', 'Caucasian')",
    )
    tried = {one.name: one for one in found.tried}
    one, own = tried["one threshold on decile_score"], tried[found.repair.name]
    assert one.errors > own.errors
    assert not one.uses_group
