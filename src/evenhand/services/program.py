"""A program as a service: an argument list, never a shell."""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evenhand.errors import InputError
from evenhand.services.service import Answer, Request, ServiceError, plain_answer
from evenhand.services.source import files_digest

_SUFFIX = {
    "audio/wav": ".wav",
    "image/png": ".png",
    "text/plain": ".txt",
    "application/json": ".json",
}
MAX_OUTPUT = 2**20


@dataclass(slots=True, kw_only=True)
class ProgramService:
    """A command line program; its standard output is the answer.

    Attributes
    ----------
    name : str
    arguments : tuple of str
        Program and arguments.  ``{file}`` is a temporary file with the media (WAV, PNG, text,
        JSON); without it they come on standard input.
    revision : str
        What changes when the program's answers do.  The program itself, the files that its
        arguments name, and the modules that a Python file among them imports from beside it enter
        the content address by themselves; what else it reads does not.
    timeout : float
        Seconds; then the program and its children are killed.
    """

    name: str
    arguments: tuple[str, ...]
    revision: str = ""
    timeout: float = 60.0
    version: str = field(init=False)

    def __post_init__(self) -> None:
        if not self.arguments:
            raise InputError(
                f"{self.name}: arguments is empty.  Example: ['whisper-cli', '{{file}}']"
            )
        place = shutil.which(self.arguments[0])
        if place is None:
            raise InputError(
                f"{self.name}: no program is called {self.arguments[0]!r}.  Install it, or write its path "
                "as the first of arguments."
            )
        found = Path(place).stat()
        own = files_digest(
            [place, *self.arguments[1:]] if _is_script(place) else self.arguments[1:]
        )
        # A script is told by its text; a binary, which may be large, by its size and time of change.
        program = "" if _is_script(place) else f"{found.st_size} {found.st_mtime_ns}"
        self.version = f"{list(self.arguments)} {program} {own} {self.revision}"

    async def answer(self, request: Request) -> Answer:
        """Run the program once."""
        start = time.monotonic()
        payload = request.payload()
        if any("{file}" in argument for argument in self.arguments):
            with tempfile.TemporaryDirectory(prefix="evenhand-") as folder:
                path = Path(folder) / f"sample{_SUFFIX.get(payload.type, '')}"
                path.write_bytes(payload.content)
                arguments = [item.replace("{file}", str(path)) for item in self.arguments]
                output = await self._run(arguments, b"")
        else:
            output = await self._run(list(self.arguments), payload.content)
        text = output.decode("utf-8", "replace").strip()
        return plain_answer(text, seconds=time.monotonic() - start, raw=text)

    async def _run(self, arguments: list[str], given: bytes) -> bytes:
        try:
            process = await asyncio.create_subprocess_exec(
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise ServiceError("no_program", error.strerror or "", stop=True) from None
        try:
            async with asyncio.timeout(self.timeout):
                output, said = await process.communicate(given)
        except TimeoutError:
            raise ServiceError("timeout", f"no end in {self.timeout:g} s", retry=True) from None
        finally:
            await _kill(process)
        if process.returncode:
            detail = f"{process.returncode}; {said.decode('utf-8', 'replace').strip()}"
            raise ServiceError("exit_code", detail)
        if len(output) > MAX_OUTPUT:
            raise ServiceError("huge_reply", f"more than {MAX_OUTPUT:,} bytes")
        return output

    async def close(self) -> None:
        """Nothing is held."""


def _is_script(place: str) -> bool:
    with Path(place).open("rb") as file:
        return file.read(2) == b"#!"


async def _kill(process: Any) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):  # it ended by itself just now
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
