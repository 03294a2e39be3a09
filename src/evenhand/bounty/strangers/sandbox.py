"""Run strangers' models in confined processes."""

import contextlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from evenhand.bounty.strangers.asked import AskedServices, Places
from evenhand.bounty.strangers.guarded import guarded
from evenhand.bounty.strangers.refusals import RunnerError, SubmissionError
from evenhand.bounty.strangers.runner import MISSING, Answered, Matrix, Runner

#: Share of a sandbox's time and memory within which a candidate must answer to be accepted, so that
#: an accepted model does not fail later because the machine is busy.
CAREFUL = 0.6


#: Rows of a candidate's batch that may have no answer: so many, or this share of them.  Each takes
#: some calls of its own, so this bounds what a bad model costs; and a model that is silent about more
#: than one row in a hundred is a mistake that its hunter should hear of.
FEW, SHARE = 64, 0.01


def careful(runner: Runner) -> Runner:
    """The runner for candidates: few rows may have no answer, and a sandbox has tighter limits."""
    return _Careful(runner)


class Sandbox:
    """Runs each model in a process of its own without files, network, programs, or much memory.

    Parameters
    ----------
    seconds : float
        Most time for one model, on the clock and of the processor.
    memory : int
        Most memory in bytes, beyond what the rows take; the address space is meant.
    weak : bool
        Run although the system has no walls (Landlock, seccomp); for one's own models only.

    Notes
    -----
    One process loads onnxruntime and forks a child for each model, which takes a few milliseconds.
    A child can only answer for its own model: it has one descriptor to write to.
    """

    def __init__(self, *, seconds: float = 10.0, memory: int = 2 << 30, weak: bool = False) -> None:
        self._seconds, self._memory, self._weak = seconds, memory, weak
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def run(self, model: bytes, output: str, matrix: Matrix) -> Answered:
        """One output of a model for all rows of a matrix.

        Raises
        ------
        SubmissionError
            ``timeout``, ``out_of_memory``, ``crashed``, ``cannot_run`` or ``wrong_type``.
        """
        return self.run_within(1.0, model, output, matrix)

    def run_within(
        self, share: float, model: bytes, output: str, matrix: Matrix, most: int | None = None
    ) -> Answered:
        """As `run`, with a share of the time and memory, and most rows that may have no answer."""
        for _ in range(2):
            try:
                return self._ask(share, model, output, matrix, most)
            except (OSError, EOFError):
                # The worker itself was killed, by whatever: no model is to blame; a new one serves.
                self._abandon()
        raise RunnerError("The sandbox's process was killed twice.  Is there enough memory?")

    def _ask(
        self, share: float, model: bytes, output: str, matrix: Matrix, most: int | None
    ) -> Answered:
        seconds = share * self._seconds
        shown, guards = guarded(model)
        asked = json.dumps({"output": output, "guards": guards, "most": most}).encode()
        channel = self._start()
        job = {
            "asked": len(asked),
            "model": len(shown),
            "features": matrix.shape[1],
            "seconds": seconds,
            "memory": int(share * self._memory) + 4 * matrix.nbytes,
            "weak": self._weak,
        }
        source, give = os.pipe()
        take, target = os.pipe()
        try:
            socket.send_fds(channel, [json.dumps(job).encode()], [source, target])
        except OSError:
            os.close(give)
            os.close(take)
            raise
        finally:
            os.close(source)
            os.close(target)
        writer = threading.Thread(target=_write, args=(give, asked + shown, matrix), daemon=True)
        writer.start()
        limit = 65_536 + 8 * max(len(matrix), 1) * 1_000
        with os.fdopen(take, "rb") as stream:
            head = stream.readline(65_536)
            body = stream.read(limit)
        writer.join()
        line = _line(channel)
        if not line:
            raise EOFError
        return _answer(head, body, json.loads(line), seconds, len(matrix))

    def _abandon(self) -> None:
        if self._process is not None:
            self._process.kill()
        self.close()

    def close(self) -> None:
        """End the sandbox's process."""
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            self._process.wait(timeout=30)
        self._channel = self._process = None

    def _start(self) -> socket.socket:
        if self._channel is not None:
            return self._channel
        if importlib.util.find_spec("onnxruntime") is None:
            raise RunnerError(MISSING)
        if sys.platform != "linux":
            raise RunnerError(
                "Strangers' models are run on Linux only, where a process can be confined."
            )
        ours, theirs = socket.socketpair()
        worker = Path(__file__).with_name("worker.py")
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(worker), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "ORT_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1"},
        )
        theirs.close()
        self._channel = ours
        if _line(ours) != b"ready":
            self.close()
            raise RunnerError("The sandbox does not start.  Run: python -c 'import onnxruntime'")
        return ours


class _Careful:
    """A runner under the rules for candidates."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def run(self, model: bytes, output: str, matrix: Matrix) -> Answered:
        """One output of a model for all rows of a matrix."""
        most = max(FEW, int(SHARE * len(matrix)))
        if isinstance(self._runner, Sandbox):
            found = self._runner.run_within(CAREFUL, model, output, matrix, most)
        else:
            found = self._runner.run(model, output, matrix)
        return self._few(found)

    def _few(self, found: Answered) -> Answered:
        rows = len(found.failed)
        most = max(FEW, int(SHARE * rows))
        if (count := np.count_nonzero(found.failed)) > most:
            raise SubmissionError(
                "cannot_run",
                f"the model has no answer on {count:,} of {rows:,} rows.  Allowed: {most:,}.",
            )
        return found

    def ask(self, service: str, places: Places) -> Answered:
        """As the host has it; of a candidate few rows may be without an answer."""
        if not isinstance(self._runner, AskedServices):
            raise SubmissionError("not_asked", f"nothing here asks the service {service!r}.")
        return self._few(self._runner.ask(service, places))


def _write(descriptor: int, head: bytes, matrix: Matrix) -> None:
    # A child that died early stops reading; its end is told over the socket.
    with contextlib.suppress(BrokenPipeError), os.fdopen(descriptor, "wb") as stream:
        stream.write(head)
        stream.write(np.ascontiguousarray(matrix, np.float32).tobytes())


def _line(channel: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        part = channel.recv(1)
        if not part:
            return data
        data += part
    return data.strip()


def _answer(head: bytes, body: bytes, ended: dict[str, Any], seconds: float, rows: int) -> Answered:
    if ended["timeout"] or ended["code"] == -24:
        raise SubmissionError("timeout", f"the model ran longer than {seconds:g} seconds.")
    if ended["code"] != 0:
        raise SubmissionError("crashed", f"the model's process died (code {ended['code']}).")
    try:
        answer = json.loads(head)
        if answer.get("error") == "no_walls":
            raise RunnerError(
                "This system has no walls (Landlock, seccomp) to confine models with."
            )
        if "error" in answer:
            raise SubmissionError(str(answer["error"]), f"{answer.get('message', '')}.")
        kind = np.dtype(str(answer["dtype"]))
        if kind.kind not in "biuf":
            raise SubmissionError("wrong_type", f"the output holds {kind} values.")
        bits = np.frombuffer(body[: (rows + 7) // 8], np.uint8)
        values = np.frombuffer(body[len(bits) :], kind)
        return Answered(
            values=values.reshape([int(size) for size in answer["shape"]]),
            failed=np.unpackbits(bits, count=rows).view(bool),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise SubmissionError("crashed", "the model's process gave no readable answer.") from error
