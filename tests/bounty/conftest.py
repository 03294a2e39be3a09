"""A small bounty with a planted flaw, made once, and copied for each test."""

import shutil

import numpy as np
import pyarrow as pa
import pytest

from evenhand.bounty import Bounty, DirectRunner, Rules, create_bounty, write_submission

#: The base answers "no" to all; the truth is "yes" for women of 50 and over, and by chance elsewhere.
FLAW = "sex = 'F' AND age >= 50"


def people(rows, seed):
    rng = np.random.default_rng(seed)
    age, sex = rng.integers(18, 80, rows), rng.choice(["F", "M"], rows)
    flaw = (age >= 50) & (sex == "F")
    rate = np.where(flaw, 0.9, np.where(sex == "M", 0.2, 0.1))
    income = rng.normal(30, 10, rows).round(1)
    label = np.where(rng.random(rows) < rate, "yes", "no")
    return pa.table({"age": age, "sex": sex, "income": income, "label": label})


def scored(rows, seed, *, name="score"):
    """The same people with a number in place of the label: 70 where the flaw is, else 30, and some noise."""
    table, rng = people(rows, seed), np.random.default_rng(seed)
    flaw = (np.asarray(table["age"]) >= 50) & (np.asarray(table["sex"]) == "F")
    score = np.where(flaw, 70, 30) + rng.normal(0, 5, rows)
    return table.drop(["label"]).append_column(name, [score])


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bounty") / "made"
    create_bounty(
        folder,
        train=people(2_000, 1),
        practice=people(1_000, 2),
        sealed=people(4_000, 3),
        label="label",
        base={"constant": "no"},
        rules=Rules(blocks=2),
        runner=DirectRunner(),
    )
    return folder


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "bounty")


@pytest.fixture
def bounty(folder):
    with Bounty(folder, runner=DirectRunner()) as opened:
        yield opened


def good(team="ada", group=FLAW, answer="yes", **more):
    return write_submission(team=team, group=group, model={"constant": answer}, **more)
