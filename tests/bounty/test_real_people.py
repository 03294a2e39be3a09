"""Adult and COMPAS: the demographic hunters of the published notebook, on sealed blocks."""

import csv

import numpy as np
import pyarrow as pa
import pytest

from evenhand.bounty import DirectRunner, Rules, create_bounty, verify
from evenhand.bounty.hunting.ground import HuntingGround
from evenhand.bounty.hunting.hunters import prepend

pytest.importorskip("skl2onnx")
pytestmark = [pytest.mark.data, pytest.mark.filterwarnings("ignore")]

ADULT = {
    "race": ["White", "Black", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other"],
    "sex": ["Male", "Female"],
    "ages": ["age < 30", "age BETWEEN 30 AND 49", "age >= 50"],
}
ADULT_COLUMNS = [
    "age",
    "workclass",
    "weight",
    "education",
    "years",
    "marital",
    "occupation",
    "relationship",
    "race",
    "sex",
    "gain",
    "loss",
    "hours",
    "country",
    "income",
]


def adult(data):
    rows = []
    for name in ("adult.data", "adult.test"):
        lines = (data / "adult" / name).read_text().splitlines()
        found = (line.rstrip(".").split(", ") for line in lines)
        rows += [row for row in found if len(row) == 15]
    numbers = {"age", "years", "gain", "loss", "hours"}
    columns = dict(zip(ADULT_COLUMNS, zip(*rows, strict=True), strict=True))
    del columns["weight"]
    return pa.table(
        {
            name: [float(v) for v in values]
            if name in numbers
            else [None if v == "?" else v for v in values]
            for name, values in columns.items()
        }
    ), "income"


def compas(data):
    names = ["sex", "age", "race", "priors_count", "juv_fel_count", "juv_misd_count"]
    with (data / "compas" / "compas.csv").open() as file:
        rows = list(csv.DictReader(file))
    table = {
        name: [row[name] if name in ("sex", "race") else float(row[name]) for row in rows]
        for name in names
    }
    return pa.table({**table, "again": [row["two_year_recid"] for row in rows]}), "again"


def demographic(name):
    races = (
        ADULT["race"]
        if name == "adult"
        else ["African-American", "Caucasian", "Hispanic", "Other", "Asian", "Native American"]
    )
    groups = [f"race = '{value}'" for value in races]
    return [*groups, *(f"sex = '{value}'" for value in ADULT["sex"]), *ADULT["ages"]]


@pytest.mark.parametrize("name", ["adult", "compas"])
def test_no_introduced_group_of_real_people_loses_and_the_test_half_agrees(data, tmp_path, name):
    table, label = (adult if name == "adult" else compas)(data)
    rng = np.random.default_rng(12345)
    shuffled = table.take(rng.permutation(len(table)))
    quarter = len(shuffled) // 4
    train, sealed, test = (
        shuffled.slice(0, quarter),
        shuffled.slice(quarter + 1500, 2 * quarter),
        shuffled.slice(3 * quarter + 1500),
    )
    most = "<=50K" if name == "adult" else "0"
    with create_bounty(
        tmp_path / "b",
        train=train,
        practice=shuffled.slice(quarter, 1500),
        sealed=sealed,
        label=label,
        base={"constant": most},
        rules=Rules(blocks=1),
        runner=DirectRunner(),
    ) as bounty:
        seen = bounty.data("train")
        hunt = HuntingGround(
            task=bounty.task,
            matrix=seen.matrix,
            labels=seen.labels,
            predictions=bounty.state.listed.predict(seen.matrix, bounty.runner),
        )
        groups = demographic(name)
        for submission in prepend(groups, depth=10 if name == "adult" else 4)(hunt):
            bounty.submit(submission)
        verdicts = bounty.close_epoch()
        accepted = [verdict for verdict in verdicts if verdict.accepted]
        assert len(accepted) >= (2 if name == "adult" else 1)
        assert bounty.state.served[-1].settlement.largest_rise <= 1e-9
        check_monotone(bounty)
        check_fresh_half(bounty, test, accepted)
        check_fast_alike(bounty, test)
        assert verify(bounty).proven


def check_monotone(bounty):
    """Errors of each introduced group on the sealed block, in the lists served before and after."""
    listed = bounty.state.listed
    matrix = bounty.ledger.features(0)
    labels = np.load(bounty.folder / "sealed" / "block-000.labels.npy")
    before, after = (
        np.asarray(one.predict(matrix, bounty.runner)) != labels
        for one in (listed.prefix(0), listed)
    )
    for mask in listed.memberships(matrix, bounty.runner):
        assert after[mask].mean() <= before[mask].mean()


def check_fresh_half(bounty, test, accepted):
    """Rows that nobody used: the certified lower bounds hold there too."""
    matrix, labels = bounty.task.encode(test), bounty.task.encode_labels(test)
    listed = bounty.state.listed
    before = (np.asarray(listed.prefix(0).predict(matrix, bounty.runner)) != labels).mean()
    after = (np.asarray(listed.predict(matrix, bounty.runner)) != labels).mean()
    promised = bounty.state.served[-1].settlement.certificate.lower_bound
    assert promised > 0.5 * max(verdict.certificate.lower_bound for verdict in accepted)
    noise = 4 * np.sqrt(0.25 / len(labels))
    assert before - after >= promised - noise


def check_fast_alike(bounty, test):
    """The flat list answers as the other, on rows with missing values and with texts never seen."""
    matrix = bounty.task.encode(test)
    slow = np.asarray(bounty.state.listed.predict(matrix, bounty.runner))
    bounty.state.listed.hasten(bounty.runner)
    np.testing.assert_array_equal(bounty.state.listed.predict(matrix, bounty.runner), slow)
