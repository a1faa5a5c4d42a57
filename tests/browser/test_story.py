"""A working day on the page, from the first photo to the check of the record, as one person goes through it.

Once with drawn figures and networks that see colours, which takes seconds; once with the sample recordings
and the networks that come with the program. The browser is in New York, the cameras are in Berlin.
"""

import io
import re
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from scripts.demo_world import SampleWorld
from service.evidence import verifier
from tests.browser import samples
from tests.browser.conftest import Visit, watched
from tests.browser.library import Place, photo, scene
from tests.browser.running import drawn_worker, running_site, shipped_worker, working
from tests.browser.scenes import BLUE_JACKET, RED_COAT, lobby
from tests.browser.test_layout import tab_to
from tests.browser.test_player import wait_for_clip

Box = tuple[float, float, float, float]  # left, top, width, height in pixels of the picture

# Where the frame that the service draws around a person is on the screen: left, top, width, height, or null.
DRAWN = """(video) => {
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
  const amber = (x, y) => {
    const i = 4 * (y * width + x);
    const [r, g, b] = [data[i], data[i + 1], data[i + 2]];
    return r > 140 && r - b > 70 && g > 0.5 * r && g < 0.85 * r; // thin lines lose some of their colour
  };
  const range = (n) => Array.from({ length: n }, (_, at) => at);
  // Its upright sides are the fullest columns; how high they are is how high it is.
  const columns = range(width).map((x) => range(height).filter((y) => amber(x, y)).length);
  const full = range(width).filter((x) => columns[x] > Math.max(...columns) / 3);
  const [left, right] = [full[0], full.at(-1)];
  const near = (x, y) => [-1, 0, 1].some((by) => amber(x + by, y));
  const rows = range(height).filter((y) => near(left, y) && near(right, y));
  return [left, rows[0], right - left, rows.at(-1) - rows[0]];
}"""


@dataclass(frozen=True)
class Day:
    """What the day is about."""

    several: bytes
    """A photo with several people on it."""
    meant: Box
    """Where on it the person is who is looked for."""
    portrait: bytes
    """A photo of that person alone."""
    site: str
    """Where it is known that they were not."""
    elsewhere: tuple[str, ...]
    """The cameras of all other sites."""
    recording: Path
    """One that came later, of a camera that is new, with that person on it."""
    start: datetime
    """When its first frame was really recorded."""
    people: SampleWorld | None = None
    """Who is who, where that is known better than by clothes."""


NEW_CAMERA = "Back door"
SLIP = timedelta(hours=1)  # by which its start is typed in wrongly
CLOCK = "%H:%M:%S"
INDEXED = 900  # seconds until the real networks have seen a minute of video, however busy the machine is


def berlin(moment: datetime) -> datetime:
    """On the cameras' clocks, in winter."""
    return moment.astimezone(UTC) + timedelta(hours=1)


def sign_in(visit: Visit) -> None:
    """Type the key."""
    visit.forgive("401")
    visit.open("")
    expect(visit.page.locator("#signin-key")).to_be_focused()
    visit.page.keyboard.type(visit.site.key)
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("#holdings")).to_contain_text(" from ")


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    (x, y, w, h), (x2, y2, w2, h2) = one, other
    wide, tall = min(x + w, x2 + w2) - max(x, x2), min(y + h, y2 + h2) - max(y, y2)
    shared = max(0.0, wide) * max(0.0, tall)
    return shared / (w * h + w2 * h2 - shared)


def give_photos_and_pick(visit: Visit, day: Day) -> None:
    """Two photos of one person; on the first, the one who is meant is picked by number."""
    page = visit.page
    with page.expect_response("**/v1/probes") as uploaded:
        visit.choose_photo(day.several, "street.jpg")
    persons = uploaded.value.json()["persons"]
    visit.wait_for_answer()
    number = max(range(len(persons)), key=lambda n: overlap(tuple(persons[n]["box"]), day.meant)) + 1
    assert overlap(tuple(persons[number - 1]["box"]), day.meant) > 0.5
    page.keyboard.press(str(number))
    expect(page.locator(".person.picked .number")).to_have_text(str(number))
    visit.wait_for_answer()
    picture = {"name": "portrait.jpg", "mimeType": "image/jpeg", "buffer": day.portrait}
    visit.answer_after(lambda: page.set_input_files("#add-photo", picture))  # type: ignore[arg-type]
    expect(page.locator("#photos > li")).to_have_count(2)
    page.get_by_role("button", name="Photo 1, counts").press("Enter")
    expect(page.locator(".person.picked .number")).to_have_text(str(number))


