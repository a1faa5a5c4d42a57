"""Does the page stay quick with thousands of hits, paint at once, and keep still while it fills?

    python benchmarks/page.py [--hits 5000] [--pixels 3000]

A real Chromium opens the page on a small drawn gallery, whose answer is multiplied to --hits in the browser,
so that neither the network nor the index is measured. It then loads all of them, scrolls from the first to
the last, orders and groups them, and marks one. Of every task of the page's main thread the trace tells the
time by the clock and the time of the processor: on a shared machine only the second is the page's own. A task
of more than 50 ms is a long one, as browsers count them; what moves is the cumulative layout shift, of which
up to 0.1 counts as good.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.library import photo
from tests.browser.running import CHROMIUM, FLAGS, running_site
from tests.browser.scenes import RED_COAT

LONG = 50.0  # milliseconds
PATIENCE = 300_000  # milliseconds

# Multiplies the answer of the service in the page.
MANY = Path(__file__).with_name("page_many.js").read_text(encoding="utf-8")
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


@dataclass(frozen=True)
class Step:
    """What one step cost the main thread: milliseconds by the clock and of the processor."""

    name: str
    longest: float
    longest_cpu: float
    long_tasks: int
    long_cpu: int
    cpu: float
    shift: float


def _tasks(trace: dict[str, Any]) -> list[tuple[float, float]]:
    """(by the clock, of the processor) of each task of the main threads of the trace, in milliseconds."""
    events = trace["traceEvents"]
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event.get("name") == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    return [
        (event["dur"] / 1000, event.get("tdur", 0) / 1000)
        for event in events
        if event.get("name") == "RunTask" and event.get("ph") == "X" and (event["pid"], event["tid"]) in mains
    ]


@contextmanager
def _measured(browser: Browser, page: Page, name: str, steps: list[Step]) -> Iterator[None]:
    moved = page.evaluate("shift")
    browser.start_tracing(page=page, categories=["disabled-by-default-devtools.timeline"])
    try:
        yield
    finally:
        trace = json.loads(browser.stop_tracing())
    tasks = _tasks(trace)
    steps.append(
        Step(
            name,
            max((wall for wall, _ in tasks), default=0.0),
            max((cpu for _, cpu in tasks), default=0.0),
            sum(wall > LONG for wall, _ in tasks),
            sum(cpu > LONG for _, cpu in tasks),
            sum(cpu for _, cpu in tasks),
            page.evaluate("shift") - moved,
        )
    )


def _wait(page: Page, expression: str) -> None:
    while not page.evaluate(expression):
        page.wait_for_timeout(50)


def _scroll(page: Page, pixels: int) -> None:
    """Turn the wheel from the top to the end of the page, a notch at a time."""
    page.mouse.move(800, 500)
    page.evaluate("scrollTo(0, 0)")
    while page.evaluate("scrollY + innerHeight < document.documentElement.scrollHeight - 2"):
        page.mouse.wheel(0, pixels)
        page.wait_for_timeout(16)


def measure(browser: Browser, url: str, key: str, hits: int, pixels: int) -> tuple[float, list[Step]]:
    """First contentful paint in milliseconds, and what each step cost."""
    page = browser.new_page(viewport={"width": 1280, "height": 800}, timezone_id="America/New_York")
    page.set_default_timeout(PATIENCE)
    page.add_init_script(MANY.replace("/* ALL */ 5000", str(hits)))
    page.goto(f"{url}/#key={key}")
    _wait(page, f"({PAINT}) !== null")
    paint = float(page.evaluate(PAINT))
    steps: list[Step] = []
    picture = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo(RED_COAT)}

    def ask() -> None:
        page.set_input_files("#file", picture)  # type: ignore[arg-type]
        _wait(page, "document.querySelectorAll('#hits .hit[data-rank]').length === 50")

    def load() -> None:
        page.get_by_role("button", name="Load all").click()
        _wait(page, f"document.querySelectorAll('#hits .hit[data-rank]').length === {hits}")

    def order() -> None:
        page.get_by_label("Order").select_option("newest")
        page.wait_for_timeout(1000)

    def group() -> None:
        page.get_by_role("button", name="By camera").click()
        page.wait_for_timeout(1000)

    def mark() -> None:
        page.evaluate("scrollTo(0, 0)")
        page.locator("#hits button.mark").first.click()
        page.wait_for_timeout(500)

    actions: list[tuple[str, Callable[[], None]]] = [
        ("the first 50 hits", ask),
        (f"all {hits} loaded", load),
        ("scrolled from first to last", lambda: _scroll(page, pixels)),
        ("another order", order),
        ("grouped by camera", group),
        ("a hit marked", mark),
    ]
    for name, action in actions:
        with _measured(browser, page, name, steps):
            action()
    page.close()
    return paint, steps


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hits", type=int, default=5000)
    parser.add_argument("--pixels", type=int, default=3000, help="of one notch of the wheel")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as directory,
        sync_playwright() as playwright,
        running_site(Path(directory), (320, 240)) as site,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        paint, steps = measure(browser, site.url, site.key, options.hits, options.pixels)
        browser.close()
    print(f"first contentful paint: {paint:.0f} ms\n")
    print("| step | longest task, ms | of the processor, ms | long tasks | by processor | all, s | shift |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for one in steps:
        print(
            f"| {one.name} | {one.longest:.0f} | {one.longest_cpu:.0f} | {one.long_tasks} | {one.long_cpu} "
            f"| {one.cpu / 1000:.1f} | {one.shift:.3f} |"
        )


if __name__ == "__main__":
    main()
