"""What a metric is: its counts, its form, its worked example and its source."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from evenhand.cubes import Measure
from evenhand.errors import InputError, Note, unknown_name
from evenhand.groups import Predicate, columns_of, to_text
from evenhand.records import Records
from evenhand.stats.forms import Form, Ratio


class Takes(StrEnum):
    """What an argument of a metric may be."""

    BINARY = "binary"
    """A column of 0/1, true/false or (with ``positive=``) any value; or a predicate."""
    CLASS = "class"
    """A column of class labels."""
    NUMBER = "number"
    """A numeric column."""
    PROBABILITY = "probability"
    """A numeric column within 0 and 1."""
    TEXT = "text"
    """A text column."""
    SET = "set"
    """A column of lists of texts, or of texts with a separator between labels."""
    CONSTANT = "constant"
    """An option: a quoted text or a number."""


class RestsOn(StrEnum):
    """Of which rows labels must be known, where a system selects some and passes over others."""

    ROWS = "rows"
    """Of whatever rows there are: the value is of them."""
    SELECTED = "selected"
    """Of all rows that were selected, or of a random part of them."""
    ALL = "all"
    """Of rows that were selected, and of rows that were not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """A named argument of a metric.

    `choices` lists the allowed values of a constant, `means` says what it is where they cannot be listed;
    `required` arguments have no default; `several` arguments may be given several values in brackets, and
    `least` of them must be.
    """

    name: str
    takes: Takes
    required: bool = True
    choices: tuple[str, ...] = ()
    means: str = ""
    default: str | None = None
    several: bool = False
    least: int = 1


