"""OpenAI's wire formats, chat, completions and responses: llama.cpp, vLLM and most clouds speak them."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from evenhand.services.faults import error_in, finish_of, raise_fault
from evenhand.services.keys import (
    absent_keys,
    address_below,
    check_url,
    refuse_literal_keys,
    resolve_headers,
)
from evenhand.services.responses import read_response, response_body
from evenhand.services.service import Answer, Payload, Price, Request, ServiceError, plain_answer
from evenhand.services.template import fill, slots_in, written_json
from evenhand.services.thinking import joined_thinking
from evenhand.services.usage import longest_answer, media_tokens, read_usage, text_tokens
from evenhand.services.wire import Client, Reply, check_wire

_PATHS = {"chat": "chat/completions", "completions": "completions", "responses": "responses"}
#: Fields of a message in which servers put thinking.
_THINKING = ("reasoning_content", "reasoning", "thinking")


@dataclass(slots=True, kw_only=True)
class ChatService:
    """A language model behind ``/chat/completions``, ``/completions`` or ``/responses``.

    Attributes
    ----------
    name : str
    url : str
        Up to the version, for example ``http://localhost:8000/v1``; what stands behind a ``?`` stays at the
        end.
    model : str
    mode : str
        ``chat``, ``completions`` or ``responses``.
    prompt : str
        Template of the user's message; ``{text}`` is the sample, ``{attribute}`` one of its
        attributes.
    system : str, optional
        Template of the system's message; not for completions.
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
    mode: Literal["chat", "completions", "responses"] = "chat"
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
        self._address = address_below(self.url, _PATHS[self.mode])
        self._client = Client(url=self.url, timeout=self.timeout)

    async def answer(self, request: Request) -> Answer:
        """Ask once."""
        headers = {"Content-Type": "application/json"} | resolve_headers(self.headers)
        body = written_json(self._body(request)).encode("utf-8")
        reply = await self._client.send("POST", self._address, headers, body)
        return self._read(reply)

    def _body(self, request: Request) -> dict[str, Any]:
        filled = fill(self.prompt, request)
        start: dict[str, Any] = {"model": self.model, **self.options}
        if self.mode == "completions":
            return start | {"prompt": filled}
        if self.mode == "responses":
            system = None if self.system is None else fill(self.system, request)
            media = request.payload() if request.kind in ("audio", "image") else None
            url = "" if media is None else _data_url(media)
            return response_body(filled, system, media, url) | start
        messages: list[dict[str, Any]] = []
        if self.system is not None:
            messages.append({"role": "system", "content": fill(self.system, request)})
        if request.kind in ("audio", "image"):
            filled = [{"type": "text", "text": filled}, _part(request.payload())]
        messages.append({"role": "user", "content": filled})
        return start | {"messages": messages}

    def _read(self, reply: Reply) -> Answer:
        raw, found = reply.read(self.headers.values())
        tokens = read_usage(found.get("usage") if isinstance(found, dict) else None)
        # `None` where the reply does not say, and the runner charges the most.
        cost = None if self.price is None else self.price.of_reply(tokens)
        if not 200 <= reply.status < 300 or error_in(found) is not None:
            return raise_fault(reply, found, raw, cost=cost if tokens.output else None)
        try:
            read = read_response if self.mode == "responses" else self._choice
            text, thinking, refusal, stopped = read(found)
            if not isinstance(refusal, str | None):
                raise TypeError  # noqa: TRY301 - one place says what a chat reply is
        except (TypeError, LookupError, AttributeError):
            raise ServiceError(
                "malformed_reply",
                "not a reply of a chat model: " + raw[:80],
                billed="yes",
                cost=cost,
                raw=raw,
            ) from None
        more: dict[str, Any] = {
            "seconds": reply.seconds, "cost": cost, "raw": raw,
            "tokens": None if tokens.none else tokens,
            "thinking": thinking,
        }  # fmt: skip
        return ended_answer(text, refusal, stopped, **more)

    def _choice(self, found: Mapping[str, Any]) -> tuple[str | None, str | None, Any, Any]:
        """Text, thinking, refusal, and why the answer ended, of the first choice."""
        choice = found["choices"][0]
        said = choice["message"] if self.mode == "chat" else choice
        text, thinking = _parts(said.get("content") if self.mode == "chat" else said["text"])
        for name in _THINKING:
            if isinstance(said.get(name), str):
                thinking = joined_thinking(said[name], thinking)
        return text, thinking, said.get("refusal"), choice.get("finish_reason")

    def most(self, request: Request) -> float:
        """Cost of a call at most, by three bytes a token and the longest answer allowed."""
        if self.price is None:
            return 0.0
        if not self.price.by_tokens:
            return self.price.of()
        asked = text_tokens([fill(self.prompt, request), fill(self.system, request)])
        if request.kind in ("audio", "image"):
            asked += media_tokens(request.kind, request.payload().content)
        return self.price.of(input_tokens=asked, output_tokens=longest_answer(self.options))

    def check(self) -> list[str]:
        """What is missing before the first call."""
        return [*absent_keys(self.headers.values()), *check_wire(self.url)]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def ended_answer(text: str | None, refusal: str | None, stopped: Any, **more: Any) -> Answer:
    """Answer by how the model's text ended: refused, cut off, failed or whole.

    Raises
    ------
    ServiceError
        Where the service says that it failed.
    """
    ended = finish_of(stopped)
    if refusal or ended == "filtered":
        why = str(stopped) if ended == "filtered" else "refusal"
        return Answer(output=refusal or text, outcome="refused", reason=why, **more)
    if ended == "fault":
        raise ServiceError(
            "failed_reply", f"finish_reason is {stopped}", retry=True,
            billed="maybe", cost=more.get("cost"), raw=more.get("raw"),
        )  # fmt: skip
    whole = plain_answer(text, **more)
    if ended != "cut_off":
        return whole
    return replace(whole, outcome="cut_off", reason=f"cut_off: finish_reason is {stopped}")


def _parts(content: Any) -> tuple[str | None, str | None]:
    """Text and thinking of a message's content: a text, or a list of parts."""
    if isinstance(content, str | None):
        return content, None
    if not isinstance(content, list):
        raise TypeError(content)
    texts, thinking = [], []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
            continue
        kind = str(part.get("type", "text"))
        if kind in ("text", "output_text", "refusal"):
            texts.append(str(part.get("text", part.get("refusal", ""))))
        elif "think" in kind or "reason" in kind:
            inner = part.get("thinking", part.get("text", part.get("summary")))
            thinking.append((_parts(inner)[0] if isinstance(inner, list) else inner) or "")
    return ("".join(texts) if texts else None), joined_thinking(*map(str, thinking))


def _part(payload: Payload) -> dict[str, Any]:
    if payload.type.startswith("audio/"):
        data = base64.b64encode(payload.content).decode("ascii")
        form = payload.type.removeprefix("audio/")
        return {"type": "input_audio", "input_audio": {"data": data, "format": form}}
    return {"type": "image_url", "image_url": {"url": _data_url(payload)}}


def _data_url(payload: Payload) -> str:
    return f"data:{payload.type};base64,{base64.b64encode(payload.content).decode('ascii')}"
