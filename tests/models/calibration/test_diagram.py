"""Reliability diagrams."""

import xml.etree.ElementTree as ET
from dataclasses import replace

from models.calibration.diagram import FEW, LEFT, SIDE, TOP, diagram, pooled
from models.calibration.searches import Judgement

ONE = Judgement("a", 10, 100.0, 0.1, 0.1, 0.2, 0.5, 0.1, [])


def judged(*rows: tuple[float, float, float]) -> Judgement:
    names = ("predicted", "observed", "count")
    return replace(ONE, reliability=[dict(zip(names, row, strict=True)) for row in rows])


def test_rows_of_several_judgements_are_joined_by_what_was_said() -> None:
    found = pooled([judged((0.62, 0.5, 10), (0.05, 0.0, 90)), judged((0.68, 1.0, 30), (0.91, 1.0, FEW - 1))])
    assert [(round(said, 3), round(was, 3), n) for said, was, n in found] == [
        (0.05, 0.0, 90.0),
        (0.665, 0.875, 40.0),
    ]


def test_a_point_lies_where_its_numbers_say_and_the_words_say_them_too() -> None:
    drawn = ET.fromstring(diagram({"before": [(0.25, 0.5, 100.0)], "after": []}))
    space = {"svg": "http://www.w3.org/2000/svg"}
    points = [c for c in drawn.findall("svg:circle", space) if c.get("fill-opacity")]
    assert [(c.get("cx"), c.get("cy")) for c in points] == [
        (f"{LEFT + SIDE / 4:.1f}", f"{TOP + SIDE / 2:.1f}")
    ]
    title = drawn.find("svg:title", space)
    assert title is not None
    assert "before: 25% said, 50% so" in (title.text or "")
