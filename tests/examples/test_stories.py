"""The stories of `examples/`: what their pages say is what their records give, and the systems answer so today.

The figures are checked against the records of each story (`records.csv`), wherever the tests run.  That the
systems give these answers is checked by ``make examples``, in an environment that has them.
``PYTHONPATH=docs EVENHAND_EXAMPLES=… python -m tests.examples.test_stories STORY`` asks a system for all anew and keeps
its records.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import duckdb
import jiwer
import pytest
from tests.docs.test_docs import blocks_of, commands_of, looks_like, run_command

EXAMPLES = Path(__file__).parents[2] / "examples"
#: The stories, each with the program that it needs besides Python's packages, and of how many samples one is
#: asked anew: a program takes half a second for each.
STORIES = {
    "diabetes": (None, 4),
    "languages": (None, 1),
    "ocr": ("tesseract", 8),
    "toxicity": (None, 3),
    "translation": ("apertium", 10),
}
#: What tells an answer from the others, and what was answered.
ANSWER = ("id", "service", "condition", "seed", "outcome", "output")
#: Columns of a trial that differ from run to run, or say nothing here.
LEFT_OUT = {
    *("service_version", "condition_name", "repeat", "reason", "seconds", "cost", "cost_at_most"),
    *("cached", "cut_off"),
}
NUMBER = re.compile(r"(?<![\w.])\d*\.?\d+")


def page_of(story):
    return EXAMPLES / story / "README.md"


def console_of(story):
    """Commands of a page with what they print."""
    found = []
    for block in blocks_of(page_of(story)):
        if block.language == "console":
            found += commands_of(block.text)
    return found


def trial_of(story):
    """The command that makes a story's records, and their file."""
    (command,) = (each for each, _ in console_of(story) if each.startswith("evenhand trial"))
    return command, command.split()[-1]


def script_of(story):
    (script,) = (each for each, _ in console_of(story) if each.startswith("python"))
    return script


def copy_of(story, folder):
    copied = folder / story
    shutil.copytree(EXAMPLES / story, copied, ignore=shutil.ignore_patterns("__pycache__"))
    return copied