def filter_by_keyboard(visit: Visit, day: Day) -> None:
    """Leave a site out, say what that leaves, and take the filter away again."""
    page = visit.page
    everything = visit.hits.count()
    if not page.locator("#filter-form").is_visible():
        page.locator("#filters summary").press("Enter")
    tab_to(visit, f"#cameras [data-site='{day.site}']")
    visit.answer_after(lambda: page.keyboard.press(" "))
    assert set(page.locator("#hits .camera").all_text_contents()) == set(day.elsewhere)
    expect(page.locator("#coverage")).to_contain_text("left out by the filter")
    token = page.locator("#tokens .token")
    expect(token).to_have_count(1)
    visit.answer_after(lambda: token.press("Enter"))
    expect(token).to_have_count(0)
    expect(visit.hits).to_have_count(everything)
    visit.answer_after(page.get_by_role("button", name="Last recorded day").click)
    expect(token).to_contain_text("Europe/Berlin")
    expect(visit.hits).to_have_count(everything)


def ask(visit: Visit, path: str) -> Any:
    """What the API answers to those who ask it directly."""
    return visit.page.request.get(f"{visit.site.url}{path}", headers={"X-API-Key": visit.site.key}).json()


def answered(visit: Visit) -> list[dict[str, Any]]:
    """The hits of the search that the address names, in its order."""
    search = visit.page.evaluate("new URLSearchParams(location.hash.slice(1)).get('search')")
    hits: list[dict[str, Any]] = ask(visit, f"/v1/searches/{search}?limit=200")["hits"]
    return hits


def card(visit: Visit, rank: int) -> Locator:
    """The card of the hit of a rank, wherever it stands."""
    return visit.page.locator(f'#hits .hit[data-rank="{rank}"]')


def play(visit: Visit) -> None:
    """Watch the first hit: the box is where the person is, frame by frame, on the camera's clock."""
    page = visit.page
    visit.hits.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    rank = int(visit.hits.first.get_attribute("data-rank") or 0)
    with page.expect_response(lambda response: "/clip?" in response.url) as cut:
        page.keyboard.press("Enter")
    wait_for_clip(visit)
    page.keyboard.press(" ")
    hit = next(one for one in answered(visit) if one["rank"] == rank)
    recorded = datetime.fromisoformat(ask(visit, f"/v1/videos/{hit['video_id']}")["start"])
    begun = datetime.fromisoformat(cut.value.headers["sightline-clip-start"]) - recorded
    video = page.locator("#player video")
    end = begun.total_seconds() + video.evaluate("(video) => video.duration")
    boxes = ask(visit, hit["tracklet_url"])["boxes"]
    shown = [box for box in boxes if begun.total_seconds() <= box[0] < end - 0.3]
    places = []
    for share in (0.3, 0.7):
        second, *box = shown[int(len(shown) * share)][:5]
        place = second - begun.total_seconds() + 0.02
        video.evaluate("(video, second) => { video.pause(); video.currentTime = second; }", place)
        visit.until("!document.querySelector('#player video').seeking")
        drawn = video.evaluate(DRAWN)
        assert overlap(tuple(drawn), tuple(box)) > 0.6, (drawn, box)
        places.append(drawn)
    assert places[0] != places[1]
    clock = page.locator("#player-clock")
    expect(clock).to_contain_text("(UTC+1)")
    before = clock.text_content() or ""
    page.keyboard.press(".")
    expect(clock).not_to_have_text(before)
    page.keyboard.press(",")
    expect(clock).to_have_text(before)
    page.keyboard.press("a")
    expect(page.locator("#player-around")).to_have_attribute("aria-pressed", "true")
    wait_for_clip(visit)
    page.keyboard.press("Escape")
    expect(card(visit, rank)).to_be_focused()


def is_the_person(visit: Visit, day: Day, hit: dict[str, Any]) -> bool:
    """Whether a hit shows who is looked for: by the ground truth, or by how alike drawn clothes are."""
    if day.people is None:
        return bool(hit["score"] > 0.95)
    names = {label: name for name, (label, *_) in samples.CAMERAS.items()} | {NEW_CAMERA: "camera-4"}
    boxes = ask(visit, hit["tracklet_url"])["boxes"]
    return day.people.identity(names[hit["camera"]["name"]], boxes) == day.people.wanted


def mark_and_refine(visit: Visit, day: Day) -> set[str]:
    """Mark two hits as they are, by keyboard, and search again with that; where the person was seen."""
    page, hits = visit.page, answered(visit)
    right = next(hit for hit in hits if is_the_person(visit, day, hit))
    wrong = next(hit for hit in hits if not is_the_person(visit, day, hit))
    for hit, key in ((right, "m"), (wrong, "n")):
        card(visit, hit["rank"]).focus()
        page.keyboard.press(key)
    expect(page.locator("#marked")).to_contain_text("Marked: 1 the person, 1 someone else.")
    with page.expect_response("**/refine"):
        page.keyboard.press("r")
    visit.wait_for_answer()
    expect(page.locator("#marked")).to_contain_text("This answer follows your marks")
    hits = answered(visit)
    assert hits[0]["tracklet_id"] == right["tracklet_id"] or is_the_person(visit, day, hits[0])
    return {right["camera"]["name"]}


