"""A bounty through the real command line: the whole story on COMPAS, and what must be refused."""

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
from tests.commands import run_command

COLUMNS = ["sex", "age", "race", "priors_count", "juv_fel_count", "c_charge_degree"]
LABEL = "two_year_recid"


def run(*words, cwd, code=0):
    settings = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    out = run_command("bounty", *words, cwd=cwd, env=settings, timeout=300)
    assert out.returncode == code, out.stdout + out.stderr
    assert "Traceback" not in out.stderr
    return out.stdout if code in (0, 1, 3) else out.stderr


def told(*words, cwd, code=0):
    return json.loads(run(*words, "--json", cwd=cwd, code=code))


def write(path, rows, names):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def begin(place, *more):
    tables = ["--train", "train.csv", "--practice", "practice.csv", "--sealed", "sealed.csv"]
    return run("init", "b", *tables, *more, cwd=place)


# --- The story -----------------------------------------------------------------------------------


@pytest.mark.data
def test_a_bounty_on_compas_from_beginning_to_end(data, tmp_path):
    with (data / "compas" / "compas.csv").open() as file:
        rows = list(csv.DictReader(file))
    random.Random(7).shuffle(rows)
    for name, start, stop in (
        ("train", 0, 2000),
        ("practice", 2000, 2700),
        ("sealed", 2700, 6300),
        ("fresh", 6300, len(rows)),
    ):
        write(tmp_path / f"{name}.csv", rows[start:stop], [*COLUMNS, LABEL])
    out = begin(tmp_path, "--label", LABEL, "--constant", "0", "--blocks", "2", "--seed", "1")
    assert "Sealed: 2 blocks of 1,800, 1,800 rows." in out
    assert "0 of δ = 0.05 spent, 2 sealed blocks left" in out

    sent = told(
        *("submit", "b", "--team", "ada", "--group", "priors_count >= 3", "--constant", "1"),
        cwd=tmp_path,
    )
    assert sent["schema"] == "evenhand.verdict/2"
    assert (sent["pending"], sent["accepted"]) == (True, None)
    assert sent["practice"]["improvement"] > 0
    # Those affected name a group only; the patch is trained here.
    out = run("submit", "b", "--team", "bea", "--group", "age < 25", cwd=tmp_path)
    assert "Pending: it is tested on sealed rows when the epoch is closed" in out
    assert "This proves nothing." in out
    # Somebody sends noise; practice rows tell, and it is tested all the same where the organiser wants it.
    held = told(
        *("submit", "b", "--team", "eve", "--group", "sex = 'Female'", "--constant", "1"),
        cwd=tmp_path,
    )
    assert held["held"]
    assert "1 of them waits for the organiser's word" in run("status", "b", cwd=tmp_path)
    out = run("vouch", "b", held["submission"][:9], "--reason", "let us see", cwd=tmp_path)
    assert f"Will be tested: {held['submission'][:12]}" in out

    closed = told("close", "b", cwd=tmp_path)
    verdicts = {one["team"]: one for one in closed["verdicts"]}
    assert verdicts["ada"]["accepted"]
    assert not verdicts["eve"]["accepted"]
    assert verdicts["eve"]["reason"] == "no_improvement"
    first = verdicts["ada"]
    assert first["error_after"] < first["error_before"]
    assert first["improvement"] == pytest.approx(
        first["group_weight"] * (first["error_before"] - first["error_after"])
    )
    assert 0 < first["lower_bound"] < first["improvement"]
    assert first["p_value"] <= first["threshold"]
    assert set(first["ledger"]) >= {"delta_spent", "blocks_left"}

    figure = ("--figure", "report.svg")
    status = told("status", "b", "--html", "report.html", *figure, cwd=tmp_path)
    assert (tmp_path / "report.svg").read_text().startswith("<svg")
    (reward,) = [one for one in status["accepted"] if one["team"] == "ada"]
    assert reward["points"] == pytest.approx(reward["lower_bound"])
    assert not reward["final"]
    assert "Error by group, epoch by epoch" in (tmp_path / "report.html").read_text()
    out = run("confirm", "b", "fresh.csv", cwd=tmp_path)
    assert "Reward final for ada" in out
    status = told("status", "b", cwd=tmp_path)
    assert all(one["final"] for one in status["accepted"])

    assert "Proven:" in run("verify", "b", cwd=tmp_path)
    row = next(
        i for i, r in enumerate(rows[6300:]) if int(r["priors_count"]) >= 3 and int(r["age"]) > 30
    )
    why = told("explain", "b", "fresh.csv", "--row", str(row), cwd=tmp_path)
    assert (why["team"], why["answer"]) == ("ada", "1")
    run("export", "b", "--out", "model", cwd=tmp_path)
    assert (tmp_path / "model" / "list.json").is_file()

    run("rollback", "b", sent["submission"][:8], "--reason", "ada asked for it", cwd=tmp_path)
    why = told("explain", "b", "fresh.csv", "--row", str(row), cwd=tmp_path)
    assert why["team"] != "ada"
    assert "Proven:" in run("verify", "b", cwd=tmp_path)


