"""``evenhand metrics NAME``: one metric in detail."""

import json

import pytest

from evenhand.cli.metrics import metrics
from evenhand.errors import InputError
from evenhand.metrics import DEFINITIONS, FAMILIES, Takes
from evenhand.metrics.described import takes, work_out


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_metric_tells_its_definition_arguments_counts_example_and_source(name, capsys):
    metrics(name)
    told = " ".join(capsys.readouterr().out.split())
    definition = DEFINITIONS[name]
    for text in (definition.usage, definition.definition, f"Source: {definition.source}"):
        assert " ".join(text.split()) in told
    assert all(argument.name in told for argument in definition.arguments)
    assert all(count in told for count in work_out(definition).counts)
    assert told.endswith(f"= {definition.example.value:.6g}".replace("-", "−"))


def test_counts_of_an_example_are_those_that_give_its_value():
    worked = work_out(DEFINITIONS["wer"])
    assert worked.counts == {"hits": 4, "substitutions": 1, "deletions": 1, "insertions": 1}
    assert worked.value == (1 + 1 + 1) / (4 + 1 + 1)


def test_one_metric_as_json_has_its_example_and_all_have_what_they_had(capsys):
    metrics("wer", json=True)
    (one,) = json.loads(capsys.readouterr().out)
    assert one["name"] == "wer"
    assert one["family"] == "speech"
    assert one["example"]["value"] == 0.5
    assert (one["low"], one["high"]) == (0.0, None)
    metrics(json=True)
    every = json.loads(capsys.readouterr().out)
    assert {entry["name"] for entry in every} == set(DEFINITIONS)
    assert not any("example" in entry for entry in every)


def test_a_family_is_listed_alone(capsys):
    metrics("speech", json=True)
    names = [entry["name"] for entry in json.loads(capsys.readouterr().out)]
    assert names == [definition.name for definition in FAMILIES["speech"]]


@pytest.mark.parametrize(("name", "meant"), [("acuracy", "accuracy"), ("Speech", "speech")])
def test_an_unknown_metric_is_told_with_a_near_one(name, meant):
    with pytest.raises(InputError, match=f"Unknown metric '{name}'. Did you mean '{meant}'"):
        metrics(name)


def test_what_an_argument_takes_is_told_in_words():
    told = {a.name: takes(a) for a in DEFINITIONS["krippendorff_alpha"].arguments}
    assert all(told.values())


def test_every_option_says_what_it_is():
    silent = {
        f"{definition.name}: {argument.name}"
        for definition in DEFINITIONS.values()
        for argument in definition.arguments
        if argument.takes is Takes.CONSTANT
        and not (argument.choices or argument.means or argument.several)
    }
    assert silent == set()
