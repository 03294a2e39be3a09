"""A repair applied to rows: every group must be one that it knows."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
import pyarrow as pa

from evenhand.errors import InputError, unknown_names
from evenhand.groups import columns_of, parse_predicate
from evenhand.improving.trainings import numbered
from evenhand.metrics import DEFINITIONS
from evenhand.pages.numbers import plural
from evenhand.questions.opening import opened
from evenhand.questions.question import By, Question, check_rows, read_question
from evenhand.records import Kind, Records, open_records
from evenhand.repairs.fitted import FittedRepair
from evenhand.repairs.linear import numbers_of
from evenhand.repairs.practice import Flags, kept_places, practice_rows
from evenhand.repairs.result import RepairTrial
from evenhand.repairs.rows import DecidedLabel, RepairRows, free_name, read_rows, repaired_name
from evenhand.repairs.seen import ReadColumns, strange_categories
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
    outside : int
        Rows with a category that the repair has never seen, or a number far from what it has.
    outside_in : tuple of str
        The columns that hold them.
    answer : str or None
        What the repair's one test said of its rule: ``reached``, ``not reached`` or ``insufficient evidence``; `None`
        where a repair was given without its test.
    practice : int or None
        Rows that the repair was learnt from, whose numbers are too good; `None` where that is not known, because the
        table is not the file that it was learnt from.
    practice_column : str or None
        The column that marks them.
    """

    table: pa.Table
    column: str
    changed: int | None
    lacking: int
    standing: int
    undecided: int
    outside: int
    outside_in: tuple[str, ...]
    answer: str | None
    practice: int | None
    practice_column: str | None


def read_repair(given: RepairTrial | FittedRepair | Mapping[str, Any] | str | Path) -> FittedRepair:
    """A repair from what `fix` gave, or from a file of its JSON.

    Raises
    ------
    InputError
    """
    told = read_trial(given)
    return told.repair if isinstance(told, RepairTrial) else told


