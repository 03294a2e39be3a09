"""A program that trains ends with us, and so does what it has started."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pyarrow as pa
import pytest

from evenhand.improving.trainer import read_trainer

_ASK = """
import pyarrow as pa
from evenhand.improving.trainer import read_trainer
rows = pa.table({"y": [0, 1]})
read_trainer("sh slow.sh {train} {test} {out}").predict(rows, rows)
"""


def alive(process):
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        # What has ended and was not waited for is there, and does nothing.
        state = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
        )
        return state.stdout.strip()[:1] not in ("", "Z")
    return False


@pytest.mark.skipif(os.name == "nt", reason="no groups of processes")
def test_what_a_program_has_started_ends_where_we_are_interrupted(tmp_path):
    (tmp_path / "slow.sh").write_text(
        "sleep 300 & echo $! > started.new\nmv started.new started\nwait\n"
    )
    # (What pytest runs in the background may ignore interrupts.)
    asking = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import signal\nsignal.signal(2, signal.default_int_handler)\n{_ASK}",
        ],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    started = tmp_path / "started"
    try:
        until = time.monotonic() + 60
        while not started.exists() and time.monotonic() < until:
            time.sleep(0.02)
        slow = int(started.read_text())
        assert alive(slow)
        asking.send_signal(signal.SIGINT)
        _, said = asking.communicate(timeout=60)
    finally:
        asking.kill()
    assert "KeyboardInterrupt" in said
    until = time.monotonic() + 10
    while alive(slow) and time.monotonic() < until:
        time.sleep(0.02)
    assert not alive(slow)


def test_what_a_program_says_is_told_with_its_exit_code(tmp_path):
    rows = pa.table({"y": [0, 1]})
    with pytest.raises(Exception, match=r"exit code 3\): it is cold"):
        read_trainer("sh -c 'echo it is cold >&2; exit 3' {train} {test} {out}").predict(rows, rows)
