"""How to judge: the options of an audit that decide verdicts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRules:
    """How to judge.

    Attributes
    ----------
    level : float
        Confidence of every statement, and of all comparisons together.
    versus : str
        ``rest``, ``best``, ``overall``, or the name of the attribute that marks the reference.
    tolerance : float
        A difference within it is no harm; in the metric's units.
    min_units : int
        Fewer independent units than this are refused.
    adjust : str
        ``max-t``, ``holm`` or ``bh``.
    interval : str
        ``wilson`` or ``clopper-pearson`` for proportions.
    higher_is_worse : bool
        Direction of harm.
    low, high : float, optional
        Range of the metric.
    ceiling : float, optional
        What a unit that is wholly wrong has, where the range has no upper end: words can be wrong more
        than once.
    family : int
        Metrics audited together; the confidence is shared among them.
    suppress_below : int
        Groups with fewer units are hidden, and others that would give them away.
    draws, seed : int
        Of the multiplier bootstrap.
    units : tuple of str
        Columns that name independent units.
    weight : str, optional
        Column that says how many each row stands for.
    stratum : str, optional
        Column that tells apart the strata within which units were drawn.
    """

    level: float = 0.95
    versus: str = "rest"
    tolerance: float = 0.0
    min_units: int = 5
    adjust: str = "max-t"
    interval: str = "wilson"
    higher_is_worse: bool = True
    low: float | None = None
    high: float | None = None
    ceiling: float | None = None
    family: int = 1
    suppress_below: int = 0
    draws: int = 10_000
    seed: int = 0
    units: tuple[str, ...] = ()
    weight: str | None = None
    stratum: str | None = None

    @property
    def unit(self) -> str:
        """What one unit is called in a sentence."""
        return self.units[0] if len(self.units) == 1 else "unit" if self.units else "row"

    @property
    def units_name(self) -> str | None:
        """The columns that name units, as results give them."""
        return " × ".join(self.units) or None

    @property
    def joint_level(self) -> float:
        """Confidence left for one metric of the family (Bonferroni)."""
        return 1 - (1 - self.level) / self.family