# --- A small bounty, made once -------------------------------------------------------------------


def people(rows, seed):
    rng = random.Random(seed)
    out = []
    for _ in range(rows):
        age, sex = rng.randint(18, 79), rng.choice("FM")
        yes = 0.9 if sex == "F" and age >= 50 else 0.15
        out.append({"age": age, "sex": sex, "label": "high" if rng.random() < yes else "low"})
    return out


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("made")
    for name, count, seed in (("train", 600, 1), ("practice", 400, 2), ("sealed", 1200, 3)):
        write(place / f"{name}.csv", people(count, seed), ["age", "sex", "label"])
    begin(place, "--label", "label", "--constant", "low", "--blocks", "1", "--seed", "1")
    return place


@pytest.fixture
def place(made, tmp_path):
    return shutil.copytree(made, tmp_path / "place")


GOOD = ("--team", "ada", "--group", "sex = 'F' AND age >= 50", "--constant", "high")


def test_a_spent_ledger_refuses_and_nothing_overrides_it(place):
    run("submit", "b", *GOOD, cwd=place)
    assert "1 of 1 accepted" in run("close", "b", cwd=place)
    words = ("submit", "b", "--team", "bob", "--group", "age < 30", "--constant", "high")
    out = run(*words, cwd=place, code=3)
    assert "Refused [budget_spent]: no sealed block is left" in out
    assert "nothing more can be proven" in out
    refused = told(*words, cwd=place, code=3)
    assert (refused["accepted"], refused["reason"]) == (False, "budget_spent")
    assert "budget_spent" in run("close", "b", cwd=place, code=3)


def test_nothing_accepted_is_a_refusal_for_want_of_evidence(place):
    run(*("submit", "b", "--team", "eve", "--group", "sex = 'M'", "--constant", "low"), cwd=place)
    out = run("close", "b", cwd=place, code=3)
    assert "– not accepted  eve: sex = 'M'" in out
    assert "model and list answer alike on every row of the group" in out


def test_a_check_sends_nothing(place):
    before = (place / "b" / "log.jsonl").read_bytes()
    out = run("submit", "b", *GOOD, "--check", cwd=place)
    assert "Nothing to refuse; nothing was sent." in out
    assert "Practice: +" in out
    assert (place / "b" / "log.jsonl").read_bytes() == before


def test_a_commitment_comes_first_and_the_file_later(place):
    run("submit", "b", *GOOD, "--out", "mine.json", cwd=place)
    assert "Committed" in run("submit", "b", "mine.json", "--commit", cwd=place)
    assert "Received" in run("submit", "b", "mine.json", cwd=place)
    assert "replayed" in run("submit", "b", "mine.json", cwd=place, code=2)


def test_predictions_are_measured_and_not_merged(place):
    with (place / "practice.csv").open() as file:
        labels = [row["label"] for row in csv.DictReader(file)]
    rows = [{"row": i, "prediction": label} for i, label in enumerate(labels)]
    write(place / "p.csv", rows, ["row", "prediction"])
    score = told("submit", "b", "--predictions", "p.csv", cwd=place)
    assert score["reason"] == "measured_only"
    assert score["practice"]["improvement"] > 0.2
    assert told("status", "b", cwd=place)["pending"] == 0
    write(place / "p.csv", rows[1:], ["row", "prediction"])
    assert "row 0 has no prediction" in run(
        "submit", "b", "--predictions", "p.csv", cwd=place, code=2
    )
    write(place / "p.csv", [rows[0], *rows], ["row", "prediction"])
    assert "row 0 is predicted more than once" in run(
        "submit", "b", "--predictions", "p.csv", cwd=place, code=2
    )


