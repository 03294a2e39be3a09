"""The story of the bounty of recognisers: what its page says is what was heard gives."""

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from evenhand.bounty import Rules, create_bounty, verify, write_submission
from evenhand.bounty.deployed.export import export_model, load_model

STORY = Path(__file__).parents[2] / "examples" / "bounty_recogniser"
HEARD = """
import csv
from pathlib import Path

with open({path!r}, encoding="utf-8", newline="") as file:
    SAID = {{(row["service"], row["file"]): row["heard"] for row in csv.DictReader(file)}}


def general(file):
    return SAID["general", file]


def ward(file):
    return SAID["ward", file]
"""


def table(name):
    found = pyarrow.csv.read_csv(STORY / f"{name}.csv")
    return found.cast(pa.schema([(column, pa.string()) for column in found.column_names]))


def test_the_page_of_the_recognisers_says_what_was_heard(tmp_path):
    (tmp_path / "heard_before.py").write_text(HEARD.format(path=str(STORY / "heard.csv")))
    services = [
        {"kind": "python", "name": name, "function": f"heard_before:{name}"}
        for name in ("general", "ward")
    ]
    with create_bounty(
        tmp_path / "ward",
        train=table("train"),
        practice=table("practice"),
        sealed=table("sealed"),
        label="said",
        loss="wer",
        features=["kind", "high", "voice"],
        unit="speaker",
        asks="file",
        base={"service": "general"},
        services=services,
        services_folder=tmp_path,
        rules=Rules(blocks=1),
        seed=1,
    ) as bounty:
        bounty.submit(
            write_submission(team="ada", group="kind = 'command'", model={"service": "ward"})
        )
        (verdict,) = bounty.close_epoch()
        assert verify(bounty).proven
        router = load_model(export_model(bounty.state.listed, tmp_path / "router"))
    proof = verdict.certificate
    page = " ".join((STORY / "README.md").read_text(encoding="utf-8").split())
    told = re.search(
        r"error in the group ([\d.]+) % → ([\d.]+) % .*? at least ([\d.]+) better \(p ([\d.]+)",
        page,
    )
    assert [float(number) for number in told.groups()] == [
        round(100 * proof.error_before, 1),
        round(100 * proof.error_after, 1),
        round(proof.lower_bound, 3),
        round(proof.p_value, 3),
    ], json.dumps(told.groups())
    rows = {"kind": ["command", "talk"], "high": ["no", "no"], "voice": ["slt", "slt"]}
    assert router.route(rows) == ["ward", "general"]
