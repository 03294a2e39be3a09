"""Slices as one self-contained HTML file: findings, pictures, each slice, how it was searched."""

import math
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from evenhand.audits.words import count, percent
from evenhand.errors import REASONS
from evenhand.pages.caveats import before_numbers
from evenhand.results.protocol import to_plain
from evenhand.slicing import words
from evenhand.slicing.result import Result, Slice

if TYPE_CHECKING:
    import jinja2

#: Slices drawn and told one by one, compared with each other, and in the table; all are in JSON.
DRAWN, COMPARED, TABLED = 50, 30, 200
#: Slices told of those folded into one.
FOLDED = 50
#: Width in pixels at which the labels of the scatter plot must have room: a phone's.
NARROWEST = 240
#: Height of its area; the margin that marks keep from its edges; size of a mark and of a digit.
HEIGHT, MARGIN, MARK, DIGIT = 340, 14, 14, 7.5
#: Options of the search that an audit of one of its slices needs too.
CARRIED = ("--where", "--worse", "--missing", "--columns")


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A linear axis; positions on it are percentages."""

    start: float
    stop: float
    ticks: tuple[float, ...]

    def place(self, value: float | None) -> float | None:
        """Where a value stands; values beyond the ends stand at the ends."""
        if value is None or not math.isfinite(value):
            return None
        share = (value - self.start) / (self.stop - self.start)
        return round(min(max(share, 0.0), 1.0) * 100, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the forest plot; positions are percentages of its width."""

    number: int
    one: Slice
    point: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """Differences to the rest, with their bounds."""

    rows: tuple[Row, ...]
    zero: float | None
    ticks: tuple[tuple[float | None, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A mark or a label: its centre is `shift` pixels right of a share of the width."""

    share: float
    shift: float
    y: float
    width: float
    height: float = MARK

    def clears(self, other: "Box") -> bool:
        """Whether the two do not touch, at any width from `NARROWEST` on."""
        if abs(self.y - other.y) >= (self.height + other.height) / 2:
            return True
        # What stands right at a greater share of the width only moves further right as it grows.
        left, right = sorted((self, other), key=lambda box: (box.share, box.shift))
        gap = (right.share - left.share) * NARROWEST + right.shift - left.shift
        return gap >= (self.width + other.width) / 2

    @property
    def inside(self) -> bool:
        """Whether it stays in the area of the plot."""
        x = self.share * NARROWEST + self.shift
        aside, above = self.width / 2, self.height / 2
        return aside <= x <= NARROWEST - aside and above <= self.y <= HEIGHT - above


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A slice in the scatter plot: x in percent of the width, all else in pixels.

    `dx` and `dy` lead from the mark to its number; both are `None` where the number finds no room.
    """

    number: int
    one: Slice
    x: float
    y: float
    dx: float | None
    dy: float | None

    @property
    def far(self) -> bool:
        """Whether a line must lead to the number."""
        return self.dx is not None and self.dy is not None and math.hypot(self.dx, self.dy) > 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Scatter:
    """Size of the slices against the metric."""

    marks: tuple[Mark, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    overall: float | None
    gutter: int
    undrawn: tuple[int, ...]
    unnumbered: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A literal with its contribution, as a bar from zero."""

    literal: str
    contribution: float | None
    start: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A slice by itself."""

    number: int
    one: Slice
    bars: tuple[Bar, ...]
    zero: float
    together: float | None
    command: str | None


def render_html(found: Result) -> str:
    """The report; every text from the data is escaped."""
    drawn = found.slices[:DRAWN]
    return _template().render(
        found=found,
        settings=to_plain(found.settings),
        caveats=before_numbers(found.notes),
        forest=_forest(found, drawn),
        scatter=_scatter(found, drawn),
        cards=list(_cards(found, drawn)),
        matrix=_matrix(found),
        tabled=found.slices[:TABLED],
        height=HEIGHT,
        folded_most=FOLDED,
        words=words,
        percent=percent,
        count=count,
        reasons=REASONS,
    )


@cache
def _template() -> "jinja2.Template":
    import jinja2  # noqa: PLC0415 - only reports need it, and it is slow to load

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("slices.html")


def _source(name: str) -> str:
    return (files("evenhand.slicing") / "templates" / name).read_text(encoding="utf-8")


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _axis(values: Sequence[float], bounds: Sequence[float] = ()) -> Axis:
    """Round ends and ticks; bounds far beyond all values do not stretch it."""
    if not values:
        return Axis(start=0.0, stop=1.0, ticks=())
    reach = max(values) - min(values) or abs(values[0]) or 1.0
    low = max(min([*bounds, *values]), min(values) - reach)
    high = min(max([*bounds, *values]), max(values) + reach)
    step = _step(high - low or reach)
    first, last = math.floor(low / step), math.ceil(high / step)
    last += first == last
    ticks = tuple(float(f"{index * step:.10g}") for index in range(first, last + 1))
    return Axis(start=ticks[0], stop=ticks[-1], ticks=ticks)


def _step(span: float) -> float:
    """Round step that gives about four ticks."""
    rough = span / 4
    power = 10.0 ** math.floor(math.log10(rough))
    return next((mark * power for mark in (1, 2, 2.5, 5) if mark * power >= rough), 10 * power)


def _forest(found: Result, drawn: Sequence[Slice]) -> Forest:
    bounds = _known(bound for one in drawn for bound in (one.low, one.high))
    axis = _axis([0.0, *_known(one.difference for one in drawn)], bounds)
    rows = (
        Row(
            number=number,
            one=one,
            point=axis.place(one.difference),
            low=axis.place(one.low),
            high=axis.place(one.high),
        )
        for number, one in enumerate(drawn, 1)
    )
    in_points = found.metric.in_points
    ticks = ((axis.place(tick), words.points(tick, in_points=in_points)) for tick in axis.ticks)
    return Forest(rows=tuple(rows), zero=axis.place(0.0), ticks=tuple(ticks))


def _scatter(found: Result, drawn: Sequence[Slice]) -> Scatter | None:
    """Support on a logarithmic axis against the metric's value; `None` where no slice has one."""
    points = {
        number: (one.support, one.value)
        for number, one in enumerate(drawn, 1)
        if one.value is not None and math.isfinite(one.value) and one.support > 0
    }
    if not points:
        return None
    supports, values = zip(*points.values(), strict=True)
    across = _marks_of_shares(min(supports), max(supports))
    up = _axis([*values, *_known([found.overall.value])])

    def share(support: float) -> float:
        at = math.log(support / across[0]) / math.log(across[-1] / across[0])
        return round(0.05 + 0.9 * min(max(at, 0.0), 1.0), 4)

    def fall(value: float) -> float:
        place = up.place(value) or 0.0
        return round(HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * place / 100, 1)

    boxes = {
        number: Box(share=share(support), shift=0.0, y=fall(value), width=MARK)
        for number, (support, value) in points.items()
    }
    labels = _labels(boxes)
    marks = tuple(
        Mark(
            number=number,
            one=drawn[number - 1],
            x=round(box.share * 100, 2),
            y=box.y,
            dx=labels[number].shift if number in labels else None,
            dy=round(labels[number].y - box.y, 1) if number in labels else None,
        )
        for number, box in boxes.items()
    )
    texts = [words.rate(tick) for tick in up.ticks]
    overall = _known([found.overall.value])
    return Scatter(
        marks=marks,
        across=tuple((round(share(tick) * 100, 2), f"{tick * 100:g} %") for tick in across),
        up=tuple((fall(tick), text) for tick, text in zip(up.ticks, texts, strict=True)),
        overall=fall(overall[0]) if overall else None,
        gutter=round(DIGIT * max(map(len, texts))) + 8,
        undrawn=tuple(n for n in range(1, len(drawn) + 1) if n not in points),
        unnumbered=tuple(n for n in points if n not in labels),
    )


def _marks_of_shares(low: float, high: float) -> list[float]:
    """Ticks at 1, 2 and 5 of each power of ten around both, or at the powers where they are many."""
    for mantissas in ((1, 2, 5), (1,)):
        scale = [float(f"{m}e{power}") for power in range(-12, 0) for m in mantissas] + [1.0]
        first = max((i for i, mark in enumerate(scale) if mark <= low), default=0)
        last = min((i for i, mark in enumerate(scale) if mark >= high), default=len(scale) - 1)
        first -= first == last
        ticks = scale[first : last + 1]
        if len(ticks) <= 6:
            break
    return ticks


def _labels(marks: dict[int, Box]) -> dict[int, Box]:
    """Each mark's number as near to it as it clears all marks and the numbers before it."""
    taken = list(marks.values())
    out = {}
    for number, mark in marks.items():
        for box in _places(mark, DIGIT * len(str(number)) + 2):
            if box.inside and all(box.clears(other) for other in taken):
                out[number] = box
                taken.append(box)
                break
    return out


def _places(mark: Box, width: float) -> Iterator[Box]:
    """Places for a number: first right of the mark, then around it, then in wider circles."""
    for ring in range(8):
        for turn in (0, 8, 4, 12, 2, 14, 6, 10, 1, 15, 7, 9, 3, 13, 5, 11):
            angle = turn * math.pi / 8
            away = 12 * ring
            shift = math.cos(angle) * ((MARK + width) / 2 + 1 + away)
            fall = -math.sin(angle) * (MARK + 1 + away)
            yield Box(
                share=mark.share, shift=round(shift, 1), y=round(mark.y + fall, 1), width=width
            )


def _matrix(found: Result) -> tuple[tuple[float, ...], ...]:
    """Overlaps of the first slices; empty where there is nothing to compare."""
    few = found.slices[:COMPARED]
    if len(few) < 2 or any(len(one.overlaps) < len(few) for one in few):
        return ()
    return tuple(one.overlaps[: len(few)] for one in few)


def _cards(found: Result, drawn: Sequence[Slice]) -> Iterator[Card]:
    contributions = _known(value for one in drawn for value in one.contributions)
    start, stop = min([0.0, *contributions]), max([0.0, *contributions])
    axis = Axis(start=start, stop=stop if stop > start else start + 1.0, ticks=())
    zero = axis.place(0.0) or 0.0
    for number, one in enumerate(drawn, 1):
        bars = []
        for literal, value in zip(one.literals, one.contributions, strict=False):
            end = axis.place(value)
            end = zero if end is None else end
            bars.append(
                Bar(
                    literal=literal,
                    contribution=value,
                    start=min(zero, end),
                    width=round(abs(end - zero), 2),
                )
            )
        known = _known(one.contributions)
        yield Card(
            number=number,
            one=one,
            bars=tuple(bars),
            zero=zero,
            together=sum(known) if known and len(known) == len(one.contributions) else None,
            command=_command(found, one),
        )


def _command(found: Result, one: Slice) -> str | None:
    """The audit of a slice alone, ready for a shell; `None` where what was searched has no name there."""
    if not found.command:
        return None
    parts = ["evenhand", "audit", found.source, "--metric", found.metric.expression]
    parts += ["--by", one.predicate]
    parts += ["--unit", found.unit] if found.unit else []
    parts += ["--level", f"{found.level:g}"] if found.level != 0.95 else []
    return " ".join(map(_quoted, [*parts, *_carried(found.command)]))


def _carried(command: str) -> Iterator[str]:
    """Options that decide which rows are read, or what harm is, as the search was given them."""
    try:
        typed = shlex.split(command)
    except ValueError:
        return
    for word, following in zip(typed, [*typed[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name in CARRIED:
            yield from (name, value if equals else following)


def _quoted(text: str) -> str:
    """Quoted for a shell; in double quotes where a predicate's own single ones would be unreadable."""
    if "'" in text and not set(text) & set('"$`\\!'):
        return f'"{text}"'
    return shlex.quote(text)
