"""The report of a run."""

import re
from html.parser import HTMLParser
from pathlib import Path

from models.adaptation.page import CLUSTERS, QUERIES, changed_most, rank_of, write_page
from tests.models.adaptation.pages import CAMERA, HELD, shown


class Seen(HTMLParser):
    """Tags in their order, and attributes that could lead elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "action"}]


def page(folder: Path) -> str:
    with shown(folder) as facts:
        write_page(folder / "report.html", facts)
    return (folder / "report.html").read_text(encoding="utf-8")


def test_everything_is_inside_and_names_are_text(tmp_path: Path) -> None:
    text = page(tmp_path)
    seen = Seen()
    seen.feed(text)

    assert all(link.startswith("data:image/jpeg;base64,") for link in seen.links)
    assert "script" not in seen.tags
    assert "b" not in seen.tags
    assert "hall &lt;b&gt;" in text
    assert CAMERA not in text


def test_verdict_figures_and_crops_are_shown(tmp_path: Path) -> None:
    text = page(tmp_path)

    assert "The old model stays" in text
    assert "<strong>fails</strong>" in text
    assert "90.0 %" in text
    assert text.count("3 tracklets</h3>") == min(4, CLUSTERS)
    assert text.count('class="cut"') == 2
    assert text.count("before: rank") == min(HELD, QUERIES)
    assert len(re.findall("<img", text)) > 40


def test_rankings_that_moved_farthest_come_first(tmp_path: Path) -> None:
    with shown(tmp_path) as facts:
        moved = changed_most(facts.gathered.held, facts.before, facts.after)
        for number, old, new in moved:
            assert (old, new) == (rank_of(facts.before, number), rank_of(facts.after, number))

    steps = [abs(old - new) for _, old, new in moved]
    assert steps == sorted(steps, reverse=True)
