"""Numbers in words: how a rate, an interval, a difference, a p-value and a count are written."""

from collections.abc import Sequence

from evenhand.pages.nouns import many

#: How people read a minus; programs, and commands to paste, have the hyphen.
MINUS = "−"


def minus(text: str) -> str:
    """A number that is written, with a minus for people.

    Examples
    --------
    >>> minus(f"{-0.334:.3g}")
    '−0.334'
    """
    return text.replace("-", MINUS)


def rate(value: float | None) -> str:
    """A rate with three digits after the point, or as many as it needs.

    Examples
    --------
    >>> rate(0.2533), rate(1234.5), rate(None), rate(-0.00012)
    ('.253', '1,234', '–', '−.00012')
    """
    if value is None:
        return "–"
    if abs(value) >= 1000:
        return minus(f"{value:,.0f}")
    if abs(value) >= 1:
        return minus(f"{value:.4g}")
    text = f"{value:.3f}" if abs(value) >= 0.001 or value == 0 else f"{value:.2g}"
    if "e" in text:
        return minus(text)
    return minus(text.replace("0.", ".", 1)) if float(text) else "0"


def share(value: float | None) -> str:
    r"""A share in per cent, with one digit after the point.

    Examples
    --------
    >>> share(0.4484), share(None)
    ('44.8\xa0%', '–')
    """
    return "–" if value is None else minus(f"{value * 100:.1f}\u00a0%")


def with_bounds(value: str, bounds: str) -> str:
    """A value with its interval behind it, where there is one.

    Examples
    --------
    >>> with_bounds(".250", ".200 to .310"), with_bounds(".250", "–")
    ('.250 (.200 to .310)', '.250')
    """
    return value if bounds in ("", "–") else f"{value} ({bounds})"


def interval(low: float | None, high: float | None) -> str:
    """Bounds as ``.238 to .268``."""
    return "–" if low is None or high is None else f"{rate(low)} to {rate(high)}"


def shares(low: float | None, high: float | None) -> str:
    """Bounds in per cent: ``23.8 to 26.8 %``."""
    if low is None or high is None:
        return "–"
    return f"{share(low)[:-2]} to {share(high)}"


def points(value: float, *, in_points: bool, signed: bool = True) -> str:
    """A difference: in percentage points for shares, else in the metric's units.

    Examples
    --------
    >>> points(0.149, in_points=True), points(-2.5, in_points=False)
    ('+14.9', '−2.500')
    """
    size = (
        f"{abs(value) * 100:.1f}"
        if in_points
        else f"{abs(value):.4g}"
        if abs(value) >= 1000
        else f"{abs(value):.3f}"
    )
    nothing = not float(size.replace(",", ""))
    sign = ("+" if value > 0 else MINUS) if signed and not nothing else ""
    return sign + minus(size)


def span(low: float | None, high: float | None, *, in_points: bool) -> str:
    """Bounds of a difference, ``+7.9 to +22.0``; empty where there are none."""
    if low is None or high is None:
        return ""
    return f"{points(low, in_points=in_points)} to {points(high, in_points=in_points)}"


def amount(value: float, *, in_points: bool) -> str:
    """A size: ``38.7 points``, or in the metric's units."""
    return points(abs(value), in_points=in_points, signed=False) + " points" * in_points


def p_value(value: float | None, floor: float | None = None) -> str:
    """A p-value with two digits that matter; at its floor a simulated one is only known to be less.

    Examples
    --------
    >>> p_value(0.04321), p_value(1e-7), p_value(1.0)
    ('.043', '< .0001', '1')
    >>> p_value(1 / 4001, floor=1 / 4001)
    '< .00025'
    """
    if value is not None and floor is not None and value <= floor * (1 + 1e-9):
        return f"< {rate(floor)}"
    if value is None:
        return "–"
    return "< .0001" if value < 0.0001 else "1" if value > 0.9995 else rate(value)


def significant(value: float | None, digits: int = 3) -> str:
    """A loss or a gain of any size: so many significant digits.

    Examples
    --------
    >>> significant(-0.2345), significant(0.0), significant(None)
    ('−0.234', '0', '–')
    """
    if value is None:
        return "–"
    return "0" if value == 0 else minus(f"{value:.{digits}g}")


def gain(value: float) -> str:
    """A gain or a loss, signed, with three significant digits: ``+0.0534``.

    Examples
    --------
    >>> gain(0.05341), gain(-0.3342), gain(0.0)
    ('+0.0534', '−0.334', '0')
    """
    return "0" if value == 0 else minus(f"{value:+.3g}")


def ratio(value: float | None) -> str:
    """A ratio of two rates: ``1.43``."""
    return "–" if value is None else minus(f"{value:.2f}")


def count(value: int | None) -> str:
    """A number of rows or units: ``1,712``."""
    return "–" if value is None else f"{value:,}"


def total(value: float | None) -> str:
    """A sum: a whole number as a count, any other as a rate is written."""
    return rate(value) if value is None or value % 1 else minus(f"{value:,.0f}")


def out_of(numerator: float | None, denominator: float | None) -> str:
    """The counts behind a share, ``805 of 1,795``; a dash where they are no whole numbers.

    Examples
    --------
    >>> out_of(805.0, 1795.0), out_of(2.5, 4), out_of(None, None)
    ('805 of 1,795', '–', '–')
    """
    if numerator is None or not denominator:
        return "–"
    if numerator % 1 or denominator % 1:
        return "–"
    return f"{numerator:,.0f} of {denominator:,.0f}"


def percent(level: float) -> str:
    """``95 %``."""
    return f"{level * 100:g} %"


def tidy(edge: float) -> int | float:
    """An edge as it is shown and compared: whole numbers without a point."""
    return int(edge) if float(edge).is_integer() else edge


def plural(number: int, noun: str, nouns: str = "") -> str:
    """A count with its noun: ``1 group``, ``2,400 rows``, ``3 cities``; `nouns` where no rule makes it."""
    return f"{number:,} {noun if number == 1 else nouns or many(noun)}"


def direction(higher_is_worse: bool) -> str:
    """Which way harm lies."""
    return "higher is worse" if higher_is_worse else "lower is worse"


#: Names told in a row.
NAMED = 4


def listed(names: Sequence[str]) -> str:
    """Names in a row, or the first and how many more.

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed("abcdef")
    ('a, b and c', 'a, b, c and 3 more')
    """
    if len(names) > NAMED:
        return f"{', '.join(names[: NAMED - 1])} and {len(names) - NAMED + 1:,} more"
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
