"""Pools that users ask for: cubes of customers in, estimates that borrow from all of them back."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.rates import rates_of
from evenhand.comparisons.rules import VerdictRules
from evenhand.comparisons.sets import GroupSet, cells_of
from evenhand.cubes import CountedRecords, CountedSource, Estimates, estimate
from evenhand.errors import InputError, Note
from evenhand.groups import Partition
from evenhand.metrics import Metric
from evenhand.pages.edition import without_folders
from evenhand.pages.numbers import plural
from evenhand.pooling.result import (
    NOT_SHARED,
    Customer,
    Pooled,
    PooledGroup,
    PoolSettings,
    UsualGroup,
)
from evenhand.pooling.sharing import known_to_be_shared
from evenhand.questions.command import write_command
from evenhand.questions.counted import (
    counted_cubes,
    counted_metrics,
    counted_notes,
    counted_plan,
    counted_records,
    directions_of,
    known_cubes,
    open_cells,
    read_counted_question,
)
from evenhand.questions.keywords import tells_options
from evenhand.questions.options import NUMBERS, check_choices, check_numbers, check_texts, plain
from evenhand.questions.question import By, Question, metric_note, metric_rules
from evenhand.records.output import input_files
from evenhand.results.estimate import Estimate
from evenhand.results.origin import versions
from evenhand.stats.shrinkage import shrink

Floats = npt.NDArray[np.float64]
#: Customers that a mean needs, else it tells of one.
LEAST_CUSTOMERS = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _CustomerCounts:
    """What a customer's cube says of its groups."""

    name: str
    metric: Metric
    question: Question
    cells: list[GroupSet]
    estimates: Estimates
    rates: list[Estimate]
    rows: int
    notes: tuple[Note, ...]
    higher_is_worse: bool
    sources: tuple[CountedSource, ...]

    @property
    def partition(self) -> Partition:
        """What groups are told apart by."""
        return self.cells[0].partition


