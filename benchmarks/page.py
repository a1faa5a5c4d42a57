"""How fast is the page: its first paint, thousands of hits, and what it adds to the server's time?

    python -m benchmarks.page --hits 5000

A real Chromium, without a GPU, against a real server with the shipped networks and a gallery of made-up
tracklets, whose strips are drawn. Everything is measured in the page itself: paints and shifts as the browser
reports them, frames as `requestAnimationFrame` gives them. What the server took is what lies between the
first byte that the browser sent it and the last that came back. All of it shares the machine with whatever
else runs, so the load is printed with the figures.
"""

import argparse
import base64
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks.page_gallery import PATIENCE, drawn_strips, fill, serving
from tests.browser.running import CHROMIUM, FLAGS

PHOTO = Path(__file__).parent.parent / "samples" / "probes" / "person-1.jpg"
WATCH = """
  window.seen = { shift: 0, long: [], frames: [], painted: 0, largest: 0 };
  const watch = (type, note) => {
    const observer = new PerformanceObserver((list) => list.getEntries().forEach(note));
    observer.observe({ type, buffered: true });
  };
  watch("layout-shift", (one) => { if (!one.hadRecentInput) seen.shift += one.value; });
  watch("longtask", (one) => seen.long.push(one.duration));
  watch("paint", (one) => { if (one.name === "first-contentful-paint") seen.painted = one.startTime; });
  watch("largest-contentful-paint", (one) => { seen.largest = one.startTime; });
  let last = 0;
  const frame = (now) => {
    if (last) seen.frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  window.watchFrames = () => { seen.frames = []; seen.long = []; last = 0; };
"""
# A photo dropped on the page, until the first strip has been painted; and what of it the server took.
DROP = """async ([bytes, name]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], name, { type: "image/jpeg" }));
  performance.clearResourceTimings();
  const start = performance.now();
  const drop = new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.body.dispatchEvent(drop);
  const paint = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  let hits = 0;
  for (;;) {
    await paint();
    if (document.querySelector("#hits").getAttribute("aria-busy") === "true") continue;
    if (!hits && document.querySelector("#hits .hit:not(.empty)")) hits = performance.now() - start;
    if (hits && document.querySelector("#hits .hit img")?.naturalWidth) break;
  }
  const whole = performance.now() - start;
  const calls = performance.getEntriesByType("resource");
  const asked = calls.filter(({ name }) => /\\/v1\\/(probes|searches)$/.test(name));
  return { hits, whole, server: asked.reduce((sum, one) => sum + one.responseEnd - one.requestStart, 0) };
}"""


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--hits", type=int, default=5000, help="tracklets in the gallery, all of them hits")
    parser.add_argument("--rounds", type=int, default=5, help="how often it is opened, and a photo dropped")
    options = parser.parse_args()
    print(_machine())
    with tempfile.TemporaryDirectory() as folder:
        key = fill(Path(folder), options.hits)
        with serving(Path(folder)) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            rows = opening(browser, url, key, options.rounds)
            rows += searching(browser, url, key, options)
            browser.close()
    print("\n| what | measured |\n|---|---:|")
    for name, value in rows:
        print(f"| {name} | {value} |")
    print(f"\nLoad at the end: {os.getloadavg()[0]:.1f}")
    return 0


def new_page(context: Any) -> Page:
    """A page that watches itself."""
    page: Page = context.new_page()
    page.add_init_script(WATCH)
    page.set_default_timeout(PATIENCE * 1000)
    return page


def opening(browser: Any, url: str, key: str, rounds: int) -> list[tuple[str, str]]:
    """First and largest paint, with an empty cache and with a full one."""
    cold: list[tuple[float, float]] = []
    warm: list[tuple[float, float]] = []
    shifts = []
    for _ in range(rounds):
        context = browser.new_context(viewport={"width": 1280, "height": 800}, timezone_id="America/New_York")
        page = new_page(context)
        for times in (cold, warm):
            page.goto(f"{url}/#key={key}")
            page.wait_for_selector("#holdings:not(:empty)")
            page.wait_for_timeout(1000)
            seen = page.evaluate("seen")
            times.append((seen["painted"], seen["largest"]))
            shifts.append(seen["shift"])
            page.goto("about:blank")
        context.close()
    rows = []
    for name, times in (("cold", cold), ("warm", warm)):
        rows.append((f"first contentful paint, {name}", f"{_median([one for one, _ in times])} ms"))
        rows.append((f"largest contentful paint, {name}", f"{_median([one for _, one in times])} ms"))
    return [*rows, ("layout shift while the page opens, worst", f"{max(shifts):.4f}")]


