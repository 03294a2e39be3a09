"""Every kind of page in a real browser: any width, face, scheme and medium; axe finds no violation."""

import numpy as np
import pyarrow as pa
import pytest
from tests.browsing import (
    contrasts,
    look,
    look_in_each,
    structure,
    too_wide,
    touching,
    unfold,
    violations,
)
from tests.demos.test_live_demo import told
from tests.watching.worlds import calls

import evenhand
from evenhand.audits import audit_metrics
from evenhand.audits.figures import render_html
from evenhand.demos import figures as demos
from evenhand.demos import ward_commands
from evenhand.pages.edition import Edition

WER = "wer(reference=reference, hypothesis=hypothesis)"
KINDS = (
    *("audit", "tolerance", "metrics", "slices", "effects", "doses", "crossed", "scores"),
    *("switches", "judge", "demo", "plan", "coverage", "watch", "improve", "pool", "fix", "gate"),
)


def people():
    """Decisions about people of groups with long names, of which one is refused and one is hard to judge."""
    rng = np.random.default_rng(3)
    names = ["Kalaallit", "a group with quite a long name of its own", "Other", "few", "rare"]
    who = np.repeat(names, [900, 700, 400, 12, 3])
    label = rng.integers(0, 2, len(who))
    wrong = rng.random(len(who)) < np.where(who == "Kalaallit", 0.3, 0.1)
    return pa.table(
        {
            "group_of_people": who,
            "age": rng.integers(18, 90, len(who)),
            "label": label,
            "prediction": np.where(wrong, 1 - label, label),
            "score": (label * 0.4 + rng.random(len(who)) * 0.6).round(3),
            "other": np.where(rng.random(len(who)) < 0.2, 1 - label, label),
        }
    )


def switches():
    services = [f"error_rate(label=label, prediction={name})" for name in ("prediction", "other")]
    return evenhand.compare(people(), services, "group_of_people", tolerance=0.02)


def gate():
    """Rules that are broken, kept and open, of which one hides nobody and one excuses the small."""
    about = {"table": people(), "by": "group_of_people"}
    errors = about | {"metric": "error_rate(label=label, prediction=prediction)"}
    rules = [
        errors
        | {
            "name": "errors",
            "maximum": 0.2,
            "hazard": "a person is refused",
            "treatment": "a person decides",
        },
        errors | {"name": "gap", "maximum_difference": 0.05, "small_groups": "excused"},
        errors
        | {
            "name": "by age",
            "by": "age",
            "bins": {"age": [30, 60]},
            "minimum": 0.05,
            "maximum": 0.4,
        },
        errors | {"name": "enough people of each", "coverage": 10},
    ]
    policy = {"title": "Before release 3", "rule": rules}
    return evenhand.check(policy, command="evenhand check policy.toml --html gate.html")


def judged():
    """People labelled a third of the rows, a judge all; of one group nobody labelled any."""
    rows = people().to_pandas()
    few = rows.label.astype("Int64").mask((rows.index % 3 > 0) | (rows.group_of_people == "few"))
    judge = "error_rate(label=other, prediction=prediction)"
    asked = {"judge": judge, "where": "age > 20"}
    rows = rows.assign(person=few)
    return evenhand.audit(
        rows, "error_rate(label=person, prediction=prediction)", "group_of_people", **asked
    )


def doses():
    rng = np.random.default_rng(6)
    rows = [
        (
            voice,
            "clean" if dose is None else f"noise {dose:g}",
            s,
            dose,
            float(rng.random() < share),
        )
        for voice, weak in (("north", 2.0), ("south", 1.0), ("a long name of a voice", 1.0))
        for dose in (None, -5.0, 0.0, 5.0, 10.0)
        for s in range(40)
        for share in [0.1 if dose is None else 0.15 + weak * (10 - dose) * 0.02]
    ]
    names = ("voice", "condition", "sentence", "dose", "wrong")
    return pa.table(dict(zip(names, zip(*rows, strict=True), strict=True)))


def plan():
    errors = "error_rate(label=label, prediction=prediction)"
    return evenhand.plan(people(), errors, "group_of_people", budget=5000)


def coverage():
    served = pa.table(
        {"group_of_people": ["Kalaallit", "Inuit of the north"] * 9, "age": [20, 80] * 9}
    )
    return evenhand.coverage(
        people(),
        "group_of_people,age",
        metric="error_rate(label=label, prediction=prediction)",
        bins={"age": [30, 45, 60]},
        synthetic="score > 0.9",
        population=served,
        detect=0.1,
    )


def improved():
    """A group that learns, one at its floor, one of too few rows."""
    return evenhand.improve(
        people(),
        lambda rows, test: {"said": rows["prediction"].to_pylist()[:1] * test.num_rows},
        "error_rate(label=label, prediction=said)",
        "group_of_people",
        test=people(),
        budget=500,
    )


def pooled():
    errors = "error_rate(label=label, prediction=prediction)"
    cubes = [
        evenhand.count_cube(people(), errors, "group_of_people", where=f"age {sign} 40")
        for sign in ("<", ">=", "!=")
    ]
    return evenhand.pool(cubes, names=["north", "a long name of a customer", "Κέρκυρα"])


