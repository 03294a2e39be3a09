"""A server on a real local socket that answers as a test's function says, or misbehaves."""

import asyncio
import json
import threading
import time
from collections import Counter
from contextlib import contextmanager

HANG, CLOSE = object(), object()  # a reply in a tuple is cut off where it ends


def reply(body, status=200, **headers):
    """A whole HTTP reply."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def chat(text, **choice):
    """A reply in OpenAI's chat format."""
    message = {"role": "assistant", "content": text, **choice.pop("message", {})}
    usage = {"prompt_tokens": 40, "completion_tokens": 10}
    return reply(
        {"choices": [{"message": message, "finish_reason": "stop", **choice}], "usage": usage}
    )


class Fake:
    def __init__(self, answer):
        self.answer, self.asked, self.times = answer, [], []
        self.in_flight = self.most_in_flight = 0
        self.bodies = Counter()

    async def serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                fields = dict(
                    line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line
                )
                fields = {name.lower(): value for name, value in fields.items()}
                body = await reader.readexactly(int(fields.get("content-length", 0)))
                self.asked.append((head.split(" ")[1], fields, body))
                self.bodies[body] += 1
                self.times.append(time.monotonic())
                self.in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self.in_flight)
                try:
                    found = self.answer(len(self.asked), fields, body)
                    if asyncio.iscoroutine(found):
                        found = await found
                finally:
                    self.in_flight -= 1
                if found is HANG:
                    await asyncio.sleep(60)
                if found is CLOSE:
                    return
                cut = isinstance(found, tuple)
                writer.write(found[0] if cut else found)
                await writer.drain()
                if cut:
                    return
                if b"\r\n\r\n" not in found:
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@contextmanager
def serving(answer):
    """A server in a thread; yields it with its `url`."""
    fake, loop, ready = Fake(answer), asyncio.new_event_loop(), threading.Event()

    async def main():
        server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
        fake.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        fake.stop = asyncio.Event()
        ready.set()
        await fake.stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0.01)

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    ready.wait(5)
    try:
        yield fake
    finally:
        loop.call_soon_threadsafe(fake.stop.set)
        thread.join(5)
        loop.close()
