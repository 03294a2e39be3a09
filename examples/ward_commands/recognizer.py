"""PocketSphinx with a vocabulary and a language model of our own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pocketsphinx import Decoder, get_model_path  # type: ignore[import-untyped]
from tones import Samples


class Recognizer:
    """A transcriber that knows only the given words.

    Parameters
    ----------
    arpa : str
        A language model as ARPA text.
    words : iterable of str
        The vocabulary; each word must stand in the CMU dictionary that PocketSphinx brings.
    """

    def __init__(self, arpa: str, words: Iterable[str]) -> None:
        model = Path(get_model_path("en-us"))
        with tempfile.TemporaryDirectory() as folder:
            language, dictionary = Path(folder) / "ward.arpa", Path(folder) / "ward.dict"
            language.write_text(arpa, encoding="utf-8")
            dictionary.write_text(
                pronunciations(model / "cmudict-en-us.dict", words), encoding="utf-8"
            )
            self._decoder = Decoder(
                hmm=str(model / "en-us"), lm=str(language), dict=str(dictionary), loglevel="FATAL"
            )

    def transcribe(self, samples: Samples) -> str:
        """Return the words heard, in lower case; empty if there are none.

        The same samples give the same words whatever was transcribed before.
        """
        # Else the running estimate of the channel (cepstral mean) carries over from the last one.
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        self._decoder.process_raw(to_16_bit(samples).tobytes(), full_utt=True)
        self._decoder.end_utt()
        hypothesis = self._decoder.hyp()
        return str(hypothesis.hypstr) if hypothesis else ""


def to_16_bit(samples: Samples) -> NDArray[np.int16]:
    """Round samples in [-1, 1] to 16-bit integers; louder ones are clipped."""
    return np.clip(np.round(samples * 32_767.0), -32_768, 32_767).astype(np.int16)


def pronunciations(dictionary: Path, words: Iterable[str]) -> str:
    """Copy the lines of a CMU dictionary that pronounce the words, ``the(2)`` with ``the``.

    Raises
    ------
    ValueError
        Naming all words the dictionary lacks.
    """
    wanted = set(words)
    lines = [
        line
        for line in dictionary.read_text(encoding="utf-8").splitlines()
        if line.split(maxsplit=1)[0].split("(")[0] in wanted
    ]
    lacking = wanted - {line.split(maxsplit=1)[0] for line in lines}
    if lacking:
        raise ValueError(
            f"No pronunciation for {', '.join(sorted(lacking))} in {dictionary}. "
            "Use words of the CMU dictionary in ward_commands.toml."
        )
    return "\n".join([*lines, ""])
