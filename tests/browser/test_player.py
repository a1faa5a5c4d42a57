"""A hit at full size."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Visit
from tests.browser.scenes import RED_COAT
from tests.browser.test_layout import FAINT

# How many pixels of the picture on the screen have the colour that the service draws boxes with.
BOX_PIXELS = """(video) => {
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] > 200 && Math.abs(data[i + 1] - 165) < 45 && data[i + 2] < 75) count += 1;
  }
  return count;
}"""

# Where the buttons of the player are, and how far facts and picture end from each other.
PLACES = """[...document.querySelectorAll(".transport button, .transport a")].map((one) => {
  const { left, top } = one.getBoundingClientRect();
  return [one.id, left, top];
})"""
BESIDE = """Math.abs(document.querySelector(".screen").getBoundingClientRect().bottom
  - document.querySelector(".about").getBoundingClientRect().bottom)"""


def open_first(visit: Visit) -> None:
    """Search for the red coat and open the first hit."""
    visit.open()
    visit.search(RED_COAT)
    visit.hits.first.click()
    wait_for_clip(visit)


def wait_for_clip(visit: Visit) -> None:
    """Wait until the clip can be seen."""
    visit.until("document.querySelector('#player video').readyState >= 2")


def video(visit: Visit, expression: str) -> Any:
    """A property of the video element."""
    return visit.page.locator("#player video").evaluate(f"(video) => video.{expression}")


def test_the_clip_plays_from_the_best_moment(visit: Visit) -> None:
    open_first(visit)
    assert video(visit, "src").startswith("blob:")
    assert (video(visit, "videoWidth"), video(visit, "videoHeight")) == (320, 240)
    now = video(visit, "currentTime")
    visit.until(f"document.querySelector('#player video').currentTime > {now + 0.3}")
    assert video(visit, "error") is None
    # The whole tracklet of about three seconds with a second before and after, as far as the recording goes.
    assert 2.5 < video(visit, "duration") < 5.5


@pytest.mark.long
def test_of_a_long_tracklet_the_best_moment_comes_first(visit: Visit) -> None:
    def stretch(route: Route) -> None:
        answer = route.fetch().json()
        for hit in answer["hits"]:
            hit["end"] = hit["end"].replace("T13:00:0", "T13:00:5")
        route.fulfill(status=201, json=answer)

    visit.page.route("**/v1/searches", stretch)
    visit.open()
    visit.search(RED_COAT)
    with visit.page.expect_request("**/clip?**") as asked:
        visit.page.locator(".hit", has_text="Lobby").first.click()
    assert "moment=" in asked.value.url
    wait_for_clip(visit)
    part = video(visit, "duration")
    with visit.page.expect_request("**/clip?**") as asked:
        visit.page.get_by_role("button", name="Whole sighting").click()
    assert "moment=" not in asked.value.url
    visit.until(f"document.querySelector('#player video').duration > {part + 0.5}")


def test_the_box_is_shown_and_hidden(visit: Visit) -> None:
    open_first(visit)
    page = visit.page
    page.locator("#player video").evaluate("(video) => { video.pause(); video.currentTime = 1.8; }")
    visit.until("!document.querySelector('#player video').seeking")
    drawn = page.locator("#player video").evaluate(BOX_PIXELS)
    page.keyboard.press("b")
    expect(page.locator("#player-box")).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#player-note")).to_have_text("")
    wait_for_clip(visit)
    page.locator("#player video").evaluate("(video) => { video.pause(); video.currentTime = 1.8; }")
    visit.until("!document.querySelector('#player video').seeking")
    plain = page.locator("#player video").evaluate(BOX_PIXELS)
    assert drawn > plain + 100


@pytest.mark.long
def test_arrow_keys_go_through_the_list(visit: Visit) -> None:
    open_first(visit)
    page = visit.page
    rank = page.locator("#player-title .rank")
    expect(rank).to_have_text("1")
    expect(page.locator("#player-previous")).to_be_disabled()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(rank).to_have_text("3")
    page.locator("#player video").focus()
    page.keyboard.press("ArrowLeft")
    expect(rank).to_have_text("2")
    wait_for_clip(visit)
    page.keyboard.press("Escape")
    expect(page.locator("#player")).to_be_hidden()
    expect(visit.hits.nth(1)).to_be_focused()


@pytest.mark.long
def test_space_stops_and_plays(visit: Visit) -> None:
    open_first(visit)
    visit.page.locator("#player video").focus()
    visit.until("!document.querySelector('#player video').paused")
    visit.page.keyboard.press(" ")
    assert video(visit, "paused")
    visit.page.keyboard.press(" ")
    assert not video(visit, "paused")


@pytest.mark.long
def test_facts_name_recording_times_and_tracklet(visit: Visit) -> None:
    open_first(visit)
    about = visit.page.locator("#player-about")
    for text in (
        "to the photo, 1 at most; not a probability",
        "Europe/Berlin (UTC+1)",
        "Your photo",
        "This hit",
    ):
        expect(about).to_contain_text(text)
    camera = visit.page.locator("#player-title").inner_text().split("\n")[-1]
    expect(about.locator("#fact-video")).to_contain_text("_20260312_1")
    assert camera
    expect(about.locator(".crop")).to_be_visible()


@pytest.mark.long
def test_a_clip_is_saved_under_a_telling_name(visit: Visit, tmp_path: Path) -> None:
    open_first(visit)
    with visit.page.expect_download() as download:
        visit.page.locator("#player-download").click()
    name = download.value.suggested_filename
    assert "2026-03-12T" in name
    assert name.endswith("Z_rank1_box.mp4")
    download.value.save_as(tmp_path / name)
    assert (tmp_path / name).read_bytes()[4:8] == b"ftyp"


def test_closing_lets_the_clip_go(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    clips = "[...liveUrls.values()].filter((type) => type === 'video/mp4').length"
    visit.hits.first.click()
    wait_for_clip(visit)
    visit.page.keyboard.press("ArrowRight")
    wait_for_clip(visit)
    assert visit.page.evaluate(clips) == 1
    visit.page.keyboard.press("Escape")
    visit.until(f"{clips} === 0")


@pytest.mark.long
def test_a_recording_that_is_gone_is_said_to_be(visit: Visit) -> None:
    visit.forgive("410")
    visit.open()
    visit.search(RED_COAT)
    detail = "The recording is no longer where it was indexed."
    asked: list[Route] = []

    def hold(route: Route) -> None:
        asked.append(route)

    visit.page.route("**/clip?**", hold)
    with visit.page.expect_request("**/clip?**"):
        visit.hits.first.click()
    expect(visit.page.locator("#player-note")).to_have_text("Cutting the clip…")
    for key in (",", "."):  # there is no frame to go by yet: nothing happens, nothing is thrown
        visit.page.keyboard.press(key)
    visit.wait_for(lambda: bool(asked), "no clip was asked for")
    asked[0].fulfill(
        status=410,
        content_type="application/problem+json",
        json={"title": "The recording cannot be played", "status": 410, "detail": detail},
    )
    expect(visit.page.locator("#player-error")).to_contain_text(detail)
    expect(visit.page.locator("#player-download")).not_to_have_attribute("href", "")


@pytest.mark.long
def test_photo_and_hit_stand_side_by_side_at_one_size(visit: Visit) -> None:
    open_first(visit)
    page = visit.page
    page.keyboard.press("c")
    expect(page.locator("#player-compare")).to_have_attribute("aria-pressed", "true")
    assert video(visit, "paused")
    comparison = page.locator("#comparison")
    about = page.locator("#player-about .comparison")
    expect(comparison.locator("figcaption")).to_have_text(["Your photo", "This hit"])
    visit.until("document.querySelector('#comparison figure > img').naturalWidth > 0")
    photo, strip, frame = (
        page.locator(selector).bounding_box()
        for selector in ("#comparison .crop", "#comparison figure > img", ".screen-frame")
    )
    assert photo is not None
    assert strip is not None
    assert frame is not None
    assert photo["height"] == pytest.approx(strip["height"], abs=1)
    assert photo["height"] > frame["height"] / 2
    assert strip["width"] == pytest.approx(2 * strip["height"], rel=0.02)
    assert frame["x"] <= photo["x"]
    assert strip["x"] + strip["width"] <= frame["x"] + frame["width"]
    expect(about.locator("figcaption")).to_have_text(["Your photo", "This hit"])
    page.keyboard.press("ArrowRight")
    expect(page.locator("#player-title .rank")).to_have_text("2")
    expect(comparison).to_be_visible()
    page.keyboard.press(" ")
    expect(comparison).to_be_hidden()
    visit.until("!document.querySelector('#player video').paused")


@pytest.mark.long
def test_a_hit_is_compared_with_the_tracklet_that_was_searched_for(visit: Visit) -> None:
    open_first(visit)
    page = visit.page
    visit.answer_after(page.get_by_role("button", name="Search for this person").click)
    expect(visit.hits).to_have_count(35)  # the new ones stand there
    visit.hits.first.click()
    page.keyboard.press("c")
    for place in ("#comparison", "#player-about"):
        figures = page.locator(f"{place} .comparison")
        expect(figures.locator("figcaption")).to_have_text(["Searched for", "This hit"])
        expect(figures.locator("img")).to_have_count(2)


@pytest.mark.long
def test_the_recording_around_is_played_frame_by_frame_on_the_cameras_clock(visit: Visit) -> None:
    open_first(visit)
    page = visit.page
    clock = page.locator("#player-clock")
    expect(clock).to_have_text(re.compile(r"^Thu, 12 Mar 2026, \d\d:\d\d:\d\d\.\d \(UTC\+1\)$"))
    expect(clock).to_have_attribute("title", re.compile(r"UTC: Thu, 12 Mar 2026, \d\d:\d\d:\d\d$"))
    expect(page.locator("#player-later")).to_be_disabled()
    places = page.evaluate(PLACES)
    with page.expect_response("**/v1/videos/*/clip?offset=0&seconds=30&tracklet=*") as asked:
        page.keyboard.press("a")
    asked.value.finished()
    expect(page.locator("#player-around")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate(BESIDE) < 2, "nothing is empty beside the facts"
    assert page.evaluate(PLACES) == places, "no button moves as another is pressed"
    expect(page.locator("#player-note")).to_have_text("")
    wait_for_clip(visit)
    page.locator("#player video").evaluate("(video) => { video.pause(); video.currentTime = 0; }")
    started = datetime.fromisoformat(asked.value.headers["sightline-clip-start"]) + timedelta(hours=1)
    expect(clock).to_contain_text(f"{started:%H:%M:%S}.0")
    # The recording shows all of it at once: there is nothing before and nothing after.
    expect(page.locator("#player-earlier")).to_be_disabled()
    expect(page.locator("#player-later")).to_be_disabled()
    for key, tenth in ((".", 1), (".", 2), (",", 1)):  # ten frames a second
        page.keyboard.press(key)
        expect(clock).to_contain_text(f"{started:%H:%M:%S}.{tenth}")
    page.keyboard.press("<")
    assert video(visit, "playbackRate") == 0.5
    page.get_by_label("Speed").select_option("4")
    page.locator("#player-next").click()
    expect(page.locator("#player-around")).to_have_attribute("aria-pressed", "false")
    wait_for_clip(visit)
    assert video(visit, "playbackRate") == 4, "the next hit is played as fast"


@pytest.mark.long
def test_a_long_recording_is_played_on_from_where_one_is(visit: Visit) -> None:
    def stretch(route: Route) -> None:
        route.fulfill(json=route.fetch().json() | {"seconds": 100})

    visit.page.route(re.compile(r"/v1/videos/[^/]*$"), stretch)
    open_first(visit)
    page = visit.page
    page.keyboard.press("a")
    expect(page.locator("#player-later")).to_be_enabled()
    with page.expect_request("**/clip?offset=30&*"):
        page.keyboard.press("PageDown")
    # The real one is shorter, and says so.
    visit.forgive("422")
    expect(page.locator("#player-error")).to_contain_text("The recording ends after")
    expect(page.locator("#player-earlier")).to_be_enabled()
    with page.expect_request("**/clip?offset=0&*"):
        page.keyboard.press("PageUp")
    expect(page.locator("#player-error")).to_be_empty()
    wait_for_clip(visit)


def test_a_hit_is_marked_in_the_player(visit: Visit) -> None:
    def calibrate(route: Route) -> None:
        answer = route.fetch().json()
        for hit in answer["hits"]:
            hit["probability"] = 0.5
        route.fulfill(status=201, json=answer)

    page = visit.page
    page.route("**/v1/searches", calibrate)
    open_first(visit)
    expect(page.locator("#player-about")).to_contain_text("Probability50 %, roughly even")
    for button in page.locator("#player-marks button, .onwards button").all():
        expect(button).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 800, "height": 900})
    for button in page.locator("#player-marks button").all():
        expect(button).to_be_in_viewport(ratio=1)
    pressed = page.locator("#player-marks [aria-pressed=true]")
    page.keyboard.press("n")
    expect(pressed).to_have_text("Someone else")
    page.keyboard.press("m")
    expect(pressed).to_have_text("The person")
    page.keyboard.press("u")
    expect(pressed).to_have_text("Someone else")
    # Marked by mouse, the button that had the focus goes with the hit: the keys go on working.
    page.locator("#player-marks button").first.click()
    expect(pressed).to_have_text("The person")
    wait_for_clip(visit)
    expect(page.locator("#player-clock")).not_to_be_empty()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/clip?**", hold)
    page.keyboard.press("ArrowRight")
    visit.wait_for(lambda: bool(held), "the next clip is asked for")
    expect(page.locator("#player-clock")).to_be_empty()
    page.keyboard.press("n")
    expect(pressed).to_have_text("Someone else")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#player-title .rank")).to_have_text("3")
    page.keyboard.press("Escape")
    expect(page.locator("#hits [aria-pressed=true]")).to_have_text(["The person", "Someone else"])


@pytest.mark.long
def test_a_person_is_followed_to_the_other_cameras(visit: Visit) -> None:
    open_first(visit)
    page = visit.page
    title = page.locator("#player-title").inner_text()
    with page.expect_request("**/v1/searches") as asked:
        visit.answer_after(page.get_by_role("button", name="Where next?").click)
    question = asked.value.post_data_json
    assert question is not None
    (followed,) = question["probes"]
    assert list(followed) == ["tracklet_id"]
    assert len(question["cameras"]) == 2
    assert not [name for name in question["cameras"] if name in title]
    start, end = (datetime.fromisoformat(question[name]) for name in ("start", "end"))
    assert timedelta(minutes=15) < end - start < timedelta(minutes=16)
    assert (start.microsecond, end.microsecond) == (0, 0)
    expect(page.locator(".travel")).to_contain_text("how far they are apart is not known")
    # As if they had positions: 300 m and 5 km away.
    there = {name: far for far, name in zip((300.0, 5000.0), question["cameras"], strict=True)}
    near, far = question["cameras"]

    def placed(route: Route) -> None:
        speed = float(parse_qs(urlsplit(route.request.url).query)["speed"][0])
        items = [
            {"camera": name, "metres": metres, "seconds": metres / speed, "within": metres / speed <= 960}
            for name, metres in there.items()
        ]
        route.fulfill(json={**route.fetch().json(), "items": items})

    page.route("**/v1/onwards?*", placed)
    with page.expect_request("**/v1/searches") as asked:
        visit.answer_after(lambda: page.get_by_label("Within how many minutes").select_option("30"))
    assert (asked.value.post_data_json or {})["cameras"] == [near]
    expect(page.locator(".travel")).to_contain_text(f"{near} (300 m). Left out, too far: {far} (5,000 m).")
    assert page.evaluate(FAINT) == []
    with page.expect_request("**/v1/searches") as asked:
        visit.answer_after(lambda: page.get_by_label("How fast at most").select_option("15"))
    assert (asked.value.post_data_json or {})["cameras"] == [near, far]
    visit.answer_after(page.get_by_role("button", name="Back to the photo").click)
    expect(page.locator("#filter-summary")).to_have_text("· everywhere, any time")
