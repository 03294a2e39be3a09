"""A light HTTP/1.1 client: asyncio has the sockets, h11 the protocol wherever it is not plain.

Measured beside others: `benchmarks/trial_harness.py`.  It follows no redirects, since a key must not
travel to another host, and asks for uncompressed replies.
"""

import asyncio
import functools
import json
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from evenhand.services.connection import (
    ClosedWhileIdleError,
    Connection,
    Received,
    broken,
    connect,
    import_h11,
    write_head,
)
from evenhand.services.keys import redact
from evenhand.services.service import ServiceError

#: No answer of a service is larger; what is, is cut off before it fills the memory.
MAX_REPLY = 32 * 2**20
#: Idle connections older than this may have been closed by the other side.
MAX_IDLE = 30.0
#: Seconds that a knock at an address may take before a trial.
_KNOCK = 3.0
RETRY = {408, 409, 425, 429, 500, 502, 503, 504, 529}
STOP = {401, 403, 404, 405}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Status, headers (names in lower case) and body."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    def read(self, templates: Iterable[str]) -> tuple[str, Any]:
        """The body as text without the keys that `templates` name, and as JSON; `None` if it is none."""
        text = redact(self.body.decode("utf-8", "replace"), templates)
        try:
            return text, json.loads(text)
        except (ValueError, RecursionError):
            return text, None


@dataclass(slots=True, kw_only=True)
class Client:
    """Connections to one address, kept open between calls.

    Parameters
    ----------
    url : str
        Address; calls may append to its path.
    timeout : float
        Seconds for a whole call, from connecting to the last byte.
    max_reply : int
        Bytes of body after which a reply is given up.
    """

    url: str
    timeout: float = 60.0
    max_reply: int = MAX_REPLY
    _idle: list[Connection] = field(default_factory=list, repr=False)
    #: Of the request before, whose head most others share.
    _asked: tuple[str, str, Mapping[str, str]] | None = field(default=None, repr=False)
    _head: bytes = field(default=b"", repr=False)

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send a request and read the whole reply.

        Raises
        ------
        ServiceError
            ``timeout``, ``no_connection``, ``broken_reply``, ``huge_reply``; never with an address
            or a header in it.
        """
        if self._asked != (method, url, headers):
            self._head = write_head(method, url, headers)
            self._asked = (method, url, dict(headers))
        message = b"%bContent-Length: %d\r\n\r\n%b" % (self._head, len(body), body)
        clock = asyncio.get_running_loop().time
        start = clock()
        try:
            status, found, content = await self._exchange(method, message, start)
        except TimeoutError:
            raise ServiceError(
                "timeout", f"no whole reply in {self.timeout:g} s", retry=True, billed="maybe"
            ) from None
        return Reply(status=status, headers=found, body=content, seconds=clock() - start)

    async def _exchange(self, method: str, message: bytes, start: float) -> Received:
        deadline = start + self.timeout
        while True:
            connection = self._take_idle(start)
            if connection is None:
                tls = _tls() if self.url.startswith("https:") else None
                async with asyncio.timeout_at(deadline):
                    connection = await connect(self.url, self.max_reply, tls)
            reused = connection.used > 0
            try:
                found = await connection.ask(method, message, deadline)
            except ClosedWhileIdleError:
                if reused:  # the server had closed it between two calls: nothing was processed
                    continue
                raise broken("closed without a reply") from None
            if connection.open:
                self._idle.append(connection)
            return found

    def _take_idle(self, now: float) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.open and now - connection.used < MAX_IDLE:
                return connection
            connection.close()
        return None

    async def close(self) -> None:
        """Close all idle connections."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(connection.wait_closed(1) for connection in idle))


@functools.cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def check_wire(url: str) -> list[str]:
    """What stands between here and an address: a package, a name, nobody who listens."""
    import_h11()
    place = urlsplit(url)
    port = place.port or (443 if place.scheme == "https" else 80)
    try:
        socket.create_connection((place.hostname or "", port), timeout=_KNOCK).close()
    except OSError as error:
        why = error.strerror or str(error) or type(error).__name__
        return [
            f"nobody answers at {place.hostname}:{port} ({why}).  Start the service, or mend url"
        ]
    return []
