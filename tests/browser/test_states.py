"""Every state of the page: what axe says, light and wide, dark and narrow; times; the way by keyboard."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import Visit
from tests.browser.library import photo
from tests.browser.running import Site, running_site
from tests.browser.scenes import BLUE_JACKET, RED_COAT
from tests.browser.test_layout import FAINT, focus_is_visible
from tests.browser.untold import UNTOLD

PROBLEM = {
    "type": "urn:sightline:problem:reason-missing",
    "title": "The purpose or case number is missing",
    "status": 428,
    "detail": "Say why.",
}
# Once the page has heard of its new width, and has been drawn.
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
DRAG = """(kind) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File(["x"], "photo.jpg", { type: "image/jpeg" }));
  const event = new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service of our own, as the last state is that of something erased."""
    with running_site(tmp_path_factory.mktemp("states"), (160, 120)) as running:
        running.gallery.groups.put("Main building", ["Lobby"])
        yield running


@contextmanager
def failing(page: Page, path: str) -> Iterator[None]:
    """Answer nothing under that path meanwhile."""
    page.route(path, lambda route: route.abort())
    yield
    page.unroute(path)


def before_a_search(visit: Visit) -> Iterator[str]:
    """Signing in, the empty page, help, a photo that is refused."""
    page = visit.page
    visit.open("")
    expect(page.locator("#signin-key")).to_be_focused()
    yield "sign in"
    page.locator("#signin-key").fill("sl_wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#signin-error")).not_to_be_empty()
    yield "sign in, refused"
    page.locator("#signin-key").fill(visit.site.key)
    page.keyboard.press("Enter")
    expect(page.locator("#holdings")).to_contain_text(" from ")
    yield "start"
    page.keyboard.press("?")
    yield "help"
    page.keyboard.press("Escape")
    visit.choose_photo(b"this is no photo", "notes.jpg")
    expect(page.locator("#photo-error .alert")).to_be_visible()
    yield "a photo refused"


def answers(visit: Visit) -> Iterator[str]:
    """An answer and all that is done with it in its place."""
    page = visit.page
    visit.search(RED_COAT, BLUE_JACKET)
    yield "answer"
    page.evaluate(DRAG, "dragover")
    yield "a photo above the page"
    page.evaluate(DRAG, "dragleave")
    if not page.locator("#filter-form").is_visible():
        page.locator("#filters summary").click()
    for summary in page.locator("#coverage summary").all():
        summary.click()
    visit.answer_after(page.get_by_role("checkbox", name="Station").uncheck)
    yield "filters, tokens and coverage"
    picture = {"name": "more.jpg", "mimeType": "image/jpeg", "buffer": photo(RED_COAT)}
    visit.answer_after(lambda: page.set_input_files("#add-photo", picture))  # type: ignore[arg-type]
    yield "several photos"
    page.get_by_role("button", name="By camera").click()
    page.get_by_label("Order").select_option("newest")
    yield "by camera"
    page.locator("#own-box").click()
    yield "a box of one's own"
    visit.wait_for_answer()
    visit.hits.first.scroll_into_view_if_needed()
    expect(visit.hits.first.locator("img")).not_to_have_class("waiting")
    visit.hits.first.focus()
    page.keyboard.press("c")
    expect(page.locator("#loupe")).to_be_visible()
    yield "loupe"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Please judge these").click()
    expect(page.locator("#judge li").first).to_be_visible()
    page.locator("#judge button.mark").first.click()
    yield "asked to judge"
    page.locator("#open-review").click()
    expect(page.locator(".reviewed")).to_have_count(1)
    yield "marks for a second person"
    page.keyboard.press("Escape")
    visit.answer_after(lambda: visit.enter_time("From", "2027-01-01", "00:00"))
    yield "nothing to search"
    with failing(page, "**/v1/searches"):
        page.locator("#reset").click()
        expect(page.locator("#answer-error .alert")).to_be_visible()
        yield "no answer"
    page.route("**/v1/searches", lambda route: route.fulfill(status=428, json=PROBLEM))
    page.locator("#answer-error button").click()
    expect(page.locator("#reason")).to_be_visible()
    yield "asked why"
    page.unroute("**/v1/searches")
    page.locator("#reason-purpose").fill("a test")
    visit.answer_after(lambda: page.keyboard.press("Enter"))


def player(visit: Visit) -> Iterator[str]:
    """The player, what it compares, and what it would erase."""
    page = visit.page
    visit.hits.first.click()
    visit.until("document.querySelector('#player video').readyState >= 2")
    yield "player"
    page.keyboard.press("c")
    yield "comparison"
    page.keyboard.press("c")
    page.keyboard.press("a")
    visit.until("document.querySelector('#player video').readyState >= 2")
    page.get_by_role("button", name="Erase this sighting").click()
    expect(page.get_by_role("group", name="Erase this sighting")).to_contain_text("1 sighting")
    yield "the recording around, and a plan of erasure"
    page.keyboard.press("Escape")


def panels(visit: Visit, directory: Path) -> Iterator[str]:
    """Searches, cases, videos, models."""
    page = visit.page
    page.locator("#open-history").click()
    expect(page.locator("#history")).to_contain_text("hits")
    yield "searches"
    page.keyboard.press("Escape")
    page.locator("#open-cases").click()
    page.get_by_role("button", name="New case").click()
    yield "a new case"
    page.get_by_role("form", name="New case").get_by_label("Title").fill("Coat")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Add the search on the page").click()
    expect(page.locator(".sightings, .journey .note").first).to_be_visible()
    page.get_by_role("button", name="Add a note").click()
    yield "a case with its journey"
    page.get_by_role("button", name="Erase this case").click()
    expect(page.get_by_role("group", name="Erase this case")).to_contain_text("1 case")
    yield "a plan of erasing a case"
    page.get_by_role("button", name="All cases").click()
    expect(page.get_by_role("button", name="Coat")).to_be_visible()
    yield "cases"
    page.keyboard.press("Escape")
    recording = directory / "yard_2026-03-13_08-15-30.mp4"
    recording.write_bytes(b"no video")
    page.locator("#open-jobs").click()
    page.set_input_files("#add-files", recording)
    page.get_by_label("Camera", exact=True).fill("Yard")
    yield "a video to be added"
    page.get_by_role("button", name="Upload and index").click()
    expect(page.locator(".job")).to_have_count(1)
    yield "a job"
    page.keyboard.press("Escape")


def library(visit: Visit) -> Iterator[str]:
    """Cameras, their videos, what is changed of them, and what is left when one was erased."""
    page = visit.page
    page.locator("#open-library").click()
    item = page.locator('.camera-item[data-name="Lobby"]')
    item.locator("summary").first.click()
    expect(item.locator(".video")).to_have_count(1)
    yield "library"
    item.get_by_role("button", name="Edit camera").click()
    item.get_by_role("button", name="Correct").click()
    visit.enter_time("First frame at", "2026-03-12", "14:20:05")
    expect(item.locator(".effect")).to_contain_text("20 min later")
    item.get_by_role("button", name="Erase recordings").click()
    yield "a camera edited, a video corrected, recordings to be erased"
    for cancel in item.get_by_role("button", name="Cancel").all()[::-1]:
        cancel.click()
    item.locator(".video").get_by_role("button", name="Erase").click()
    expect(item).to_contain_text("This would go for good")
    item.get_by_role("button", name="Erase", exact=True).click()
    yield "a plan of erasing a video"
    item.get_by_role("button", name="Erase for good").click()
    expect(item.get_by_role("region", name="Certificate of the erasure")).to_be_focused()
    yield "a certificate"
    page.keyboard.press("Escape")


def administration(visit: Visit) -> Iterator[str]:
    """Each of its parts, with their forms."""
    page = visit.page
    page.locator("#open-admin").click()
    for part, button in {
        "Keys": "Make a key",
        "Camera groups": "Make a group",
        "Audit trail": "",
        "Retention and holds": "Set a rule",
        "Models": "Adapt a model to these cameras",
        "System": "",
    }.items():
        page.locator("#admin-parts").get_by_role("button", name=part).click()
        shown = page.get_by_role("region", name=part)
        expect(shown.locator(".waiting")).to_have_count(0)
        if button:
            shown.get_by_role("button", name=button).click()
        for summary in shown.locator("summary").all()[:2]:
            summary.click()
        yield f"administration: {part}"
    page.locator("#admin-parts").get_by_role("button", name="Keys").click()
    page.get_by_role("button", name="Make a key").click()
    page.keyboard.type("Night shift")
    page.keyboard.press("Enter")
    expect(page.get_by_label("The key of Night shift").get_by_role("textbox")).to_be_focused()
    yield "administration: a new key"
    page.get_by_role("button", name="I have it").click()
    page.keyboard.press("Escape")


def in_german(visit: Visit) -> Iterator[str]:
    """The page in its other language."""
    page = visit.page
    page.keyboard.press("?")
    page.locator("#language").select_option("de")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("#holdings")).to_contain_text(" von ")
    yield "in German"


@pytest.mark.parametrize("everywhere", [False, pytest.param(True, marks=pytest.mark.long)])
def test_axe_finds_nothing_in_any_state(visit: Visit, tmp_path: Path, everywhere: bool) -> None:
    """In the light and wide; `everywhere`: in the dark and narrow, too."""
    page = visit.page
    visit.forgive("401", "415", "428", "ERR_FAILED")
    page.emulate_media(reduced_motion="reduce")
    found: list[str] = []

    def look(name: str) -> None:
        found.extend(f"{name}: {one}" for one in violations(page))
        found.extend(f"{name}, no zone or no UTC: {one}" for one in page.evaluate(UNTOLD))
        if not everywhere:
            return
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 800, "height": 900})
        page.evaluate(DRAWN)
        found.extend(f"{name}, narrow: {one}" for one in violations(page, narrow=True))
        found.extend(f"{name}, dark: {one}" for one in page.evaluate(FAINT))
        if page.evaluate("document.documentElement.scrollWidth") > 800:
            found.append(f"{name}: wider than 800 pixels")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 1280, "height": 800})

    for part in (
        before_a_search(visit),
        answers(visit),
        player(visit),
        panels(visit, tmp_path),
        library(visit),
        administration(visit),
        in_german(visit),
    ):
        for name in part:
            look(name)
    assert not found, "\n".join(found)


@pytest.mark.long
def test_panels_are_gone_through_by_keyboard(visit: Visit) -> None:
    visit.open()
    expect(visit.page.locator("#holdings")).to_contain_text(" from ")
    for name in ("library", "history", "cases", "jobs", "admin", "help"):
        gone_through(visit, name)


def gone_through(visit: Visit, name: str) -> None:
    page = visit.page
    opener, panel = page.locator(f"#open-{name}"), page.locator(f"#{name}")
    opener.press("Enter")
    expect(panel).to_be_visible()
    expect(panel.locator(".waiting:visible")).to_have_count(0)
    inside = "document.activeElement.closest('dialog')?.id ?? ''"
    assert page.evaluate(inside) == name
    for _ in range(30):
        page.keyboard.press("Tab")
        if not page.evaluate(inside):
            break  # behind the last comes the browser's own, then the first again
        assert page.evaluate(inside) == name
        assert focus_is_visible(visit), page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(opener).to_be_focused()
