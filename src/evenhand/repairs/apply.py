"""A repair applied to rows: every group must be one that it knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from evenhand.errors import InputError, unknown_names
from evenhand.groups import columns_of, parse_predicate
from evenhand.improving.trainings import numbered
from evenhand.metrics import DEFINITIONS
from evenhand.questions.opening import opened
from evenhand.questions.question import Question, check_rows, read_question
from evenhand.records import Records, open_records
from evenhand.repairs.fitted import FittedRepair
from evenhand.repairs.result import RepairTrial
from evenhand.repairs.rows import DecidedLabel, RepairRows, read_rows, repaired_name
from evenhand.repairs.written import check_written_repair

#: What was decided before, among the answers that are read.
_NOW = "evenhand:now"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedRepair:
    """Rows with repaired decisions.

    Attributes
    ----------
    table : pyarrow.Table
        The rows, with one column more.
    column : str
        What it is called.
    changed : int or None
        Decisions that are now others; `None` where what was decided is not in the table.
    lacking : int
        Rows whose attribute is missing: decided as holds for everybody.
    standing : int
        Rows that lack what decides, and are decided as they stand, as in the repair's proof.
    undecided : int
        Rows that lack what decides, and what was decided: their decision is missing.
    """

    table: pa.Table
    column: str
    changed: int | None
    lacking: int
    standing: int
    undecided: int


def read_repair(given: RepairTrial | FittedRepair | Mapping[str, Any] | str | Path) -> FittedRepair:
    """A repair from what `fix` gave, or from a file of its JSON.

    Raises
    ------
    InputError
    """
    if isinstance(given, FittedRepair | RepairTrial | Mapping):
        return _checked(given)
    try:
        text = Path(given).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{given} cannot be read: {getattr(error, 'strerror', None) or error}.  Name a file that `evenhand fix "
            "--json` or --keep wrote."
        ) from error
    try:
        return _checked(RepairTrial.from_json(text))
    except InputError as error:
        raise InputError(f"{given}: {error}") from error


def _checked(given: RepairTrial | FittedRepair | Mapping[str, Any]) -> FittedRepair:
    """The repair, if it says how each row is decided."""
    if isinstance(given, Mapping):
        given = RepairTrial.from_dict(given)
    fitted = given.repair if isinstance(given, RepairTrial) else given
    check_written_repair(fitted)
    return fitted


def apply_repair(
    repair: RepairTrial | FittedRepair | Mapping[str, Any] | str | Path, table: Any
) -> AppliedRepair:
    """Decide rows as a repair does.

    Parameters
    ----------
    repair : RepairTrial, mapping or path
        What `evenhand.fix` gave, or its JSON.
    table
        As in `evenhand.audit`, with the columns that the repair reads; labels are not needed.

    Returns
    -------
    AppliedRepair

    Raises
    ------
    InputError
        For a group that the repair never saw, before any row is decided.
    """
    fitted = read_repair(repair)
    with opened(table, missing_values=fitted.missing_values) as records:
        check_rows(records)
        rows = records.read_rows()
    _check_trained(fitted, rows.column_names)
    whole = open_records(numbered(rows), missing_values=fitted.missing_values)
    try:
        bins = {name: list(edges) for name, edges in fitted.bins.items()}
        question = read_question(whole, [list(fitted.by)], bins=bins)
        finest = question.finest("A row is decided for one group")
        label = DecidedLabel(given=fitted.label, positive=fitted.positive, negative=fitted.negative)
        told = {name: _given(text, whole) for name, text in fitted.answers.items()}
        names = {column.name for column in whole.columns}
        if fitted.now in names or _reads_only(fitted.now, names, whole):
            told = {**told, _NOW: _given(fitted.now, whole)}
        scores = () if fitted.score is None or fitted.scorer is not None else (fitted.score,)
        read = read_rows(
            Question(
                records=whole,
                attributes=question.attributes,
                partitions=(finest,),
                units=(),
                where=None,
            ),
            rows,
            DEFINITIONS["selection_rate"](fitted.label),
            label,
            scores,
            told,
            unlabelled=True,
        )
    finally:
        whole.close()
    group = _places(read, fitted)
    score = _score(read, fitted)
    decisions = fitted.decide(group, score, read.answers)
    column = repaired_name(rows)
    now = read.answers.get(_NOW)
    standing = 0
    if now is not None:
        # As in the proof: what lacks its score is decided as it stands.
        lacks = np.isnan(decisions) & np.isfinite(now)
        decisions, standing = np.where(lacks, now, decisions), int(lacks.sum())
    known = None if now is None else np.isfinite(now) & np.isfinite(decisions)
    return AppliedRepair(
        table=rows.append_column(column, label.column(decisions)),
        column=column,
        changed=None if now is None else int((now[known] != decisions[known]).sum()),
        lacking=int((group < 0).sum()),
        standing=standing,
        undecided=int(np.isnan(decisions).sum()),
    )


def _check_trained(fitted: FittedRepair, names: Sequence[str]) -> None:
    """Refuse rows without what the learner answers, and say how it was trained."""
    read = {*fitted.answers.values(), *([] if fitted.score is None else [fitted.score])}
    for one in fitted.trainings:
        column = one.column if one.column in read else one.called
        if column not in names:
            raise InputError(
                f"The repair reads {column!r}, which is what {one.train} answers, trained {one.rows}, and the table "
                "has no such column.  Train it so (the repair's JSON has the weights), add what it answers, and apply "
                "the repair to that."
            )


def _reads_only(text: str, names: set[str], records: Records) -> bool:
    """Whether a predicate can be asked of the columns that there are."""
    try:
        return set(columns_of(_given(text, records))) <= names
    except InputError:
        return False


def _given(text: str, records: Records) -> Any:
    if any(column.name == text for column in records.columns):
        return text
    return parse_predicate(text, records.columns, label="the repair's answer")


def _score(rows: RepairRows, fitted: FittedRepair) -> Any:
    if fitted.scorer is not None:
        return fitted.scorer.score(rows.table, rows.group, rows.cells)
    return None if fitted.score is None else rows.scores[fitted.score]


def _places(rows: RepairRows, fitted: FittedRepair) -> np.ndarray:
    """The repair's number of each row's group.

    Raises
    ------
    InputError
        Naming every group that it never saw, with a near one.
    """
    known = {_key(one.group, fitted.by): number for number, one in enumerate(fitted.groups)}
    strangers = [cell for cell in rows.cells if _key(cell.group, fitted.by) not in known]
    if strangers:
        told = [", ".join(map(str, cell.label)) for cell in strangers]
        counts = sum(
            int((rows.group == number).sum())
            for number, cell in enumerate(rows.cells)
            if _key(cell.group, fitted.by) not in known
        )
        names = [", ".join(map(str, one.group.values())) for one in fitted.groups]
        raise InputError(
            f"{unknown_names('group', told, names)}\nThe repair never saw {'it' if len(told) == 1 else 'them'} "
            f"({counts:,} rows), so no row was decided.  Write groups as the repair knows them, or learn a repair from "
            "rows with these groups."
        )
    places = np.array([known[_key(cell.group, fitted.by)] for cell in rows.cells], np.int64)
    return np.where(rows.group < 0, -1, places[np.maximum(rows.group, 0)])


def _key(group: Mapping[str, Any], by: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(group[name]) for name in by)
