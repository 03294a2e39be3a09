"""Results that a card is made of: read from files by what their JSON says they are."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from evenhand.audits.result import Audit
from evenhand.bounty.files import sha256
from evenhand.bounty.telling.standing import Standing
from evenhand.cards.result import CardEvidence, Field
from evenhand.differential.result import Effects
from evenhand.errors import InputError, near
from evenhand.gates.result import Gate
from evenhand.lastmile.coverage.result import Coverage
from evenhand.pages.commands import quoted
from evenhand.pages.edition import without_folders
from evenhand.pages.numbers import listed
from evenhand.questions.command import joined_files
from evenhand.records.files import fingerprint
from evenhand.records.json_files import read_json
from evenhand.records.output import matching_files
from evenhand.repairs.result import RepairTrial
from evenhand.results.origin import Source
from evenhand.results.protocol import Result
from evenhand.slicing.result import Slices
from evenhand.switching.result import Switches
from evenhand.watching.result import Watch

#: Results that a card holds, by its field.
KINDS: dict[Field, type[Result]] = {
    "audits": Audit,
    "slices": Slices,
    "effects": Effects,
    "switches": Switches,
    "coverages": Coverage,
    "watches": Watch,
    "bounties": Standing,
    "repairs": RepairTrial,
    "gates": Gate,
}
assert tuple(KINDS) == get_args(Field)
#: What a reader calls the own table in a command to repeat.
OWN_TABLE = "your-table.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenResult:
    """A result with the file that it stands in."""

    name: str
    file_sha256: str
    field: Field
    result: Any

    @property
    def sources(self) -> tuple[Source, ...]:
        """The tables behind it; none for bounties, several for some checks."""
        return sources_of(self.result)

    @property
    def about(self) -> str:
        """What was measured, as it was written."""
        return _about(self.result)

    def evidence(self, number: int) -> CardEvidence:
        """Where its numbers came from, as the card tells it."""
        found = self.result
        sources = self.sources
        only = sources[0] if len(sources) == 1 else None
        table = "" if only is None else only.name
        command = _command(found)
        return CardEvidence(
            name=self.name,
            file_sha256=self.file_sha256,
            field=self.field,
            number=number,
            schema=found.SCHEMA,
            about=self.about,
            command=command,
            repeat="" if isinstance(found, Gate) else repeated(command, table),
            table=table,
            rows=None if only is None else only.rows,
            data_sha256=None if only is None else only.sha256,
            version=_version(found),
        )


def result_files(
    patterns: Sequence[str], folder: Path, more: Sequence[str | Path] = ()
) -> dict[Path, str]:
    """Files that a card.toml names, and `more`, each with the name that the card gives it.

    Raises
    ------
    InputError
        Where a pattern names no file, or a file is named twice.
    """
    found: dict[Path, str] = {}
    seen: set[Path] = set()
    places = [(folder, pattern) for pattern in patterns] + [(Path(), str(one)) for one in more]
    for place, pattern in places:
        files = matching_files(str(place / pattern))
        if not files:
            there = sorted(path.name for path in place.glob("*.json"))
            where = "here" if place == Path() else f"in {place}"
            raise InputError(
                f"results: no file is called {pattern!r} {where}.{near(pattern, there)}  "
                "Write the answer of a command there with --json: evenhand audit … --json > audit.json"
            )
        for path in files:
            if path.resolve() in seen:
                raise InputError(f"results names {path} twice.  Name it once.")
            seen.add(path.resolve())
            name = _name(path, folder)
            if name in found.values():
                raise InputError(
                    f"results names two files that are called {name}.  Give one of them another name: a card tells no "
                    "folders outside its own."
                )
            found[path] = name
    return found


def _name(path: Path, folder: Path) -> str:
    """What a card calls a file: from its own folder on; without folders where it lies elsewhere."""
    own, root = path.resolve(), folder.resolve()
    return own.relative_to(root).as_posix() if own.is_relative_to(root) else own.name


def read_results(
    patterns: Sequence[str], folder: Path, more: Sequence[str | Path] = ()
) -> list[GivenResult]:
    """Results in files beside a card.toml, and in `more`, in their order.

    Raises
    ------
    InputError
        Where a pattern names no file, a file holds no result, or one that a card has no place for.
    """
    files = result_files(patterns, folder, more)
    return [one for path, name in files.items() for one in read_file(path, name)]


def read_file(path: Path, name: str) -> Iterator[GivenResult]:
    """Results in one file: an object, or an array of them."""
    found, data = read_json(path, "result", "Write it with --json.")
    results = found if isinstance(found, list) else [found]
    for number, one in enumerate(results):
        own = f"{name}[{number}]" if isinstance(found, list) else name
        field = _field(one, own)
        try:
            result = KINDS[field].from_dict(one)
        except InputError as error:
            raise InputError(f"{own}: {error}") from error
        yield GivenResult(name=own, file_sha256=sha256(data), field=field, result=result)


def _field(given: Any, name: str) -> Field:
    schema = given.get("schema") if isinstance(given, dict) else None
    by_schema = {kind.SCHEMA: field for field, kind in KINDS.items()}
    if schema in by_schema:
        return by_schema[str(schema)]
    form, _, version = str(schema).partition("/")
    for known in by_schema:
        if known.partition("/")[0] == form:
            raise InputError(
                f"{name} has the schema {schema!r}, but this version of Evenhand reads {known!r}.  It was written by a "
                f"{'newer' if version > known.partition('/')[2] else 'different'} version: read it with that one."
            )
    raise InputError(
        f"{name} has the schema {schema!r:.60}, and a card has no place for it.{near(str(schema), by_schema)}  "
        f"Allowed: {', '.join(by_schema)}"
    )


def check_fresh(given: Sequence[GivenResult], folder: Path) -> None:
    """Refuse results of a table that is there and is another one now.

    Raises
    ------
    InputError
        Naming the result, the table and both digests.
    """
    digests: dict[tuple[Path, ...], str] = {}
    for one, source in ((each, source) for each in given for source in each.sources):
        table, data, command = source.name, source.sha256, _command(one.result)
        if data is None or "://" in table:
            continue
        for base in (folder, Path()):
            files = _there(table, joined_files(command), base)
            if not files:
                continue
            if files not in digests:
                digests[files] = fingerprint(list(files))
            digest = digests[files]
            if digest != data:
                have = "has" if len(files) == 1 else "together have"
                raise InputError(
                    f"{one.name} rests on {table} with SHA-256 {data[:12]}…, but {listed([str(f) for f in files])} "
                    f"{have} {digest[:12]}… now: the result is stale.  Run its command again, or put the files that it "
                    f"rests on back:\n{command}"
                )
            break


def _there(table: str, joined: Sequence[str], folder: Path) -> tuple[Path, ...]:
    """The files of a table and those that are joined to it, in the order of their digest; none where one lacks."""
    found = [matching_files(str(folder / name)) for name in (table, *joined)]
    files = tuple(path for paths in found for path in paths)
    return files if all(found) and all(path.is_file() for path in files) else ()


def repeated(command: str, table: str) -> str:
    """The command on a table of one's own; output files and folders are left out.

    Examples
    --------
    >>> repeated("evenhand audit data/calls.csv --metric 'mean(wrong)' --by site --html o.html", "data/calls.csv")
    "evenhand audit your-table.csv --metric 'mean(wrong)' --by site"
    """
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    if len(words) < 3 or words[0] != "evenhand":
        return ""
    own = {table, without_folders(table)} & set(words) or {words[2]}
    kept, skip, replaced = words[:2], False, False
    for word in words[2:]:
        if skip:
            skip = False
        elif word in _WRITES:
            skip = _WRITES[word]
        elif word.partition("=")[0] in _WRITES and "=" in word:
            continue
        elif not replaced and word in own and not word.startswith("-"):
            kept.append(OWN_TABLE)
            replaced = True
        else:
            kept.append(word)
    return " ".join(map(quoted, kept)) if replaced else ""


#: Options that say what is written, and whether a value follows.
_WRITES = {
    **dict.fromkeys(("--json", "--csv", "--force", "--share"), False),
    **dict.fromkeys(
        (
            "--html",
            "--figure",
            "--cube",
            "--state",
            "--title",
            "--note",
            "--labels",
            "--out",
            "--keep",
        ),
        True,
    ),
}


def sources_of(found: Any) -> tuple[Source, ...]:
    """The tables behind a result, each once; none for bounties, several for some checks."""
    if isinstance(found, Slices):
        return (Source(name=found.source, rows=found.overall.n_rows, sha256=found.sha256),)
    if isinstance(found, Standing):
        return ()
    if isinstance(found, Gate):
        told = [rule.source for rule in found.rules if rule.source is not None]
        # Rules keep rows of their own; the most is what the table has at least.
        told.sort(key=lambda one: one.rows)
        return tuple({(one.name, one.sha256): one for one in told}.values())
    return (found.source,)


def _command(found: Any) -> str:
    return str(
        getattr(found, "command", None) or getattr(getattr(found, "settings", None), "command", "")
    )


def _version(found: Any) -> str:
    """The version of Evenhand that computed it; empty where it does not tell."""
    versions = getattr(getattr(found, "settings", None), "versions", {})
    return str(dict(versions).get("evenhand", ""))


def _about(found: Any) -> str:
    """What was measured, as it was written."""
    if isinstance(found, Standing):
        return f"bounty on {found.label}"
    if isinstance(found, Gate):
        return f"policy {without_folders(found.policy)}"
    metric = found.metric
    return "coverage" if metric is None else str(metric.expression)
