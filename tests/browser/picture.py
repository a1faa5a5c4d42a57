"""Draws docs/page.png, the README's picture: `python -m tests.browser.picture`. Everybody on it is drawn."""

import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser.library import photo
from tests.browser.running import CHROMIUM, FLAGS, running_site
from tests.browser.scenes import BLUE_JACKET, RED_COAT, WHITE_SHIRT

TARGET = Path("docs/page.png")


def draw(target: Path = TARGET) -> None:
    """Search for somebody, wait for all pictures, and save what the browser shows, in few colours."""
    with (
        tempfile.TemporaryDirectory() as directory,
        sync_playwright() as playwright,
        running_site(Path(directory), size=(960, 540)) as site,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(
            viewport={"width": 1280, "height": 800}, timezone_id="Europe/Berlin", locale="en-GB"
        )
        page.goto(f"{site.url}/#key={site.key}")
        picture = photo(BLUE_JACKET, RED_COAT, WHITE_SHIRT, width=960, height=640)
        page.set_input_files("#file", {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": picture})
        page.locator(".person").nth(1).click()
        page.wait_for_selector(".hit img:not(.waiting)")
        page.wait_for_timeout(1500)
        page.screenshot(path=target)
        browser.close()
    with Image.open(target) as shot:
        shot.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(target, optimize=True)


if __name__ == "__main__":
    draw()
