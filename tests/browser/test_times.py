"""Times: on the clocks of the cameras, wherever the browser is, also in the nights when clocks change."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Request, expect

from tests.browser.conftest import Visit
from tests.browser.library import START
from tests.browser.running import Site, running_site
from tests.browser.scenes import RED_COAT

WALLS = """async (cases) => {
  const { instantsOf, wallOf } = await import("/web/js/zones.js");
  return cases.map(([wall, zone]) => {
    const instants = instantsOf(wall, zone);
    if (instants.some((instant) => wallOf(instant, zone) !== wall)) throw new Error(wall);
    return instants;
  });
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service of our own with cameras in three zones."""
    with running_site(tmp_path_factory.mktemp("zones-site"), (320, 240)) as running:
        running.gallery.catalogue.add_camera("Harbour", site="Lisbon", time_zone="Europe/Lisbon")
        running.gallery.catalogue.add_camera("Gate", site="Chennai", time_zone="Asia/Kolkata")
        yield running


def posted(what: str) -> Callable[[Request], bool]:
    """Tells requests that make one from those that ask which there are."""
    return lambda request: request.method == "POST" and request.url.endswith(f"/v1/{what}")


def add(visit: Visit, tmp_path: Path, *names: str) -> Locator:
    """Choose empty videos of these names in the panel of videos; the rows of the form."""
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    visit.open()
    expect(visit.page.locator("#holdings")).to_contain_text("recordings")
    visit.page.locator("#open-jobs").click()
    visit.page.set_input_files("#add-files", [tmp_path / name for name in names])
    return visit.page.locator("#add-rows .row")


INSTANTS = [
    ("2026-03-12T14:10:00", "Europe/Berlin", ["2026-03-12T13:10:00.000Z"]),
    ("2026-03-29T02:30:00", "Europe/Berlin", []),
    ("2026-03-29T03:00:00", "Europe/Berlin", ["2026-03-29T01:00:00.000Z"]),
    ("2026-10-25T02:30:00", "Europe/Berlin", ["2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z"]),
    ("2026-10-25T03:00:00", "Europe/Berlin", ["2026-10-25T02:00:00.000Z"]),
    ("2026-03-08T02:30:00", "America/New_York", []),
    ("2026-03-08T02:30:00", "Asia/Kolkata", ["2026-03-07T21:00:00.000Z"]),
    # Half an hour comes twice, not a whole one.
    ("2026-04-05T01:45:00", "Australia/Lord_Howe", ["2026-04-04T14:45:00.000Z", "2026-04-04T15:15:00.000Z"]),
    ("2026-04-05T01:15:00", "Australia/Lord_Howe", ["2026-04-04T14:15:00.000Z"]),
    # A whole day was left out.
    ("2011-12-30T12:00:00", "Pacific/Apia", []),
    ("2026-03-12T14:10:00", "UTC", ["2026-03-12T14:10:00.000Z"]),
]


def test_a_clock_time_means_one_instant_two_or_none(visit: Visit) -> None:
    visit.open()
    found = visit.page.evaluate(WALLS, [[wall, zone] for wall, zone, _ in INSTANTS])
    assert dict(zip([one[:2] for one in INSTANTS], found, strict=True)) == {
        one[:2]: one[2] for one in INSTANTS
    }


@pytest.mark.long
def test_one_zone_all_over_the_page(visit: Visit) -> None:
    visit.open()
    expect(visit.page.locator("#holdings")).to_contain_text(
        "Thu, 12 Mar 2026, 14:00 \N{EN DASH} 16:00 (Europe/Berlin)"
    )
    visit.search(RED_COAT)
    shown = visit.page.locator("time:not(#player-clock)").evaluate_all(
        "(times) => times.map((one) => [one.dateTime, one.title])"
    )
    assert len(shown) > 36
    assert all("Europe/Berlin (UTC+1)" in title and "UTC: Thu, 12 Mar 2026, " in title for _, title in shown)
    assert visit.page.evaluate("document.body.innerText").count("New_York") == 0


@pytest.mark.long
def test_a_filter_is_read_on_the_clocks_of_a_chosen_zone(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    page = visit.page
    zone = page.get_by_label("Times are those of")
    expect(zone).to_have_value("Europe/Berlin")  # that of most cameras
    with page.expect_request("**/v1/searches") as asked:
        visit.answer_after(lambda: visit.enter_time("From", "2026-03-12", "14:10:00"))
    body = asked.value.post_data_json
    assert body is not None
    assert body["start"] == "2026-03-12T13:10:00.000Z"
    with page.expect_request("**/v1/searches") as asked:
        visit.answer_after(lambda: zone.select_option("Asia/Kolkata"))
    body = asked.value.post_data_json
    assert body is not None
    assert body["start"] == "2026-03-12T08:40:00.000Z"
    expect(page.locator("#coverage")).to_contain_text("from Thu, 12 Mar 2026, 14:10:00 UTC+5:30")


@pytest.mark.long
def test_an_hour_that_clocks_skip_is_refused(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    visit.enter_time("From", "2026-03-29", "02:30")
    problem = visit.page.locator("#moments .field-error").first
    expect(problem).to_have_text(
        "The clocks of Europe/Berlin skip 02:30:00 on Sun, 29 Mar 2026. Choose another time."
    )
    expect(visit.page.get_by_label("From, time (24 hours)")).to_have_attribute("aria-invalid", "true")
    expect(visit.page.locator("#filter-summary")).to_have_text("· everywhere, any time")
    visit.answer_after(lambda: visit.enter_time("From", "2026-03-29", "03:30"))
    expect(problem).to_have_text("")


@pytest.mark.long
def test_an_hour_that_comes_twice_is_asked_for(visit: Visit, tmp_path: Path) -> None:
    row = add(visit, tmp_path, "gate_2026-10-25_02-30-00.mp4")
    page = visit.page
    page.get_by_label("Camera", exact=True).fill("Lobby")
    page.get_by_label("Camera", exact=True).press("Tab")
    expect(row.locator(".zone")).to_have_text("Europe/Berlin")
    expect(row.locator(".field-error")).to_contain_text("show 02:30:00 twice on Sun, 25 Oct 2026")
    page.get_by_role("button", name="Upload and index").click()
    expect(row).to_have_count(1)
    page.get_by_label("First frame at, which of the two").select_option(label="the second (UTC+1)")
    expect(row.locator(".zone")).to_have_text("Sun, 25 Oct 2026, Europe/Berlin (UTC+1)")
    with page.expect_request(posted("index-jobs")) as filed:
        page.get_by_role("button", name="Upload and index").click()
    body = filed.value.post_data_json
    assert body is not None
    assert body["recordings"][0]["start"] == "2026-10-25T01:30:00.000Z"


def test_a_start_is_read_on_the_clock_of_its_camera(visit: Visit, tmp_path: Path) -> None:
    row = add(visit, tmp_path, "a_20260312_080000.mp4")
    page = visit.page
    camera = page.get_by_label("Camera", exact=True)
    for name, zone in (("Gate", "Asia/Kolkata (UTC+5:30)"), ("Harbour", "Europe/Lisbon (UTC+0)")):
        camera.fill(name)
        camera.press("Tab")
        expect(row.locator(".zone")).to_have_text(f"Thu, 12 Mar 2026, {zone}")
        expect(page.get_by_label("Time zone of the new camera")).to_be_hidden()
    camera.fill("Roof")
    camera.press("Tab")
    page.get_by_label("Time zone of the new camera").fill("Europe/Paris")
    page.get_by_label("Time zone of the new camera").press("Tab")
    expect(row.locator(".zone")).to_have_text("Thu, 12 Mar 2026, Europe/Paris (UTC+1)")
    with page.expect_request(posted("cameras")) as added, page.expect_request(posted("index-jobs")) as filed:
        page.get_by_role("button", name="Upload and index").click()
    made, job = added.value.post_data_json, filed.value.post_data_json
    assert made is not None
    assert job is not None
    assert made == {"name": "Roof", "time_zone": "Europe/Paris"}
    assert job["recordings"][0]["start"] == "2026-03-12T07:00:00.000Z"
    expect(page.locator(".recording").first).to_contain_text("Roof, from Thu, 12 Mar 2026, 08:00:00 UTC+1")


@pytest.mark.long
def test_files_are_listed_in_their_natural_order(visit: Visit, tmp_path: Path) -> None:
    names = [f"part{n}.mp4" for n in (10, 2, 0, 13, 1)]
    rows = add(visit, tmp_path, *names)
    expect(visit.page.locator("#add-order")).to_have_text("5 recordings, indexed in this order:")
    listed = [text.split("\n")[0] for text in rows.locator(".file").all_inner_texts()]
    assert [name.split()[1] for name in listed] == [f"part{n}.mp4" for n in (0, 1, 2, 10, 13)]
    assert [name.split()[0] for name in listed] == ["1.", "2.", "3.", "4.", "5."]


@pytest.mark.long
def test_a_file_that_begins_before_the_one_above_is_remarked_on(visit: Visit, tmp_path: Path) -> None:
    rows = add(visit, tmp_path, "a1_20260312_090000.mp4", "a2_20260312_080000.mp4")
    visit.page.get_by_label("Camera", exact=True).first.fill("Lobby")
    visit.page.get_by_label("Camera", exact=True).first.press("Tab")
    expect(rows.nth(1).locator(".caution")).to_contain_text("Begins before a1_20260312_090000.mp4")
    expect(rows.nth(0).locator(".caution")).to_be_hidden()


@pytest.mark.long
def test_the_times_of_a_recorded_search_stand_in_the_fields(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    with visit.page.expect_response("**/v1/searches") as answered:
        visit.enter_time("From", "2026-03-12", f"{START.hour + 1}:10")
    search_id = answered.value.json()["id"]
    visit.page.goto("about:blank")
    visit.open(f"#key={visit.site.key}&search={search_id}")
    visit.wait_for_answer()
    expect(visit.page.get_by_label("From, date")).to_have_value("2026-03-12")
    expect(visit.page.get_by_label("From, time (24 hours)")).to_have_value("14:10:00")
