"""Cases on the page: filled with marked hits, followed, changed, and taken away as evidence."""

import io
import re
import threading
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from service.evidence import verifier
from tests.browser.conftest import Visit
from tests.browser.scenes import RED_COAT
from tests.browser.test_layout import FAINT
from tests.browser.untold import UNTOLD
from tests.waiting import PATIENCE

SEEN = re.compile(r"^Thu, 12 Mar 2026, .* \(Europe/Berlin \(UTC\+1\)\)\s+UTC: Thu, 12 Mar 2026, ")
# The edges of the parts of the legend, from left to right.
LEGEND = """[...document.querySelectorAll(".drawing .legend")].flatMap((part) => {
  const { left, right } = part.getBoundingClientRect();
  return [left, right];
})"""


def open_case(visit: Visit, title: str) -> None:
    """Make a case of the search that is on the page, and show it."""
    page = visit.page
    page.get_by_role("button", name="Cases", exact=True).click()
    page.get_by_role("button", name="New case").click()
    form = page.get_by_role("form", name="New case")
    form.get_by_label("Title").fill(title)
    form.get_by_label("Number").fill("2026/17")
    form.get_by_role("button", name="Save").click()
    expect(page.locator("#cases-body h3").first).to_have_text(f"2026/17 · {title}")
    page.get_by_role("button", name="Add the search on the page").click()
    expect(page.locator(".case-item")).to_have_count(2)


def mark(visit: Visit, *ranks: int) -> None:
    """Mark hits as the person."""
    for number, rank in enumerate(ranks, 1):
        visit.page.get_by_role("button", name=f"The person: hit {rank}", exact=True).click()
        expect(visit.page.locator("#hits [data-verdict=match][aria-pressed=true]")).to_have_count(number)


def test_a_case_is_made_of_marked_hits_followed_and_taken_away(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit.open()
    visit.search(RED_COAT)
    mark(visit, 1, 2, 3)
    page, body = visit.page, visit.page.locator("#cases-body")
    open_case(visit, "<b>Red</b> & coat")
    expect(body.locator(".sightings > li")).to_have_count(3)
    for name in ("over time", "on a map"):
        expect(body.get_by_role("img", name=f"The sightings {name}")).to_be_visible()
    expect(body.locator(".drawing text").first).to_have_text("Thu, 12 Mar 2026, Europe/Berlin (UTC+1)")
    expect(body.locator(".drawing .seen title").first).to_have_text(SEEN)
    # In a language with longer words, too, the parts of the legend stand beside each other.
    assert page.evaluate(LEGEND) == sorted(page.evaluate(LEGEND))
    expect(body.locator(".drawing").last).to_have_text("No camera of this journey has a position.")
    assert page.evaluate(UNTOLD) == []
    pictures = body.locator(".thumb img, .sightings .strip img")
    expect(pictures).to_have_count(4)
    for one in pictures.all():  # they come as they come into sight
        one.scroll_into_view_if_needed()
        expect(one).to_have_js_property("complete", True)
        expect(one).not_to_have_js_property("naturalWidth", 0)
    body.locator(".sightings .play").first.click()
    visit.until("document.querySelector('.sightings video')?.videoWidth > 0")
    body.get_by_role("button", name="Add a note").click()
    body.get_by_label("Note", exact=True).fill("Seen by the guard")
    body.get_by_role("button", name="Save").click()
    expect(body.locator(".notes li")).to_contain_text("Seen by the guard")
    assert page.evaluate(FAINT) == []

    def somebody_else_too(route: Route) -> None:
        case = route.request.url.split("/")[-3]
        detail = {"package_id": "0" * 32, "manifest_sha256": "f" * 64, "left_out": 0}
        visit.site.gallery.audit.record("evidence.package", subject=case, detail=detail)
        route.continue_()

    page.route("**/evidence/made", somebody_else_too)
    body.get_by_label("only marks that a second person confirmed").check()
    visit.forgive("409")
    body.get_by_role("button", name="Evidence").click()
    expect(body.locator(".evidence .alert")).to_contain_text("No mark is confirmed")
    body.get_by_label("only marks that a second person confirmed").uncheck()
    # Slower than the browser can let go of it.
    held = visit.site.gallery.catalogue.thumbnail_path
    going = threading.Event()

    def slowly(tracklet_id: str) -> Path:
        going.wait(PATIENCE)
        return held(tracklet_id)

    monkeypatch.setattr(type(visit.site.gallery.catalogue), "thumbnail_path", lambda _, one: slowly(one))
    body.get_by_role("button", name="Evidence").click()
    expect(body.locator(".packing")).to_contain_text("Packing clips: 0 of 3")
    assert page.evaluate(FAINT) == []
    body.get_by_role("button", name="Cancel").click()
    expect(body.locator(".evidence")).to_contain_text("Cancelled: nothing was kept.")
    going.set()
    with page.expect_download() as download:
        body.get_by_role("button", name="Evidence").click()
    content = download.value.path().read_bytes()
    package = verifier.verify(io.BytesIO(content))
    digest = body.get_by_label("Digest of the package")
    expect(digest).to_have_value(package.digest)
    body.locator(".evidence").get_by_role("button", name="Copy").click()
    expect(body.locator(".evidence").get_by_role("button", name="Copied")).to_be_visible()
    body.get_by_text("What is in it?").click()
    expect(body.locator(".packed")).to_contain_text("clips of every marked hit")
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        assert sum(name.endswith("preview.mp4") for name in files.namelist()) == 3
        assert "Seen by the guard" in files.read("report.html").decode()


@pytest.mark.long
def test_a_case_is_changed_emptied_and_deleted(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    page, body = visit.page, visit.page.locator("#cases-body")
    open_case(visit, "Coat")
    body.get_by_role("button", name="Edit title").click()
    form = body.get_by_role("form", name="Edit title, number and purpose")
    form.get_by_label("Title").fill("Red coat")
    form.get_by_label("Number").fill("")
    form.get_by_label("Purpose").fill("To find the coat")
    form.get_by_role("button", name="Save").click()
    expect(body.locator("h3").first).to_have_text("Red coat")
    expect(body).to_contain_text("To find the coat")
    items = body.locator(".case-item")
    items.filter(has_text="Photo").get_by_role("button", name="Take out").click()
    expect(items).to_have_count(1)
    before = page.url
    page.goto("about:blank")
    page.goto(before.split("#")[0])
    page.get_by_role("button", name="Cases", exact=True).click()
    page.get_by_role("button", name="Red coat").click()
    items.get_by_role("button", name="Open").click()
    expect(page.locator("#cases")).to_be_hidden()
    visit.wait_for_answer()
    assert page.url == before
    page.get_by_role("button", name="Cases", exact=True).click()
    page.get_by_role("button", name="Red coat").click()
    items.get_by_role("button", name="Take out").click()
    expect(items).to_have_count(0)
    body.get_by_role("button", name="Delete this case").click()
    body.get_by_role("button", name="Delete now").click()
    expect(body.get_by_role("button", name="New case")).to_be_visible()
    expect(page.get_by_role("button", name="Red coat")).to_have_count(0)
