"""Faults that services tell in words of their own: filters, quotas, errors inside a success."""

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evenhand.deferred import tomllib
from evenhand.services.service import Answer, ServiceError
from evenhand.services.usage import count
from evenhand.services.waits import retry_after
from evenhand.services.wire import RETRY, STOP, Reply

_OUT_OF_FUNDS = ("insufficient_quota", "billing", "insufficient_balance", "insufficient_credits")
#: Until a server that loads its model is asked again.
LOADING_SECONDS = 1.0
#: Statuses that a filter may have.
_FILTERED = (200, 400, 403, 422, 451)
#: Statuses that tell of a limit, whose reset is the time to wait.
_LIMITED = (429, 503, 529)
_BY_WORD = {
    "rate": 429, "too_many": 429, "throttl": 429, "resource_exhausted": 429, "overloaded": 529,
    "unavailable": 503, "timeout": 504, "server_error": 500, "internal": 500, "api_error": 500,
    "authentication": 401, "invalid_api_key": 401, "permission": 403, "model_not_found": 404,
    "not_found": 404, "invalid_request": 400, "bad_request": 400, "invalid_prompt": 400, "image": 400,
}  # fmt: skip


@functools.cache
def _words() -> Mapping[str, Any]:
    return tomllib.loads(Path(__file__).with_name("filters.toml").read_text(encoding="utf-8"))


def finish_of(reason: Any) -> str | None:
    """``filtered``, ``cut_off`` or ``fault`` for the reason that a choice ended; `None` for others.

    Examples
    --------
    >>> [finish_of(reason) for reason in ("stop", "length", "MAX_TOKENS", "SAFETY", "error", None)]
    [None, 'cut_off', 'cut_off', 'filtered', 'fault', None]
    """
    if not isinstance(reason, str) or reason == "stop":
        return None
    word = reason.casefold()
    return next((kind for kind, known in _words()["finish"].items() if word in known), None)


def is_filter(error: Any, said: str = "") -> str | None:
    """Code of the filter that an error tells of; `None` for other errors.

    Examples
    --------
    >>> is_filter({"code": 403, "message": "requires moderation", "metadata": {"reasons": ["hate"]}})
    'hate'
    >>> is_filter({"code": "invalid_api_key", "message": "bad key"})
    """
    if isinstance(error, Mapping):
        metadata = error.get("metadata")
        reasons = metadata.get("reasons") if isinstance(metadata, Mapping) else None
        if isinstance(reasons, list) and reasons:
            return ", ".join(map(str, reasons))[:80]
        for code in _codes(error):
            if any(word in code.casefold() for word in _words()["codes"]):
                return code
        said = f"{said} {error.get('message', '')}"
    phrase = next((p for p in _words()["phrases"] if p in said.casefold()), None)
    return None if phrase is None else "content_filter"


def _codes(error: Mapping[str, Any]) -> Iterator[str]:
    for name in ("code", "type", "status", "reason", "param"):
        if isinstance(error.get(name), str):
            yield error[name]
    for name in ("innererror", "inner_error", "details"):
        inner = error.get(name)
        for each in inner if isinstance(inner, list) else [inner]:
            if isinstance(each, Mapping):
                yield from _codes(each)


def raise_fault(reply: Reply, found: Any, raw: str, *, cost: float | None = None) -> Answer:
    """Refused answer of a filter; every other fault is raised as what it is.

    Parameters
    ----------
    reply : Reply
        Of any status: some vendors send errors with 200.
    found : Any
        The reply as JSON; `None` where it is none.
    raw : str
        The reply without secrets.
    cost : float, optional
        What the reply says that it cost.
    """
    error = error_in(found)
    status = _status(reply.status, error)
    said = error.get("message") if isinstance(error, Mapping) else error
    text = str(said or raw)
    code = " ".join(_codes(error)) if isinstance(error, Mapping) else ""
    reason = is_filter(error, text) if status in _FILTERED else None
    if reason is not None:
        return Answer(
            output=text[:2000], outcome="refused", reason=reason, seconds=reply.seconds, raw=raw,
            # Azure bills prompts that its filter refuses (400); a gateway's 403 comes before any model.
            cost=0.0 if status in (403, 451) else cost,
        )  # fmt: skip
    empty = any(word in code.casefold() for word in _OUT_OF_FUNDS) or status == 402
    limits = {n: v for n, v in reply.headers.items() if status in _LIMITED or "retry-after" in n}
    wait = retry_after(limits, found if status in _LIMITED else None)
    # A server that loads its model (llama.cpp says so) shows nothing of the rate that it will take.
    loading = status == 503 and "loading" in text.casefold()
    if loading and wait is None:
        wait = LOADING_SECONDS
    raise ServiceError(
        f"http_{status}",
        text,
        retry=status in RETRY and not empty,
        retry_after=wait,
        stop=status in STOP or empty,
        slow_down=status in (429, 529) or (status == 503 and wait is not None and not loading),
        billed="yes" if cost else ("maybe" if status == 504 else "no"),
        cost=cost,
        raw=raw,
    )


def error_in(found: Any) -> Any:
    """Error in a reply: of the whole, or of its first choice; `None` where there is none.

    Examples
    --------
    >>> error_in({"error": {"code": 429}}), error_in({"choices": [{"error": {"code": 502}}]})
    ({'code': 429}, {'code': 502})
    """
    if not isinstance(found, Mapping):
        return None
    if found.get("error"):
        return found["error"]
    choices = found.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if isinstance(first, Mapping) and first.get("error"):
        return first["error"]
    if found.get("object") == "error" or (found.get("type") == "error" and "message" in found):
        return found
    return None


def _status(status: int, error: Any) -> int:
    """Status of an error: the reply's own, or that of the code within a success."""
    if not 200 <= status < 300:
        return status
    if isinstance(error, Mapping):
        for name in ("status", "code", "http_status", "status_code"):
            number = count(error.get(name))
            if number is not None and 400 <= number < 600:
                return number
        codes = " ".join(_codes(error)).casefold().replace("-", "_").replace(" ", "_")
        found = next((number for word, number in _BY_WORD.items() if word in codes), None)
        if found is not None:
            return found
        said = str(error.get("message", "")).casefold()
        if "rate limit" in said or "too many requests" in said:
            return 429
    # A fault without a name passes more often than not: the server answered at all.
    return 500
