"""Plans that users ask for: from a pilot and a budget, or a width, to labels of each cell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evenhand.comparisons.rules import VerdictRules
from evenhand.cubes import CountedRecords
from evenhand.errors import InputError
from evenhand.groups import to_text
from evenhand.lastmile.assembly import Goal, answer
from evenhand.lastmile.result import LabelPlan
from evenhand.metrics import Metric
from evenhand.questions.command import write_command
from evenhand.questions.counted import (
    check_asked,
    counted_metrics,
    counted_records,
    open_cells,
    read_counted_question,
)
from evenhand.questions.keywords import tells_options
from evenhand.questions.opening import opened
from evenhand.questions.options import (
    NUMBERS,
    Allowed,
    check_choices,
    check_numbers,
    check_texts,
    plain,
)
from evenhand.questions.question import (
    By,
    Question,
    bound_metric,
    check_metrics,
    check_rows,
    read_question,
    unit_columns,
)
from evenhand.records import MISSING_VALUES
from evenhand.stats.allocation import RULES

_ABOVE_0 = Allowed(least=1e-12, words="a number above 0")
_NUMBERS = NUMBERS | {
    "budget": _ABOVE_0,
    "half_width": _ABOVE_0,
    "pair": _ABOVE_0,
    "detect": _ABOVE_0,
    "assurance": NUMBERS["level"],
}


@tells_options
def plan(
    table: Any,
    metric: str | Metric = "",
    by: By = (),
    *,
    budget: float | None = None,
    half_width: float | None = None,
    pair: float | None = None,
    detect: float | None = None,
    rule: str = "minimax-pair",
    cost: float | str | Path = 1.0,
    population: Any = None,
    assurance: float = 0.95,
    unit: str | Sequence[str] | None = None,
    where: str | None = None,
    level: float = 0.95,
    min_units: int = 5,
    worse: str | None = None,
    bins: Mapping[str, int | Sequence[float]] | None = None,
    missing_values: Sequence[str] = MISSING_VALUES,
    columns: str | Mapping[str, str] | None = None,
    command: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> LabelPlan:
    """Say how many labels to collect of each cell: for a wanted width, or the best use of a budget.

    Parameters
    ----------
    table
        The pilot: records as in `evenhand.audit`, of which some rows of each cell are labelled; or a cube of them.
    metric : str or Metric
        What is to be measured; of a cube of one metric it can be left out.
    by : str or sequence
        Attributes whose crossing makes the cells.
    budget : float, optional
        What may be spent; in labels, where each costs 1.
    half_width : float, optional
        The interval of each cell shall be no wider than this to each side.
    pair : float, optional
        The interval of each difference of two cells likewise.
    detect : float, optional
        Each difference of two cells of this size shall be found in four samples of five.
    rule : {'minimax-pair', 'neyman', 'proportional', 'equal'}
        How a budget is spent: such that the difference known least is known best; for the value of all together;
        as the population is; as many of each.
    cost : float or path
        Of one label; or a CSV file with a column for each attribute and one called ``cost``.
    population : path, optional
        A CSV file with a column for each attribute and one called ``share``; or records of whom the service is for,
        whose rows are counted.  Where not given, the pilot's rows are taken for it.
    assurance : float
        With what probability no interval shall be wider than is said.
    unit, where, level, bins, missing_values, columns, command, progress
        As in `evenhand.audit`.
    min_units : int
        Units that each cell has at least.
    worse : {'higher', 'lower'}, optional
        Direction of harm, where it is not the metric's own; it orders the cells.

    Returns
    -------
    LabelPlan

    Raises
    ------
    InputError
        For anything that must be changed first: a budget that does not buy the fewest units among it.

    Notes
    -----
    The new sample is drawn as the pilot was, and stands for itself: the pilot's labels are not counted in it.
    Widths are told for the new sample given the pilot, so that a lucky pilot does not make a plan too small; see
    `evenhand.stats.allocation`.  Where the pilot has so few units of a cell that its promise would be twice as wide as
    the expected width, of however many labels, nothing is promised there: that cell's labels are the units that would
    tell, first.  Proportional and Neyman's allocation are right for the value of all together and leave
    small groups unknown.

    Examples
    --------
    >>> import pyarrow as pa, evenhand
    >>> table = pa.table({"site": ["a"] * 90 + ["b"] * 60, "wrong": [0] * 81 + [1] * 9 + [0] * 42 + [1] * 18})
    >>> found = evenhand.plan(table, "mean(wrong)", "site", budget=1000, worse="higher")
    >>> [(cell.label, cell.labels) for cell in found.cells]
    [('b', 558), ('a', 442)]
    """
    numbers: dict[str, Any] = {
        "budget": plain(budget),
        "half_width": plain(half_width),
        "pair": plain(pair),
        "detect": plain(detect),
    }
    given = {name: value for name, value in numbers.items() if value is not None}
    if len(given) != 1:
        several = " and ".join(given) + " are" if given else "none of them is"
        raise InputError(
            f"A plan has one goal, and {several} given.  Allowed: budget (the best use of it), half_width (of each "
            "cell), pair (half-width of each difference), or detect (differences that shall be found)."
        )
    numbers = given | {"level": plain(level), "min_units": plain(min_units)}
    check_numbers(numbers | {"assurance": plain(assurance)}, _NUMBERS)
    check_texts({"where": where})
    check_choices({"rule": rule, "worse": worse}, _CHOICES, needed=("rule",))
    ((name, size),) = given.items()
    if rule != "minimax-pair" and name != "budget":
        raise InputError(
            f"rule is {rule!r}, but says how a budget is spent, and {name} is asked for.  Leave one of them out."
        )
    rules = VerdictRules(
        level=numbers["level"], min_units=numbers["min_units"], units=_one_unit(unit_columns(unit))
    )
    goal = Goal(name=name, size=float(size), rule=rule, assurance=plain(assurance))
    told: dict[str, Any] = {
        **given,
        "rule": rule,
        "cost": cost if not isinstance(cost, float | int) or cost != 1 else None,
        "population": str(population) if isinstance(population, str | Path) else None,
        "assurance": plain(assurance),
        "level": rules.level,
        "min_units": rules.min_units,
        "worse": worse,
    }
    asked: dict[str, Any] = {"cost": plain(cost), "population": population, "worse": worse}
    counted = counted_records(table)
    if counted is not None:
        check_asked(counted, rules.units, columns, missing_values)
        _check_counted(counted)
        bound, counted = counted_metrics(counted, [metric] if metric else ())
        if len(bound) > 1:
            raise InputError(
                f"{counted.name} counts {len(bound)} metrics: {'; '.join(one.text for one in bound)}.  Name one."
            )
        with opened(open_cells(counted)) as cells:
            question = read_counted_question(counted, cells, by, where=where, bins=bins)
            told = _asked(question, bound[0]) | told
            return answer(
                question,
                bound[0],
                replace(rules, units=counted.units),
                goal,
                counted=counted,
                command=command or write_command(plan, cells.name, told),
                **asked,
            )
    with opened(
        table, columns=columns, missing_values=missing_values, progress=progress
    ) as records:
        check_metrics([metric] if metric else [])
        check_rows(records)
        question = read_question(records, by, units=rules.units, where=where, bins=bins)
        _one_unit(question.units)
        measured = bound_metric(metric, records)
        told = _asked(question, measured) | told
        told |= {
            "unit": question.units,
            "columns": records.declared or None,
            "missing_values": records.missing_values,
            **records.options,
        }
        return answer(
            question,
            measured,
            rules,
            goal,
            counted=None,
            command=command or write_command(plan, records.name, told),
            **asked,
        )


def _asked(question: Question, metric: Metric) -> dict[str, Any]:
    """What a command asks of any table."""
    return {
        "metric": metric.text,
        "by": question.by,
        "where": to_text(question.where) if question.where is not None else None,
        "bins": question.bins,
    }


def _one_unit(units: tuple[str, ...]) -> tuple[str, ...]:
    if len(units) > 1:
        raise InputError(
            f"A plan counts one kind of unit, and {' and '.join(units)} are named.  Name the one of which there are "
            f"fewer: --unit {units[0]}"
        )
    return units


def _check_counted(counted: CountedRecords) -> None:
    """Refuse cubes whose counts no plan can be made of."""
    _one_unit(counted.units)
    for option, given in (("weight", counted.weight), ("stratum", counted.stratum)):
        if given is not None:
            raise InputError(
                f"A plan counts labels, each once, and {counted.name} was counted with a {option}, {given}.  Count the "
                f"records again without --{option}."
            )


_CHOICES = {"rule": RULES, "worse": ("higher", "lower")}
