"""Watches in plain words: what a person reads in the terminal and on the page, the alarm first."""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import islice

from evenhand.pages.caveats import after_numbers, bin_sentences, missing_sentences
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.nouns import count_units, unit_noun
from evenhand.pages.numbers import minus, percent, plural, points, rate
from evenhand.stats.monitors import FIRST
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


def called(
    group: Mapping[str, str], found: Watch, edition: Edition = PLAIN, *, headed: bool = False
) -> str:
    """A group by its values; one that is a number with its column, unless that is `headed` already."""
    if not group:
        return EVERYONE
    names = []
    for name, value in group.items():
        if name in found.settings.by and value == "true":
            names.append(edition.column(name))
        else:
            names.append((edition.value if headed else edition.named_value)(name, value))
    return " · ".join(names)


def share(value: float | None, found: Watch) -> str:
    """A rate as people say it: ``17 of 100 words wrong``."""
    return _what(value, short(value, found), found)


def short(value: float | None, found: Watch) -> str:
    """The same without what it is of."""
    if value is None:
        return "–"
    return _of(value) if found.metric.name in SHARES else rate(value)


def _of(value: float, least: int = 100) -> str:
    """So many of a hundred, or of a thousand or more where they are few, or nearly all; of `least` or more."""
    rest = min(value, 1 - value) if value < 1 else value
    whole = next((n for n in (100, 1_000, 10_000) if n >= least and rest * n >= 0.95), 100_000)
    if value <= 0:
        whole = least
    return f"{value * whole:,.0f} of {whole:,}"


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
        now, then = apart(one.rate, one.before, found)
        before = "" if one.before is None else f"; before, {then}"
        when = moment(one.since)
        if one.settled:
            when += ", when alarms were closed"
        if one.before is None and one.past_limit is not None and found.settled:
            now, then = apart(one.rate, one.past_limit, found)
            before = f"; its past is known not to be {'above' if found.metric.higher_is_worse else 'below'} {then}"
        if no_longer(one, found):
            then, earlier = apart(one.rate_then, one.before, found)
            return (
                f"From {when} to {moment(one.at, last=True)}, {_what(one.rate_then, then, found)} for {who}; before, "
                f"{earlier}.  In all since then it is {short(one.rate, found)}, no worse than before: it is over, or "
                "was chance.  --settle closes it."
            )
        return f"Since {when}, {_what(one.rate, now, found)} for {who}{before}."
    limit = found.settings.threshold
    value = next(group.value for group in found.groups if group.group == one.group)
    higher = found.metric.higher_is_worse
    then, tolerated = apart(one.rate_then, limit, found)
    than = f"{'more' if higher else 'fewer'} than the {tolerated} that are tolerated"
    told = (
        f"{_what(one.rate_then, then, found)} for {who} up to {moment(one.at, last=True)}: {than}."
    )
    within = (
        value is not None and limit is not None and (value <= limit if higher else value >= limit)
    )
    return f"{told}  Over all rows so far it is {short(value, found)}." if within else told


def no_longer(one: WatchAlarm, found: Watch) -> bool:
    """Whether a group that became worse is no worse any more than it was before."""
    if one.kind != "changed" or None in (one.rate, one.before, one.rate_then):
        return False
    assert one.rate is not None
    assert one.before is not None
    return one.rate <= one.before if found.metric.higher_is_worse else one.rate >= one.before


def apart(one: float | None, other: float | None, found: Watch) -> tuple[str, str]:
    """Two rates, with as many digits as tell them apart."""
    told = short(one, found), short(other, found)
    if one is None or other is None or one == other:
        return told
    for digits in (3, 4, 5):
        if told[0] != told[1]:
            break
        told = (
            (_of(one, 10**digits), _of(other, 10**digits))
            if found.metric.name in SHARES
            else (_digits(one, digits), _digits(other, digits))
        )
    return told


def _digits(value: float, digits: int) -> str:
    """A rate with so many digits after the point."""
    text = f"{value:.{digits}f}"
    return minus(text.replace("0.", ".", 1) if abs(value) < 1 else text)


def _what(value: float | None, told: str, found: Watch) -> str:
    """A rate that was written, with what it is a rate of."""
    of = SHARES.get(found.metric.name)
    if value is None:
        return "–"
    return f"{found.metric.title} {told}" if of is None else f"{told} {of[0]} {of[1]}"


