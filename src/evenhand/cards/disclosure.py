"""A card that hides small groups must not give them away by what its results say together.

An audit hides so that its own numbers do not tell.  Two audits of one table each choose for themselves what to
hide beside the small groups, so that one shows what the other hides; and subsets, watches and comparisons show
groups that no audit knows of.
"""

from collections.abc import Iterator, Sequence

from evenhand.audits.disclosure.attack import attack
from evenhand.audits.disclosure.printed import of_audit
from evenhand.audits.result import Audit
from evenhand.cards.given import GivenResult
from evenhand.differential.result import Effects
from evenhand.differential.sharing import check_shared
from evenhand.errors import InputError
from evenhand.pages.numbers import listed


def check_disclosure(given: Sequence[GivenResult]) -> None:
    """Refuse results that together tell what one of them hides.

    Raises
    ------
    InputError
        Naming the results, the group and what follows of it.
    """
    for together in _by_table(given):
        hiding = [
            one
            for one in together
            if isinstance(one.result, Audit) and one.result.settings.suppress_below
        ]
        if hiding:
            _check_table(together, hiding)


def _check_table(together: Sequence[GivenResult], hiding: Sequence[GivenResult]) -> None:
    fewest = max(one.result.settings.suppress_below for one in hiding)
    said = f"{hiding[0].name} hides groups of fewer than {fewest} people"
    audits = []
    for one in together:
        if isinstance(one.result, Audit):
            audits.append(one)
        elif isinstance(one.result, Effects):
            check_shared(
                one.result, fewest, f"{said}, and {one.name} of the same table may tell them"
            )
        else:
            raise InputError(
                f"{said}, and {one.name} of the same table shows groups of its own, from which they may follow.  "
                "Leave one of the two out, or make a card of its own for it."
            )
    wheres = {one.result.settings.where for one in audits}
    if len(wheres) > 1:
        names = listed([one.name for one in audits])
        raise InputError(
            f"{said}, and {names} keep other rows of the same table: what differs between them may be few people.  "
            "Make them with the same --where."
        )
    found = attack([of_audit(one.result.to_dict()) for one in audits], fewest)
    if found.leaks:
        names = listed([one.name for one in audits])
        raise InputError(
            f"{said}, but from {names} together follows: {found.leaks[0].text}  Ask for all metrics and "
            "attributes in one run, which hides for all of them: evenhand audit TABLE --metric A --metric B "
            f"--suppress-below {fewest} --json"
        )


def _by_table(given: Sequence[GivenResult]) -> Iterator[list[GivenResult]]:
    """Results of the same table."""
    out: dict[str, list[GivenResult]] = {}
    for one in given:
        if (key := one.table_key) is not None:
            out.setdefault(key, []).append(one)
    yield from out.values()
