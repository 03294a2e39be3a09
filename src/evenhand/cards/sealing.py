"""The seal of a card: a digest of all that it says, and a signature where a key is given."""

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evenhand.bounty.files import sha256
from evenhand.cards.result import Card, CardSignature
from evenhand.deferred import Deferred
from evenhand.errors import InputError
from evenhand.results.canonical import canonical_json
from evenhand.results.signatures import check_signing

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519
else:
    serialization = Deferred("cryptography.hazmat.primitives.serialization")
    ed25519 = Deferred("cryptography.hazmat.primitives.asymmetric.ed25519")

#: What the seal does not cover, because it is the seal.
UNSEALED = ("content_sha256", "signature")
_MAKE = "openssl genpkey -algorithm ed25519 -out key.pem && chmod 600 key.pem"
#: A key is a line or two; nothing longer is read.
_MOST = 16_384


def sealed(card: Card, key: Path | None = None) -> Card:
    """The card with its digest and, with a key, its signature."""
    text = sealed_text(card.to_dict())
    signature = None if key is None else _sign(text, key)
    return replace(card, content_sha256=sha256(text), signature=signature)


def sealed_text(plain: dict[str, Any]) -> bytes:
    """What the digest and the signature are of."""
    return canonical_json(
        {name: one for name, one in plain.items() if name not in UNSEALED}, "the card"
    )


def _sign(text: bytes, path: Path) -> CardSignature:
    key = _private_key(path)
    return CardSignature(
        algorithm="ed25519",
        public_key=key.public_key().public_bytes_raw().hex(),
        value=key.sign(text).hex(),
    )


def _private_key(path: Path) -> Any:
    """The key in a PEM file that nobody else may read."""
    check_signing()
    try:
        mode = path.stat().st_mode
        if os.name == "posix" and stat.S_ISREG(mode) and mode & 0o077:
            raise InputError(
                f"--key {path} may be read by others (its rights are {stat.S_IMODE(mode):04o}).  "
                f"Keep it to yourself: chmod 600 {path}"
            )
        with path.open("rb") as file:
            data = file.read(_MOST)
    except OSError as error:
        raise InputError(
            f"--key {path} cannot be read: {error.strerror or error}.  Make one: {_MAKE}"
        ) from error
    # What is wrong with a key is not told in the library's words, which may quote it.
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except TypeError:
        raise InputError(
            f"--key {path} is locked with a password.  Give a file without one: "
            f"openssl pkey -in {path} -out open.pem"
        ) from None
    except Exception:  # noqa: BLE001 - whatever the library raises, it is no key
        raise InputError(f"--key {path} is no private key in PEM.  Make one: {_MAKE}") from None
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise InputError(f"--key {path} is a key of another kind than Ed25519.  Make one: {_MAKE}")
    return key


def read_public_key(path: Path) -> str:
    """A public key, as hexadecimal digits, from PEM or from 64 such digits in a file."""
    check_signing()
    try:
        with path.open("rb") as file:
            data = file.read(_MOST)
    except OSError as error:
        raise InputError(
            f"--public-key {path} cannot be read: {error.strerror or error}."
        ) from error
    text = data.strip()
    if len(text) == 64 and all(digit in b"0123456789abcdefABCDEF" for digit in text):
        return text.decode().lower()
    if b"PRIVATE KEY" in data:
        raise InputError(
            f"--public-key {path} holds a private key, which nobody should be given.  Make the public one of it: "
            f"openssl pkey -in {path} -pubout"
        )
    try:
        key = serialization.load_pem_public_key(data)
    except Exception:  # noqa: BLE001 - whatever the library raises, it is no key
        raise InputError(
            f"--public-key {path} is no public key in PEM, nor 64 hexadecimal digits."
        ) from None
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise InputError(f"--public-key {path} is a key of another kind than Ed25519.")
    return key.public_bytes_raw().hex()
