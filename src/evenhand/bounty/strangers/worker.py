"""The sandbox's process: loads onnxruntime once, then forks a confined child for each model.

Started as a script by `evenhand.bounty.strangers.sandbox`; it imports nothing of ours but
`confinement` and `rows_apart`.
A job comes over the socket as a line of JSON with two descriptors, one to read the model and the
rows from, one to write the answer to.  The child reads both, gives up all rights, and only then
lets native code see the model.
"""

import importlib.util
import json
import os
import select
import signal
import socket
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
MESSAGE = 4096


def _neighbour(name: str) -> ModuleType:
    """A module beside this one, without the package around it."""
    place = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, place)
    if spec is None or spec.loader is None:
        raise ImportError(place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def serve(channel: socket.socket) -> None:
    """Answer jobs until the other end closes."""
    import numpy as np  # noqa: PLC0415 - loaded in this process only
    import onnxruntime as ort  # noqa: PLC0415

    confinement, rows_apart = _neighbour("confinement"), _neighbour("rows_apart")
    channel.sendall(b"ready\n")
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, MESSAGE, 2)
        if not message:
            return
        job = json.loads(message)
        child = os.fork()
        if child == 0:
            channel.close()
            _child(job, descriptors, np, ort, confinement, rows_apart)
        for descriptor in descriptors:
            os.close(descriptor)
        channel.sendall((json.dumps(_wait(child, job["seconds"])) + "\n").encode())


def _wait(child: int, seconds: float) -> dict[str, Any]:
    """How the child ended; one that takes longer is killed."""
    handle = os.pidfd_open(child)
    ended, _, _ = select.select([handle], [], [], seconds)
    if not ended:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    os.close(handle)
    _, status = os.waitpid(child, 0)
    return {"timeout": not ended, "code": os.waitstatus_to_exitcode(status)}


def _child(
    job: dict[str, Any],
    descriptors: list[int],
    np: Any,
    ort: Any,
    confinement: ModuleType,
    rows_apart: ModuleType,
) -> None:
    code = 1
    source, target = descriptors
    try:
        with os.fdopen(source, "rb") as stream:
            asked = stream.read(job["asked"])
            model = stream.read(job["model"])
            rows = np.frombuffer(stream.read(), np.float32).reshape(-1, job["features"])
        confinement.limit(job["memory"], int(job["seconds"]) + 1)
        walls = confinement.confine()
        if "seccomp" not in walls and not job["weak"]:
            answer, body = {"error": "no_walls", "walls": walls}, b""
        else:
            answer, body = _run(model, rows, json.loads(asked), np, ort, rows_apart)
        with os.fdopen(target, "wb") as stream:
            stream.write((json.dumps(answer) + "\n").encode())
            stream.write(body)
        code = 0
    finally:
        os._exit(code)


def _run(
    model: bytes, rows: Any, asked: dict[str, Any], np: Any, ort: Any, rows_apart: ModuleType
) -> tuple[dict[str, Any], bytes]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        found, failed = rows_apart.answer_apart(
            session, asked["output"], rows, asked["guards"], asked["most"]
        )
        found = np.ascontiguousarray(found)
        if found.dtype.kind not in "biuf":
            return {"error": "wrong_type", "message": f"the output holds {found.dtype} values"}, b""
    except Exception as error:  # noqa: BLE001 - whatever native code says about a stranger's file
        short = "out_of_memory" if rows_apart.is_memory(error) else "cannot_run"
        return {"error": short, "message": str(error)[:300]}, b""
    body = np.packbits(failed).tobytes() + found.tobytes()
    return {"dtype": found.dtype.str, "shape": list(found.shape)}, body


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
