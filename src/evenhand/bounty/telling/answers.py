"""What the smaller commands answer: a file written, a promise kept, rows that confirmed."""

from dataclasses import dataclass
from typing import ClassVar

from evenhand.bounty.proof.verdict import FreshResult
from evenhand.results.protocol import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed(Result):
    """A submission that was promised by its hash.

    Attributes
    ----------
    team : str
        Who promised it.
    key : str
        SHA-256 of the submission.
    """

    SCHEMA: ClassVar[str] = "evenhand.commitment/1"

    team: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Written(Result):
    """A submission that was written to a file and not sent.

    Attributes
    ----------
    file : str
        Where it lies.
    """

    SCHEMA: ClassVar[str] = "evenhand.written/1"

    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported(Result):
    """The patched model outside the bounty.

    Attributes
    ----------
    nodes : int
        Version of the list: so many nodes.
    folder : str
        The directory that was written.
    onnx : str or None
        The one ONNX file, where it was asked for.
    """

    SCHEMA: ClassVar[str] = "evenhand.export/1"

    nodes: int
    folder: str
    onnx: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed(Result):
    """What fresh rows said of accepted updates.

    Attributes
    ----------
    confirmed : tuple of FreshResult
        One for each update that waited for fresh rows.
    """

    SCHEMA: ClassVar[str] = "evenhand.confirmed/1"

    confirmed: tuple[FreshResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services(Result):
    """Services that submissions may name.

    Attributes
    ----------
    services : tuple of str
        Their names.
    """

    SCHEMA: ClassVar[str] = "evenhand.services/1"

    services: tuple[str, ...]