def keep_a_case(visit: Visit) -> None:
    """Make a case of the search, note something, and see the journey."""
    page, body = visit.page, visit.page.locator("#cases-body")
    page.get_by_role("button", name="Cases", exact=True).press("Enter")
    page.get_by_role("button", name="New case").press("Enter")
    page.keyboard.type("Lost bag")
    page.keyboard.press("Tab")
    page.keyboard.type("2026/17")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Add the search on the page").press("Enter")
    expect(body.locator(".sightings > li")).to_have_count(1)
    expect(body.locator(".sightings time").first).to_contain_text("UTC+1")
    for name in ("over time", "on a map"):
        expect(body.get_by_role("img", name=f"The sightings {name}")).to_be_visible()
    body.get_by_role("button", name="Add a note").press("Enter")
    page.keyboard.type("The guard remembers the coat")
    page.keyboard.press("Enter")
    expect(body.locator(".notes li")).to_contain_text("The guard remembers the coat")


def take_evidence(visit: Visit) -> None:
    """Export the case, and check the package as its reader would, by the digest that the page shows."""
    body = visit.page.locator("#cases-body")
    with visit.page.expect_download() as download:
        body.get_by_role("button", name="Evidence").click()
    content = download.value.path().read_bytes()
    package = verifier.verify(io.BytesIO(content))
    expect(body.get_by_label("Digest of the package")).to_have_value(package.digest)
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        report = files.read("report.html").decode()
        assert any(name.endswith(".mp4") for name in files.namelist())
    assert "The guard remembers the coat" in report
    visit.page.keyboard.press("Escape")
    expect(visit.page.get_by_role("button", name="Cases", exact=True)).to_be_focused()


def add_a_recording(visit: Visit, day: Day) -> None:
    """Upload a recording of a new camera, with an hour's mistake in its start, and watch the job."""
    page = visit.page
    page.get_by_role("button", name="Add recordings").press("Enter")
    page.set_input_files("#add-files", day.recording)
    page.get_by_label("Camera", exact=True).fill(NEW_CAMERA)
    expect(page.get_by_label("Time zone of the new camera")).to_have_value("Europe/Berlin")
    wrong = berlin(day.start + SLIP)
    visit.enter_time("First frame at", f"{wrong:%Y-%m-%d}", f"{wrong:%H:%M:%S}")
    page.get_by_role("button", name="Upload and index").press("Enter")
    recording = page.locator(".recording").first
    expect(recording).to_contain_text(f"{NEW_CAMERA}, from")
    expect(recording).to_contain_text(f"{wrong:{CLOCK}} UTC+1")
    expect(recording.locator(".state")).to_have_text(
        re.compile(r"^done, \d+ sightings?$"), timeout=1000 * INDEXED
    )
    page.keyboard.press("Escape")


def open_camera(visit: Visit) -> Locator:
    """The new camera in the library, with its recordings; what was open before still is."""
    visit.page.get_by_role("button", name="Cameras").press("Enter")
    item = visit.page.locator(f'.camera-item[data-name="{NEW_CAMERA}"]')
    if item.get_attribute("open") is None:
        item.locator("summary").first.press("Enter")
    return item


def correct_its_start(visit: Visit, day: Day) -> None:
    """Say when it really began; what that moves is said first."""
    item = open_camera(visit)
    item.get_by_role("button", name="Correct").press("Enter")
    form = item.get_by_role("form")
    right = berlin(day.start)
    visit.enter_time("First frame at", f"{right:%Y-%m-%d}", f"{right:{CLOCK}}")
    expect(form.get_by_role("status")).to_contain_text("The recording moves 1 h earlier.")
    form.get_by_role("button", name="Save").press("Enter")
    expect(item.locator(".clocks")).to_contain_text(f"{right:{CLOCK}}")
    visit.page.keyboard.press("Escape")


def find_them_there(visit: Visit, day: Day) -> None:
    """Search the new recording: the person is on it, at the time that was corrected."""
    page = visit.page
    visit.answer_after(lambda: visit.choose_photo(day.portrait, "portrait.jpg"))
    for token in page.locator("#tokens .token").all():
        visit.answer_after(token.click)
    hits = [hit for hit in answered(visit) if hit["camera"]["name"] == NEW_CAMERA]
    assert is_the_person(visit, day, hits[0])
    seen = berlin(datetime.fromisoformat(hits[0]["start"]))
    assert berlin(day.start) <= seen < berlin(day.start) + timedelta(minutes=2)
    expect(card(visit, hits[0]["rank"]).locator(".when")).to_contain_text(f"{seen:{CLOCK}}")


