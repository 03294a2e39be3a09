"""Scatter plots: the size of things against their value, each with a number that touches nothing."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from evenhand.pages.axis import axis_of, known

#: Width in pixels at which the numbers must have room: a phone's.
NARROWEST = 240
#: Height of the area; the margin that marks keep from its edges; size of a mark.
HEIGHT, MARGIN, MARK = 340, 14, 14
#: Room for a digit and for a line, in the widest and the tallest faces that readers have.
DIGIT, LINE = 8.75, 19


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """What is drawn: its number, its share of the rows, its value, the kind of its mark, and a sentence."""

    number: int
    share: float
    value: float
    kind: str
    told: str


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
class Spot:
    """A dot drawn: x in percent of the width, all else in pixels.

    `dx` and `dy` lead from the mark to its number; both are `None` where the number finds no room.
    """

    number: int
    kind: str
    told: str
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
    """Spots between their axes; `unnumbered` are those whose number finds no room."""

    spots: tuple[Spot, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    overall: float | None
    gutter: int
    height: int
    unnumbered: tuple[int, ...]


def draw_scatter(
    dots: Sequence[Dot], overall: float | None, write: Callable[[float], str]
) -> Scatter | None:
    """Shares on a logarithmic axis against values, which `write` labels; `None` where there is nothing."""
    if not dots:
        return None
    shares = [dot.share for dot in dots]
    across = _ticks_of_shares(min(shares), max(shares))
    average = known([overall])
    up = axis_of([*(dot.value for dot in dots), *average])

    def along(share: float) -> float:
        at = math.log(share / across[0]) / math.log(across[-1] / across[0])
        return round(0.05 + 0.9 * min(max(at, 0.0), 1.0), 4)

    def fall(value: float) -> float:
        place = up.place(value) or 0.0
        return round(HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * place / 100, 1)

    boxes = {
        dot.number: Box(share=along(dot.share), shift=0.0, y=fall(dot.value), width=MARK)
        for dot in dots
    }
    labels = _labels(boxes)
    texts = [write(tick) for tick in up.ticks]
    return Scatter(
        spots=tuple(_spot(dot, boxes[dot.number], labels.get(dot.number)) for dot in dots),
        across=tuple((round(along(tick) * 100, 2), f"{tick * 100:g} %") for tick in across),
        up=tuple((fall(tick), text) for tick, text in zip(up.ticks, texts, strict=True)),
        overall=fall(average[0]) if average else None,
        gutter=round(DIGIT * max(map(len, texts))) + 8,
        height=HEIGHT,
        unnumbered=tuple(dot.number for dot in dots if dot.number not in labels),
    )


def _spot(dot: Dot, box: Box, label: Box | None) -> Spot:
    return Spot(
        number=dot.number,
        kind=dot.kind,
        told=dot.told,
        x=round(box.share * 100, 2),
        y=box.y,
        dx=None if label is None else label.shift,
        dy=None if label is None else round(label.y - box.y, 1),
    )


def _ticks_of_shares(low: float, high: float) -> list[float]:
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


def _labels(marks: Mapping[int, Box]) -> dict[int, Box]:
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
    for ring in range(20):
        for turn in (0, 8, 4, 12, 2, 14, 6, 10, 1, 15, 7, 9, 3, 13, 5, 11):
            angle = turn * math.pi / 8
            away = 8 * ring
            shift = math.cos(angle) * ((MARK + width) / 2 + 1 + away)
            fall = -math.sin(angle) * ((MARK + LINE) / 2 + 1 + away)
            yield Box(
                share=mark.share,
                shift=round(shift, 1),
                y=round(mark.y + fall, 1),
                width=width,
                height=LINE,
            )
