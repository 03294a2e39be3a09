"""The command line in processes of their own, forked from one that has loaded the package already.

A command is a process as always: its own memory, arguments, folder, environment, output and exit code.
Only loading (0.7 s of CPU, a thousand times) is done once.  What is about loading itself, signals or
terminals starts Python anew.
"""

import atexit
import contextlib
import gc
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path

#: What the commands load when they are called, for short commands more than all the rest.
LOADED = (
    *("audit", "conditions", "demo", "doctor", "effects", "metrics", "slices", "trial"),
    *("bounty.close", "bounty.confirm", "bounty.explain", "bounty.export", "bounty.hunt"),
    *("bounty.init", "bounty.rollback", "bounty.status", "bounty.submit", "bounty.verify"),
)
#: What these load when it is first used.
FIRST_USED = (
    *("audits.terminal", "slicing.terminal", "differential.terminal", "metrics.speech.wer"),
    *("audits.figures", "slicing.figures", "differential.figures", "bounty.submission"),
)
THIRD = (
    *("numba", "skl2onnx", "sklearn.tree", "scipy.stats", "scipy.sparse", "scipy.optimize"),
    *("jinja2", "h11", "pyarrow.compute", "pyarrow.parquet", "rapidfuzz", "dateutil.relativedelta"),
    *("sqlglot.dialects.duckdb", "cyclopts.help", "cyclopts.config", "docstring_parser"),
    *("rich.panel", "rich.table", "rich.progress", "rich._emoji_codes", "encodings.utf_32_le"),
)


# -- asking ----------------------------------------------------------------------------------------


def run_command(*words, cwd=None, env=None, timeout=120):
    """What `subprocess.run([... "evenhand", *words], capture_output=True, text=True)` returns."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with Path(os.devnull).open("rb") as nothing:
            files = [nothing.fileno(), out.fileno(), err.fileno()]
            code = ask(str(server()), words, cwd or Path.cwd(), env or os.environ, files, timeout)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode().replace("\r\n", "\n"))
    return subprocess.CompletedProcess(["evenhand", *words], code, *texts)


def ask(address, words, cwd, env, files, timeout):
    """Exit code of a command that reads and writes `files`: input, output, errors."""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.settimeout(timeout)
        asked.connect(address)
        text = json.dumps({"words": list(map(str, words)), "cwd": str(cwd), "env": dict(env)})
        socket.send_fds(asked, [struct.pack("!I", len(text.encode()))], files)
        asked.sendall(text.encode())
        try:
            answer = asked.recv(4)
        except TimeoutError:
            raise subprocess.TimeoutExpired(["evenhand", *words], timeout) from None
    assert len(answer) == 4, "the server of commands is gone"
    return struct.unpack("!i", answer)[0]


@cache
def server() -> Path:
    """Address of a server that ends with this process."""
    folder = Path(tempfile.mkdtemp(prefix="evenhand-commands-"))
    address = folder / "socket"
    process = subprocess.Popen(
        [sys.executable, __file__, str(address)],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        start_new_session=True,
    )

    def end():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        address.unlink(missing_ok=True)
        (folder / "evenhand").unlink(missing_ok=True)
        folder.rmdir()

    atexit.register(end)
    until = time.monotonic() + 60
    while not address.exists():
        assert process.poll() is None, "the server of commands did not start"
        assert time.monotonic() < until
        time.sleep(0.02)
    return address


@cache
def folder_of_commands() -> Path:
    """Folder with an ``evenhand`` for shells: put it first in PATH."""
    shown = server().parent / "evenhand"
    shown.write_text(
        f"#!{sys.executable} -S\n"
        f"import os, sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from commands import ask\n"
        f"sys.exit(ask({str(server())!r}, sys.argv[1:], os.getcwd(), os.environ, [0, 1, 2], 600))\n"
    )
    shown.chmod(0o755)
    return shown.parent


# -- answering -------------------------------------------------------------------------------------


def serve(address):
    """Fork a process for each command; return only in those processes."""
    parent = os.getppid()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{address}.new")
        listening.listen(16)
        listening.settimeout(5)
        Path(f"{address}.new").rename(address)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            try:
                asking = listening.accept()[0]
            except TimeoutError:
                if os.getppid() != parent:
                    os._exit(0)
                continue
            if os.fork() == 0:
                break
            asking.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    asking.settimeout(None)
    head, files, _, _ = socket.recv_fds(asking, 4, 3)
    text = b""
    while len(text) < struct.unpack("!I", head)[0]:
        text += asking.recv(1 << 16)
    command = os.fork()
    if command:
        _, status = os.waitpid(command, 0)
        with contextlib.suppress(BrokenPipeError):
            asking.sendall(struct.pack("!i", os.waitstatus_to_exitcode(status)))
        os._exit(0)
    asking.close()
    become(json.loads(text), files)


def become(asked, files):
    """Take the place of a process that was just started."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    random.seed()
    sys.argv = ["-c", *asked["words"]]


def load():
    """Load what commands would; pandas stays hidden, as `main` hides it."""
    import importlib

    from evenhand.cli.app import _WithoutPandas

    sys.meta_path.insert(0, _WithoutPandas())
    for name in LOADED:
        importlib.import_module(f"evenhand.cli.{name}")
    for name in FIRST_USED:
        importlib.import_module(f"evenhand.{name}")
    for name in THIRD:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    # What is loaded is no garbage: a process need not visit it, nor take it down, when it ends.
    gc.collect()
    gc.freeze()


def end(main):
    """Do `main` and end as it says, with threads joined, exit functions called and all written.

    The interpreter is not taken down, which would visit, and so copy, every page that is shared with
    the server: a tenth of a second.  What ends otherwise than by an exit code ends as it always does.
    """
    try:
        main()
        code = 0
    except SystemExit as ended:
        if not isinstance(ended.code, int | None):
            raise
        code = ended.code or 0
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 0xFF)


if __name__ == "__main__":
    sys.path.pop(0)  # this folder
    load()
    serve(sys.argv[1])
    from evenhand.cli import main

    end(main)
