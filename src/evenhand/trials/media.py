"""Media of a trial: read, put under a condition, measured; runs in any executor."""

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evenhand.conditions import Condition
from evenhand.errors import InputError
from evenhand.samples import measure_audio
from evenhand.samples.audio import import_extra, read_audio
from evenhand.samples.image import pillow, read_image
from evenhand.samples.image_measures import measure_image
from evenhand.samples.sample import Kind, SampleError
from evenhand.samples.text import measure_text
from evenhand.services.service import (
    Answer,
    LocalService,
    Request,
    ServiceError,
    encode,
)

_LAST = threading.local()
#: Reason of a service that lacks something for every sample alike.
CANNOT_RUN = "cannot_run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """All that a worker needs to make the media of one call."""

    request: Request
    source: Any
    content: bytes
    condition: Condition | None = None
    seed: int = 0


def content_of(kind: Kind, media: Any) -> bytes:
    """SHA-256 of a sample's content; files by their bytes.

    Raises
    ------
    SampleError
        Where the file cannot be read.
    """
    digest = hashlib.sha256(kind.encode())
    if isinstance(media, Path):
        try:
            with media.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        except (OSError, ValueError) as error:
            raise _missing(media, error) from error
    elif kind == "text":
        digest.update(media.encode("utf-8", "surrogatepass"))
    elif kind == "table":
        digest.update(json.dumps(media, sort_keys=True, default=str).encode())
    elif kind == "audio":
        digest.update(str(media.rate).encode() + media.signal.tobytes())
    else:
        digest.update(str(media.pixels.shape).encode() + media.pixels.tobytes())
    return digest.digest()


def missing_package(kind: Kind) -> str | None:
    """What must be installed to read and write media of a kind; `None` where nothing is missing."""
    try:
        if kind == "audio":
            import_extra("soundfile")
        elif kind == "image":
            pillow()
    except InputError as error:
        return str(error)
    return None


def _missing(path: Path, error: Exception) -> SampleError:
    reason = getattr(error, "strerror", None) or str(error)
    return SampleError(f"{path} cannot be read: {reason}.", reason="missing_media")


def read_media(kind: Kind, source: Any) -> Any:
    """Media behind a source: a path is read, anything else is the media already."""
    if not isinstance(source, Path):
        return source
    if kind == "audio":
        return read_audio(source)
    if kind == "image":
        return read_image(source)
    try:
        return source.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SampleError(f"{source} is not UTF-8 text.", reason="unreadable_media") from error
    except OSError as error:
        raise _missing(source, error) from error


def _media(job: Job) -> Any:
    """Media of a job; the file read last stays at hand, since its conditions follow each other."""
    media = job.source
    if isinstance(media, Path):
        if getattr(_LAST, "content", None) != job.content:
            _LAST.media = read_media(job.request.kind, media)
            _LAST.content = job.content
        media = _LAST.media
    return media if job.condition is None else job.condition.apply(media, job.seed)


def prepare(job: Job) -> Request | Answer:
    """Request with its media on the wire's form, or the failure that takes its place."""
    try:
        media = _media(job)
        if job.request.kind in ("audio", "image"):
            media = encode(job.request.kind, media)
        return _with_media(job.request, media)
    except Exception as error:  # noqa: BLE001 - media and conditions of any kind; the row tells it
        return failure(error)


def _with_media(asked: Request, media: Any) -> Request:
    """Request with its media; `dataclasses.replace` takes six times as long, once a call."""
    return Request(
        kind=asked.kind,
        media=media,
        sample_id=asked.sample_id,
        condition=asked.condition,
        repeat=asked.repeat,
        parameters=asked.parameters,
        key=asked.key,
    )


def answer_here(service: LocalService, job: Job) -> Answer:
    """Answer of a service that computes in this process."""
    try:
        media = _media(job)
    except Exception as error:  # noqa: BLE001 - as above
        return failure(error)
    try:
        return service.answer_now(_with_media(job.request, media))
    except InputError as error:
        if isinstance(error, SampleError):
            return failure(error)
        return Answer(outcome="failed", reason=f"{CANNOT_RUN}: {error}")
    except Exception as error:  # noqa: BLE001 - as above
        return failure(error)


def failure(error: BaseException) -> Answer:
    """Outcome of a call that gave no answer; exceptions themselves do not travel between processes."""
    if isinstance(error, SampleError):
        return Answer(
            outcome="failed", reason=f"{error.reason}: {' '.join(str(error).split())[:300]}"
        )
    if isinstance(error, ServiceError):
        return Answer(outcome="failed", reason=error.reason, cost=error.cost, raw=error.raw)
    said = " ".join(str(error).split())[:300]
    return Answer(outcome="failed", reason=f"exception: {type(error).__name__}: {said}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """A sample to measure; `profile` is what rows of a table are held against."""

    kind: Kind
    source: Any
    content: bytes
    words: int | None = None
    profile: Any = field(default=None)


def measure(task: Measuring) -> dict[str, Any]:
    """Measured attributes of a sample; empty where its media cannot be read."""
    try:
        media = read_media(task.kind, task.source)
        return dict(_measures(task, media))
    except Exception:  # noqa: BLE001 - the sample's own rows say what is wrong with it
        return {}


def _measures(task: Measuring, media: Any) -> Mapping[str, Any]:
    match task.kind:
        case "audio":
            return measure_audio(media, words=task.words)
        case "image":
            return measure_image(media)
        case "text":
            return measure_text(media)
        case "table":
            return task.profile.measure(media) if task.profile is not None else {}


__all__ = [
    "CANNOT_RUN",
    "Job",
    "Measuring",
    "answer_here",
    "content_of",
    "failure",
    "measure",
    "prepare",
]
