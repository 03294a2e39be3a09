"""The live demo's report: one self-contained HTML file."""

import shlex
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from evenhand.audits import words
from evenhand.demos import story as told
from evenhand.demos.finding import ROOM, Tried
from evenhand.demos.recording import METRIC, UNIT

if TYPE_CHECKING:
    import jinja2


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One voice of the forest plot; positions are percentages of its width."""

    line: told.VoiceLine
    point: float | None
    low: float | None
    high: float | None


def render_html(story: told.Story) -> str:
    """The report; every text from the data is escaped."""
    start, stop = _axis(story)

    def place(value: float | None) -> float | None:
        return None if value is None else round((value - start) / (stop - start) * 100, 2)

    bars = [
        Bar(
            line=line,
            point=place(line.beyond.value),
            low=place(line.beyond.low),
            high=place(line.beyond.high),
        )
        for line in story.lines
    ]
    return _template().render(
        story=story,
        told=told,
        words=words,
        conditions=told.proof_conditions(story.setting),
        grid=told.grid(story.search.step("coarse")),
        bars=bars,
        zero=place(0.0),
        ends=[words.points(value, in_points=True) for value in (start, stop)],
        shade=_shade,
        room=ROOM,
        commands=commands(story),
    )


def commands(story: told.Story) -> list[str]:
    """Commands that go on from here."""
    shared = ["--metric", METRIC, "--by", "voice", "--unit", UNIT]
    given = [
        ["evenhand", "effects", story.records, *shared, "--reference", told.QUIET],
        ["evenhand", "effects", story.records, *shared, "--reference", told.ALARM,
         "--only", told.ALARM_NOTCH],
        ["evenhand", "audit", story.records, *shared, "--where", f"condition = '{told.ALARM}'"],
    ]  # fmt: skip
    return [shlex.join(command) for command in given]


def _axis(story: told.Story) -> tuple[float, float]:
    """Ends of the axis: tens of points around all bounds and zero."""
    effects = [line.beyond for line in story.lines]
    values = [v for e in effects for v in (e.value, e.low, e.high) if v is not None]
    start, stop = min([*values, 0.0]), max([*values, 0.0])
    return (start // 0.1) * 0.1, -(-stop // 0.1) * 0.1 or 0.1


def _shade(tried: Tried) -> str:
    """How dark a cell of the sweep is, 0 to 0.75, so that its number stays readable."""
    return f"{min(tried.wer, 1.0) * 0.75:.2f}"


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
    return environment.get_template("ward.html")


def _source(name: str) -> str:
    return (files("evenhand.demos") / "templates" / name).read_text(encoding="utf-8")
