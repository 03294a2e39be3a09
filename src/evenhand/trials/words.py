"""A trial in words: what happened to every row, why, and what to do next."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from evenhand.deferred import Deferred
from evenhand.pages.commands import written
from evenhand.pages.numbers import ratio
from evenhand.samples.sample import MEDIA_REASONS
from evenhand.trials.plan import Plan
from evenhand.trials.scorers import SCORERS
from evenhand.trials.scoring import PEOPLE, YES
from evenhand.trials.trial import Agreement, Expected, Share, Trial, Unscored, group_attributes

#: Why a row has no plain answer; codes of the media's faults and of the runner's own.
REASONS = {
    **MEDIA_REASONS,
    "cut_off": "the answer ended at a limit of length; raise max_tokens",
    "parked": "the service asks to wait longer than the plan allows; run the same command later",
    "failed_reply": "the service said that it failed while it answered",
    "unfit_media": "the service does not take this kind of sample",
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
    "judge_refused": "the judge declined",
    "judge_failed": "the judge gave no answer",
    "judge_empty": "the judge answered with nothing",
    "judge_cut_off": "the judge's answer ended at a limit of length",
    "judge_not run": "the judge was not asked",
    "language_unmeasured": "in a language in which this scorer was not measured: docs/trials.md",
    "refusal_unclear": "the service may have declined, in words that no rule knows; read some of them",
    "no_choice": "none of the choices is named, or several are",
    "no_number": "there is no number, or a range",
    "two_readings": "its number can be read in two ways, of which the reference is the less likely; give decimal",
    "no_reference": "the sample has no reference",
    "reference_no_choice": "the reference is none of the choices or options",
    "options_unread": 'the sample\'s options are no list; CSV holds one as JSON: ["one", "two"]',
    "reference_unread": "the reference is no number",
    "exception": "the service's or the condition's code raised an error",
}
_MOST_ATTRIBUTES = 3
#: Reasons that the same command will meet again.
_LASTING = {
    *MEDIA_REASONS, "duplicate_id", "not_collected", "over_budget", "no_slot", "no_feature",
    "bad_outcome", "unfit_media", "empty_answer", "cut_off", "refusal", "content_filter",
}  # fmt: skip
#: References of at most so many values are classes.
_MOST_CLASSES = 20
_CLASSES = "error_rate(label=reference, prediction=output)"
_WORDS = "wer(reference=reference, hypothesis=output)"
_LETTERS = "cer(reference=reference, hypothesis=output)"
#: Where the metric does not know what harms, and nobody has said it.
_EITHER = " --worse higher   (or lower, where that is the harm)"
_METRICS = Deferred("evenhand.metrics")


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
    yield from silence_lines(trial)
    yield f"{trial.name}: {_count(trial.rows, 'row')} in {trial.records}"
    yield "  " + _outcomes(trial.outcomes)
    made = f"{_count(trial.calls, 'call')} in {duration(trial.seconds)}"
    parts = [made]
    parts += (
        [f"{_count(trial.cached, 'row')} answered without asking again"] if trial.cached else []
    )
    parts += [_count(trial.retries, "retry", "retries")] if trial.retries else []
    if trial.cost_total or trial.possibly_spent:
        parts.append(f"cost {trial.cost:.6g} now, {trial.cost_total:.6g} in all")
    yield "  " + "; ".join(parts)
    if trial.cost_at_most:
        yield (
            f"  of this {trial.cost_at_most:.6g} is the most it can be: the replies do not say what "
            "they cost"
        )
    if trial.possibly_spent:
        yield (
            f"  and {trial.possibly_spent:.6g} may have been spent on calls that gave no answer; the "
            "budget counts it"
        )
    yield from _shares(trial.cut_off, "were cut off at a limit of length")
    if trial.reasons:
        yield "Rows without a plain answer:"
    for code, rows in trial.reasons.items():
        said = explain(code)
        yield f"  {rows:,} {code}" + (f": {said}" if said else "")
    yield from _without_scores(trial.unscored)
    for title, groups in (("service", trial.services), ("condition", trial.conditions)):
        yield from _uneven(title, groups)
    for name, (differ, of) in trial.unsteady.items():
        if differ:
            yield f"{name} answers differently: {differ:,} of {of:,} repeated calls had not one answer."
    for agreement in trial.agreements:
        yield _agreement(agreement)
        yield from _left_out(agreement)


def silence_lines(trial: Trial) -> Iterator[str]:
    """What must be known before any number: services that ended early, and who got no answer."""
    for name, reason in trial.stopped.items():
        yield f"Stopped: {name}: {reason.partition(': ')[2] or reason}"
    for name, moment in trial.parked.items():
        yield f"Parked: {name} asks to wait until {moment}.  Then run the same command again."
    for cause, rows in trial.causes.items():
        if not trial.stopped:
            yield f"{_count(rows, 'row')} failed: {cause}"
    yield from _shares(trial.unanswered, "have no answer")


def _without_scores(unscored: Sequence[Unscored]) -> Iterator[str]:
    """How many answers have no score, by score and reason."""
    for column in dict.fromkeys(each.column for each in unscored):
        found = [each for each in unscored if each.column == column]
        rows = sum(each.rows for each in found)
        yield f"{rows:,} of {_count(found[0].of, 'answer')} have no score {column!r}, and are in no rate of it:"
        for each in found:
            said = explain(each.reason)
            yield f"  {each.rows:,} {each.reason}" + (f": {said}" if said else "")


def _shares(shares: Sequence[Share], what: str) -> Iterator[str]:
    """How many rows something happened to, by each attribute; the most uneven one first."""
    if not shares:
        return
    whole, *others = shares
    yield f"{whole.rows:,} of {_count(whole.of, 'row')} {what} ({whole.rows / whole.of:.1%})."
    by: dict[str, list[Share]] = {}
    for share in others:
        by.setdefault(str(share.attribute), []).append(share)
    spread = {
        name: each[0].rows / each[0].of - each[-1].rows / each[-1].of for name, each in by.items()
    }
    for name in sorted(by, key=lambda name: -spread[name])[:_MOST_ATTRIBUTES]:
        told = [f"{s.value} {s.rows:,} of {s.of:,} ({s.rows / s.of:.1%})" for s in by[name]]
        yield f"  by {name}: " + ", ".join(told)


def _uneven(title: str, groups: dict[str, dict[str, int]]) -> Iterator[str]:
    """Outcomes of each group, where they differ between groups: silence is a finding too."""
    if len({tuple(sorted(counts.items())) for counts in groups.values()}) > 1:
        yield f"Outcomes by {title}:"
        for name, counts in groups.items():
            yield f"  {name}: {_outcomes(counts)}"


def _outcomes(counts: dict[str, int]) -> str:
    return ", ".join(f"{rows:,} {outcome}" for outcome, rows in counts.items()) or "no rows"


def _left_out(found: Agreement) -> Iterator[str]:
    """Labels of people that no judgement is held against."""
    if found.unread:
        yield (
            f"  {_count(found.unread, 'row')} more: {found.human!r} says what is no score; give its labels their "
            "values: values = {toxic = 1, fine = 0}"
        )
    if found.unjudged:
        yield f"  {_count(found.unjudged, 'row')} more with {found.human!r}: the judge has no score"


def _agreement(found: Agreement) -> str:
    if found.kappa is None:
        return (
            f"Judge {found.column!r} and {found.human!r}: {found.reason or 'kappa is undefined'} "
            f"({_count(found.rows, 'row')} with both)"
        )
    span = f" (no interval: {found.reason})" if found.reason else ""
    span = span if found.low is None else f" ({ratio(found.low)} to {ratio(found.high)})"
    return (
        f"Judge {found.column!r} and {found.human!r}: kappa {ratio(found.kappa)}{span}, "
        f"{found.agreed:,} of {_count(found.rows, 'row')} alike"
    )


def _dry(trial: Trial) -> Iterator[str]:
    yield f"{trial.name}: {_count(trial.rows, 'row')} when done; nothing was called"
    for each in trial.expected:
        yield "  " + _expected(each)
    if trial.problems:
        yield "Before the first call:"
    for problem in trial.problems:
        yield "  " + problem


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

    Answers of several services, or under several conditions, are never pooled: there is an audit of
    each service's answers to the samples as they are.  The first attribute with two to twenty
    values, each of several samples, stands for the groups; whoever runs the trial knows better ones.
    """
    if not plan.metrics and not plan.scores and all(s.reference is None for s in plan.samples):
        return []  # nothing says what a good answer is
    by = next(iter(group_attributes(plan)), None)
    conditions = any(treatment.condition for treatment in plan.treatments)
    shown = [str(records), *_metric(plan)]
    unit = ["--unit", plan.unit or "id"]
    names = [wired.service.name for wired in plan.services]
    steps = []
    for name in names if by else names[:1]:
        only = [f"service = {_literal(name)}"] if by and len(names) > 1 else []
        if by and len(plan.treatments) > 1:
            only.append(f"condition = {_literal(plan.treatments[0].label)}")
        where = ["--where", " and ".join(only)] if only else []
        grouped = by or ("condition" if conditions else "service")
        steps.append(["audit", *shown, "--by", grouped, *unit, *where])
        if by and conditions:
            alone = ["--where", only[0]] if len(names) > 1 else []
            steps.append(["effects", *shown, "--by", by, *unit, *alone])
    unsaid = "" if "--worse" in shown or _has_direction(plan) else _EITHER
    told = [written(["evenhand", *step]) + unsaid for step in steps]
    judged = (
        [["audit", str(records), *asked, "--by", by, *unit] for asked in _judges(plan)]
        if by
        else []
    )
    return [*told, *(written(["evenhand", *step]) for step in judged)]


