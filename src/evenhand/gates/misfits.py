"""Keys of a rule, and rules of a policy, that do not go together."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evenhand.errors import near
from evenhand.gates.keys import FACTS, LIMITS, RATES, RATIOS, RULE
from evenhand.gates.rules import PolicyFaults, Rule
from evenhand.records import ORIGINS, Origin

#: Keys that may stand beside a file of results: which it is, of which table, how old, and what is said to people.
_OF_RESULTS = frozenset(
    {"name", "results", "table", "columns", "time", "not_older_than"}
    | {"hazard", "treatment", "review_trigger", "review_by"}
)


#: Demands of groups that are named, which a search does not take.
_SEPARATE = (*RATES, *RATIOS, "not_worse_than", "condition", "groups", "coverage", "stratum")
#: Keys of groups, which a search does not ask; before all rules they are about others.
_UNSEARCHED = ("by", "small_groups")


def misfits(rule: Rule) -> Iterator[tuple[str, str]]:
    """What a rule's keys say that does not go together."""
    given = rule.given
    if "results" in given:
        yield from _beside_results(rule)
        return
    if not rule.limits and not rule.facts and not rule.searches:
        yield (
            "",
            f"it demands nothing.  Give it one of: {', '.join((*LIMITS, *FACTS, 'slices', 'results'))}",
        )
    yield from needs(rule)
    yield from _limits_apart(given)
    yield from _alone(rule)
    yield from _facts_apart(rule)


def _beside_results(rule: Rule) -> Iterator[tuple[str, str]]:
    """Keys that say nothing of a file that was judged before."""
    given = rule.given
    for key in given:
        if key in RULE and key not in _OF_RESULTS:
            advice = (
                "  What is tolerated is said when it is judged: evenhand audit … --tolerance"
                if key == "tolerance"
                else ""
            )
            text = f"results is a file that was judged before, so {key} says nothing of it."
            yield key, text + advice
    if "not_older_than" in given:
        yield from _ages_apart(rule)
    for key, needed in (("time", "not_older_than"), ("time", "table"), ("columns", "time")):
        if key in given and needed not in given:
            yield key, f"{key} says something of {needed}, which is not given."


def needs(rule: Rule) -> Iterator[tuple[str, str]]:
    """Keys that a rule lacks."""
    if "results" in rule.given:
        return
    if rule.table is None:
        yield "table", "it has no table.  Say which records it reads: table = …"
    if rule.judged or rule.searches:
        yield from _needed(rule, "metric")
    if rule.judged:
        yield from _needed(rule, "by")


def _alone(rule: Rule) -> Iterator[tuple[str, str]]:
    """Keys that say something of others that are not given."""
    given = rule.given
    if "not_worse_than" not in given:
        for key in ("tolerance", "baseline_sha256"):
            if key in given:
                yield key, f"{key} says something of not_worse_than, which is not given."
    if rule.searches:
        yield from _beside_search(rule)
        return
    for key in ("features", "depth"):
        if key in given:
            yield key, f"{key} says something of a search: slices = true."


def _beside_search(rule: Rule) -> Iterator[tuple[str, str]]:
    """Keys that say nothing of a search for slices."""
    for key in _SEPARATE:
        if key in rule.given:
            text = f"a search for slices does not take {key}.  Write a rule of its own for it."
            yield key, text
    for key in _UNSEARCHED:
        if key in rule.own:
            text = f"a search for slices looks at all columns, or at features: {key} says nothing of it."
            yield key, text


def _needed(rule: Rule, key: str) -> Iterator[tuple[str, str]]:
    if key not in rule.given:
        example = {
            "metric": 'metric = "error_rate(label, prediction)"',
            "by": 'by = "race"',
        }[key]
        yield key, f"it has no {key}.  For example: {example}"


