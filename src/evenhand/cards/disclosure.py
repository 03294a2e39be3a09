"""A card that hides small groups must not give them away by what its results say together.

An audit hides so that its own numbers do not tell.  Two audits of one table each choose for themselves what to
hide beside the small groups, so that one shows what the other hides; subsets, watches and comparisons show groups
that no audit knows of; and another file may hold the same people, with a column more or a row less.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from evenhand.audits.disclosure.attack import attack
from evenhand.audits.disclosure.printed import of_audit
from evenhand.audits.result import Audit
from evenhand.cards.given import GivenResult
from evenhand.cards.written import WrittenCard
from evenhand.differential.result import Effects
from evenhand.differential.sharing import check_shared
from evenhand.errors import InputError
from evenhand.gates.result import Gate
from evenhand.pages.edition import without_folders
from evenhand.pages.numbers import listed

_ONE_RUN = (
    "Ask for all metrics and attributes in one run, which hides for all of them: evenhand audit TABLE --metric A "
    "--metric B --suppress-below"
)


def check_disclosure(given: Sequence[GivenResult], written: WrittenCard) -> None:
    """Refuse results that together tell what one of them hides.

    Raises
    ------
    InputError
        Naming the results, the group and what follows of it.
    """
    for together in _by_people(given, written):
        hiding = [
            one
            for one in together
            if isinstance(one.result, Audit) and one.result.settings.suppress_below
        ]
        if hiding:
            _check_people(together, hiding)
        elif checks := [one for one in together if _hides(one.result)]:
            _check_alone(checks[0], together)


def _hides(found: Any) -> bool:
    """Whether a check of rules hides a group."""
    return isinstance(found, Gate) and any(
        check.reason == "suppressed" for rule in found.rules for check in rule.checks
    )


def _check_alone(check: GivenResult, together: Sequence[GivenResult]) -> None:
    """Refuse anything beside a check that hides: whom it hides is not told, so nothing can be compared with it."""
    for one in together:
        if one is not check:
            raise InputError(
                f"{check.name} hides small groups, and {one.name} is of a table of the same people, as far as is "
                "known, and may tell them.  Leave one of the two out, or let an audit hide them (--suppress-below) and "
                'the rules read that: results = "audit.json".'
            )


def _check_people(together: Sequence[GivenResult], hiding: Sequence[GivenResult]) -> None:
    fewest = max(one.result.settings.suppress_below for one in hiding)
    said = f"{hiding[0].name} hides groups of fewer than {fewest} people"
    _check_tables(together, hiding[0], said)
    audits = [one for one in together if isinstance(one.result, Audit)]
    effects = [one for one in together if isinstance(one.result, Effects)]
    for one in together:
        if one not in audits and one not in effects:
            raise InputError(
                f"{said}, and {one.name} of the same table shows groups of its own, from which they may follow.  "
                "Leave one of the two out; on another card that is published it would tell the same."
            )
    alike = [*audits, *effects]
    if len({one.result.settings.where for one in alike}) > 1:
        raise InputError(
            f"{said}, and {listed([one.name for one in alike])} keep other rows of the same table: what differs "
            "between them may be few people.  Make them with the same --where."
        )
    hidden = {group.predicate for one in audits for group in one.result.groups if group.suppressed}
    for one in effects:
        if shown := sorted(hidden & {group.predicate for group in one.result.groups}):
            raise InputError(
                f"{said}, and {one.name} of the same table shows {shown[0]}, which is hidden so that a small group "
                "does not follow.  Leave one of the two out."
            )
        check_shared(one.result, fewest, f"{said}, and {one.name} of the same table may tell them")
    names = listed([one.name for one in audits])
    found = attack([of_audit(one.result.to_dict()) for one in audits], fewest)
    if found.leaks:
        raise InputError(
            f"{said}, but from {names} together follows: {found.leaks[0].text}  {_ONE_RUN} {fewest} --json"
        )
    # The attack takes audits of other rows or units apart: each may hide another group beside a small one.
    known: dict[tuple[str, ...], tuple[str, frozenset[str]]] = {}
    for one in audits:
        for by, own in _hidden(one.result):
            name, other = known.setdefault(by, (one.name, own))
            if own != other:
                raise InputError(
                    f"{said}, and {name} and {one.name} count other rows or units of the same table and hide other "
                    f"groups of {' × '.join(by)} ({min(own ^ other)} only in one): what one shows may tell what the "
                    f"other hides.  {_ONE_RUN} {fewest} --json"
                )


def _hidden(audit: Audit) -> Iterator[tuple[tuple[str, ...], frozenset[str]]]:
    """Of each way to cut the rows the groups that are hidden."""
    for by in dict.fromkeys(group.by for group in audit.groups):
        own = [group for group in audit.groups if group.by == by]
        yield by, frozenset(group.predicate for group in own if group.suppressed)


def _check_tables(together: Sequence[GivenResult], hiding: GivenResult, said: str) -> None:
    """Refuse other files that may hold the same people."""
    own = hiding.sources[0].sha256 or hiding.sources[0].name
    for one in together:
        for table in one.sources:
            if (table.sha256 or table.name) != own:
                name = without_folders(table.name)
                raise InputError(
                    f"{said}, and {one.name} rests on another table, {name}.  If the same people are in both, it may "
                    "tell what is hidden.  Where nobody in it is in another table of this card, say so in the "
                    f'card.toml: [[data]] with table = "{name}" and other_people = true.  Else leave one of the two '
                    "out, or ask all of one table in one run."
                )


def _by_people(given: Sequence[GivenResult], written: WrittenCard) -> Iterator[list[GivenResult]]:
    """Results that may be of the same people: all, but those of tables that people say are of others.

    Raises
    ------
    InputError
        Where two of these have the same bytes.
    """
    others = {without_folders(one.table) for one in written.data if one.other_people}
    out: dict[str, list[GivenResult]] = {}
    contents: dict[str, str] = {}
    for one in given:
        names = {without_folders(table.name): table.sha256 for table in one.sources}
        for name, digest in names.items():
            people = name if name in others else ""
            if digest is not None and contents.setdefault(digest, people) != people:
                raise InputError(
                    f"data: other_people says that nobody in {people or contents[digest]} is in another table, but "
                    f"{name} and another table of this card have the same content (SHA-256 {digest[:12]}…)."
                )
            if one not in (own := out.setdefault(people, [])):
                own.append(one)
    yield from out.values()
