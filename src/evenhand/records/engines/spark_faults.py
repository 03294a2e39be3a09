"""What a server of Spark Connect says when it cannot answer, in a sentence, and what to do next."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_TRACE = "Traceback (most recent call last)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFault:
    """What went wrong as a sentence, without where the server is; whether it is there no more."""

    told: str
    gone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _KnownFault:
    said: re.Pattern[str]
    then: str
    gone: bool


@cache
def _known() -> tuple[_KnownFault, ...]:
    file = files("evenhand.records.engines") / "spark_faults.toml"
    return tuple(
        _KnownFault(
            said=re.compile(fault["said"]), then=fault["next"], gone=fault.get("gone", False)
        )
        for fault in tomllib.loads(file.read_text(encoding="utf-8"))["faults"]
    )


def fault_of(error: Exception) -> ServerFault:
    """What a server says, without where it is: that may hold a token.

    Examples
    --------
    >>> fault_of(ValueError("[PATH_NOT_FOUND] No path /a. SQLSTATE: 42K03")).told[:52]
    '[PATH_NOT_FOUND] No path /a.  The path is the cluste'
    """
    text = str(error).partition("JVM stacktrace")[0].strip()
    said = re.sub(r"\w*://\S+", "the URL", _sentence(text) or type(error).__name__)
    known = next((one for one in _known() if one.said.search(text)), None)
    if known is None:
        return ServerFault(told=said, gone=False)
    return ServerFault(told=f"{said.rstrip('.')}.  {known.then}", gone=known.gone)


def far_apart(server: str) -> str:
    """What to think of where a server's version and the client's differ in the first number."""
    import pyspark  # noqa: PLC0415 - a heavy third-party extra

    client = pyspark.__version__
    if server.partition(".")[0] == client.partition(".")[0]:
        return ""
    return (
        f"  (The server is Spark {server}, the client here {client}: where they do not understand each other, "
        "a client of the server's version helps.)"
    )


def _sentence(text: str) -> str:
    if _TRACE in text:
        # What Python on a worker says last is what went wrong.
        raised = re.findall(
            r"(?m)^([A-Za-z_][\w.]*(?:Error|Exception)\b.*)$", text.partition(_TRACE)[2]
        )
        if raised:
            return str(raised[-1]).strip()
    details = re.search(r'details = "(.*)"', text)
    first = details[1] if details else (text.splitlines() or [""])[0]
    return re.sub(r"\s*SQLSTATE: \w+.*", "", first)