def _limits_apart(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "maximum" in given and "minimum" in given and given["minimum"] > given["maximum"]:
        yield (
            "minimum",
            f"minimum is {given['minimum']:g} and maximum {given['maximum']:g}: no value keeps both.",
        )
    if "maximum_ratio" in given and "minimum_ratio" in given:
        yield (
            "minimum_ratio",
            "maximum_ratio says the same as a minimum_ratio of 1 over it: keep one of them.",
        )


def _ages_apart(rule: Rule) -> Iterator[tuple[str, str]]:
    if rule.oldest is None:
        age = rule.get("not_older_than")
        text = f"not_older_than is {age!r}, but must be such as 30 days, 12 hours or 8 weeks."
        yield "not_older_than", text


def _facts_apart(rule: Rule) -> Iterator[tuple[str, str]]:
    given = rule.given
    if "not_older_than" in given:
        yield from _ages_apart(rule)
        if "time" not in given:
            yield "not_older_than", "say which column tells when a row was made: time = …"
    elif "time" in given:
        yield "time", "time says something of not_older_than, which is not given."
    for word in rule.texts("label_origin"):
        if ORIGINS.get(word.strip().casefold()) is None:
            yield (
                "label_origin",
                f"label_origin is {word!r}.{near(word, list(map(str, Origin)))}  Allowed: {', '.join(Origin)}",
            )
    if "label_origin" in given and "origin" not in given:
        yield "label_origin", "nobody says how labels came about.  Name the column: origin = …"


def check_together(faults: PolicyFaults, rules: Sequence[Rule]) -> None:
    """Note rules that do not go together."""
    _check_names(faults, rules)
    sound = [rule for rule in rules if not rule.faulty]
    _check_limits(faults, sound)
    _check_hiding(faults, sound)


def _check_names(faults: PolicyFaults, rules: Sequence[Rule]) -> None:
    seen: set[str] = set()
    for rule in rules:
        if rule.name in seen:
            faults.add(rule.number, "name", f"Two rules are called {rule.name!r}.  Name each once.")
        seen.add(rule.name)


def _check_limits(faults: PolicyFaults, rules: Sequence[Rule]) -> None:
    """Limits of several rules about the same rates that no value keeps."""
    same = ("metric", "by", "where", "unit", "weight", "groups", "condition", "columns")
    least: dict[str, tuple[float, Rule]] = {}
    for wanted in ("minimum", "maximum"):
        for rule in rules:
            limit = rule.get(wanted)
            if not isinstance(limit, int | float) or not isinstance(rule.table, str):
                continue
            about = repr([rule.table, *(rule.get(key) for key in same)])
            if wanted == "minimum":
                if about not in least or limit > least[about][0]:
                    least[about] = (limit, rule)
            elif about in least and least[about][1] is not rule and limit < least[about][0]:
                other = least[about][1]
                faults.add(
                    rule.number,
                    "maximum",
                    f"maximum is {limit:g}, and {other.name!r} demands at least {least[about][0]:g} of the "
                    "same: no value keeps both.",
                    rule.name,
                )


def _check_hiding(faults: PolicyFaults, rules: Sequence[Rule]) -> None:
    """Rules that read a table of which one hides groups: what one hides another must not give away."""
    same = ("metric", "by", "where", "unit", "weight", "bins", "condition", "suppress_below")
    for rule in rules:
        if not rule.get("suppress_below"):
            continue
        if rule.searches:
            text = "a search for slices hides nothing: leave suppress_below out, or the search."
            faults.add(rule.number, "suppress_below", text, rule.name)
            continue
        for other in rules:
            if (
                other is rule
                or not _same_table(other, rule)
                or not (other.judged or other.searches)
            ):
                continue
            differing = [key for key in same if other.get(key) != rule.get(key)]
            if differing:
                text = (
                    f"it hides groups, and {other.name!r} reads the same table with another {differing[0]}, which "
                    "could give them away.  Let both read alike, or put one into a policy of its own."
                )
                faults.add(rule.number, "suppress_below", text, rule.name)
                break


def _same_table(one: Rule, other: Rule) -> bool:
    if isinstance(one.table, str | Path) and isinstance(other.table, str | Path):
        return Path(one.table) == Path(other.table)
    return one.table is other.table
