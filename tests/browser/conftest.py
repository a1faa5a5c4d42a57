"""A real browser, a real service with a small gallery, a visitor who notices everything that goes wrong."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    Request,
    expect,
    sync_playwright,
)

from tests.browser import library
from tests.browser.running import CHROMIUM, FLAGS, Site, running_site
from tests.browser.scenes import Figure
from tests.waiting import PATIENCE

HERE = Path(__file__).parent
expect.set_options(timeout=1000 * PATIENCE)
# Tells what stays behind: object URLs made and not yet revoked.
COUNT_URLS = """
  window.liveUrls = new Map();
  const make = URL.createObjectURL, drop = URL.revokeObjectURL;
  URL.createObjectURL = (blob) => {
    const url = make.call(URL, blob);
    liveUrls.set(url, blob.type);
    return url;
  };
  URL.revokeObjectURL = (url) => { liveUrls.delete(url); drop.call(URL, url); };
"""


@dataclass
class Visit:
    """A page with a conscience: `errors` holds what the browser complained about and who else was asked."""

    page: Page
    site: Site
    errors: list[str] = field(default_factory=list)
    forgiven: tuple[str, ...] = ()

    def open(self, fragment: str | None = None) -> None:
        """Open the page, signed in unless another fragment is given."""
        fragment = f"#key={self.site.key}" if fragment is None else fragment
        self.page.goto(f"{self.site.url}/{fragment}")

    def choose_photo(self, data: bytes, name: str = "photo.jpg") -> None:
        """Choose a photo file."""
        self.page.set_input_files("#file", {"name": name, "mimeType": "image/jpeg", "buffer": data})

    def search(self, *figures: Figure) -> None:
        """Search with a photo of figures and wait for the answer."""
        self.choose_photo(library.photo(*figures))
        self.wait_for_answer()

    def wait_for_answer(self) -> None:
        """Wait until the newest search has been answered."""
        self.until(
            "document.querySelector('#hits').getAttribute('aria-busy') !== 'true'"
            " && document.querySelector('#hits .hit:not(.empty), .nothing, .alert') !== null"
        )

    def until(self, expression: str) -> None:
        """Wait until an expression holds. Playwright's own wait evals, which the page's policy forbids."""
        self.wait_for(lambda: bool(self.page.evaluate(expression)), f"never came true: {expression}")

    def wait_for(self, condition: Callable[[], bool], otherwise: str) -> None:
        """Wait for something on this side while the browser's events, such as held requests, come in."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, otherwise
            self.page.wait_for_timeout(20)

    def enter_time(self, label: str, date: str, time: str) -> None:
        """Type a date (YYYY-MM-DD) and a time into the field of that name."""
        self.page.get_by_label(f"{label}, date").fill(date)
        field = self.page.get_by_label(f"{label}, time (24 hours)")
        field.fill(time)
        field.press("Tab")

    @property
    def hits(self) -> Locator:
        """The cards of the answer."""
        return self.page.locator("#hits .hit:not(.empty)")

    def answer_after(self, action: Callable[[], object]) -> None:
        """Do something that searches again, and wait for that answer."""
        with self.page.expect_response(lambda response: response.url.endswith("/v1/searches")) as answer:
            action()
        answer.value.finished()
        self.wait_for_answer()

    def forgive(self, *fragments: str) -> None:
        """Expect complaints that contain one of these."""
        self.forgiven = (*self.forgiven, *fragments)

    def note_console(self, message: ConsoleMessage) -> None:
        """Keep errors and warnings of the console; a policy violation is one of them."""
        if message.type in {"error", "warning"}:
            self.errors.append(f"{message.type}: {message.text} {message.location.get('url', '')}")

    def note_request(self, request: Request) -> None:
        """Keep requests that go anywhere else."""
        if not request.url.startswith((self.site.url, "blob:", "data:")):
            self.errors.append(f"request to another host: {request.url}")

    def complaints(self) -> list[str]:
        """What was not expected."""
        return [error for error in self.errors if not any(part in error for part in self.forgiven)]


class Browsers:
    """Playwright and the browsers that it has started; the last one is in use."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._started: list[Browser] = []

    def one(self) -> Browser:
        """A browser; another one if the last has died, so that only the test at hand fails with it."""
        if self._playwright is None:
            self._playwright = sync_playwright().start()
        if not self._started or not self._started[-1].is_connected():
            chromium = self._playwright.chromium
            self._started.append(chromium.launch(executable_path=CHROMIUM, args=FLAGS))
        return self._started[-1]

    def stop(self) -> None:
        """Close the browsers before Playwright ends."""
        while self._started:
            self._started.pop().close()
        if self._playwright is not None:
            self._playwright.stop()
        self._playwright = None


BROWSERS = Browsers()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Stop when this process takes tests of another folder, and go on when it comes back.

    While Playwright runs, its thread has an event loop, and other tests cannot start theirs.
    """
    try:
        yield
    finally:
        if nextitem is None or HERE not in nextitem.path.parents:
            BROWSERS.stop()


@pytest.fixture
def browser() -> Browser:
    """Debian's Chromium. Without it the tests are skipped on a laptop and fail in continuous integration."""
    if not CHROMIUM.exists():
        message = f"{CHROMIUM} is missing: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return BROWSERS.one()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The service with its gallery; no test may add to it or take from it."""
    with running_site(tmp_path_factory.mktemp("site"), (320, 240)) as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh browser profile in New York, far from all cameras, at the width of a laptop."""
    made = browser.new_context(
        viewport={"width": 1280, "height": 800},
        timezone_id="America/New_York",
        locale="en-US",
        accept_downloads=True,
    )
    made.set_default_timeout(PATIENCE * 1000)
    made.add_init_script(COUNT_URLS)
    yield made
    made.close()


@contextmanager
def watched(page: Page, site: Site) -> Iterator[Visit]:
    """A visit that must end without complaints."""
    visiting = Visit(page, site)
    page.on("console", visiting.note_console)
    page.on("pageerror", lambda error: visiting.errors.append(f"exception: {error}"))
    page.on("request", visiting.note_request)
    yield visiting
    assert visiting.complaints() == []


@pytest.fixture
def visit(context: BrowserContext, site: Site) -> Iterator[Visit]:
    """A page that must end without complaints."""
    with watched(context.new_page(), site) as visiting:
        yield visiting
