"""What rules came to, in words."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from evenhand.audits.answer import two_of_hundred
from evenhand.errors import REASONS, Note
from evenhand.gates.keys import DIFFERENCES, RATES, RATIOS
from evenhand.gates.result import Gate, GateAnswer, RuleAnswer, RuleCheck, decisive
from evenhand.pages.caveats import after_numbers
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.nouns import count_units
from evenhand.pages.numbers import amount, listed, out_of, percent, plural, rate, ratio
from evenhand.results.origin import MetricNote

Write = Callable[[float | None], str]
#: Why the evidence is not enough, besides the reasons that all answers share.
OPEN = {
    "no_baseline": "the last release says nothing of this group that can be compared with",
    "group_gone": "the last release has this group, and these rows have not",
    "unlike_baseline": "the last release cannot be compared with",
    "no_date": "nothing says when it was made",
    "no_ratio": "values of this metric can be below 0, so that ratios mean nothing",
    "no_reference": "there is no other group to compare it with (a predicate in by is one group; a column has all)",
    "suppressed": "it is hidden, or would give away what is",
    "too_few_units": "of some groups there are too few units for any bound",
}
#: What an answer is called in a table, and the mark it has.
SAID: dict[GateAnswer, tuple[str, str]] = {
    "pass": ("pass", "fine"),
    "fail": ("fail", "worse"),
    "insufficient evidence": ("open", "unsure"),
}
WORDS: dict[GateAnswer, str] = {
    "pass": "is kept",
    "fail": "is broken",
    "insufficient evidence": "is open: the evidence is not enough",
}


def told_apart(checks: Sequence[RuleCheck]) -> list[RuleCheck]:
    """Checks with the predicate as a name where groups that are cut otherwise would be called alike."""
    cuts: dict[str, set[tuple[str, ...]]] = {}
    for check in checks:
        if check.group and check.by:
            cuts.setdefault(PLAIN.named(check.group), set()).add(check.by)
    return [
        replace(check, called=check.predicate)
        if check.predicate and len(cuts.get(PLAIN.named(check.group), ())) > 1
        else check
        for check in checks
    ]


def check_sentence(check: RuleCheck, metric: MetricNote | None, unit: str | None) -> str:
    """A check in a sentence."""
    name = metric.name if metric is not None else "the value"
    if check.limit in RATES:
        return _rate_sentence(check, name, unit)
    if check.limit in DIFFERENCES:
        return _gap_sentence(check, name, in_points=metric is not None and metric.in_points)
    if check.limit in RATIOS:
        return _ratio_sentence(check, name)
    if check.limit == "not_worse_than":
        return _release_sentence(check, name, in_points=metric is not None and metric.in_points)
    if check.limit == "coverage":
        return _coverage_sentence(check, unit)
    return check.limit


def _why(check: RuleCheck, unit: str | None = None) -> str:
    reason = check.reason or ""
    if reason == "too_few_units" and check.n_units is not None:
        return f"{count_units(check.n_units, unit or 'row')}, too few for a bound"
    return OPEN.get(reason) or REASONS.get(reason) or reason.replace("_", " ")


def _rate_sentence(check: RuleCheck, name: str, unit: str | None) -> str:
    most = check.limit == "maximum"
    allowed = f"{'at most' if most else 'at least'} {rate(check.allowed)} is allowed"
    if check.low is None and check.high is None:
        return f"{name} of {check.label}: {_why(check, unit)}; {allowed}."
    counts = out_of(check.numerator, check.denominator)
    seen = rate(check.value) + (f" ({counts})" if counts != "–" else "")
    between = "anywhere from " if check.answer == "insufficient evidence" else ""
    return f"{name} of {check.label} is {seen}, {between}{_span(check, most=most, write=rate)}; {allowed}."


def _span(check: RuleCheck, *, most: bool, write: Write) -> str:
    """The bound that decides, or both where none does."""
    if check.answer == "insufficient evidence":
        near, far = write(check.low), write(check.high)
        # One word for both: 0.0 to 11.6 points.
        return f"{near.removesuffix(' points') if far.endswith(' points') else near} to {far}"
    low = (check.answer == "fail") is most
    return f"at least {write(check.low)}" if low else f"at most {write(check.high)}"


def _where(check: RuleCheck) -> str:
    return f" where {PLAIN.named(check.group)} " if check.group else " "


def _gap_sentence(check: RuleCheck, name: str, *, in_points: bool) -> str:
    def write(value: float | None) -> str:
        return "any number" if value is None else amount(value, in_points=in_points)

    by = PLAIN.crossed(check.by)
    allowed = f"at most {write(check.allowed)} {'are' if in_points else 'is'} allowed"
    if check.low is None and check.high is None:
        return f"{name} by {by}{_where(check).rstrip()}: {_why(check)}; {allowed}."
    which = "any" if check.answer == "pass" else "some"
    text = (
        f"{name} of {which} two groups of {by}{_where(check)}differs by {_span(check, most=True, write=write)} "
        f"({_seen(check, write)}); {allowed}."
    )
    return text + _left(check)


def _seen(check: RuleCheck, write: Write) -> str:
    """What was seen, and between whom."""
    sides = zip(check.others, check.other_values, strict=True)
    return f"seen: {write(check.value)}, {' and '.join(f'{name} {rate(value)}' for name, value in sides)}"


def _ratio_sentence(check: RuleCheck, name: str) -> str:
    def write(value: float | None) -> str:
        return "any number" if value is None else ratio(value)

    most = check.limit == "maximum_ratio"
    allowed = f"{'at most' if most else 'at least'} {write(check.allowed)} is allowed"
    if check.low is None and check.high is None:
        return f"{name} by {PLAIN.crossed(check.by)}{_where(check).rstrip()}: {_why(check)}; {allowed}."
    which = "Highest over lowest" if most else "Lowest over highest"
    text = (
        f"{which} {name} by {PLAIN.crossed(check.by)}{_where(check)}is {_span(check, most=most, write=write)} "
        f"({_seen(check, write)}); {allowed}."
    )
    return text + _left(check)


def _left(check: RuleCheck) -> str:
    told = {
        "too_few_units": "  Of some groups there are too few units to tell.",
        "excused_groups": "  Groups of too few units are left out, as the rule says.",
    }
    return told.get(check.reason or "", "")


def _release_sentence(check: RuleCheck, name: str, *, in_points: bool) -> str:
    def write(value: float | None) -> str:
        return "any number" if value is None else amount(value, in_points=in_points)

    if check.low is None and check.high is None:
        return f"{name} of {check.label}: {_why(check)}."
    assert check.value is not None
    worse = f"{write(abs(check.value))} {'worse' if check.value > 0 else 'better'} than"
    worse = "as it was" if check.value == 0 else worse
    span = {
        "fail": f"worse by at least {write(check.low)}",
        "pass": f"worse by at most {write(max(check.high or 0.0, 0.0))}",
        "insufficient evidence": f"anywhere from {_signed(check.low, write)} to {_signed(check.high, write)}",
    }[check.answer]
    return (
        f"{name} of {check.label} is {worse} in the last release ({rate(check.baseline)}), {span}; "
        f"{write(check.allowed)} are tolerated."
    )


def _signed(value: float | None, write: Write) -> str:
    if value is None:
        return "any number"
    return f"{write(abs(value))} {'worse' if value > 0 else 'better'}"


def _coverage_sentence(check: RuleCheck, unit: str | None) -> str:
    if check.reason == "suppressed":
        return f"{check.label} is hidden, so nothing is said of how many there are."
    needed = count_units(int(check.allowed or 0), unit or "row")
    if check.value is None:
        few = "fewer than" if check.answer == "fail" else "at least"
        return f"{check.label} has {few} {needed}."
    return f"{check.label} has {count_units(int(check.value), unit or 'row')}; at least {needed} are needed."


def rule_sentence(answer: GateAnswer, checks: Sequence[RuleCheck]) -> str:
    """Why a rule came to its answer: the first of what decided, and how many more there are."""
    told = decisive(answer, checks)
    if answer == "pass" and len(told) > 1:
        return f"All {len(told)} checks are proven to hold."
    if not told:
        return (
            "Nothing is left to judge: every group is excused."
            if checks
            else "There was nothing to judge."
        )
    more = len(told) - 1
    return told[0].sentence + (f"  … and {more:,} more." if more else "")


def headline(found: Gate) -> str:
    """The answer in a sentence, and of the first broken rule whom it is about, in words of the trade."""
    first = ((rule, check) for rule in found.of("fail") for check in rule.decisive[:1])
    spoken = next((_spoken(check, rule.metric) for rule, check in first), None)
    return _answer(found) if spoken is None else f"{_answer(found)}  {spoken}"


def _spoken(check: RuleCheck, metric: MetricNote | None) -> str | None:
    """Whom the first broken check is about: so many of 100 words wrong for a group, where at most so many are."""
    if metric is None or not metric.in_points:
        return None
    if check.limit in RATES:
        told = two_of_hundred(metric.name, check.value, check.allowed)
        side = "at most" if check.limit == "maximum" else "at least"
        end = "" if told is None else f", where {side} {told[1]} are allowed"
        who = check.label
    elif check.limit in DIFFERENCES and len(check.other_values) > 1:
        told = two_of_hundred(metric.name, check.other_values[0], check.other_values[1])
        who = check.others[0]
        end = "" if told is None else f", {told[1]} for {check.others[1]}"
    else:
        return None
    return None if told is None else f"{told[0]} for {who}{end}."


def _answer(found: Gate) -> str:
    """The answer alone."""
    number = len(found.rules)
    rules = plural(number, "rule")
    broken, unknown = len(found.of("fail")), len(found.of("insufficient evidence"))
    if found.answer == "pass":
        return f"Pass: {'the rule is' if number == 1 else f'all {number} rules are'} kept."
    if number == 1:
        if broken:
            return "Fail: the rule is broken."
        return "Open: the evidence is not enough for the rule; it is not proven to be broken."
    if found.answer == "fail":
        also = f", {unknown} open" if unknown else ""
        return f"Fail: {broken} of {rules} {'is' if broken == 1 else 'are'} broken{also}."
    return f"Open: the evidence is not enough for {unknown} of {rules}; none is broken."


def answers(found: Gate, edition: Edition = PLAIN) -> Iterator[str]:
    """The answer, then why: each rule that is broken, or open where none is."""
    del edition
    yield headline(found)
    for rule in (*found.of("fail"), *found.of("insufficient evidence")):
        yield f"{rule.name} {WORDS[rule.answer]}: {rule.sentence}"


def beyond_first(rule: RuleAnswer) -> tuple[RuleCheck, ...]:
    """Checks that made the answer, where one sentence, which the table of rules has, does not say it all."""
    return () if len(rule.decisive) == 1 else rule.decisive


def obligations(rule: RuleAnswer) -> Iterator[tuple[str, str]]:
    """What the policy says of a rule that is broken."""
    for word, text in (
        ("Hazard", rule.hazard),
        ("Treatment", rule.treatment),
        ("Review", rule.review_trigger),
        ("Review by", rule.review_by),
    ):
        if text:
            yield word, text


def caveats(found: Gate) -> list[Note]:
    """What must be known before the numbers, each note once with the rules that it is of."""
    told: dict[Note, list[str]] = {}
    for rule in found.rules:
        for note in rule.notes:
            told.setdefault(note, []).append(rule.name)
    return [
        Note(code=note.code, text=f"{listed(names)}: {note.text}") for note, names in told.items()
    ]


def notes(found: Gate) -> Iterator[str]:
    """How it was judged, and on what passes stand."""
    yield from after_numbers(caveats(found))
    judged = found.settings.rules_judged
    if judged:
        among = "the groups and limits of the rule"
        if judged > 1:
            among = f"{judged} rules and within each among its groups and limits"
        yield (
            f"With {percent(found.level)} confidence no pass and no fail above is wrong: the chance of error is shared "
            f"among {among} (Bonferroni).  “At least” and “at most” are such bounds; what lies between is open."
        )
    if any(check.limit == "slices" for rule in found.rules for check in rule.checks):
        yield (
            "Of a search for slices only what is proven worse holds so: that it proves none is no proof that there is "
            "none."
        )
    if any(
        check.limit == "not_worse_than"
        and check.answer == "insufficient evidence"
        and check.reason is None
        for rule in found.rules
        for check in rule.checks
    ):
        yield (
            "The last release is taken for one of other people.  Where both were given the same rows, less is left to "
            "chance: put both answers into one table, compare them in pairs (evenhand audit … --compare, with --json) "
            "and name that file in results."
        )
    if any(rule.results for rule in found.rules):
        yield "What files of results say holds with the confidence with which they were made."
