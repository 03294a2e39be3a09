"""A gate as Markdown: the summary of a step, and the comment on a pull request.  Nothing of the data is markup."""

import re
from collections.abc import Iterator

from evenhand.errors import inert_text
from evenhand.gates.result import Gate, RuleAnswer
from evenhand.gates.words import SAID, beyond_first, caveats, headline, notes, obligations
from evenhand.pages.caveats import before_numbers
from evenhand.pages.commands import readable
from evenhand.pages.marks import MARKS
from evenhand.records.output import MADE_HERE

#: Checks that are told of a rule; all are in the JSON and the page.
SHOWN = 20
#: Characters of a comment that GitHub takes are 65,536.
LONGEST = 60_000
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~&@:$^=/])")


def render_summary(found: Gate) -> str:
    """What stands on the page of a run."""
    return "\n".join(_lines(found)) + "\n"


def render_comment(found: Gate) -> str:
    """What stands below a pull request; its first line tells it from others, so that it can be replaced."""
    text = f"{MADE_HERE}\n{render_summary(found)}"
    if len(text) <= LONGEST:
        return text
    return text[:LONGEST].rpartition("\n")[0] + "\n\n… cut here: the rest is in the report\\.\n"


def escaped(text: str) -> str:
    r"""Text in which nothing is markup, a link or a mention, on one line.

    Examples
    --------
    >>> print(escaped("<b>a_b</b> | 1.5"))
    \<b\>a\_b\<\/b\> \| 1\.5
    """
    plain = " ".join(inert_text(text).split())
    marked = _MARKUP.sub(r"\\\1", plain)
    # A name is mentioned even behind a backslash: nothing visible stands between.
    return marked.replace("\\@", "\\@\u200b").replace("\\:\\/\\/", "\\:\u200b\\/\\/")


def in_code(text: str) -> str:
    """Text as code on one line, between more backticks than it has in a row: none of it ends the code.

    Examples
    --------
    >>> print(in_code("evenhand audit a_b.csv"), in_code("a `` b"))
    `evenhand audit a_b.csv` ``` a `` b ```
    """
    plain = " ".join(inert_text(text).splitlines())
    runs = re.findall(r"`+", plain)
    fence = "`" * (max(map(len, runs), default=0) + 1)
    room = " " if runs else ""
    return f"{fence}{room}{plain}{room}{fence}"


def _lines(found: Gate) -> Iterator[str]:
    yield f"## {escaped(found.title or 'Evenhand')}"
    yield ""
    yield f"**{escaped(headline(found))}**"
    yield ""
    yield "| rule | answer | why |"
    yield "| --- | --- | --- |"
    for rule in found.rules:
        word, kind = SAID[rule.answer]
        yield f"| {escaped(rule.name)} | {MARKS[kind].sign} {word} | {escaped(rule.sentence)} |"
    if told := before_numbers(caveats(found)):
        yield ""
        yield from (f"- {escaped(note)}" for note in told)
    for rule in (*found.of("fail"), *found.of("insufficient evidence")):
        if lines := list(_rule(rule)):
            yield from ("", f"### {escaped(rule.name)}", "", *lines)
    yield ""
    yield from (f"{escaped(note)}  " for note in notes(found))


def _rule(rule: RuleAnswer) -> Iterator[str]:
    checks = beyond_first(rule)
    yield from (f"- {escaped(check.sentence)}" for check in checks[:SHOWN])
    if len(checks) > SHOWN:
        yield f"- … and {len(checks) - SHOWN} more"
    for word, text in obligations(rule):
        yield f"- **{word}:** {escaped(text)}"
    if rule.command:
        yield f"- **Look closer:** {in_code(readable(rule.command))}"
