"""Samples: what is put before a service, loaded and measured.  Who a person is, is never guessed."""

from evenhand.samples.audio import Audio, measure_audio, read_audio, resample, write_audio
from evenhand.samples.measure import Measure
from evenhand.samples.sample import MEDIA_REASONS, Kind, Sample, SampleError, check_measures

__all__ = [
    "MEDIA_REASONS",
    "Audio",
    "Kind",
    "Measure",
    "Sample",
    "SampleError",
    "check_measures",
    "measure_audio",
    "read_audio",
    "resample",
    "write_audio",
]
