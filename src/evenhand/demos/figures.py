"""The live demo's report: one self-contained HTML file."""

from evenhand.demos import story as told
from evenhand.demos.finding import ROOM, Tried
from evenhand.demos.recording import METRIC, UNIT
from evenhand.pages import numbers
from evenhand.pages.commands import written
from evenhand.pages.forest import Difference, Forest, draw_forest
from evenhand.pages.heat import Heat, HeatCell, tint
from evenhand.pages.page import render_page
from evenhand.pages.picture import Figure, draw_picture
from evenhand.pages.table import Table, TableCell, TableColumn, table_of


def render_html(story: told.Story) -> str:
    """The report; every text from the data is escaped."""
    grid = told.grid(story.search.step("coarse"))
    return render_page(
        "evenhand.demos:ward.html",
        story=story,
        conditions=told.proof_conditions(story.setting),
        heat=_heat(grid),
        utterances=grid[0][1][0].utterances,
        steps=_steps(story),
        finer=story.search.step("finer")[0].utterances,
        forest=_forest(story),
        repair=_repair(story),
        room=ROOM,
        commands=commands(story),
    )


def draw_figure(story: told.Story) -> str:
    """The condition found, and who pays for it, as an SVG."""
    grid = told.grid(story.search.step("coarse"))
    figures = (
        Figure(heading="Word error rate of all voices by tone and rhythm", drawn=_heat(grid)),
        Figure(
            heading="What the tone costs each voice beyond the others, in percentage points",
            drawn=_forest(story),
        ),
    )
    notes = [f"{title}: {sentence}" for title, sentence in story.sentences]
    notes.append("Synthetic voices demonstrate the software; they are no evidence about people.")
    return draw_picture("Whom does a ward assistant fail?", figures, notes)


def commands(story: told.Story) -> list[str]:
    """Commands that go on from here."""
    shared = ["--metric", METRIC, "--by", "voice", "--unit", UNIT]
    given = [
        ["evenhand", "effects", story.records, *shared, "--reference", told.QUIET],
        ["evenhand", "effects", story.records, *shared, "--reference", told.ALARM,
         "--only", told.ALARM_NOTCH],
        ["evenhand", "audit", story.records, *shared, "--where", f"condition = '{told.ALARM}'"],
    ]  # fmt: skip
    return [written(words) for words in given]


def _heat(grid: list[tuple[float, list[Tried]]]) -> Heat:
    rates = [one.setting.rate for one in grid[0][1]]
    return Heat(
        label="Word error rate by frequency and rate",
        corner="frequency",
        columns=tuple("steady" if rate is None else f"{rate:g} Hz" for rate in rates),
        rows=tuple((f"{frequency:g} Hz", tuple(map(_cell, row))) for frequency, row in grid),
    )


def _cell(tried: Tried) -> HeatCell:
    return HeatCell(text=numbers.share(tried.wer), share=tint(tried.wer, 1.0), kind="harm")


def _steps(story: told.Story) -> Table:
    """Finer steps and levels, of which one was chosen."""
    rows: list[list[TableCell | str]] = [
        [
            TableCell(one.setting.words, note="chosen" if one.setting == story.setting else ""),
            numbers.share(one.wer),
        ]
        for one in story.search.step("finer") + story.search.step("level")
    ]
    columns = (TableColumn(head="tone", left=True, fold=True), TableColumn(head="word error rate"))
    return table_of("Finer steps and levels", columns, rows)


def _forest(story: told.Story) -> Forest:
    return draw_forest(
        [
            Difference(
                name=line.voice,
                kind=_kind(line.verdict),
                verdict=line.verdict,
                value=told.points(line.beyond),
                point=line.beyond.value,
                low=line.beyond.low,
                high=line.beyond.high,
            )
            for line in story.lines
        ],
        lambda tick: numbers.points(tick, in_points=True),
    )


def _kind(verdict: str) -> str:
    return {"costs more": "worse", "not more": "fine"}.get(verdict, "unsure")


def _repair(story: told.Story) -> Table:
    """Each voice under all conditions; what the notch gives and takes."""
    names = [name for name in told.CONDITIONS if name in story.lines[0].rates]
    columns = (
        TableColumn(head="voice", left=True),
        *(TableColumn(head=name.replace("_", " + ")) for name in names),
        TableColumn(head="gain"),
        TableColumn(head="price"),
        TableColumn(head="loses", fold=True),
    )
    rows: list[list[TableCell | str]] = [
        [
            line.voice,
            *(numbers.share(line.rates[name]) for name in names),
            told.points(line.gain),
            told.points(line.price),
            TableCell(", ".join(line.lost) or "no", kind="worse" if line.lost else ""),
        ]
        for line in story.lines
    ]
    return table_of("Word error rates, gain and price of the notch", columns, rows)
