"""The live demo: finds the condition, proves who pays for it, tries the repair."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from evenhand.demos.finding import find_condition, most_calls
from evenhand.demos.recording import Part, Ward, check_extra, processes
from evenhand.demos.story import CONDITIONS, Story, tell_story


def run_live(
    records: Path,
    *,
    tell: Callable[[int, int], None] | None = None,
    voices: Sequence[str] = (),
    sentences: Mapping[Part, int] | None = None,
) -> Story:
    """Run the live demo.

    Parameters
    ----------
    records : Path
        Parquet file of the records; the answers are kept beside it, and a second run takes them
        from there.
    tell : callable, optional
        Told how many utterances were recognised since the last time, and how many there are at
        most.
    voices : sequence of str
        All where none is named.
    sentences : mapping
        At most so many sentences to ``find`` and to ``prove``.

    Returns
    -------
    Story

    Raises
    ------
    InputError
        Without the packages of the extra ``demo``.
    InterruptedTrial
        After Ctrl-C; the same call goes on.
    """
    check_extra()
    start = time.monotonic()
    ward = Ward(records=records, voices=voices, sentences=sentences or {})
    names = {one.attributes["voice"] for one in ward.samples("find")}
    total = most_calls(len(names), len(ward.samples("find")) // len(names))
    total += len(CONDITIONS) * len(ward.samples("prove"))
    with processes() as executor:
        ward.executor = executor
        ward.tell = None if tell is None else lambda more: tell(more, total)
        search = find_condition(lambda given, most: ward.recognise(given, "find", most=most))
        story = tell_story(ward, search)
    seconds = time.monotonic() - start
    return replace(story, seconds=seconds, recognised=ward.recognised, kept=ward.kept)
