"""docs/how-fast.md and its picture say what benchmarks/growth.json says."""

import json
import xml.etree.ElementTree as ET

import pytest
from benchmarks import growth

KEPT = json.loads(growth.RESULTS.read_text(encoding="utf-8"))


def test_the_page_and_the_picture_are_made_of_the_results_and_of_nothing_else():
    assert growth.PAGE.read_text(encoding="utf-8") == growth.page(KEPT)
    assert growth.PICTURE.read_text(encoding="utf-8") == growth.svg(KEPT)


@pytest.mark.parametrize("what", growth.POINTS)
def test_every_point_was_measured_beside_all_who_take_part(what: str):
    assert [int(x) for x in KEPT[what]] == list(growth.POINTS[what])
    for x, found in KEPT[what].items():
        rows = int(x) if what == "rows" else growth.MIDDLE
        assert list(found) == [n for n in growth.NAMES if growth.takes_part(n, what, rows)]
        assert all(one["cpu"] > 0 and one["memory"] > 0 for one in found.values())


def test_every_measured_point_is_a_dot():
    picture = ET.fromstring(growth.svg(KEPT))
    dots = [e for e in picture.iter() if e.tag.endswith("circle") and e.get("r") == "3"]
    points = sum(len(found) for what in growth.POINTS for found in KEPT[what].values())
    assert len(dots) == 2 * points


def test_the_benchmark_measures_and_compares(tmp_path, monkeypatch):
    monkeypatch.setattr(growth, "HERE", tmp_path)
    file = growth.make(2_000, 4, 50)
    ours = growth.evenhand("unit")(str(file))
    assert ours == pytest.approx(growth.duckdb_group_by("unit")(str(file)))
    assert set(ours) == {f"g{i:04}" for i in range(4)}
