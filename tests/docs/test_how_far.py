"""docs/how-far.md and its picture say what benchmarks/scale.json says."""

import json
import xml.etree.ElementTree as ET

import pytest
from benchmarks import scale

from evenhand.records import open_records

KEPT = json.loads(scale.RESULTS.read_text(encoding="utf-8"))


def test_the_page_and_the_picture_are_made_of_the_results_and_of_nothing_else():
    assert scale.PAGE.read_text(encoding="utf-8") == scale.page(KEPT)
    assert scale.PICTURE.read_text(encoding="utf-8") == scale.svg(KEPT)


def test_every_part_is_drawn_and_stays_within_its_chart():
    picture = ET.fromstring(scale.svg(KEPT))
    lines = [e.get("points").split() for e in picture.iter() if e.tag.endswith("polyline")]
    parts = len(KEPT["in_parts"]["parts"])
    assert [len(points) for points in lines[:3]] == [parts] * 3
    heights = [float(point.split(",")[1]) for points in lines for point in points]
    assert scale.TOP <= min(heights) <= max(heights) <= scale.TOP + scale.HEIGHT


def test_time_on_nodes_is_rows_by_rate_cores_and_nodes():
    assert scale.seconds(64e6, 10, 1e6) == pytest.approx(64e6 / (1e6 * 8 * 0.8 * 10))


def test_the_benchmark_counts_what_a_bare_count_does(tmp_path):
    file = tmp_path / "rows.parquet"
    scale.make(200_000, 3, file)
    alone = scale.bare(file)
    assert sum(sum(counts) for counts in alone.values()) == 200_000
    records = open_records(file)
    for unit in (None, "person"):
        assert scale.counts_of(scale.cubes_of(records, unit)) == alone
    records.close()
    scale.agree(scale.audited(file), alone)


def test_parts_of_different_seeds_hold_different_rows(tmp_path):
    for seed in (0, 1):
        scale.make(1_000, seed, tmp_path / f"{seed}.parquet")
    assert scale.bare(tmp_path / "0.parquet") != scale.bare(tmp_path / "1.parquet")


def test_the_readme_quotes_the_parts_as_they_were_measured():
    found = KEPT["in_parts"]
    assert len(found["parts"]) * found["rows"] == 1_000_000_000
    seconds = round(sum(part["cpu"] for part in found["parts"]) + found["adding"])
    readme = (scale.PAGE.parent.parent / "README.md").read_text(encoding="utf-8")
    assert f"A billion rows in parts: {seconds} CPU seconds, {found['memory']:.0f} MiB" in readme
    assert found["memory"] < 400
