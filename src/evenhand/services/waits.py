"""Waits that services ask for, in all their wordings, as seconds."""

import math
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from evenhand.deferred import Deferred

#: Reads dates as HTTP writes them; few services tell one.
_MAIL = Deferred("email.utils")
#: Ten years: what is asked beyond is the same to everybody alive.
LONGEST = 315_360_000.0
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|h|m|s|d)", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_SAID = re.compile(
    r"(?:try again|retry|wait)[^.\d]{0,40}?"
    r"((?:\d+(?:\.\d+)?\s*(?:ms|milliseconds?|h(?:ours?)?|m(?:in(?:utes?)?)?|s(?:ec(?:onds?)?)?)(?![a-z])\s*)+)",
    re.IGNORECASE,
)
_EPOCH = 1e9  # larger numbers are times, not spans


def retry_after(headers: Mapping[str, str], body: Any = None) -> float | None:
    """Seconds that a reply asks to wait; `None` where it asks for none, or for nonsense.

    Parameters
    ----------
    headers : Mapping
        Names in lower case.
    body : Any, optional
        The reply as JSON; some vendors write the time there.

    Examples
    --------
    >>> retry_after({"retry-after": "1.5"}), retry_after({"retry-after-ms": "250"})
    (1.5, 0.25)
    >>> retry_after({"retry-after": "-1"}), retry_after({"retry-after": "soon"})
    (None, None)
    >>> retry_after({"x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-tokens": "0"})
    360.0
    >>> retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:10 GMT",
    ...             "date": "Wed, 21 Oct 2015 07:28:00 GMT"})
    10.0
    """
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        found = _sane(_number(headers.get(name)), scale=0.001)
        if found is not None:
            return found
    found = _by_header(headers)
    if found is not None:
        return found
    resets = _resets(headers)
    return max(resets) if resets else _in_body(body)


def _number(text: str | None) -> float | None:
    try:
        return float((text or "").strip())
    except ValueError:
        return None


def _sane(seconds: float | None, scale: float = 1.0) -> float | None:
    if seconds is None or math.isnan(seconds) or seconds < 0 or math.isinf(seconds):
        return None
    return min(LONGEST, seconds * scale)


def _by_header(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    number = _number(text)
    if number is not None:
        return _sane(number)
    try:
        until = _MAIL.parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return span(text)
    return _sane(_until(until, headers))


def _until(moment: datetime, headers: Mapping[str, str]) -> float:
    """Seconds to a moment, on the service's own clock where it tells it, else on ours, read once."""
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        now = float(_MAIL.parsedate_to_datetime(headers["date"]).timestamp())
    except (KeyError, ValueError, TypeError):
        now = time.time()
    return max(0.0, moment.timestamp() - now)


def _resets(headers: Mapping[str, str]) -> list[float]:
    """Times of the limits that are used up; of all, where none says what remains."""
    found, used_up = [], []
    for name, value in headers.items():
        if "ratelimit" not in name or "reset" not in name:
            continue
        seconds = _reset(value, headers)
        if seconds is None:
            continue
        found.append(seconds)
        remaining = name.replace("reset-after", "remaining").replace("reset", "remaining")
        if _number(headers.get(remaining)) == 0:
            used_up.append(seconds)
    return used_up or found


def _reset(value: str, headers: Mapping[str, str]) -> float | None:
    number = _number(value)
    if number is not None:
        if number > _EPOCH:  # seconds, or milliseconds, since 1970
            moment = number / 1000 if number > _EPOCH * 100 else number
            try:
                return _sane(_until(datetime.fromtimestamp(moment, UTC), headers))
            except (OverflowError, ValueError, OSError):
                return None
        return _sane(number)
    found = span(value)
    if found is not None:
        return found
    try:
        return _sane(_until(datetime.fromisoformat(value.strip()), headers))
    except ValueError:
        return None


def span(text: str) -> float | None:
    """Seconds of a span such as ``6m0s``; `None` for what is none.

    Examples
    --------
    >>> span("6m0s"), span("1h2m3.5s"), span("20ms"), span("-1s"), span("soon")
    (360.0, 3723.5, 0.02, None, None)
    """
    compact = text.strip()
    if not compact or "".join(m[0] for m in _PART.finditer(compact)) != compact:
        return None
    return _sane(sum(float(m[1]) * _SECONDS[m[2].lower()] for m in _PART.finditer(compact)))


def _in_body(body: Any) -> float | None:
    """Time in an error: Google's ``RetryInfo``, ``retry_after``, or a sentence."""
    error = body.get("error", body) if isinstance(body, Mapping) else body
    if not isinstance(error, Mapping):
        return _in_words(error) if isinstance(error, str) else None
    for name in ("retry_after", "retryAfter", "retry_after_seconds"):
        value = error.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _sane(float(value))
    metadata = error.get("metadata")
    named = metadata.get("headers") if isinstance(metadata, Mapping) else None
    if isinstance(named, Mapping):  # a gateway that passes on what its source said
        found = retry_after({str(k).lower(): str(v) for k, v in named.items()})
        if found is not None:
            return found
    details = error.get("details")
    for each in details if isinstance(details, list) else ():
        if isinstance(each, Mapping) and isinstance(each.get("retryDelay"), str):
            return span(each["retryDelay"])
    return _in_words(error.get("message"))


def _in_words(said: Any) -> float | None:
    found = _SAID.search(said) if isinstance(said, str) else None
    if found is None:
        return None
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*(ms|milli|h|m|s)", found[1], re.IGNORECASE)
    names = {"milli": "ms"}
    return _sane(
        sum(float(n) * _SECONDS[names.get(unit.lower(), unit.lower())] for n, unit in parts)
    )
