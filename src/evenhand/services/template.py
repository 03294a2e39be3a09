"""A vendor's service as a template: JSON (or the media themselves) over HTTP, any modality."""

import base64
import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evenhand.errors import InputError
from evenhand.services.faults import raise_fault
from evenhand.services.keys import (
    absent_keys,
    check_url,
    refuse_literal_keys,
    resolve,
    resolve_headers,
)
from evenhand.services.service import Answer, Price, Request, ServiceError, plain_answer
from evenhand.services.usage import (
    longest_answer,
    media_tokens,
    read_usage,
    sound_seconds,
    text_tokens,
)
from evenhand.services.wire import Client, Reply, check_wire

# `{{word}}` is the text {word}; other braces, as those of JSON in a prompt, need no escape.
_SLOT = re.compile(r"\{(\{[A-Za-z_][A-Za-z0-9_.]*\})\}|\{([A-Za-z_][A-Za-z0-9_.]*)\}")
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_SORTED = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
#: Slots that every request can fill; others are attributes of the sample.
SLOTS = ("text", "row", "media_base64", "media_type", "sample_id", "condition", "repeat")

_OF_MEDIA = ("text", "row", "media", "media_base64", "media_type", "repeat")


def written_json(value: Any) -> str:
    """JSON that is equal for equal values."""
    return _SORTED.encode(value)


def slot(name: str, request: Request) -> Any:
    """Value of a slot.

    Raises
    ------
    ServiceError
        For a name that the sample does not have.
    """
    match name:
        case "text" | "row":
            return request.media
        case "media_base64":
            return base64.b64encode(request.payload().content).decode("ascii")
        case "media_type":
            return request.payload().type
        case "sample_id" | "condition" | "repeat":
            return getattr(request, name)
    found = request.media if name.startswith("row.") else request.parameters
    key = name.removeprefix("row.")
    if not isinstance(found, Mapping) or key not in found:
        raise ServiceError("no_slot", f"the sample has no {name!r}; slots: {', '.join(SLOTS)}")
    return found[key]


def slots_in(template: Any) -> tuple[str, ...]:
    """Slots of a template beside the media: the answer depends on them too.

    Examples
    --------
    >>> slots_in({"id": "{sample_id}", "say": "{text}"})
    ('sample_id',)
    """
    if isinstance(template, Mapping):
        template = list(template.values())
    if isinstance(template, list | tuple):
        return tuple(dict.fromkeys(name for item in template for name in slots_in(item)))
    found = [m[2] for m in _SLOT.finditer(template) if m[2]] if isinstance(template, str) else []
    return tuple(n for n in found if n not in _OF_MEDIA and not n.startswith("row."))


def fill(template: Any, request: Request) -> Any:
    """Template with its slots filled; a text that is one slot takes the value's own type.

    Examples
    --------
    >>> request = Request(kind="table", media={"age": 41}, sample_id="7")
    >>> fill({"id": "{sample_id}", "features": "{row}", "say": "age {row.age}"}, request)
    {'id': '7', 'features': {'age': 41}, 'say': 'age 41'}
    >>> fill('{{name}} {"a": {sample_id}}', request)
    '{name} {"a": 7}'
    """
    if isinstance(template, Mapping):
        return {name: fill(value, request) for name, value in template.items()}
    if isinstance(template, list | tuple):
        return [fill(value, request) for value in template]
    if not isinstance(template, str) or "{" not in template:
        return template
    whole = _SLOT.fullmatch(template)
    if whole and whole[2]:
        return slot(whole[2], request)
    return _SLOT.sub(lambda match: match[1] or str(slot(match[2], request)), template)


@functools.cache
def read_path(path: str) -> tuple[str | int, ...]:
    """Steps of a path such as ``results[0].transcript`` (``results.0.transcript`` is the same).

    Examples
    --------
    >>> read_path("results[0].transcript")
    ('results', 0, 'transcript')
    """
    text = path.removeprefix("$").removeprefix(".")
    steps = [(int(m[1]) if m[1] else m[2]) for m in _STEP.finditer(text)]
    if "".join(m[0] for m in _STEP.finditer(text)) != text.replace(".", "") or ".." in text:
        raise InputError(f"{path!r} is no path.  Example: results[0].transcript")
    return tuple(int(s) if isinstance(s, str) and s.isdecimal() else s for s in steps)


def find(value: Any, path: str) -> Any:
    """Value at a path of a JSON value; `LookupError` where there is none.

    Examples
    --------
    >>> find({"results": [{"transcript": "yes"}]}, "results[0].transcript")
    'yes'
    """
    for step in read_path(path):
        if isinstance(value, dict):
            value = value[str(step)]
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step]
        else:
            raise LookupError(path)  # noqa: TRY004 - one error for every place that is not there
    return value


