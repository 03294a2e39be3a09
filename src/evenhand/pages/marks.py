"""One sign for each kind of verdict, the same in tables, pictures and at the terminal."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A sign as a character, and drawn around the origin of a picture; so colour is never the only one."""

    sign: str
    path: str
    style: str


#: By kind of verdict; the kinds are the classes of the stylesheet.
MARKS = {
    "worse": Mark(sign="▲", path="M0-7 7 5.5H-7z", style="bold red"),
    "better": Mark(sign="▼", path="M0 7 7-5.5H-7z", style="green"),
    "fine": Mark(sign="✓", path="M-6 .5-2 5 6-5", style="green"),
    "unsure": Mark(sign="?", path="M-4-3.5a4 4 0 1 1 6 3.5c-1.6 1-2 1.4-2 3M0 6.6v.1", style="dim"),
    "none": Mark(sign="–", path="M-5 0H5", style="dim"),
}
