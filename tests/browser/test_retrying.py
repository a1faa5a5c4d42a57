"""Recordings that failed: seen in the library and among the jobs, and tried again from there."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from gallery import EXPECTED_SECONDS, Gallery, NewRecording
from tests.browser import library
from tests.browser.conftest import Visit
from tests.browser.running import Site, running_site
from tests.browser.test_library import open_camera


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service of our own, as these tests file jobs."""
    with running_site(tmp_path_factory.mktemp("retrying-site"), (320, 240)) as running:
        yield running


def fail(gallery: Gallery, *names: str, seconds: int = 60) -> str:
    """A job of the lobby whose recordings fail, so many seconds each, an hour after each other; its id."""
    camera = gallery.catalogue.camera_named("Lobby").id
    starts = [library.START + timedelta(hours=n + 1) for n in range(len(names))]
    recordings = [
        NewRecording(camera, f"/srv/{name}", name, False, start)
        for name, start in zip(names, starts, strict=True)
    ]
    job = gallery.jobs.file(recordings)
    while (claim := gallery.jobs.claim("worker", lease_seconds=60)) is not None:
        gallery.jobs.finish(
            claim, state="failed", reason="no such file", counters={EXPECTED_SECONDS: seconds}
        )
    return job.id


@pytest.mark.long
def test_a_failure_stands_on_its_day_and_is_tried_again_from_there(visit: Visit) -> None:
    gallery = visit.site.gallery
    fail(gallery, "dark.mp4")
    for n, nonsense in enumerate((7 * 86400 + 1, 10**9, 10**13)):  # what a damaged header may say
        fail(gallery, f"nonsense{n}.mp4", seconds=nonsense)
    gallery.jobs.record_failure(
        NewRecording(
            gallery.catalogue.camera_named("Lobby").id,
            "/srv/b.mp4",
            "b.mp4",
            False,
            library.START - timedelta(days=1),
        ),
        "damaged",
    )
    visit.open()
    item = open_camera(visit, "Lobby")
    days = item.locator(".day")
    expect(days).to_have_count(2)
    expect(days.locator("summary > .note")).to_have_text(["1 recording, 13 s, 4 failed", "1 failed"])
    expect(days.nth(0).locator(".day-bar .failed")).to_have_count(4)
    for n in range(2):
        days.nth(n).locator("summary").click()
    expect(days.nth(0).locator(".video.failed .clocks", has_text="\N{EN DASH}")).to_have_count(1)
    row = days.nth(0).locator(".video.failed", has_text="dark.mp4")
    expect(row.locator(".clocks")).to_have_text("15:00:00 \N{EN DASH} 15:01:00")
    expect(row).to_contain_text("dark.mp4")
    expect(row.locator(".reason")).to_have_text("no such file")
    other = days.nth(1).locator(".video.failed")
    expect(other).to_contain_text("a command on the server read it")
    expect(other.get_by_role("button")).to_have_count(0)
    row.get_by_role("button", name="Try dark.mp4 again").click()
    expect(row).to_have_text("dark.mp4 is filed again. “Add recordings” shows how it goes.")
    expect(row.get_by_role("status")).to_be_focused()
    newest = gallery.jobs.get(gallery.jobs.list()[0].id)
    assert [(one.file_name, one.state) for one in newest.recordings] == [("dark.mp4", "queued")]
    gallery.jobs.cancel(newest.id)


@pytest.mark.long
def test_the_live_jobs_try_one_again_or_all(visit: Visit) -> None:
    gallery = visit.site.gallery
    fail(gallery, "one.mp4", "two.mp4", "three.mp4")
    visit.open()
    page = visit.page
    page.get_by_role("button", name="Add recordings").click()
    job = page.locator(".job", has_text="three.mp4").last
    expect(job.get_by_role("button")).to_have_text(["Try all 3 again", "Try again", "Try again", "Try again"])
    job.get_by_role("button", name="Try two.mp4 again").click()
    expect(page.locator(".job").first.get_by_role("button", name="Cancel")).to_be_focused()
    expect(page.locator(".job").first.locator(".file")).to_contain_text("two.mp4")
    expect(job).to_contain_text("It was tried again: see the later job.")
    expect(job.get_by_role("button")).to_have_text(["Try all 2 again", "Try again", "Try again"])
    job.get_by_role("button", name="Try all 2 again").click()
    expect(page.locator(".job").first.locator(".file")).to_have_count(2)
    expect(job.get_by_role("button")).to_have_count(0)
    # Somebody else was quicker.
    for one in gallery.jobs.list():
        gallery.jobs.cancel(one.id)
    failed = fail(gallery, "four.mp4")
    again = page.get_by_role("button", name="Try four.mp4 again")
    expect(again).to_be_visible()
    gallery.failures.retry(failed, [gallery.jobs.get(failed).recordings[0].id])
    with page.expect_response(lambda response: response.url.endswith("/retry")) as answer:
        again.click()
    assert answer.value.status == 409
    visit.forgive("409")
    expect(page.locator("#jobs-error")).to_contain_text("it was filed again")
