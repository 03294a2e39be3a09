"""Confine this process for good: no files, no network, no other programs, bounded memory and time.

Linux only: Landlock for files, a seccomp filter of allowed system calls, resource limits anywhere.
Sources: docs.kernel.org/userspace-api/landlock, man 2 seccomp, linux/{landlock,seccomp,filter}.h.
This module imports nothing of ours, so that the sandbox's process starts light.
"""

import ctypes
import os
import platform
import resource
import struct
import sys

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_RETURN_ALLOW = 0x7FFF0000
_RETURN_ERRNO = 0x00050000
_RETURN_KILL = 0x80000000
_EPERM = 1
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446
#: Access rights that each version of Landlock's interface knows: rights on files, then on TCP.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}

# What a computation needs and nothing else: memory, threads' locks, clocks, open descriptors, exit.
_CALLS: dict[str, tuple[int, tuple[int, ...]]] = {
    "x86_64": (
        0xC000003E,
        (
            *(0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 24, 25, 28, 35, 39, 60),
            *(63, 96, 97, 98, 99, 102, 104, 107, 108, 131, 186, 202, 204, 228, 229, 230, 231),
            *(273, 309, 318, 334),
        ),
    ),
    "aarch64": (
        0xC00000B7,
        (
            *(57, 62, 63, 64, 65, 66, 67, 68, 80, 93, 94, 96, 98, 99, 101, 113, 114, 115),
            *(123, 124, 132, 134, 135, 139, 160, 163, 165, 168, 169, 172, 173, 174, 175, 176),
            *(177, 178, 179, 214, 215, 216, 222, 226, 233, 278, 293),
        ),
    ),
}


def limit(memory: int, seconds: int) -> None:
    """Bound memory in bytes and processor time; no core dump, no file written, no new process."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))


def confine() -> list[str]:
    """Give up files, network and programs; return which walls stand (none on other systems)."""
    if sys.platform != "linux":
        return []
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return []
    walls = []
    if _restrict_files(libc):
        walls.append("landlock")
    if _filter_calls(libc):
        walls.append("seccomp")
    return walls


def _restrict_files(libc: ctypes.CDLL) -> bool:
    """A Landlock rule set that allows nothing."""
    version = libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if version < 1:
        return False
    rights = (1 << _FILE_RIGHTS.get(version, 16)) - 1
    network = 3 if version >= 4 else 0
    attributes = struct.pack("=QQ", rights, network)[: 16 if version >= 4 else 8]
    descriptor = libc.syscall(
        _LANDLOCK_CREATE, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0)
    )
    if descriptor < 0:
        return False
    done = libc.syscall(_LANDLOCK_RESTRICT, descriptor, ctypes.c_uint32(0)) == 0
    os.close(descriptor)
    return bool(done)


def _filter_calls(libc: ctypes.CDLL) -> bool:
    """A seccomp filter: listed calls pass, all others fail with EPERM, foreign architectures die."""
    calls = _CALLS.get(platform.machine())
    if calls is None:
        return False
    program = _program(*calls)
    buffer = ctypes.create_string_buffer(program)

    class Filter(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    given = Filter(len(program) // 8, ctypes.addressof(buffer))
    return bool(
        libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(given), 0, 0) == 0
    )


def _program(arch: int, allowed: tuple[int, ...]) -> bytes:
    """Classic BPF over struct seccomp_data (call number at 0, architecture at 4)."""

    def step(code: int, yes: int, no: int, value: int) -> bytes:
        return struct.pack("=HBBI", code, yes, no, value)

    load, equal, back, at_least = 0x20, 0x15, 0x06, 0x35
    lines = [step(load, 0, 0, 4), step(equal, 1, 0, arch), step(back, 0, 0, _RETURN_KILL)]
    # Numbers from 2^30 on are x32 calls, which the list does not mean.
    lines += [step(load, 0, 0, 0), step(at_least, 0, 1, 0x40000000), step(back, 0, 0, _RETURN_KILL)]
    for number in allowed:
        lines += [step(equal, 0, 1, number), step(back, 0, 0, _RETURN_ALLOW)]
    lines.append(step(back, 0, 0, _RETURN_ERRNO | _EPERM))
    return b"".join(lines)
