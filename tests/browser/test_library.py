"""The library: cameras, their days, their videos."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.conftest import Visit
from tests.browser.running import Site, running_site
from tests.browser.scenes import RED_COAT

BY_DAY = """async ([videos, zone]) => {
  const { byDay, covered, shares } = await import("/web/js/days.js");
  return byDay(videos, zone).map((one) => [
    one.day, (one.end - one.start) / 3600000, covered(one.parts), one.parts.map((part) => shares(part, one)),
  ]);
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service of our own, as these tests take from it."""
    with running_site(tmp_path_factory.mktemp("library-site"), (320, 240)) as running:
        running.gallery.catalogue.add_camera("Cellar", time_zone="Europe/London")
        yield running


def days(visit: Visit, zone: str, *videos: tuple[str, str]) -> Any:
    """Days of videos from start to end: day, hours, seconds covered, parts."""
    given = [{"start": start, "end": end} for start, end in videos]
    return visit.page.evaluate(BY_DAY, [given, zone])


@pytest.mark.long
def test_days_are_those_of_the_camera(visit: Visit) -> None:
    visit.open()
    berlin = days(visit, "Europe/Berlin", ("2026-03-12T22:00:00Z", "2026-03-13T01:00:00Z"))
    assert berlin == [
        ["2026-03-13", 24, 7200, [[0, pytest.approx(2 / 24)]]],
        ["2026-03-12", 24, 3600, [[pytest.approx(23 / 24), pytest.approx(1 / 24)]]],
    ]
    # The day on which clocks go forward has 23 hours, that on which they go back 25.
    [[_, hours, _, [[left, _]]]] = days(
        visit, "Europe/Berlin", ("2026-03-29T10:00:00Z", "2026-03-29T11:00:00Z")
    )
    assert (hours, left) == (23, pytest.approx(11 / 23))
    [[_, hours, _, _]] = days(visit, "Europe/Berlin", ("2026-10-25T10:00:00Z", "2026-10-25T11:00:00Z"))
    assert hours == 25
    # In Beirut clocks skip midnight itself.
    [[day, hours, _, [[left, _]]]] = days(
        visit, "Asia/Beirut", ("2026-03-29T10:00:00Z", "2026-03-29T11:00:00Z")
    )
    assert (day, hours, left) == ("2026-03-29", 23, pytest.approx(12 / 23))


@pytest.mark.long
def test_what_overlaps_is_counted_once(visit: Visit) -> None:
    visit.open()
    hour = [
        ("2026-03-12T10:00:00Z", "2026-03-12T11:00:00Z"),
        ("2026-03-12T10:30:00Z", "2026-03-12T11:30:00Z"),
    ]
    [[_, _, seconds, parts]] = days(visit, "UTC", *hour)
    assert (seconds, len(parts)) == (5400, 2)


def test_cameras_open_to_their_days_and_videos(visit: Visit) -> None:
    visit.open()
    page = visit.page
    page.get_by_role("button", name="Cameras").click()
    panel = page.locator("#library")
    names = panel.locator(".camera-item > summary .name")
    expect(names).to_have_text(["Cellar", "Lobby", "North street", "Platform 2"])
    names.nth(0).click()
    expect(panel).to_contain_text("No recordings yet.")
    names.nth(2).click()
    item = panel.locator(".camera-item", has_text="North street")
    expect(item).to_contain_text("Times are those of Europe/Berlin.")
    day = item.locator(".day")
    expect(day.locator(".day-name")).to_have_text("Thu, 12 Mar 2026")
    expect(day).to_contain_text("1 recording, 13 s")
    expect(day.locator(".clocks")).to_have_text("14:20:00 \N{EN DASH} 14:20:13")
    expect(day.locator(".file")).to_contain_text("North-street_20260312_132000.mp4")
    expect(day.locator(".file")).to_contain_text("12 sightings")
    piece, whole = day.locator(".day-bar span").bounding_box(), day.locator(".day-bar").bounding_box()
    assert piece is not None
    assert whole is not None
    assert (piece["x"] - whole["x"]) / whole["width"] == pytest.approx((14 + 20 / 60) / 24, abs=0.01)


def test_a_video_is_erased_once_that_was_confirmed(visit: Visit) -> None:
    visit.open()
    page = visit.page
    page.get_by_role("button", name="Cameras").click()
    page.locator(".camera-item > summary", has_text="Platform 2").click()
    item = page.locator(".camera-item", has_text="Platform 2")
    item.locator(".video").get_by_role("button", name="Erase").click()
    expect(item).to_contain_text("This would go for good: 1 recording and 12 sightings.")
    expect(page.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Enter")
    expect(item.locator(".fields")).to_have_count(0)
    expect(item.locator(".video").get_by_role("button", name="Erase")).to_be_focused()
    page.keyboard.press("Enter")
    item.get_by_role("button", name="Erase", exact=True).click()
    item.get_by_role("button", name="Erase for good").click()
    expect(item.get_by_role("region", name="Certificate of the erasure")).to_be_visible()
    page.keyboard.press("Escape")  # left without "Done": the header counts what is left all the same
    expect(page.locator("#holdings")).to_contain_text("2 recordings from 4 cameras")
    page.get_by_role("button", name="Cameras").click()
    expect(item).to_contain_text("No recordings yet.")  # opened as it was
    page.keyboard.press("Escape")
    visit.search(RED_COAT)
    expect(visit.hits).to_have_count(24)


def open_camera(visit: Visit, name: str) -> Locator:
    """Open the library at a camera; its item."""
    visit.page.get_by_role("button", name="Cameras").click()
    item = visit.page.locator(f'.camera-item[data-name="{name}"]')
    item.locator("summary").first.click()
    return item


@pytest.mark.long
def test_a_camera_is_changed(visit: Visit) -> None:
    catalogue = visit.site.gallery.catalogue
    catalogue.add_camera("Rear door", site="Depot", time_zone="Europe/Berlin")
    visit.open()
    item = open_camera(visit, "Rear door")
    item.get_by_role("button", name="Edit camera").click()
    form = visit.page.get_by_role("form", name="Edit Rear door")
    expect(form.get_by_label("Name", exact=True)).to_be_focused()
    form.get_by_label("Name", exact=True).fill("Back door")
    form.get_by_label("Site").fill("")
    form.get_by_label("Time zone").fill("Europe/Lisbon")
    form.get_by_label("Latitude").fill("38.7")
    form.get_by_label("Longitude").fill("-9.14")
    form.get_by_label("Detector input").select_option("640")
    form.get_by_label("Pixel aspect").fill("1.333")
    with visit.page.expect_request(lambda request: request.method == "PATCH") as asked:
        form.get_by_role("button", name="Save").click()
    renamed = visit.page.locator('.camera-item[data-name="Back door"]')
    expect(renamed).to_have_attribute("open", "")
    expect(renamed.locator("summary").first).to_be_focused()
    expect(renamed.locator("summary").first).to_contain_text("Europe/Lisbon")
    assert asked.value.post_data_json == {
        "name": "Back door",
        "site": None,
        "time_zone": "Europe/Lisbon",
        "latitude": 38.7,
        "longitude": -9.14,
        "detector_input": 640,
        "pixel_aspect": 1.333,
    }
    changed = catalogue.camera_named("Back door")
    assert (changed.site, changed.time_zone, changed.latitude) == (None, "Europe/Lisbon", 38.7)
    renamed.get_by_role("button", name="Edit camera").click()
    form = visit.page.get_by_role("form", name="Edit Back door")
    form.get_by_label("Pixel aspect").fill("")
    with visit.page.expect_request(lambda request: request.method == "PATCH") as asked:
        form.get_by_role("button", name="Save").click()
    assert asked.value.post_data_json == {"pixel_aspect": None}
    expect(form).to_have_count(0)
    catalogue.remove_camera(changed.id)


def test_a_wrong_zone_and_a_name_in_use_are_refused(visit: Visit) -> None:
    visit.forgive("409")
    visit.open()
    item = open_camera(visit, "Cellar")
    item.get_by_role("button", name="Edit camera").click()
    form = visit.page.get_by_role("form", name="Edit Cellar")
    form.get_by_label("Time zone").fill("Europe/Nowhere")
    form.get_by_role("button", name="Save").click()
    assert (
        form.get_by_label("Time zone")
        .evaluate("(zone) => zone.validationMessage")
        .startswith("Choose a time")
    )
    form.get_by_label("Time zone").fill("Europe/London")
    form.get_by_label("Name", exact=True).fill("Lobby")
    form.get_by_role("button", name="Save").click()
    expect(form.locator(".alert")).to_be_visible()
    form.get_by_role("button", name="Cancel").click()
    expect(item.get_by_role("button", name="Edit camera")).to_be_focused()


def test_a_camera_is_added_and_deleted(visit: Visit) -> None:
    page = visit.page
    waiting: list[Route] = []  # the form waits for the cameras: it suggests what they have
    holding = True

    def hold(route: Route) -> None:
        waiting.append(route) if holding else route.continue_()

    page.route("**/v1/cameras*", hold)
    visit.open()
    page.get_by_role("button", name="Cameras").click()
    page.get_by_role("button", name="Add a camera").click()
    holding = False
    for route in waiting:
        route.continue_()
    form = page.get_by_role("form", name="Add a camera")
    expect(form.get_by_label("Time zone")).to_have_value("Europe/Berlin")  # that of most cameras
    form.get_by_label("Name", exact=True).fill("Attic")
    form.get_by_role("button", name="Save").click()
    item = page.locator('.camera-item[data-name="Attic"]')
    expect(item).to_contain_text("No recordings yet.")
    expect(page.get_by_role("button", name="Add a camera")).to_be_visible()
    item.get_by_role("button", name="Edit camera").click()
    item.get_by_role("button", name="Delete camera").click()
    item.get_by_role("button", name="Delete Attic for good").click()
    expect(item).to_have_count(0)
    assert "Attic" not in [camera.name for camera in visit.site.gallery.catalogue.cameras()]


def test_a_camera_with_videos_is_not_deleted(visit: Visit) -> None:
    visit.forgive("409")
    visit.open()
    item = open_camera(visit, "Lobby")
    item.get_by_role("button", name="Edit camera").click()
    item.get_by_role("button", name="Delete camera").click()
    item.get_by_role("button", name="Delete Lobby for good").click()
    expect(item.locator(".alert")).to_contain_text("recording")
    expect(item.get_by_role("button", name="Delete camera")).to_be_visible()


@pytest.mark.long
def test_a_wrong_start_and_camera_are_corrected(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    page = visit.page
    item = open_camera(visit, "Lobby")
    item.get_by_role("button", name="Correct Lobby_20260312_130000.mp4").click()
    form = page.get_by_role("form", name="Correct Lobby_20260312_130000.mp4")
    expect(form.get_by_label("First frame at, date")).to_have_value("2026-03-12")
    expect(form.get_by_label("First frame at, time (24 hours)")).to_have_value("14:00:00")
    expect(form.locator(".zone")).to_have_text("Thu, 12 Mar 2026, Europe/Berlin (UTC+1)")
    save = form.get_by_role("button", name="Save")
    before = save.bounding_box()
    visit.enter_time("First frame at", "2026-03-12", "09:30")
    expect(form.locator(".effect")).to_contain_text("The recording moves")
    assert save.bounding_box() == before, "what is about to be pressed stays where it is"
    form.get_by_role("combobox", name="Camera").select_option("Cellar")
    expect(form.locator(".zone")).to_have_text("Thu, 12 Mar 2026, Europe/London (UTC+0)")
    with page.expect_request(lambda request: request.method == "PATCH") as asked:
        form.get_by_role("button", name="Save").click()
    assert asked.value.post_data_json == {"camera": "Cellar", "start": "2026-03-12T09:30:00.000Z"}
    moved = page.locator('.camera-item[data-name="Cellar"]')
    expect(moved.locator(".clocks")).to_have_text("09:30:00 \N{EN DASH} 09:30:13")
    expect(item).to_contain_text("No recordings yet.")
    page.keyboard.press("Escape")  # the answer that is there is read again
    card = page.locator(".hit", has_text="Cellar").first
    expect(card.locator(".when")).to_contain_text("09:30:0")
