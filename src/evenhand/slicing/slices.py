"""The search that users call: from a table and a metric to confirmed slices and leads."""

import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import duckdb
import numpy as np

from evenhand.cubes import Cells, Cube, bin_attributes, build_cube, cells_of, read_cells
from evenhand.errors import InputError, Note, near
from evenhand.groups import (
    And,
    Attribute,
    In,
    Predicate,
    equals,
    parse_partitions,
    parse_predicate,
    to_expression,
)
from evenhand.groups.partition import join_names, split_names
from evenhand.metrics import Metric, Plan, parse_metric
from evenhand.questions.absent import missing_rows
from evenhand.questions.premises import explained, read_premises
from evenhand.records import MISSING_VALUES, Kind, Records, find_column, open_records
from evenhand.results.estimate import Missing
from evenhand.slicing.confirm import METHODS, choose_method, confirm, prove_others
from evenhand.slicing.differences import (
    baseline_plan,
    between_plan,
    check_denominators,
    typed_value,
)
from evenhand.slicing.folding import Kept
from evenhand.slicing.hunt import Hunt, Report, Settings, prepare, rows_needed
from evenhand.slicing.judging import Question
from evenhand.slicing.leaks import leaks_of
from evenhand.slicing.report import Facts, Slices, report
from evenhand.slicing.result import Metric as MetricNote
from evenhand.slicing.scores import SCORES
from evenhand.slicing.space import MERGED_VALUES
from evenhand.slicing.verdicts import Verdicts
from evenhand.stats.forms import Ratio

_KINDS = (Kind.TEXT, Kind.BOOLEAN, Kind.INTEGER, Kind.NUMBER, Kind.DATE)
#: Conditions of a slice, and slices told, at most.
DEEPEST, MOST = 4, 1000


def slices(
    table: Any,
    metric: str | Metric,
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
    settings = _plain_settings(
        depth=depth,
        min_support=min_support,
        min_units=min_units,
        min_denominator=min_denominator,
        top=top,
        score=score or Settings().score,
        alpha=alpha,
        merge=merge,
        overlap=overlap,
        fold=fold,
        kernel=kernel,
        memory_limit=memory_limit,
    )
    method = _method(confirm)
    _check(settings, level, seed, worse)
    for name, text in {"where": where, "unit": unit, "between": between}.items():
        if text is not None and not isinstance(text, str):
            raise InputError(f"{name} is {text!r}, but must be text that names a column.")
    if bins is not None and not isinstance(bins, Mapping):
        raise InputError(
            f"bins are {bins!r}, but must name features, for example {{'age': [25, 45]}}."
        )
    records = open_records(table, columns=columns, missing_values=missing_values)
    try:
        asked = _Asked.read(
            records, metric, baseline, between, features, unit, where, bins or {}, worse
        )
        with explained(asked.notes, [asked.metric], records):
            cells, missing = asked.cells(settings, records.missing_values)
        sha256 = records.sha256()
    except duckdb.Error as error:
        records.raise_faults()
        reason = str(error).splitlines()[0]
        raise InputError(f"{records.name} cannot be read as asked: {reason}") from error
    finally:
        if records.engine is not getattr(table, "engine", None):
            records.close()
    against = baseline.text if isinstance(baseline, Metric) else baseline
    options = {
        "features": features
        if isinstance(features, str) or features is None
        else join_names(features),
        "unit": unit,
        "where": where,
        "baseline": against,
        "between": between,
        "worse": worse,
        "bins": _written_bins(bins or {}),
        "missing": () if records.missing_values == MISSING_VALUES else records.missing_values,
        "columns": records.declared or None,
        "seed": str(seed) if seed else None,
    }
    facts = Facts(
        metric=asked.note,
        unit=unit,
        source=records.name,
        sha256=sha256,
        level=level,
        seed=seed,
        left_out=dict(asked.left_out),
        explicit=features is not None,
        command=command or _command(asked, settings, method, level, options),
        options=options,
        started=started,
        notes=asked.notes,
        missing=missing,
    )
    return search_cells(
        cells, asked.question, settings, method=method, facts=facts, progress=progress
    )


def slices_of_cube(
    cube: Cube,
    plan: Plan,
    *,
    attributes: Sequence[Attribute] | None = None,
    higher_is_worse: bool = True,
    name: str = "metric",
    confirm: bool | str = True,
    level: float = 0.95,
    seed: int = 0,
    progress: Report | None = None,
    **options: Any,
) -> Slices:
    """Search a cube instead of rows; the same slices as from the rows it was made of.

    Parameters
    ----------
    cube : Cube
        Counts by the features, for example from `evenhand.Cube.read`.
    plan : Plan
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
        Fields of `Settings`: depth, min_support, top, score …
    """
    settings = _plain_settings(**options)
    method = _method(confirm)
    _check(settings, level, seed, None)
    cells = cells_of(cube, attributes, rows_needed(settings, int(cube.n_rows.sum())))
    question = Question(form=plan.form, higher_is_worse=higher_is_worse, proportion=plan.proportion)
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
    cells: Cells,
    question: Question,
    settings: Settings,
    *,
    method: str | None,
    facts: Facts,
    progress: Report | None = None,
) -> Slices:
    """Search, confirm and report."""
    question = replace(question, proportion=question.proportion or _binary(cells, question))
    hunt = prepare(cells, question, settings)
    hunt = hunt if facts.explicit else _without_leaks(hunt, facts)
    found, kept = hunt.find(progress)
    verdicts = others = None
    if method is not None and found.exact:
        try:
            verdicts = _confirmed(hunt, kept, method, facts, progress)
            others = prove_others(hunt, verdicts, level=facts.level, progress=progress)
        except KeyboardInterrupt:
            found, verdicts = replace(found, exact=False), None
    return report(hunt, found, kept, verdicts, facts, others)


