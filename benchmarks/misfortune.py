"""Runs of a trial against a server that fails at random and is killed at random; what is lost, what is bought twice.

    python benchmarks/misfortune.py [RUNS] [ROWS]        (default 200 40)

The server answers 429 (with and without a time), 500, hangs, breaks replies off, leaves out `usage`,
and keeps account of what it bills: every call but 429 and 500, hangs and broken replies included.  Each
run has a budget and is killed (SIGKILL) up to three times at a random moment, then ends by itself.
"""

import asyncio
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

PRICE, IN_FLIGHT, BUDGET = 0.01, 4, 3.0
PROGRAM = """
import json, sys
from evenhand.trials import pace, run_trial
pace.FIRST_WAIT = 0.005
url, out, rows, budget = sys.argv[1:]
plan = {"trial": {"measure": False, "budget": float(budget)},
        "samples": [{"id": f"s{i}", "text": f"text {i}"} for i in range(int(rows))],
        "services": [{"kind": "chat", "url": url, "model": "m", "in_flight": 4, "timeout": 0.3,
                      "attempts": 20, "price": {"output_tokens": 1000.0}, "options": {"max_tokens": 10}}]}
trial = run_trial(plan, out=out)
print(json.dumps([trial.outcomes, trial.cost_total, trial.possibly_spent]))
"""


def reply(body, status=200, headers=""):
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\n{headers}\r\n"
    return head.encode() + content


class Server:
    """Fails as its seed says; `whole` counts answers that left whole, `billed` what they cost."""

    def __init__(self, seed):
        self.draw, self.whole, self.billed, self.asked = random.Random(seed), Counter(), 0.0, 0

    async def serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
                body = json.loads(await reader.readexactly(length))
                self.asked += 1
                await asyncio.sleep(self.draw.random() * 0.01)
                if not await self.answer(writer, body["messages"][-1]["content"]):
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def answer(self, writer, text):
        """Answer one call; whether the connection goes on."""
        kind = self.draw.random()
        if kind < 0.12:
            asked = "Retry-After: 0.02\r\n" if kind < 0.08 else ""
            writer.write(reply({"error": "slow"}, 429, asked))
            return True
        if kind < 0.2:
            writer.write(reply({"error": "oops"}, 500))
            return True
        self.billed += PRICE
        message = {"message": {"content": "yes"}, "finish_reason": "stop"}
        found = {"choices": [message], "usage": {"prompt_tokens": 1, "completion_tokens": 10}}
        if kind < 0.23:
            await asyncio.sleep(5)
            return False
        if kind < 0.29:
            writer.write(reply(found)[:-7])
            return False
        if kind < 0.35:
            del found["usage"]
        self.whole[text] += 1
        writer.write(reply(found))
        await writer.drain()
        return True


def serving(server):
    """Address of the server, and what stops it."""
    loop, ready, place = asyncio.new_event_loop(), threading.Event(), []

    async def main():
        made = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        place.extend([made.sockets[0].getsockname()[1], asyncio.Event()])
        ready.set()
        await place[1].wait()
        made.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    ready.wait()

    def stop():
        loop.call_soon_threadsafe(place[1].set)
        thread.join()
        loop.close()

    return f"http://127.0.0.1:{place[0]}/v1", stop


def one_run(seed, rows):
    draw, server = random.Random(-seed), Server(seed)
    url, stop = serving(server)
    kills = 0
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-c",
            PROGRAM,
            url,
            str(Path(folder) / "r.parquet"),
            str(rows),
            str(BUDGET),
        ]
        for _ in range(draw.randrange(4)):
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            wanted = server.asked + draw.randrange(1, rows)
            while server.asked < wanted and process.poll() is None:
                time.sleep(0.001)
            kills += process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.communicate()
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    stop()
    outcomes, cost, possibly = json.loads(said)
    return {
        "kills": kills,
        "lost": rows - outcomes.get("answered", 0),
        "twice": sum(count - 1 for count in server.whole.values()),
        "in flight": kills * IN_FLIGHT,
        "billed": server.billed,
        "counted": cost + possibly,
    }


def main():
    given = [int(value) for value in sys.argv[1:]]
    runs, rows = [*given, *(200, 40)[len(given) :]]
    found = [one_run(seed, rows) for seed in range(1, runs + 1)]
    total = {name: sum(each[name] for each in found) for name in found[0]}
    over = sum(each["billed"] > BUDGET + 1e-9 for each in found)
    under = sum(each["billed"] > each["counted"] + 1e-9 for each in found)
    beyond = sum(each["twice"] > each["in flight"] for each in found)
    print(f"{runs} runs of {rows} rows, {total['kills']} kills")
    print(f"rows lost: {total['lost']}")
    print(
        f"answers on their way at a kill and asked again: {total['twice']} (at most {total['in flight']})"
    )
    print(f"runs with more answers bought twice than were on their way at a kill: {beyond}")
    print(f"billed by the server {total['billed']:.2f}, counted {total['counted']:.2f}")
    print(
        f"runs in which the server billed more than the budget: {over}; more than was counted: {under}"
    )
    return 1 if total["lost"] or over or under or beyond else 0


if __name__ == "__main__":
    sys.exit(main())
