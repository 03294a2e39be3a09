"""Values as strangers write them: finite numbers, and bytes as base64."""

import base64
import binascii
from typing import Any

from evenhand.bounty.strangers.refusals import SubmissionError

#: Brackets and commas of a submission; a tree of all levels with long lists has fewer.
MAX_PARTS = 1_000_000


def check_parts(data: bytes) -> None:
    """Refuse JSON of so many parts that reading it alone would take gigabytes.

    ONNX files stand in it as base64, which has neither brackets nor commas.
    """
    parts = sum(data.count(mark) for mark in b"[{,")
    if parts > MAX_PARTS:
        raise SubmissionError(
            "too_large", f"it has {parts:,} brackets and commas.  Allowed: {MAX_PARTS:,}."
        )


def decoded(value: Any) -> bytes:
    """The bytes of an ONNX file that was sent as base64."""
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise SubmissionError("damaged", "the ONNX file is not base64.") from error


def finite(value: Any) -> float:
    """A number of the size of a float32; neither truth value, NaN nor infinite."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    # Compared before anything turns it into a float: whole numbers may be longer than any float.
    if not plain or not -3.4e38 <= value <= 3.4e38:
        raise SubmissionError("wrong_number", "a number is not finite, or not a number.")
    return float(value)
