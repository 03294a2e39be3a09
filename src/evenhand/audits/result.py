"""What an audit says: values that go to JSON and back unchanged."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from evenhand.errors import Note
from evenhand.groups.partition import Key
from evenhand.pages.edition import PLAIN
from evenhand.pages.shown import Shown
from evenhand.results.estimate import Estimate, Missing
from evenhand.results.origin import MetricNote, Source

Verdict = Literal["worse", "not worse", "insufficient evidence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A group's difference to its reference.

    `low` and `high` hold for all comparisons of the audit at once; `p_adjusted`, `ratio_low` and
    `ratio_high` likewise.  `ratio_high` is `None` where the reference's rate may be 0.
    `harm_limit` is what the harm may be at most whatever the distribution of bounded units, where the
    interval alone would say *not worse*; `units_needed` would bring it within the tolerance.

    Attributes
    ----------
    reference : str
        What the group is compared with: `rest`, `overall`, or a predicate.
    difference : float or None
        The group's value less the reference's.
    low : float or None
        Lower end of the difference's interval; holds for all comparisons of the audit at once.
    high : float or None
        Upper end of it.
    ratio : float or None
        The group's value over the reference's; `None` where the metric has no meaningful zero.
    ratio_low : float or None
        Lower end of the ratio's interval; holds for all comparisons of the audit at once.
    ratio_high : float or None
        Upper end of it; `None` where the reference's rate may be 0.
    p_value : float or None
        Two-sided p-value of this comparison alone.
    p_adjusted : float or None
        The same, corrected for all comparisons and metrics.
    method : str or None
        How the interval was made: `newcombe`, `newcombe-exact`, `influence-t`, `bounded-units`
        or `bounded-as-seen`.
    reason : str or None
        Why there was no comparison; `None` where there was.
    harm_limit : float or None
        What the harm may be at most whatever bounded units are like, where the interval alone
        would say *not worse*; `None` elsewhere.
    units_needed : int or None
        How many units like those seen would bring `harm_limit` within the tolerance; `None`
        where it is, or no number would.
    """

    reference: str
    difference: float | None
    low: float | None
    high: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    p_value: float | None
    p_adjusted: float | None
    method: str | None
    reason: str | None
    harm_limit: float | None = None
    units_needed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group of one partition, with its verdict; `None` where it is the reference itself.

    Attributes
    ----------
    by : tuple of str
        The attributes that the group's partition cuts by.
    group : dict
        Its value of each attribute; for a bin its bounds, for a predicate true.
    predicate : str
        The group as a predicate: give it to `--where` to look at its rows.
    estimate : Estimate
        Its rate; see above.
    shrunk : float or None
        Its rate with strength borrowed from the other groups of the partition; `None` where
        fewer than three groups have a rate.
    versus : Contrast or None
        Its difference to the reference; `None` where the group is the reference or suppressed.
    minimum_detectable_difference : float or None
        The smallest true difference that this comparison would find with probability 0.8.
    verdict : Verdict or None
        `worse`, `not worse` or `insufficient evidence`.
    suppressed : bool
        True where its numbers are hidden because few people are in it, or because they would
        give a hidden number away.
    """

    by: tuple[str, ...]
    group: dict[str, Key]
    predicate: str
    estimate: Estimate
    shrunk: float | None
    versus: Contrast | None
    minimum_detectable_difference: float | None
    verdict: Verdict | None
    suppressed: bool = False

    @property
    def label(self) -> str:
        """Short name: the attribute values, or the predicate."""
        return PLAIN.group(self.group, self.predicate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """How far the groups of one partition differ as a whole.

    `largest` is the raw difference of the extreme groups, which is biased upwards; `lower_bound`
    holds whichever pair is the widest; `between_group_sd` has sampling noise taken off.
    `homogeneity_p_floor` is the least that `homogeneity_p` can be, where it is simulated.

    Attributes
    ----------
    by : tuple of str
        The attributes of the partition.
    largest : float or None
        Raw difference of the two extreme groups.  Biased upwards: with many groups it is large
        by chance alone.
    lower_bound : float or None
        Some two groups differ by at least this much.  Holds for all partitions at once,
        whichever pair is the widest.
    between_group_sd : float or None
        Standard deviation of the groups' true rates, sampling noise taken off.
    homogeneity_p : float or None
        p-value of the test that all groups share one rate.
    smallest_ratio : float or None
        Lowest rate over highest rate, which the four-fifths rule looks at.
    reason : str or None
        Why there is no gap, or why `largest` and `smallest_ratio` are hidden.
    homogeneity_p_floor : float or None
        The least that `homogeneity_p` can be, where it is simulated: a value there means less
        than it.  `None` where it is computed.
    """

    by: tuple[str, ...]
    largest: float | None
    lower_bound: float | None
    between_group_sd: float | None
    homogeneity_p: float | None
    smallest_ratio: float | None
    reason: str | None = None
    homogeneity_p_floor: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A group about which the statistics will not say, and what would do.

    Attributes
    ----------
    by : tuple of str
        The attributes of the group's partition.
    predicate : str
        The group.
    reason : str
        Why; see the table of reasons.
    n_units : int or None
        Independent units that it has; `None` where suppressed.
    needed : int or None
        Independent units that it needs.
    message : str
        The refusal as a sentence.
    """

    by: tuple[str, ...]
    predicate: str
    reason: str
    n_units: int | None
    needed: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Helped:
    """What people's labels of a group say alone, and how much more with a judge's of all rows.

    Attributes
    ----------
    by : tuple of str
        The attributes of the group's partition; empty for everybody.
    predicate : str or None
        The group; `None` for everybody.
    labels : int
        Rows that people labelled and that say something about the metric.
    alone : float or None
        The metric over these rows alone.
    alone_low, alone_high : float or None
        Interval of that.
    judge_alone : float or None
        The metric by the judge's labels of all rows: biased by what it gets wrong, and no measurement.
    effective_labels : float or None
        How many labels alone would give an interval as narrow as the one here: the labels times the square of how
        many times as wide theirs is.  Fewer than `labels` where the judge does not help; `None` without an interval.
    """

    by: tuple[str, ...]
    predicate: str | None
    labels: int
    alone: float | None
    alone_low: float | None
    alone_high: float | None
    judge_alone: float | None
    effective_labels: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeHelp:
    """The judge whose labels of all rows stood beside people's of some.

    Attributes
    ----------
    expression : str
        The metric of the judge's labels.
    method : str
        `post-stratified` by the judge's answer, of shares of independent rows; else `prediction-powered`.
    weight : float or None
        By how much of the judge's difference between labelled and all rows the labels' rate was moved, one for all
        groups; `None` where rates were post-stratified.
    helped : tuple of Helped
        Everybody first, then each group in the order of the audit's groups.
    """

    expression: str
    method: str
    weight: float | None
    helped: tuple[Helped, ...]

    @property
    def overall(self) -> Helped:
        """Of everybody."""
        return self.helped[0]

    def of(self, group: Group) -> Helped | None:
        """Of one group."""
        found = (
            one for one in self.helped if (one.by, one.predicate) == (group.by, group.predicate)
        )
        return next(found, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreBin:
    """Rows whose scores are about the same: what was promised, and what came of it.

    Attributes
    ----------
    low : float
        Scores from here on; those of 1 are in the last bin.
    high : float
        Scores below it.
    mean_score : float or None
        What the scores promise: their mean.  `None` without rows.
    rate : Estimate
        What came of it: the rate of positives, with an interval for this rate alone.
    """

    low: float
    high: float
    mean_score: float | None
    rate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """What would be said yes to at one threshold, as counts of rows.

    Attributes
    ----------
    least : float
        Rows with this score or more are selected.
    true_positives, false_positives, false_negatives, true_negatives : int
        Rows by what was said, and what was true.
    """

    least: float
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreCurve:
    """The scores of a group, in ten bins of equal width.

    Attributes
    ----------
    by : tuple of str
        The attributes that the group's partition cuts by; empty for everybody.
    predicate : str or None
        The group as a predicate; `None` for everybody.
    label : str
        Short name.
    bins : tuple of ScoreBin
        From the lowest scores to the highest.
    """

    by: tuple[str, ...]
    predicate: str | None
    label: str
    bins: tuple[ScoreBin, ...]

    @property
    def thresholds(self) -> tuple[Threshold, ...]:
        """What each edge of the bins would do as a threshold, the lowest first."""
        positives = [round(one.rate.numerator or 0) for one in self.bins]
        rows = [round(one.rate.denominator or 0) for one in self.bins]
        return tuple(
            Threshold(
                least=one.low,
                true_positives=sum(positives[place:]),
                false_positives=sum(rows[place:]) - sum(positives[place:]),
                false_negatives=sum(positives[:place]),
                true_negatives=sum(rows[:place]) - sum(positives[:place]),
            )
            for place, one in enumerate(self.bins)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """The options that decided, so that anyone can run the audit again.

    Attributes
    ----------
    by : tuple of str
        Every partition that was audited, attributes joined by commas.
    where : str or None
        The predicate that kept rows; `None` where all were kept.
    versus : str
        What groups were compared with.
    tolerance : float
        A difference up to this is no harm.
    min_units : int
        Groups with fewer units were refused.
    adjust : str
        `max-t`, `holm` or `bh`; `holm` also where more than 600 sets made max-t too costly.
    comparisons : int
        How many comparisons were made.
    metrics_in_family : int
        How many metrics were audited together; they share the confidence.
    suppress_below : int
        Groups with fewer units were hidden, and others, so that no hidden number is known
        within a narrower range; 0 hides none.
    seed : int
        Of the simulation behind simultaneous intervals.
    missing_values : tuple of str
        Texts that mean missing in attribute and unit columns.
    bins : dict
        The edges at which numeric attributes were cut.
    command : str
        A command line that runs the audit again.
    versions : dict
        Python and the packages whose versions may move a number.
    """

    by: tuple[str, ...]
    where: str | None
    versus: str
    tolerance: float
    min_units: int
    adjust: str
    comparisons: int
    metrics_in_family: int
    suppress_below: int
    seed: int
    missing_values: tuple[str, ...]
    bins: dict[str, tuple[float, ...]]
    command: str
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit(Shown):
    """Verdicts about the groups of a table under one metric.

    Prints as a table, also in notebooks; `to_dict`, `to_json`, `to_csv` and `to_html` give the
    other forms, and `from_dict` the way back.

    Attributes
    ----------
    metric : MetricNote
        What was measured.
    level : float
        Confidence of each interval, and of all comparisons together, for example 0.95.
    unit : str or None
        Column that names the independent unit; `None` where each row counts as independent.
    source : Source
        Where the records came from.
    overall : Estimate
        The estimate over all rows audited.
    groups : tuple of Group
        One entry a group, in the order of `settings.by`, worst first within each.
    gap : Gap or None
        The gap that is proven widest: the entry of `gaps` with the largest `lower_bound`.
        `None` where none could be bounded.
    gaps : tuple of Gap
        One entry a partition: how far its groups differ as a whole.
    refused : tuple of Refused
        Groups about which the statistics will not say.
    missing : tuple of Missing
        Attributes and metric columns with rows that lack them.
    settings : AuditSettings
        The options that decided, so that anyone can run the audit again.
    notes : tuple of Note
        What a reader must know before the numbers.  Empty where there is nothing.
    scores : tuple of ScoreCurve
        For a metric of probabilities of a yes-or-no label: everybody's scores, then each group's.  Empty for
        other metrics, where anything is hidden, for weighted rows, and for more than 40 groups.
    weight : str or None
        Column that says how many each row stands for; `None` where each stands for one.
    stratum : str or None
        Column that tells apart the strata within which units were drawn; `None` where there are none.
    judge : JudgeHelp or None
        Whose labels of all rows stood beside people's of some; `None` where there was none.
    """

    SCHEMA: ClassVar[str] = "evenhand.audit/1"
    ROOM: ClassVar[str] = "evenhand.audits"

    metric: MetricNote
    level: float
    unit: str | None
    source: Source
    overall: Estimate
    groups: tuple[Group, ...]
    gap: Gap | None
    gaps: tuple[Gap, ...]
    refused: tuple[Refused, ...]
    missing: tuple[Missing, ...]
    settings: AuditSettings
    notes: tuple[Note, ...] = ()
    scores: tuple[ScoreCurve, ...] = ()
    weight: str | None = None
    stratum: str | None = None
    judge: JudgeHelp | None = None

    @property
    def worse(self) -> tuple[Group, ...]:
        """Groups with the verdict *worse*."""
        return tuple(group for group in self.groups if group.verdict == "worse")

    def to_csv(self) -> str:
        """One row a group, as comma-separated values."""
        return str(self.drawn_by("csv").render_csv(self))
