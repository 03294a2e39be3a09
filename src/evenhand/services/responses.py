"""OpenAI's responses format: what is asked as items, what is said as items of an answer and its thinking."""

from collections.abc import Iterator, Mapping
from typing import Any

from evenhand.services.service import Payload, ServiceError
from evenhand.services.thinking import joined_thinking

#: Statuses of a reply that is not whole yet, as one asked for in the background has.
_UNFINISHED = ("queued", "in_progress")


def response_body(text: Any, system: Any, picture: Payload | None, data_url: str) -> dict[str, Any]:
    """Fields of a request; nothing is left with the vendor unless the plan's options say so.

    Examples
    --------
    >>> response_body("Which ward?", None, None, "")
    {'store': False, 'input': 'Which ward?'}
    """
    found: dict[str, Any] = {"store": False}
    if system is not None:
        found["instructions"] = system
    if picture is None:
        return found | {"input": text}
    if not picture.type.startswith("image/"):
        raise ServiceError("unfit_media", "the responses format takes text and images", stop=True)
    parts = [
        {"type": "input_text", "text": text},
        {"type": "input_image", "image_url": data_url},
    ]
    return found | {"input": [{"role": "user", "content": parts}]}


def read_response(found: Mapping[str, Any]) -> tuple[str | None, str | None, str | None, Any]:
    """Text, thinking, refusal, and why the answer ended, of a reply without an error.

    Raises
    ------
    ServiceError
        For a reply that is not whole yet.
    TypeError, LookupError, AttributeError
        For what is no such reply.

    Examples
    --------
    >>> said = {"type": "message", "content": [{"type": "output_text", "text": "B"}]}
    >>> thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "A is wrong"}]}
    >>> read_response({"status": "completed", "output": [thought, said]})
    ('B', 'A is wrong', None, None)
    """
    status = found.get("status")
    if status in _UNFINISHED:
        said = f"status is {status}: leave background out of the options"
        raise ServiceError("no_answer", said, billed="maybe", stop=True)
    items = list(found["output"])
    texts = list(_texts(items, "message", "content", "output_text", "text"))
    refusals = list(_texts(items, "message", "content", "refusal", "refusal"))
    thinking = [
        *_texts(items, "reasoning", "summary", "summary_text", "text"),
        *_texts(items, "reasoning", "content", "reasoning_text", "text"),
    ]
    return (
        "".join(texts) if texts else None,
        joined_thinking(*thinking),
        "".join(refusals) or None,
        _ending(status, found),
    )


def _texts(items: list[Any], kind: str, place: str, part: str, name: str) -> Iterator[str]:
    for item in items:
        if item["type"] == kind:
            yield from (str(each[name]) for each in item.get(place) or () if each["type"] == part)


def _ending(status: Any, found: Mapping[str, Any]) -> Any:
    if status == "incomplete":
        return (found.get("incomplete_details") or {}).get("reason") or "incomplete"
    return "error" if status in ("failed", "cancelled") else None
