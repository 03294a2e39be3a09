"""What services answered: asked by the host, kept by hash, and looked up where a list is judged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.strangers.runner import Answered
from evenhand.errors import InputError

Places = npt.NDArray[np.int64]
#: Asks a service, by its name, about rows of a table, by their numbers; `None` where it gives no answer.
Call = Callable[[str, list[int]], Sequence[str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one service answered about some rows.

    Attributes
    ----------
    places : array of shape (rows,)
        Numbers of the rows, each once; unlike each other in the whole bounty.
    texts : array of shape (rows, times)
        Its answers; empty where it gave none.
    given : array of shape (rows, times)
        Where it gave one.
    """

    places: Places
    texts: npt.NDArray[np.str_]
    given: npt.NDArray[np.bool_]


class AskedServices:
    """Answers that the host has, in place of something that runs models.

    A row about which a service gave no answer, any of the times it was asked, has none.
    """

    def __init__(self) -> None:
        self._said: dict[str, dict[int, tuple[str, ...] | None]] = {}

    def add(self, service: str, said: Said) -> None:
        """Keep what a service answered."""
        known = self._said.setdefault(service, {})
        for place, texts, given in zip(said.places, said.texts, said.given, strict=True):
            known[int(place)] = tuple(map(str, texts)) if given.all() else None

    def missing(self, service: str, places: Places) -> Places:
        """Rows that a service was not asked about."""
        known = self._said.get(service, {})
        return np.array([place for place in places if int(place) not in known], np.int64)

    def ask(self, service: str, places: Places) -> Answered:
        """Answers of shape (rows, times) about some rows."""
        known: Mapping[int, tuple[str, ...] | None] = self._said.get(service, {})
        absent = self.missing(service, places)
        if len(absent):
            raise SubmissionError(
                "not_asked", f"the host has not asked {service!r} about {len(absent):,} rows."
            )
        found = [known[int(place)] for place in places]
        times = max((len(texts) for texts in found if texts is not None), default=1)
        values = np.full((len(found), times), "", object)
        for row, texts in enumerate(found):
            if texts is not None:
                values[row] = texts
        failed = np.array([texts is None for texts in found], bool)
        return Answered(values=values, failed=failed)

    def run(self, *_: object, **__: object) -> Answered:
        """Refuses: a bounty of services runs no models."""
        raise SubmissionError("wrong_model", "this bounty asks services, and runs no models.")


class CalledServices(AskedServices):
    """Answers that are asked for when they are needed: where a list of services is served.

    Parameters
    ----------
    call : callable
        ``call(service, rows)`` gives a text, or `None`, for each row.
    """

    def __init__(self, call: Call) -> None:
        super().__init__()
        self._call = call

    def ask(self, service: str, places: Places) -> Answered:
        """Answers of shape (rows, 1) about some rows; each row once."""
        absent = self.missing(service, places)
        if len(absent):
            texts = list(self._call(service, absent.tolist()))
            if len(texts) != len(absent):
                raise InputError(
                    f"{service!r} was asked about {len(absent):,} rows, and {len(texts):,} answers came: give None "
                    "where there is none."
                )
            given = np.array([[text is not None] for text in texts])
            said = np.array([["" if text is None else str(text)] for text in texts])
            self.add(service, Said(places=absent, texts=said, given=given))
        return super().ask(service, places)
