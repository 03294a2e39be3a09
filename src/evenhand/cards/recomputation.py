"""Numbers of a card, computed again from tables that somebody has, by the commands that it tells."""

import functools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePath
from typing import Any

from evenhand.cards.checks import CardCheck, compared
from evenhand.cards.discrepancies import Discrepancy, discrepancies
from evenhand.cards.given import sources_of
from evenhand.cards.result import Card, CardEvidence
from evenhand.errors import InputError
from evenhand.pages.edition import without_folders
from evenhand.pages.numbers import listed
from evenhand.questions.command import joined_files
from evenhand.records.files import fingerprint
from evenhand.repairs.result import RepairTrial
from evenhand.results.origin import versions
from evenhand.results.protocol import to_plain

#: Asks a result's command again of a table, and of files that may be joined to it; raises `InputError` where it may
#: not be asked.
Ask = Callable[[str, Path, Sequence[Path]], Sequence[Any]]
#: What differs from run to run, by its place in a result: versions, how it was asked, and how long it took.
PASSING = (
    "command", "settings.command", "settings.versions", "settings.kernel", "settings.memory_limit",
    "searched.seconds",
)  # fmt: skip
Checked = tuple[CardCheck, list[Discrepancy]]
#: SHA-256 of files together.
Digest = Callable[[tuple[Path, ...]], str]


def recomputed(
    card: Card, plain: dict[str, Any], data: Sequence[Path], ask: Ask | None
) -> Iterator[Checked]:
    """What became of each table at hand, and of each result."""
    # However many results rest on them, files are read once.
    digest = functools.cache(lambda paths: fingerprint(list(paths)))
    at_hand = {one.name: _AtHand(one, data, digest) for one in card.evidence}
    yield from ((check, []) for check in _strangers(card, at_hand, data, digest))
    for one in card.evidence:
        there = at_hand[one.name]
        if ask is None or not there.paths:
            yield _left(one, there.why, given=bool(data)), []
            continue
        try:
            with tempfile.TemporaryDirectory() as folder:
                table = _as_one(there.paths, Path(folder))
                results = ask(one.command, table, there.joined)
        except InputError as error:
            yield _left(one, str(error), given=True), []
            continue
        yield _again(plain[one.field][one.number], one, results, there, table)


class _AtHand:
    """Which of some files a result rests on: its table, or the files of its glob, and what is joined to them."""

    def __init__(self, one: CardEvidence, data: Sequence[Path], digest: Digest) -> None:
        self.paths: tuple[Path, ...] = ()
        names = [PurePath(name).name for name in joined_files(one.command)]
        named = {path.name: path for path in data}
        self.joined = tuple(named[name] for name in names if name in named)
        # The digest of several files is that of their bytes in the order of their names, joined ones last.
        several = sorted(path for path in data if fnmatch(path.name, PurePath(one.table).name))
        self.several = bool(set("*?[") & set(one.table))
        self.lacking = [name for name in names if name not in named]
        self.parts = {*self.joined, *(several if self.several or self.lacking else ())}
        self.why = _why(one, self.several, self.lacking)
        # The rules of a policy stand in another file.
        if one.data_sha256 is None or self.lacking or one.field == "gates":
            return
        for paths in (*((path,) for path in data), tuple(several)):
            if paths and digest((*paths, *self.joined)) == one.data_sha256:
                self.paths = paths
                self.parts |= set(paths)
                return


def _strangers(
    card: Card, at_hand: dict[str, _AtHand], data: Sequence[Path], digest_of: Digest
) -> Iterator[CardCheck]:
    """Files that no result rests on: one that is called as a table that lacks is another one, others say nothing."""
    parts = {path for there in at_hand.values() for path in there.parts}
    with_joined = any(there.joined for there in at_hand.values())
    beside = ", alone or with what is joined to it here" if with_joined else ""
    known = {table.sha256 for one in card.evidence for table in sources_of(card.held(one))}
    lacking = {
        without_folders(table.name)
        for one in card.evidence
        if not at_hand[one.name].paths
        for table in sources_of(card.held(one))
    }
    for path in data:
        digest = digest_of((path,))
        if path in parts or digest in known:
            continue
        if path.name in lacking:
            told = (
                f"{path} has SHA-256 {digest}, and no result on the card rests on it{beside}: it is another table, "
                "or was changed since."
            )
            yield CardCheck(name="data", state="fails", sentence=told)
        else:
            told = f"{path} belongs to no result (SHA-256 {digest}){beside}; nothing was computed from it."
            yield CardCheck(name="stranger", state="not checked", sentence=told)