def mended():
    """Thresholds by group, one group that was never learnt from, two that are too small to judge."""
    return evenhand.fix(
        people(),
        "false_positive_rate(label=label, prediction=prediction)",
        "group_of_people",
        score="score",
        maximum_difference=0.1,
    )


def watched():
    """A watch with alarms of both kinds, explained."""
    return evenhand.watch(
        calls(),
        "mean(wrong)",
        ["accent,floor", "accent"],
        time="day",
        explain=["caller"],
        threshold=0.13,
        worse="higher",
    )


def figures():
    errors = "error_rate(label=label, prediction=prediction)"
    return {
        "tolerance": evenhand.audit(people(), errors, "group_of_people", tolerance=0.05),
        "scores": evenhand.audit(people(), "brier(label=label, score=score)", "group_of_people"),
        "slices": evenhand.slices(people(), errors),
        "switches": switches(),
        "plan": plan(),
        "coverage": coverage(),
        "effects": evenhand.effects(
            ward_commands(), WER, ["voice", "accent"], unit="sentence", reference="quiet"
        ),
        "doses": evenhand.effects(doses(), "mean(wrong)", "voice", unit="sentence", dose="dose"),
        "watch": watched(),
        "improve": improved(),
        "pool": pooled(),
        "fix": mended(),
    }


def rendered():
    rates = "false_positive_rate(label=label, prediction=prediction)"
    errors = "error_rate(label=label, prediction=prediction)"
    ward = {"by": ["voice,condition", "accent"], "unit": "sentence"}
    several = audit_metrics(people(), [rates, errors], ["group_of_people"])
    return {
        "audit": evenhand.audit(ward_commands(), WER, **ward).to_html(),
        "tolerance": evenhand.audit(people(), rates, "group_of_people", tolerance=0.05).to_html(),
        "metrics": render_html(*several),
        "slices": evenhand.slices(people(), errors).to_html(),
        "switches": switches().to_html(),
        "plan": plan().to_html(),
        "coverage": coverage().to_html(),
        "judge": judged().to_html(),
        "effects": evenhand.effects(
            ward_commands(), WER, ["voice", "accent"], unit="sentence", reference="quiet"
        ).to_html(),
        "doses": evenhand.effects(
            doses(), "mean(wrong)", "voice", unit="sentence", dose="dose"
        ).to_html(),
        "watch": watched().to_html(),
        "improve": improved().to_html(),
        "pool": pooled().to_html(),
        "fix": mended().to_html(),
        "gate": gate().to_html(),
        "demo": demos.render_html(told({("slt", "alarm"): 4, ("kal16", "alarm"): 1})),
        "scores": evenhand.audit(
            people(), "brier(label=label, score=score)", "group_of_people"
        ).to_html(),
        "crossed": evenhand.audit(
            people(), errors, ["group_of_people,age"], bins={"age": [30, 45, 60]}, min_units=2
        ).to_html(),
    }


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name, text in rendered().items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in KINDS}


@pytest.mark.parametrize("width", [320, 768, 1280])
@pytest.mark.parametrize("kind", KINDS)
def test_no_table_and_no_page_is_wider_than_its_room(browser, pages, faces, kind, width):
    for face in look_in_each(browser, pages[kind], width, faces):
        unfold(browser)
        assert too_wide(browser) == [], face


@pytest.mark.parametrize("title", ["W" * 200, "公平" * 100, "a title of words " * 11])
def test_the_longest_title_has_room_on_a_phone_and_in_a_figure(browser, tmp_path, faces, title):
    table = pa.table({"g": ["a", "b"] * 40, "w": [1, 0, 0, 0] * 20})
    audit = evenhand.audit(table, "mean(w)", "g")
    edition = Edition(title=title, note="N" * 2000)
    page, figure = tmp_path / "page.html", tmp_path / "figure.svg"
    page.write_text(audit.to_html(edition), encoding="utf-8")
    figure.write_text(audit.to_figure(edition), encoding="utf-8")
    for face in look_in_each(browser, page, 390, faces):
        assert too_wide(browser) == [], face
    look(browser, figure, 960)
    ends = browser.execute_script(
        "return [...document.querySelectorAll('text')].map(e => e.getBoundingClientRect().right)"
    )
    assert max(ends) <= 960


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("kind", ["audit", "tolerance", "slices", "effects", "demo"])
def test_labels_of_an_axis_stand_under_their_ticks_and_inside_the_picture(
    browser, pages, faces, kind, width
):
    for face in look_in_each(browser, pages[kind], width, faces):
        away, beyond = browser.execute_script(
            """const seen = e => { const r = e.getBoundingClientRect(); return [(r.left + r.right) / 2, r] };
            const away = [], beyond = [];
            for (const bar of document.querySelectorAll('.forest .axis .bar')) {
                const ticks = [...bar.querySelectorAll('.tick')], room = bar.getBoundingClientRect();
                [...bar.querySelectorAll('text')].forEach((e, i) => { if (!e.getClientRects().length) return;
                    const [middle, r] = seen(e);
                    away.push(Math.abs(middle - seen(ticks[i])[0]));
                    beyond.push(Math.max(room.left - r.left, r.right - room.right)) }) }
            return [away, beyond]"""
        )
        assert len(away) > 2
        assert max(away) < 1, face
        assert max(beyond) < 1, face


