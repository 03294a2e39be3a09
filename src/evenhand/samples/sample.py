"""One thing that is put before a service, with what is known about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from evenhand.errors import InputError, unknown_name

Kind = Literal["audio", "image", "text", "table"]

#: Why a sample could not be used.  The sentence is what a person reads.
MEDIA_REASONS = {
    "missing_media": "the file is not there, or must not be read",
    "unreadable_media": "the file is damaged, cut short or of a kind that cannot be read",
    "empty_media": "the file holds nothing: no sound, no picture",
    "too_large_media": "the file would not fit into memory",
    "unfit_media": "the condition does not fit this sample: a tone above its bandwidth, for example",
    "no_speech": "there is no sound in it, so nothing can be set in relation to its level",
}

#: Words that ask what a person is.  No signal tells it; people do, or it stays unknown.
_PERSONAL = frozenset(
    {
        "accent",
        "age",
        "ancestry",
        "dialect",
        "disability",
        "ethnicity",
        "female",
        "gender",
        "male",
        "nationality",
        "nativeness",
        "race",
        "religion",
        "sex",
        "sexuality",
        "skin",
    }
)


class SampleError(InputError):
    """The media of a sample cannot be used; the trial goes on and the row says why.

    Parameters
    ----------
    message : str
        What is wrong, and what to do.
    reason : str
        Code from `MEDIA_REASONS`.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        assert reason in MEDIA_REASONS, reason
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What a trial puts before a service.

    Attributes
    ----------
    id : str
        Its name within the manifest.
    kind : str
        ``audio``, ``image``, ``text`` or ``table``.
    media : Audio, Image, str or dict
        The thing itself.
    reference : Any
        What the right answer is; `None` where there is none.
    attributes : dict
        What people said or annotated about it; never guessed from the media.
    unit : str, optional
        What is independent: speaker, patient, document.
    """

    id: str
    kind: Kind
    media: Any
    reference: Any = None
    attributes: dict[str, Any] = field(default_factory=dict)
    unit: str | None = None


def check_measures(names: Sequence[str], known: Sequence[str]) -> None:
    """Refuse measures that do not exist, and those that must not.

    Raises
    ------
    InputError
        When a name asks what a person is, or is unknown.

    Examples
    --------
    >>> check_measures(["speech_level_db"], ["speech_level_db"])
    """
    for name in names:
        if _PERSONAL & set(name.casefold().split("_")):
            raise InputError(
                f"{name!r} is not measured: no signal tells who a person is, and a guess would be wrong most "
                "often for the very groups an audit is about.  Take it from the people themselves or from "
                "annotation, as an attribute of the manifest; or compare groups that matter to the task and can "
                f"be measured: {', '.join(known)}."
            )
        if name not in known:
            raise InputError(unknown_name("measure", name, list(known)))