def test_a_tree_in_a_json_file_is_a_group(place):
    tree = {"feature": "age", "at_most": 49, "yes": False, "no": True}
    (place / "g.json").write_text(json.dumps({"tree": tree}))
    words = ("--team", "ada", "--group", "g.json", "--constant", "high")
    assert "a decision tree" in run("submit", "b", *words, cwd=place)


BAD = {
    "unknown column": (("--group", "agee > 3"), "unknown column 'agee'. Did you mean 'age'?"),
    "caret": (("--group", "age >"), "^"),
    "nobody": (
        ("--group", "age > 500"),
        "Refused [empty_group]: the group matches no practice row",
    ),
    "everybody": (("--group", "age > 0"), "Refused [whole_population]: the group matches every"),
    "unknown class": (("--group", "age > 60", "--constant", "maybe"), "'maybe' is no class"),
    "no onnx": (("--group", "age > 60", "--model", "train.csv"), "Refused ["),
    "no file": (
        ("--group", "age > 60", "--model", "no.onnx"),
        "no.onnx cannot be read: No such file",
    ),
    "two models": (
        ("--group", "age > 60", "--model", "a.onnx", "--constant", "low"),
        "--model and --constant are two models.  Choose one",
    ),
    "no group": ((), "Give a submission file, or --team and --group"),
    "not json": (("--group", "bad.json"), "bad.json is not JSON"),
    "pickle": (("--group", "age > 60", "--model", "model.pkl"), "Refused ["),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said_and_changes_nothing(place, name):
    (place / "bad.json").write_text("{")
    (place / "a.onnx").write_bytes(b"x")
    (place / "model.pkl").write_bytes(b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01a.")
    words, message = BAD[name]
    more = () if "--constant" in words or "--model" in words else ("--constant", "high")
    before = (place / "b" / "log.jsonl").read_bytes()
    error = run("submit", "b", "--team", "eve", *words, *more, cwd=place, code=2)
    assert message in error
    assert (place / "b" / "log.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("status", "nowhere"), "There is no bounty in nowhere"),
        (("close", "b"), "No submission is waiting"),
        (("explain", "b", "train.csv", "--row", "600"), "train.csv has the rows 0 to 599"),
        (("rollback", "b", "abc", "--reason", "x"), "No active update has a hash that begins with"),
        (("hunt", "b", "--hunter", "slice"), "Unknown hunter 'slice'. Did you mean 'slices'?"),
        (("confirm", "b", "train.csv"), "No accepted update waits for fresh data"),
        (("export", "b", "--out", "."), ". is not empty"),
        (("status", "b", "--html", "no/x.html"), "cannot be written: No such file"),
        (("status", "b", "--figure", "no/x.svg"), "cannot be written: No such file"),
        (("status", "b", "--figure", "x.pdf"), "x.pdf must end in .svg or .png"),
    ],
)
def test_each_command_says_what_is_wrong(place, words, message):
    assert message in run(*words, cwd=place, code=2)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--label", "label"), "Name the deployed model: --base model.onnx, --constant"),
        (("--label", "lable", "--constant", "low"), "Did you mean 'label'?"),
        (
            ("--label", "label", "--constant", "low", "--delta", "2"),
            "delta is 2.0.  Allowed: between",
        ),
        (
            ("--label", "label", "--constant", "low", "--loss", "squared"),
            "needs the range of the target",
        ),
        (
            ("--label", "label", "--constant", "low", "--severity", "age"),
            "write a predicate, =, and a weight",
        ),
    ],
)
def test_a_bounty_that_cannot_begin_leaves_nothing_behind(place, more, message):
    tables = ["--train", "train.csv", "--practice", "practice.csv", "--sealed", "sealed.csv"]
    assert message in run("init", "new", *tables, *more, cwd=place, code=2)
    assert not (place / "new").exists()