def _binary(cells: Cells, question: Question) -> bool:
    """Whether each cell is a row with a denominator of 0 or 1 and a numerator of at most that."""
    if not isinstance(question.form, Ratio) or cells.unit is not None or (cells.n_rows != 1).any():
        return False
    above, below = question.form.split(cells.sums[:, None, :])
    return bool(
        np.isin(below, (0, 1)).all() and np.isin(above, (0, 1)).all() and (above <= below).all()
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
    return prepare(hunt.cells.only(kept), hunt.question, hunt.settings)


def _method(confirm: bool | str) -> str | None:
    if confirm is True:
        return "auto"
    if confirm is False or confirm == "none":
        return None
    if confirm not in METHODS:
        raise InputError(
            f"confirm is {confirm!r}.{near(str(confirm), METHODS)}  Allowed: {', '.join(METHODS)}, none"
        )
    return str(confirm)


def _check(settings: Settings, level: float, seed: int, worse: str | None) -> None:
    """Refuse options that have no meaning."""
    support = settings.min_support
    rows = (
        _number(support)
        and np.isfinite(support)
        and (0 < support < 1 or (support >= 1 and support == int(support)))
    )
    ranges: dict[str, tuple[object, bool, str]] = {
        "depth": _whole(settings.depth, 1, DEEPEST),
        "top": _whole(settings.top, 1, MOST),
        "min_units": _whole(settings.min_units, 1, None),
        "merge": _whole(settings.merge, 1, MERGED_VALUES),
        "seed": _whole(seed, 0, None),
        "min_support": (support, rows, "a share of the rows in (0, 1), or a whole number of rows"),
        "min_denominator": _at_least_0(settings.min_denominator),
        "memory_limit": _at_least_0(settings.memory_limit),
        "overlap": _between(settings.overlap, 0.0),
        "level": _between(level, 0.5),
    }
    for name, (value, fine, allowed) in ranges.items():
        if not fine:
            raise InputError(f"{name} is {value!r}, but must be {allowed}.")
    choices = {"score": (settings.score, SCORES), "worse": (worse, ("higher", "lower"))}
    for name, (value, known) in choices.items():
        if value is not None and value not in known:
            hint = near(str(value), known)
            raise InputError(f"{name} is {value!r}.{hint}  Allowed: {', '.join(known)}")


def _plain_settings(**given: Any) -> Settings:
    """Settings whose numbers are Python's own, not numpy's."""
    return Settings(**{k: v.item() if isinstance(v, np.generic) else v for k, v in given.items()})


def _whole(value: object, least: int, most: int | None) -> tuple[object, bool, str]:
    right = isinstance(value, int | np.integer) and not isinstance(value, bool)
    whole = int(str(value)) if right else least - 1
    allowed = (
        f"a whole number from {least} to {most}" if most else f"a whole number of at least {least}"
    )
    return value, least <= whole <= (most or whole), allowed


def _at_least_0(value: object) -> tuple[object, bool, str]:
    return value, _number(value) and float(str(value)) >= 0, "a number of at least 0"


def _between(value: object, least: float) -> tuple[object, bool, str]:
    fine = _number(value) and least <= float(str(value)) < 1
    return value, fine, f"a number in [{least:g}, 1)"


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not np.isnan(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What was asked of which table, understood."""

    records: Records
    metric: Metric
    plan: Plan
    question: Question
    note: MetricNote
    attributes: tuple[Attribute, ...]
    unit: str | None
    where: Predicate | None
    sides: tuple[str, str] | None
    left_out: Mapping[str, str]
    notes: tuple[Note, ...] = ()

    @classmethod
    def read(
        cls,
        records: Records,
        metric: str | Metric,
        baseline: str | Metric | None,
        between: str | None,
        features: str | Sequence[str] | None,
        unit: str | None,
        where: str | None,
        bins: Mapping[str, int | Sequence[float]],
        worse: str | None,
    ) -> "_Asked":
        if unit is not None:
            find_column(unit, records.columns)
        bound = parse_metric(metric, records.columns) if isinstance(metric, str) else metric
        other = parse_metric(baseline, records.columns) if isinstance(baseline, str) else baseline
        given = parse_predicate(where, records.columns, label="where") if where else None
        kept = given
        sides = _sides(between, records, other is not None)
        if sides is not None:
            column, *values = sides
            only = _either(records, column, values)
            kept = only if kept is None else And((kept, only))
        taken = bound.columns | (other.columns if other else frozenset()) | {unit}
        taken |= {sides[0]} if sides else set()
        names, left_out = _features(features, records, frozenset(n for n in taken if n))
        metrics = [bound, *([other] if other is not None else [])]
        if features is None:
            asked = [name for name in names if name not in bins]
            left_out |= leaks_of(records, metrics, asked, kept)
            names = _not_left_out(names, left_out)
        attributes, _ = parse_partitions([(name,) for name in names], records.columns, bins=bins)
        attributes = bin_attributes(records, attributes, bins, kept)
        keep = [*names, *([unit] if unit else []), *([sides[0]] if sides else [])]
        premises = read_premises(records, metrics, where=given, attributes=attributes)
        if other is not None:
            plan = baseline_plan(bound, other, records, keep, kept)
        else:
            plan = bound.plan(records, keep, kept)
        if sides is not None:
            plan = between_plan(plan, *sides, records)
        definition = bound.definition
        higher = bound.higher_is_worse(worse)
        against = other.text if other else f"{sides[0]} = {sides[1]}" if sides else None
        return cls(
            records=records,
            metric=bound,
            plan=plan,
            question=Question(form=plan.form, higher_is_worse=higher, proportion=plan.proportion),
            note=MetricNote(
                name=definition.name,
                expression=bound.text,
                definition=definition.definition,
                higher_is_worse=higher,
                in_points=definition.in_points,
                baseline=against,
            ),
            attributes=attributes,
            unit=unit,
            where=kept,
            sides=(bound.text, against) if against else None,
            left_out=left_out,
            notes=(*premises, *plan.notes),
        )

    def cells(
        self, settings: Settings, missing_values: tuple[str, ...]
    ) -> tuple[Cells, tuple[Missing, ...]]:
        """The table's rows as cells, and those left out; faults are raised together."""
        plan, where = self.plan, self.where
        whole = build_cube(
            plan.records,
            plan.measure,
            (),
            unit=self.unit,
            where=where,
            missing_values=missing_values,
        )
        cells = read_cells(
            plan.records,
            plan.measure,
            self.attributes,
            unit=self.unit,
            where=where,
            missing_values=missing_values,
            least=rows_needed(settings, int(whole.n_rows.sum())),
        )
        if self.sides is not None:
            assert isinstance(plan.form, Ratio)
            check_denominators(cells, len(cells.parts) // 2, plan.form, *self.sides)
        return cells, missing_rows(whole, (self.unit,) if self.unit else ())


def _sides(between: str | None, records: Records, baseline: bool) -> tuple[str, str, str] | None:
    if between is None:
        return None
    if baseline:
        raise InputError("baseline and between exclude each other; choose one.")
    column, _, values = between.partition("=")
    two = [value.strip() for value in values.split(",")]
    if len(two) != 2 or not all(two):
        raise InputError(
            f"between is {between!r}; write column=before,now, for example noise=quiet,loud"
        )
    kind = find_column(column.strip(), records.columns).kind
    for value in two:
        equal = equals(column.strip(), typed_value(value, kind, column.strip()))
        condition = to_expression(equal).sql(records.engine.dialect)
        found = records.engine.query(
            f"SELECT 1 AS one FROM {records.source} WHERE {condition} LIMIT 1"
        )
        if not found.num_rows:
            raise InputError(f"between names {value!r}, but no row has it in {column.strip()}.")
    return column.strip(), two[0], two[1]


def _either(records: Records, column: str, values: Sequence[str]) -> Predicate:
    kind = find_column(column, records.columns).kind
    return In(column, tuple(typed_value(value, kind, column) for value in values))


def _features(
    features: str | Sequence[str] | None, records: Records, taken: frozenset[str]
) -> tuple[list[str], dict[str, str]]:
    """Columns that slices are made of, and why others are not."""
    if features is None:
        left_out = {}
        names = []
        for column in records.columns:
            if column.name in taken:
                continue
            if column.kind in _KINDS:
                names.append(column.name)
            else:
                left_out[column.name] = "its values cannot be compared"
        if not names:
            raise InputError(
                f"{records.name} has no column besides those that the metric and the unit read, so there "
                "is nothing to search."
            )
        return names, left_out
    texts = split_names(features) if isinstance(features, str) else features
    if not isinstance(texts, Sequence) or not all(isinstance(name, str) for name in texts):
        raise InputError(f"features are {features!r}, but must be names of columns.")
    # A column may have a comma in its name, so a list is taken as it is.
    given = [name.strip() for name in texts] if isinstance(features, str) else texts
    names = [name for name in dict.fromkeys(given) if name]
    if not names:
        raise InputError(f"features are {features!r}: name at least one column, or leave them out.")
    for name in names:
        find_column(name, records.columns)
        if name in taken:
            raise InputError(
                f"{name} is read by the metric, the unit or --between, so slices of it would only say what "
                "it already says.  Leave it out of the features."
            )
    return names, {}


def _not_left_out(names: Sequence[str], left_out: Mapping[str, str]) -> list[str]:
    kept = [name for name in names if name not in left_out]
    if not kept:
        why = "; ".join(f"{name} ({reason})" for name, reason in left_out.items())
        raise InputError(
            f"No feature is left to search: {why}.  Name those that you want with --features."
        )
    return kept


def _written_bins(bins: Mapping[str, int | Sequence[float]]) -> tuple[str, ...]:
    """Bins as the command line takes them."""
    return tuple(
        f"{name}={','.join(map(str, given)) if isinstance(given, Sequence) else given}"
        for name, given in bins.items()
    )


def _command(
    asked: _Asked, settings: Settings, method: str | None, level: float, options: Mapping[str, Any]
) -> str:
    """The same search on the command line."""
    words = ["evenhand", "slices", asked.records.name, "--metric", asked.metric.text]
    for name, value in options.items():
        if name in ("bins", "missing"):
            words += [word for item in value for word in ("--" + name, item)]
        elif value is not None:
            words += ["--" + name, value if isinstance(value, str) else ",".join(value)]
    plain = Settings()
    for name, value in asdict(settings).items():
        if value != getattr(plain, name) and name not in ("kernel", "fold"):
            words += ["--" + name.replace("_", "-"), str(value)]
    words += ["--no-fold"] if not settings.fold else []
    words += ["--confirm", method or "none"] if method != "auto" else []
    words += ["--level", str(level)] if level != 0.95 else []
    return shlex.join(words)
