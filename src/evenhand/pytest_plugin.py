"""The rules of a policy as items of pytest: ``pytest --evenhand policy.toml``.

Loaded by pytest wherever Evenhand is installed, so it loads nothing of it before a policy is named.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evenhand.deferred import Deferred
from evenhand.errors import EvenhandError

_GATES = Deferred("evenhand.gates")
_OPEN = ("fail", "skip", "pass")


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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add an item for each rule of each policy."""
    for given in config.getoption("--evenhand"):
        path = Path(config.invocation_params.dir, given)
        file: PolicyFile = PolicyFile.from_parent(session, path=path, name=str(given))
        items += file.collect()


class PolicyFile(pytest.File):
    """A policy, judged once when its first rule is asked."""

    _found: Any = None

    def collect(self) -> Iterator["RuleItem"]:
        """An item for each rule."""
        try:
            policy, faults = _GATES.read_policy(self.path)
        except EvenhandError as error:
            raise pytest.UsageError(str(error)) from error
        for rule in policy.rules:
            yield RuleItem.from_parent(self, name=rule.name, line=faults.lines.of(rule.number) or 1)

    def answer_of(self, name: str) -> Any:
        """What a rule came to."""
        if self._found is None:
            self._found = _GATES.check(self.path)
        return next(rule for rule in self._found.rules if rule.name == name)


class RuleBrokenError(Exception):
    """A rule that is broken, or open."""


class RuleItem(pytest.Item):
    """A rule of a policy."""

    def __init__(self, *, line: int, **given: Any) -> None:
        super().__init__(**given)
        self._line = line

    def runtest(self) -> None:
        """Fail where the rule is broken, and as is asked where the evidence is not enough."""
        assert isinstance(self.parent, PolicyFile)
        answer = self.parent.answer_of(self.name)
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
