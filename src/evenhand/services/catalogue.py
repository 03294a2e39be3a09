"""Services by kind: from a plan's table to a service, with every fault of the table told."""

import importlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evenhand.errors import InputError, unknown_name
from evenhand.services.service import LocalService, Price, Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Where a kind of service is written, and what a plan calls its fields.

    `renamed` maps a plan's field to the service's; `fixed` are fields set by the kind; `paths` are
    fields that name files beside the plan; `lists` are fields given as lists.
    """

    module: str
    type: str
    about: str
    renamed: Mapping[str, str]
    fixed: Mapping[str, Any]
    paths: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()


def _entry(
    place: str,
    about: str,
    *,
    paths: Sequence[str] = (),
    lists: Sequence[str] = (),
    renamed: Mapping[str, str] | None = None,
    **fixed: Any,
) -> Entry:
    module, _, kind = place.partition(":")
    return Entry(
        module=f"evenhand.services.{module}",
        type=kind,
        about=about,
        fixed=fixed,
        paths=tuple(paths),
        lists=tuple(lists),
        renamed=renamed or {},
    )


KINDS: Mapping[str, Entry] = {
    "replay": _entry(
        "replay:ReplayService", "outputs collected before, from a file", paths=["file"]
    ),
    "python": _entry("function:FunctionService", "a function, module:name"),
    "program": _entry("program:ProgramService", "a command line program", lists=["arguments"]),
    "http": _entry(
        "template:TemplateService",
        "JSON over HTTP by a template",
        renamed={"answer": "answer_path"},
    ),
    "chat": _entry("chat:ChatService", "OpenAI's chat format", mode="chat"),
    "completions": _entry("chat:ChatService", "OpenAI's completions format", mode="completions"),
    "responses": _entry("chat:ChatService", "OpenAI's responses format", mode="responses"),
    "transcriptions": _entry(
        "transcription:TranscriptionService", "OpenAI's transcription format, sound as a form"
    ),
    "bedrock": _entry("amazon:BedrockService", "Amazon Bedrock, Converse"),
    "transcribe": _entry("amazon:TranscribeService", "Amazon Transcribe, batch"),
    "pocketsphinx": _entry(
        "speech:SphinxService",
        "PocketSphinx, on this machine",
        paths=["language_model", "dictionary", "acoustic_model"],
    ),
    "whisper": _entry("speech:WhisperService", "Whisper through faster-whisper, on this machine"),
    "onnx": _entry(
        "onnx:OnnxService",
        "an ONNX classifier",
        paths=["model"],
        lists=["features", "labels", "size", "mean", "deviation"],
    ),
}
#: Fields of a table that the runner reads, not the service.
RUN_FIELDS = ("in_flight", "per_second", "attempts", "longest_wait")


def make_service(
    table: Mapping[str, Any], *, folder: Path = Path(), own_code: bool = True
) -> Service | LocalService:
    """Service that a plan's table describes.

    Parameters
    ----------
    table : Mapping
        ``{kind = "chat", url = …, model = …}``; see `KINDS`.
    folder : Path
        Where relative paths start.
    own_code : bool
        Whether the table may start programs and functions: it may when it is the user's own.

    Raises
    ------
    InputError
        With all faults of the table.
    """
    given = {name: value for name, value in table.items() if name not in RUN_FIELDS}
    kind = given.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError(unknown_name("kind of service", str(kind), list(KINDS)))
    if kind in ("python", "program") and not own_code:
        raise InputError(f"A plan from elsewhere may not start code of its own (kind = {kind!r}).")
    entry = KINDS[kind]
    built = getattr(importlib.import_module(entry.module), entry.type)
    fields = fields_of(kind)
    owner = f"service {given.get('name', kind)!r}"
    faults = [unknown_name("field", name, list(fields)) for name in given if name not in fields]
    faults += [
        f"{name} is missing" for name, needed in fields.items() if needed and name not in given
    ]
    if faults:
        raise InputError("\n".join(f"{owner}: {fault}" for fault in faults))
    given.setdefault("name", given.get("model") if kind != "onnx" else None)
    given["name"] = str(given["name"] or kind)
    values = {entry.renamed.get(name, name): value for name, value in given.items()}
    for name in entry.paths:
        if values.get(name) is not None:
            values[name] = folder / values[name]
    for name in entry.lists:
        if isinstance(values.get(name), list):
            values[name] = tuple(values[name])
    if "price" in values:
        values["price"] = _price(values["price"], owner)
    try:
        return built(**entry.fixed, **values)  # type: ignore[no-any-return]
    except TypeError as error:
        raise InputError(f"{owner}: a field has the wrong type ({error}).") from error


def fields_of(kind: str) -> dict[str, bool]:
    """Fields that the table of a service may have, and whether they must be there."""
    entry = KINDS[kind]
    built = getattr(importlib.import_module(entry.module), entry.type)
    back = {to: source for source, to in entry.renamed.items()}
    found = inspect.signature(built).parameters.values()
    return {
        back.get(p.name, p.name): p.default is inspect.Parameter.empty and p.name != "name"
        for p in found
        if p.name not in entry.fixed
    }


def _price(given: Any, owner: str) -> Price:
    known = list(inspect.signature(Price).parameters)
    if not isinstance(given, Mapping):
        raise InputError(f"{owner}: price is a table, for example {{call = 0.001}}")
    for name, value in given.items():
        if name not in known:
            raise InputError(f"{owner}: " + unknown_name("price", name, known))
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e9:
            raise InputError(f"{owner}: price {name} is {value!r}; allowed: a number from 0")
    return Price(**{name: float(value) for name, value in given.items()})