def test_one_changed_bit_is_found(place):
    sent = told("submit", "b", *GOOD, cwd=place)
    run("close", "b", cwd=place)
    stored = place / "b" / "submissions" / f"{sent['submission']}.json"
    data = bytearray(stored.read_bytes())
    data[-10] ^= 1
    stored.write_bytes(bytes(data))
    log = place / "b" / "log.jsonl"
    assert "changed" in run("status", "b", cwd=place, code=2)
    stored.write_bytes(bytes(data[:-10] + bytes([data[-10] ^ 1]) + data[-9:]))
    lines = log.read_bytes().replace(b'"accepted":true', b'"accepted":false')
    log.write_bytes(lines)
    assert "its hash does not fit" in run("verify", "b", cwd=place, code=2)


def test_interrupted_is_130_and_the_log_stays_whole(place):
    pytest.importorskip("skl2onnx")
    command = [sys.executable, "-c", "from evenhand.cli import main; main()", "bounty", "hunt", "b"]
    process = subprocess.Popen(
        command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    log = place / "b" / "log.jsonl"
    for _ in range(600):
        if log.read_bytes().count(b"\n") > 1 or process.poll() is not None:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=120)
    assert process.returncode in (130, 0)
    assert "Traceback" not in error
    assert "Proven:" in run("verify", "b", cwd=place)


def test_machines_hunt_until_none_is_accepted(place):
    pytest.importorskip("skl2onnx")
    found = told("hunt", "b", "--hunter", "slices", "--rounds", "3", cwd=place)
    assert found["schema"] == "evenhand.hunt/2"
    assert len(found["rounds"]) == 1
    assert found["rounds"][0]["accepted"] >= 1
    assert found["rounds"][0]["teams"][0]["team"] == "slice search"
    assert found["ledger"]["blocks_left"] == 0
    assert "Proven:" in run("verify", "b", cwd=place)


def test_a_hash_that_is_none_is_no_forged_log(tmp_path):
    """Twelve digits are what other commands show: a part of a hash is not a log that was written anew."""
    rows = [{"x": i % 2, "y": i % 2} for i in range(200)]
    for name in ("train", "practice", "sealed"):
        write(tmp_path / f"{name}.csv", rows, ["x", "y"])
    begin(tmp_path, "--label", "y", "--constant", "0", "--blocks", "1", "--seed", "1")
    for head in ("zzz", "4b9aa429ab46"):
        assert "must be the whole hash of an event: 64 hexadecimal digits" in run(
            "verify", "b", "--head", head, cwd=tmp_path, code=2
        )
    assert "NOT proven" in run("verify", "b", "--head", "0" * 64, cwd=tmp_path, code=1)


# --- Words that are carried ------------------------------------------------------------------------


def test_who_signs_with_half_a_hash_is_told_that_it_is_none(place):
    found = run("sign", "3f9a2c", "--bounty", "b", cwd=place, code=2)
    assert "no whole hash" in found


def test_a_reason_besides_the_signed_one_is_refused(place, monkeypatch):
    pytest.importorskip("cryptography")
    key = told("key", cwd=place)
    monkeypatch.setenv("EVENHAND_TEAM_KEY", key["secret"])
    signed = ["sign", "a" * 64, "--bounty", "b", "--team", "ada", "--word", "appealed"]
    run(*signed, "--reason", "it was late", "--out", "word.json", cwd=place)
    both = ["appeal", "b", "--signature", "word.json", "--reason", "another"]
    assert "has signed another: 'it was late'" in run(*both, cwd=place, code=2)


def test_a_new_key_of_a_registered_team_is_told_to_be_one(place):
    pytest.importorskip("cryptography")
    first, second = (told("key", cwd=place)["public"] for _ in range(2))
    assert "anew" not in run("register", "b", "ada", first, cwd=place)
    assert "Registered ada anew" in run("register", "b", "ada", second, cwd=place)


def test_teams_that_must_register_are_told_where_the_host_has_no_key(place):
    more = ["--label", "label", "--constant", "low", "--registration"]
    tables = ["--train", "train.csv", "--practice", "practice.csv", "--sealed", "sealed.csv"]
    assert "No host's key was given" in run("init", "new", *tables, *more, cwd=place)


def test_another_file_is_not_called_a_damaged_log(place):
    assert "is no log of a bounty" in run("verify", "train.csv", cwd=place, code=2)
    (place / "cut.jsonl").write_bytes((place / "b" / "log.jsonl").read_bytes()[:100])
    assert "no whole event" in run("verify", "cut.jsonl", cwd=place, code=2)
