"""Keys of host and teams: a secret comes from the environment alone, its public half stands in the log.

A secret is written with a mark before it, so that it is never taken for a public key and written down.
"""

import os
import re
import secrets

from evenhand.bounty.files import canonical
from evenhand.errors import InputError
from evenhand.results.signatures import check_signing, public_half, sign

#: Where the secrets of the host and of a team are read.
HOST_KEY, TEAM_KEY = "EVENHAND_HOST_KEY", "EVENHAND_TEAM_KEY"
_MARK = "secret-"
_DIGITS = re.compile(r"[0-9a-f]{64}")
#: Field of edwards25519, and the heights of its eight points of small order (doi:10.17487/RFC7748, section 7;
#: doi:10.46586/tosc.v2020.i4.125-155): with one of these as a key anybody can sign.
_PRIME = 2**255 - 19
_EIGHTH = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_ANYBODYS = frozenset({0, 1, _PRIME - 1, _EIGHTH, _PRIME - _EIGHTH})


def new_secret() -> str:
    """A secret, as the environment holds it."""
    check_signing()
    return _MARK + secrets.token_hex(32)


def public_of(secret: str, name: str = "This secret") -> str:
    """The public half of a secret, which may be told.

    Raises
    ------
    InputError
        Where it is none; the message does not quote it.
    """
    return public_half(_bytes_of(secret, name))


def own_public(name: str) -> str | None:
    """The public half of the secret in the environment; `None` where there is none."""
    secret = os.environ.get(name)
    return public_of(secret, name) if secret else None


def own_signature(name: str, text: bytes) -> str | None:
    """A text signed by the secret in the environment; `None` where there is none."""
    secret = os.environ.get(name)
    return sign(text, _bytes_of(secret, name)) if secret else None


def check_public(text: str) -> str:
    """A public key, or why it is none."""
    if text.strip().startswith(_MARK):
        raise InputError(
            "This is the secret half of a key, which nobody should be given.  It stands in your shell's history "
            "now: make a new pair (evenhand bounty key), and give the public half."
        )
    found = text.strip().lower()
    if not _DIGITS.fullmatch(found):
        raise InputError(
            f"{text[:80]!r} is no public key.  It has 64 hexadecimal digits, as `evenhand bounty key` makes them."
        )
    height = int.from_bytes(bytes.fromhex(found), "little") % 2**255 % _PRIME
    if height in _ANYBODYS:
        raise InputError(
            f"{found[:12]}… is a key for which anybody can sign.  Make a pair: evenhand bounty key."
        )
    return found


def signed_text(bounty: str, word: str, team: str, key: str, text: str = "") -> bytes:
    """What a team signs: one thing about one submission, in one bounty.

    Parameters
    ----------
    bounty : str
        Hash of the bounty's first event, so that no signature serves in another.
    word : str
        ``committed``, ``submitted``, ``withdrawn`` or ``appealed``.
    team, key : str
        Who, and the SHA-256 of the canonical submission.
    text : str
        The reason, where one is given.
    """
    return canonical({"bounty": bounty, "word": word, "team": team, "key": key, "text": text})


def _bytes_of(secret: str, name: str) -> bytes:
    digits = secret.strip().removeprefix(_MARK)
    if not secret.strip().startswith(_MARK) or not _DIGITS.fullmatch(digits):
        raise InputError(
            f"{name} is no secret key.  It is {_MARK!r} and 64 hexadecimal digits, as `evenhand bounty key` "
            "makes them."
        )
    return bytes.fromhex(digits)
