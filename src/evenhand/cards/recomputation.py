"""Numbers of a card, computed again from tables that somebody has, by the commands that it tells."""

import shlex
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


def recomputed(
    card: Card, plain: dict[str, Any], data: Sequence[Path], ask: Ask | None
) -> Iterator[Checked]:
    """What became of each table at hand, and of each result."""
    read = _read(card, data)
    used = {path for paths in read.values() for path in paths} | set(_joined(card, data))
    known = {table.sha256 for one in card.evidence for table in sources_of(_held(card, one))}
    for path in data:
        digest = fingerprint([path])
        if path not in used and digest not in known:
            told = (
                f"{path} has SHA-256 {digest}, and no result on the card rests on it: it is another table, or was "
                "changed since."
            )
            yield CardCheck(name="data", state="fails", sentence=told), []
    for one in card.evidence:
        # The rules of a policy stand in another file.
        paths = read.get(one.name, ()) if one.field != "gates" else ()
        if ask is None or not paths:
            yield _left(one, _why(one), given=bool(data)), []
            continue
        others = [path for path in data if path not in paths]
        try:
            with tempfile.TemporaryDirectory() as folder:
                table = paths[0] if len(paths) == 1 else _together(paths, Path(folder))
                results = ask(one.command, table, others)
        except InputError as error:
            yield _left(one, str(error), given=True), []
            continue
        yield _again(plain[one.field][one.number], one, results, table, paths)


def _held(card: Card, one: CardEvidence) -> Any:
    return getattr(card, one.field)[one.number]


def _left(one: CardEvidence, why: str, *, given: bool) -> CardCheck:
    return CardCheck(
        name="again" if given else "data",
        state="not checked",
        sentence=f"The numbers of {one.name} were not computed again: {why.removesuffix('.')}.",
    )


def _read(card: Card, data: Sequence[Path]) -> dict[str, tuple[Path, ...]]:
    """Of each result the files at hand that it rests on: one with its digest, or those that its glob means."""
    digests = {fingerprint([path]): path for path in data}
    out: dict[str, tuple[Path, ...]] = {}
    for one in card.evidence:
        if one.data_sha256 is None:
            continue
        if one.data_sha256 in digests:
            out[one.name] = (digests[one.data_sha256],)
            continue
        # The digest of several files is that of their bytes in the order of their names.
        several = sorted(path for path in data if fnmatch(path.name, PurePath(one.table).name))
        if len(several) > 1 and fingerprint(several) == one.data_sha256:
            out[one.name] = tuple(several)
    return out


def _joined(card: Card, data: Sequence[Path]) -> Iterator[Path]:
    """Files at hand that a command joins to its table."""
    names = set()
    for one in card.evidence:
        try:
            words = shlex.split(one.command)
        except ValueError:
            continue
        names |= {PurePath(word.removeprefix("--with=")).name for word in words}
    yield from (path for path in data if path.name in names)


def _together(paths: Sequence[Path], folder: Path) -> Path:
    """Several files as one glob, in their order."""
    ending = "".join(paths[0].suffixes)
    for number, path in enumerate(paths):
        (folder / f"{number:06}{ending}").symlink_to(path.resolve())
    return folder / f"*{ending}"


def _again(
    stands: dict[str, Any],
    one: CardEvidence,
    results: Sequence[Any],
    table: Path,
    paths: Sequence[Path],
) -> Checked:
    """One result beside what its command says of its table."""
    told = str(table) if len(paths) == 1 else f"{len(paths)} files"
    plain = [_renamed(to_plain(result), table, one.table) for result in results]
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


def _renamed(plain: Any, table: Path, name: str) -> Any:
    """A result of a table as if it had been called otherwise."""
    if isinstance(plain, dict):
        return {key: _renamed(one, table, name) for key, one in plain.items()}
    if isinstance(plain, list):
        return [_renamed(one, table, name) for one in plain]
    if isinstance(plain, str):
        return plain.replace(str(table), name).replace(table.name, without_folders(name))
    return plain


def _why(one: CardEvidence) -> str:
    """Why the numbers of a result were not computed again."""
    if one.field == "bounties":
        return "its own log proves them, by evenhand bounty verify"
    if one.field == "gates":
        return f"its rules stand in a file of their own.  With that and the tables: {one.command}"
    if one.data_sha256 is None:
        return "its table has no SHA-256"
    if set("*?[") & set(one.table):
        return f"give all files of {one.table} with --data, under their names"
    return "give its table with --data"


def _asks(plain: dict[str, Any]) -> Any:
    """What tells the results of one command apart."""
    return plain["schema"], plain["metric"]["expression"]