def run_with_systems(command, folder):
    """Run a command of a page in the environment that has the systems."""
    python = Path(os.environ["EVENHAND_EXAMPLES"])
    done = subprocess.run(
        command,
        shell=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
    return done.stdout


def asked(question):
    return duckdb.connect().execute(question).fetchall()


def answers_of(records):
    """What was answered to what, as text."""
    columns = ", ".join(f"coalesce({name}::varchar, '')" for name in ANSWER)
    return set(asked(f"SELECT {columns} FROM '{records}'"))


def written(story, folder):
    """The records of a story as the file that its trial writes."""
    _, records = trial_of(story)
    kept = EXAMPLES / story / "records.csv"
    asked(f"COPY (FROM '{kept}') TO '{folder / records}' (FORMAT parquet)")
    return folder / records


def thin(manifest, step):
    """Every `step`-th sample."""
    head, *rows = manifest.read_text(encoding="utf-8").splitlines()
    manifest.write_text("\n".join([head, *rows[::step]]) + "\n", encoding="utf-8")


def manifest_of(place):
    """File of the samples of a plan."""
    plan = tomllib.loads((place / "plan.toml").read_text(encoding="utf-8"))
    return place / plan["samples"]["manifest"]


def make_records(story):
    """Ask the systems anew and keep what they say."""
    with tempfile.TemporaryDirectory() as folder:
        place = copy_of(story, Path(folder))
        command, records = trial_of(story)
        for each in (script_of(story), command):
            print(run_with_systems(each, place))
        found = place / records
        names = [name for name, *_ in asked(f"DESCRIBE FROM '{found}'") if name not in LEFT_OUT]
        columns = ", ".join(f'"{name}"' for name in names)
        kept = EXAMPLES / story / "records.csv"
        asked(f"COPY (SELECT {columns} FROM '{found}') TO '{kept}' (HEADER)")


# -- what the pages say -----------------------------------------------------------------------------


@pytest.mark.parametrize("story", STORIES)
def test_the_figures_of_the_page_are_those_of_the_records(story, tmp_path):
    written(story, tmp_path)
    printed = []
    for command, expected in console_of(story):
        if not command.startswith(("python", "evenhand trial")):
            found, code = run_command(command, tmp_path)
            assert code == 0, found
            assert looks_like(found, expected), f"$ {command}\n{found}\n--- promised\n{expected}"
            printed.append(found)
    assert unsaid(findings_of(story), "\n".join(printed)) == set()


def unsaid(prose, printed):
    """Figures of a text that no command prints."""
    return set(NUMBER.findall(prose)) - set(NUMBER.findall(printed))


def test_a_figure_that_no_command_prints_is_found():
    assert unsaid("worse by 12.3 to .45 (95 %)", "12.3 to .45, 95 %") == set()
    assert unsaid("worse by 12.3 to .45 (95 %)", "112.3 to 0.45, 195") == {"12.3", ".45", "95"}


def findings_of(story):
    """The part of a page that tells what was found, without its blocks."""
    text = re.sub(
        r"^```.*?^```",
        "",
        page_of(story).read_text(encoding="utf-8"),
        flags=re.MULTILINE | re.DOTALL,
    )
    (found,) = re.findall(
        r"^## What was found\n(.*?)(?=^## )", text, flags=re.MULTILINE | re.DOTALL
    )
    return found


@pytest.mark.parametrize("story", STORIES)
def test_a_page_has_its_parts_in_their_order(story):
    titles = re.findall(
        r"^## (.+)$", page_of(story).read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert titles == ["Run it", "What was found", "What it does not show", "Versions"]


@pytest.mark.parametrize("story", STORIES)
def test_a_page_tells_the_licence_of_its_system(story):
    _, versions = page_of(story).read_text(encoding="utf-8").split("\n## Versions\n")
    assert "licence" in versions or "GPL" in versions


def test_a_reader_of_print_is_judged_letter_by_letter():
    """The default normaliser forgives what it is asked for: case, and whether an i has its dot."""
    for command, _ in console_of("ocr"):
        assert "cer(" not in command or "cer(reference, output, normalizer='none')" in command
    wrong, characters = {}, {}
    for language, reference, output in asked(
        f"SELECT language, reference, output FROM '{EXAMPLES}/ocr/records.csv' WHERE service = 'eng'"
    ):
        found = jiwer.process_characters(reference, output)
        errors = found.substitutions + found.deletions + found.insertions
        wrong[language] = wrong.get(language, 0) + errors
        characters[language] = characters.get(language, 0) + len(reference)
    told = {language: f"{wrong[language] / characters[language]:.3f}"[1:] for language in wrong}
    assert {told["Vietnamese"], told["Turkish"]} == {".219", ".111"}
    assert all(told[each] in findings_of("ocr") for each in ("Vietnamese", "Turkish"))


@pytest.mark.parametrize("story", STORIES)
def test_a_story_is_short(story):
    scripts = list((EXAMPLES / story).glob("*.py"))
    assert scripts
    for script in scripts:
        assert len(script.read_text(encoding="utf-8").splitlines()) <= 70, script


def test_the_list_of_stories_tells_what_their_pages_tell():
    listed = (EXAMPLES.parent / "docs" / "stories.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\|.*\.\./examples/(\w+)/README\.md.*$", listed, flags=re.MULTILINE)
    # These two have checks of their own.
    assert sorted(rows) == sorted([*STORIES, "ward_commands", "bounty_recogniser"])
    for story, row in zip(
        rows, re.findall(r"^\|.*\.\./examples/.*$", listed, flags=re.MULTILINE), strict=True
    ):
        assert unsaid(row, page_of(story).read_text(encoding="utf-8")) == set(), story
        title = page_of(story).read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        assert story == "ward_commands" or f"[{title}]" in row


# -- the systems ------------------------------------------------------------------------------------


@pytest.fixture
def systems():
    """Where the examples' systems are; what is missing there is a failure where CI runs them."""
    if not os.environ.get("EVENHAND_EXAMPLES"):
        pytest.skip("make examples runs this, with the systems in an environment of their own.")


@pytest.mark.usefixtures("systems")
@pytest.mark.parametrize("story", STORIES)
def test_the_systems_answer_as_the_records_say(story, tmp_path):
    program, step = STORIES[story]
    if program and not shutil.which(program):
        message = f"needs {program}: see the README of examples/{story}"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    place = copy_of(story, tmp_path)
    command, records = trial_of(story)
    run_with_systems(script_of(story), place)
    thin(manifest_of(place), step)
    run_with_systems(command, place)
    found, kept = answers_of(place / records), answers_of(EXAMPLES / story / "records.csv")
    assert len(found) * step >= len(kept)
    assert found - kept == set()


if __name__ == "__main__":
    for name in sys.argv[1:] or STORIES:
        make_records(name)
