"""Samples: what is put before a service, loaded and measured.  Who a person is, is never guessed."""

from evenhand.samples.annotations import SkinTone, read_skin_tone
from evenhand.samples.audio import Audio, measure_audio, read_audio, resample, write_audio
from evenhand.samples.image import Image, read_image, write_image
from evenhand.samples.image_measures import MEASURES as _IMAGE
from evenhand.samples.image_measures import measure_image
from evenhand.samples.measure import SampleMeasure
from evenhand.samples.sample import MEDIA_REASONS, Kind, Sample, SampleError, check_measures
from evenhand.samples.speech_measures import MEASURES as _AUDIO
from evenhand.samples.table import MEASURES as _TABLE
from evenhand.samples.table import TableProfile
from evenhand.samples.text import MEASURES as _TEXT
from evenhand.samples.text import measure_text

#: Measures by kind of sample, as the reference lists them.
MEASURES: dict[Kind, tuple[SampleMeasure, ...]] = {
    "audio": _AUDIO,
    "image": _IMAGE,
    "text": _TEXT,
    "table": _TABLE,
}

__all__ = [
    "MEASURES",
    "MEDIA_REASONS",
    "Audio",
    "Image",
    "Kind",
    "Sample",
    "SampleError",
    "SampleMeasure",
    "SkinTone",
    "TableProfile",
    "check_measures",
    "measure_audio",
    "measure_image",
    "measure_text",
    "read_audio",
    "read_image",
    "read_skin_tone",
    "resample",
    "write_audio",
    "write_image",
]