def settled_last(found: Watch) -> list[SettledAlarm]:
    """The alarms that were closed last."""
    first = found.settled[:1]
    merged = (
        found.settings.merged > 1
    )  # then what was closed together stands at rows of its own in each group
    return [
        one
        for one in found.settled
        if one.note == first[0].note and (merged or one.settled.row == first[0].settled.row)
    ]


def settlements(found: Watch, edition: Edition = PLAIN) -> Iterator[str]:
    """What the alarms that were closed last had said, and how it has been since; each group once."""
    told: list[Mapping[str, str]] = []
    for one in settled_last(found):
        if not told:
            yield f"Settled after {moment(one.settled, last=True)}: {one.note}."
        if one.group not in told:
            told.append(one.group)
            yield _settlement(one, found, edition)


def _settlement(one: SettledAlarm, found: Watch, edition: Edition) -> str:
    who = called(one.group, found, edition)
    span = (
        f"from {moment(one.since)} on"
        if one.kind == "changed"
        else f"up to {moment(one.at, last=True)}"
    )
    rows = plural(one.rows_since, "row")
    now = f"{short(one.rate_since, found)} in {rows} since" if one.rows_since else "no row since"
    return f"{share(one.rate, found)} for {who} {span}; {now}."


def diagnosis(one: Diagnosis, found: Watch, edition: Edition = PLAIN) -> str:
    """What changed, in a sentence or two."""
    in_points = found.metric.in_points
    unit = " points" * in_points
    first = one.parts[0]
    cell, column = called(first.group, found, edition), edition.column(one.by)
    cell = cell if cell.startswith(f"{column} ") else f"{column} {cell}"
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
    more += ", among the rows of this run," if one.this_run else ""
    return (
        f"{what}: of {change}{unit}{more}, {answers} come from the answers within {edition.column(one.by)} and {mix} "
        f"from which cases there are.  Most comes from {cell}{rates}."
    )


def answers(found: Watch, edition: Edition = PLAIN, *, brief: bool = False) -> Iterator[str]:
    """What there is to know first; in `brief` without what each alarm that was closed had said."""
    closed = islice(settlements(found, edition), 1 if brief else None)
    few = [group for group in found.groups if group.state == "too_few"]
    if found.alarms:
        for one in found.alarms:
            yield alarm(one, found, edition)
            if one.diagnosis is not None:
                yield diagnosis(one.diagnosis, found, edition)
        yield from closed
        return
    rows = plural(found.taken.rows, "row")
    if found.exit_code == 3:
        least = count_units(FIRST, found.settings.unit) if found.settings.unit else f"{FIRST} rows"
        if found.settled:
            yield f"Settled.  Too little to say yet: no group has {least} since {_settled_on(found)}."
            yield from closed
        else:
            yield f"Too little to say: {rows} so far, and no group has {least} yet."
        return
    what = []
    if found.settings.threshold is not None:
        limit = short(found.settings.threshold, found)
        what.append(f"no group is known to be {_beyond(found)} {limit}")
    if found.settings.bounds[1] is not None:
        what.append("no group is known to have become worse")
    since = f" since {_settled_on(found)}" if found.settled else ""
    yield f"Quiet after {rows}: {', and '.join(what)}{since}."
    yield from closed
    if few:
        noun = unit_noun(found.settings.unit) if found.settings.unit else "rows"
        yield f"{plural(len(few), 'group')} of {len(found.groups):,} have too few {noun} to say (fewer than {FIRST})."


def _settled_on(found: Watch) -> str:
    """When alarms were closed last."""
    return moment(found.settled[0].settled, last=True)


def _beyond(found: Watch) -> str:
    return "above" if found.metric.higher_is_worse else "below"


def promise(found: Watch) -> Iterator[str]:
    """What alarms are worth."""
    if found.settings.threshold is not None:
        limit = short(found.settings.threshold, found)
        wrong = percent(round((1 - found.level) * 100, 6) / 100)
        since = ", from one settlement to the next" if found.settled_before else ""
        number = found.settings.merged
        each = f", in each of the {number:,} watches that were merged" if number > 1 else ""
        yield (
            f"However often you look, the probability that a group is ever called {_beyond(found)} {limit} that is not "
            f"is at most {wrong}, for all groups together{since}{each}."
        )
    if found.settings.bounds[1] is not None:
        length = found.settings.run_length
        yield (
            f"A change that is none is told once in {length:,.0f} rows of a group or later; each group is held against "
            f"its own past, and the first 50 rows are its first."
        )
    if found.alarms or not found.settled_before:
        yield "“Since” is an estimate of when it began, not a certainty."
    if found.settled_before:
        yield "In the table of the groups, “since” is since the last settlement."


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
