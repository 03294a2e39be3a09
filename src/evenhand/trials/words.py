"""A trial in words: what happened to every row, why, and what to do next."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from evenhand.samples.sample import MEDIA_REASONS
from evenhand.trials.plan import Plan
from evenhand.trials.scorers import SCORERS
from evenhand.trials.trial import Agreement, Expected, Trial

#: Why a row has no plain answer; codes of the media's faults and of the runner's own.
REASONS = {
    **MEDIA_REASONS,
    "duplicate_id": "another sample of this id stands before it in the manifest",
    "empty_answer": "the service answered with nothing",
    "refusal": "the service declined to answer",
    "content_filter": "the service's filter held the answer back",
    "not_collected": "the file of outputs has none for this sample and condition",
    "over_budget": "the call could have cost more than the budget leaves",
    "service_stopped": "the service was given up; its first reason stands in the row",
    "cannot_run": "the service cannot run here at all; the row says what it lacks",
    "interrupted": "the trial ended before its turn",
    "timeout": "no end within the time allowed",
    "no_connection": "nobody answers at that address",
    "certificate": "the server's certificate is not to be trusted",
    "broken_reply": "the reply broke off, or is no HTTP",
    "huge_reply": "the reply is larger than any answer",
    "malformed_reply": "the reply is not what the protocol says",
    "no_answer": "the reply has nothing at the path of the answer",
    "bad_request": "the plan's template makes no request",
    "no_slot": "the sample lacks what a slot of the template asks for",
    "no_feature": "the row lacks what the model needs",
    "bad_outcome": "the file of outputs names an outcome that there is not",
    "exit_code": "the program ended with a fault",
    "no_program": "there is no such program",
    "job_failed": "the batch job failed",
    "no_answer_to_judge": "a judge scores answers only",
    "judge_unclear": "no score can be read in what the judge said",
    "exception": "the service's or the condition's code raised an error",
}
_MOST_VALUES = 20
_METRICS = {
    "audio": "wer(reference=reference, hypothesis=output)",
    "image": "error_rate(label=reference, prediction=output)",
    "text": "error_rate(label=reference, prediction=output)",
    "table": "error_rate(label=reference, prediction=output)",
}


def explain(code: str) -> str:
    """Sentence for a reason's code; empty where the code says it all.

    Examples
    --------
    >>> explain("timeout")
    'no end within the time allowed'
    """
    if code.startswith("http_"):
        return f"the service answered with status {code.removeprefix('http_')}"
    return REASONS.get(code, "")


def summary_lines(trial: Trial) -> list[str]:
    """Summary of a trial, a line each."""
    return list(_dry(trial) if trial.dry_run else _done(trial))


def _done(trial: Trial) -> Iterator[str]:
    yield f"{trial.name}: {_count(trial.rows, 'row')} in {trial.records}"
    yield "  " + _outcomes(trial.outcomes)
    made = f"{_count(trial.calls, 'call')} in {duration(trial.seconds)}"
    parts = [made]
    parts += (
        [f"{_count(trial.cached, 'row')} answered without asking again"] if trial.cached else []
    )
    parts += [_count(trial.retries, "retry", "retries")] if trial.retries else []
    if trial.cost_total:
        parts.append(f"cost {trial.cost:.6g} now, {trial.cost_total:.6g} in all")
    yield "  " + "; ".join(parts)
    if trial.reasons:
        yield "Rows without a plain answer:"
    for code, rows in trial.reasons.items():
        said = explain(code)
        yield f"  {rows:,} {code}" + (f": {said}" if said else "")
    for title, groups in (("service", trial.services), ("condition", trial.conditions)):
        yield from _uneven(title, groups)
    for agreement in trial.agreements:
        yield _agreement(agreement)


def _uneven(title: str, groups: dict[str, dict[str, int]]) -> Iterator[str]:
    """Outcomes of each group, where they differ between groups: silence is a finding too."""
    if len({tuple(sorted(counts.items())) for counts in groups.values()}) > 1:
        yield f"Outcomes by {title}:"
        for name, counts in groups.items():
            yield f"  {name}: {_outcomes(counts)}"


def _outcomes(counts: dict[str, int]) -> str:
    return ", ".join(f"{rows:,} {outcome}" for outcome, rows in counts.items()) or "no rows"


def _agreement(found: Agreement) -> str:
    if found.kappa is None:
        return (
            f"Judge {found.column!r} and {found.human!r}: {found.reason or 'kappa is undefined'} "
            f"({_count(found.rows, 'row')} with both)"
        )
    span = "" if found.low is None else f" ({found.low:.2f} to {found.high:.2f})"
    return (
        f"Judge {found.column!r} and {found.human!r}: kappa {found.kappa:.2f}{span}, "
        f"{found.agreed:,} of {_count(found.rows, 'row')} alike"
    )


def _dry(trial: Trial) -> Iterator[str]:
    yield f"{trial.name}: {_count(trial.rows, 'row')} when done; nothing was called"
    for each in trial.expected:
        yield "  " + _expected(each)


def _expected(each: Expected) -> str:
    time = "time unknown" if each.seconds is None else f"about {duration(each.seconds)}"
    cost = "cost unknown" if each.cost is None else f"cost about {each.cost:.6g}, or less"
    parts = [f"{each.service}: {_count(each.calls, 'call')} to make"]
    parts += [f"{_count(each.cached, 'answer')} known before"] if each.cached else []
    parts += [time, cost if each.cost != 0 else "free"] if each.calls else []
    return "; ".join(parts)


def duration(seconds: float) -> str:
    """Time in words.

    Examples
    --------
    >>> duration(0.04), duration(75), duration(8000)
    ('0.04 s', '1 min 15 s', '2 h 13 min')
    """
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def next_steps(plan: Plan, records: Path) -> list[str]:
    """Commands that read the records: the audit, and what each condition costs each group.

    The first attribute with two to twenty values, each of several samples, stands for the groups;
    whoever runs the trial knows better ones.
    """
    if not plan.metrics and not plan.scores and all(s.reference is None for s in plan.samples):
        return []  # nothing says what a good answer is
    by = _groups(plan)
    conditions = any(treatment.condition for treatment in plan.treatments)
    shown = [str(records), *_metric(plan)]
    unit = ["--unit", plan.unit or "id"]
    audit = ["audit", *shown, "--by", by or ("condition" if conditions else "service"), *unit]
    steps = [audit]
    if by and conditions:
        steps.append(["effects", *shown, "--by", by, *unit])
    return [shlex.join(["evenhand", *step]) for step in steps]


def _metric(plan: Plan) -> list[str]:
    if plan.metrics:
        return ["--metric", plan.metrics[0]]
    if plan.scores:
        score = plan.scores[0]
        right = score.kind in SCORERS and score.against is None
        return ["--metric", f"mean({score.column})", *(["--worse", "lower"] if right else [])]
    return ["--metric", _METRICS[plan.samples[0].kind] if plan.samples else _METRICS["text"]]


def _groups(plan: Plan) -> str | None:
    names: Sequence[str] = list(plan.samples[0].attributes) if plan.samples else ()
    for name in names:
        values = [str(sample.attributes.get(name)) for sample in plan.samples]
        kinds = len(set(values))
        if name != plan.unit and 2 <= kinds <= min(_MOST_VALUES, len(values) / 2):
            return name
    return None
