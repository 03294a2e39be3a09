"""Transcription over HTTP in OpenAI's format: whisper servers, vLLM and most clouds speak it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evenhand.services.faults import error_in, raise_fault
from evenhand.services.keys import (
    absent_keys,
    address_below,
    check_url,
    refuse_literal_keys,
    resolve_headers,
)
from evenhand.services.service import Answer, Payload, Price, Request, ServiceError, plain_answer
from evenhand.services.template import fill, slots_in, written_json
from evenhand.services.usage import Tokens, count, media_tokens, read_usage, sound_seconds
from evenhand.services.wire import Client, Reply, check_wire

_PATH = "audio/transcriptions"
#: Words are seldom more than four a second, a word seldom more than three tokens.
_SPOKEN_TOKENS_A_SECOND = 12


@dataclass(slots=True, kw_only=True)
class TranscriptionService:
    """A recogniser behind ``/audio/transcriptions``: the sound goes out as a form with a file.

    Attributes
    ----------
    name : str
    url : str
        Up to the version, for example ``http://localhost:8000/v1``.
    model : str
    language : str, optional
        Code of the language; the recogniser finds it out if not given.
    prompt : str, optional
        Template of a text that guides the recogniser: names, spelling.
    path : str
        Where the form goes below `url`: ``inference`` for the server of whisper.cpp.
    options : Mapping
        Further fields of the form: ``temperature``, ``response_format``, …
    headers : Mapping
        ``${NAME}`` stands for the environment's value.
    timeout : float
        Seconds for a call.
    price : Price
    """

    name: str
    url: str
    model: str
    language: str | None = None
    prompt: str | None = None
    path: str = _PATH
    options: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 120.0
    price: Price | None = None
    version: str = field(init=False)
    uses: tuple[str, ...] = field(init=False)
    _client: Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_url(self.url, self.name)
        refuse_literal_keys(self.name, self.headers)
        self.uses = slots_in(self.prompt)
        self.version = written_json(
            [self.url, self.model, self.language, self.prompt, dict(self.options)]
            + ([self.path] if self.path != _PATH else [])
        )
        self._client = Client(url=self.url, timeout=self.timeout)

    async def answer(self, request: Request) -> Answer:
        """Ask once."""
        if request.kind != "audio":
            raise ServiceError("unfit_media", "a recogniser takes audio", stop=True)
        payload = request.payload()
        body, kind = multipart(self._fields(request), payload)
        headers = {"Content-Type": kind} | resolve_headers(self.headers)
        address = address_below(self.url, self.path)
        reply = await self._client.send("POST", address, headers, body)
        return self._read(reply, sound_seconds(payload.content))

    def _fields(self, request: Request) -> dict[str, Any]:
        named = {"model": self.model, "response_format": "json", "language": self.language}
        if self.prompt is not None:
            named["prompt"] = str(fill(self.prompt, request))
        return {k: v for k, v in {**named, **self.options}.items() if v is not None}

    def _read(self, reply: Reply, seconds: float) -> Answer:
        raw, found = reply.read(self.headers.values())
        if not 200 <= reply.status < 300 or error_in(found) is not None:
            return raise_fault(reply, found, raw)
        usage = found.get("usage") if isinstance(found, dict) else None
        tokens = read_usage(usage)
        cost = self._cost(usage, tokens, seconds)
        if str(self.options.get("response_format", "json")) in ("text", "srt", "vtt"):
            text: Any = raw.strip()
        else:
            text = found.get("text") if isinstance(found, dict) else None
            if not isinstance(text, str):
                said = "no text in " + raw[:80]
                raise ServiceError("malformed_reply", said, billed="yes", cost=cost, raw=raw)
        known = None if tokens.none else tokens
        return plain_answer(text.strip(), seconds=reply.seconds, cost=cost, raw=raw, tokens=known)

    def _cost(self, usage: Any, tokens: Tokens, seconds: float) -> float | None:
        if self.price is None:
            return None
        told = count(usage.get("seconds")) if isinstance(usage, dict) else None
        return self.price.of_reply(tokens, seconds=max(told or 0, seconds))

    def most(self, request: Request) -> float:
        """Cost of a call at most, by the length of the sound."""
        if self.price is None:
            return 0.0
        content = request.payload().content
        seconds = sound_seconds(content)
        # The reply's own seconds are whole ones, rounded up.
        return self.price.of(
            input_tokens=media_tokens("audio", content) + len((self.prompt or "").encode()),
            output_tokens=int(seconds * _SPOKEN_TOKENS_A_SECOND) + 20,
            seconds=seconds + 1,
        )

    def check(self) -> list[str]:
        """What is missing before the first call."""
        return [*absent_keys(self.headers.values()), *check_wire(self.url)]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def multipart(fields: Mapping[str, Any], payload: Payload) -> tuple[bytes, str]:
    """Form with a file (RFC 7578), and its media type.

    Examples
    --------
    >>> body, kind = multipart({"model": "m"}, Payload(content=b"RIFF", type="audio/wav"))
    >>> kind.startswith("multipart/form-data; boundary="), b'filename="sample.wav"' in body
    (True, True)
    """
    boundary = "evenhand-" + hashlib.sha256(payload.content).hexdigest()[:32]
    parts = []
    for name, value in fields.items():
        for item in value if isinstance(value, list | tuple) else [value]:
            text = item if isinstance(item, str) else json.dumps(item)
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
            parts.append(f"{head}{text}\r\n".encode())
    ending = payload.type.rpartition("/")[2]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="sample.{ending}"'
        f"\r\nContent-Type: {payload.type}\r\n\r\n"
    )
    parts += [head.encode(), payload.content, f"\r\n--{boundary}--\r\n".encode()]
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"
