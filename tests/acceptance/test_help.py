"""Every help text ends in an example, and the example runs."""

import os
import shlex

import pytest
from tests.commands import run_command
from tests.frozen.test_frozen import prepare

from evenhand.cli.app import VERBS


def example(*words):
    """Commands of the examples below a help text."""
    env = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    shown = run_command(*words, "--help", env=env).stdout
    _, _, text = shown.rpartition("Examples\n")
    return [shlex.split(one) for one in text.replace("\\\n", " ").split("$ ")[1:]]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    prepare(folder)
    for ward, name in zip("abc", ("north", "south", "east"), strict=True):
        count = (
            "cube",
            "count",
            "clinic.csv",
            "--metric",
            "error_rate(label=ill, prediction=flag)",
        )
        where = ("--by", "site", "--where", f"ward = '{ward}'", "--out", f"{name}.cube")
        assert run_command(*count, *where, cwd=folder).returncode == 0
    return folder


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "bounty"])
def test_every_help_ends_in_an_example_that_runs(verb, place):
    commands = example(verb)
    assert commands
    for command in commands:
        assert command[:2] == ["evenhand", verb]
        ended = run_command(*command[1:], cwd=place)
        assert ended.returncode == 0, ended.stderr


def test_the_first_help_names_commands_that_there_are():
    for command in example():
        assert command[0] == "evenhand"
        assert command[1] in VERBS