def silence_steps(trial: Trial, plan: Plan, records: Path, again: str) -> list[str]:
    """Commands where rows have no answer: ask again if that may help, and audit the silence itself."""
    steps = []
    if set(trial.reasons) - _LASTING:
        steps.append(f"{again}   (asks for what has no answer, for nothing twice)")
    by = next(iter(group_attributes(plan)), None)
    if by is not None:
        silent = "selection_rate(prediction=(outcome in ('failed', 'not run')))"
        asked = ["audit", str(records), "--metric", silent, "--worse", "higher", "--by", by]
        steps.append(written(["evenhand", *asked, "--unit", plan.unit or "id"]))
    return steps


def _has_direction(plan: Plan) -> bool:
    """Whether the metric itself knows what is worse; a mean of scores does not."""
    if not plan.metrics:
        return not plan.scores
    definition = _METRICS.find_definition(plan.metrics[0].partition("(")[0].strip())
    return definition.higher_is_worse is not None


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _judges(plan: Plan) -> Iterator[list[str]]:
    """Whether a judge and people differ more often for one group: an audit of the judge."""
    for score in plan.scores:
        if score.judge is not None and score.judge.human is not None:
            names = f"label={score.column}{PEOPLE}, prediction={score.column}{YES}"
            yield ["--metric", f"error_rate({names})"]


def _metric(plan: Plan) -> list[str]:
    if plan.metrics:
        return ["--metric", plan.metrics[0]]
    if plan.scores:
        score = plan.scores[0]
        right = score.kind in SCORERS and score.against is None
        return ["--metric", f"mean({score.column})", *(["--worse", "lower"] if right else [])]
    return ["--metric", _by_reference(plan)]


def _by_reference(plan: Plan) -> str:
    """Metric that fits the references: words of speech, letters of a read text, classes."""
    kind = plan.samples[0].kind if plan.samples else "text"
    if kind == "audio":
        return _WORDS
    texts = [s.reference for s in plan.samples if isinstance(s.reference, str)]
    distinct = set(texts)
    spaced = any(" " in text.strip() for text in distinct)
    # The same text may be shown many times: in several faces, sizes, hands.
    free = len(distinct) > (_MOST_CLASSES if spaced else max(_MOST_CLASSES, len(texts) / 2)) or (
        spaced and len(distinct) > len(texts) / 2
    )
    return _LETTERS if kind == "image" and free else _CLASSES