def _left(one: CardEvidence, why: str, *, given: bool) -> CardCheck:
    return CardCheck(
        name="again" if given else "data",
        state="not checked",
        sentence=f"The numbers of {one.name} were not computed again: {why.removesuffix('.')}.",
    )


def _as_one(paths: Sequence[Path], folder: Path) -> Path:
    """A file, or several as one glob, in their order."""
    if len(paths) == 1:
        return paths[0]
    ending = "".join(paths[0].suffixes)
    for number, path in enumerate(paths):
        (folder / f"files-at-hand-{number:06}{ending}").symlink_to(path.resolve())
    return folder / f"files-at-hand-*{ending}"


def _again(
    stands: dict[str, Any],
    one: CardEvidence,
    results: Sequence[Any],
    there: _AtHand,
    table: Path,
) -> Checked:
    """One result beside what its command says of its table."""
    told = str(table) if len(there.paths) == 1 else f"{len(there.paths)} files"
    renames = [(table, one.table), *zip(there.joined, joined_files(one.command), strict=True)]
    plain = [_renamed(to_plain(result), renames) for result in results]
    place = f"{one.field}[{one.number}]"
    passing = {f"{place}{part}.{path}" for part in ("", *_parts(stands)) for path in PASSING}
    says = f"its command on {told}"
    same = [
        list(discrepancies(stands, other, place, says, passing))
        for other in plain
        if _asks(other) == _asks(stands)
    ]
    new = min(same, key=len, default=[
        Discrepancy(place=place, stands=one.about, should="nothing of the kind", says=says)
    ])  # fmt: skip
    own = dict(versions())["evenhand"]
    good = f"The numbers of {one.name} come out again from {told}."
    other = "" if one.version == own else f" (by Evenhand {one.version}; this is {own})"
    bad = f"{one.name}{other} says something else than its command on {told}"
    return compared("data", new, good, bad), new


def _parts(stands: dict[str, Any]) -> Iterator[str]:
    """Places of the results that a repair holds."""
    if stands["schema"] == RepairTrial.SCHEMA:
        yield from (".change", ".errors")
        yield from (f".sides[{number}]" for number in range(len(stands["sides"])))


def _renamed(plain: Any, renames: Sequence[tuple[Path, str]]) -> Any:
    """A result of some files as if they had been called otherwise."""
    if isinstance(plain, dict):
        return {key: _renamed(one, renames) for key, one in plain.items()}
    if isinstance(plain, list):
        return [_renamed(one, renames) for one in plain]
    if isinstance(plain, str):
        for path, name in renames:
            plain = plain.replace(str(path), name).replace(path.name, without_folders(name))
    return plain


def _why(one: CardEvidence, several: bool, lacking: Sequence[str]) -> str:
    """Why the numbers of a result were not computed again."""
    if one.field == "bounties":
        return "its own log proves them, by evenhand bounty verify"
    if one.field == "gates":
        return f"its rules stand in a file of their own.  With that and the tables: {one.command}"
    if one.data_sha256 is None:
        return "its table has no SHA-256"
    joined = f", and {listed(lacking)}, which its command joins to it" if lacking else ""
    if several:
        return (
            f"its table is {without_folders(one.table)}, whose files together have the SHA-256 that the card tells.  "
            f"Give all of them with --data, under their names{joined}"
        )
    return f"give its table with --data{joined}"


def _asks(plain: dict[str, Any]) -> Any:
    """What tells the results of one command apart."""
    return plain["schema"], plain["metric"]["expression"]
