"""Watches in plain words: what a person reads in the terminal and on the page, the alarm first."""

from collections.abc import Iterator, Mapping
from datetime import date

from evenhand.pages.caveats import after_numbers, bin_sentences, missing_sentences
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.numbers import percent, plural, points, rate
from evenhand.watching.result import Diagnosis, Moment, SettledAlarm, Watch, WatchAlarm

#: What shares are shares of, and what those are.
SHARES = {
    "wer": ("words", "wrong"),
    "mer": ("words", "wrong"),
    "cer": ("letters", "wrong"),
    "error_rate": ("answers", "wrong"),
    "accuracy": ("answers", "right"),
    "sentence_error_rate": ("sentences", "with an error"),
    "false_negative_rate": ("cases", "missed"),
    "true_positive_rate": ("cases", "found"),
    "false_positive_rate": ("cases that are none", "flagged"),
    "selection_rate": ("people", "selected"),
}
#: What the two sides of a diagnosis are called.
SIDES = {"before": ("before", "since"), "others": ("for others", "here")}
#: Everyone's name.
EVERYONE = "everyone"


def called(group: Mapping[str, str], found: Watch, edition: Edition = PLAIN) -> str:
    """A group by its values."""
    if not group:
        return EVERYONE
    names = []
    for name, value in group.items():
        predicate = name in found.settings.by and value == "true"
        names.append(edition.column(name) if predicate else edition.value(name, value))
    return " · ".join(names)


def share(value: float | None, found: Watch) -> str:
    """A rate as people say it: ``17 of 100 words wrong``."""
    if value is None:
        return "–"
    of = SHARES.get(found.metric.name)
    if of is None:
        return f"{found.metric.title} {rate(value)}"
    return f"{_of(value)} {of[0]} {of[1]}"


def short(value: float | None, found: Watch) -> str:
    """The same without what it is of."""
    if value is None:
        return "–"
    return _of(value) if found.metric.name in SHARES else rate(value)


def _of(value: float) -> str:
    """So many of a hundred, or of a thousand or more where they are few."""
    whole = next((n for n in (100, 1_000, 10_000) if value * n >= 0.95), 100_000)
    if value <= 0:
        whole = 100
    return f"{value * whole:.0f} of {whole:,}"


def moment(at: Moment, *, last: bool = False) -> str:
    """A time as people write it, or the number of the row after it; of the `last` row its own."""
    if at.time is None:
        return f"row {at.row + (not last):,}"
    try:
        day = date.fromisoformat(at.time[:10])
    except ValueError:
        return at.time
    return f"{day.day} {day:%B %Y}{at.time[10:]}"


def alarm(one: WatchAlarm, found: Watch, edition: Edition = PLAIN) -> str:
    """What an alarm says."""
    who = called(one.group, found, edition)
    if one.kind == "changed":
        before = "" if one.before is None else f"; before, {short(one.before, found)}"
        return f"Since {moment(one.since)}, {share(one.rate, found)} for {who}{before}."
    limit = found.settings.threshold
    now = next(group.value for group in found.groups if group.group == one.group)
    higher = found.metric.higher_is_worse
    than = f"{'more' if higher else 'fewer'} than the {short(limit, found)} that are tolerated"
    told = f"{share(one.rate_then, found)} for {who} up to {moment(one.at, last=True)}: {than}."
    within = now is not None and limit is not None and (now <= limit if higher else now >= limit)
    return f"{told}  Over all rows so far it is {short(now, found)}." if within else told


def settlement(one: SettledAlarm, found: Watch, edition: Edition = PLAIN) -> str:
    """What a closed alarm had said, and how it has been since."""
    who = called(one.group, found, edition)
    end = moment(one.settled, last=True)
    then = f"{share(one.rate, found)} for {who}"
    span = (
        f"from {moment(one.since)} to {end}"
        if one.kind == "changed"
        else f"up to {moment(one.at, last=True)}"
    )
    now = (
        f"{short(one.rate_since, found)} in {plural(one.rows_since, 'row')} since"
        if one.rows_since
        else "no row since"
    )
    return f"Settled at {end} ({one.note}): {then} {span}; {now}."


