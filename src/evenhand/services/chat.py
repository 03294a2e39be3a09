"""OpenAI's wire format, chat and completions: llama.cpp, vLLM and most clouds speak it."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from evenhand.services.keys import check_url, redact, refuse_literal_keys, resolve
from evenhand.services.service import Answer, Payload, Price, Request, ServiceError, plain_answer
from evenhand.services.template import fill, slots_in, written_json
from evenhand.services.wire import Client, Reply, raise_for_status

_BLOCKED = ("content_filter", "content_policy_violation", "responsible_ai_policy")
_OUT_OF_FUNDS = ("insufficient_quota", "billing")


@dataclass(slots=True, kw_only=True)
class ChatService:
    """A language model behind ``/chat/completions`` or ``/completions``.

    Attributes
    ----------
    name : str
    url : str
        Up to the version, for example ``http://localhost:8000/v1``.
    model : str
    mode : str
        ``chat`` or ``completions``.
    prompt : str
        Template of the user's message; ``{text}`` is the sample, ``{attribute}`` one of its
        attributes.
    system : str, optional
        Template of the system's message; chat only.
    options : Mapping
        Added to the body as they are: ``temperature``, ``max_tokens``, ``seed``, …
    headers : Mapping
        ``${NAME}`` stands for the environment's value.
    timeout : float
        Seconds for a call.
    price : Price
    """

    name: str
    url: str
    model: str
    mode: Literal["chat", "completions"] = "chat"
    prompt: str = "{text}"
    system: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 60.0
    price: Price | None = None
    version: str = field(init=False)
    uses: tuple[str, ...] = field(init=False)
    _client: Client = field(init=False, repr=False)
    _address: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_url(self.url, self.name)
        refuse_literal_keys(self.name, self.headers)
        self.uses = slots_in([self.prompt, self.system])
        self.version = written_json(
            [self.url, self.mode, self.model, self.prompt, self.system, dict(self.options)]
        )
        path = "/chat/completions" if self.mode == "chat" else "/completions"
        self._address = self.url.rstrip("/") + path
        self._client = Client(url=self.url, timeout=self.timeout)

    async def answer(self, request: Request) -> Answer:
        """Ask once."""
        headers = {"Content-Type": "application/json"}
        headers |= {name: resolve(value) for name, value in self.headers.items()}
        body = written_json(self._body(request)).encode("utf-8")
        reply = await self._client.send("POST", self._address, headers, body)
        return self._read(reply)

    def _body(self, request: Request) -> dict[str, Any]:
        filled = fill(self.prompt, request)
        start: dict[str, Any] = {"model": self.model, **self.options}
        if self.mode == "completions":
            return start | {"prompt": filled}
        messages: list[dict[str, Any]] = []
        if self.system is not None:
            messages.append({"role": "system", "content": fill(self.system, request)})
        if request.kind in ("audio", "image"):
            filled = [{"type": "text", "text": filled}, _part(request.payload())]
        messages.append({"role": "user", "content": filled})
        return start | {"messages": messages}

    def _read(self, reply: Reply) -> Answer:
        raw = redact(reply.body.decode("utf-8", "replace"), self.headers.values())
        try:
            found = json.loads(raw)
        except ValueError:
            found = None
        if reply.status >= 400:
            return self._fault(reply, found, raw)
        raise_for_status(reply, "")
        try:
            choice = found["choices"][0]
            said = choice["message"] if self.mode == "chat" else choice
            text = said.get("content") if self.mode == "chat" else said["text"]
            refusal = said.get("refusal")
            stopped = choice.get("finish_reason")
            if not isinstance(text, str | None) or not isinstance(refusal, str | None):
                raise TypeError  # noqa: TRY301 - one place says what a chat reply is
        except (TypeError, LookupError, AttributeError):
            raise ServiceError(
                "malformed_reply", "not a reply of a chat model: " + raw[:80]
            ) from None
        more: dict[str, Any] = {
            "seconds": reply.seconds,
            "cost": self._cost(found.get("usage")),
            "raw": raw,
        }
        if refusal or stopped == "content_filter":
            why = "content_filter" if stopped == "content_filter" else "refusal"
            return Answer(output=refusal or text, outcome="refused", reason=why, **more)
        return plain_answer(text, **more)

    def _fault(self, reply: Reply, found: Any, raw: str) -> Answer:
        error = found.get("error") if isinstance(found, dict) else None
        said = error.get("message") if isinstance(error, dict) else error
        code = str(error.get("code") or error.get("type") or "") if isinstance(error, dict) else ""
        text = str(said or raw)
        if reply.status in (400, 403, 422) and any(word in code for word in _BLOCKED):
            return Answer(
                output=text, outcome="refused", reason=code, seconds=reply.seconds, raw=raw
            )
        if any(word in code for word in _OUT_OF_FUNDS):
            raise ServiceError(f"http_{reply.status}", text, stop=True)
        raise_for_status(reply, text)
        raise AssertionError

    def _cost(self, usage: Any) -> float | None:
        if self.price is None:
            return None
        usage = usage if isinstance(usage, dict) else {}
        counts = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
        asked, said = (count if isinstance(count, int) else 0 for count in counts)
        return self.price.of(input_tokens=asked, output_tokens=said)

    def most(self, request: Request) -> float:
        """Cost of a call at most, by three bytes a token and the longest answer allowed."""
        if self.price is None:
            return 0.0
        text = request.media if isinstance(request.media, str) else ""
        longest = self.options.get("max_tokens", self.options.get("max_completion_tokens", 1000))
        asked = len((self.prompt + (self.system or "") + text).encode()) // 3 + 10
        return self.price.of(input_tokens=asked, output_tokens=int(longest))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _part(payload: Payload) -> dict[str, Any]:
    data = base64.b64encode(payload.content).decode("ascii")
    if payload.type.startswith("audio/"):
        form = payload.type.removeprefix("audio/")
        return {"type": "input_audio", "input_audio": {"data": data, "format": form}}
    return {"type": "image_url", "image_url": {"url": f"data:{payload.type};base64,{data}"}}
