"""What a measure of a sample is, said once for documentation and checks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleMeasure:
    """A number that is measured on media.

    Attributes
    ----------
    name : str
        Name of the attribute, with its unit at the end.
    unit : str
    about : str
        What it is.
    undefined : str
        When it is `None`.
    source : str
        Where it is defined.
    """

    name: str
    unit: str
    about: str
    undefined: str
    source: str
