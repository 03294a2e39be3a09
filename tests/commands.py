"""The command line in processes of their own, forked from one that has loaded the package already.

A command is a process as always: its own memory, arguments, folder, environment, output and exit code.
Only loading (0.7 s of CPU, a thousand times) is done once.  What is about loading itself, signals or
terminals starts Python anew.
"""

import ast
import atexit
import contextlib
import gc
import os
import random
import select
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

from tests.asking import ask

#: What the commands load when they are called, for short commands more than all the rest.
LOADED = (
    *(
        "audit",
        "check",
        "conditions",
        "coverage",
        "demo",
        "doctor",
        "effects",
        "look",
        "metrics",
        "plan",
        "slices",
        "trial",
    ),
    *("bounty.close", "bounty.confirm", "bounty.explain", "bounty.export", "bounty.hunt"),
    *("bounty.init", "bounty.rollback", "bounty.status", "bounty.submit", "bounty.verify"),
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
            place, surroundings = cwd or Path.cwd(), env or os.environ
            try:
                code = ask(str(server()), words, place, surroundings, files, timeout)
            except TimeoutError:
                raise subprocess.TimeoutExpired(["evenhand", *words], timeout) from None
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode().replace("\r\n", "\n"))
    return subprocess.CompletedProcess(["evenhand", *words], code, *texts)


@cache
def server() -> Path:
    """Address of a server that ends with this process."""
    folder = Path(tempfile.mkdtemp(prefix="evenhand-commands-"))
    address = folder / "socket"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.commands", str(address)],
        cwd=Path(__file__).parents[1],
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
        f"#!{sys.executable} -IS\n"
        f"import os, sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from asking import ask\n"
        f"sys.exit(ask({str(server())!r}, sys.argv[1:], os.getcwd(), os.environ, [0, 1, 2], 600))\n"
    )
    shown.chmod(0o755)
    return shown.parent


# -- answering -------------------------------------------------------------------------------------


def serve(address):
    """Fork a process for each command, and tell who asked how it ended; return only in those processes."""
    parent, running = os.getppid(), {}
    ended, wake = socket.socketpair()
    for end_of_pair in (ended, wake):
        end_of_pair.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{address}.new")
        listening.listen(16)
        Path(f"{address}.new").rename(address)
        while os.getppid() == parent:
            ready, _, _ = select.select([listening, ended], [], [], 5)
            if ended in ready:
                ended.recv(1 << 10)
                tell(running)
            if listening not in ready:
                continue
            asking = listening.accept()[0]
            text, files = heard(asking)
            command = os.fork()
            if not command:
                break
            running[command] = asking
            for file in files:
                os.close(file)
        else:
            os._exit(0)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for opened in (ended, wake, asking, *running.values()):
        opened.close()
    become(ast.literal_eval(text.decode()), files)


def heard(asking):
    """What is asked, and the files that were sent along."""
    head, files, _, _ = socket.recv_fds(asking, 4, 3)
    text = b""
    while len(text) < struct.unpack("!I", head)[0]:
        text += asking.recv(1 << 16)
    return text, files


def tell(running):
    """Send the exit codes of the commands that ended."""
    while running:
        command, status = os.waitpid(-1, os.WNOHANG)
        if not command:
            return
        with running.pop(command) as asking, contextlib.suppress(BrokenPipeError):
            asking.sendall(struct.pack("!i", os.waitstatus_to_exitcode(status)))


def become(asked, files):
    """Take the place of a process that was just started."""
    words, cwd, surroundings = asked
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(surroundings)
    random.seed()
    sys.argv = ["-c", *words]


def load():
    """Load what commands would; pandas stays hidden, as `main` hides it."""
    import importlib
    import pkgutil

    import evenhand
    from evenhand.deferred import hide_pandas

    hide_pandas()
    for name in LOADED:
        importlib.import_module(f"evenhand.cli.{name}")
    # And all that these load when it is first used.
    for module in pkgutil.walk_packages(evenhand.__path__, "evenhand."):
        with contextlib.suppress(ImportError):
            importlib.import_module(module.name)
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
    sys.path.pop(0)  # the folder that it started in
    load()
    serve(sys.argv[1])
    from evenhand.cli import main

    end(main)
