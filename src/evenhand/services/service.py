"""The seam to the AI under test: a request goes in, an answer with its outcome comes out."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from evenhand.samples.audio import write_audio
from evenhand.samples.image import write_image
from evenhand.samples.sample import Kind
from evenhand.services.thinking import joined_thinking, split_thinking
from evenhand.services.usage import Tokens

Outcome = Literal["answered", "refused", "empty", "cut_off", "failed"]
#: Outcomes in which a service said something, if only that it would not.
SAID: tuple[Outcome, ...] = ("answered", "refused", "empty", "cut_off")


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """Media as bytes, ready for a wire; `type` is its media type, for example ``audio/wav``."""

    content: bytes
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a service is asked.

    Attributes
    ----------
    kind : str
        ``audio``, ``image``, ``text`` or ``table``.
    media : Any
        `Audio`, `Image`, `str` or a mapping; audio and images may come as a `Payload`.
    sample_id : str
    condition : str
        Label of the circumstance applied; replayed outputs are found by it.
    repeat : int
        Number of this repetition, from 0.
    parameters : Mapping
        The sample's attributes, for the slots of templates.
    key : str
        Content address of the call; the same call has the same key in every run.
    """

    kind: Kind
    media: Any
    sample_id: str
    condition: str = "clean"
    repeat: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""

    def payload(self) -> Payload:
        """Media as bytes: WAV for audio, PNG for images, UTF-8 for text, JSON for a row."""
        return encode(self.kind, self.media)


