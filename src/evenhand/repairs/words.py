"""A trial of repairs in plain words, the answer first."""

from collections.abc import Collection, Iterator
from functools import partial

import numpy as np

from evenhand.errors import Note
from evenhand.pages import numbers
from evenhand.pages.caveats import after_numbers, missing_sentences
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.numbers import amount, listed, percent, plural, points, share
from evenhand.repairs.amounts import before_of, of_share, shown_change, told_value
from evenhand.repairs.copied import MANY_COPIED
from evenhand.repairs.extremes import FIRST
from evenhand.repairs.fitted import FittedRepair, GroupDecision
from evenhand.repairs.result import RepairTrial, TriedRepair
from evenhand.switching.result import GroupSwitch, Switches

#: How answers are marked.
KINDS = {"reached": "fine", "not reached": "worse", "insufficient evidence": "unsure"}
#: What a group may pay in.
PRICES = {
    "error_rate": "wrong decisions",
    "false_negative_rate": "of its cases missed",
    "false_positive_rate": "false alarms",
}
#: Errors that may harm a person or spare them.
SIDED = ("false_negative_rate", "false_positive_rate")
#: How changes of a group are marked.
MOVED = {
    "gains": "better",
    "loses": "worse",
    "no loss": "fine",
    "insufficient evidence": "unsure",
}
#: Said of a group that is decided as it was.
UNTOUCHED = "no decision changed"


def headline(found: RepairTrial) -> str:
    """Whether the rule is reached, as a clause that is true where it stands alone."""
    rule, name = found.rule, found.metric.name
    broken = rule.answer == "not reached"
    if rule.kind == "worst group":
        better = "no better" if broken else "better"
        clause = f"the worst group is {better} off than {rule.worst} was in {name}"
    elif rule.kind == "maximum difference":
        assert rule.limit is not None
        told = amount(rule.limit, in_points=found.metric.in_points)
        who = "some groups differ" if broken else "no two groups differ"
        clause = f"{who} by more than {told} in {name}"
    else:
        assert rule.limit is not None
        upper = rule.kind == "maximum"
        beyond, within = ("above", "at most") if upper else ("below", "at least")
        limit = told_value(rule.limit, share=of_share(found.change))
        clause = (
            f"some group has {name} {beyond} {limit}"
            if broken
            else f"every group has {name} of {within} {limit}"
        )
    head = {
        "reached": "Reached: ",
        "not reached": "Not reached: ",
        "insufficient evidence": "Not proven that ",
    }[rule.answer]
    return head + clause


def answers(found: RepairTrial, edition: Edition = PLAIN) -> Iterator[str]:
    """Whether the rule was reached, by what, and who pays for it."""
    yield from (note.text for note in found.notes if note.code in FIRST)
    yield _reached(found)
    yield _by_what(found)
    if found.levelling_down:
        yield (
            "This is levelling down: somebody is worse off, and the group that was worst off is not proven to be "
            "better.  Nobody is surely helped by it."
        )
    yield from payers(found, edition)
    if any(
        one.verdict == "loses"
        for each in found.prices
        if each.metric.name in SIDED
        for one in each.groups
    ):
        yield (
            "Whether a case that is missed, or a false alarm, harms a person or spares them depends on what is decided."
        )
    yield _price(found)


def caveats(found: RepairTrial) -> list[Note]:
    """Notes that are not said with the answer."""
    return [note for note in found.notes if note.code not in FIRST]


