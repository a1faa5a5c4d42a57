"""The report of an adaptation opens from disk, in a real browser, without asking for anything."""

from pathlib import Path

from playwright.sync_api import BrowserContext

from models.adaptation.page import write_page
from tests.models.adaptation.pages import shown


def test_the_report_shows_all_its_pictures_and_asks_for_nothing(
    context: BrowserContext, tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    with shown(tmp_path) as facts:
        write_page(report, facts)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(report.as_uri())

    assert complaints == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    widths = page.locator("img").evaluate_all("images => images.map(image => image.naturalWidth)")
    assert len(widths) > 40
    assert min(widths) > 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
