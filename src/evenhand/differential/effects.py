"""Differential effects that users call: from a table and a metric to what each condition costs whom."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from evenhand.comparisons.rules import VerdictRules
from evenhand.differential.assembly import answer
from evenhand.differential.question import USUAL_REFERENCE, ConditionQuestion, read_conditions
from evenhand.differential.result import Effects
from evenhand.groups import to_text
from evenhand.metrics import Metric
from evenhand.metrics.weights import Weighting
from evenhand.questions.command import write_command
from evenhand.questions.keywords import tells_options
from evenhand.questions.opening import opened
from evenhand.questions.options import check_choices, check_numbers, check_texts, plain
from evenhand.questions.question import By, bound_metric, check_rows, unit_columns
from evenhand.records import MISSING_VALUES


@tells_options
def effects(
    table: Any,
    metric: str | Metric,
    by: By,
    *,
    condition: str = "condition",
    reference: str = USUAL_REFERENCE,
    only: str | Sequence[str] = (),
    unit: str | Sequence[str] | None = None,
    weight: str | None = None,
    stratum: str | None = None,
    where: str | None = None,
    dose: str | None = None,
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
) -> Effects:
    """Say what each condition costs each group beyond what it costs the others.

    Parameters
    ----------
    table, metric, by
        As in `evenhand.audit`; one row per example and condition, as a trial writes them.
    condition : str
        Column that names the condition of each row.
    reference : str
        The condition that all others are compared with.  To see what a repair gains, take the
        condition without it: ``reference="tone", only="tone|notch"``.
    only : str or sequence of str
        Compare only these conditions with the reference; all where not given.
    unit : str or sequence of str, optional
        Column that names what is independent (speaker, sentence, document).  Where units meet
        several conditions, or belong to several groups, they are their own controls.
    weight, stratum : str, optional
        As in `evenhand.audit`: columns of the rows' weights, and of the strata within which units were drawn.
    where : str, optional
        Predicate; only rows that satisfy it are read.
    dose : str, optional
        Numeric column, such as a parameter of a condition, to follow the metric along.
    tolerance : float
        A cost, or a difference of costs, up to this is no harm, in the metric's units.
    level : float
        Confidence of all numbers of one kind together.
    min_units : int
        A group with fewer units, under a condition or under the reference, is refused.
    worse : {'higher', 'lower'}, optional
        Direction of harm, where it is not the metric's own.
    adjust : {'max-t', 'holm', 'bh'}
        Correction for many comparisons.
    bins : mapping, optional
        Numeric attributes: edges, or a number of quantile bins.
    missing_values : sequence of str
        Texts that mean missing in attribute, condition and unit columns.
    columns : str or mapping, optional
        Types of columns where you know better, such as ``age=number, code=text``.
    seed : int
        Of the multiplier bootstrap.
    command : str, optional
        The command that reports name as their origin.
    progress : callable, optional
        Told the number of rows done while transcripts are scored.

    Returns
    -------
    Effects

    Raises
    ------
    InputError
        For anything that must be changed first.

    Notes
    -----
    The differential effect of a condition c on a group g is a difference in differences,
    ``(value(g, c) - value(g, reference)) - (value(rest, c) - value(rest, reference))``, turned so
    that positive is harm.  Its variance follows from the covariances of the four values over
    independent units.  It is additive: where the reference is near the metric's ceiling or floor,
    a group that starts worse has less to lose.  A condition that only some units met is compared with
    all of the reference's: right where chance decided which, as in a balanced fraction.

    Examples
    --------
    >>> import evenhand, pyarrow as pa
    >>> rows = [
    ...     (voice, noise, s, int(noise == "tone" and s % (2 if voice == "a" else 5) == 0))
    ...     for voice in "ab" for noise in ("clean", "tone") for s in range(40)
    ... ]
    >>> voice, noise, sentence, wrong = zip(*rows)
    >>> table = pa.table({"voice": voice, "noise": noise, "sentence": sentence, "wrong": wrong})
    >>> found = evenhand.effects(
    ...     table, "mean(wrong)", "voice", condition="noise", unit="sentence"
    ... )
    >>> [(one.label, round(one.differential.value, 3), one.verdict) for one in found.costs_more]
    [('a', 0.3, 'costs more')]
    """
    rules = VerdictRules(
        level=plain(level),
        tolerance=plain(tolerance),
        min_units=plain(min_units),
        adjust=adjust,
        seed=plain(seed),
        units=unit_columns(unit),
        weight=weight,
        stratum=stratum,
    )
    chosen = (only,) if isinstance(only, str) else tuple(only)
    texts = {"condition": condition, "reference": reference, "where": where, "dose": dose}
    texts |= {"weight": weight, "stratum": stratum}
    check_texts(texts, needed=("condition", "reference"))
    for name in chosen:
        check_texts({"only": name}, needed=("only",))
    numbers = ("level", "tolerance", "min_units", "seed")
    check_numbers({name: getattr(rules, name) for name in numbers})
    check_choices({"adjust": adjust, "worse": worse}, needed=("adjust",))
    with opened(
        table, columns=columns, missing_values=missing_values, progress=progress
    ) as records:
        check_rows(records)
        asked = read_conditions(
            records,
            by,
            condition=condition,
            reference=reference,
            only=chosen,
            units=rules.units,
            dose=dose,
            where=where,
            bins=bins,
            weighting=Weighting(weight=weight, stratum=stratum),
        )
        rules = replace(rules, units=asked.units)
        bound = bound_metric(metric, records)
        again = command or _command(bound, asked, rules, worse, chosen)
        return answer(asked, bound, rules, worse=worse, only=chosen, command=again)


def _command(
    metric: Metric,
    asked: ConditionQuestion,
    rules: VerdictRules,
    worse: str | None,
    only: Sequence[str],
) -> str:
    """Command that finds the same again, for what was asked in Python."""
    given = {
        "metric": metric.text,
        "by": asked.by,
        "condition": asked.condition,
        "reference": asked.names[0],
        "only": only,
        "unit": asked.units,
        "weight": asked.weighting.weight,
        "stratum": asked.weighting.stratum,
        "where": to_text(asked.where) if asked.where is not None else None,
        "dose": asked.dose,
        "tolerance": rules.tolerance,
        "level": rules.level,
        "min_units": rules.min_units,
        "worse": worse,
        "adjust": rules.adjust,
        "columns": asked.records.declared or None,
        "seed": rules.seed,
        "bins": asked.bins,
        "missing_values": asked.records.missing_values,
        **asked.records.options,
    }
    return write_command(effects, asked.records.name, given)
