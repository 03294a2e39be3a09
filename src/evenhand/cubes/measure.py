"""A measure: which counts each row adds to a cube, as SQL expressions for any engine."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlglot import exp


class Moments(StrEnum):
    """How second moments across rows are computed when each row is its own unit."""

    #: Parts are 0 or 1 and at most one of them is 1: second moments are the sums themselves.
    INDICATORS = "indicators"
    #: Parts are small whole numbers: sums of products are exact.
    COUNTS = "counts"
    #: Parts are any numbers: centred moments, since raw sums of squares lose every digit.
    CENTRED = "centred"


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A value that a measure reads from each row.

    Attributes
    ----------
    name : str
        The metric's argument; parts and checks refer to it.
    expression : Expression
        How it is read from the table.
    text : str
        What the user wrote: a column or a predicate.
    """

    name: str
    expression: exp.Expr
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A condition that makes a row faulty, and the sentence that says so.

    `input` names the input whose value ``{value}`` stands for in `message`.  Where a column is no slip but
    something else, of many rows, `whole` is told in place of the rows: ``{values}`` are those it holds and
    ``{condition}`` says which of them could count.
    """

    input: str
    faulty: exp.Expr
    message: str
    whole: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Counts of one row.

    Attributes
    ----------
    parts : tuple of (str, Expression)
        Names of the counts and the expressions that give them.
    inputs : tuple of Input
        What they read; a row where one is missing is counted apart, not scored.
    checks : tuple of Check
        What the inputs must satisfy.
    moments : Moments
        How second moments are computed.
    few_values : bool
        Whether the inputs have few distinct values, so that rows can be grouped by them first.
    level : str, optional
        Input whose values are kept apart within each cell (the score, for auc).
    about : str
        What the counts are of, where the expressions do not tell.
    weight : str, optional
        Input that holds how many a row stands for; the counts are already that many times as large.
    sides : tuple of tuples of int
        Counts of each side of the ratio; of weighted rows each side's are counted.
    optional : frozenset of str
        Inputs that a row may lack: its counts say what it then adds.
    exclusive : frozenset of (int, int)
        Pairs of counts, the lower number first, that no row has both of: with `Moments.COUNTS` their
        product is known to be 0, which keeps a query of many counts within a server's limits.
    """

    parts: tuple[tuple[str, exp.Expr], ...]
    inputs: tuple[Input, ...]
    checks: tuple[Check, ...] = ()
    moments: Moments = Moments.CENTRED
    few_values: bool = False
    level: str | None = None
    about: str = ""
    exclusive: frozenset[tuple[int, int]] = frozenset()
    weight: str | None = None
    sides: tuple[tuple[int, ...], ...] = ()
    optional: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the counts, in the order of a cube's parts."""
        return tuple(name for name, _ in self.parts)

    def renamed(self, names: Mapping[str, str]) -> "Measure":
        """The same measure, with other names for some inputs; its level, if it has one, is none of them."""

        def written(expression: exp.Expr) -> exp.Expr:
            return expression.transform(
                lambda node: (
                    exp.column(names[node.name], quoted=True)
                    if isinstance(node, exp.Column) and node.name in names
                    else node
                )
            )

        return replace(
            self,
            parts=tuple((name, written(part)) for name, part in self.parts),
            inputs=tuple(replace(i, name=names.get(i.name, i.name)) for i in self.inputs),
            checks=tuple(
                replace(c, input=names.get(c.input, c.input), faulty=written(c.faulty))
                for c in self.checks
            ),
            weight=names.get(self.weight, self.weight) if self.weight else None,
            optional=frozenset(names.get(name, name) for name in self.optional),
        )
