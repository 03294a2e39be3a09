"""Text normalisation before scoring: what counts as the same word.

The normaliser is part of the result. One that forgives the contractions of one dialect and not
those of another moves the gap between their speakers, so a report names its normaliser and, better,
shows several.
"""

import string
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.deferred import compute
from evenhand.errors import unknown_name
from evenhand.metrics.speech.english import normalize_english
from evenhand.metrics.speech.languages import languages
from evenhand.metrics.speech.unicode import is_bytewise, unicode_normalizer

#: The default first, then one for each language with rules of its own.
NORMALIZERS = ("unicode", "basic", "none", "english", *languages())

_PUNCTUATION = string.punctuation.encode()
_DELETED = _PUNCTUATION.replace(b"-", b"").replace(b"/", b"")
_LOWER_AND_PART = bytes(range(256)).lower().replace(b"-", b" ").replace(b"/", b" ")
_IS_DELETED = bytes(byte in _DELETED for byte in range(256))
_ASCII_LOWER = bytes(range(256)).lower()
_IS_PUNCTUATION = bytes(byte in _PUNCTUATION for byte in range(256))


def normalize(texts: pa.StringArray, normalizer: str) -> pa.StringArray:
    """Rewrite each text so that differences which should not count as errors are gone.

    White space is left as it is: splitting on it is tokenising, not normalising.

    Parameters
    ----------
    texts : pa.StringArray
        One transcript per entry, without nulls.
    normalizer : {"unicode", "basic", "none", "english"} or a language
        ``unicode`` is right in any script: composed characters (NFC), no case, no punctuation,
        any script's digits as 0 to 9; hyphens part words, apostrophes do not, and vowel signs,
        accents and tones stay. A language (``hindi``, ``turkish``, …) adds what its own
        orthography leaves open. ``basic`` is for old numbers of English: it lower-cases as
        ``str.lower`` does and deletes the 32 characters of ``string.punctuation``, and charges a
        curly quote, a danda or an NFD accent as an error. ``none`` returns the texts as they are.
        ``english`` is `evenhand.metrics.speech.english.normalize_english`.

    Returns
    -------
    pa.StringArray
        As many texts, in the same order.

    Raises
    ------
    ValueError
        If the normaliser is unknown.

    Examples
    --------
    >>> normalize(pa.array(["Don’t STOP!", "ठीक है।", "¿Qué?"]), "unicode").to_pylist()
    ['dont stop', 'ठीक है ', ' qué']
    >>> normalize(pa.array(["Don't STOP!", "Ἀθῆναι, ΣΟΦΟΣ"]), "basic").to_pylist()
    ['dont stop', 'ἀθῆναι σοφος']
    """
    if normalizer == "unicode":
        return _normalize_unicode(texts, None)
    if normalizer == "none":
        return texts
    if normalizer == "basic":
        return _delete(_lower_beyond_ascii(texts), _ASCII_LOWER, _PUNCTUATION, _IS_PUNCTUATION)
    if normalizer == "english":
        return strings(normalize_english(texts.to_pylist()))
    if normalizer in languages():
        return _normalize_unicode(texts, normalizer)
    raise ValueError(unknown_name("normalizer", normalizer, NORMALIZERS))


def strings(texts: Sequence[str]) -> pa.StringArray:
    """Arrow array of texts; ``pa.array`` would import pandas where it is installed (0.6 s)."""
    encoded = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)]).astype(np.int32)
    return pa.StringArray.from_buffers(
        len(texts), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))
    )


def utf8_parts(texts: pa.StringArray) -> tuple[bytes, npt.NDArray[np.int32]]:
    """Return the UTF-8 bytes of all texts together, and the bounds of each text in them."""
    _, offsets, data = texts.buffers()
    offsets = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    if data is None:
        return b"", offsets
    return data[offsets[0] : offsets[-1]].to_pybytes(), offsets - offsets[0]


def _normalize_unicode(texts: pa.StringArray, language: str | None) -> pa.StringArray:
    """Bytes where a text is ASCII, code points where it is not."""
    if not is_bytewise(language):
        return unicode_normalizer(language)(texts.to_pylist())
    ascii_rows = compute.string_is_ascii(texts)
    if compute.all(ascii_rows).as_py():
        return _delete(texts, _LOWER_AND_PART, _DELETED, _IS_DELETED)
    beyond = compute.invert(ascii_rows)
    rewritten = unicode_normalizer(language)(texts.filter(beyond).to_pylist())
    plain = _delete(texts.filter(ascii_rows), _LOWER_AND_PART, _DELETED, _IS_DELETED)
    order = np.argsort(np.argsort(beyond.to_numpy(zero_copy_only=False), kind="stable"))
    return pa.concat_arrays([plain, rewritten]).take(pa.array(order))


def _lower_beyond_ascii(texts: pa.StringArray) -> pa.StringArray:
    # pyarrow's utf8_lower knows neither the final sigma nor İ, whose lower case is two characters,
    # and reads another edition of Unicode: it differs from Python 3.11 on 76 characters.
    ascii_rows = compute.string_is_ascii(texts)
    if compute.all(ascii_rows).as_py():
        return texts
    beyond = compute.invert(ascii_rows)
    lowered = [text.lower() for text in texts.filter(beyond).to_pylist()]
    return compute.replace_with_mask(texts, beyond, strings(lowered))


def _delete(
    texts: pa.StringArray, table: bytes, deleted: bytes, is_deleted: bytes
) -> pa.StringArray:
    # On bytes, with the ASCII capitals lowered in the same pass: three times as fast as Arrow's
    # regular expressions. In UTF-8 a byte below 128 is always a character of its own.
    data, offsets = utf8_parts(texts)
    kept = data.translate(table, deleted)
    if len(kept) < len(data):
        gone = np.flatnonzero(np.frombuffer(data.translate(is_deleted), np.bool_))
        offsets = (offsets - np.searchsorted(gone, offsets)).astype(np.int32)
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(kept))
