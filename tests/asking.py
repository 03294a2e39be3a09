"""Ask the server of commands (see commands.py).

Shells start this a hundred times, so it loads next to nothing: `socket` and `json` alone cost more
than a start of Python.
"""

import _socket
import sys


def ask(address, words, cwd, env, files, timeout):
    """Exit code of a command that reads and writes `files`: input, output, errors."""
    text = repr((list(map(str, words)), str(cwd), dict(env))).encode()
    rights = b"".join(file.to_bytes(4, sys.byteorder) for file in files)
    asked = _socket.socket(_socket.AF_UNIX)
    try:
        asked.settimeout(timeout)
        asked.connect(address)
        asked.sendmsg(
            [len(text).to_bytes(4, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)]
        )
        asked.sendall(text)
        answer = asked.recv(4)
    finally:
        asked.close()
    assert len(answer) == 4, "the server of commands is gone"
    return int.from_bytes(answer, "big", signed=True)
