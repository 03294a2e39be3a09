"""The scripts of the examples for CI, run as a runner would run them."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.commands import folder_of_commands

import evenhand.demos

EXAMPLES = Path(__file__).parents[2] / "examples" / "gates"
RECORDS = Path(evenhand.demos.__file__).parent / "ward_commands.csv"


@pytest.fixture
def folder(tmp_path):
    """A repository with a policy, and the runner's own files beside it."""
    shutil.copy(EXAMPLES / "policy.toml", tmp_path)
    shutil.copy(RECORDS, tmp_path / "ward.csv")
    return tmp_path


def broken(folder):
    path = folder / "policy.toml"
    path.write_text(path.read_text().replace("maximum = 0.5 ", "maximum = 0.01"))


def unsure(folder):
    path = folder / "policy.toml"
    path.write_text(path.read_text().replace("maximum = 0.5 ", "maximum = 0.3"))


def surroundings(folder, **more):
    path = f"{folder_of_commands()}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "COLUMNS": "100", **more}


# -- GitHub ----------------------------------------------------------------------------------------


def filled(text, known):
    """A text with each ``${{ … }}`` replaced, all of which must be known."""
    return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda found: known[found[1]], str(text))


def run_action(folder, **given):
    """Run the steps of the action; the exit code, and what it put out."""
    action = yaml.safe_load((EXAMPLES / "action.yml").read_text())
    inputs = {name: one.get("default") for name, one in action["inputs"].items()} | given
    known = {f"inputs.{name}": value for name, value in inputs.items()}
    assert action["runs"]["using"] == "composite"
    files = {name: folder / f".{name}" for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
    for path in files.values():
        path.write_text("")
    code, log = 0, ""
    for step in action["runs"]["steps"]:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "what somebody wrote must not become a part of a script"
        env = surroundings(folder, **{name: str(path) for name, path in files.items()})
        env |= {name: filled(value, known) for name, value in step.get("env", {}).items()}
        script = folder / ".step.sh"
        script.write_text(step["run"])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=folder, env=env, capture_output=True, text=True,
        )  # fmt: skip
        log += done.stdout + done.stderr
        if done.returncode:
            code = done.returncode
            break
    outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
    told = {one["value"] for one in action["outputs"].values()}
    assert told == {"${{ steps.check.outputs.answer }}", "${{ steps.check.outputs.reports }}"}
    return code, outputs, files["GITHUB_STEP_SUMMARY"].read_text(), log


def test_the_action_passes_and_writes_its_reports(folder):
    code, outputs, summary, log = run_action(folder, policy="policy.toml", install="")
    assert (code, outputs["answer"]) == (0, "pass"), log
    written = {path.name for path in (folder / outputs["reports"]).iterdir()}
    assert written == {"junit.xml", "evenhand.sarif", "comment.md", "gate.html"}
    assert summary.startswith("## Ward commands")


def test_the_action_fails_where_a_rule_is_broken(folder):
    broken(folder)
    code, outputs, summary, _ = run_action(folder, policy="policy.toml", install="")
    assert (code, outputs["answer"]) == (1, "fail")
    assert "**Treatment:** the accent is switched to a human operator" in summary


def test_the_action_is_not_green_where_the_evidence_is_not_enough_unless_it_may(folder):
    unsure(folder)
    code, outputs, _, _ = run_action(folder, policy="policy.toml", install="")
    assert (code, outputs["answer"]) == (3, "open")
    code, outputs, _, log = run_action(folder, policy="policy.toml", install="", open="warn")
    assert (code, outputs["answer"]) == (0, "open")
    assert "::warning::" in log


def test_the_action_ends_where_the_policy_is_wrong(folder):
    code, outputs, summary, log = run_action(folder, policy="nowhere.toml", install="")
    assert (code, outputs, summary) == (2, {}, "")
    assert "nowhere.toml cannot be read" in log


def test_an_input_is_no_part_of_a_script(folder):
    code, _, _, _ = run_action(folder, policy='"; touch harmed; "', install="")
    assert code == 2
    assert not (folder / "harmed").exists()


