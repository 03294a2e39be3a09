"""Tokens: what a reply says of its length, and how long a request can be at most."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: A token is seldom less than three bytes of UTF-8; the runner scales up where a reply shows more.
_BYTES_A_TOKEN = 3
#: What formats wrap around a message.
_WRAPPING = 10
#: Vendors count 10 (OpenAI) to 32 (Gemini) tokens a second of sound.
_TOKENS_A_SECOND = 32
#: Tokens of an answer where nothing bounds it.
UNBOUNDED = 1000


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one reply; `None` where it does not say.

    `thinking` is a part of `output`.
    """

    input: int | None = None
    output: int | None = None
    thinking: int | None = None

    @property
    def none(self) -> bool:
        """Whether the reply says nothing."""
        return self.input is None and self.output is None and self.thinking is None

    @property
    def known(self) -> bool:
        """Whether a price by tokens can be worked out."""
        return self.input is not None and self.output is not None


def count(value: Any) -> int | None:
    """Count as vendors write it; `None` for what is none.

    Examples
    --------
    >>> [count(value) for value in (20, 20.0, "20", None, -1, True, float("nan"), "many")]
    [20, 20, 20, None, None, None, None, None]
    """
    if type(value) is int:  # what nearly all are
        return value if value >= 0 else None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if math.isfinite(value) and value >= 0 else None


def read_usage(usage: Any) -> Tokens:
    """Tokens in a ``usage`` of OpenAI's, Anthropic's or Amazon's form.

    Some vendors leave thinking out of the answer's tokens and bill it: the total tells.

    Examples
    --------
    >>> read_usage({"prompt_tokens": 40.0, "completion_tokens": 10, "total_tokens": 80})
    Tokens(input=40, output=40, thinking=None)
    >>> read_usage(None)
    Tokens(input=None, output=None, thinking=None)
    """
    if not isinstance(usage, Mapping):
        return Tokens()
    asked = _first(usage, "prompt_tokens", "input_tokens", "inputTokens")
    said = _first(usage, "completion_tokens", "output_tokens", "outputTokens")
    total = _first(usage, "total_tokens", "totalTokens")
    if asked is not None and total is not None:
        said = max(said or 0, total - asked)
    details = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
    thinking = _first(details, "reasoning_tokens") if isinstance(details, Mapping) else None
    return Tokens(input=asked, output=said, thinking=thinking)


def _first(found: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        number = count(found.get(name))
        if number is not None:
            return number
    return None


def text_tokens(texts: Sequence[Any]) -> int:
    """Tokens of filled prompts at most."""
    size = sum(len(str(text).encode("utf-8", "replace")) for text in texts if text is not None)
    return size // _BYTES_A_TOKEN + _WRAPPING


def media_tokens(kind: str, content: bytes) -> int:
    """Tokens of a sound (WAV) or picture (PNG) at most, as vendors document them.

    Pictures: 170 for each tile of 512 pixels and 85 (OpenAI), or a token for 750 pixels (Anthropic),
    whichever is more.
    """
    if kind == "audio":
        return math.ceil(sound_seconds(content) * _TOKENS_A_SECOND)
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    tiles = math.ceil(width / 512) * math.ceil(height / 512)
    return max(85 + 170 * tiles, math.ceil(width * height / 750))


def sound_seconds(content: bytes) -> float:
    """Length of a WAV file by its header."""
    a_second = int.from_bytes(content[28:32], "little") or 32_000
    return len(content) / a_second


def longest_answer(options: Mapping[str, Any]) -> int:
    """Tokens that an answer may have, by the plan's options."""
    names = ("max_tokens", "max_completion_tokens", "maxTokens", "max_output_tokens")
    choices = count(options.get("n")) or 1
    return (
        max((n for name in names if (n := count(options.get(name)))), default=UNBOUNDED) * choices
    )
