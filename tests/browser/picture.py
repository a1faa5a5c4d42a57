"""Draws the pictures of README and docs/guide.md: `python -m tests.browser.picture`. Nobody on them is real.

The sample recordings are indexed by the shipped networks, which takes minutes, and looked at in Chromium.
"""

import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser import samples
from tests.browser.running import CHROMIUM, FLAGS, Site, running_site
from tests.waiting import until

DOCS = Path("docs")
LARGEST = 190_000  # bytes of a picture
COLOURS = (256, 128, 96, 64, 48, 32)
# Whether each picture that can be seen has come.
COME = """() => [...document.querySelectorAll("img")].every((image) => {
  const { top, bottom, width } = image.getBoundingClientRect();
  return bottom < 0 || top > innerHeight || !width || image.naturalWidth;
})"""


def shoot(page: Page, name: str) -> None:
    """Save what the browser shows as docs/NAME.png, in as many colours as there is room for."""
    page.wait_for_timeout(1000)
    until(lambda: page.evaluate(COME))
    target = DOCS / f"{name}.png"
    page.screenshot(path=target)
    with Image.open(target) as shot:
        picture = shot.convert("RGB")
    for colours in COLOURS:
        # The octree keeps the few bright colours, as that of the box; the median would drop them.
        few = picture.quantize(colours, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        few.save(target, optimize=True)
        if target.stat().st_size <= LARGEST:
            return


def photo(name: str, content: bytes) -> dict[str, object]:
    """A file to choose."""
    return {"name": name, "mimeType": "image/jpeg", "buffer": content}


def answered(page: Page) -> None:
    """Wait for the newest answer."""
    page.wait_for_selector("#hits[aria-busy=false] .hit:not(.empty)")


def search(page: Page) -> None:
    """One photo with several people; then a second one of the same person, and filters."""
    street, _ = samples.frame("camera-3", 55)
    page.set_input_files("#file", photo("yard.jpg", street))  # type: ignore[arg-type]
    answered(page)
    page.keyboard.press("1")
    answered(page)
    shoot(page, "page")
    portrait = samples.world().photo.read_bytes()
    page.set_input_files("#add-photo", photo("person.jpg", portrait))  # type: ignore[arg-type]
    answered(page)
    page.get_by_role("checkbox", name="Lobby").uncheck()
    page.get_by_role("button", name="Last recorded day").click()
    page.wait_for_timeout(1500)
    answered(page)
    page.evaluate("scrollTo(0, 0)")
    page.locator(".question").evaluate("(column) => column.scrollTo(0, 0)")
    shoot(page, "guide-search")
    page.locator("#reset").click()
    page.wait_for_timeout(1500)


def results(page: Page) -> None:
    """One photo, whose hits have probabilities: the line below the credible ones."""
    portrait = samples.world().photo.read_bytes()
    page.set_input_files("#file", photo("person.jpg", portrait))  # type: ignore[arg-type]
    page.wait_for_timeout(1500)
    answered(page)
    line = page.locator("#hits .line").first
    line.evaluate("(line) => line.scrollIntoView({ block: 'center' })")
    shoot(page, "guide-results")


def player(page: Page) -> None:
    """The first hit in the recording around it."""
    page.evaluate("scrollTo(0, 0)")
    page.locator("#hits .hit").first.click()
    page.wait_for_timeout(2000)
    page.keyboard.press("a")
    page.wait_for_selector("#player-note:empty", state="attached")
    page.wait_for_timeout(3000)
    page.locator("#player video").evaluate("(video) => video.pause()")
    shoot(page, "guide-player")
    page.keyboard.press("Escape")


def case(page: Page) -> None:
    """A case of two hits of the person, as two cameras saw them."""
    seen: set[str] = set()
    for hit in page.locator("#hits .card").all():
        camera = hit.locator(".camera").inner_text()
        if camera in {"Yard", "South gate"} - seen:
            hit.locator("[data-verdict=match]").click()
            seen.add(camera)
            page.wait_for_timeout(1000)
    page.locator("#open-cases").click()
    page.get_by_role("button", name="New case").click()
    page.keyboard.type("Lost bag")
    page.keyboard.press("Tab")
    page.keyboard.type("2026/17")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Add the search on the page").click()
    page.wait_for_selector(".sightings > li:nth-child(2)")
    shoot(page, "guide-case")
    page.keyboard.press("Escape")


def library(page: Page) -> None:
    """Cameras with their days; then one recording erased, and its certificate."""
    page.locator("#open-library").click()
    for name in ("Lobby", "Yard"):
        page.locator(f'.camera-item[data-name="{name}"] > summary').click()
    shoot(page, "guide-library")
    item = page.locator('.camera-item[data-name="Lobby"]')
    item.locator(".video").get_by_role("button", name="Erase").click()
    item.get_by_role("button", name="Erase", exact=True).click()
    item.get_by_role("button", name="Erase for good").click()
    item.locator(".certificate").scroll_into_view_if_needed()
    shoot(page, "guide-erasure")
    page.keyboard.press("Escape")


def audit(page: Page) -> None:
    """The trail of all that."""
    page.locator("#open-admin").click()
    page.locator("#admin-parts").get_by_role("button", name="Audit trail").click()
    page.get_by_text("Check the whole trail").click()
    page.get_by_role("button", name="Check the trail").click()
    page.wait_for_selector(".verdict.good")
    shoot(page, "guide-audit")


def draw(site: Site) -> None:
    """All pictures, in the order of a day."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(
            viewport={"width": 1280, "height": 800}, timezone_id="Europe/Berlin", locale="en-GB"
        )
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{site.url}/#key={site.key}")
        page.wait_for_selector("#holdings:not(:empty)")
        for part in (search, results, player, case, library, audit):
            part(page)
        browser.close()


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory() as folder,
        running_site(Path(folder), fill=lambda gallery, _: samples.fill(gallery), shipped=True) as served,
    ):
        draw(served)
