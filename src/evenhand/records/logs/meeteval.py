"""meeteval: errors of each session as JSON (``--per-reco-out``); a session without a reference has no rate."""

from collections.abc import Iterator

from evenhand.errors import InputError
from evenhand.records.logs.glimpse import Glimpse
from evenhand.records.logs.json_text import members
from evenhand.records.logs.reader import LogReader, RowLog
from evenhand.records.logs.row import LogRow

_COUNTS = (
    "errors", "length", "insertions", "deletions", "substitutions", "missed_speaker", "falarm_speaker",
    "scored_speaker",
)  # fmt: skip


class _MeetevalLog(RowLog):
    """Sessions of one comparison."""

    def rows(self) -> Iterator[LogRow]:
        for session, found in members(self.path).items():
            if not isinstance(found, dict) or "errors" not in found:
                raise InputError(
                    f"{self.path}: session {session!r} has no errors, so this is no file of meeteval per session."
                )
            scores = {name: found[name] for name in _COUNTS if found.get(name) is not None}
            yield LogRow({"id": session, "outcome": "answered"}, scores, {}, 500)

    def notes(self) -> Iterator[str]:
        yield (
            "meeteval takes up to 10 % of sessions that the hypothesis lacks for silence where --partial is given: "
            "they stand here as deletions."
        )


def _recognises(glimpse: Glimpse) -> bool:
    found = next(iter(glimpse.json.values()), None) if isinstance(glimpse.json, dict) else None
    return isinstance(found, dict) and found.keys() >= {"error_rate", "errors", "length"}


READER = LogReader(name="meeteval", title="meeteval", recognises=_recognises, open=_MeetevalLog)
