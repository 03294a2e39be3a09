"""The search that users call: from a table and a metric to confirmed slices and leads."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Unpack

import numpy as np

from evenhand.cubes import Cells, Cube, cells_of
from evenhand.errors import InputError
from evenhand.groups import (
    Attribute,
)
from evenhand.groups.partition import join_names
from evenhand.metrics import Metric, MetricPlan
from evenhand.metrics.weights import Weighting
from evenhand.questions.command import write_command, written_bins
from evenhand.questions.counted import check_asked, counted_records, open_cells
from evenhand.questions.keywords import tells_options
from evenhand.questions.opening import opened
from evenhand.questions.options import (
    AT_LEAST_0,
    LEVEL,
    SHARE,
    Allowed,
    check_choices,
    check_numbers,
    check_texts,
    plain,
    plain_bins,
    whole,
)
from evenhand.questions.premises import explained
from evenhand.questions.question import unit_columns
from evenhand.records import MISSING_VALUES, Kind
from evenhand.slicing.assembly import Facts, assemble
from evenhand.slicing.confirm import METHODS, choose_method, confirm, prove_others
from evenhand.slicing.counted import search_of_counts
from evenhand.slicing.evidence import read_evidence
from evenhand.slicing.far import FarRows
from evenhand.slicing.folding import Kept
from evenhand.slicing.hunt import (
    Hunt,
    Report,
    SearchFields,
    SearchOptions,
    prepare,
    prepare_far,
    rows_needed,
)
from evenhand.slicing.judging import Aim
from evenhand.slicing.losses import is_binary
from evenhand.slicing.maximum import DRAWS
from evenhand.slicing.question import SearchQuestion
from evenhand.slicing.result import SearchedMetric as MetricNote
from evenhand.slicing.result import Slices
from evenhand.slicing.scores import SCORES
from evenhand.slicing.space import MERGED_VALUES
from evenhand.slicing.verdicts import Verdicts

_KINDS = (Kind.TEXT, Kind.BOOLEAN, Kind.INTEGER, Kind.NUMBER, Kind.DATE)
#: Conditions of a slice, and slices told, at most.
DEEPEST, MOST = 4, 1000


@tells_options
def slices(
    table: Any,
    metric: str | Metric = "",
    *,
    features: str | Sequence[str] | None = None,
    depth: int = 3,
    min_support: float = 0.01,
    min_units: int = 5,
    min_denominator: float = 0.0,
    top: int = 10,
    score: str | None = None,
    alpha: float = 0.95,
    confirm: bool | str = True,
    unit: str | None = None,
    weight: str | None = None,
    where: str | None = None,
    baseline: str | Metric | None = None,
    between: str | None = None,
    bins: Mapping[str, int | Sequence[float]] | None = None,
    merge: int = 1,
    fold: bool = True,
    overlap: float = 0.5,
    level: float = 0.95,
    worse: str | None = None,
    missing_values: Sequence[str] = MISSING_VALUES,
    columns: str | Mapping[str, str] | None = None,
    seed: int = 0,
    kernel: str = "auto",
    memory_limit: float = 8.0,
    command: str | None = None,
    progress: Report | None = None,
) -> Slices:
    """Find the subsets nobody named where a service is worst, and say which are proven.

    Parameters
    ----------
    table : str, Path or data frame
        As in `evenhand.audit`; one row per evaluated example.
    metric : str or Metric
        A ratio of sums, for example ``error_rate(label=y, prediction=p)`` or ``wer(…)``.
    features : str or sequence of str, optional
        Columns that slices may be made of; all but the metric's and the unit's where not given.
    depth : int
        Conditions a slice may have, 1 to 4.
    min_support : float
        Smallest slice: a share of the rows below 1, or a number of rows.
    min_units, min_denominator : int, float
        Fewest independent units (where `unit` is named), and the smallest denominator.
    top : int
        How many slices to tell.
    score : {'evidence', 'sliceline', 'difference', 'z', 'harm'}, optional
        What to order by; evidence that a slice is worse than its rest where not given.
    alpha : float
        Weight of the error against the size in SliceLine's score.
    confirm : bool or str
        ``True`` or ``"auto"`` picks the method that suits the data; or one of exact, permutation, bootstrap, split,
        cross-screening, e-values; ``False`` or ``"none"`` leaves all slices leads.
    unit : str, optional
        Column that names what is independent (speaker, patient, document).
    weight : str, optional
        Column that says how many each row stands for, as in `evenhand.audit`.
    where : str, optional
        Predicate; only rows that satisfy it are read.
    baseline : str or Metric, optional
        Another metric on the same rows: slices are those where `metric` is worse than it.
    between : str, optional
        ``column=before,now``: slices where rows with the second value are worse than those with the
        first, unit by unit.
    bins : mapping, optional
        Numeric features: edges, or a number of quantile bins; quartiles where not given.
    merge : int
        Offer ``IN`` sets of up to this many values.
    fold : bool
        Fold slices that add nothing to a worse one into that.
    overlap : float
        Share of common rows from which on two slices are the same.
    level : float
        Confidence over everything searched.
    worse : {'higher', 'lower'}, optional
        Direction of harm, where it is not the metric's own.
    missing_values : sequence of str
        Texts that mean missing in attributes, units, labels and scores.
    columns : str or mapping, optional
        Types of columns where you know better, such as ``age=number, code=text``.
    seed : int
        Of permutations, multipliers and halves.
    kernel : {'auto', 'numpy', 'compiled'}
        What counts; both give the same.
    memory_limit : float
        In GB; a search that needs more is refused.
    command : str, optional
        The command that reports name as their origin.
    progress : callable, optional
        Told how far the search is, as `evenhand.slicing.Progress`, now and then.

    Returns
    -------
    Slices

    Raises
    ------
    InputError
        For anything that must be changed first.

    Notes
    -----
    The list is exact: no admissible slice has a higher score than the last one told, except those
    folded into one that is.  After Ctrl-C it is the best so far, with ``exact`` false.

    Examples
    --------
    >>> import evenhand, pyarrow as pa
    >>> rows = [(s, a, int(s == "b" and a == "old")) for s in "ab" for a in ("old", "young")] * 50
    >>> site, age, wrong = zip(*rows)
    >>> table = pa.table({"site": site, "age": age, "wrong": wrong})
    >>> found = evenhand.slices(table, metric="mean(wrong)", score="z")
    >>> [(s.predicate, s.value, s.confirmed) for s in found.slices[:1]]
    [("site = 'b' AND age = 'old'", 1.0, True)]
    """
    started = time.perf_counter()
    settings = SearchOptions(
        depth=plain(depth),
        min_support=plain(min_support),
        min_units=plain(min_units),
        min_denominator=plain(min_denominator),
        top=plain(top),
        score=score or SearchOptions().score,
        alpha=plain(alpha),
        merge=plain(merge),
        overlap=plain(overlap),
        fold=fold,
        kernel=kernel,
        memory_limit=plain(memory_limit),
    )
    method = _method(confirm)
    level, seed = plain(level), plain(seed)
    _check(settings, level, seed)
    check_choices({"worse": worse})
    texts = {"where": where, "unit": unit, "weight": weight, "between": between}
    check_texts(texts, words="text that names a column")
    counted = counted_records(table)
    if counted is None and not metric:
        raise InputError("Say which metric, for example error_rate(label=y, prediction=p).")
    if counted is not None:
        weighting = Weighting(weight=weight)
        check_asked(counted, unit_columns(unit), columns, missing_values, weighting)
        table, unit = open_cells(counted), counted.units[0] if counted.units else None
    with opened(table, columns=columns, missing_values=missing_values) as records:
        if counted is not None:
            asked, evidence = search_of_counts(
                counted, records, settings, metric=metric, features=features, where=where,
                bins=plain_bins(bins), worse=worse, two_sides=bool(baseline or between),
            )  # fmt: skip
        else:
            asked = SearchQuestion.read(
                records, metric, baseline, between, features, unit, where, plain_bins(bins), worse,
                weight,
            )  # fmt: skip
            unit = asked.unit
            with explained(asked.notes, [asked.metric], records):
                evidence = read_evidence(asked, settings, method, progress)
        sha256 = records.sha256()
        options = {
            "features": features
            if features is None or isinstance(features, str)
            else join_names(features),
            "unit": unit,
            "weight": asked.weighting.weight,
            "where": where,
            "baseline": baseline.text if isinstance(baseline, Metric) else baseline,
            "between": between,
            "worse": worse,
            "bins": written_bins(plain_bins(bins)),
            "missing": () if records.missing_values == MISSING_VALUES else records.missing_values,
            "columns": records.declared or None,
            "seed": seed,
        }
        facts = Facts(
            metric=asked.note,
            unit=unit,
            source=records.name,
            sha256=sha256,
            level=level,
            seed=seed,
            left_out=dict(asked.left_out),
            explicit=features is not None or counted is not None,
            command=command or _command(asked, {**options, **asdict(settings)}, method, level),
            options=options,
            started=started,
            notes=(*asked.notes, *evidence.notes),
            missing=evidence.missing,
        )
        return search_cells(
            evidence.cells, asked.question, settings, method=method, facts=facts, progress=progress
        )


@tells_options
def slices_of_cube(
    cube: Cube,
    plan: MetricPlan,
    *,
    attributes: Sequence[Attribute] | None = None,
    higher_is_worse: bool = True,
    name: str = "metric",
    confirm: bool | str = True,
    level: float = 0.95,
    seed: int = 0,
    progress: Report | None = None,
    **options: Unpack[SearchFields],
) -> Slices:
    """Search a cube instead of rows; the same slices as from the rows it was made of.

    Parameters
    ----------
    cube : Cube
        Counts by the features, for example one of `evenhand.read_cube`.
    plan : MetricPlan
        How the metric's value follows from the counts: ``metric.plan(records)``.
    attributes : sequence of Attribute, optional
        Those of the cube's attributes that are cut at edges.
    higher_is_worse : bool
        Direction of harm.
    name : str
        What the metric is called.
    confirm, level, seed, progress
        As in `slices`.
    **options
        Fields of `SearchOptions`: depth, min_support, top, score …
    """
    given: dict[str, Any] = {name: plain(value) for name, value in options.items()}
    settings = SearchOptions(**given)
    method = _method(confirm)
    level, seed = plain(level), plain(seed)
    _check(settings, level, seed)
    cells = cells_of(cube, attributes, rows_needed(settings, cube))
    question = Aim(form=plan.form, higher_is_worse=higher_is_worse, proportion=plan.proportion)
    note = MetricNote(
        name=name, expression=name, definition="", higher_is_worse=higher_is_worse, in_points=True
    )
    facts = Facts(
        metric=note,
        unit="unit" if cube.units is not None else None,
        source="cube",
        sha256=None,
        level=level,
        seed=seed,
        left_out={},
        explicit=True,
        command="",
        options={},
        started=time.perf_counter(),
    )
    return search_cells(cells, question, settings, method=method, facts=facts, progress=progress)


def search_cells(
    cells: Cells | FarRows,
    question: Aim,
    settings: SearchOptions,
    *,
    method: str | None,
    facts: Facts,
    progress: Report | None = None,
) -> Slices:
    """Search, confirm and report."""
    if isinstance(cells, FarRows):
        hunt = prepare_far(cells, settings)
    else:
        binary = question.proportion or is_binary(cells, question.form)
        hunt = prepare(cells, replace(question, proportion=binary), settings)
    hunt = hunt if facts.explicit else _without_leaks(hunt, facts)
    if method is not None:
        _check_reach(choose_method(hunt, method), facts.level)
    found, kept = hunt.find(progress)
    hunt = hunt.telling([hunt.literals(one.candidate) for one in kept])
    verdicts = others = None
    if method is not None and found.exact:
        try:
            verdicts = _confirmed(hunt, kept, method, facts, progress)
            others = prove_others(hunt, verdicts, level=facts.level, progress=progress)
        except KeyboardInterrupt:
            found, verdicts = replace(found, exact=False), None
    return assemble(hunt, found, kept, verdicts, facts, others)


def _check_reach(method: str, level: float) -> None:
    """Refuse a level at which so many draws could prove nothing."""
    if method in ("permutation", "bootstrap") and (1 - level) * (DRAWS + 1) < 1:
        raise InputError(
            f"level is {level:g}, but {DRAWS} draws know no p-value below {1 / (DRAWS + 1):g}, so --confirm {method} "
            f"could prove nothing.  Take a level up to {1 - 1 / (DRAWS + 1):g}, or --confirm split."
        )


def _confirmed(
    hunt: Hunt, kept: Sequence[Kept], method: str, facts: Facts, progress: Report | None
) -> Verdicts:
    rng = np.random.default_rng(facts.seed)
    chosen = choose_method(hunt, method)
    best = [one.candidate for one in kept]
    return confirm(hunt, best, chosen, level=facts.level, rng=rng, progress=progress)


def _without_leaks(hunt: Hunt, facts: Facts) -> Hunt:
    """Leave out features that are the loss itself: slices of them would say nothing."""
    leaks = hunt.leaks()
    if not leaks:
        return hunt
    names = [hunt.cells.attributes[number].name for number in leaks]
    facts.left_out.update(dict.fromkeys(names, "it tells the loss of every row"))
    kept = [n for n in range(len(hunt.cells.attributes)) if n not in leaks]
    if not kept:
        raise InputError(
            f"All features tell the loss of every row ({', '.join(names)}), so slices of them would say nothing.  "
            "Name others, or these with --features."
        )
    if hunt.far is not None:
        return prepare_far(hunt.far.only(kept), hunt.settings)
    return prepare(hunt.cells.only(kept), hunt.question, hunt.settings)


def _method(confirm: bool | str) -> str | None:
    if confirm is True:
        return "auto"
    if confirm is False or confirm == "none":
        return None
    check_choices({"confirm": confirm}, {"confirm": (*METHODS, "none")}, needed=("confirm",))
    return str(confirm)


#: A share, or so many.
SUPPORT = Allowed(least=0, words="a share of the rows in (0, 1), or a whole number of rows")
#: What the numbers of a search may be.
_NUMBERS = {
    "depth": whole(1, DEEPEST),
    "top": whole(1, MOST),
    "min_units": whole(1),
    "merge": whole(1, MERGED_VALUES),
    "seed": whole(0),
    "min_support": SUPPORT,
    "min_denominator": AT_LEAST_0,
    "memory_limit": AT_LEAST_0,
    "overlap": SHARE,
    "level": LEVEL,
}


def _check(settings: SearchOptions, level: float, seed: int) -> None:
    """Refuse options that have no meaning."""
    own = {name: getattr(settings, name) for name in _NUMBERS if hasattr(settings, name)}
    check_numbers({**own, "level": level, "seed": seed}, _NUMBERS)
    support = settings.min_support
    if support == 0 or (support >= 1 and support != int(support)):
        raise InputError(f"min_support is {support!r}, but must be {SUPPORT.words}.")
    check_choices({"score": settings.score}, {"score": SCORES}, needed=("score",))


def _command(
    asked: SearchQuestion, options: Mapping[str, Any], method: str | None, level: float
) -> str:
    """The same search on the command line."""
    own = {name: value for name, value in options.items() if name not in ("kernel", "fold")}
    given = {
        "metric": asked.metric.text,
        **own,
        "score": own["score"] if own["score"] != SearchOptions().score else None,
        "fold": options["fold"],
        "confirm": True if method == "auto" else method or "none",
        "level": level,
        **asked.records.options,
    }
    return write_command(slices, asked.records.name, given)