@pytest.mark.parametrize("kind", KINDS)
def test_no_option_of_a_command_is_broken_over_lines(browser, pages, kind):
    look(browser, pages[kind], 390)
    unfold(browser)
    lines = browser.execute_script(
        "return [...document.querySelectorAll('pre kbd')].map(e => e.getClientRects().length)"
    )
    assert lines
    assert set(lines) == {1}


@pytest.mark.parametrize("kind", KINDS)
def test_no_table_is_wider_than_paper(browser, pages, faces, kind):
    """A4 with usual margins is 718 pixels wide; what is folded is printed too."""
    for face in look_in_each(browser, pages[kind], 718, faces, media="print"):
        assert too_wide(browser) == [], face
    hidden = browser.execute_script(
        "return [...document.querySelectorAll('details > :not(summary)')].filter(e => !e.checkVisibility("
        "{contentVisibilityAuto: true})).length"
    )
    assert hidden == 0


@pytest.mark.parametrize("width", [390, 768, 1280])
@pytest.mark.parametrize("kind", KINDS)
def test_texts_in_pictures_do_not_touch(browser, pages, faces, kind, width):
    for face in look_in_each(browser, pages[kind], width, faces):
        assert touching(browser) == [], face


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_text_has_enough_contrast(browser, pages, kind, dark):
    """WCAG 2.2 AA: 4.5 to 1 for every colour of text on whatever is behind it."""
    look(browser, pages[kind], 1280, dark=dark)
    ratios = contrasts(browser)
    assert len(ratios) > 100
    assert min(ratios) >= 4.5


@pytest.mark.parametrize("kind", KINDS)
def test_a_screen_reader_finds_structure(browser, pages, kind):
    look(browser, pages[kind], 1280)
    seen = structure(browser)
    assert (seen["lang"], seen["h1"]) == ("en", 1)
    assert seen["captions"] == seen["tables"] > 0
    assert all(seen[name] for name in ("title", "hidden", "heads", "wide", "ids", "links"))
    assert seen["unreachable"] == 0


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1280, False)])
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_no_violation(browser, axe, pages, kind, width, dark):
    look(browser, pages[kind], width, dark=dark)
    unfold(browser)
    assert violations(browser, axe) == []


def test_no_page_needs_a_script_or_anything_from_outside(browser, pages):
    for page in pages.values():
        assert "<script" not in page.read_text(encoding="utf-8")
        look(browser, page, 1280)
        assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
        assert browser.get_log("browser") == []


def test_the_first_stop_of_the_keyboard_leads_past_everything(browser, pages):
    from selenium.webdriver.common.keys import Keys

    look(browser, pages["audit"], 1280)
    browser.find_element("css selector", "body").send_keys(Keys.TAB)
    first = browser.switch_to.active_element
    assert first.text == "To the answer"
    first.send_keys(Keys.ENTER)
    assert browser.switch_to.active_element.tag_name == "main"


def test_a_word_leads_to_its_meaning_though_that_is_folded(browser, pages):
    look(browser, pages["audit"], 1280)
    word = browser.find_element("css selector", "a.word")
    assert word.get_attribute("title")
    word.click()
    assert browser.find_element("css selector", "dt:target").is_displayed()


@pytest.mark.parametrize("kind", ["tolerance", "scores", "slices", "effects", "doses", "switches"])
def test_texts_of_a_figure_of_its_own_stay_inside_and_do_not_touch(browser, faces, files, kind):
    browser.get(files[kind].as_uri())
    for face in faces:
        found = browser.execute_script(
            """const style = document.querySelector('style.face') || document.documentElement
                .appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'style'));
            style.setAttribute('class', 'face');
            style.textContent = `text { font-family: "${arguments[0]}" !important }`;
            const all = document.documentElement.getBoundingClientRect();
            const texts = [...document.querySelectorAll('text')].filter(e => e.textContent.trim())
                .map(e => [e.textContent, e.getBoundingClientRect()]);
            const out = texts.filter(([_, r]) => r.left < all.left || r.right > all.right || r.bottom > all.bottom)
                .map(([t]) => `outside: ${t}`);
            texts.forEach(([a, r], i) => texts.slice(i + 1).forEach(([b, s]) => {
                if (Math.min(r.right, s.right) - Math.max(r.left, s.left) > 1
                    // Boxes are as high as lines, and letters fill two thirds of them.
                    && Math.min(r.bottom, s.bottom) - Math.max(r.top, s.top) > .35 * Math.min(r.height, s.height)) out.push(`${a} | ${b}`) }));
            return out""",
            face,
        )
        assert found == [], face


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    for name, found in figures().items():
        (folder / f"{name}.svg").write_text(found.to_figure(), encoding="utf-8")
    return {path.stem: path for path in folder.iterdir()}
