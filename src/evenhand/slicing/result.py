"""What a search says: values that go to JSON and back unchanged."""

from dataclasses import dataclass, field
from typing import ClassVar

from evenhand.errors import Note
from evenhand.pages.shown import Shown
from evenhand.results.estimate import Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A found slice.

    Attributes
    ----------
    predicate : str
        The slice as a predicate, for `audit --by`, for `--where` and for a `WHERE` of SQL.
    literals : tuple of str
        Its conditions, one by one.
    contributions : tuple of float or None
        Shapley contribution of each literal: they add up to the slice's value less the overall
        one.  A description, no cause.  `None` where a part has no value.
    n_rows : int
        Rows of the slice, among all that were searched.
    n_units : int
        Independent units of the slice that say something about the metric; for `split` those of
        the half that did not choose.
    support : float
        Its share of all rows.
    numerator : float or None
        Sum above the line, in the slice.
    denominator : float or None
        Sum below the line, in the slice.
    value : float or None
        The metric in the slice.  For `split` everything from `numerator` to `p_adjusted` is of
        the half that did not choose.
    value_low : float or None
        Lower bound of the value itself, at the confidence of `low`; where two metrics or
        conditions are compared, above 0 means that the slice itself became worse.
    value_high : float or None
        Upper bound of it.
    rest : float or None
        The metric over all rows outside it.
    difference : float or None
        `value` less `rest`.
    low : float or None
        Lower bound of the difference; the bounds of all slices that were searched hold at once.
    high : float or None
        Upper bound of it.
    p_value : float or None
        One-sided p-value of *worse than the rest*, for this slice alone.  Do not quote it: the
        slice was chosen for it.
    p_adjusted : float or None
        The same after everything that was searched.  The resampling methods know nothing below
        0.001.
    confirmed : bool
        True where the slice is proven worse than its rest; else it is a lead.
    score : float
        What it is ordered by, on the rows that were searched.
    overall_without : float or None
        The overall metric if this slice were as good as the rest: the rest's.
    folded : tuple of str
        Slices that were folded into this one, as predicates, best first.
    overlaps : tuple of float
        Shared rows over rows of either, with each slice of the list in its order; 1 with
        itself.
    reason : str or None
        Why a number is missing; `None` where none is.
    """

    predicate: str
    literals: tuple[str, ...]
    contributions: tuple[float | None, ...]
    n_rows: int
    n_units: int
    support: float
    numerator: float | None
    denominator: float | None
    value: float | None
    value_low: float | None
    value_high: float | None
    rest: float | None
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    p_adjusted: float | None
    confirmed: bool
    score: float
    overall_without: float | None
    folded: tuple[str, ...]
    overlaps: tuple[float, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """How much was looked at.

    `admissible` is the number of slices with enough support (an upper limit where `counted` is false;
    `None` where it was not needed); `bound` is the score that none of the others exceeds.

    Attributes
    ----------
    candidates : int
        Slices that were considered.
    evaluated : int
        Those of them that had to be counted; the others could not reach the list, as their
        bounds show.
    depth : int
        Largest number of literals in a slice.
    literals : int
        Literals that enough rows satisfy, and not all.
    features : tuple of str
        Columns that slices were made of.
    min_rows : int
        Rows of the smallest slice.
    admissible : int or None
        The family: how many slices have enough rows and denominator.  `None` where it was not
        needed.
    counted : bool or None
        True where `admissible` was counted, false where it is an upper limit.
    bound : float or None
        A score that no slice left out exceeds, folded ones and those with too few units apart;
        `None` where nothing was left.
    seconds : float
        Time of reading, searching and confirming.
    """

    candidates: int
    evaluated: int
    depth: int
    literals: int
    features: tuple[str, ...]
    min_rows: int
    admissible: int | None
    counted: bool | None
    bound: float | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """How slices were confirmed; `sentence` says it to a person.

    `p_floor` is the least that an adjusted p-value can be, where it is simulated.

    Attributes
    ----------
    method : str
        `exact`, `permutation`, `bootstrap`, `split`, `cross-screening`, `e-values` or `none`.
    family : int or None
        Over how many slices the confirmation holds: all admissible ones; for `split` those that
        the first half told.  `None` for `none`.
    critical_z : float or None
        Normal quantile of the bounds; of few units they reach further, as Student's t does.
    held_out_rows : int or None
        For `split`, rows of the half that did not choose; else `None`.
    sentence : str
        The same for people.
    p_floor : float or None
        The least that an adjusted p-value can be, where it is simulated: a value there means
        less than it.  `None` elsewhere.
    """

    method: str
    family: int | None
    critical_z: float | None
    held_out_rows: int | None
    sentence: str
    p_floor: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedMetric:
    """The metric searched; `baseline` where slices are those in which it is worse than another.

    Attributes
    ----------
    name : str
        The metric's name.
    expression : str
        The metric as it was written, with every argument named; it parses back to the same
        metric.
    definition : str
        Numerator over denominator, in words.
    higher_is_worse : bool
        Direction of harm, after `--worse`.
    in_points : bool
        True where the value is a share of something, so that a difference of 0.01 reads as one
        percentage point.
    baseline : str or None
        With `--baseline` the other metric, with `--between` the first condition; every value is
        then *the metric less this*, on the same samples.  Else `None`.
    """

    name: str
    expression: str
    definition: str
    higher_is_worse: bool
    in_points: bool
    baseline: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedOverall:
    """The metric on all rows.

    Attributes
    ----------
    value : float or None
        The metric over all rows.
    n_rows : int
        Rows searched: those that satisfy `where` and have what the metric and the unit need.
    n_units : int
        Independent units among them; the rows where no unit is named.
    numerator : float or None
        Sum above the line.
    denominator : float or None
        Sum below the line.
    """

    value: float | None
    n_rows: int
    n_units: int
    numerator: float | None
    denominator: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings:
    """How it was searched; a search of a cube has no columns to name.

    Attributes
    ----------
    features : str or None
        Columns asked for, separated by commas; `None` where all were taken that could be.
    unit : str or None
        Column of the independent unit.
    weight : str or None
        Column that says how many each row stands for; `None` where each stands for one.
    where : str or None
        The predicate that kept rows; `None` where all were kept.
    baseline : str or None
        The other metric of `--baseline`, or `None`.
    between : str or None
        The column and its two values of `--between`, or `None`.
    worse : str or None
        The direction of harm where it was given, or `None`.
    bins : tuple of str
        Edges or numbers of bins, as `--bins` takes them.
    missing : tuple of str
        Texts that mean missing, where the usual ones were replaced.
    columns : str or None
        Types of columns that were declared, as `--columns` takes them, or `None`.
    seed : int
        Of permutations, multipliers and halves.
    depth : int
        Literals that a slice may have.
    min_support : float
        Smallest slice: a share of the rows below 1, or a number of rows.
    min_units : int
        Fewest independent units of a slice, where a unit is named.
    min_denominator : float
        Smallest denominator of a slice.
    top : int
        How many slices were asked for.
    score : str
        What slices are ordered by.
    alpha : float
        Weight of the error against the size in SliceLine's score.
    merge : int
        Largest `IN` set that was offered.
    overlap : float
        Share of common rows above which two slices say the same.
    fold : bool
        Whether slices that add nothing were folded.
    kernel : str
        What counted; both give the same.
    memory_limit : float
        In GB.
    versions : dict
        Versions of what computed the numbers.
    """

    features: str | None = None
    unit: str | None = None
    weight: str | None = None
    where: str | None = None
    baseline: str | None = None
    between: str | None = None
    worse: str | None = None
    bins: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    columns: str | None = None
    seed: int
    depth: int
    min_support: float
    min_units: int
    min_denominator: float
    top: int
    score: str
    alpha: float
    merge: int
    overlap: float
    fold: bool
    kernel: str
    memory_limit: float
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices(Shown):
    """Found slices: confirmed ones and leads.

    Prints as a table, also in notebooks; `to_dict`, `to_json` and `to_html` give the other forms, and
    `from_dict` the way back.

    `elsewhere` has proven slices that the score does not list, where it lists no proven one.

    Attributes
    ----------
    exact : bool
        True where the search ran to its end, so that no slice left out has a higher score than
        the last one told, but for folded ones.  False after Ctrl-C: the best so far, and
        nothing is confirmed.
    metric : SearchedMetric
        What was searched.
    level : float
        Confidence of everything said about slices together, for example 0.95.
    unit : str or None
        Column that names the independent unit; `None` where each row counts as independent.
    source : str
        What the user called the table.
    sha256 : str or None
        SHA-256 of the files' bytes, in the order of their names; `None` for frames, servers and
        cubes.
    overall : SearchedOverall
        The metric over all rows that were searched.
    score : str
        What slices are ordered by: `evidence`, `sliceline`, `difference`, `z` or `harm`.
    searched : Searched
        How much was looked at.
    confirmation : Confirmation
        How slices were confirmed.
    slices : tuple of Slice
        One entry a slice, highest score first; after `cross-screening` and `e-values` most
        certain first.
    left_out : dict
        Columns that slices could not be made of, each with the reason.
    notes : tuple of Note
        What a reader must know besides, each with a stable `code` and a `text`; most are shown
        before the numbers.
    command : str
        A command line that searches again.
    settings : SearchSettings
        The options that decided.
    missing : tuple of Missing
        Rows that are not in the numbers.
    elsewhere : tuple of Slice
        Where no slice of the list is proven worse: others that are, which the score does not
        list or puts behind; the fields are those of a slice.
    """

    SCHEMA: ClassVar[str] = "evenhand.slices/1"
    ROOM: ClassVar[str] = "evenhand.slicing"

    exact: bool
    metric: SearchedMetric
    level: float
    unit: str | None
    source: str
    sha256: str | None
    overall: SearchedOverall
    score: str
    searched: Searched
    confirmation: Confirmation
    slices: tuple[Slice, ...]
    left_out: dict[str, str]
    notes: tuple[Note, ...]
    command: str
    settings: SearchSettings
    missing: tuple[Missing, ...] = ()
    elsewhere: tuple[Slice, ...] = ()

    @property
    def confirmed(self) -> tuple[Slice, ...]:
        """Slices proven worse than their rest."""
        return tuple(found for found in self.slices if found.confirmed)

    @property
    def leads(self) -> tuple[Slice, ...]:
        """Slices that look worse but are not proven."""
        return tuple(found for found in self.slices if not found.confirmed)
