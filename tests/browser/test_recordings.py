"""The panel that adds recordings and follows their indexing."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from gallery import JobInfo
from tests.browser.conftest import Visit
from tests.browser.library import PLACES, photo, scene
from tests.browser.running import Site, running_site
from tests.browser.scenes import RED_COAT
from tests.browser.test_layout import FAINT
from tests.service.test_media_folder import stamped
from tests.waiting import until


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service of our own, empty, as these tests add to it."""
    directory = tmp_path_factory.mktemp("empty-site")
    (directory / "media" / "Gate 7").mkdir(parents=True)
    with running_site(directory, None, media_dir=directory / "media") as running:
        yield running


def newest_job(visit: Visit) -> JobInfo:
    """The job that was filed last, with its recordings."""
    jobs = visit.site.gallery.jobs
    return jobs.get(jobs.list(limit=1)[0].id)


@pytest.mark.long
def test_an_empty_gallery_leads_to_the_recordings(visit: Visit) -> None:
    visit.open()
    expect(visit.page.locator("#holdings")).to_have_text(
        "Nothing is indexed yet. Add recordings to search them."
    )
    visit.choose_photo(photo(RED_COAT))
    nothing = visit.page.locator(".nothing")
    expect(nothing).to_contain_text("Nothing is indexed yet")
    nothing.get_by_role("button", name="Add recordings").click()
    expect(visit.page.locator("#jobs")).to_be_visible()


