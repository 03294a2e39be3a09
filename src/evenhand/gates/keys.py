"""The keys of a policy: what each may be, and what it means."""

import datetime
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from evenhand.questions.options import LEVEL

#: What a rule demands of each group; of differences between groups; of their ratios.
RATES = ("maximum", "minimum")
DIFFERENCES = ("maximum_difference",)
RATIOS = ("maximum_ratio", "minimum_ratio")
LIMITS = (*RATES, *DIFFERENCES, *RATIOS, "not_worse_than")
#: Demands that are counted, without any statistics.
FACTS = ("coverage", "not_older_than", "label_origin")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyKey:
    """A key of a policy.

    Attributes
    ----------
    allows : callable
        Whether a value may stand there.
    words : str
        What may, in words.
    meaning : str
        What it says.
    """

    allows: Callable[[Any], bool]
    words: str
    meaning: str


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_texts(value: Any) -> bool:
    return _is_text(value) or (
        isinstance(value, list) and bool(value) and all(map(_is_text, value))
    )


def _is_by(value: Any) -> bool:
    if _is_text(value):
        return True
    return isinstance(value, list) and bool(value) and all(map(_is_texts, value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_bins(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        _is_number(one) or (isinstance(one, list) and bool(one) and all(map(_is_number, one)))
        for one in value.values()
    )


def _at_least(least: float, below: float = math.inf) -> Callable[[Any], bool]:
    return lambda value: _is_number(value) and least <= value < below


def _whole(least: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and _at_least(least)(value)


def _one_of(*words: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in words


def _is_date(value: Any) -> bool:
    if isinstance(value, datetime.date):
        return True
    try:
        datetime.date.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def _key(allows: Callable[[Any], bool], words: str, meaning: str) -> PolicyKey:
    return PolicyKey(allows=allows, words=words, meaning=meaning)


_NAMES = "text, or a list of it"
#: Which rows a rule reads, and what counts as independent; before all rules they hold for each.
READING = {
    "table": _key(
        _is_text,
        "text",
        "Records or a cube, beside the policy file; beside `results` what they must be of.",
    ),
    "by": _key(
        _is_by,
        "text, or a list",
        "Groups: a column, columns `a,b` (their crossing and each alone), a predicate, or a list.",
    ),
    "unit": _key(_is_texts, _NAMES, "Column that names what is independent: speaker, patient."),
    "where": _key(_is_text, "text", "Keep only rows that satisfy this predicate."),
    "weight": _key(_is_text, "text", "Column that says how many each row stands for."),
    "stratum": _key(_is_text, "text", "Column of the strata within which units were drawn."),
    "bins": _key(
        _is_bins,
        "a number or a list of edges for each attribute, as in { age = [25, 45] }",
        "Where numeric attributes are cut.",
    ),
    "columns": _key(_is_text, "text", "What columns hold, as in `age=number, code=text`."),
    "missing": _key(_is_texts, _NAMES, "Texts that mean missing, in place of the usual ones."),
    "origin": _key(_is_texts, _NAMES, "How labels came about, as `--origin` has it."),
    "worse": _key(_one_of("higher", "lower"), "higher or lower", "Direction of harm."),
    "min_units": _key(
        _whole(2), "a whole number of at least 2", "Groups with fewer units are not judged."
    ),
    "small_groups": _key(
        _one_of("insufficient", "excused"),
        "insufficient or excused",
        "Whether a group that is not judged keeps the rule from passing, or is excused.",
    ),
    "suppress_below": _key(
        _whole(0),
        "a whole number of at least 0",
        "Hide groups with fewer units; nothing is told of them.",
    ),
}
#: What a rule says besides.
RULE = {
    "name": _key(_is_text, "text", "What the rule is called; each another."),
    **READING,
    "metric": _key(_is_text, "text", "The measure, as `--metric` has it."),
    "groups": _key(_is_texts, _NAMES, "Only these of the groups; each must occur."),
    "condition": _key(
        _is_text, "text", "Column of conditions: each group is judged under each of its values."
    ),
    "maximum": _key(_is_number, "a finite number", "No group's value is above."),
    "minimum": _key(_is_number, "a finite number", "No group's value is below."),
    "maximum_difference": _key(
        _at_least(0), "a finite number of at least 0", "No two groups differ by more."
    ),
    "maximum_ratio": _key(
        _at_least(1),
        "a finite number of at least 1",
        "The highest value of a group is at most so many times the lowest.",
    ),
    "minimum_ratio": _key(
        lambda value: _is_number(value) and 0 < value <= 1,
        "a number above 0 and up to 1",
        "The lowest value of a group is at least this share of the highest (0.8: four fifths).",
    ),
    "not_worse_than": _key(
        _is_text,
        "text",
        "An audit of the last release (`evenhand audit … --json > last.json`): no group is worse by more than "
        "`tolerance`.",
    ),
    "baseline_sha256": _key(_is_text, "text", "What that file's SHA-256 must be."),
    "tolerance": _key(
        _at_least(0),
        "a finite number of at least 0",
        "How much worse than the last release is tolerated.",
    ),
    "slices": _key(
        lambda value: isinstance(value, bool),
        "true or false",
        "Search all subsets: none is proven worse than the rest by more than `maximum_difference`.",
    ),
    "features": _key(_is_texts, _NAMES, "Columns that slices may be made of."),
    "depth": _key(
        lambda value: _whole(1)(value) and value <= 4,
        "a whole number from 1 to 4",
        "Conditions that a slice may have.",
    ),
    "coverage": _key(
        _whole(1), "a whole number of at least 1", "Each group has at least so many units."
    ),
    "not_older_than": _key(
        _is_text,
        "text such as 30 days",
        "The newest row is not older, by `time`; of a watch in `results` by its own dates.",
    ),
    "time": _key(_is_text, "text", "Column that says when a row was made."),
    "label_origin": _key(
        _is_texts, _NAMES, "Labels came about only so: random, chosen, complaint, review."
    ),
    "results": _key(
        _is_text,
        "text",
        "JSON of a watch (no alarm is open), a search for slices (none is confirmed), an audit (no group is worse), or "
        "services compared (no group loses).",
    ),
    "hazard": _key(_is_text, "text", "What harm the group would come to."),
    "treatment": _key(_is_text, "text", "What is done where the rule is broken."),
    "review_trigger": _key(_is_text, "text", "When the rule is looked at again."),
    "review_by": _key(
        _is_date,
        "a date such as 2027-01-31",
        "Until when: after that day the rule is never green.",
    ),
}
#: What may stand before all rules.
POLICY = {
    "title": _key(_is_text, "text", "What the policy is called."),
    "level": _key(
        lambda value: value in LEVEL,
        LEVEL.words,
        "With what confidence no answer of the whole policy is wrong; 0.95.",
    ),
    "seed": _key(_whole(0), "a whole number of at least 0", "Of simulations; 0."),
    **READING,
}
