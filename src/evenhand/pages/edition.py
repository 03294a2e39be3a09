"""What whoever gives a page to others adds to it: a title, a note, a date, and names that readers know."""

import re
import shlex
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from evenhand.errors import InputError
from evenhand.pages.nouns import is_noun, many

#: Letters of a heading and of a note, at most: more is a document of its own.
LONGEST = {"title": 200, "note": 2000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """How an answer is presented; it changes no number.

    Attributes
    ----------
    title : str
        Heading of the page, in place of the question; 200 letters at most.
    note : str
        What readers should know first: who asked, of which service, what for; 2,000 letters at most.
    date : str
        When it was made.  Pages read no clock: who writes one says it.
    labels : mapping of str to str
        Plain names of columns (``race``), of values (``Caucasian``), or of values of one column
        (``race=Other``, which goes before the bare value).
    share : bool
        Meant for strangers: folders of the records and of files in the command are left out.  What is hidden of
        small groups is decided before: an edition changes no number.
    """

    title: str = ""
    note: str = ""
    date: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    share: bool = False

    def __post_init__(self) -> None:
        """Refuse a title or a note that no page has room for."""
        further = {"title": "Say more in the note.", "note": "Give the rest beside the page."}
        for name, most in LONGEST.items():
            letters = len(getattr(self, name))
            if letters > most:
                raise InputError(
                    f"{name} has {letters:,} letters, but may have at most {most:,}.  {further[name]}"
                )

    def column(self, name: str) -> str:
        """What a column is called."""
        return self.labels.get(name, name)

    def value(self, column: str, value: object) -> str:
        """What a value of a column is called."""
        text = str(value)
        return self.labels.get(f"{column}={text}", self.labels.get(text, text))

    def apart(self, values: Mapping[str, Collection[object]]) -> "Edition":
        """The same with values that would be called alike kept apart: ``North (leeds)``.

        Parameters
        ----------
        values : mapping of str to collection
            The values that occur, by their column.
        """
        labels = dict(self.labels)
        for column, occurring in values.items():
            called = {value: self.value(column, value) for value in occurring}
            often = Counter(called.values())
            for value, label in called.items():
                if often[label] > 1 and label != str(value):
                    labels[f"{column}={value}"] = f"{label} ({value})"
        return replace(self, labels=labels)

    def unknown(
        self, names: Collection[str], values: Mapping[str, Collection[object]]
    ) -> list[str]:
        """Labels of what does not occur, neither as a name nor as a value of a column."""
        known = {*names, *values}
        for column, occurring in values.items():
            known |= {text for value in occurring for text in (str(value), f"{column}={value}")}
        return [name for name in self.labels if name not in known]

    def crossed(self, by: Sequence[str]) -> str:
        """What a way to cut the records is called: ``sex × race``."""
        return " × ".join(map(self.column, by))

    def group(self, group: Mapping[str, object], predicate: str) -> str:
        """What a group is called where it is known how the records are cut."""
        if group == {predicate: True}:
            return self.labels.get(predicate, predicate)
        return " · ".join(self.value(column, value) for column, value in group.items())

    def named(self, group: Mapping[str, object], predicate: str = "") -> str:
        """What a group is called where nothing beside it says how the records are cut: numbers with their column.

        Examples
        --------
        >>> PLAIN.named({"floor": 4, "accent": "american"})
        'floor 4 · american'
        """
        if group == {predicate: True}:
            return self.labels.get(predicate, predicate)
        return " · ".join(
            self.column(column)
            if value is True and not column.isidentifier()
            else self.named_value(column, value)
            for column, value in group.items()
        )

    def named_value(self, column: str, value: object) -> str:
        """What a value of a column is called where nothing beside it names the column: ``floor 4``."""
        text = self.value(column, value)
        bare = text == str(value) and _BARE.fullmatch(text)
        return f"{self.column(column)} {text}" if bare else text

    def groups(self, by: Sequence[str], *, predicate: bool) -> str:
        """What the groups of one cut are called: ``accents``, or ``groups of sex × race``."""
        name = self.column(by[0])
        if len(by) == 1 and is_noun(name) and not predicate:
            return many(name)
        return f"groups of {self.crossed(by)}"

    def made(self, source: str) -> str:
        """From which records, and when."""
        return (
            f"Made on {self.date} from {self.source(source)}."
            if self.date
            else f"Records: {self.source(source)}."
        )

    def command(self, command: str, source: str = "") -> str:
        """The command that asks again; to strangers without the folders of the records and of other files.

        Examples
        --------
        >>> Edition(share=True).command("evenhand audit --by a/b x/calls.csv --html /home/jo/o.html", "x/calls.csv")
        'evenhand audit --by a/b calls.csv --html o.html'
        """
        if not self.share:
            return command
        try:
            words = shlex.split(command)
        except ValueError:  # nothing that a shell reads, so nothing to paste
            return ""
        return shlex.join(self._word(*pair, source) for pair in pairwise(["", *words]))

    def _word(self, before: str, word: str, source: str) -> str:
        """A word of a command, without folders where it names a file."""
        option, equals, value = word.partition("=")
        if equals and option.startswith("--"):
            return f"{option}={self._word(option, value, source)}"
        file = before in _FILES or word == source or _PLACE.match(word)
        return self.source(word) if file else word

    def source(self, name: str) -> str:
        """What the records are called: without folders in front, which say nothing to a reader."""
        return without_folders(name)


def without_folders(name: str) -> str:
    """The name of a file, or of a table behind a URL, without what stands in front.

    Examples
    --------
    >>> without_folders("/home/ada/calls/may.csv")
    'may.csv'
    """
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2] or name


#: Options of commands that name files.
_FILES = frozenset({"--cube", "--figure", "--html", "--labels"})
#: How a path begins that is told from its root, or from where somebody is.
#: A value that says nothing without its column.
_BARE = re.compile(r"[-+]?[\d.]+|true|false", re.IGNORECASE)
_PLACE = re.compile(r"[/~]|\.{1,2}[/\\]|[A-Za-z]:[/\\]|[a-z]+://")
#: The page as it is without any wish.
PLAIN = Edition()
