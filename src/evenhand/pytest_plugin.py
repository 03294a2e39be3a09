"""The rules of a policy as items of pytest: ``pytest --evenhand policy.toml``.

Loaded by pytest wherever Evenhand is installed, so it loads nothing of it before a policy is named.
"""

import itertools
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evenhand.deferred import Deferred
from evenhand.errors import EvenhandError

_GATES = Deferred("evenhand.gates")
_CAVEATS = Deferred("evenhand.pages.caveats")
_OPEN = ("fail", "skip", "pass")
_NOTE = "evenhand"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the plugin."""
    group = parser.getgroup("evenhand", "rules that a service must keep")
    group.addoption(
        "--evenhand",
        metavar="POLICY",
        action="append",
        default=[],
        help="ask the rules of this policy, each an item; may be repeated",
    )
    group.addoption(
        "--evenhand-open",
        choices=_OPEN,
        default="fail",
        help="what a rule is whose evidence is not enough (fail)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect each policy that is named, once, beside what is collected anyway."""
    named = dict.fromkeys(_place(config, given) for given in config.getoption("--evenhand"))
    # (Workers of xdist are told the options, and not where they stood.)
    config.option.evenhand = [str(path) for path in named]
    folder = config.invocation_params.dir
    asked = {Path(folder, one.partition("::")[0]).resolve() for one in config.args}
    for path in named:
        if not path.is_file():
            raise pytest.UsageError(f"--evenhand {path}: no such file")
        if path not in asked:
            config.args.append(str(path))


def _place(config: pytest.Config, given: str) -> Path:
    """A policy's path: as it was typed, or beside the settings of pytest that name it."""
    folder = config.invocation_params.dir
    words = [*config.invocation_params.args, *shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))]
    typed = f"--evenhand={given}" in words or ("--evenhand", given) in itertools.pairwise(words)
    if not typed and config.inipath is not None:
        folder = config.inipath.parent
    return Path(folder, given).resolve()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "PolicyFile | None":
    """A policy that was named, as an option or as what is to be run."""
    if str(file_path.resolve()) not in parent.config.option.evenhand:
        named = parent.session.isinitpath(file_path) and file_path.suffix == ".toml"
        if not named or file_path.name == "pyproject.toml":
            return None
    found: PolicyFile = PolicyFile.from_parent(parent, path=file_path)
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each rule once, where a policy lies in a folder that is collected, too."""
    met: set[tuple[Path, int]] = set()
    for item in list(items):
        if isinstance(item, RuleItem):
            place = (item.path, item.number)
            if place in met:
                items.remove(item)
            met.add(place)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what must be known of rules, of those that pass, too."""
    reports = [one for many in terminalreporter.stats.values() for one in many]
    properties = [pair for one in reports for pair in getattr(one, "user_properties", ())]
    notes = dict.fromkeys(str(text) for name, text in properties if name == _NOTE)
    if notes:
        terminalreporter.section("evenhand")
        for note in notes:
            terminalreporter.line(note)


class PolicyFile(pytest.File):
    """A policy, judged once when its first rule is asked."""

    _found: Any = None

    def collect(self) -> Iterator["RuleItem"]:
        """An item for each rule."""
        try:
            policy, faults = _GATES.read_policy(self.path)
            if faults.found:
                # What is wrong with its tables is told with that.
                _GATES.check(self.path)
        except EvenhandError as error:
            raise self.CollectError(str(error)) from error
        for rule in policy.rules:
            # What pytest prints can be given to it again, where no two colons are in the name.
            name = " ".join(rule.name.replace("::", ":").split())
            line = faults.lines.of(rule.number) or 1
            yield RuleItem.from_parent(self, name=name, number=rule.number, line=line)

    def answer_of(self, number: int) -> Any:
        """What a rule came to."""
        if self._found is None:
            try:
                self._found = _GATES.check(self.path)
            except EvenhandError as error:
                self._found = error
        if isinstance(self._found, EvenhandError):
            raise self._found
        return self._found.rules[number]


class RuleBrokenError(Exception):
    """A rule that is broken, or open."""


class RuleItem(pytest.Item):
    """A rule of a policy."""

    def __init__(self, *, number: int, line: int, **given: Any) -> None:
        super().__init__(**given)
        self.number, self._line = number, line

    def runtest(self) -> None:
        """Fail where the rule is broken, and as is asked where the evidence is not enough."""
        assert isinstance(self.parent, PolicyFile)
        answer = self.parent.answer_of(self.number)
        notes = _CAVEATS.before_numbers(answer.notes)
        self.user_properties += [(_NOTE, f"{self.name}: {note}") for note in notes]
        if answer.answer == "pass":
            return
        told = "\n".join(check.sentence for check in answer.decisive)
        if answer.answer == "fail":
            raise RuleBrokenError(told)
        how = self.config.getoption("--evenhand-open")
        told = f"The evidence is not enough.\n{told}"
        if how == "skip":
            pytest.skip(told)
        if how == "fail":
            raise RuleBrokenError(told)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *given: Any) -> Any:
        """The sentences, without a traceback: nothing is wrong with code."""
        if isinstance(excinfo.value, RuleBrokenError | EvenhandError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *given)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the rule stands."""
        return self.path, self._line - 1, self.name
