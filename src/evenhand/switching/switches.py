"""Switches that users ask for: from a table and the metrics of its services to who gains and who loses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from evenhand.audits import audit
from evenhand.comparisons.rules import VerdictRules
from evenhand.errors import InputError
from evenhand.groups import to_text
from evenhand.metrics import Metric
from evenhand.questions.command import write_command
from evenhand.questions.keywords import tells_options
from evenhand.questions.opening import opened
from evenhand.questions.options import check_choices, check_numbers, check_texts, plain
from evenhand.questions.question import (
    By,
    Question,
    bound_metric,
    check_rows,
    read_question,
    unit_columns,
)
from evenhand.records import MISSING_VALUES, Records
from evenhand.switching.assembly import answer
from evenhand.switching.result import Switches
from evenhand.switching.services import is_given


@tells_options
def compare(
    table: Any,
    metrics: Sequence[str | Metric],
    by: By,
    *,
    unit: str | Sequence[str] | None = None,
    where: str | None = None,
    tolerance: float = 0.0,
    level: float = 0.95,
    min_units: int = 5,
    worse: str | None = None,
    adjust: str = "max-t",
    bins: Mapping[str, int | Sequence[float]] | None = None,
    missing_values: Sequence[str] = MISSING_VALUES,
    columns: str | Mapping[str, str] | None = None,
    seed: int = 0,
    command: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> Switches:
    """Compare services on the same rows: who gains and who loses by switching, and whether gaps grow.

    Parameters
    ----------
    table
        As in `evenhand.audit`; one row per example, with an answer of each service.
    metrics : sequence of str or Metric
        One metric on the answers of each service, the service that is switched from first:
        ``["wer(text, amazon)", "wer(text, google)"]``.  What is right is the same for all.
    by, unit, where, tolerance, level, min_units, worse, adjust, bins
        As in `evenhand.audit`; rows of one unit, or without it each row, are compared with themselves.
    missing_values, columns, seed, command, progress
        As in `evenhand.audit`.

    Returns
    -------
    Switches

    Raises
    ------
    InputError
        For anything that must be changed first: metrics that do not measure the same among it.

    Notes
    -----
    Only rows on which all services were scored are compared; the others are counted by service and group.
    A change is a difference of two values of one metric, whose variance is that of the units' own differences of
    influences, ``ψ_u(second) - ψ_u(first)``, covariance included: also where denominators differ, as those of
    precision do (Cochran 1977, section 6.3; DeLong, DeLong & Clarke-Pearson 1988, doi:10.2307/2531595, for areas).
    Simultaneous intervals by max-t over all groups and services: Hothorn, Bretz & Westfall (2008),
    doi:10.1002/bimj.200810425.

    Examples
    --------
    >>> import pyarrow as pa, evenhand
    >>> site = ["a"] * 50 + ["b"] * 50
    >>> old, new = [0, 1] * 50, [0, 1] * 20 + [0] * 10 + [1] * 40 + [0] * 10
    >>> table = pa.table({"site": site, "old": old, "new": new})
    >>> found = evenhand.compare(table, ["mean(old)", "mean(new)"], "site")
    >>> [(one.label, round(one.change.value, 3), one.verdict) for one in found.switched("new", ("site",))]
    [('a', -0.1, 'insufficient evidence'), ('b', 0.3, 'loses')]
    """
    rules = VerdictRules(
        level=plain(level),
        tolerance=plain(tolerance),
        min_units=plain(min_units),
        adjust=adjust,
        seed=plain(seed),
        units=unit_columns(unit),
    )
    check_texts({"where": where})
    numbers = ("level", "tolerance", "min_units", "seed")
    check_numbers({name: getattr(rules, name) for name in numbers})
    check_choices({"adjust": rules.adjust, "worse": worse}, needed=("adjust",))
    with opened(
        table, columns=columns, missing_values=missing_values, progress=progress
    ) as records:
        return compare_records(
            records, metrics, by, rules, where=where, bins=bins, worse=worse, command=command
        )


def metric_beside(metric: Metric, names: Mapping[str, str]) -> Metric:
    """The same metric of another service, whose answers stand in other columns.

    Parameters
    ----------
    metric : Metric
        Of the first service.
    names : Mapping
        What the first service's columns are called for the other; what is right for all stays as it is.

    Raises
    ------
    InputError
        Where an argument is more than a column.
    """
    given = dict(metric.given)
    for argument in metric.definition.arguments:
        value = given.get(argument.name)
        if value is None or is_given(argument):
            continue
        if not isinstance(value, str):
            raise InputError(
                f"{metric.text}: between two files a metric names columns, and its {argument.name} is more.  Name one "
                "metric for each service: --compare 'METRIC' 'METRIC' with --with FILE."
            )
        given[argument.name] = names.get(value, value)
    return replace(metric, given=given)


def compare_records(
    records: Records,
    metrics: Sequence[str | Metric],
    by: By,
    rules: VerdictRules,
    *,
    where: str | None = None,
    bins: Mapping[str, int | Sequence[float]] | None = None,
    worse: str | None = None,
    command: str | None = None,
) -> Switches:
    """Compare services of a table that is open.

    Parameters
    ----------
    records : Records
    metrics, by, where, bins, worse, command
        As in `compare`.
    rules : VerdictRules
        How to judge.
    """
    check_rows(records)
    question = read_question(records, by, units=rules.units, where=where, bins=bins)
    rules = replace(rules, units=question.units)
    named = [metrics] if isinstance(metrics, str | Metric) else metrics
    bound = [bound_metric(metric, records) for metric in named]
    again = command or _command(question, bound, rules, worse)
    return answer(question, bound, rules, worse=worse, command=again)


def _command(
    question: Question, metrics: Sequence[Metric], rules: VerdictRules, worse: str | None
) -> str:
    """Command that finds the same again, for what was asked in Python."""
    given = {
        "compare": [metric.text for metric in metrics],
        "by": question.by,
        "unit": question.units,
        "where": to_text(question.where) if question.where is not None else None,
        "tolerance": rules.tolerance,
        "level": rules.level,
        "min_units": rules.min_units,
        "worse": worse,
        "adjust": rules.adjust,
        "columns": question.records.declared or None,
        "seed": rules.seed,
        "bins": question.bins,
        "missing_values": question.records.missing_values,
        **question.records.options,
    }
    return write_command(audit, question.records.name, given)
