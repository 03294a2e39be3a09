"""Cost of the trial harness against an instant local server: CPU a call, wall, memory, start-up.

    python benchmarks/trial_harness.py [PROMPTS] [ROUNDS]        (default 2000 3)

Every run is a process of its own with 32 calls in flight, a full log (the cache keeps every raw
reply), records in Parquet, and spares what the command line spares.  "marginal" is the CPU
of a run of PROMPTS less that of a run of 20, per call.  The bare HTTP clients that are installed
take part with the same server and the same bodies: no cache, no records.

Measured elsewhere on the same task (2,000 prompts, 32 in flight, instant server; research of
2026-11): HELM 5.6 ms a call and 500 MB, lm-eval 1.4 ms and 300 MB, inspect_ai 21.6 ms and 226 MB.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

IN_FLIGHT = 32
REPLY = json.dumps(
    {
        "id": "x",
        "object": "chat.completion",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "A"}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 40, "completion_tokens": 1, "total_tokens": 41},
    }
).encode()
WHOLE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
    + str(len(REPLY)).encode()
    + b"\r\n\r\n"
    + REPLY
)


class Instant(asyncio.Protocol):
    """A server that answers as soon as a request is whole."""

    def connection_made(self, transport):
        self.transport, self.held = transport, b""

    def data_received(self, data):
        self.held += data
        while (end := self.held.find(b"\r\n\r\n")) >= 0:
            head = self.held[:end].lower()
            start = head.find(b"content-length:")
            length = int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
            if len(self.held) < end + 4 + length:
                return
            self.held = self.held[end + 4 + length :]
            self.transport.write(WHOLE)


async def serve():
    server = await asyncio.get_running_loop().create_server(Instant, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def run_ours(url, folder, prompts, measure):
    from evenhand.deferred import own_process

    own_process()
    from evenhand.trials import run_trial

    plan = {
        "trial": {"measure": measure},
        "samples": {"manifest": f"{folder}/prompts{prompts}.csv", "kind": "text"},
        "services": [{"kind": "chat", "url": url, "model": "m", "in_flight": IN_FLIGHT}],
    }
    trial = run_trial(plan, out=f"{folder}/records{prompts}.parquet")
    assert trial.outcomes == {"answered": prompts}


async def call_all(prompts, call):
    waiting = iter(range(prompts))

    async def work():
        for number in waiting:
            await call(number)

    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))


def body_of(number):
    content = f"Question {number}: " + "which of these is right? " * 10
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": content}]}).encode()


async def run_aiohttp(url, prompts):
    import aiohttp

    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def call(number):
            async with session.post(url, data=body_of(number)) as reply:
                json.loads(await reply.read())

        await call_all(prompts, call)


async def run_httpx(url, prompts):
    import httpx

    limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    async with httpx.AsyncClient(limits=limits) as client:

        async def call(number):
            json.loads((await client.post(url, content=body_of(number))).content)

        await call_all(prompts, call)


async def run_wire(url, prompts):
    from evenhand.services.wire import Client

    client = Client(url=url)

    async def call(number):
        json.loads((await client.send("POST", url, {}, body_of(number))).body)

    await call_all(prompts, call)
    await client.close()


CLIENTS = {"wire": run_wire, "aiohttp": run_aiohttp, "httpx": run_httpx}


def contestant(what, url, folder, prompts):
    """One run, within its own process."""
    if what in ("trial", "trial, measured"):
        run_ours(url, folder, prompts, what != "trial")
    elif what == "start-up":
        from evenhand.deferred import own_process

        own_process()
        import evenhand.trials  # noqa: F401
    else:
        asyncio.run(CLIENTS[what](f"{url}/chat/completions", prompts))


def timed(what, url, folder, prompts):
    """Wall seconds, CPU seconds and largest memory (MB) of one process; None where it failed."""
    command = [sys.executable, __file__, "--run", what, url, str(folder), str(prompts)]
    start = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = status
    wall = time.perf_counter() - start
    return None if status else (wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def write_prompts(folder, prompts):
    with (folder / f"prompts{prompts}.csv").open("w") as file:
        file.write("id,text,reference,group\n")
        for i in range(prompts):
            text = f"Question {i}: " + "which of these is right? " * 10
            file.write(f"p{i},{text},A,g{i % 4}\n")


def measure_all(url, folder, prompts):
    found = {"start-up": timed("start-up", url, folder, 0)}
    for what in ("trial", "trial, measured"):
        for file in folder.glob("records*"):
            file.unlink()
        found[f"{what}, 20"] = timed(what, url, folder, 20)
        found[what] = timed(what, url, folder, prompts)
        found[f"{what}, again"] = timed(what, url, folder, prompts)
    for client in CLIENTS:
        found[f"{client}, 20"] = timed(client, url, folder, 20)
        found[client] = timed(client, url, folder, prompts)
    return found


def main():
    # Here, since a contestant should load what it runs with and no more.
    import argparse
    import tempfile
    from statistics import median

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prompts", nargs="?", type=int, default=2000)
    parser.add_argument("rounds", nargs="?", type=int, default=3)
    options = parser.parse_args()
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True
    )
    try:
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for prompts in (20, options.prompts):
                write_prompts(folder, prompts)
            rounds = [measure_all(url, folder, options.prompts) for _ in range(options.rounds)]
    finally:
        server.kill()
    print(f"{options.prompts} prompts, {IN_FLIGHT} in flight, median of {options.rounds}")
    print(f"{'':24}{'wall s':>9}{'CPU s':>9}{'MB':>7}{'marginal ms':>13}{'calls/s':>9}")
    for what in rounds[0]:
        runs = [found[what] for found in rounds if found[what]]
        if not runs:
            continue
        wall, cpu, memory = (median(run[i] for run in runs) for i in range(3))
        line = f"{what:24}{wall:9.2f}{cpu:9.2f}{memory:7.0f}"
        small = [found.get(f"{what}, 20") for found in rounds]
        if all(small):
            cpu -= median(run[1] for run in small)
            wall -= median(run[0] for run in small)
            calls = options.prompts - 20
            line += f"{cpu / calls * 1000:13.2f}{calls / wall:9.0f}"
        print(line)


if __name__ == "__main__":
    if "--serve" in sys.argv:
        asyncio.run(serve())
    elif "--run" in sys.argv:
        what, url, folder, prompts = sys.argv[2:]
        contestant(what, url, folder, int(prompts))
    else:
        main()