def test_the_workflow_uses_the_action_with_inputs_that_it_has(folder):
    workflow = yaml.safe_load((EXAMPLES / ".github" / "workflows" / "gate.yml").read_text())
    action = yaml.safe_load((EXAMPLES / "action.yml").read_text())
    steps = workflow["jobs"]["gate"]["steps"]
    (gate,) = [step for step in steps if step.get("uses", "").startswith("./")]
    assert set(gate["with"]) <= set(action["inputs"])
    assert {name for name, one in action["inputs"].items() if one.get("required")} <= set(
        gate["with"]
    )
    for step in steps:
        for name in re.findall(r"steps\.gate\.outputs\.(\w+)", str(step)):
            assert name in action["outputs"]


#: GitHub's program, which knows a comment of a person and, if it is told so, one of the gate.
_GH = """#!/bin/sh
echo "$@" >> asked
case "$*" in
  *--paginate*) cat comments ;;
  *) for one in "$@"; do case "$one" in body=@*) cat "${one#body=@}" > posted ;; esac; done ;;
esac
"""


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        ("", "--method POST repos/o/r/issues/7/comments "),
        ("11\n12\n", "--method PATCH repos/o/r/issues/comments/11 "),
    ],
)
def test_the_comment_of_the_workflow_is_posted_once_and_then_replaced(folder, there, asked):
    """The step that comments, with a program in the place of GitHub's."""
    _, outputs, _, _ = run_action(folder, policy="policy.toml", install="")
    workflow = yaml.safe_load((EXAMPLES / ".github" / "workflows" / "gate.yml").read_text())
    (step,) = [one for one in workflow["jobs"]["gate"]["steps"] if one.get("name") == "Comment"]
    known = {
        "github.token": "t",
        "github.repository": "o/r",
        "github.event.pull_request.number": "7",
        "steps.gate.outputs.reports": outputs["reports"],
    }
    tools = folder / "tools"
    tools.mkdir()
    (folder / "comments").write_text(there)
    (tools / "gh").write_text(_GH)
    (tools / "gh").chmod(0o755)
    env = {name: filled(value, known) for name, value in step["env"].items()}
    env = {**os.environ, **env, "PATH": f"{tools}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-eo", "pipefail", "-c", step["run"]], cwd=folder, env=env, check=True)
    first, second = (folder / "asked").read_text().split("\n", 1)
    assert 'startswith("<!-- made by evenhand -->")' in (folder / "asked").read_text()
    assert asked in second
    assert first.startswith("api --paginate repos/o/r/issues/7/comments")
    assert "## Ward commands" in (folder / "posted").read_text()
    assert (folder / "posted").read_text().startswith("<!-- made by evenhand -->")


def test_a_name_in_the_data_is_no_command_to_the_runner(folder):
    _, _, _, log = run_action(folder, policy="policy.toml", install="")
    start = re.search(r"^::stop-commands::(\w+)$", log, re.MULTILINE)
    assert log.index("Ward commands" if "Ward commands" in log else "rule") > start.end()
    assert f"\n::{start[1]}::\n" in log[start.end() :]


# -- GitLab ----------------------------------------------------------------------------------------


def run_job(folder):
    (job,) = yaml.safe_load((EXAMPLES / "gitlab-ci.yml").read_text()).values()
    variables = {**job["variables"], "INSTALL": ""}
    script = "\n".join(["set -eo pipefail", *job["before_script"], *job["script"]])
    env = surroundings(folder, **variables)
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=env, capture_output=True, text=True
    )
    report = job["artifacts"]["reports"]["junit"].replace("$REPORTS", variables["REPORTS"])
    return done, job, folder / report


@pytest.mark.parametrize(("change", "code"), [(None, 0), (broken, 1), (unsure, 3)])
def test_the_job_ends_as_the_policy_does_and_leaves_junit(folder, change, code):
    if change:
        change(folder)
    done, job, report = run_job(folder)
    assert done.returncode == code, done.stderr
    assert report.read_text().startswith("<?xml")
    assert job["allow_failure"] == {"exit_codes": [3]}


def test_the_policy_of_the_examples_is_the_one_that_the_command_prints():
    from evenhand.gates.policy import EXAMPLE

    assert (EXAMPLES / "policy.toml").read_text() == EXAMPLE.read_text()
