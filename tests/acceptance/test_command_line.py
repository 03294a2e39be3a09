"""The real command line, as a separate process."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.commands import run_command

import evenhand
from evenhand.demos import ward_commands

WARD = str(ward_commands())
WER = "wer(reference=reference, hypothesis=hypothesis)"
TONE = ["--where", "condition = 'tone_12hz' AND engine = 'flite'"]


def run(*words, cwd=None, **environment):
    settings = {
        **os.environ,
        "COLUMNS": "110",
        "NO_COLOR": "1",
        "EVENHAND_DATA": "/nowhere",
        **environment,
    }
    return run_command(*words, cwd=cwd, env=settings)


def test_help_names_every_command():
    out = run("--help")
    assert out.returncode == 0
    for name in ("audit", "demo", "doctor", "metrics"):
        assert name in out.stdout


def test_audit_prints_a_finding_in_plain_words():
    out = run("audit", WARD, "--metric", WER, "--by", "voice", "--unit", "sentence", *TONE)
    assert out.returncode == 0, out.stderr
    assert (
        "Worse for voice = 'slt': wer .602, by 15.5 to 37.3 points compared with the rest."
        in out.stdout
    )
    assert "▲ worse" in out.stdout
    assert "\x1b[" not in out.stdout
    assert out.stderr == "", "libraries say nothing at the end"


def test_json_is_the_python_result(tmp_path):
    out = run(
        "audit", WARD, "--metric", WER, "--by", "voice", "--unit", "sentence", *TONE, "--json"
    )
    told = json.loads(out.stdout)
    assert told["schema"] == "evenhand.audit/1"
    twin = evenhand.audit(WARD, WER, by="voice", unit="sentence", where=TONE[1]).to_dict()
    told["settings"].pop("command")
    twin["settings"].pop("command")
    assert told == twin
    assert evenhand.Audit.from_dict({**told, "settings": {**told["settings"], "command": ""}}).worse


def test_json_has_the_published_names():
    told = json.loads(run("audit", WARD, "--metric", WER, "--by", "voice", "--json").stdout)
    assert set(told) >= {
        "schema",
        "metric",
        "level",
        "unit",
        "source",
        "overall",
        "groups",
        "gap",
        "refused",
        "missing",
    }
    assert set(told["groups"][0]) >= {
        "by",
        "group",
        "predicate",
        "estimate",
        "shrunk",
        "versus",
        "minimum_detectable_difference",
        "verdict",
        "suppressed",
    }
    assert set(told["overall"]) >= {
        "value",
        "low",
        "high",
        "standard_error",
        "n_rows",
        "n_units",
        "numerator",
        "denominator",
        "method",
        "reason",
    }
    assert set(told["groups"][0]["versus"]) >= {
        "reference",
        "difference",
        "low",
        "high",
        "ratio",
        "p_value",
        "p_adjusted",
    }
    assert set(told["gap"]) >= {"largest", "lower_bound", "between_group_sd", "homogeneity_p"}
    assert len(told["source"]["sha256"]) == 64


def test_csv_has_one_row_a_group():
    out = run("audit", WARD, "--metric", WER, "--by", "voice,condition", "--csv")
    rows = list(csv.DictReader(io.StringIO(out.stdout)))
    assert len(rows) == 10 + 6 + 60
    assert {row["verdict"] for row in rows} <= {"worse", "not worse", "insufficient evidence"}


def test_several_metrics_share_the_confidence():
    out = run(
        "audit",
        WARD,
        "--metric",
        WER,
        "--metric",
        "cer(reference, hypothesis)",
        "--by",
        "voice",
        "--json",
    )
    audits = json.loads(out.stdout)
    assert [audit["metric"]["name"] for audit in audits] == ["wer", "cer"]
    assert {audit["settings"]["metrics_in_family"] for audit in audits} == {2}


def test_everything_refused_is_exit_code_3(tmp_path):
    path = tmp_path / "few.csv"
    path.write_text("site,wrong\na,1\nb,0\n")
    out = run("audit", str(path), "--metric", "mean(wrong)", "--by", "site")
    assert out.returncode == 3
    assert (
        "Refused [too_few_units]: group site = 'a' has 1 row; this interval needs at least 5."
        in out.stdout
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["audit", "nowhere.csv", "--metric", "mean(x)", "--by", "g"],
            "No file is called 'nowhere.csv'",
        ),
        (
            ["audit", WARD, "--metric", "werr(reference, hypothesis)", "--by", "voice"],
            "Did you mean 'wer'?",
        ),
        (["audit", WARD, "--metric", WER, "--by", "voise"], "Did you mean 'voice'?"),
        (
            ["audit", WARD, "--metric", WER, "--by", "voice ~ 'slt'"],
            "^ expected one of = != < <= > >= IN BETWEEN IS",
        ),
        (
            ["audit", WARD, "--metric", WER, "--by", "voice", "--level", "95"],
            "level is 95.0, but must be a confidence from 0.5 to 0.999999, for example 0.95.  Did you mean 0.95?",
        ),
        (["audit", WARD, "--metric", WER, "--by", "voice", "--json", "--csv"], "Choose one"),
        (
            ["audit", WARD, "--metric", WER, "--by", "voice", "--html", "/no/where.html"],
            "cannot be written",
        ),
    ],
)
def test_an_error_says_what_to_change_without_a_traceback(words, told):
    out = run(*words)
    assert out.returncode == 2
    assert told in out.stderr + out.stdout
    assert "Traceback" not in out.stderr


def test_a_glob_that_the_shell_took_apart_is_told_without_a_frame():
    out = run("audit", "day-1.csv", "day-2.csv", "[3].csv", "--metric", WER)
    assert out.returncode == 2
    assert out.stderr.startswith("evenhand audit does not take 'day-2.csv', '[3].csv'")
    assert "'day-*.csv'" in out.stderr


def test_unknown_command_and_option_offer_near_names():
    assert "audit" in run("audti").stderr + run("audti").stdout
    out = run("audit", WARD, "--metrc", WER, "--by", "voice")
    assert "--metric" in out.stderr + out.stdout
    assert out.returncode != 0


def test_demo_ends_by_naming_a_report_that_exists(tmp_path):
    out = run("demo", "--no-live", cwd=tmp_path)
    assert out.returncode == 0, out.stderr
    uri = out.stdout.strip().splitlines()[-1].split()[-1]
    assert uri.startswith("file://")
    page = Path(uri.removeprefix("file://")).read_text(encoding="utf-8")
    assert "Whom does it fail?" in page
    assert len(page) < 300_000


def test_doctor_says_that_a_small_audit_works():
    out = run("doctor", "--json")
    assert out.returncode == 0
    assert json.loads(out.stdout)["works"] is True


def test_doctor_names_the_extra_as_it_is_installed(monkeypatch, capsys):
    from evenhand.cli import doctor

    monkeypatch.setattr(doctor, "_version", lambda _: None)
    doctor.doctor()
    assert "pip install 'evenhand[postgres]'" in " ".join(capsys.readouterr().out.split())


def test_reading_never_creates_a_file(tmp_path):
    run("audit", "nope.csv", "--metric", WER, "--by", "voice", cwd=tmp_path)
    run("audit", "duckdb:///nope.db?table=t", "--metric", WER, "--by", "voice", cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_interrupting_is_exit_code_130(tmp_path):
    table = tmp_path / "big.csv"
    lines = ["reference,hypothesis,group"] + [
        f"one two {i} four five six seven,one {i} three four six,g{i % 3}" for i in range(400_000)
    ]
    table.write_text("\n".join(lines))
    command = [
        sys.executable,
        "-c",
        "from evenhand.cli import main; main()",
        "audit",
        str(table),
        "--metric",
        WER,
        "--by",
        "group",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    # Interrupt the work, not the start: wait until the engine and what aligns words are loaded.
    maps = Path(f"/proc/{process.pid}/maps")
    while process.poll() is None and not all(
        name in maps.read_text() for name in ("duckdb", "rapidfuzz")
    ):
        time.sleep(0.05)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode in (130, 3), errors
    assert "Traceback" not in errors


def test_a_closed_pipe_is_no_error():
    shell = f"{sys.executable} -c 'from evenhand.cli import main; main()' metrics | head -1; echo ${{PIPESTATUS[0]}}"
    out = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)
    assert "Traceback" not in out.stderr


def test_importing_loads_nothing_heavy():
    code = "import sys, evenhand; print([m for m in ('numpy', 'duckdb', 'scipy', 'pyarrow') if m in sys.modules])"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "[]\n"
    )


def test_cube_file_can_be_read_back(tmp_path):
    path = tmp_path / "cube.parquet"
    out = run(
        "audit", WARD, "--metric", WER, "--by", "voice", "--unit", "sentence", "--cube", str(path)
    )
    assert out.returncode == 0
    (counted,) = evenhand.read_cube(path).metrics
    cube = counted.cube
    assert cube.attributes == ("voice",)
    assert cube.n_rows.sum() == 2400
