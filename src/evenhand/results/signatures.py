"""Signatures by Ed25519 (RFC 8032, doi:10.17487/RFC8032): made with a secret, checked with its public half.

All of it needs the extra `sign`, which is loaded when the first signature is made or checked.
"""

from typing import TYPE_CHECKING

from evenhand.deferred import Deferred
from evenhand.errors import InputError

if TYPE_CHECKING:
    from cryptography import exceptions
    from cryptography.hazmat.primitives.asymmetric import ed25519
else:
    exceptions = Deferred("cryptography.exceptions")
    ed25519 = Deferred("cryptography.hazmat.primitives.asymmetric.ed25519")


def check_signing() -> None:
    """Say what is missing where signatures cannot be made."""
    try:
        ed25519.Ed25519PrivateKey  # noqa: B018 - asks for the library
    except ImportError as error:
        raise InputError(
            "Signatures need the extra `sign`: pip install 'evenhand[sign]'"
        ) from error


def is_signed(text: bytes, public_key: str, value: str) -> bool:
    """Whether a signature is of this text and by this public key, both as hexadecimal digits."""
    check_signing()
    try:
        key = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(value), text)
    except (ValueError, exceptions.InvalidSignature):
        return False
    return True


def sign(text: bytes, secret: bytes) -> str:
    """The signature of a text, as hexadecimal digits."""
    check_signing()
    return ed25519.Ed25519PrivateKey.from_private_bytes(secret).sign(text).hex()


def public_half(secret: bytes) -> str:
    """The public key of a secret of 32 bytes, as hexadecimal digits."""
    check_signing()
    key = ed25519.Ed25519PrivateKey.from_private_bytes(secret)
    return key.public_key().public_bytes_raw().hex()
