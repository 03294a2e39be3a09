"""Repairs by training: the same learner on rows that are weighed, taken again, or changed as a condition changes them.

A learner is a program or a function that knows no weights, so that a weight is how often a row is there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.conditions import Condition
from evenhand.errors import InputError, unknown_name
from evenhand.groups.partition import Key
from evenhand.improving.trainer import PREDICTION, Trainer
from evenhand.repairs.choice import SCORE_FOLDS, Prepared
from evenhand.repairs.fitted import RowWeight, TrainingRecipe
from evenhand.repairs.parting import turns
from evenhand.repairs.rows import DecidedLabel, RepairRows, told_value
from evenhand.samples.sample import SampleError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
#: How often rows of the worst group are taken.
TIMES = (2, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingVariant:
    """A way to make rows for training.

    Attributes
    ----------
    name : str
    weigh : callable
        How often each row is there, on average.
    condition : Condition, optional
        Rows are there a second time as it changes them.
    """

    name: str
    weigh: Callable[[RepairRows], Floats]
    condition: Condition | None = None


def variants(
    rows: RepairRows, worst: int, conditions: Sequence[Condition]
) -> Iterator[TrainingVariant]:
    """All that are tried; the first changes nothing."""
    yield TrainingVariant(name="as it is", weigh=lambda own: np.ones(len(own)))
    if len(rows.cells) > 1:
        yield TrainingVariant(name="reweighed", weigh=reweighing)
        for times in TIMES:
            yield TrainingVariant(
                name=f"worst group {times} times",
                weigh=partial(_several_times, worst, times),
            )
    for one in conditions:
        yield TrainingVariant(
            name=f"with {one.text}", weigh=lambda own: np.ones(len(own)), condition=one
        )


def _several_times(group: int, times: int, rows: RepairRows) -> Floats:
    """Rows of a group so many times."""
    return np.where(rows.group == group, float(times), 1.0)


def reweighing(rows: RepairRows) -> Floats:
    """Weights under which group and label are independent.

    ``P(group) P(label) / P(group, label)``: Kamiran & Calders (2012), doi:10.1007/s10115-011-0463-8.  Rows without
    either have weight 1.
    """
    out = np.ones(len(rows))
    known = np.isfinite(rows.truth) & (rows.group >= 0)
    total = known.sum()
    for g in range(len(rows.cells)):
        for label in (0.0, 1.0):
            own = known & (rows.group == g) & (rows.truth == label)
            if own.any():
                expected = (known & (rows.group == g)).sum() * (known & (rows.truth == label)).sum()
                out[own] = expected / total / own.sum()
    return out


def copies(weights: Floats, rng: np.random.Generator) -> Integers:
    """Places of rows, each as often as its weight says; the part of one that is left by a draw."""
    whole = np.floor(weights)
    times = (whole + (rng.random(len(weights)) < weights - whole)).astype(np.int64)
    return np.repeat(np.arange(len(weights)), times)


def with_trained(
    prepared: Prepared,
    trainer: Trainer,
    scores: Sequence[str],
    conditions: Sequence[Condition],
    worst_of: Callable[[RepairRows], int],
    progress: Callable[[int, int], None] | None,
) -> Prepared:
    """The same with what each way to train answers, and its scores; of practice rows by trainings without them.

    Parameters
    ----------
    prepared : Prepared
    trainer : Trainer
    scores : sequence of str
        Columns of its answers that are scores.
    conditions : sequence of Condition
    worst_of : callable
        The group that is worst off, once what stands is known.
    progress : callable, optional
    """
    own = np.flatnonzero(~prepared.sealed)
    practice = prepared.rows.take(own)
    turn = turns(
        practice.units, practice.group, SCORE_FOLDS, np.random.default_rng([prepared.seed, 2])
    )
    label = prepared.wish.label
    rows = prepared.rows
    recipes: dict[str, TrainingRecipe] = {}
    done, total = 0, (SCORE_FOLDS + 1) * len(list(variants(practice, 0, conditions)))

    bare = _without_label(rows.table.drop_columns([PREDICTION]), label)

    def trained(variant: TrainingVariant, kept: npt.NDArray[np.bool_], test: pa.Table) -> pa.Table:
        nonlocal done
        found = trainer.predict(
            _rows_for(variant, practice.take(np.flatnonzero(kept)), prepared), test
        )
        done += 1
        if progress is not None:
            progress(done, total)
        return found

    def answered(variant: TrainingVariant) -> dict[str, Floats]:
        """What it answers of practice rows that it was not trained with, and of the sealed rows."""
        answers = {name: np.full(len(rows), np.nan) for name in (PREDICTION, *scores)}
        parts = [(own[turn == one], turn != one) for one in range(SCORE_FOLDS)]
        parts.append((np.flatnonzero(prepared.sealed), np.ones(len(practice), bool)))
        for asked, kept in parts:
            told = trained(variant, kept, bare.take(pa.array(asked)))
            for name, found in answers.items():
                found[asked] = _read(told, name, trainer, label)
        return answers

    worst, failed = 0, []
    ways = len(list(variants(practice, worst, conditions)))
    for number in range(ways):
        # Which group is worst off is known once the first has answered.
        variant = list(variants(practice, worst, conditions))[number]
        called = PREDICTION if number == 0 else f"trained {variant.name}"
        try:
            answers = answered(variant)
        except InputError as error:
            if number == 0:
                raise
            # A learner that does not bear such rows is no reason not to try the others.
            failed.append((called, str(error)))
            continue
        recipe = TrainingRecipe(
            called=called,
            train=trainer.told,
            rows=variant.name,
            weights=tuple(_weights(variant, practice, label)),
            condition=None if variant.condition is None else variant.condition.text,
            column=PREDICTION,
        )
        rows, more = _with_answers(rows, answers, recipe, first=number == 0)
        recipes |= more
        if number == 0:
            worst = worst_of(rows.take(own))
    now = label.column(rows.answers[PREDICTION])
    place = rows.table.column_names.index(PREDICTION)
    rows = replace(rows, table=rows.table.set_column(place, PREDICTION, now))
    wish = replace(
        prepared.wish, answers={**prepared.wish.answers, **{name: name for name in rows.answers}}
    )
    return replace(
        prepared,
        rows=rows,
        wish=wish,
        recipes={**prepared.recipes, **recipes},
        failed=tuple(failed),
    )


def _with_answers(
    rows: RepairRows, answers: dict[str, Floats], recipe: TrainingRecipe, *, first: bool
) -> tuple[RepairRows, dict[str, TrainingRecipe]]:
    """Rows with what a training answers, and how each answer came about."""
    rows = replace(rows, answers={**rows.answers, recipe.called: answers[PREDICTION]})
    recipes = {recipe.called: recipe}
    for name, score in answers.items():
        if name != PREDICTION:
            called = name if first else f"{name}, trained {recipe.rows}"
            rows = rows.with_score(called, score)
            recipes[called] = replace(recipe, called=called, column=name)
    return rows, recipes


def _without_label(table: pa.Table, label: DecidedLabel) -> pa.Table:
    """Rows to be asked about: the column of the label is there, and empty."""
    if not isinstance(label.given, str):
        return table
    place = table.column_names.index(label.given)
    nothing = pa.nulls(table.num_rows, table.schema.field(place).type)
    return table.set_column(place, label.given, nothing)


def _rows_for(variant: TrainingVariant, rows: RepairRows, prepared: Prepared) -> pa.Table:
    """Rows for a training, without what stands for the answers that it is to give."""
    table = rows.table.drop_columns([PREDICTION])
    rng = np.random.default_rng([prepared.seed, 3])
    table = table.take(pa.array(copies(variant.weigh(rows), rng)))
    if variant.condition is None:
        return table
    changed = []
    for number, row in enumerate(table.to_pylist()):
        try:
            changed.append(variant.condition.apply(row, prepared.seed + number))
        except SampleError as error:
            raise InputError(f"{variant.name}: {error}") from error
    again = pa.Table.from_pylist(changed, table.schema)
    # What is right stays right whatever is done to the rest of the row.
    given = prepared.wish.label.given
    if isinstance(given, str):
        again = again.set_column(again.column_names.index(given), given, table[given])
    return pa.concat_tables([table, again])


def _read(told: pa.Table, name: str, trainer: Trainer, label: DecidedLabel) -> Floats:
    if name not in told.column_names:
        raise InputError(
            f"{trainer.told} answered without a column {name!r}: {unknown_name('column', name, told.column_names)}"
        )
    values = told[name].to_pylist()
    if name == PREDICTION:
        known = {told_value(label.positive): 1.0, told_value(label.negative): 0.0}
        strange = [one for one in values if one is not None and told_value(one) not in known]
        if strange:
            raise InputError(
                f"{trainer.told} predicted {strange[0]!r}, but the label holds {label.negative!r} and "
                f"{label.positive!r} alone."
            )
        return np.array([np.nan if one is None else known[told_value(one)] for one in values])
    try:
        return np.array([np.nan if one is None else float(one) for one in values])
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{trainer.told} gave a score {name} that is no number: {error}"
        ) from error


def _weights(
    variant: TrainingVariant, rows: RepairRows, label: DecidedLabel
) -> Iterator[RowWeight]:
    weights = variant.weigh(rows)
    for g, cell in enumerate(rows.cells):
        for value, name in ((0.0, label.negative), (1.0, label.positive)):
            own = (rows.group == g) & (rows.truth == value)
            if own.any() and weights[own][0] != 1:
                group: dict[str, Key] = cell.group
                yield RowWeight(
                    group=group, predicate=cell.predicate, label=name, weight=float(weights[own][0])
                )