def diagnosis(one: Diagnosis, found: Watch, edition: Edition = PLAIN) -> str:
    """What changed, in a sentence or two."""
    in_points = found.metric.in_points
    unit = " points" * in_points
    first = one.parts[0]
    cell = f"{edition.column(one.by)} {called(first.group, found, edition)}"
    then, now = SIDES[one.against]
    rates = (
        ""
        if first.before is None or first.since is None
        else f" ({short(first.before, found)} {then}, {short(first.since, found)} {now})"
    )
    change, answers, mix = (
        points(value, in_points=in_points) for value in (one.change, one.answers, one.case_mix)
    )
    what = (
        "Worse answers, not other cases"
        if abs(one.case_mix) <= 0.2 * abs(one.change)
        else "Other cases, not worse answers"
        if abs(one.answers) <= 0.2 * abs(one.change)
        else "Worse answers and other cases"
    )
    more = "" if one.against == "before" else " against all others"
    return (
        f"{what}: of {change}{unit}{more}, {answers} come from the answers within {edition.column(one.by)} and {mix} "
        f"from which cases there are.  Most comes from {cell}{rates}."
    )


def answers(found: Watch, edition: Edition = PLAIN) -> Iterator[str]:
    """What there is to know first."""
    few = [group for group in found.groups if group.state == "too_few"]
    if found.alarms:
        for one in found.alarms:
            yield alarm(one, found, edition)
            if one.diagnosis is not None:
                yield diagnosis(one.diagnosis, found, edition)
        yield from (settlement(one, found, edition) for one in _last_settled(found))
        return
    rows = plural(found.taken.rows, "row")
    if found.exit_code == 3:
        yield f"Too little to say: {rows} so far, and no group has 50 yet."
        return
    what = []
    if found.settings.threshold is not None:
        limit = short(found.settings.threshold, found)
        what.append(f"no group is known to be {_beyond(found)} {limit}")
    if found.settings.bounds[1] is not None:
        what.append("no group is known to have become worse")
    since = f"  That is since {moment(found.settled[0].settled)}." if found.settled else ""
    yield f"Quiet after {rows}: {', and '.join(what)}.{since}"
    yield from (settlement(one, found, edition) for one in _last_settled(found))
    if few:
        yield f"{plural(len(few), 'group')} of {len(found.groups):,} have too few rows to say (fewer than 50)."


def _last_settled(found: Watch) -> Iterator[SettledAlarm]:
    """Alarms that were closed last, all at once; each group once."""
    told: list[Mapping[str, str]] = []
    for one in found.settled:
        if one.settled.row == found.settled[0].settled.row and one.group not in told:
            told.append(one.group)
            yield one


def _beyond(found: Watch) -> str:
    return "above" if found.metric.higher_is_worse else "below"


def promise(found: Watch) -> Iterator[str]:
    """What alarms are worth."""
    if found.settings.threshold is not None:
        limit = short(found.settings.threshold, found)
        wrong = percent(round((1 - found.level) * 100, 6) / 100)
        since = ", from one settlement to the next" if found.settled else ""
        yield (
            f"However often you look, the probability that a group is ever called {_beyond(found)} {limit} that is not "
            f"is at most {wrong}, for all groups together{since}."
        )
    if found.settings.bounds[1] is not None:
        length = found.settings.run_length
        yield (
            f"A change that is none is told once in {length:,.0f} rows of a group or later; each group is held against "
            f"its own past, and the first 50 rows are its first."
        )
    yield "“Since” is an estimate of when it began, not a certainty."


def somewhere(found: Watch) -> Iterator[str]:
    """The test over all groups, and which they are."""
    if found.log10_somewhere is None:
        return
    beyond = _beyond(found)
    needed = 1 / (1 - found.level)
    yield (
        f"Evidence over all groups together that some group is {beyond} the threshold: "
        f"{evidence(found.log10_somewhere)}; {needed:.4g} is enough."
    )
    names = [called(group.group, found) for group in found.groups if group.found]
    if names:
        yield (
            f"By e-BH, {', '.join(names)} {'is' if len(names) == 1 else 'are'} {beyond} it; of groups named so, at "
            f"most {percent(round((1 - found.level) * 100, 6) / 100)} are wrong on average."
        )


def evidence(log10: float | None) -> str:
    """An e-value: a number, or a power of ten."""
    if log10 is None:
        return "–"
    if log10 >= 5:
        return f"10^{log10:.0f}"
    value = 10**log10
    return "< .001" if value < 0.001 else rate(value)


def notes(found: Watch) -> Iterator[str]:
    """How it was computed, and what became of rows."""
    yield from promise(found)
    yield from somewhere(found)
    yield from bin_sentences(found.settings.bins)
    yield from after_numbers(found.notes)
    yield from missing_sentences(found.missing)
