"""Effects put together: what is read of the table, judged, and said of its origin."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.rules import VerdictRules
from evenhand.comparisons.sets import GroupSet, cells_of
from evenhand.comparisons.sizes import lonely_units
from evenhand.cubes import Cube, build_cube, with_strata
from evenhand.differential.doses import dose_response
from evenhand.differential.evidence import PAIRED_GROUPS, ConditionEvidence
from evenhand.differential.judge import judge_everybody, judge_groups, judge_pairs, refusals
from evenhand.differential.question import ConditionQuestion
from evenhand.differential.result import Dose, Effects, EffectsSettings
from evenhand.errors import InputError, NoRowError, Note
from evenhand.groups import to_text
from evenhand.groups.partition import Key
from evenhand.metrics import Metric, MetricPlan
from evenhand.questions.absent import missing_rows
from evenhand.questions.crowding import check_first_groups, shared_units
from evenhand.questions.premises import explained, read_premises
from evenhand.questions.question import Question, metric_note, metric_rules
from evenhand.questions.repeats import Design, candidate_columns, repeating_columns
from evenhand.results.estimate import Missing
from evenhand.results.origin import Source, versions

#: Groups at most; four sets of each are compared under each condition.
MOST_GROUPS = 500


def answer(
    asked: ConditionQuestion,
    metric: Metric,
    rules: VerdictRules,
    *,
    worse: str | None,
    only: Sequence[str],
    command: str,
) -> Effects:
    """Effects of the conditions asked about.

    Parameters
    ----------
    asked : ConditionQuestion
    metric : Metric
    rules : VerdictRules
        As asked for: the metric's range and direction are put in here.
    worse, only
        As in `evenhand.effects`.
    command : str
        What finds the same again.
    """
    higher = metric.higher_is_worse(worse)
    metric.check_tolerance(rules.tolerance)
    check_first_groups(asked.records, asked.attributes, asked.partitions, asked.where, MOST_GROUPS)
    premises = read_premises(
        asked.records, [metric], where=asked.where, attributes=asked.attributes
    )
    with explained(premises, [metric], asked.records):
        used = {*asked.columns, *metric.columns}
        repeating = candidate_columns(asked.records, used, asked.kept, [metric])
        plan = asked.weighting.of(
            metric, metric.plan(asked.records, [*asked.columns, *repeating], asked.kept)
        )
        cube = build_cube(
            plan.records,
            plan.measure,
            asked.cut,
            unit=asked.units,
            where=asked.kept,
            missing_values=asked.records.missing_values,
            form=plan.form,
        )
        cube = with_strata(cube, asked.weighting.stratum)
        cells, absent = group_sets(cube, asked)
    ruled = metric_rules(rules, metric, plan, higher_is_worse=higher)
    members = members_under(cube, asked.condition, asked.keys)
    evidence = ConditionEvidence(cube, plan.form, cells, members, ruled, proportion=plan.proportion)
    doses = _doses(cube, plan, cells, members[0], asked, ruled)
    return Effects(
        metric=metric_note(metric, higher_is_worse=higher),
        level=rules.level,
        unit=rules.units_name,
        source=Source(
            name=asked.records.name, rows=int(cube.n_rows.sum()), sha256=asked.records.sha256()
        ),
        condition=asked.condition,
        reference=asked.names[0],
        conditions=asked.names[1:],
        overall=judge_everybody(evidence, asked.names),
        groups=tuple(judge_groups(evidence, asked.names)),
        pairs=tuple(judge_pairs(evidence, asked.names)),
        doses=doses,
        refused=tuple(refusals(evidence, asked.names)),
        missing=(
            *(
                Missing(attribute=name, n_rows=count, reason="missing_attribute")
                for name, count in absent
                if count
            ),
            *_without_condition(asked),
            *missing_rows(cube, asked.units, weighting=asked.weighting),
        ),
        notes=(
            *premises,
            *plan.notes,
            *repeating_columns(plan, repeating, _design(asked)),
            *evidence.notes(asked.names),
            *lonely_units(cube, ruled),
            *shared_units(cube, asked.partitions, asked.units),
            *_notes(evidence, asked, doses),
        ),
        settings=_settings(asked, rules, evidence, only, command),
        weight=asked.weighting.weight,
        stratum=asked.weighting.stratum,
    )


def _settings(
    asked: ConditionQuestion,
    rules: VerdictRules,
    evidence: ConditionEvidence,
    only: Sequence[str],
    command: str,
) -> EffectsSettings:
    return EffectsSettings(
        by=asked.by,
        only=tuple(only),
        where=to_text(asked.where) if asked.where is not None else None,
        dose=asked.dose,
        tolerance=rules.tolerance,
        min_units=rules.min_units,
        adjust=evidence.beyond.adjust,
        comparisons=int(evidence.beyond.tested.sum()),
        seed=rules.seed,
        missing_values=asked.records.missing_values,
        bins=asked.bins,
        command=command,
        versions=dict(versions()),
    )


def _design(asked: ConditionQuestion) -> Design:
    """What is compared."""
    return Design(
        attributes=asked.cut,
        partitions=asked.partitions,
        units=asked.units,
        where=asked.kept,
        missing_values=asked.records.missing_values,
        condition=asked.condition,
        reference=asked.keys[0],
    )


def group_sets(cube: Cube, asked: Question) -> tuple[list[GroupSet], list[tuple[str, int]]]:
    """Groups of all partitions, and the rows that lack an attribute."""
    found = [c for part in asked.partitions for c in cells_of(cube, part, asked.attributes)]
    cells = [cell for cell in found if not cell.missing]
    if not cells:
        raise NoRowError(f"No row is in a group of {', '.join(a.name for a in asked.attributes)}.")
    if len(cells) > MOST_GROUPS:
        raise InputError(
            f"--by makes {len(cells):,} groups; at most {MOST_GROUPS} are compared.  Cut it more coarsely."
        )
    lacking = [cell for cell in found if cell.missing and len(cell.key) == 1]
    return cells, [
        (cell.partition.names[0], int(cube.n_rows[cell.members].sum())) for cell in lacking
    ]


def members_under(cube: Cube, condition: str, keys: Sequence[Key]) -> npt.NDArray[np.bool_]:
    """Cells under each condition, the reference first; shape (conditions, cells)."""
    own = cube.keys.column(cube.attributes.index(condition))
    return np.array([[value == key for value in own] for key in keys], bool)


def _doses(
    cube: Cube,
    plan: MetricPlan,
    cells: Sequence[GroupSet],
    plain: npt.NDArray[np.bool_],
    asked: ConditionQuestion,
    rules: VerdictRules,
) -> tuple[Dose, ...]:
    if asked.dose is None:
        return ()
    return tuple(
        dose_response(cube, plan.form, cells, asked.dose, plain, rules, proportion=plan.proportion)
    )


def _notes(
    evidence: ConditionEvidence, asked: ConditionQuestion, doses: Sequence[Dose]
) -> list[Note]:
    """What a reader must know of these numbers beyond the options."""
    told: list[tuple[str, str]] = []
    if not asked.units:
        text = (
            "Each row counts as independent: conditions are not paired.  Name as --unit what meets "
            "several of them (sample, sentence, speaker)."
        )
        told.append(("rows_independent", text))
    told += _losses(evidence, asked)
    large = {c.partition.names for c in evidence.cells}
    many = [n for n in large if sum(c.partition.names == n for c in evidence.cells) > PAIRED_GROUPS]
    if many:
        names = ", ".join(map(" × ".join, many))
        text = f"Pairs are compared among up to {PAIRED_GROUPS} groups; {names} has more."
        told.append(("pairs_limited", text))
    if doses and len(asked.names) - 1 > len({d.dose for d in doses if d.dose is not None}):
        text = (
            f"Several conditions have the same {asked.dose}; they are taken together at that dose."
        )
        told.append(("doses_together", text))
    return [Note(code=code, text=text) for code, text in told]


def _losses(evidence: ConditionEvidence, asked: ConditionQuestion) -> list[tuple[str, str]]:
    """Rows that are absent under conditions: by group where groups differ, else overall."""
    loss = evidence.loss
    if loss.uneven.any():
        apart = np.where(loss.uneven, np.abs(loss.own - loss.rest), -1.0)
        i, k = map(int, np.unravel_index(int(np.argmax(apart)), apart.shape))
        low, high = evidence.ends()
        text = (
            f"Under {asked.names[k + 1]}, {loss.own[i, k]:.0%} of the rows of "
            f"{evidence.cells[i].predicate} are lost and {loss.rest[i, k]:.0%} of the others': more than "
            "chance.  If rows are lost because they went badly, that alone makes groups differ.  So "
            "intervals of such conditions allow for the rows that one side lost beyond the other to have "
            f"had any value from {low:.3g} to {high:.3g}.  Score lost rows as what they are to be surer."
        )
        return [("rows_lost_unevenly", text)]
    uneven = _uneven(evidence)
    if not uneven:
        return []
    rows = evidence.everybody[uneven].n_rows or 0
    have = "1 row has" if rows == 1 else f"{rows:,} rows have"
    text = (
        f"Under {asked.names[uneven]} only {have} a value, "
        f"under {asked.names[0]} {evidence.everybody[0].n_rows:,}: rows that are lost because they "
        "went badly make a condition look cheaper."
    )
    return [("rows_uneven", text)]


def _without_condition(asked: ConditionQuestion) -> tuple[Missing, ...]:
    if not asked.lacking:
        return ()
    return (Missing(attribute=asked.condition, n_rows=asked.lacking, reason="missing_condition"),)


def _uneven(evidence: ConditionEvidence) -> int:
    """The condition with the fewest rows, where it has fewer than the reference; else 0."""
    rows = [rate.n_rows or 0 for rate in evidence.everybody]
    fewest = int(np.argmin(rows))
    return fewest if rows[fewest] < rows[0] else 0