def searching(browser: Any, url: str, key: str, options: argparse.Namespace) -> list[tuple[str, str]]:
    """A photo dropped, all hits loaded, scrolled through and scrubbed."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, timezone_id="America/New_York")
    page = new_page(context)
    drops = []
    for _ in range(options.rounds):
        page.goto("about:blank")
        page.goto(f"{url}/#key={key}")
        page.wait_for_selector("#holdings:not(:empty)")
        drops.append(page.evaluate(DROP, [list(PHOTO.read_bytes()), "photo.jpg"]))
    rows = [
        ("photo dropped until hits are painted", f"{_median([one['hits'] for one in drops])} ms"),
        ("the same, with the first strip", f"{_median([one['whole'] for one in drops])} ms"),
        ("of it the server, upload and search", f"{_median([one['server'] for one in drops])} ms"),
    ]
    rows += _through_all(page)
    rows.append(("frames while scrubbing 40 strips", _scrub(page)))
    rows.append(("layout shift, search to end", f"{page.evaluate('seen.shift'):.4f}"))
    deeper = page.get_by_role("button", name="Search for the best")
    if deeper.count():
        before = page.url
        deeper.click()
        while page.url == before:  # of the search before
            page.wait_for_timeout(50)
        page.wait_for_selector("#hits[aria-busy=false]")
        rows += _through_all(page)
    rows.append(("frames of a bare page of 200 such strips", _bare(context)))
    context.close()
    return rows


def _through_all(page: Page) -> list[tuple[str, str]]:
    """Load all hits there are, and scroll through them."""
    page.evaluate("watchFrames()")
    begun = time.monotonic()
    page.get_by_role("button", name="Load all").click()
    page.wait_for_selector("#more:has-text('The list ends here')")
    hits = page.locator("#hits .hit").count()
    while hits != (hits := page.locator("#hits .hit").count()):
        page.wait_for_timeout(500)  # cards are made a few at a time
    return [
        (f"all {hits:,} hits loaded", f"{time.monotonic() - begun:.1f} s"),
        ("frames meanwhile", _frames(page)),
        ("frames while scrolling through all", _scroll(page)),
    ]


def _bare(context: Any) -> str:
    """What the same pictures cost without a page around them: a grid of them, scrolled through alike."""
    strips = [base64.b64encode(one).decode() for one in drawn_strips()]
    pictures = "".join(f'<img src="data:image/jpeg;base64,{strips[n % len(strips)]}">' for n in range(200))
    grid = "display: grid; grid-template-columns: repeat(3, 288px); gap: 142px 14px; margin-left: 364px"
    page = context.new_page()
    page.set_content(f'<div style="{grid}">{pictures}</div>')
    page.evaluate(WATCH)
    page.wait_for_timeout(1000)
    return _scroll(page)


def _scroll(page: Page) -> str:
    """From the first hit to the last by the wheel, and back to the first by a key."""
    page.mouse.move(900, 500)
    page.evaluate("watchFrames()")
    while page.evaluate("scrollY + innerHeight < document.documentElement.scrollHeight - 5"):
        page.mouse.wheel(0, 2400)
        page.wait_for_timeout(40)
    return _frames(page)


def _scrub(page: Page) -> str:
    """The pointer goes over strips, as it does when crops are looked at closely."""
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(1500)
    page.evaluate("watchFrames()")
    for card in page.locator("#hits .strip").all()[:40]:
        card.scroll_into_view_if_needed()
        area = card.bounding_box()
        if area is None:
            continue
        for share in (0.1, 0.35, 0.6, 0.85):
            page.mouse.move(area["x"] + share * area["width"], area["y"] + 20)
            page.wait_for_timeout(60)
    return _frames(page)


def _frames(page: Page) -> str:
    """Frames since they were watched: how long they took, and the tasks that blocked the page."""
    seen = page.evaluate("seen")
    frames, long = sorted(seen["frames"]), seen["long"]
    over = sum(one > 50 for one in frames)
    tasks = f"{len(long)} long tasks, longest {max(long):.0f} ms" if long else "no long task"
    median, worst = statistics.median(frames), frames[-1]
    many, most = (frames[int(len(frames) * share)] for share in (0.95, 0.99))
    shares = f"95 % {many:.0f} ms, 99 % {most:.0f} ms"
    times = f"median {median:.0f} ms, {shares}, longest {worst:.0f} ms, {over} over 50 ms"
    return f"{len(frames)}: {times}; {tasks}"


def _median(values: Sequence[float]) -> str:
    return f"{statistics.median(values):,.0f} (up to {max(values):,.0f})"


def _machine() -> str:
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((line.split(": ")[1] for line in cpuinfo if line.startswith("model name")), "?")
    load = os.getloadavg()[0]
    return f"{processor}, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
