"""Replies of every form: read in one look where they are plain, by h11 where they are not, and alike."""

import asyncio

import pytest

from evenhand.services import ServiceError
from evenhand.services.wire import Client

OK = b"HTTP/1.1 200 OK\r\n"
PLAIN = OK + b"X-A: b \r\nContent-Length: 5\r\n\r\nhello"
#: Raw reply, and whether the server closes the connection behind it.
REPLIES = {
    "plain": (PLAIN, False),
    "no words": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", False),
    "no body": (OK + b"Content-Length: 0\r\n\r\n", False),
    "an error": (b"HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 2\r\n\r\n{}", False),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", False),
    "interim": (b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN, False),
    "early hints": (b"HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n" + PLAIN, False),
    "twice": (OK + b"Set-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\nhi", False),
    "no content": (b"HTTP/1.1 204 None\r\nContent-Length: 0\r\n\r\n", False),
    "until the end": (OK + b"X-A: b\r\n\r\nhello", True),
    "old": (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", True),
    "goodbye": (OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi", True),
    "folded": (OK + b"X-A: b\r\n c\r\nContent-Length: 2\r\n\r\nhi", False),
    "two lengths": (OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi", False),
    "both framings": (
        OK + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        False,
    ),
    "no number": (OK + b"Content-Length: +5\r\n\r\nhello", False),
    "no name": (OK + b": 5\r\nContent-Length: 2\r\n\r\nhi", False),
    "a gap": (OK + b"Content-Length : 2\r\n\r\nhi", False),
    "a nought": (OK + b"X-A: \0\r\nContent-Length: 2\r\n\r\nhi", False),
    "no status": (b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nhi", False),
    "cut off": (OK + b"Content-Length: 9\r\n\r\nhello", True),
    "cut off in its head": (OK + b"Content-Len", True),
    "cut off in a chunk": (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhe", True),
    "huge": (OK + b"Content-Length: 99999\r\n\r\n" + b"x" * 99_999, False),
    "huge chunk": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n1869f\r\n" + b"x" * 99_999 + b"\r\n0\r\n\r\n",
        False,
    ),
    "nothing of HTTP": (b"hello\r\n\r\n", True),
}


class Raw:
    """A server that writes what it is given, in pieces, and counts connections and requests."""

    def __init__(self, *replies, pieces=1, closes=False):
        self.replies, self.pieces, self.closes = list(replies), pieces, closes
        self.connections, self.asked = 0, []

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            while True:
                self.asked.append(await reader.readuntil(b"\r\n\r\n"))
                answer = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
                size = -(-len(answer) // self.pieces)
                for start in range(0, len(answer), size):
                    writer.write(answer[start : start + size])
                    await writer.drain()
                    await asyncio.sleep(0.002 if self.pieces > 1 else 0)
                if self.closes:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


def exchange(raw, times=1, method="GET", pause=0.0, **more):
    """Replies of one client to a raw server; errors stand in their place."""

    async def main():
        server = await asyncio.start_server(raw.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        client, found = Client(url=url, timeout=5, max_reply=50_000), []
        for _ in range(times):
            try:
                reply = await client.send(method, url, {}, b"")
                found.append((reply.status, reply.headers, reply.body))
            except ServiceError as error:
                found.append((error.code, error.retry, error.billed))
            await asyncio.sleep(pause)
        await client.close()
        server.close()
        return found

    return asyncio.run(main())


@pytest.mark.parametrize("case", REPLIES)
def test_a_reply_in_one_piece_says_what_it_says_in_many(case):
    # A head that comes in pieces is h11's to read: the oracle.
    sent, closes = REPLIES[case]
    whole = exchange(Raw(sent, closes=closes))
    assert whole == exchange(Raw(sent, pieces=min(len(sent), 40), closes=closes))


def test_a_plain_reply_is_read():
    assert exchange(Raw(PLAIN)) == [(200, {"x-a": "b", "content-length": "5"}, b"hello")]


def test_a_body_may_come_in_pieces():
    sent = OK + b"Content-Length: 3000\r\n\r\n" + b"abc" * 1000
    assert exchange(Raw(sent, pieces=4))[0][2] == b"abc" * 1000


@pytest.mark.parametrize(
    ("case", "connections"), [("plain", 1), ("chunks", 1), ("interim", 1), ("goodbye", 3)]
)
def test_connections_are_kept_where_the_reply_allows_it(case, connections):
    sent, closes = REPLIES[case]
    raw = Raw(sent, closes=closes)
    assert len(set(map(str, exchange(raw, times=3)))) == 1
    assert raw.connections == connections


@pytest.mark.parametrize("first", [PLAIN, REPLIES["chunks"][0]])
def test_what_follows_a_reply_answers_nobody(first):
    raw = Raw(first + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", PLAIN)
    found = exchange(raw, times=2)
    assert [body for _, _, body in found] == [b"hello", b"hello"]
    assert raw.connections == 2


def test_a_reply_to_head_has_no_body():
    raw = Raw(OK + b"Content-Length: 5\r\n\r\n")
    assert [reply[2] for reply in exchange(raw, times=2, method="HEAD")] == [b"", b""]


@pytest.mark.parametrize(
    "headers", [{"A": "b\r\nC: d"}, {"a b": "c"}, {"Content-Length": "3"}, {"Host": "elsewhere"},
                {"transfer-encoding": "chunked"}],
)  # fmt: skip
def test_a_request_is_ours_to_frame(headers):
    client = Client(url="http://127.0.0.1:9/v1")
    with pytest.raises(ServiceError, match="bad_request") as caught:
        asyncio.run(client.send("POST", client.url, headers, b"x"))
    assert caught.value.stop


def test_headers_that_change_are_sent_as_they_are():
    raw = Raw(PLAIN)

    async def main():
        server = await asyncio.start_server(raw.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        client, headers = Client(url=url), {"X-Key": "1"}
        await client.send("GET", url, headers, b"")
        headers["X-Key"] = "2"
        await client.send("GET", url, headers, b"")
        await client.send("GET", url + "?q", headers, b"")
        await client.close()
        server.close()

    asyncio.run(main())
    assert [b"X-Key: 1" in raw.asked[0], b"X-Key: 2" in raw.asked[1]] == [True, True]
    assert raw.asked[2].startswith(b"GET /v1?q HTTP/1.1")
