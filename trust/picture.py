"""Draws docs/pictures/trust.svg: measured against nominal, rivals as hollow dots."""

from collections.abc import Mapping
from html import escape
from typing import Any

from .claims import Measured
from .measuring import CLAIMS, ROOT
from .page import read

PICTURE = ROOT / "docs" / "pictures" / "trust.svg"
LEFT, WIDTH, STEP, TOP = 250, 430, 18, 56
INK, PALE, GREEN, AMBER = "#1c1b1a", "#d8d4ce", "#1f6b3a", "#a15c00"


def at(share: float) -> float:
    """Place of a share on the axis."""
    return LEFT + WIDTH * min(max(share, 0.0), 1.0)


def dot(one: Measured, y: float, colour: str | None) -> str:
    """A dot with two Monte Carlo errors to either side; hollow where it is a rival's, without a colour."""
    if one.mean is None or one.error is None:
        return ""
    x, low, high = at(one.mean), at(one.mean - 2 * one.error), at(one.mean + 2 * one.error)
    if colour is None:
        return f'<circle cx="{x:.1f}" cy="{y}" r="3.5" fill="none" stroke="#5c5955"/>'
    return (
        f'<path d="M{low:.1f} {y}H{high:.1f}" stroke="{colour}" stroke-width="2"/>'
        f'<circle cx="{x:.1f}" cy="{y}" r="3.5" fill="{colour}"/>'
    )


def line(name: str, found: Mapping[str, Measured], y: float) -> str:
    """A claim: its title, a tick at its nominal value, dots."""
    claim = CLAIMS[name]
    parts = [
        f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end" fill="{INK}">{escape(claim.title)}</text>',
        f'<path d="M{LEFT} {y}H{LEFT + WIDTH}" stroke="{PALE}"/>',
    ]
    parts += [dot(one, y, None) for who, one in found.items() if who != "evenhand"]
    parts.append(dot(found["evenhand"], y, AMBER if claim.bound == "told" else GREEN))
    if claim.nominal is not None:
        x = at(claim.nominal)
        parts.append(f'<path d="M{x:.1f} {y - 6}V{y + 6}" stroke="#b3261e" stroke-width="2"/>')
    return "".join(parts)


def svg(results: Mapping[str, Any]) -> str:
    """The whole picture; spreads are no shares and stand in the table only."""
    names = [name for name in results["claims"] if not name.startswith("spread")]
    height = TOP + STEP * len(names) + 30
    body = [
        line(name, read(results["claims"][name]), TOP + STEP * index)
        for index, name in enumerate(names)
    ]
    marks = [
        f'<text x="{at(x)}" y="{height - 12}" text-anchor="middle" fill="#5c5955">{x:g}</text>'
        for x in (0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
    ]
    title = "Promised: red. Measured: green, or amber for a known weakness, with 2 Monte Carlo errors. Rivals: hollow."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {height}" role="img" '
        f'font-family="system-ui, sans-serif"\n font-size="11"><title>{title}</title>\n'
        f'<rect width="720" height="{height}" fill="#fffdfa"/>'
        f'<text x="20" y="24" font-size="11" font-weight="600" fill="{INK}">{title}</text>'
        + "\n".join(body + marks)
        + "</svg>\n"
    )


def write(results: Mapping[str, Any]) -> None:
    """Write the picture."""
    PICTURE.write_text(svg(results), encoding="utf-8")
