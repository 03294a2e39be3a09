"""What a policy came to: an answer for each rule, and for each group that it was asked of."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from evenhand.errors import EXIT_REFUSED, Note
from evenhand.groups.partition import Key
from evenhand.pages.edition import PLAIN
from evenhand.pages.shown import Shown
from evenhand.results.origin import MetricNote, Source

#: What a rule, or a group under it, comes to.
GateAnswer = Literal["pass", "fail", "insufficient evidence"]
#: How the command ends; 2 is for a policy that cannot be read as it is.
EXIT_CODES = {"pass": 0, "fail": 1, "insufficient evidence": EXIT_REFUSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCheck:
    """One demand of a rule, asked of one group or of all groups together.

    Attributes
    ----------
    limit : str
        The key that demands it: `maximum`, `maximum_difference`, `not_worse_than` and so on.
    by : tuple of str
        What groups are told apart by; empty where none are.
    group : dict
        The group; empty where all groups of a partition are meant.
    predicate : str
        The group as a predicate; empty likewise.
    others : tuple of str
        The two groups between which a difference or a ratio is widest; empty elsewhere.
    other_values : tuple of float
        What was seen of each of the two.
    allowed : float or None
        The limit: `value` must be at most it for `maximum`, `maximum_difference`, `maximum_ratio` and
        `not_worse_than`, at least it for `minimum`, `minimum_ratio` and `coverage`.
    value : float or None
        What was seen: a rate, a difference, a ratio, how much worse than the last release, a number of units.
    low : float or None
        It is at least this; holds for all checks of the policy at once.
    high : float or None
        It is at most this; likewise.
    numerator : float or None
        Sum above the line of a rate; `None` elsewhere, and where anything is suppressed.
    denominator : float or None
        Sum below the line of a rate; likewise.
    n_units : int or None
        Independent units of the group; `None` for several, and where suppressed.
    baseline : float or None
        The value of the last release, for `not_worse_than`.
    answer : GateAnswer
        `pass` and `fail` are proven; all else is `insufficient evidence`.
    reason : str or None
        Why the evidence is not enough where there is no interval: a reason of the table, `no_baseline`,
        `unlike_baseline`, `group_gone` and so on; or `excused_groups` where small groups were left out.
    excused : bool
        Whether the rule leaves such small groups out: then it counts for nothing.
    sentence : str
        The same in words.
    called : str
        What the group is called where groups of two attributes have values alike: ``deaf = 'yes'``; else empty.
    """

    limit: str
    by: tuple[str, ...] = ()
    group: dict[str, Key]
    predicate: str = ""
    others: tuple[str, ...] = ()
    other_values: tuple[float, ...] = ()
    allowed: float | None
    value: float | None
    low: float | None
    high: float | None
    numerator: float | None = None
    denominator: float | None = None
    n_units: int | None = None
    baseline: float | None = None
    answer: GateAnswer
    reason: str | None = None
    excused: bool = False
    sentence: str = ""
    called: str = ""

    @classmethod
    def undecided(cls, limit: str, **known: Any) -> "RuleCheck":
        """A check of which no more than this is known."""
        unknown = dict.fromkeys(("allowed", "value", "low", "high"))
        return cls(
            limit=limit, **{"group": {}, "answer": "insufficient evidence", **unknown, **known}
        )

    @property
    def label(self) -> str:
        """What it was asked of, in short."""
        if not self.group:
            return "all groups" if self.by else "all rows"
        return self.called or PLAIN.named(self.group)


def decisive(answer: GateAnswer, checks: Iterable[RuleCheck]) -> tuple[RuleCheck, ...]:
    """Those of some checks that have an answer and count."""
    return tuple(check for check in checks if check.answer == answer and not check.excused)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAnswer:
    """What a rule came to.

    Attributes
    ----------
    name : str
        What it is called.
    line : int or None
        Where it stands in the policy.
    answer : GateAnswer
        `fail` where some check is, `pass` where all are.
    sentence : str
        Why, in words: what broke it, or is open, or holds.
    metric : MetricNote or None
        What was measured; `None` where nothing was.
    source : Source or None
        The rows; `None` for a file of results.
    unit : str or None
        What is independent.
    by : tuple of str
        Every partition, attributes joined by commas.
    where : str or None
        Rows that were kept.
    results : str or None
        The file of results that it reads.
    command : str or None
        What shows every group of it; `None` for results, and for tables that are no file.
    checks : tuple of RuleCheck
        Broken ones first, then open ones.
    hazard : str or None
        What harm the group would come to, as the policy says.
    treatment : str or None
        What is done where it is broken.
    review_trigger : str or None
        When it is looked at again.
    review_by : str or None
        Until when it holds.
    notes : tuple of Note
        What a reader must know.
    """

    name: str
    line: int | None
    answer: GateAnswer
    sentence: str
    metric: MetricNote | None
    source: Source | None
    unit: str | None
    by: tuple[str, ...]
    where: str | None
    results: str | None
    command: str | None
    checks: tuple[RuleCheck, ...]
    hazard: str | None
    treatment: str | None
    review_trigger: str | None
    review_by: str | None
    notes: tuple[Note, ...]

    @property
    def decisive(self) -> tuple[RuleCheck, ...]:
        """The checks that made the answer what it is."""
        return decisive(self.answer, self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """How it was asked.

    Attributes
    ----------
    sha256 : str or None
        Of the policy's text; `None` for one made in Python.
    rules_judged : int
        Rules that share the chance of error.
    seed : int
        Of simulations.
    command : str
        What asks again.
    versions : dict
        Of what computed it.
    """

    sha256: str | None
    rules_judged: int
    seed: int
    command: str
    versions: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate(Shown):
    """What a policy came to.

    Attributes
    ----------
    policy : str
        The file, or what it is called.
    title : str
        Its title; empty where it has none.
    level : float
        With this confidence no `pass` and no `fail` of the whole policy is wrong.
    answer : GateAnswer
        `fail` where some rule fails; else `pass` where all pass.
    rules : tuple of RuleAnswer
        In the order of the policy.
    notes : tuple of Note
        What a reader must know.
    settings : GateSettings
        How it was asked.
    """

    SCHEMA: ClassVar[str] = "evenhand.gate/1"
    ROOM: ClassVar[str] = "evenhand.gates"

    policy: str
    title: str
    level: float
    answer: GateAnswer
    rules: tuple[RuleAnswer, ...]
    notes: tuple[Note, ...]
    settings: GateSettings

    @property
    def exit_code(self) -> int:
        """How a command that asks ends: 0 for pass, 1 for fail, 3 for insufficient evidence."""
        return EXIT_CODES[self.answer]

    def of(self, answer: GateAnswer) -> tuple[RuleAnswer, ...]:
        """Rules that came to an answer."""
        return tuple(rule for rule in self.rules if rule.answer == answer)


def together(answers: "list[GateAnswer]") -> GateAnswer:
    """Of several demands that must all hold.

    Examples
    --------
    >>> together(["pass", "insufficient evidence"]), together(["pass", "fail"]), together([])
    ('insufficient evidence', 'fail', 'insufficient evidence')
    """
    if "fail" in answers:
        return "fail"
    return "pass" if answers and all(one == "pass" for one in answers) else "insufficient evidence"
