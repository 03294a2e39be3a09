"""One connection to a service: a request goes out, its whole reply comes back.

A plain reply (its head came in one piece, names each header once and gives the length of the body) is
read in one look, which costs a tenth of a state machine's steps; h11 reads every other reply, and says
what is none.  Nothing is left over between two calls: a connection with bytes that nobody asked for is
closed.
"""

import asyncio
import re
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from evenhand.errors import InputError
from evenhand.services.service import ServiceError

#: Head of a plain reply; names and values as RFC 9110 allows them, no folded lines.
_HEAD = re.compile(
    rb"HTTP/1\.1 ([2-5]\d\d)(?: [^\r\n]*)?\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)+)\r\n"
)
#: Statuses without a body, whatever their length says.
_BODILESS = (204, 304)
#: Methods whose replies have the body that their length says.
_PLAIN_METHODS = ("POST", "GET", "PUT", "PATCH", "DELETE")
#: Headers that tell where a request ends; that is ours to say.
_FRAMING = ("content-length", "transfer-encoding")

Received = tuple[int, dict[str, str], bytes]


class ClosedWhileIdleError(Exception):
    """The other side closed the connection before it sent a byte of reply."""


class Connection(asyncio.Protocol):
    """A connection that carries one call at a time.

    Attributes
    ----------
    open : bool
        Whether a call may be made.
    used : float
        When the last call ended, on the event loop's clock; 0 before the first.
    """

    __slots__ = (
        "_deadline", "_gone", "_h11", "_held", "_max_reply", "_method", "_plain", "_timer",
        "_transport", "_waiter", "open", "used",
    )  # fmt: skip

    def __init__(self, max_reply: int) -> None:
        self.open = False
        self.used = 0.0
        self._max_reply = max_reply
        self._transport: Any = None
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiter: asyncio.Future[Received] | None = None
        self._method = ""
        self._held = bytearray()
        self._plain: tuple[int, dict[str, str], int, int] | None = None
        self._h11: _Machine | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def ask(self, method: str, message: bytes, deadline: float) -> Received:
        """Send a whole request; status, headers (names in lower case) and body of the reply.

        Parameters
        ----------
        method : str
        message : bytes
        deadline : float
            On the event loop's clock.

        Raises
        ------
        ClosedWhileIdleError
            Where not a byte of the reply came.
        TimeoutError
            At the deadline.
        ServiceError
            ``broken_reply`` or ``huge_reply``.
        """
        if not self.open:
            raise ClosedWhileIdleError
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Received] = loop.create_future()
        self._waiter, self._method, self._deadline = waiter, method, deadline
        # One timer a connection, moved when it goes off, rather than one a call.
        if self._timer is None or self._timer.when() > deadline:
            self._set_timer(loop)
        self._transport.write(message)
        try:
            return await waiter
        except BaseException:
            self.close()
            raise
        finally:
            self._waiter = self._plain = self._h11 = None

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(self._deadline, self._late, loop)

    def _late(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if self._waiter is None:
            return
        if loop.time() < self._deadline:
            self._set_timer(loop)
        else:
            self._fail(TimeoutError())

    def close(self) -> None:
        """Carry no further call."""
        self.open = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._transport.close()

    async def wait_closed(self, seconds: float) -> None:
        """Close, and give the other side so long to agree."""
        self.close()
        await asyncio.wait([self._gone], timeout=seconds)
        if not self._gone.done():
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport, self.open = transport, True

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        if self._waiter is None or self._waiter.done():
            self.close()
            return
        if self._h11 is not None:
            self._read_on(data)
            return
        self._held += data
        if self._plain is None:
            self._plain = self._read_head()
            if self._plain is None:
                self._h11 = _Machine(self._method, self._max_reply)
                self._read_on(bytes(self._held))
                return
        status, headers, start, end = self._plain
        if len(self._held) >= end:
            body = bytes(memoryview(self._held)[start:end])
            self._end((status, headers, body), reusable=len(self._held) == end)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self.open = False
        if not self._gone.done():
            self._gone.set_result(None)
        if self._waiter is None or self._waiter.done():
            return
        if not self._held:
            self._fail(ClosedWhileIdleError())
        elif exc is not None:
            self._fail(broken(type(exc).__name__))
        elif self._h11 is not None:
            self._read_on(b"")  # the end of the connection may be the end of the reply
        else:
            self._fail(broken("closed within the reply"))

    def _read_head(self) -> tuple[int, dict[str, str], int, int] | None:
        """Status, headers, and where the body begins and ends; `None` where the reply is not plain."""
        match = _HEAD.match(self._held)
        if match is None or self._method not in _PLAIN_METHODS:
            return None
        lines = match[2].decode("latin-1").split("\r\n")[:-1]
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip(" \t")
        status, size = int(match[1]), headers.get("content-length", "")
        if (
            len(headers) < len(lines)
            or not (size.isascii() and size.isdecimal() and len(size) < 16)
            or "transfer-encoding" in headers
            or headers.get("connection", "keep-alive").lower() != "keep-alive"
            or status in _BODILESS
        ):
            return None
        if int(size) > self._max_reply:
            self._fail(huge(self._max_reply))
        return status, headers, match.end(), match.end() + int(size)

    def _read_on(self, data: bytes) -> None:
        assert self._h11 is not None
        try:
            found = self._h11.read(data)
        except ServiceError as error:
            self._fail(error)
            return
        if found is not None:
            self._end(found, reusable=self._h11.reusable)

    def _end(self, found: Received, *, reusable: bool) -> None:
        self._held.clear()
        if reusable:
            self.used = asyncio.get_running_loop().time()
        else:
            self.close()
        assert self._waiter is not None
        if not self._waiter.done():
            self._waiter.set_result(found)

    def _fail(self, error: Exception) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)