def _reached(found: RepairTrial) -> str:
    rule, in_points = found.rule, found.metric.in_points
    rate = partial(told_value, share=of_share(found.change))
    copies = any(note.code == MANY_COPIED for note in found.notes)
    rows = plural(found.held_out_rows, "held-out row" if copies else "row")
    rows += "" if copies else " that no repair had seen"
    if rule.kind == "worst group":
        what, write = f"The worst group's {found.metric.name}", rate
        told_of = not found.as_it_stands and rule.high is not None and rule.low is not None
        bound = _excess(found) if told_of else ""
    elif rule.kind == "maximum difference":
        what, write = "The largest difference", partial(_size, found)
        bound = (
            ""
            if rule.high is None
            else f", surely no more than {amount(rule.high, in_points=in_points)}"
        )
    else:
        what, write = f"The {'highest' if rule.kind == 'maximum' else 'lowest'} value", rate
        end = rule.high if rule.kind == "maximum" else rule.low
        side = "more" if rule.kind == "maximum" else "less"
        bound = "" if end is None else f", surely no {side} than {rate(end)}"
    told = f"went from {write(rule.before)} to {write(rule.after)}"
    told = f"is {write(rule.after)}" if found.as_it_stands else told
    return f"{headline(found)}.  {what} {told}{bound}, on {rows}."


def _excess(found: RepairTrial) -> str:
    rule = found.rule
    assert rule.low is not None
    assert rule.high is not None
    span = points(rule.low, in_points=found.metric.in_points)
    until = points(rule.high, in_points=found.metric.in_points)
    unit = " points" if found.metric.in_points else ""
    return f" (every group against {rule.worst} as it was: {span} to {until}{unit} at the worst)"


def _size(found: RepairTrial, value: float | None) -> str:
    return "–" if value is None else amount(value, in_points=found.metric.in_points)


def _by_what(found: RepairTrial) -> str:
    repair = found.repair
    if found.as_it_stands and found.rule.answer == "reached":
        return "Nothing is to be mended: the rule holds as decisions stand."
    if found.as_it_stands:
        if len(found.tried) == 1:
            return (
                "Nothing was tried, for nothing is named that could decide otherwise: a column for thresholds "
                "(--score), columns to learn from (--features), another answer (--other) or a learner (--train)."
            )
        dearer = _dearer(found)
        if dearer is not None:
            return dearer
        return "No repair that was tried is clearly better: decisions stay as they are."
    how = {
        "one answer": f"{repair.name} for everybody",
        "one threshold": "one threshold for everybody",
        "thresholds by group": "a threshold for each group",
        "answers by group": "for each group one of the answers that are there",
    }[repair.kind]
    told = f"The repair: {how}"
    told += f" on {repair.score}" if repair.score is not None else ""
    return f"{told}, chosen among {plural(sum(one.reason is None for one in found.tried), 'repair')} on other rows."


def _dearer(found: RepairTrial) -> str | None:
    """The cheapest repair that reaches the rule on practice rows, or comes nearer, where it costs too many errors."""
    allowed = found.settings.allowance
    now = next((one for one in found.tried if one.name == found.repair.name), None)
    if now is None or now.value is None or now.errors is None:
        return None
    better = [
        one
        for one in found.tried
        if not one.by_chance
        and one.value is not None
        and one.errors is not None
        and one.errors > now.errors + allowed
        and _beyond(one.value, found) < _beyond(now.value, found)
    ]
    if not better:
        return None
    # What is reached first, then what may be, then what comes nearest.
    nearest = min(
        better,
        key=lambda one: (
            one.answer not in ("reached", None),
            round(_beyond(one.value or 0.0, found), 3) if found.rule.limit is not None else 0.0,
            one.errors or 0.0,
        ),
    )
    assert nearest.errors is not None
    # Upwards, so that the allowance that is named is enough.
    needed = np.ceil((nearest.errors - now.errors) * 1000) / 1000
    return (
        f"No repair that was tried does better at the price that is allowed: decisions stay as they are.  "
        f"{nearest.name[:1].upper()}{nearest.name[1:]} did better on practice rows, with {share(nearest.errors)} of "
        f"decisions wrong for {share(now.errors)} now; more than {share(allowed)} of the rows is not allowed.  "
        f"--allowance {needed:g} allows it."
    )


def _beyond(value: float, found: RepairTrial) -> float:
    """How far a value is on the wrong side of the rule; without a limit how bad it is."""
    rule = found.rule
    if rule.limit is None:
        return value
    return max(rule.limit - value if rule.kind == "minimum" else value - rule.limit, 0.0)