One = str | int | float | bool | Predicate
Given = One | tuple[str | int | float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A worked example: columns named as the arguments, constants, and the value by hand."""

    columns: Mapping[str, Sequence[Any]]
    value: float
    options: Mapping[str, Given] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPlan:
    """How a metric is computed on one table: what to count, and the form of its value.

    `records` is the table to read, which is another one where rows had to be scored first; `notes`
    say what a reader must know before the numbers.
    """

    records: Records
    measure: Measure
    form: Form
    proportion: bool
    notes: tuple[Note, ...] = ()
    #: Range of the value, where this table narrows that of the definition (a mean of 0 and 1).
    bounds: tuple[float | None, float | None] | None = None
    #: The same under another normaliser, made when it is called for: see `Alternative`.
    alternatives: Callable[[], tuple["Alternative", ...]] = tuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Plans of the same metric on the same rows, as it was asked for and under another option.

    `asked` and `other` name the two; `whole` says whether the rows are all there are, or a sample.
    """

    asked: str
    other: str
    as_asked: MetricPlan
    otherwise: MetricPlan
    whole: bool


Builder = Callable[["Metric", Records, Sequence[str], Predicate | None], MetricPlan]


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A metric of the field.

    Attributes
    ----------
    name : str
        The field's name for it; metrics are called by it.
    definition : str
        Numerator over denominator in words.
    arguments : tuple of Argument
        What it reads.
    build : callable
        Gives the plan for a table.
    higher_is_worse : bool, optional
        Direction of harm; `None` where it depends on the use, so that it must be said.
    example : Example
        Worked by hand.
    source : str
        Where it is defined, with DOI or other identifier.
    low, high : float, optional
        Range of the value; intervals are cut there.
    in_points : bool
        Whether the value is a share of something, so that differences read as percentage points.
    directions : (str, str), optional
        Where `higher_is_worse` is `None`: what it means that higher, and that lower, is worse.
    corrected : bool
        Whether the value holds a correction for small samples, so that it changes by the order of one over
        their number when every row is doubled.
    least_units : int
        Independent units below which its interval was seen to cover less than 93 % at 95 %: such groups
        are refused.
    joins : str, optional
        Argument whose equal values make several rows one (the answers of a query).
    weighable : bool
        Whether rows may have weights, where the value is a ratio of sums: not where something else of the
        table decides it, such as a median of all rows.
    rests_on : RestsOn
        Of which rows labels must be known.
    """

    name: str
    definition: str
    arguments: tuple[Argument, ...]
    build: Builder
    higher_is_worse: bool | None
    example: Example
    source: str
    low: float | None = 0.0
    high: float | None = 1.0
    in_points: bool = True
    directions: tuple[str, str] | None = None
    corrected: bool = False
    least_units: int = 2
    joins: str | None = None
    weighable: bool = True
    rests_on: RestsOn = RestsOn.ROWS

    def __call__(self, *columns: Given, **arguments: Given) -> "Metric":
        """Bind the metric to columns, in order or by name.

        Raises
        ------
        InputError
            For an unknown, doubled or absent argument, or a value that is not allowed.
        """
        columns = tuple(tuple(v) if isinstance(v, list) else v for v in columns)
        arguments = {k: tuple(v) if isinstance(v, list) else v for k, v in arguments.items()}
        names = [argument.name for argument in self.arguments]
        if len(columns) > len(names):
            plural = "s" * (len(names) != 1)
            raise InputError(
                f"{self.name} takes {len(names)} argument{plural} ({', '.join(names)}), not {len(columns)}."
            )
        given: dict[str, Given] = dict(zip(names, columns, strict=False))
        for name, value in arguments.items():
            if name not in names:
                raise InputError(f"{self.name}: " + unknown_name("argument", name, names))
            if name in given:
                raise InputError(f"{self.name}: argument {name!r} is given twice.")
            given[name] = value
        self._check(given)
        return Metric(definition=self, given=given)

    def _check(self, given: Mapping[str, Given]) -> None:
        absent = [a.name for a in self.arguments if a.required and a.name not in given]
        if absent:
            raise InputError(f"{self.name} also needs {' and '.join(absent)}.  Write {self.usage}")
        for other in ("average", "labels"):
            if {"positive", other} <= set(given):
                raise InputError(
                    f"{self.name}: positive and {other} exclude each other; choose one."
                )
        for argument in self.arguments:
            if argument.name in given:
                self._check_several(argument, given[argument.name])
            if (
                argument.choices
                and argument.name in given
                and given[argument.name] not in argument.choices
            ):
                allowed = ", ".join(argument.choices)
                raise InputError(
                    f"{self.name}: {argument.name} is {given[argument.name]!r}.  Allowed: {allowed}"
                )

    def _check_several(self, argument: Argument, value: Given) -> None:
        number = len(value) if isinstance(value, tuple) else 1
        if isinstance(value, tuple) and not argument.several:
            raise InputError(f"{self.name}: {argument.name} takes one value, not {number}.")
        if number < argument.least:
            raise InputError(
                f"{self.name}: {argument.name} is {number} column, but must be at least "
                f"{argument.least}, in brackets.  Write {self.usage}"
            )
        if isinstance(value, tuple) and len(set(value)) < number:
            twice = next(one for one in value if value.count(one) > 1)
            raise InputError(f"{self.name}: {argument.name} names {twice!r} twice; once is enough.")

    @property
    def usage(self) -> str:
        """How to write it: ``wer(reference=COLUMN, hypothesis=COLUMN)``."""
        shown = (f"{a.name}={_placeholder(a)}" for a in self.arguments if a.required)
        return f"{self.name}({', '.join(shown)})"


def _placeholder(argument: Argument) -> str:
    one = "VALUE" if argument.takes is Takes.CONSTANT else "COLUMN"
    return f"({one}, {one}, …)" if argument.least > 1 else one


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A definition bound to columns of a table."""

    definition: Definition
    given: Mapping[str, Given]
    #: Whether it was computed before: then rows without its positive value are no slip of the pen.
    tried: bool = field(default=False, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The definition's name."""
        return self.definition.name

    @property
    def text(self) -> str:
        """Expression that parses back to this metric."""
        return f"{self.name}({', '.join(f'{name}={self.written(name)}' for name in self.given)})"

    @property
    def columns(self) -> frozenset[str]:
        """Columns that its arguments name."""
        out: set[str] = set()
        for argument in self.definition.arguments:
            value = self.given.get(argument.name)
            if value is None or argument.takes is Takes.CONSTANT:
                continue
            if isinstance(value, tuple):
                out |= {str(one) for one in value}
            elif isinstance(value, str | int | float):
                out.add(str(value))
            else:
                out |= {*columns_of(value)}
        return frozenset(out)

    def written(self, name: str) -> str:
        """An argument's value as an expression has it; empty where it is not given."""
        if name not in self.given:
            return ""
        value = self.given[name]
        takes = next(a.takes for a in self.definition.arguments if a.name == name)
        if isinstance(value, tuple):
            return f"({', '.join(_written(one, takes) for one in value)})"
        return _written(value, takes)

    def higher_is_worse(self, worse: str | None) -> bool:
        """Direction of harm: as asked for, else the metric's own.

        Raises
        ------
        InputError
            Where the metric has none of its own and none was asked for.
        """
        if worse is not None:
            return worse == "higher"
        if self.definition.higher_is_worse is None:
            higher, lower = self.definition.directions or ("", "")
            raise InputError(
                f"{self.name} has no direction of harm of its own, so it must be said: --worse higher or --worse "
                f"lower (in Python worse=).\n  --worse higher: {higher}\n  --worse lower: {lower}"
            )
        return self.definition.higher_is_worse

    def check_tolerance(self, tolerance: float, called: str = "tolerance") -> None:
        """Refuse a tolerance that no difference can exceed: it was meant in points."""
        low, high = self.definition.low, self.definition.high
        most = 1.0 if self.definition.in_points else None
        if low is not None and high is not None:
            most = high - low
        if most is not None and tolerance >= most:
            meant = tolerance / 100
            hint = f"  Did you mean {meant:g} ({tolerance:g} points)?" if meant < most else ""
            raise InputError(
                f"{called} is {tolerance:g}, but differences of {self.name} lie within {most:g}: "
                f"allowed is a number of at least 0 and below {most:g}, in the metric's units.{hint}"
            )

    def check_limit(self, called: str, limit: float) -> None:
        """Refuse a limit that no value could break, or keep: it was meant in points."""
        low, high = self.definition.low, self.definition.high
        if (high is not None and limit > high) or (low is not None and limit < low):
            among = (
                f"lie in [{low:g}, {high:g}]"
                if low is not None and high is not None
                else "lie within another range"
            )
            hint = f"  Did you mean {limit / 100:g}?" if high == 1 and 1 < limit <= 100 else ""
            raise InputError(f"{called} is {limit:g}, but values of {self.name} {among}.{hint}")

    def option(self, name: str) -> Given | None:
        """Value of an optional argument, or its default."""
        argument = next(a for a in self.definition.arguments if a.name == name)
        return self.given.get(name, argument.default)

    def plan(
        self, records: Records, keep: Sequence[str] = (), where: Predicate | None = None
    ) -> MetricPlan:
        """How to compute it on `records`; `keep` are the other columns that the audit reads."""
        return self.definition.build(self, records, keep, where)


def _written(value: One, takes: Takes) -> str:
    if isinstance(value, str):
        quote = "'" if takes is Takes.CONSTANT else '"'
        plain = value.isidentifier() and takes is not Takes.CONSTANT
        return value if plain else quote + value.replace(quote, quote * 2) + quote
    return str(value) if isinstance(value, int | float) else to_text(value)


def rate(numerator: Sequence[float], denominator: Sequence[float]) -> Ratio:
    """Ratio of weighted counts."""
    return Ratio(numerator=tuple(map(float, numerator)), denominator=tuple(map(float, denominator)))
