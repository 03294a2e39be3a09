"""Plans of rows to train on in plain words, the answer first."""

from collections.abc import Iterator

from evenhand.errors import REASONS
from evenhand.improving.assembly import DOES_NOT, HELPS, UNKNOWN
from evenhand.improving.result import GroupOutlook, ImprovementPlan, Outlook
from evenhand.pages.caveats import after_numbers, missing_sentences
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.marks import MARKS
from evenhand.pages.numbers import amount, listed, percent, plural, points, rate

#: What a verdict is called.
VERDICTS = {HELPS: "more data help", DOES_NOT: "more data do not help", UNKNOWN: UNKNOWN}
#: How it is marked.
KINDS = {HELPS: "better", DOES_NOT: "none", UNKNOWN: "unsure"}


def verdict(group: GroupOutlook) -> str:
    """The verdict with its sign."""
    return f"{MARKS[KINDS[group.verdict]].sign} {VERDICTS[group.verdict]}"


def called(group: GroupOutlook, edition: Edition = PLAIN) -> str:
    """A group by its values."""
    return edition.group(group.group, group.predicate)


def size(value: float, found: ImprovementPlan) -> str:
    """A gain: points of a share, else in the metric's units."""
    return amount(max(value, 0.0), in_points=found.metric.in_points)


def between_sizes(gain: Outlook, found: ImprovementPlan) -> str:
    """A gain from its least to its most: ``2.3 to 9.6 points``."""
    low = points(max(gain.low, 0.0), in_points=found.metric.in_points, signed=False)
    return f"{low} to {size(gain.high, found)}"


def gained(told: Outlook | None, found: ImprovementPlan) -> str:
    """A gain with its interval, in a table whose head says of what."""
    if told is None:
        return "–"
    in_points = found.metric.in_points
    ends = " to ".join(
        points(abs(one), in_points=in_points, signed=False) for one in (told.low, told.high)
    )
    return f"{points(abs(told.middle), in_points=in_points, signed=False)} ({ends})"


def between(told: Outlook | None) -> str:
    """A value of the metric with its interval."""
    if told is None:
        return "–"
    low, high = sorted((told.low, told.high))
    return f"{rate(told.middle)} ({rate(low)} to {rate(high)})"


def answers(found: ImprovementPlan, edition: Edition = PLAIN) -> Iterator[str]:
    """What to collect, and for whom more rows no longer help."""
    most = sorted((one for one in found.groups if one.collect), key=lambda one: -one.collect)
    parts = [f"{one.collect:,} of {called(one, edition)}" for one in most[:4]]
    parts += [f"{sum(one.collect for one in most[4:]):,} of the others"] if most[4:] else []
    price = "" if all(one.cost == 1 for one in found.groups) else f", which cost {found.cost:,.6g}"
    yield (
        f"Collect {plural(found.collect, 'row')} for training in this round{price}: {listed(parts)}.  Then train, and "
        "plan anew."
    )
    for verdict in (DOES_NOT, HELPS, UNKNOWN):
        yield from _verdicts(found, verdict, edition)


def _verdicts(found: ImprovementPlan, verdict: str, edition: Edition) -> Iterator[str]:
    own = [one for one in found.groups if one.verdict == verdict and one.gain is not None]
    for one in own[:4] if verdict != UNKNOWN else ():
        gain, name = one.gain, called(one, edition)
        assert gain is not None
        if verdict == DOES_NOT:
            yield (
                f"More data will not help {name}: {plural(one.gain_rows, 'more row')} of it would move its "
                f"{found.metric.name}, {rate(one.value)}, by at most {size(gain.high, found)}.  Look at its labels, at "
                "the inputs that it has, or at the learner."
            )
        else:
            yield (
                f"More data help {name}: {plural(one.gain_rows, 'more row')} of it would move its {found.metric.name}, "
                f"{rate(one.value)}, by {between_sizes(gain, found)}."
            )
    rest = own if verdict == UNKNOWN else own[4:]
    if rest:
        names = listed(
            [called(one, edition) for one in rest[:6]] + (["others"] if rest[6:] else [])
        )
        told = {
            UNKNOWN: "Whether more data help cannot be said yet of",
            HELPS: "More data help likewise",
            DOES_NOT: "Nor will they help",
        }[verdict]
        yield f"{told} {names}."


def unplanned(found: ImprovementPlan, edition: Edition = PLAIN) -> Iterator[str]:
    """Groups without a curve; they have their part of what is spent alike."""
    for one in found.groups:
        if one.reason is not None:
            yield (
                f"{called(one, edition)}: {REASONS[one.reason]} ({plural(one.training_rows, 'row')} for training, "
                f"{plural(one.test_units, 'unit')} tested).  It has its part of what is spent alike on all."
            )


def notes(found: ImprovementPlan) -> Iterator[str]:
    """How it was computed."""
    asked = found.settings
    yield (
        f"{plural(len(found.runs), 'training')}: with all rows, with a quarter and half of all, and with a quarter of "
        f"each group alone, {asked.repeats} times each."
    )
    yield (
        "Curves are power laws with a floor, drawn from all that fit what was measured.  Beyond the rows there are "
        "they are a forecast, and told up to four times the rows there are: plan each round anew."
    )
    yield (
        f"“Help” means: the whole budget of {asked.budget:,.6g}, spent on the group alone, takes away at least "
        f"{percent(asked.worth)} of its errors (of how far its {found.metric.name} is from the best value that there "
        f"is).  Verdicts hold for all groups at once with {percent(found.level)} confidence."
    )
    yield (
        f"A round spends a quarter of the budget at most; {percent(asked.floor)} of it alike on all groups, the rest "
        "where the curves say that it does most."
    )
    yield from after_numbers(found.notes)
    yield from missing_sentences(found.missing)
