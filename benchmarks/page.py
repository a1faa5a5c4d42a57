"""How fast is the page: its first paint, thousands of hits, and what it adds to the server's time?

    python -m benchmarks.page --hits 5000

A real Chromium, without a GPU, against a real server with the shipped networks and a gallery of made-up
tracklets, whose strips are drawn. Everything is measured in the page itself: paints and shifts as the browser
reports them, frames as `requestAnimationFrame` gives them. What the server took is what lies between the
first byte that the browser sent it and the last that came back. All of it shares the machine with whatever
else runs, so the load is printed with the figures.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from gallery import (
    BOX_DTYPE,
    Gallery,
    GallerySettings,
    ModelInfo,
    NewClip,
    NewTracklet,
    NewVideo,
    VideoReport,
)
from models import zoo
from models.names import DEFAULT
from tests.browser.library import EVERYBODY
from tests.browser.running import CHROMIUM, FLAGS
from tests.browser.scenes import Scene, Walk, lobby, street, strip
from tests.browser.scenes import platform as station

START = datetime(2026, 1, 1, tzinfo=UTC)
PER_VIDEO = 50
CAMERAS = 20
PORT = 8077
PATIENCE = 300.0  # seconds until the server is ready
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


def fill(data: Path, count: int) -> str:
    """A gallery of made-up tracklets in the space of the shipped model, and a key to it."""
    random = np.random.default_rng(1)
    network = zoo.load(DEFAULT)
    model = ModelInfo(network.id, network.name, network.dimension, network.card)
    strips = _strips()
    with Gallery.open(GallerySettings(data_dir=data), create=True) as gallery:
        for number in range(count // PER_VIDEO):
            place = f"Camera {number % CAMERAS + 1}"
            camera = gallery.catalogue.get_or_add_camera(place, time_zone="Europe/Berlin")
            name = f"{number:032x}" * 2
            with gallery.writer(name, model) as writer:
                for one in range(PER_VIDEO):
                    picture = strips[(number + one) % len(strips)]
                    writer.add(_tracklet(random, one, model.dimension, picture))
                writer.commit(_video(name, number, camera.id))
        return gallery.keys.create("benchmark")[1]


def _strips() -> list[bytes]:
    """Strips of everybody at every place, as long in bytes as those of recordings."""
    made = []
    for background in (lobby, street, station):
        for figure in EVERYBODY:
            walk = Walk(figure, (0.1, 0.9), (0.9, 0.9), 0, 4, 0.7)
            scene = Scene(background, [walk], 480, 320)
            pictures = [scene.picture(second) for second in range(4)]
            boxes = [walk.box(second, 480, 320) or (0, 0, 1, 1) for second in range(4)]
            made.append(strip(pictures, boxes))
    return made


def _tracklet(random: np.random.Generator, place: int, dimension: int, picture: bytes) -> NewTracklet:
    feature = random.standard_normal(dimension).astype(np.float32)
    feature /= np.linalg.norm(feature)
    boxes = np.zeros(20, BOX_DTYPE)
    boxes["time_us"] = 10_000_000 * place + 100_000 * np.arange(20)
    boxes["w"], boxes["h"], boxes["score"] = 60, 160, 0.9
    clip = NewClip(int(boxes["time_us"][0]), int(boxes["time_us"][-1]), 20, feature)
    return NewTracklet(boxes, feature, [clip], {"height": 160.0, "sharpness": 0.2}, picture)


def _video(name: str, number: int, camera: int) -> NewVideo:
    return NewVideo(
        content_hash=name,
        camera_id=camera,
        file_name=f"{number}.mp4",
        path=f"/nowhere/{number}.mp4",
        owned=False,
        size_bytes=1,
        start_time=START + timedelta(hours=number // CAMERAS),
        duration_us=10_000_000 * PER_VIDEO,
        width=640,
        height=480,
        frames_decoded=12_500,
        frames_bad=0,
        report=VideoReport(detector="none"),
    )


@contextmanager
def serving(data: Path) -> Iterator[str]:
    """`sightline serve` as a process of its own, ready to answer; its address."""
    url = f"http://127.0.0.1:{PORT}"
    limits = {"SIGHTLINE_KEY_REQUESTS_PER_MINUTE": "0", "SIGHTLINE_ADDRESS_REQUESTS_PER_MINUTE": "0"}
    command = [str(Path(sys.executable).with_name("sightline")), "serve", "--port", str(PORT)]
    with (data / "server.log").open("wb") as log:
        environment = {**os.environ, **limits, "SIGHTLINE_DATA_DIR": str(data)}
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            _wait(url, server)
            yield url
        finally:
            server.terminate()
            server.wait(60)


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/readyz", timeout=5).close()
        except OSError:
            time.sleep(0.3)
        else:
            return
    raise SystemExit("the server does not get ready")


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
    page.evaluate("watchFrames()")
    begun = time.monotonic()
    page.get_by_role("button", name="Load all").click()
    page.wait_for_selector("#more:has-text('The list ends here')")
    hits = page.locator("#hits .hit").count()
    while hits != (hits := page.locator("#hits .hit").count()):
        page.wait_for_timeout(500)  # cards are made a few at a time
    rows.append((f"all {hits:,} hits loaded", f"{time.monotonic() - begun:.1f} s"))
    rows.append(("frames meanwhile", _frames(page)))
    rows.append(("frames while scrolling through all", _scroll(page)))
    rows.append(("frames while scrubbing 40 strips", _scrub(page)))
    rows.append(("layout shift, search to end", f"{page.evaluate('seen.shift'):.4f}"))
    context.close()
    return rows


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
    most = frames[int(len(frames) * 0.99)]
    times = f"median {median:.0f} ms, 99 % {most:.0f} ms, longest {worst:.0f} ms, {over} over 50 ms"
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