def payers(found: RepairTrial, edition: Edition = PLAIN) -> Iterator[str]:
    """Every group that pays, by how much, and those that may."""
    told: dict[str, list[str]] = {}
    maybe: list[str] = []
    for each in found.prices:
        for one in each.groups:
            name = called(one, edition)
            if one.verdict == "loses":
                more = "more" if each.metric.higher_is_worse else "less"
                told.setdefault(name, []).append(f"{lost(one, each)} {more} {price(each)}")
            elif one.change is not None and (one.change.value or 0) > 0:
                maybe.append(name)
    maybe = [name for name in dict.fromkeys(maybe) if name not in told]
    if told:
        each_pays = "; ".join(f"{name} ({', and '.join(prices)})" for name, prices in told.items())
        yield f"Who pays: {each_pays}."
    if maybe:
        pay = "may pay as well" if told else "may"
        head = "" if told else "No group is proven to pay; "
        yield f"{head}{listed(maybe)} {pay}: the tables below say in what."
    elif not told and not found.as_it_stands:
        known = (
            "" if found.sides else f" in {found.metric.name}; in what else it may was not looked at"
        )
        yield f"No group is seen to pay{known}."


def price(each: Switches) -> str:
    """What is paid in, in a few words."""
    return PRICES.get(each.metric.name, each.metric.name)


def lost(one: GroupSwitch, each: Switches) -> str:
    """What a group loses, with its interval."""
    effect = one.change
    assert effect is not None
    assert effect.value is not None
    in_points = each.metric.in_points
    told = amount(_size_of(one, one.estimate.value, each), in_points=in_points)
    if effect.low is None or effect.high is None:
        return told
    ends = " to ".join(
        points(end, in_points=in_points, signed=False) for end in (effect.low, effect.high)
    )
    return f"{told}, {ends},"


def _price(found: RepairTrial) -> str:
    each = found.errors if found.errors is not None else found.change
    if each.metric.name != "error_rate" or len(each.overall) < 2:
        return f"Rows for practice: {found.practice_rows:,}; held out: {found.held_out_rows:,}."
    before, after = (one.estimate.value for one in each.overall)
    if found.as_it_stands:
        return f"Wrong decisions in all: {share(after)}."
    change = each.overall[1].change
    if change is None or change.value is None or change.low is None or change.high is None:
        return f"Wrong decisions in all: {share(before)} before, {share(after)} after."
    ends = f"{points(change.low, in_points=True)} to {points(change.high, in_points=True)}"
    size = shown_change(before, after, change.value, share=True) or 0.0
    return (
        f"Wrong decisions in all: {share(before)} before, {share(after)} after "
        f"({points(size, in_points=True)} points, {ends})."
    )


def in_no_group(one: GroupSwitch) -> bool:
    """Whether it is of the rows that are in no group: --by takes no predicates, so no group is one."""
    return one.by == (one.predicate,)


def called(one: GroupSwitch, edition: Edition = PLAIN) -> str:
    """A group by its values; the rows that are in none by what they lack."""
    if in_no_group(one):
        lacking = [part.removesuffix(" IS NULL") for part in one.predicate.split(" OR ")]
        return f"{' or '.join(map(edition.column, lacking))} missing"
    return edition.named(one.group, one.predicate)


def changed(
    one: GroupSwitch, after: float | None, each: Switches, untouched: Collection[str] = ()
) -> str:
    """A change with its interval; above 0 is a loss.  Of decisions that are all as they were nothing is uncertain."""
    effect, in_points = one.change, each.metric.in_points
    if one.predicate in untouched and after is not None:
        return points(0.0, in_points=in_points)
    if effect is None or effect.value is None:
        return "–"
    told = points(_size_of(one, after, each), in_points=in_points)
    if effect.low is None or effect.high is None:
        return told
    low, high = (points(end, in_points=in_points) for end in (effect.low, effect.high))
    return f"{told} ({low} to {high})"


