"""Recognisers that run on this machine: PocketSphinx, and Whisper through faster-whisper."""

import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import numpy as np

from evenhand.errors import InputError
from evenhand.samples.audio import Audio, resample
from evenhand.services.service import Answer, Request, ServiceError, plain_answer

_RATE_HZ = 16_000
#: Decoders are not safe to share between threads, so each has its own.
_LOADED = threading.local()


@dataclass(slots=True, kw_only=True)
class SphinxService:
    """PocketSphinx; a small recogniser whose every answer can be reproduced.

    Attributes
    ----------
    name : str
    language_model, dictionary, acoustic_model : Path, optional
        The package's English ones if not given.
    options : Mapping
        Further settings of the decoder, for example ``beam``.
    """

    name: str
    language_model: Path | None = None
    dictionary: Path | None = None
    acoustic_model: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    version: str = field(init=False)

    def __post_init__(self) -> None:
        _need("pocketsphinx", "PocketSphinx", "speech")
        files = [self.language_model, self.dictionary, self.acoustic_model]
        digests = [None if path is None else _digest(path) for path in files]
        package = version_of("pocketsphinx")
        self.version = f"{package} {digests} {sorted(self.options.items())}"

    def answer_now(self, request: Request) -> Answer:
        """Recognise one utterance."""
        signal = _spoken(request)
        decoder = _loaded(self.version, self._load)
        pcm = (np.clip(signal, -1.0, 1.0) * 32767).astype("<i2").tobytes()
        start = time.monotonic()
        # Without this the running mean of the features carries one utterance into the next.
        decoder.reinit_feat()
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
        found = decoder.hyp()
        text = found.hypstr if found is not None else ""
        return plain_answer(text, seconds=time.monotonic() - start)

    def _load(self) -> Any:
        from pocketsphinx import Decoder  # noqa: PLC0415 - heavy extra

        named = {"lm": self.language_model, "dict": self.dictionary, "hmm": self.acoustic_model}
        given = {name: str(path) for name, path in named.items() if path is not None}
        try:
            return Decoder(samprate=_RATE_HZ, loglevel="FATAL", **given, **self.options)
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{self.name}: PocketSphinx does not take these models: {error}"
            ) from None


@dataclass(slots=True, kw_only=True)
class WhisperService:
    """A model of the Whisper family through faster-whisper.

    Attributes
    ----------
    name : str
    model : str
        Name or folder; a name is fetched by the package, once.
    language : str, optional
    device, compute : str
    options : Mapping
        Further options of ``transcribe``, for example ``beam_size`` or ``initial_prompt``.
    """

    name: str
    model: str = "small"
    language: str | None = None
    device: str = "auto"
    compute: str = "int8"
    options: Mapping[str, Any] = field(default_factory=dict)
    version: str = field(init=False)

    def __post_init__(self) -> None:
        _need("faster_whisper", "Whisper", "whisper")
        try:
            package = version_of("faster-whisper")
        except ImportError:
            package = "unknown"
        self.version = (
            f"{package} {self.model} {self.language} {self.compute} {sorted(self.options.items())}"
        )

    def answer_now(self, request: Request) -> Answer:
        """Recognise one utterance."""
        signal = _spoken(request).astype(np.float32)
        model = _loaded(self.version, self._load)
        start = time.monotonic()
        segments, _ = model.transcribe(signal, language=self.language, **self.options)
        text = " ".join(segment.text.strip() for segment in segments)
        return plain_answer(text.strip(), seconds=time.monotonic() - start)

    def _load(self) -> Any:
        from faster_whisper import WhisperModel  # noqa: PLC0415 - heavy extra

        return WhisperModel(self.model, device=self.device, compute_type=self.compute)


def _spoken(request: Request) -> Any:
    if not isinstance(request.media, Audio):
        raise ServiceError(
            "unfit_media", f"a recogniser takes audio, not {request.kind}", stop=True
        )
    return resample(request.media, _RATE_HZ).signal


def _loaded(version: str, load: Any) -> Any:
    models = _LOADED.__dict__.setdefault("models", {})
    if version not in models:
        models[version] = load()
    return models[version]


def _need(module: str, what: str, extra: str) -> None:
    from importlib.util import find_spec  # noqa: PLC0415 - beside its one use

    try:
        there = find_spec(module) is not None
    except ValueError:  # a module that was put there by hand
        there = True
    if not there:
        raise InputError(f"{what} needs one more package.  Run: pip install 'evenhand[{extra}]'")


def _digest(path: Path) -> str:
    """SHA-256 of a file, or of all files of a folder."""
    if not path.exists():
        raise InputError(f"No file or folder is called {str(path)!r}.")
    files = sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]
