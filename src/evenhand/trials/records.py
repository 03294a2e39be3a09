"""Records of a trial: one row per sample, condition, service and repeat, nothing dropped."""

import contextlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evenhand.deferred import small_arrow
from evenhand.errors import InputError
from evenhand.services.service import SAID, Answer
from evenhand.trials.design import Treatment
from evenhand.trials.plan import Plan
from evenhand.trials.scoring import COLUMNS, PEOPLE, YES, AnswerScore, ScoredColumn

SCHEMA = "evenhand.records/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One call with its answer; `sample` and `treatment` are places in the plan.

    `first` tells whether no row before it shares the call.
    """

    sample: int
    treatment: int
    service: int
    repeat: int
    answer: Answer
    outcome: str
    cached: bool
    first: bool = True


def score_rows(plan: Plan, rows: Sequence[Row], score: AnswerScore) -> ScoredColumn:
    """Scores of all rows by a scorer that asks nobody."""
    scores: list[float | None] = []
    reasons: list[str | None] = []
    for row in rows:
        sample = plan.samples[row.sample]
        asked = (row.answer.output, sample.reference, row.outcome, sample.attributes)
        scores.append(score.of(*asked))
        reasons.append(score.reason(*asked) if scores[-1] is None else None)
    return ScoredColumn(scores=scores, reasons=reasons)


def write_records(
    path: Path,
    plan: Plan,
    rows: Sequence[Row],
    measures: Sequence[Mapping[str, Any]],
    scored: Sequence[ScoredColumn] = (),
) -> None:
    """Write the rows as Parquet; the file is there whole or not at all.

    Parameters
    ----------
    path : Path
    plan : Plan
    rows : sequence of Row
    measures : sequence of mappings
        Measured attributes of each sample.
    scored : sequence of ScoredColumn
        Of each score of the plan.

    Raises
    ------
    InputError
        Where the disk is full or the place cannot be written; no answer is lost by that.
    """
    # The agreement of judges with people is counted from arrays, behind this.
    with contextlib.nullcontext() if plan.judges else small_arrow():
        import pyarrow as pa  # noqa: PLC0415 - 40 MB that the calls do without
        from pyarrow import parquet  # noqa: PLC0415 - the same
    table = pa.table(_with_scores(pa, _columns(pa, plan, rows, measures), plan, rows, scored))
    table = table.replace_schema_metadata(
        {"evenhand": json.dumps({"schema": SCHEMA, "trial": plan.name})}
    )
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            parquet.write_table(table, partial, compression="zstd")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror or error}.  Every answer is kept in "
            f"{plan.cache}; make room and run the same command again, nothing is called twice."
        ) from error


def _columns(
    pa: Any, plan: Plan, rows: Sequence[Row], measures: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Arrow columns by name."""
    samples = [row.sample for row in rows]
    treatments = [row.treatment for row in rows]
    services = [row.service for row in rows]

    def spread(values: Sequence[Any], places: Sequence[int]) -> Any:
        return column(pa, [values[place] for place in places])

    found = {"id": spread([s.id for s in plan.samples], samples)}
    found |= {name: spread(values, samples) for name, values in _attributes(plan, measures).items()}
    if plan.unit and plan.unit not in found:
        found[plan.unit] = spread([sample.unit for sample in plan.samples], samples)
    found |= {
        name: spread(values, treatments) for name, values in _circumstances(plan.treatments).items()
    }
    wired = [item.service for item in plan.services]
    found["service"] = spread([service.name for service in wired], services)
    found["service_version"] = spread([service.version for service in wired], services)
    found["repeat"] = pa.array([row.repeat for row in rows], pa.int64())
    found["reference"] = spread([sample.reference for sample in plan.samples], samples)
    found |= {name: column(pa, values) for name, values in _outputs(rows).items()}
    found["outcome"] = pa.array([row.outcome for row in rows], pa.string())
    found["cut_off"] = pa.array([_cut_off(row) for row in rows], pa.int64())
    found["reason"] = pa.array([row.answer.reason for row in rows], pa.string())
    found["seconds"] = pa.array([_seconds(row) for row in rows], pa.float64())
    found["cost"] = pa.array([row.answer.cost for row in rows], pa.float64())
    found["cached"] = pa.array([row.cached for row in rows], pa.bool_())
    for name, values in _told(rows).items():
        found[_free(name, found)] = column(pa, values)
    return found