def _size_of(one: GroupSwitch, after: float | None, each: Switches) -> float:
    """The change of a group as its values are shown."""
    before, change = (
        before_of(each, one.predicate),
        None if one.change is None else one.change.value,
    )
    return shown_change(before, after, change, share=of_share(each)) or 0.0


def moved(one: GroupSwitch, untouched: Collection[str] = ()) -> str:
    """The verdict on a group's change; nothing changed is told as that."""
    if one.predicate in untouched:
        return UNTOUCHED
    if one.change is not None and one.change.value == 0 and one.verdict == "insufficient evidence":
        return "unchanged"
    return str(one.verdict)


def kind_of_move(one: GroupSwitch, untouched: Collection[str] = ()) -> str:
    """How a group's change is marked."""
    same = moved(one, untouched) in (UNTOUCHED, "unchanged")
    return "none" if same else MOVED[str(one.verdict)]


def decided(one: GroupDecision, repair: FittedRepair) -> str:
    """How a group is decided."""
    told = (
        f"{repair.positive!r} from {repair.score} {one.threshold:.6g} up"
        if one.threshold is not None
        else f"as {one.answer}"
    )
    return told + (" (as for everybody: too few rows)" if one.fallback and one.predicate else "")


def tried_name(one: TriedRepair) -> str:
    """A repair with what must be known of it."""
    marks = [
        *(["reads the group"] if one.uses_group else []),
        *(["by chance"] if one.by_chance else []),
    ]
    return f"{one.name} ({', '.join(marks)})" if marks else one.name


def notes(found: RepairTrial) -> Iterator[str]:
    """How it was computed, and what to know before it is used."""
    repair = found.repair
    if not found.as_it_stands:
        yield (
            f"Rows whose {' × '.join(repair.by)} is missing are decided {decided(repair.otherwise, repair)}.  Groups "
            "that were never seen are refused."
        )
        yield "The same row always has the same decision, whatever other rows come with it."
    if any(", aiming at " in one.name for one in found.tried):
        yield "“Aiming at” is a stricter limit, so that other rows keep the rule as well."
    for failed in found.tried:
        if failed.reason is not None:
            yield f"Not tried, {failed.name}: {failed.reason}"
    for one in repair.trainings:
        weighed = [
            f"{numbers.tidy(round(w.weight, 3))} times where {w.predicate} and the label is {w.label!r}"
            for w in one.weights
        ]
        how = f"; rows are there {listed(weighed)}" if weighed else ""
        under = f"; rows are there a second time under {one.condition}" if one.condition else ""
        yield f"{one.called} is what {one.train} answers, trained {one.rows}{how}{under}."
    units = (
        "" if found.unit is None else f" ({plural(found.held_out_units, 'unit')} of {found.unit})"
    )
    yield (
        f"Repairs were learnt and chosen on {plural(found.practice_rows, 'row')} by cross-fitting, and one was tested, "
        f"once, on the {found.held_out_rows:,} held out{units}: that many were tried does not weaken the proof.  "
        f"“Reached” is said wrongly with a probability of at most {percent(1 - found.level)}, once: whoever asks again "
        "with other options or another --seed until it is said has no proof."
    )
    if not found.as_it_stands:
        yield (
            "A change is of the same rows before and after; above 0 is a loss.  Changes of all groups hold at once "
            f"with {percent(found.level)} confidence."
        )
    if found.rule.answer != "reached":
        yield (
            "More rows of the group that is worst off may help where no decision does: evenhand improve says whether, "
            "and evenhand next-labels which to label."
        )
    for item in found.fallback_rows:
        what = "are in no group of" if item.reason == "missing_attribute" else "lack"
        then = (
            "decided as holds for everybody"
            if item.reason == "missing_attribute"
            else "decided as they stand"
        )
        yield f"{plural(item.n_rows or 0, 'held-out row')} {what} {item.attribute}: {then}."
    yield from after_numbers(found.notes)
    yield from missing_sentences(found.missing)
