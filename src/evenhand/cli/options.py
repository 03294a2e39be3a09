"""Options that several commands have, each declared once; cyclopts flattens these classes into options."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from evenhand.cli.bins import parse_bins
from evenhand.cli.edition import read_labels, today
from evenhand.cli.kinds import Flag, Several
from evenhand.comparisons.rules import VerdictRules
from evenhand.deferred import Deferred
from evenhand.errors import InputError
from evenhand.pages.edition import Edition
from evenhand.records import MISSING_VALUES, join_files, open_records, unfold_counts
from evenhand.records.output import input_files

_READING = Group("Which rows are read, and how", sort_key=1)
_JUDGING = Group("How it is judged", sort_key=2)
_OUTPUT = Group("What is written", sort_key=3)
_USUAL = VerdictRules()
#: Brings what counts, which most commands do without until they are asked.
_ORIGINS = Deferred("evenhand.questions.origins")
#: Groups of fewer units are not for strangers.
SHARED = 10


@Parameter(name="*", group=_READING)
@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Which rows are read, and how.

    Attributes
    ----------
    where
        Keep only rows that satisfy this predicate, for example "duration > 1".
    weight
        Column that says how many people or cases each row stands for; for metrics that are ratios of sums.
    bins
        Cut a numeric attribute: age=25,45,65 at these edges, age=5 in five quantile bins.
    missing
        A text that means missing; may be repeated and replaces the usual list.
    columns
        What columns hold where you know better: 'age=number, code=text, when=date:%d/%m/%Y'.
    read
        The tool whose log the table is, such as inspect or lm-eval, where its content does not tell.
    with_
        A file whose columns are joined to the rows; may be repeated.
    on
        Column by which it is joined, such as speaker, or id=file where the file calls it otherwise; may be repeated,
        and of several files each is joined by those that it has.
    counts
        The table holds counts and no rows: tp,fp,tn,fn where columns are called so, else true_positives=hits,…; or
        selected,total; correct,total; errors,words; or the one column that says how many rows a line stands for.
    origin
        How labels came about: random, chosen (by the system), complaint or review (by people); or the column that
        says so, and after it what its values mean: --origin source --origin alert=chosen.
    """

    where: str | None = None
    weight: str | None = None
    bins: Several = ()
    missing: Several = MISSING_VALUES
    columns: str | None = None
    read: str | None = None
    with_: Annotated[Several, Parameter(name="--with")] = ()
    on: Several = ()
    counts: Several = ()
    origin: Several = ()

    def table(self, name: str) -> Any:
        """The table, opened where more is said of it than its name."""
        if self.on and not self.with_:
            raise InputError(
                "--on says by which column a file is joined.  Name the file: --with FILE"
            )
        if not self.opens:
            return name
        found = open_records(
            name, columns=self.columns, missing_values=self.missing, read=self.read
        )
        found = join_files(found, self.with_, self.on)
        found = unfold_counts(found, self.counts) if self.counts else found
        return _ORIGINS.with_origin(found, self.origin) if self.origin else found

    @property
    def opens(self) -> bool:
        """Whether more is asked of the table than its name says."""
        return self.read is not None or bool(self.with_ or self.counts or self.origin)

    @property
    def joined(self) -> list[Path]:
        """Files that are read besides the table."""
        return [path for name in self.with_ for path in input_files(name)]

    def given(self) -> dict[str, Any]:
        """The same as Python's functions take it."""
        return {
            "where": self.where,
            "weight": self.weight,
            "bins": parse_bins(self.bins),
            "missing_values": self.missing,
            # A table that was opened for this has its types.
            "columns": None if self.opens else self.columns,
        }


@Parameter(name="*", group=_JUDGING)
@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """How sure to be, and of what harm.

    Attributes
    ----------
    level
        Confidence of everything that is said, taken together.
    worse
        Direction of harm, higher or lower, where it is not the metric's own.
    seed
        Of the simulation behind simultaneous intervals, and of random halves.
    """

    level: float = _USUAL.level
    worse: str | None = None
    seed: int = _USUAL.seed

    def given(self) -> dict[str, Any]:
        """The same as Python's functions take it."""
        return {"level": self.level, "worse": self.worse, "seed": self.seed}


@Parameter(name="*", group=_JUDGING)
@dataclass(frozen=True, slots=True, kw_only=True)
class Comparing:
    """What counts as harm among groups, and which groups are compared.

    Attributes
    ----------
    tolerance
        A difference, or a cost, up to this is no harm, in the metric's units (0.05 is five points).
    min_units
        Refuse groups with fewer independent units.
    adjust
        Correction for many comparisons: max-t, holm or bh (which changes p-values only).
    """

    tolerance: float = _USUAL.tolerance
    min_units: int = _USUAL.min_units
    adjust: str = _USUAL.adjust

    def given(self) -> dict[str, Any]:
        """The same as Python's functions take it."""
        return {"tolerance": self.tolerance, "min_units": self.min_units, "adjust": self.adjust}


@Parameter(name="*", group=_OUTPUT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where the answer goes.

    Attributes
    ----------
    json
        Print JSON instead of tables.
    html
        Write a report to this file.
    figure
        Write the figure of the differences to this file: .svg, or .png with the extra png.
    title
        Heading of the report and the figure.
    note
        What its readers should know first: who asked, of which service, what for.
    labels
        TOML file of plain names for columns and values: 'sex = "gender"', '"race=Other" = "all others"'.
    force
        Replace output files that Evenhand did not make; never one that this run reads.
    """

    json: Flag = False
    html: Path | None = None
    figure: Path | None = None
    title: str | None = None
    note: str | None = None
    labels: Path | None = None
    force: Flag = False

    @property
    def files(self) -> list[tuple[str, Path | None]]:
        """Files that are written, by their option."""
        return [("--html", self.html), ("--figure", self.figure)]

    def edition(self, *, share: bool = False) -> Edition:
        """What the report says besides the answer."""
        return Edition(
            title=self.title or "",
            note=self.note or "",
            date=today(),
            labels={} if self.labels is None else read_labels(self.labels),
            share=share,
        )


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Printing:
    """How a verb of a bounty answers.

    Attributes
    ----------
    json
        Print JSON.
    """

    json: Flag = False


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """How a verb of a bounty that writes files answers.

    Attributes
    ----------
    force
        Replace output files that Evenhand did not make; never one that this run reads.
    json
        Print JSON.
    """

    force: Flag = False
    json: Flag = False