def erase_it(visit: Visit) -> None:
    """Erase the recording: what would go, twice asked, the certificate."""
    item = open_camera(visit)
    item.locator(".video").get_by_role("button", name="Erase").press("Enter")
    expect(item).to_contain_text("This would go for good: 1 recording and")
    expect(item.get_by_role("button", name="Keep")).to_be_focused()
    item.get_by_role("button", name="Erase", exact=True).press("Enter")
    item.get_by_role("button", name="Erase for good").press("Enter")
    certificate = item.get_by_role("region", name="Certificate of the erasure")
    expect(certificate).to_be_focused()
    expect(certificate).to_contain_text("nothing of it was found, and no row or file is left")
    item.get_by_role("button", name="Done").press("Enter")
    expect(item).to_contain_text("No recordings yet.")
    visit.page.keyboard.press("Escape")


def read_the_record(visit: Visit) -> None:
    """All of it stands in the audit trail, and the trail holds."""
    page = visit.page
    page.get_by_role("button", name="Administration").press("Enter")
    page.locator("#admin-parts").get_by_role("button", name="Audit trail").press("Enter")
    trail = page.get_by_role("region", name="Audit trail")
    expect(trail.locator(".event", has_text="Erasure checked")).to_have_count(1)
    trail.get_by_text("Check the whole trail").click()
    trail.get_by_role("button", name="Check the trail").press("Enter")
    expect(trail.locator(".verdict.good").first).to_contain_text("events are as they were recorded")
    done = {event.action for event in visit.site.gallery.audit.events(limit=500)}
    wanted = {"session.open", "probe.add", "search", "clip.view", "evidence.package", "case.read"}
    assert wanted <= done, wanted - done
    assert {"video.edit", "erasure", "erasure.prove", "audit.verify"} <= done, done
    page.keyboard.press("Escape")


def go_through(visit: Visit, day: Day) -> None:
    """The whole day."""
    sign_in(visit)
    give_photos_and_pick(visit, day)
    filter_by_keyboard(visit, day)
    play(visit)
    mark_and_refine(visit, day)
    keep_a_case(visit)
    take_evidence(visit)
    add_a_recording(visit, day)
    correct_its_start(visit, day)
    find_them_there(visit, day)
    erase_it(visit)
    read_the_record(visit)


def drawn_day(directory: Path) -> Day:
    """A day among drawn figures; what came later is of a place like the lobby."""
    start = datetime(2026, 3, 12, 15, 0, tzinfo=UTC)
    path = directory / "back-door.mp4"
    scene(Place(NEW_CAMERA, "", lobby, start), 320, 240).write(path, 5.0)
    tall, middle = 0.66 * 320 * (0.55 + 0.45 * 0.96), 480 / 3
    meant = (middle - tall * 0.19, 0.96 * 320 - tall, tall * 0.38, tall)
    return Day(
        several=photo(RED_COAT, BLUE_JACKET),
        meant=meant,
        portrait=photo(RED_COAT),
        site="Station",
        elsewhere=("Lobby", "North street"),
        recording=path,
        start=start,
    )


def sampled_day() -> Day:
    """A day among the samples: who passes the yard passed the south gate; its recording comes later."""
    world = samples.world()
    second = 55
    picture, people = samples.frame("camera-3", second)
    return Day(
        several=picture,
        meant=people[world.wanted],
        portrait=world.photo.read_bytes(),
        site="Depot",
        elsewhere=("Lobby", "Yard"),
        recording=samples.FOLDER / "camera-4.mp4",
        start=samples.start_of("camera-4"),
        people=world,
    )


@pytest.mark.long
def test_a_working_day_among_drawn_figures(context: BrowserContext, tmp_path: Path) -> None:
    with (
        running_site(tmp_path, (320, 240)) as site,
        working(site, drawn_worker),
        watched(context.new_page(), site) as visit,
    ):
        go_through(visit, drawn_day(tmp_path))


@pytest.mark.long
def test_a_working_day_on_the_samples(context: BrowserContext, tmp_path: Path) -> None:
    def fill(gallery: Any, _: Path) -> None:
        samples.fill(gallery, "camera-1", "camera-2", "camera-3")

    with (
        running_site(tmp_path, fill=fill, shipped=True) as site,
        working(site, shipped_worker),
        watched(context.new_page(), site) as visit,
    ):
        go_through(visit, sampled_day())