def test_a_recording_is_uploaded_filed_followed_and_cancelled(visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "yard_2026-03-13_08-15-30.mp4"
    scene(PLACES[0]).write(path, 1.0)
    visit.open()
    page = visit.page
    page.get_by_role("button", name="Add recordings").click()
    expect(page.locator("#job-list")).to_contain_text("No jobs so far.")
    page.set_input_files("#add-files", path)
    expect(page.get_by_label("First frame at, date")).to_have_value("2026-03-13")
    expect(page.get_by_label("First frame at, time (24 hours)")).to_have_value("08:15:30")
    page.get_by_label("Camera", exact=True).fill("Yard")
    page.get_by_label("Time zone of the new camera").fill("Europe/Berlin")
    page.get_by_role("button", name="Upload and index").click()
    recording = page.locator(".recording")
    expect(recording).to_contain_text(path.name)
    expect(recording).to_contain_text("Yard, from Fri, 13 Mar 2026, 08:15:30 UTC+1")
    expect(recording.locator(".state")).to_have_text("queued")
    expect(page.locator("#add-rows .row")).to_have_count(0)
    filed = newest_job(visit).recordings[0]
    assert filed.start_time == datetime(2026, 3, 13, 7, 15, 30, tzinfo=UTC)  # 08:15:30 in Berlin
    assert Path(filed.path).read_bytes() == path.read_bytes()
    page.locator(".job").get_by_role("button", name="Cancel").click()
    expect(recording.locator(".state")).to_have_text("cancelled")


def test_recordings_on_the_server_are_seen_before_anything_is_filed(visit: Visit) -> None:
    gallery = visit.site.gallery
    media = gallery.data_dir.parent / "media"
    gallery.catalogue.add_camera("Gate 7", time_zone="Europe/Berlin")
    for name in ("gate-7/part10.mp4", "gate-7/part2.mp4", "gate-7/2026-03-13_08-15-30.mp4", "notes.txt"):
        path = media / name.replace("gate-7", "Gate 7")
        path.write_bytes(name.encode())
    visit.open()
    page = visit.page
    page.get_by_role("button", name="Add recordings").click()
    jobs = {job.id for job in gallery.jobs.list()}
    page.get_by_role("button", name="From the server's media folder").click()
    picker = page.get_by_role("group", name="From the server's media folder")
    picker.get_by_role("button", name="Gate 7/").press("Enter")
    expect(picker.locator("li")).to_have_count(3)
    assert page.evaluate(FAINT) == []
    picker.get_by_label("2026-03-13_08-15-30.mp4").check()
    picker.get_by_label("part10.mp4").check()
    picker.get_by_role("button", name="Take 2 recordings").click()
    rows = page.locator("#add-rows .row")
    expect(rows).to_have_count(2)
    first, last = rows.first, rows.last
    expect(first).to_contain_text("on the server: Gate 7/2026-03-13_08-15-30.mp4")
    expect(first.get_by_label("Camera", exact=True)).to_have_value("Gate 7")
    known = "Start: from the name of the file. Camera: from the name of the file or its folder."
    expect(first.locator(".origin")).to_have_text(known)
    expect(last.locator(".origin")).to_contain_text("The file cannot be read as a recording.")
    index = page.get_by_role("button", name="Index", exact=True)
    place = index.bounding_box()
    last.get_by_label("First frame at, date").fill("2026-03-13")
    last.get_by_label("First frame at, time (24 hours)").fill("08:00")
    page.keyboard.press("Tab")
    expect(last.locator(".origin")).to_contain_text("Start: as entered.")
    expect(last.locator(".caution")).to_contain_text("Begins before 2026-03-13_08-15-30.mp4")
    assert index.bounding_box() == place, "what is said of the times must not move what is pressed next"
    assert {job.id for job in gallery.jobs.list()} == jobs
    index.click()
    until(lambda: len(gallery.jobs.list()) > len(jobs))
    filed = newest_job(visit)
    assert [Path(one.path).name for one in filed.recordings] == ["2026-03-13_08-15-30.mp4", "part10.mp4"]
    assert filed.recordings[0].start_time == datetime(2026, 3, 13, 7, 15, 30, tzinfo=UTC)
    gallery.jobs.cancel(filed.id)

    # A folder is taken with all below it.
    (media / "Nights" / "1" / "none").mkdir(parents=True)
    for name in ("1/deep.mp4", "2026-03-14_22-00.mp4"):
        (media / "Nights" / name).write_bytes(b"x")
    page.get_by_role("button", name="From the server's media folder").click()
    picker.get_by_role("button", name="Nights/").press("Enter")
    picker.get_by_role("button", name="1/").press("Enter")
    picker.get_by_role("button", name="none/").press("Enter")
    expect(picker).to_contain_text("No recording and no folder is in here.")
    picker.get_by_role("button", name="1", exact=True).click()
    picker.get_by_role("button", name="Nights", exact=True).click()
    picker.get_by_role("button", name="Take all, sub-folders too").click()
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("on the server: Nights/2026-03-14_22-00.mp4")
    expect(rows.last).to_contain_text("on the server: Nights/1/deep.mp4")


@pytest.mark.long
def test_a_start_that_only_metadata_say_is_offered_with_care(visit: Visit) -> None:
    gallery = visit.site.gallery
    media = gallery.data_dir.parent / "media" / "Stamped"
    media.mkdir()
    stamped(media / "clip1.mp4", "2026-03-13T07:15:30Z")
    stamped(media / "clip2.mp4", None)
    gallery.catalogue.get_or_add_camera("Far gate", time_zone="Asia/Tokyo")
    visit.open()
    page = visit.page
    page.get_by_role("button", name="Add recordings").click()
    page.get_by_role("button", name="From the server's media folder").click()
    picker = page.get_by_role("group", name="From the server's media folder")
    picker.get_by_role("button", name="Stamped/").press("Enter")
    picker.get_by_role("button", name="Take all 2").click()
    first, last = (page.locator("#add-rows .row").nth(n) for n in range(2))
    expect(first.locator(".origin")).to_contain_text("Start: from the file's metadata, which say it in UTC")
    expect(last.locator(".origin")).to_contain_text("neither the name nor the metadata say it")
    clock = first.get_by_label("First frame at, time (24 hours)")
    # The instant stays on whichever clock it is shown.
    first.get_by_label("Camera", exact=True).fill("Far gate")
    expect(clock).to_have_value("16:15:30")
    expect(first.locator(".zone")).to_contain_text(", Asia/Tokyo (UTC+9)")
    expect(first.locator(".origin")).to_contain_text("Start: from the file's metadata")
    clock.fill("16:15:31")
    page.keyboard.press("Tab")
    expect(first.locator(".origin")).to_contain_text("Start: as entered.")


def test_what_files_say_is_asked_one_by_one_and_gives_no_camera_to_others(visit: Visit) -> None:
    media = visit.site.gallery.data_dir.parent / "media" / "Many"
    media.mkdir()
    for n in range(1, 5):
        (media / f"clip{n}.mp4").write_bytes(b"x")
    held: list[Route] = []
    page = visit.page

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/media/start?*", hold)
    visit.forgive("503")
    visit.open()
    page.get_by_role("button", name="Add recordings").click()
    page.get_by_role("button", name="From the server's media folder").click()
    picker = page.get_by_role("group", name="From the server's media folder")
    picker.get_by_role("button", name="Many/").press("Enter")
    picker.get_by_role("button", name="Take all 4").click()
    rows = page.locator("#add-rows .row")
    expect(rows).to_have_count(4)
    cameras = [rows.nth(n).get_by_label("Camera", exact=True) for n in range(4)]
    visit.wait_for(lambda: len(held) == 1, "the first is asked")
    for n in range(4):
        expect(rows.nth(n).locator(".origin")).to_have_text("Start: the file is being asked for it…")
    page.get_by_role("button", name="Leave out clip2.mp4").click()
    cameras[0].evaluate("(input) => (input.value = 'Somewhere')")  # typed, and not left yet
    held[0].fulfill(json={"path": "Many/clip1.mp4", "start": "2026-03-13T07:15:30Z", "why": None})
    expect(rows.nth(0).locator(".origin")).to_contain_text("Start: from the file's metadata")
    visit.wait_for(lambda: len(held) == 2, "the next is asked")
    assert "clip3" in held[1].request.url, "what was left out is not asked for"
    held[1].fulfill(status=503, json={})
    expect(rows.nth(1).locator(".origin")).to_contain_text("metadata could not be asked for")
    visit.wait_for(lambda: len(held) == 3, "the last is asked")
    held[2].fulfill(json={"path": "Many/clip4.mp4", "start": "2026-03-13T06:15:30Z", "why": None})
    expect(rows.nth(2).locator(".origin")).to_contain_text("Start: from the file's metadata")
    assert [camera.input_value() for camera in cameras[:3]] == ["Somewhere", "", ""]


@pytest.mark.long
def test_a_broken_upload_goes_on_where_it_stopped(visit: Visit, tmp_path: Path) -> None:
    visit.forgive("ERR_FAILED")
    path = tmp_path / "ramp.mp4"
    path.write_bytes(bytes(range(256)) * 40)
    visit.open()
    page = visit.page
    attempts: list[float] = []

    def break_once(route: Route) -> None:
        attempts.append(time.monotonic())
        if len(attempts) == 1:
            route.abort()
        else:
            route.continue_()

    page.route("**/v1/uploads/*?offset=*", break_once)
    page.get_by_role("button", name="Add recordings").click()
    page.set_input_files("#add-files", path)
    page.get_by_label("Camera", exact=True).fill("Ramp")
    visit.enter_time("First frame at", "2026-03-13", "09:00")
    page.get_by_role("button", name="Upload and index").click()
    expect(page.locator(".job").first).to_contain_text("ramp.mp4")
    assert len(attempts) == 2
    filed = newest_job(visit).recordings[0]
    assert Path(filed.path).read_bytes() == path.read_bytes()
    visit.site.gallery.jobs.cancel(newest_job(visit).id)


def test_states_progress_and_reasons_are_shown(visit: Visit) -> None:
    recording = {
        "camera": "Lobby",
        "start": "2026-03-13T08:00:00Z",
        "stage": None,
        "progress": 0.0,
        "reason": None,
    }
    running = {**recording, "file_name": "a.mkv", "state": "running", "stage": "index", "progress": 0.4}
    seen = {
        "id": "r3",
        "state": "skipped",
        "reason": "a.mkv is indexed already, as video v1",
        "video_id": "v1",
    }
    again = {**recording, "file_name": "copy.mkv", "camera": "Copies", **seen}
    visit.site.gallery.catalogue.add_camera("Copies")
    video = {"file_name": "a.mkv", "camera": "Hall", "start": "2026-03-13T08:00:00Z"}
    failed = {**recording, "file_name": "notes.txt", "state": "failed", "reason": "The file is no video."}
    job = {
        "id": "j1",
        "state": "running",
        "progress": 0.5,
        "eta_seconds": 95.0,
        "cancel_requested": False,
        "created_at": "2026-03-13T09:00:00Z",
        "recordings": [running, failed],
    }
    skipped = {**job, "id": "j2", "state": "succeeded", "recordings": [again]}

    def without_media(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "media_folder": False})

    visit.page.route(
        "**/v1/index-jobs", lambda route: route.fulfill(json={"items": [job, skipped], "next_cursor": None})
    )
    visit.page.route("**/v1/session", without_media)
    visit.page.route("**/v1/videos/v1", lambda route: route.fulfill(json=video))
    visit.page.clock.install()
    visit.open()
    visit.page.get_by_role("button", name="Add recordings").click()
    shown = visit.page.locator(".job").first
    expect(shown).to_contain_text("running, 50 %, about 1 min 35 s left")
    expect(shown).to_contain_text("indexing, 40 %")
    expect(shown).to_contain_text("The file is no video.")
    told = visit.page.locator(".job").last
    expect(told.locator(".job-head .state")).to_have_text("nothing new")
    original = (
        "The gallery has this recording already: a.mkv of Hall, from Fri, 13 Mar 2026, 08:00:00 UTC+0. "
    )
    expect(told).to_contain_text(f"{original}Copies has no recording now; under Cameras it can be deleted.")
    expect(visit.page.locator("label", has_text="Choose recordings")).to_be_visible()
    expect(visit.page.get_by_role("button", name="From the server's media folder")).to_be_hidden()
    # What ends once the panel is closed is counted all the same.
    visit.page.keyboard.press("Escape")
    job["state"] = running["state"] = "succeeded"
    with visit.page.expect_request("**/v1/videos?*"):
        visit.page.clock.run_for(10_000)