class _Machine:
    """A reply as h11 reads it: in chunks, until the connection ends, after interim replies, damaged."""

    __slots__ = ("_headers", "_max_reply", "_parts", "_protocol", "_size", "_status", "reusable")

    def __init__(self, method: str, max_reply: int) -> None:
        h11 = import_h11()
        self._protocol = h11.Connection(h11.CLIENT)
        # Of a request, what a reply is depends on the method alone.
        self._protocol.send(h11.Request(method=method, target="/", headers=[("Host", "")]))
        self._protocol.send(h11.EndOfMessage())
        self._max_reply = max_reply
        self._status, self._size = 0, 0
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []
        self.reusable = False

    def read(self, data: bytes) -> Received | None:
        """The reply, when it is whole; no data are the end of the connection."""
        h11 = import_h11()
        try:
            self._protocol.receive_data(data)
            while (event := self._protocol.next_event()) is not h11.NEED_DATA:
                if isinstance(event, h11.Response):
                    self._status = event.status_code
                    self._headers = {
                        name.decode("ascii").lower(): value.decode("latin-1")
                        for name, value in event.headers
                    }
                elif isinstance(event, h11.Data):
                    self._size += len(event.data)
                    if self._size > self._max_reply:
                        raise huge(self._max_reply)
                    self._parts.append(bytes(event.data))
                elif isinstance(event, h11.EndOfMessage):
                    self._finish(h11)
                    return self._status, self._headers, b"".join(self._parts)
                elif not isinstance(event, h11.InformationalResponse):
                    raise broken("closed within the reply")
        except h11.RemoteProtocolError as error:
            raise broken(str(error)) from None
        return None

    def _finish(self, h11: Any) -> None:
        protocol = self._protocol
        done = protocol.our_state is h11.DONE and protocol.their_state is h11.DONE
        self.reusable = done and not protocol.trailing_data[0]


def broken(detail: str) -> ServiceError:
    """Reply that broke off: whether it was billed, only the other side knows."""
    return ServiceError("broken_reply", detail, retry=True, billed="maybe")


def huge(most: int) -> ServiceError:
    """Reply that would fill the memory."""
    return ServiceError("huge_reply", f"more than {most:,} bytes", billed="maybe")


async def connect(url: str, max_reply: int, tls: ssl.SSLContext | None) -> Connection:
    """A connection to the address of a URL.

    Raises
    ------
    ServiceError
        ``certificate`` or ``no_connection``; without the address in it.
    """
    place = urlsplit(url)
    try:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(max_reply),
            place.hostname or "",
            place.port or (80 if tls is None else 443),
            ssl=tls,
        )
    except ssl.SSLCertVerificationError as error:
        raise ServiceError("certificate", error.verify_message, stop=True) from None
    except OSError as error:
        what = error.strerror or type(error).__name__
        raise ServiceError("no_connection", what, retry=True) from None
    return connection


def write_head(method: str, url: str, headers: Mapping[str, str]) -> bytes:
    """Head of a request but for the length of its body, written and checked by h11.

    Examples
    --------
    >>> write_head("POST", "http://localhost:8000/v1?a=b", {"Accept": "*/*"}).splitlines()[:2]
    [b'POST /v1?a=b HTTP/1.1', b'Host: localhost:8000']
    """
    h11 = import_h11()
    place = urlsplit(url)
    target = (place.path or "/") + (f"?{place.query}" if place.query else "")
    fields = [
        ("Host", place.netloc.rpartition("@")[2]),
        ("Accept-Encoding", "identity"),
        *((name, value.encode("utf-8")) for name, value in headers.items()),
    ]
    refused = ServiceError("bad_request", "a header holds what HTTP does not allow", stop=True)
    if any(name.lower() in _FRAMING for name in headers):
        raise refused
    try:
        head = h11.Connection(h11.CLIENT).send(
            h11.Request(method=method, target=target, headers=fields)
        )
    except h11.LocalProtocolError:
        raise refused from None
    return bytes(head).removesuffix(b"\r\n")


def import_h11() -> Any:
    """The protocol's package, or how to get it."""
    try:
        import h11  # noqa: PLC0415 - only services on a wire need it
    except ImportError:
        raise InputError(
            "A service over HTTP needs one more package.  Run: pip install 'evenhand[text]'"
        ) from None
    return h11