@tells_options
def pool(
    cubes: Sequence[str | Path | CountedRecords],
    metric: str | Metric | None = None,
    by: By | None = None,
    *,
    names: Sequence[str] | None = None,
    where: str | None = None,
    level: float = 0.95,
    min_units: int = 5,
    worse: str | None = None,
    command: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Pooled:
    """Estimate groups at each of several customers, borrowing from the others' counts.

    Parameters
    ----------
    cubes : sequence of path or CountedRecords
        One a customer, as `evenhand.share_cube` or `evenhand.count_cube` gives them; rows are never needed.
    metric : str or Metric, optional
        Which of the metrics that were counted; needed where there are several.
    by : str or sequence, optional
        Attributes whose crossing makes the groups; those that were counted.
    names : sequence of str, optional
        What the customers are called; their files' names.
    where, level, min_units, worse, command
        As in `evenhand.audit`.
    progress : callable, optional
        Told how many cubes are read, and of how many.

    Returns
    -------
    Pooled
        `Pooled.for_customer` is what one customer gets back.

    Raises
    ------
    InputError
        For fewer than two cubes, cubes that count other things, one that is given twice.

    Notes
    -----
    A rate is the mean of all, what its customer adds, what each of its attributes adds, and a part of its own, with
    variances by restricted maximum likelihood (see `evenhand.stats.shrinkage.shrink`); so a customer of few rows is
    drawn towards what the same group has elsewhere.  SureMap (NeurIPS 2024) tunes such a model across customers by
    Stein's estimate of the risk.  A shrunken value has no interval here: its own rows' interval stands beside it.

    Examples
    --------
    >>> import pyarrow as pa, evenhand
    >>> def counted(wrong):
    ...     table = pa.table({"accent": ["a"] * 40 + ["b"] * 40, "wrong": [1] * wrong + [0] * 60 + [1] * (20 - wrong)})
    ...     return evenhand.count_cube(table, "mean(wrong)", by="accent", worse="higher")
    >>> pooled = evenhand.pool([counted(n) for n in (2, 4, 6, 3)], names=["w", "x", "y", "z"])
    >>> [(one.customer, one.group["accent"], one.estimate.value, round(one.shrunk, 2)) for one in pooled.groups[:2]]
    [('w', 'b', 0.45, 0.4), ('w', 'a', 0.05, 0.1)]
    """
    check_numbers({"level": plain(level), "min_units": plain(min_units)}, NUMBERS)
    check_texts({"where": where})
    check_choices({"worse": worse})
    told = _names(cubes, names)
    rules = VerdictRules(level=plain(level), min_units=plain(min_units))
    found = []
    for number, (cube, name) in enumerate(zip(cubes, told, strict=True)):
        found.append(_read(cube, name, metric, by, where, worse, rules))
        _check_once(found)
        if progress is not None:
            progress(number + 1, len(told))
    _check_alike(found)
    shrunk = _shrunk(found)
    first = found[0]
    sign = -1.0 if first.higher_is_worse else 1.0
    groups = [
        PooledGroup(
            customer=one.name,
            group=cell.group,
            predicate=cell.predicate,
            estimate=rate,
            shrunk=value,
        )
        for one, values in zip(found, shrunk, strict=True)
        for cell, rate, value in sorted(
            zip(one.cells, one.rates, values, strict=True),
            key=lambda told: sign * (-np.inf if told[1].value is None else told[1].value),
        )
    ]
    given = {
        "metric": first.metric.text,
        "by": first.question.by,
        "names": tuple(told) if names is not None else None,
        "where": where,
        "level": rules.level,
        "min_units": rules.min_units,
        "worse": worse,
    }
    paths = [str(cube) for cube in cubes if isinstance(cube, str | Path)]
    return Pooled(
        metric=metric_note(first.metric, higher_is_worse=first.higher_is_worse),
        level=rules.level,
        unit=first.question.units[0] if first.question.units else None,
        customers=tuple(Customer(name=one.name, rows=one.rows, notes=one.notes) for one in found),
        groups=tuple(groups),
        usual=tuple(_usual(groups, sign)),
        notes=tuple(_pool_notes(found)),
        settings=PoolSettings(
            by=first.partition.names,
            where=where,
            min_units=rules.min_units,
            command=command or write_command(pool, " ".join(paths) or "CUBES", given),
            versions=dict(versions()),
        ),
    )


def _names(cubes: object, names: Sequence[str] | None) -> list[str]:
    """What customers are called, each once."""
    if isinstance(cubes, str | Path | CountedRecords) or not isinstance(cubes, Sequence):
        raise InputError("A pool is of several cubes, one a customer: pool(['a.cube', 'b.cube'])")
    if len(cubes) < 2:
        for one in cubes:
            if counted_records(one) is None:
                raise _no_cube(one)
        raise InputError(f"A pool is of several customers, and {plural(len(cubes), 'cube')} given.")
    if names is None:
        own = [one.name if isinstance(one, CountedRecords) else Path(one).stem for one in cubes]
    else:
        own = list(names)
        if len(own) != len(cubes):
            raise InputError(
                f"There are {plural(len(cubes), 'cube')} and {plural(len(own), 'name')}; each needs one."
            )
    twice = [name for name in dict.fromkeys(own) if own.count(name) > 1]
    if twice:
        raise InputError(
            f"Two customers are called {twice[0]!r}.  Say what each is called: --names a b"
        )
    return own


def _no_cube(given: object) -> InputError:
    """Why something is no cube."""
    what = given if isinstance(given, str | Path) else f"A {type(given).__name__}"
    if isinstance(given, str | Path) and not input_files(str(given)):
        return InputError(
            f"{given}: no such file.  Name cubes, as evenhand cube share writes them."
        )
    return InputError(
        f"{what} holds rows, and no row shall leave a customer.  Count it first (evenhand cube count, then "
        "evenhand cube share)."
    )


def _read(
    cube: str | Path | CountedRecords,
    name: str,
    metric: str | Metric | None,
    by: By | None,
    where: str | None,
    worse: str | None,
    rules: VerdictRules,
) -> _CustomerCounts:
    counted = counted_records(cube)
    if counted is None:
        raise _no_cube(cube)
    shared = known_to_be_shared(counted)
    metrics, counted = counted_metrics(counted, [] if metric is None else [metric])
    if len(metrics) > 1:
        raise InputError(
            f"{name} counts several metrics: {'; '.join(one.text for one in metrics)}.  Say which with --metric."
        )
    cells = open_cells(counted)
    question = read_counted_question(counted, cells, by or (), where=where)
    (own,) = known_cubes(counted_cubes(counted, question), question)
    plan = counted_plan(counted.metrics[0], cells)
    partition = question.finest("Groups lend to each other once")
    sets = [one for one in cells_of(own, partition, question.attributes) if not one.missing]
    if not sets:
        raise InputError(f"{name} has no cell with {' × '.join(partition.names)}.")
    (higher,) = directions_of(metrics, worse, counted)
    judged = metric_rules(
        replace(rules, units=question.units), metrics[0], plan, higher_is_worse=higher
    )
    found = estimate(own, plan.form, np.array([one.members for one in sets]))
    binomial = plan.proportion and own.units is None
    return _CustomerCounts(
        name=name,
        metric=metrics[0],
        question=question,
        cells=sets,
        estimates=found,
        rates=rates_of(found, plan.form, own.parts, judged, binomial=binomial),
        rows=int(own.n_rows.sum()),
        notes=(*([] if shared else [_not_shared(cube, name)]), *counted_notes(counted, question)),
        higher_is_worse=higher,
        sources=counted.sources,
    )


def _not_shared(cube: str | Path | CountedRecords, name: str) -> Note:
    """That a cube may hold cells so small that they should not have left the house."""
    file = without_folders(str(cube)) if isinstance(cube, str | Path) else None
    mend = "evenhand.share_cube"
    if file is not None:
        mend = f"evenhand cube share {shlex.quote(file)} --out shared.cube"
    return Note(
        code=NOT_SHARED,
        text=f"{file or name} is not known to be shared: cells of a few rows may be in it, and are shown.  Whoever "
        f"counted it makes one that may leave the house: {mend}",
    )


def _check_once(found: Sequence[_CustomerCounts]) -> None:
    """Refuse the same rows under two names: they would lend to themselves."""
    *before, last = found
    for one in before:
        known = {(*source.identity, source.where) for source in one.sources if source.sha256}
        same = [source for source in last.sources if (*source.identity, source.where) in known]
        if same:
            raise InputError(
                f"{one.name} and {last.name} count the same rows, of {same[0].name}.  Give each customer's cube once."
            )


def _check_alike(found: Sequence[_CustomerCounts]) -> None:
    """All count the same metric by the same attributes, cut alike; none is there twice."""
    first = found[0]
    edges = {a.name: a.edges for a in first.question.attributes}
    for one in found[1:]:
        if one.metric.text != first.metric.text:
            raise InputError(
                f"{first.name} counts {first.metric.text}, and {one.name} {one.metric.text}: values of other things "
                "do not lend to each other.  Count the same metric at all customers."
            )
        if one.partition.names != first.partition.names or edges != {
            a.name: a.edges for a in one.question.attributes
        }:
            raise InputError(
                f"{first.name} is counted by {' × '.join(first.partition.names)}, and {one.name} by "
                f"{' × '.join(one.partition.names)}, or they are cut at other edges.  Name what all have with --by, or "
                "count them alike."
            )
        if one.higher_is_worse != first.higher_is_worse:
            raise InputError(
                f"For {first.name} {'higher' if first.higher_is_worse else 'lower'} is worse, for {one.name} it is "
                "not.  Say which with --worse."
            )


def _shrunk(found: Sequence[_CustomerCounts]) -> list[list[float | None]]:
    """Shrunk value of each customer's groups."""
    values = np.concatenate([one.estimates.values for one in found])
    units = np.concatenate([one.estimates.n_effective for one in found]).astype(float)
    customer = np.repeat(np.arange(len(found)), [len(one.cells) for one in found])
    keys = [cell.key for one in found for cell in one.cells]
    each = np.concatenate([one.estimates.variances for one in found]) * units
    usable = np.isfinite(values) & (units > 0)
    # The variance of a unit is told by all who have the group: few units would call themselves sure.
    steady = np.full(len(values), np.nan)
    place = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    group = np.array([place[key] for key in keys])
    known = usable & np.isfinite(each)
    for members in (group == number for number in range(len(place))):
        own = members & known
        if own.any():
            steady[members] = (each[own] * units[own]).sum() / units[own].sum()
    if known.any():
        everywhere = float((each[known] * units[known]).sum() / units[known].sum())
        steady = np.where(np.nan_to_num(steady) > 0, steady, everywhere)
    usable &= np.nan_to_num(steady) > 0
    out: list[list[float | None]] = [[None] * len(one.cells) for one in found]
    if usable.sum() < LEAST_CUSTOMERS:
        return out
    index = np.flatnonzero(usable)
    covariance = np.diag(steady[index] / units[index])
    start = 0
    for number, one in enumerate(found):
        own = np.flatnonzero(customer[index] == number)
        inner = index[own] - start
        shared = one.estimates.covariance[np.ix_(inner, inner)]
        root = np.sqrt(np.diag(covariance)[own])
        before = np.sqrt(np.maximum(np.diag(shared), 0))
        with np.errstate(divide="ignore", invalid="ignore"):
            correlation = np.nan_to_num(shared / np.outer(before, before))
        np.fill_diagonal(correlation, 1.0)
        covariance[np.ix_(own, own)] = correlation * np.outer(root, root)
        start += len(one.cells)
    codes = [customer[index]]
    for column in zip(*(keys[i] for i in index), strict=True):
        told = {value: number for number, value in enumerate(dict.fromkeys(column))}
        codes.append(np.array([told[value] for value in column]))
    shrunk = shrink(values[index], covariance, codes)
    first = np.cumsum([0, *(len(one.cells) for one in found)])
    for i, value in zip(index.tolist(), shrunk.tolist(), strict=True):
        out[customer[i]][i - first[customer[i]]] = value
    return out


def _usual(groups: Sequence[PooledGroup], sign: float) -> list[UsualGroup]:
    """Each group over all customers that have it."""
    by: dict[str, list[PooledGroup]] = {}
    for one in groups:
        by.setdefault(one.predicate, []).append(one)
    out = []
    for predicate, own in by.items():
        values = [one.shrunk for one in own if one.shrunk is not None]
        out.append(
            UsualGroup(
                group=own[0].group,
                predicate=predicate,
                customers=len(values),
                value=float(np.mean(values)) if len(values) >= LEAST_CUSTOMERS else None,
            )
        )
    return sorted(out, key=lambda one: sign * (-np.inf if one.value is None else one.value))


def _pool_notes(found: Sequence[_CustomerCounts]) -> list[Note]:
    cells = sum(len(one.cells) for one in found)
    usable = sum(int(np.isfinite(one.estimates.values).sum()) for one in found)
    if usable >= LEAST_CUSTOMERS:
        return []
    return [
        Note(
            code="too_few_to_borrow",
            text=f"Of {plural(cells, 'group')} {usable} have a value; fewer than three lend each other nothing.",
        )
    ]