@dataclass(slots=True, kw_only=True)
class TemplateService:
    """Any service that takes a request and answers in JSON or plain text.

    Attributes
    ----------
    name : str
    url : str
    answer_path : str or Mapping
        Where the answer is in the reply; names with paths give an output of named values; empty
        takes the whole body as text.
    body : Any
        JSON template with slots (see `SLOTS`); ``{media}`` as the whole body sends the media's bytes.
    method : str
    headers : Mapping
        ``${NAME}`` stands for the environment's value.
    refused : Mapping
        Path → value; where the reply has that value, the service refused.
    timeout : float
    price : Price
    """

    name: str
    url: str
    answer_path: str | Mapping[str, str] = ""
    body: Any = "{media}"
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 60.0
    price: Price | None = None
    version: str = field(init=False)
    uses: tuple[str, ...] = field(init=False)
    _client: Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_url(self.url, self.name)
        self.uses = slots_in(self.body)
        for place in (self.headers, self.body if isinstance(self.body, Mapping) else {}):
            refuse_literal_keys(self.name, place)
        paths = (
            self.answer_path if isinstance(self.answer_path, Mapping) else {"": self.answer_path}
        )
        for path in (*paths.values(), *self.refused):
            read_path(path)
        named = {name: value for name, value in self.headers.items() if "${" not in value}
        self.version = written_json(
            [self.url, self.method, self.body, self.answer_path, named, dict(self.refused)]
        )
        self._client = Client(url=self.url, timeout=self.timeout)

    async def answer(self, request: Request) -> Answer:
        """Ask once."""
        body, kind = self._body(request)
        headers = {"Content-Type": kind} | resolve_headers(self.headers)
        reply = await self._client.send(self.method, resolve(self.url), headers, body)
        cost = None
        if self.price is not None and not self.price.by_tokens:
            cost = self.most(request)
        return self._read(reply, cost)

    def _body(self, request: Request) -> tuple[bytes, str]:
        if self.body == "{media}":
            payload = request.payload()
            return payload.content, payload.type
        filled = fill(_resolved(self.body), request)
        try:
            return json.dumps(filled, ensure_ascii=False).encode("utf-8"), "application/json"
        except (TypeError, ValueError) as error:
            raise ServiceError("bad_request", f"the body is no JSON ({error})", stop=True) from None

    def _secrets(self) -> list[str]:
        return [self.url, *self.headers.values(), json.dumps(self.body)]

    def _read(self, reply: Reply, cost: float | None) -> Answer:
        raw, found = reply.read(self._secrets())
        cost = self._cost(found, cost)
        more: dict[str, Any] = {"seconds": reply.seconds, "raw": raw, "cost": cost}
        whole = self.answer_path == ""
        failed = isinstance(found, Mapping) and isinstance(found.get("error"), Mapping | str)
        if not 200 <= reply.status < 300 or (failed and whole):
            return raise_fault(reply, found, raw)
        if found is None and raw.strip() != "null" and not (whole and not self.refused):
            raise _unread("malformed_reply", "not JSON: " + raw[:80], raw, cost)
        refusal = self._refusal(found)
        if refusal is not None:
            return Answer(outcome="refused", reason=refusal, **more)
        try:
            return plain_answer(self._output(found, raw), **more)
        except LookupError:
            if failed:
                return raise_fault(reply, found, raw)
            said = f"nothing at {self.answer_path!r} in {raw[:120]}"
            raise _unread("no_answer", said, raw, cost) from None

    def _cost(self, found: Any, by_call: float | None) -> float | None:
        """Cost as the reply tells it; `None` where tokens are priced and not told."""
        if self.price is None or not self.price.by_tokens:
            return by_call
        usage = found.get("usage") if isinstance(found, Mapping) else None
        return self.price.of_reply(read_usage(usage))

    def _refusal(self, found: Any) -> str | None:
        """Field that says that the service refused."""
        for path, value in self.refused.items():
            try:
                if find(found, path) == value:
                    return f"{path} = {value}"
            except LookupError:
                continue
        return None

    def _output(self, found: Any, raw: str) -> Any:
        if isinstance(self.answer_path, Mapping):
            return {name: find(found, path) for name, path in self.answer_path.items()}
        return find(found, self.answer_path) if self.answer_path else raw.strip()

    def most(self, request: Request) -> float:
        """Cost of a call at most: by the call, the length of a sound, and tokens as for chat."""
        if self.price is None:
            return 0.0
        seconds = 0.0
        if self.price.minute and request.kind == "audio":
            seconds = sound_seconds(request.payload().content)
        if not self.price.by_tokens:
            return self.price.of(seconds=seconds)
        media = request.kind in ("audio", "image")
        asked = media_tokens(request.kind, request.payload().content) if media else 0
        asked += text_tokens([self.body if media else self._body(request)[0].decode("utf-8")])
        longest = longest_answer(self.body if isinstance(self.body, Mapping) else {})
        return self.price.of(input_tokens=asked, output_tokens=longest, seconds=seconds)

    def check(self) -> list[str]:
        """What is missing before the first call."""
        absent = absent_keys(self._secrets())
        return absent if "${" in self.url else [*absent, *check_wire(self.url)]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _unread(code: str, said: str, raw: str, cost: float | None) -> ServiceError:
    """Whole reply that cannot be read: it was billed like any other."""
    return ServiceError(code, said, billed="yes", cost=cost, raw=raw)


def _resolved(template: Any) -> Any:
    if isinstance(template, Mapping):
        return {name: _resolved(value) for name, value in template.items()}
    if isinstance(template, list | tuple):
        return [_resolved(value) for value in template]
    return resolve(template) if isinstance(template, str) and "${" in template else template
