"""Alarms sent to an address of the web: what fails is told, and nothing depends on it."""

import http.client
import json
import os
from typing import Any
from urllib.parse import SplitResult, urlsplit

from evenhand.errors import InputError

#: Seconds that an answer may take.
PATIENCE = 10.0
_HERE = ("localhost", "127.0.0.1", "::1")


class Webhook:
    """An address that is sent JSON.

    Parameters
    ----------
    text : str
        An https address, or http on this machine; ``env:NAME`` for one that stands in the environment.

    Raises
    ------
    InputError
        For another kind of address.
    """

    def __init__(self, text: str) -> None:
        if text.startswith("env:"):
            found = os.environ.get(text[4:])
            if not found:
                raise InputError(f"--webhook is {text}, but no variable {text[4:]!r} is set.")
            text = found
        try:
            self.address = urlsplit(text)
            port = self.address.port
        except ValueError as error:
            raise InputError(f"--webhook is no address of the web: {error}") from error
        del port
        host = self.address.hostname or ""
        if not host or self.address.scheme not in ("https", "http"):
            raise InputError(
                "--webhook must be an https address, for example https://example.org/hooks/1"
            )
        if self.address.scheme == "http" and host not in _HERE:
            raise InputError(
                f"--webhook would send alarms unencrypted to {host}.  Allowed: https, or http on this machine."
            )

    @property
    def public(self) -> str:
        """The address without what may be secret: its path often is."""
        return f"{self.address.scheme}://{self.address.hostname}/…"

    def send(self, data: dict[str, Any]) -> str | None:
        """Send JSON; what went wrong, or `None`."""
        try:
            status = _posted(self.address, json.dumps(data, ensure_ascii=False).encode())
        except (OSError, http.client.HTTPException) as error:
            return f"{self.public} could not be told: {error or type(error).__name__}."
        if not 200 <= status < 300:
            return f"{self.public} answered {status}."
        return None


def _posted(address: SplitResult, body: bytes) -> int:
    """Status of the answer; where it says to ask elsewhere, nobody does."""
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=PATIENCE)
    try:
        path = (address.path or "/") + (f"?{address.query}" if address.query else "")
        headers = {"Content-Type": "application/json", "User-Agent": "evenhand"}
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()