def _with_scores(
    pa: Any, found: dict[str, Any], plan: Plan, rows: Sequence[Row], scored: Sequence[ScoredColumn]
) -> dict[str, Any]:
    """Each score, and beside it why there is none; of a judge also what people say, as yes and no."""
    by_judges = [score.judge is not None for score in plan.scores]
    for place in sorted(range(len(scored)), key=by_judges.__getitem__):
        score, made = plan.scores[place], scored[place]
        found[_free(score.column, found)] = pa.array(made.scores, pa.float64())
        judge = score.judge
        if judge is not None or any(made.reasons):
            found[_free(f"{score.column}_reason", found)] = pa.array(made.reasons, pa.string())
        if judge is not None and judge.human is not None:
            people = [judge.people(sample.attributes) for sample in plan.samples]
            yes = [judge.yes(given) for given in made.scores]
            found[_free(f"{score.column}{YES}", found)] = pa.array(yes, pa.int64())
            said = [people[row.sample] for row in rows]
            found[_free(f"{score.column}{PEOPLE}", found)] = pa.array(said, pa.int64())
    return found


def _seconds(row: Row) -> float | None:
    return row.answer.seconds if row.outcome in SAID else None


def _cut_off(row: Row) -> int | None:
    """Whether an answer ended at a limit of length: a column, so that its rate can be audited."""
    return int(row.outcome == "cut_off") if row.outcome in SAID else None


def _told(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """What replies tell beside their answers, where any does: thinking, and tokens."""
    answers = [row.answer for row in rows]
    found: dict[str, list[Any]] = {"thinking": [answer.thinking for answer in answers]}
    for name in ("input", "output", "thinking"):
        found[f"{name}_tokens"] = [
            getattr(answer.tokens, name) if answer.tokens else None for answer in answers
        ]
    found["cost_at_most"] = [answer.at_most or None for answer in answers]
    return {name: values for name, values in found.items() if any(v is not None for v in values)}


def _attributes(plan: Plan, measures: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for sample in plan.samples for name in sample.attributes)
    found: dict[str, list[Any]] = {
        (f"attribute_{name}" if name in COLUMNS else name): [
            sample.attributes.get(name) for sample in plan.samples
        ]
        for name in names
    }
    measured = dict.fromkeys(name for each in measures for name in each)
    for name in measured:
        found[f"measured_{name}"] = [each.get(name) for each in measures]
    return found


def _circumstances(treatments: Sequence[Treatment]) -> dict[str, list[Any]]:
    """Columns of the conditions; a parameter's column is named ``tone_frequency``."""
    found: dict[str, list[Any]] = {
        "condition": [t.label for t in treatments],
        "condition_name": [t.condition.name if t.condition else None for t in treatments],
        "seed": [t.seed for t in treatments],
    }
    values = [_parameters(treatment) for treatment in treatments]
    for name in dict.fromkeys(name for each in values for name in each):
        found[name] = [each.get(name) for each in values]
    return found


def _parameters(treatment: Treatment) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for step in treatment.condition.steps if treatment.condition else ():
        for name, value in step.parameters.items():
            if value is not None:
                found[_free(f"{step.definition.name}_{name}", found)] = value
    return found


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """Name, with a number behind it where it is taken."""
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def _outputs(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Outputs; those of named values get a column each beside the whole."""
    outputs = [row.answer.output for row in rows]
    named = dict.fromkeys(
        str(name) for output in outputs if isinstance(output, dict) for name in output
    )
    found: dict[str, list[Any]] = {"output": outputs}
    for name in named:
        found[f"output_{name}"] = [
            output.get(name) if isinstance(output, dict) else None for output in outputs
        ]
    if named and "label" in named:
        found["output"] = [o.get("label") if isinstance(o, dict) else o for o in outputs]
    return found


def column(pa: Any, values: Sequence[Any]) -> Any:
    """Arrow array of the one type that holds all values: truth values, whole numbers, numbers, text.

    What fits none becomes text, structures as JSON; a number that is no number becomes missing.
    """
    kinds = {type(value) for value in values if value is not None}
    types: list[tuple[set[type], Callable[[], Any]]] = [
        ({bool}, pa.bool_),
        ({int}, pa.int64),
        ({int, float}, pa.float64),
        ({str}, pa.string),
    ]
    for allowed, make in types:
        if kinds <= allowed:
            try:
                kind = make() if kinds else pa.string()
                known = [_finite(value) for value in values] if float in kinds else values
                return pa.array(known, kind)
            except (pa.ArrowInvalid, OverflowError, UnicodeEncodeError):
                continue
    return pa.array([_text(value) for value in values], pa.string())


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not abs(value) < float("inf") else value


def _text(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode("utf-8")