def encode(kind: Kind, media: Any) -> Payload:
    """Media as bytes of a lossless format."""
    if isinstance(media, Payload):
        return media
    match kind:
        case "audio":
            return Payload(content=write_audio(media), type="audio/wav")
        case "image":
            return Payload(content=write_image(media), type="image/png")
        case "text":
            return Payload(content=media.encode("utf-8"), type="text/plain")
        case "table":
            return Payload(content=json.dumps(media).encode("utf-8"), type="application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a service said.

    Attributes
    ----------
    output : Any
        Text, label, number, or a mapping of named values; `None` unless `outcome` is ``answered``,
        ``refused`` or ``cut_off``.
    outcome : str
        A refusal, an empty answer and one that was cut off are outcomes of their own, neither
        wrong nor right.
    reason : str, optional
        Why there is no plain answer: a short code, and after a colon what was seen.
    seconds : float
        From sending to the end of the reply, the last attempt alone.
    cost : float, optional
        Price in the plan's currency; `None` where no price was given.
    at_most : bool
        Whether `cost` is the most that the call can have cost, since the reply does not say.
    raw : str, optional
        The reply as it came, without secrets; kept in the cache, not in the records.
    thinking : str, optional
        What a reasoning model wrote before its answer; it is no part of `output`.
    tokens : Tokens, optional
        What the reply says of its length.
    """

    output: Any = None
    outcome: Outcome = "answered"
    reason: str | None = None
    seconds: float = 0.0
    cost: float | None = None
    at_most: bool = False
    raw: str | None = None
    thinking: str | None = None
    tokens: Tokens | None = None


def plain_answer(output: Any, **more: Any) -> Answer:
    """Answer with this output, less its thinking; nothing, or white space alone, is an empty answer.

    Examples
    --------
    >>> plain_answer("yes").outcome, plain_answer(" ").outcome, plain_answer(None).outcome
    ('answered', 'empty', 'empty')
    >>> plain_answer("<think>4 or 5?</think>5").output
    '5'
    """
    if isinstance(output, str) and "<" in output:
        output, thinking = split_thinking(output)
        more["thinking"] = joined_thinking(more.get("thinking"), thinking)
    if output is None or (isinstance(output, str) and not output.strip()):
        return Answer(outcome="empty", reason="empty_answer", **more)
    return Answer(output=output, **more)


class ServiceError(Exception):
    """A call that gave no answer; `reason` becomes the row's reason.

    Parameters
    ----------
    code : str
        Short reason, for example ``http_429``.
    detail : str
        What was seen, without secrets.
    retry : bool
        Whether asking again may help.
    retry_after : float, optional
        Seconds that the service asked to wait.
    stop : bool
        Whether every other call would fail in the same way (a wrong key, an unknown model).
    slow_down : bool
        Whether the service is asked too often, and said so without a time.
    billed : str
        ``no``, ``maybe`` (a time-out: the other side may have answered), or ``yes`` (a whole reply
        that cannot be read).
    cost : float, optional
        What the reply says that it cost.
    raw : str, optional
        The reply, without secrets.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        retry: bool = False,
        retry_after: float | None = None,
        stop: bool = False,
        slow_down: bool = False,
        billed: Literal["no", "maybe", "yes"] = "no",
        cost: float | None = None,
        raw: str | None = None,
    ) -> None:
        self.code = code
        self.slow_down = slow_down
        self.billed = billed
        self.cost = cost
        self.raw = raw
        self.detail = " ".join(detail.split())[:300]
        self.retry = retry
        self.retry_after = retry_after
        self.stop = stop
        super().__init__(self.reason)

    @property
    def asks_to_wait(self) -> bool:
        """Whether the call is to be made later, rather than to be counted as tried."""
        return self.retry and (self.slow_down or self.retry_after is not None)

    @property
    def reason(self) -> str:
        """Code and detail in one line."""
        return f"{self.code}: {self.detail}" if self.detail else self.code


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a call costs, in the plan's currency.

    `call` is per call, `input_tokens` and `output_tokens` are per million, `minute` is per minute
    of audio.
    """

    call: float = 0.0
    input_tokens: float = 0.0
    output_tokens: float = 0.0
    minute: float = 0.0

    @property
    def by_tokens(self) -> bool:
        """Whether the reply must say how long it is, for its cost to be known."""
        return self.input_tokens > 0 or self.output_tokens > 0

    def of(self, *, input_tokens: int = 0, output_tokens: int = 0, seconds: float = 0.0) -> float:
        """Cost of one call.

        Examples
        --------
        >>> Price(call=0.01, output_tokens=2.0).of(input_tokens=50, output_tokens=500)
        0.011
        """
        tokens = self.input_tokens * input_tokens + self.output_tokens * output_tokens
        return self.call + tokens / 1e6 + self.minute * seconds / 60

    def of_reply(self, tokens: Tokens, *, seconds: float = 0.0) -> float | None:
        """Cost by what a reply says of its length; `None` where tokens are priced and it does not say."""
        if self.by_tokens and not tokens.known:
            return None
        return self.of(
            input_tokens=tokens.input or 0, output_tokens=tokens.output or 0, seconds=seconds
        )


@runtime_checkable
class Service(Protocol):
    """An AI under test that answers over a wire, or waits for something else.

    `version` enters the content address: what changes the answers must change it.  A service whose
    answers depend on more of a request than its media names that in `uses` (``sample_id``,
    ``condition``, attributes), may tell the cost of a call at most by ``most(request)``, and what it
    lacks before the first call by ``check()``, which returns sentences.
    """

    name: str
    version: str

    async def answer(self, request: Request) -> Answer:
        """Ask once; raises `ServiceError` where there is no answer."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class LocalService(Protocol):
    """An AI under test that computes here, in an executor.

    It must pickle for an executor whose workers are other processes.
    """

    name: str
    version: str

    def answer_now(self, request: Request) -> Answer:
        """Compute the answer; raises `ServiceError` where there is none."""
        ...


@dataclass(slots=True, kw_only=True)
class MemoryService:
    """In-memory twin: answers by a function, or fails as a script says.

    Parameters
    ----------
    function : callable
        Output for a request, or an `Answer`.
    script : iterator of exceptions or None, optional
        Raised in turn, one a call; `None` lets that call through.

    Examples
    --------
    >>> import asyncio
    >>> twin = MemoryService(function=lambda request: request.media.upper())
    >>> asyncio.run(twin.answer(Request(kind="text", media="yes", sample_id="1"))).output
    'YES'
    """

    function: Callable[[Request], Any]
    name: str = "memory"
    version: str = "1"
    script: Iterator[Exception | None] = field(default_factory=lambda: iter(()))
    asked: list[Request] = field(default_factory=list)
    price: Price | None = None

    async def answer(self, request: Request) -> Answer:
        """Ask the function."""
        self.asked.append(request)
        failure = next(self.script, None)
        if failure is not None:
            raise failure
        start = time.monotonic()
        found = self.function(request)
        if isinstance(found, Answer):
            return found
        cost = self.price.of() if self.price else None
        return plain_answer(found, seconds=time.monotonic() - start, cost=cost)

    async def close(self) -> None:
        """Nothing is held."""