def read_trial(
    given: RepairTrial | FittedRepair | Mapping[str, Any] | str | Path,
) -> RepairTrial | FittedRepair:
    """The same with its test, where it is given with it.

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


def _checked(
    given: RepairTrial | FittedRepair | Mapping[str, Any],
) -> RepairTrial | FittedRepair:
    """The repair with its test, if it says how each row is decided."""
    if isinstance(given, Mapping):
        given = RepairTrial.from_dict(given)
    check_written_repair(given.repair if isinstance(given, RepairTrial) else given)
    return given


def apply_repair(
    repair: RepairTrial | FittedRepair | Mapping[str, Any] | str | Path,
    table: Any,
    *,
    where: str | None = None,
    outside: bool = False,
) -> AppliedRepair:
    """Decide rows as a repair does.

    Parameters
    ----------
    repair : RepairTrial, mapping or path
        What `evenhand.fix` gave, or its JSON.
    table
        As in `evenhand.audit`, with the columns that the repair reads; labels are not needed.
    where : str, optional
        Rows to decide, as in `evenhand.audit`; the others are left out.
    outside : bool
        Decide also rows whose numbers are of another scale than those that the repair has seen, or whose categories
        are mostly others.

    Returns
    -------
    AppliedRepair

    Raises
    ------
    InputError
        For a group that the repair never saw, or numbers of another scale, before any row is decided.

    Notes
    -----
    What is decided of a row does not depend on the rows beside it; whether rows are refused may: where most of them
    are at an end of what was seen, they are of another scale.
    """
    given = read_trial(repair)
    found, fitted = (given, given.repair) if isinstance(given, RepairTrial) else (None, given)
    with ExitStack() as stack:
        records = stack.enter_context(opened(table, missing_values=fitted.missing_values))
        again = _declared(fitted, records)
        if again:
            records = stack.enter_context(
                opened(table, columns=again, missing_values=fitted.missing_values)
            )
        check_rows(records)
        practice = None if found is None else practice_rows(found, table)
        rows, practice = _kept(records, practice, where, fitted)
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
    asked = None if found is None else found.settings.where
    group = _places(read, fitted, None if asked == where else asked)
    columns = _read(read, fitted)
    if not outside:
        columns.check()
    strange, strange_in = columns.outside()
    score = _score(read, fitted, group)
    decisions = fitted.decide(group, score, read.answers)
    column = repaired_name(rows)
    now = read.answers.get(_NOW)
    standing = 0
    if now is not None:
        # As in the proof: what lacks its score is decided as it stands.
        lacks = np.isnan(decisions) & np.isfinite(now)
        decisions, standing = np.where(lacks, now, decisions), int(lacks.sum())
    known = None if now is None else np.isfinite(now) & np.isfinite(decisions)
    decided, marked = rows.append_column(column, label.column(decisions)), None
    if practice is not None:
        marked = free_name("practice", decided)
        decided = decided.append_column(marked, pa.array(practice))
    return AppliedRepair(
        table=decided,
        column=column,
        changed=None if now is None else int((now[known] != decisions[known]).sum()),
        lacking=int((group < 0).sum()),
        standing=standing,
        undecided=int(np.isnan(decisions).sum()),
        outside=int(strange.sum()),
        outside_in=tuple(strange_in),
        answer=None if found is None else found.rule.answer,
        practice=None if practice is None else int(practice.sum()),
        practice_column=marked,
    )


def _kept(
    records: Records, practice: Flags | None, where: str | None, fitted: FittedRepair
) -> tuple[pa.Table, Flags | None]:
    """Rows that the filter keeps, and which of them the repair was learnt from."""
    rows = records.read_rows()
    if where is None:
        return rows, practice
    by: By = [list(fitted.by)]
    missing = fitted.missing_values
    places = kept_places(rows, where, records.name, by, missing_values=missing)
    return rows.take(pa.array(places)), None if practice is None else practice[places]


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


def _declared(fitted: FittedRepair, records: Records) -> dict[str, str]:
    """How columns are to be read that their values alone would say otherwise of: few rows may look like numbers."""
    kinds = {column.name: column.kind for column in records.columns}
    told = {name: kind for name, kind in fitted.columns.items() if name in kinds}
    needed = any(kind != "text" or kinds[name] is not Kind.TEXT for name, kind in told.items())
    return told if needed else {}


def _read(rows: RepairRows, fitted: FittedRepair) -> ReadColumns:
    """The columns that it reads, beside what it has seen of them."""
    features = () if fitted.scorer is None else fitted.scorer.features
    numbers = {**numbers_of(rows.table, features), **rows.scores}
    strange = {
        one.column: strange_categories(rows.table[one.column], one.values)
        for one in features
        if one.kind == "category" and one.column in rows.table.column_names
    }
    return ReadColumns(seen=fitted.seen, numbers=numbers, strange=strange)


def _score(rows: RepairRows, fitted: FittedRepair, group: np.ndarray) -> Any:
    if fitted.scorer is not None:
        known = [one.predicate for one in fitted.groups]
        return fitted.scorer.score(rows.table, group, known)
    return None if fitted.score is None else rows.scores[fitted.score]


def _places(rows: RepairRows, fitted: FittedRepair, learnt: str | None) -> np.ndarray:
    """The repair's number of each row's group; `learnt` is the filter that it was learnt under, if it is another one.

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
        rest = f"NOT ({' OR '.join(cell.predicate for cell in strangers)})"
        out = _quoted(rest if learnt is None else learnt)
        such = "" if learnt is None else ", as the repair was learnt"
        raise InputError(
            f"{unknown_names('group', told, names)}\nThe repair never saw {'it' if len(told) == 1 else 'them'} "
            f"({plural(counts, 'row')}), so no row was decided.  Write groups as the repair knows them, leave these "
            f"rows out{such} (--where {out}), or learn a repair from rows with these groups."
        )
    # Rows in no group, whose place is -1, find the last one.
    places = [known[_key(cell.group, fitted.by)] for cell in rows.cells]
    return np.array([*places, -1], np.int64)[rows.group]


def _quoted(text: str) -> str:
    """A predicate as an option: in double quotes where a shell changes nothing in them."""
    return quote(text) if set('"$`\\!') & set(text) else f'"{text}"'


def _key(group: Mapping[str, Any], by: Sequence[str]) -> tuple[str, ...]:
    return tuple(_value(group[name]) for name in by)


def _value(value: Any) -> str:
    """A value as it is compared: 1 and 1.0 are one."""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole else value)
