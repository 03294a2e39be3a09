"""Writes docs/trust.md: every figure comes from results.json."""

from collections.abc import Mapping
from typing import Any

from .claims import Claim, Measured, holds
from .measuring import CLAIMS, ROOT

PAGE = ROOT / "docs" / "trust.md"
HEAD = """# Trust: what was claimed, and what was measured

<!-- Written by `make trust`. Do not edit: change trust/ and run it again. -->

Every error rate that Evenhand states was simulated: worlds are drawn in which the truth is known, and it is
counted how often Evenhand is wrong.  Other tools are asked about the same data in the same run.  Here is what
came out, also where it is not flattering.

![Measured against nominal](pictures/trust.svg)

*Measured* is followed by one Monte Carlo standard error and the number of worlds.  A claim **holds** where what
was measured lies within 3 Monte Carlo errors of what was promised (coverage: 2 points more).  **told** means that
nothing is promised there: it is a known weakness, or no rate.  Worlds in which an interval is refused are not
averaged, but counted.
"""
TAIL = """
## What this page does not show

* {share}
* GLIDE's cluster interval is absent: its package needs Python 3.12 or newer, and this page was made with {python}.
* All worlds are of our own making.  Whoever doubts the page should write one that breaks it (`trust/worlds_*.py`)
  and send it in.
* A world in which a claim holds says nothing of all worlds.  Where units are very few and very skewed, no known
  method holds: see [known limits](reasons.md#known-limits).

Measured with {versions}.
"""


def read(found: Mapping[str, Any]) -> dict[str, Measured]:
    """Measurements of one claim, from JSON."""
    return {who: Measured(**said) for who, said in found.items()}


def number(value: float) -> str:
    """Three decimals without a leading zero."""
    text = f"{value:.3f}"
    return text[1:] if text.startswith("0.") else text


def told(one: Measured) -> str:
    """Mean ± error (worlds), and refusals."""
    if one.mean is None or one.error is None:
        return f"refused in all {one.refused}" if one.refused else "–"
    refused = f", {one.refused} refused" if one.refused else ""
    return f"{number(one.mean)} ± {number(one.error)} ({one.worlds}{refused})"


def promised(claim: Claim) -> str:
    """The nominal value and its side."""
    if claim.nominal is None:
        return "best rival − .03" if claim.bound == "at least" else "–"
    sign = {"at most": "≤ ", "at least": "≥ "}.get(claim.bound, "")
    return sign + number(claim.nominal)


def verdict(claim: Claim, found: Mapping[str, Measured]) -> str:
    """A word for the table."""
    if claim.bound == "told":
        return "told"
    if found["evenhand"].mean is None:
        return "refused"
    return "holds" if holds(claim, found) else "**broken**"


def row(claim: Claim, found: Mapping[str, Measured]) -> str:
    """One line of the table."""
    others = "; ".join(
        f"{who} {told(said)}" for who, said in found.items() if who != "evenhand" and said.worlds
    )
    words = claim.words + (f" *({claim.note})*" if claim.note else "")
    cells = (words, claim.world, promised(claim), told(found["evenhand"]), verdict(claim, found))
    return f"| {claim.title} | " + " | ".join(cells) + f" | {others or '–'} |"


def text(results: Mapping[str, Any]) -> str:
    """The whole page."""
    read_ = {name: read(found) for name, found in results["claims"].items()}
    verdicts = [verdict(CLAIMS[name], found) for name, found in read_.items()]
    count = {word: verdicts.count(word) for word in ("holds", "**broken**", "refused", "told")}
    summary = (
        f"\nOf {len(verdicts)} claims {count['holds']} hold, {count['**broken**']} are broken, "
        f"{count['refused']} are refused by the tool itself, and {count['told']} are told without a promise.\n"
    )
    table = [
        "| what | claim | world | promised | measured | | rivals, same worlds |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(row(CLAIMS[name], found) for name, found in read_.items()),
    ]
    kept = results["share"]
    share = (
        "All worlds that the scripts name were run."
        if kept == 1
        else f"Most claims were measured in {kept:.0%} of the worlds that `make trust` runs: errors are larger. "
        "The others were run in full after a first look, mostly because they lay near their bound."
    )
    made = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    tail = TAIL.format(share=share, python=results["versions"]["python"], versions=made)
    return HEAD + summary + "\n" + "\n".join(table) + "\n" + tail


def write(results: Mapping[str, Any]) -> None:
    """Write the page."""
    PAGE.write_text(text(results), encoding="utf-8")
