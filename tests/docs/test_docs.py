"""The documentation is true: blocks run, everything is mentioned, links lead somewhere.

A block whose fence names a file (```toml plan.toml) is written there before the next block runs.
``PYTHONPATH=docs python -m tests.docs.test_docs [PAGE.md]`` writes what the commands print today into the pages' console
blocks (those without ``...``); read the difference before you commit it.
"""

import contextlib
import doctest
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import generate
import pytest
from reference_pages import command_line
from tests import commands

from evenhand.cli import app
from evenhand.metrics import DEFINITIONS

ROOT = Path(__file__).parents[2]
RECORDS = ROOT / "src" / "evenhand" / "demos" / "ward_commands.csv"
#: Pages that people write; those under reference/ are generated.
PAGES = [
    path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if path.exists()
]
ALL_PAGES = [*PAGES, *sorted((ROOT / "docs" / "reference").glob("*.md"))]
REGISTRIES = (
    r"pypi\.org|pythonhosted|anaconda\.org|conda-forge|npmjs|crates\.io|docker\.io|hub\.docker"
    r"|ghcr\.io|proxy\.golang"
)
NOT_RUN = re.compile(r"^# not run(?P<why>.*)$", re.MULTILINE)
SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of a page; `line` is that of its first line of content, `file` its name."""

    page: str
    line: int
    language: str
    text: str
    file: str = ""

    @property
    def place(self):
        return f"{self.page} line {self.line}"


def blocks_of(path):
    """Fenced blocks of a page, in order."""
    found, opened, lines = [], None, []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fence = re.match(r"^```(\S*) ?(\S*)", line)
        if fence and opened is None:
            opened, lines = (number + 1, fence.group(1), fence.group(2)), []
        elif fence:
            begun, language, file = opened
            text = "\n".join(lines)
            found.append(Block(page=path.name, line=begun, language=language, text=text, file=file))
            opened = None
        elif opened:
            lines.append(line)
    assert opened is None, f"{path.name}: the block at line {opened} is not closed"
    return found


def is_run(block):
    """Whether a block is executed; one that is not must say why."""
    skipped = NOT_RUN.search(block.text)
    if skipped:
        assert re.match(r":\s*\w+", skipped["why"]), f"{block.place}: write `# not run: because …`"
    return skipped is None


def commands_of(text):
    """Pairs of a command (continued after a backslash) and the lines it is said to print."""
    pairs, lines = [], iter(text.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command += "\n" + next(lines)
            pairs.append((command, []))
        else:
            assert pairs, f"output without a command: {line!r}"
            pairs[-1][1].append(line)
    return [(command, "\n".join(expected).strip("\n")) for command, expected in pairs]


def looks_like(found, expected):
    """Whether a text is as promised; ``...`` stands for anything, also for several lines."""
    pieces = [re.escape(piece) for piece in expected.split("...")]
    return re.fullmatch(".*".join(pieces), found, flags=re.DOTALL) is not None


def write_file(block, folder):
    """Write a block to the file that it names."""
    (folder / block.file).write_text(block.text + "\n", encoding="utf-8")


def run_command(command, folder, code=0, *, loaded=True):
    """Run one command after another that ended with `code`; what it prints, and its own code.

    Where `loaded`, ``evenhand`` starts from a process that has loaded the package already.
    """
    places = [Path(sys.executable).parent, os.environ["PATH"]]
    if loaded:
        places.insert(0, commands.folder_of_commands())
    surroundings = {
        **os.environ,
        "PATH": os.pathsep.join(map(str, places)),
        "COLUMNS": "110",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "PYTHONUTF8": "1",
    }
    done = subprocess.run(
        ["bash", "-c", f"(exit {code})\n{command}"],
        check=False,
        cwd=folder,
        env=surroundings,
        timeout=SECONDS,
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    found = "\n".join(line.rstrip() for line in done.stdout.splitlines()).strip("\n")
    return found, done.returncode


def run_console(block, folder):
    """Run the commands of a block; an exit code other than 0 must be shown by ``$ echo $?``.

    Those of the README, the first that people type, start as people start them.
    """
    code = 0
    for command, expected in commands_of(block.text):
        hidden = f"{block.place}: before {command!r} a command exits with {code}, unshown"
        assert code == 0 or command == "echo $?", hidden
        found, code = run_command(command, folder, code, loaded=block.page != "README.md")
        message = f"{block.place}\n$ {command}\n--- printed\n{found}\n--- promised\n{expected}"
        assert looks_like(found, expected), message
    assert code == 0, f"{block.place}: the last command exits with {code}, unshown"


def run_python(block, names):
    """Run a block as a doctest where it has prompts, else as a script."""
    if ">>>" not in block.text:
        exec(compile(block.text, block.place, "exec"), names)
        return
    test = doctest.DocTestParser().get_doctest(
        block.text + "\n", names, block.page, block.page, block.line - 1
    )
    failures = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=failures.append, clear_globs=False)
    names.update(test.globs)
    assert runner.failures == 0, "".join(failures)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_block_of_the_page_runs(page, tmp_path, monkeypatch):
    (tmp_path / "ward_commands.csv").write_bytes(RECORDS.read_bytes())
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "documentation"}
    for block in blocks_of(page):
        if block.file:
            write_file(block, tmp_path)
        elif block.language == "console" and is_run(block):
            run_console(block, tmp_path)
        elif block.language == "python" and is_run(block):
            run_python(block, names)


def written():
    """Text of all pages that people write."""
    return "\n".join(path.read_text(encoding="utf-8") for path in PAGES)


def forked(words, surroundings):
    """What a command prints; see tests/commands.py.  Two tests read all help, which is asked for once."""
    return told(tuple(words), tuple(sorted(surroundings.items())))


@cache
def told(words, surroundings):
    done = commands.run_command(*words, env=dict(surroundings))
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def asked_at_once(monkeypatch):
    """The reference asks thirty commands for their help: from processes that need not load the package."""
    monkeypatch.setattr(command_line, "started", forked)


@pytest.mark.parametrize("command", [(), ("audit",), ("bounty", "init")])
def test_help_is_the_same_from_a_process_that_loads_the_package_anew(command, monkeypatch):
    anew = command_line.help_text(*command)
    monkeypatch.setattr(command_line, "started", forked)
    assert command_line.help_text(*command) == anew


def test_every_command_is_explained():
    text = written()
    names = [name for name in app if not name.startswith("-")]
    assert names
    assert [name for name in names if f"evenhand {name}" not in text] == []


@pytest.mark.usefixtures("asked_at_once")
def test_every_option_is_explained():
    text = written()
    absent = {
        f"evenhand {command} {option}"
        for command in command_line.commands()
        for option in re.findall(r"--[a-z][a-z-]+", command_line.help_text(*command.split()))
        if not re.search(rf"{option}\b(?!-)", text)
    }
    assert absent == set()


def test_every_metric_is_in_the_reference():
    text = (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    assert [name for name in DEFINITIONS if f"### {name}\n" not in text] == []


@pytest.mark.usefixtures("asked_at_once")
def test_the_reference_is_what_the_package_says(capsys):
    code = generate.main(["--check"])
    assert code == 0, capsys.readouterr().err


def test_the_check_tells_what_differs(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(generate, "DOCS", tmp_path)
    monkeypatch.setattr(generate, "pages", lambda: [("metrics.md", "# Metrics\n")])
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    (tmp_path / "reference" / "metrics.md").write_text("# Something else\n", encoding="utf-8")
    assert generate.main(["--check"]) == 1
    assert "-# Something else" in capsys.readouterr().err


def prose_of(path):
    """Text of a page without its blocks."""
    return re.sub(
        r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )


def anchors_of(path):
    """Names that a link may point to within a page, as the usual renderers make them."""
    outside = re.sub(
        r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    titles = re.findall(r"^#+ (.+)$", outside, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(page):
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, anchor = target.partition("#")
        path = (page.parent / place).resolve() if place else page
        assert path.exists(), f"{page.name}: {target} leads nowhere"
        assert not anchor or anchor in anchors_of(path), f"{page.name}: {target} has no such title"


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda path: path.name)
def test_no_page_names_a_registry(page):
    assert re.findall(REGISTRIES, page.read_text(encoding="utf-8")) == []


# --- The tests of the tests ----------------------------------------------------------------------


def test_three_dots_stand_for_anything_and_nothing_else_does():
    assert looks_like("one\ntwo\nthree", "one\n...\nthree")
    assert looks_like("wer .404 (.342)", "wer ... (.342)")
    assert not looks_like("one\ntwo", "one")
    assert not looks_like("wer .404", "wer x404")


def console(text):
    return Block(page="page", line=1, language="console", text=text)


def test_a_wrong_output_is_found(tmp_path):
    run_console(console("$ echo yes\nyes"), tmp_path)
    with pytest.raises(AssertionError, match="promised"):
        run_console(console("$ echo yes\nno"), tmp_path)


def test_a_failure_that_the_page_hides_is_found(tmp_path):
    run_console(console("$ exit 3\n$ echo $?\n3"), tmp_path)
    with pytest.raises(AssertionError, match="exits with 3, unshown"):
        run_console(console("$ exit 3"), tmp_path)
    with pytest.raises(AssertionError, match="exits with 3, unshown"):
        run_console(console("$ exit 3\n$ echo yes\nyes"), tmp_path)


def test_a_block_that_names_a_file_is_written_there(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```toml plan.toml\n[trial]\n```\n\n```python\n1\n```\n", encoding="utf-8")
    named, plain = blocks_of(page)
    write_file(named, tmp_path)
    assert (tmp_path / "plan.toml").read_text(encoding="utf-8") == "[trial]\n"
    assert (named.language, named.line, plain.file) == ("toml", 2, "")


def test_pages_are_written_anew_with_what_their_python_made(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    made = "```python\nfrom pathlib import Path\nPath('made.txt').write_text('yes')\n```"
    page.write_text(f"{made}\n\n```console\n$ cat made.txt\nno\n```\n", encoding="utf-8")
    monkeypatch.setattr(sys.modules[__name__], "PAGES", [page])
    refresh([])
    assert "$ cat made.txt\nyes\n" in page.read_text(encoding="utf-8")


def test_a_block_that_is_not_run_must_say_why():
    assert not is_run(console("# not run: needs a server\n$ evenhand"))
    with pytest.raises(AssertionError, match="because"):
        is_run(console("# not run\n$ evenhand"))


def test_a_wrong_value_in_python_is_found():
    block = Block(page="page", line=1, language="python", text=">>> 1 + 1\n3")
    with pytest.raises(AssertionError, match="Expected"):
        run_python(block, {})


# --- Writing outputs anew ------------------------------------------------------------------------


def refreshed(block, folder):
    """Text of a console block with what its commands print now; ``...`` is kept as it is."""
    lines, code = [], 0
    for command, expected in commands_of(block.text):
        found, code = run_command(command, folder, code, loaded=False)
        assert "Traceback" not in found, f"{block.place}\n$ {command}\n{found}"
        printed = expected if "..." in expected else found
        lines += [f"$ {command}", *([printed] if printed else [])]
    return "\n".join(lines)


def refresh(names):
    """Write today's outputs into these pages, or all."""
    for page in PAGES:
        if names and page.name not in names:
            continue
        text = page.read_text(encoding="utf-8")
        known = {"__name__": "documentation"}
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(RECORDS, Path(folder) / "ward_commands.csv")
            for block in blocks_of(page):
                if block.file:
                    write_file(block, Path(folder))
                elif block.language == "python" and is_run(block):
                    with contextlib.chdir(folder):  # it may write what later commands read
                        run_python(block, known)
                elif block.language == "console" and is_run(block):
                    fenced = "```console\n{}\n```"
                    text = text.replace(
                        fenced.format(block.text), fenced.format(refreshed(block, folder))
                    )
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    refresh(sys.argv[1:])
