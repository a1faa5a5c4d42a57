"""Administration on the page: keys, groups, the trail, retention and holds, the system; and erasing there."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from gallery import Scope
from tests.browser.conftest import Visit
from tests.browser.running import Site, running_site
from tests.browser.scenes import RED_COAT
from tests.browser.test_layout import FAINT
from tests.browser.test_library import open_camera

PARTS = ("Keys", "Camera groups", "Audit trail", "Retention and holds", "System")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service of our own, as these tests take from it."""
    with running_site(tmp_path_factory.mktemp("admin-site"), (160, 120)) as running:
        running.gallery.groups.put("Main building", ["Lobby"])
        yield running


def panel(page: Page, part: str = "Keys") -> Locator:
    """Administration, at one of its parts."""
    if not page.locator("#admin").is_visible():
        page.locator("#open-admin").click()
    page.locator("#admin-parts").get_by_role("button", name=part).click()
    shown = page.get_by_role("region", name=part)
    expect(shown.locator(".waiting")).to_have_count(0)
    return shown


def test_a_key_is_made_used_seen_in_the_trail_and_revoked(visit: Visit) -> None:
    visit.forgive("409")
    page = visit.page
    visit.open()
    keys = panel(page)
    keys.get_by_role("button", name="Make a key").click()
    form = page.get_by_role("form", name="Make a key")
    expect(form.get_by_label("Who or what will use it")).to_be_focused()
    page.keyboard.type("Night shift")
    form.get_by_role("checkbox", name="look:").uncheck()
    form.get_by_role("checkbox", name="Main building").check()
    page.keyboard.press("Enter")
    secret = page.get_by_label("The key of Night shift").get_by_role("textbox")
    expect(secret).to_be_focused()
    key = secret.input_value()
    assert visit.site.gallery.keys.verify(key) is not None
    page.get_by_role("button", name="I have it").click()
    row = keys.locator("li[data-key]", has_text="Night shift")
    expect(row).to_contain_text("search; sees only Main building")
    assert key not in page.evaluate("document.documentElement.outerHTML")

    # Used by somebody else: what they did stands in the trail, under the key's name.
    listed = page.request.get(f"{visit.site.url}/v1/searches", headers={"X-API-Key": key})
    assert listed.status == 200
    trail = panel(page, "Audit trail")
    expect(trail.locator(".event").first).to_be_visible()
    trail.get_by_label("Who").select_option(label="Night shift")
    trail.get_by_role("button", name="Show", exact=True).click()
    expect(trail.locator(".event")).to_have_count(1)
    event = trail.locator(".event")
    expect(event).to_contain_text("Searches listed")
    event.locator("summary").click()
    expect(event).to_contain_text("search.list")

    # What is looked at one after the other is one row; cases are named, and all of one thing is found.
    audit, ours = visit.site.gallery.audit, visit.site.gallery.keys.verify(visit.site.key)
    assert ours is not None
    case = visit.site.gallery.cases.add("Red coat", key_id=ours.id)
    for one in ("1" * 32, "2" * 32):
        audit.record("thumbnail.view", key_id=ours.id, subject=f"{one}-1")
    trail = panel(page, "Audit trail")
    strips = trail.locator(".event", has_text="Strip looked at, 2 times")
    strips.locator("summary").first.click()
    expect(strips.locator(".rows summary code")).to_have_text(["222222222222", "111111111111"])
    made = trail.locator(".event", has_text="Case opened")
    expect(made.locator("summary")).to_contain_text("Red coat")
    made.locator("summary").click()
    made.get_by_role("button", name="All events of it").click()
    expect(trail.locator(".event")).to_have_count(1)
    expect(trail.get_by_label("Id of what it was done to")).to_have_value(case.id)

    keys = panel(page)
    keys.get_by_role("button", name="Revoke Night shift").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    keys.get_by_role("group", name="Revoke Night shift").get_by_role("button", name="Revoke").click()
    expect(keys.locator("li.ended", has_text="Night shift")).to_contain_text("revoked on")
    assert visit.site.gallery.keys.verify(key) is None
    # The last key that makes keys is not revoked by a slip; who is signed in with it is seen.
    own = keys.locator("li[data-key]", has_text="browser tests")
    expect(own).to_contain_text("yours")
    expect(own.locator(".sessions li")).not_to_have_count(0)
    own.get_by_role("button", name="Revoke browser tests").click()
    asked = keys.get_by_role("group", name="Revoke browser tests")
    expect(asked).to_contain_text("you will be signed out at once")
    asked.get_by_role("button", name="Revoke").click()
    expect(asked.get_by_role("alert")).to_contain_text("the last key that can make keys")
    expect(asked.get_by_role("button", name="Revoke the last key all the same")).to_be_visible()
    asked.get_by_role("button", name="Cancel").click()


@pytest.mark.long
def test_groups_are_made_filled_and_deleted(visit: Visit) -> None:
    page = visit.page
    visit.open()
    groups = panel(page, "Camera groups")
    groups.get_by_role("button", name="Make a group").click()
    form = page.get_by_role("form", name="Make a group")
    form.get_by_label("Name of the group").fill("Öffentlich, Nord")
    form.get_by_role("checkbox", name="North street").check()
    form.get_by_role("button", name="Save").click()
    expect(groups.locator(".rows > li", has_text="Öffentlich, Nord")).to_contain_text("North street")
    groups.get_by_role("button", name="Change Öffentlich, Nord").click()
    form = page.get_by_role("form", name="Change Öffentlich, Nord")
    form.get_by_role("checkbox", name="North street").uncheck()
    form.get_by_role("button", name="Save").click()
    row = groups.locator(".rows > li", has_text="Öffentlich, Nord")
    expect(row).to_contain_text("no cameras")
    row.get_by_role("button", name="Delete Öffentlich, Nord").click()
    row.get_by_role("group").get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)


def test_the_trail_is_checked_in_words(visit: Visit) -> None:
    page = visit.page
    visit.open()
    trail = panel(page, "Audit trail")
    trail.get_by_text("Check the whole trail").click()
    anchor = visit.site.gallery.audit.anchor()
    noted = trail.get_by_label("Digests that were noted before")
    noted.fill(f"{anchor.event}:{anchor.digest}")
    trail.get_by_role("button", name="Check the trail").click()
    expect(trail.locator(".verdict.good").first).to_contain_text("events are as they were recorded")
    expect(trail.locator(".verdict.good").nth(1)).to_have_text("The digest that was noted matches.")
    noted.fill(f"{anchor.event}:{'0' * 64}")
    trail.get_by_role("button", name="Check the trail").click()
    expect(trail.get_by_role("alert")).to_contain_text(f"The trail is broken at event {anchor.event}")
    with page.expect_download() as saved:
        trail.get_by_role("button", name="Save a copy").click()
    assert saved.value.suggested_filename == "sightline-audit.jsonl"


@pytest.mark.long
def test_a_held_recording_stays_until_the_hold_is_lifted_and_then_has_a_certificate(visit: Visit) -> None:
    page = visit.page
    visit.open()
    held = panel(page, "Retention and holds")
    held.get_by_role("button", name="Set a hold").click()
    form = page.get_by_role("form", name="Set a hold")
    form.locator("select").nth(1).select_option("Platform 2")
    form.get_by_label("Reason").fill("Court order 17/26")
    form.get_by_role("button", name="Save").click()
    expect(held.locator(".rows > li", has_text="Court order 17/26")).to_contain_text("Camera Platform 2")
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Cameras").click()
    item = page.locator('.camera-item[data-name="Platform 2"]')
    item.locator("summary").first.click()
    item.locator(".video").get_by_role("button", name="Erase").click()
    expect(item).to_contain_text("Nothing would go.")
    expect(item).to_contain_text("A recording: Court order 17/26")
    expect(item.get_by_role("button", name="Erase for good")).to_have_count(0)
    page.keyboard.press("Enter")  # Keep has the focus
    page.keyboard.press("Escape")

    held = panel(page, "Retention and holds")
    held.get_by_role("button", name="Lift").click()
    form = page.get_by_role("form", name="Lift")
    form.get_by_label("Why it is lifted").fill("Order withdrawn")
    form.get_by_role("button", name="Lift").click()
    expect(held.locator("li.ended")).to_contain_text("Order withdrawn")
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Cameras").click()
    item.locator(".video").get_by_role("button", name="Erase").click()
    expect(item).to_contain_text("This would go for good: 1 recording and 12 sightings.")
    expect(item.get_by_role("button", name="Keep")).to_be_focused()
    sure = item.get_by_role("button", name="Erase for good")
    expect(sure).to_have_count(0)
    item.get_by_role("button", name="Erase", exact=True).click()
    expect(item).to_contain_text("It cannot be undone. Go on?")
    expect(item.get_by_role("button", name="Keep")).to_be_focused()
    sure.click()
    certificate = item.get_by_role("region", name="Certificate of the erasure")
    expect(certificate).to_be_focused()
    expect(certificate).to_contain_text("Erased: 1 recording and 12 sightings.")
    expect(certificate).to_contain_text("nothing of it was found, and no row or file is left")
    with page.expect_download() as saved:
        certificate.get_by_role("button", name="Save the certificate").click()
    assert re.fullmatch(r"sightline-erasure-\w{12}\.txt", saved.value.suggested_filename)
    item.get_by_role("button", name="Done").click()
    expect(item).to_contain_text("No recordings yet.")
    page.keyboard.press("Escape")

    [erasure] = visit.site.gallery.erasures.certificates.list()
    kept = panel(page, "Retention and holds").locator(".certificates")
    kept.locator("summary").click()
    expect(kept).to_contain_text(erasure.certificate_sha256)
    trail = panel(page, "Audit trail")
    trail.get_by_label("Id of what it was done to").fill(erasure.id)
    trail.get_by_role("button", name="Show", exact=True).click()
    expect(trail.locator(".event").filter(has_text=re.compile("Erased(?! data)"))).to_have_count(1)


@pytest.mark.long
def test_what_a_correction_changes_is_said_before_it_counts(visit: Visit) -> None:
    visit.open()
    item = open_camera(visit, "Lobby")
    item.get_by_role("button", name="Correct").click()
    form = item.get_by_role("form")
    effect = form.get_by_role("status")
    expect(effect).to_be_hidden()
    form.get_by_label("First frame at, time").fill("14:20:05")
    visit.page.keyboard.press("Tab")
    expect(effect).to_contain_text("The recording moves 20 min later.")
    expect(effect).to_contain_text("14:20:05 \N{EN DASH} 14:20:18 UTC+1")
    expect(effect).to_contain_text(re.compile("All 1[12] sightings move with it."))
    form.locator("select").first.select_option("North street")
    expect(effect).to_contain_text("It is taken from Lobby and given to North street.")
    expect(effect).to_contain_text("At that time this camera has North-street_20260312_132000.mp4, too.")
    form.get_by_label("First frame at, time").fill("14:00:00")
    visit.page.keyboard.press("Tab")
    form.locator("select").first.select_option("Lobby")
    expect(effect).to_be_hidden()
    form.get_by_label("First frame at, time").fill("13:30:00")
    visit.page.keyboard.press("Tab")
    expect(effect).to_contain_text("30 min earlier")
    form.get_by_role("button", name="Save").click()
    expect(item.locator(".clocks")).to_have_text("13:30:00 \N{EN DASH} 13:30:13")
    lobby = visit.site.gallery.catalogue.camera_named("Lobby").id
    [moved] = [video for video in visit.site.gallery.catalogue.videos() if video.camera_id == lobby]
    assert f"{moved.start_time:%H:%M:%S}" == "12:30:00"


@pytest.mark.long
def test_rules_are_tried_set_and_removed(visit: Visit) -> None:
    page = visit.page
    visit.open()
    rules = panel(page, "Retention and holds")
    rules.get_by_role("button", name="Set a rule").click()
    form = page.get_by_role("form", name="Set a rule")
    form.get_by_label("For how many days").fill("30")
    form.get_by_role("button", name="What would it take?").click()
    expect(form.get_by_role("group", name="What the rules would take now")).to_contain_text("recordings")
    assert visit.site.gallery.retention.list() == []
    form.locator("select").nth(1).select_option("Lobby")
    form.get_by_role("button", name="Save").click()
    row = rules.locator(".rows > li", has_text="Recordings are kept for 30 days")
    expect(row).to_contain_text("Lobby")
    row.get_by_role("button", name="Remove").click()
    row.get_by_role("group", name="Remove").get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)
    assert visit.site.gallery.retention.list() == []


@pytest.mark.long
@pytest.mark.parametrize("leave", ["Done", "Escape"])
def test_a_tracklet_is_erased_from_the_player(visit: Visit, leave: str) -> None:
    page = visit.page
    visit.open()
    visit.search(RED_COAT)
    before = visit.hits.count()
    visit.hits.first.click()
    visit.until("document.querySelector('#player video').readyState >= 2")
    page.get_by_role("button", name="Erase this sighting").click()
    group = page.get_by_role("group", name="Erase this sighting")
    expect(group).to_contain_text("This would go for good: 1 sighting.")
    group.get_by_role("button", name="Erase", exact=True).focus()
    page.keyboard.press("Space")  # presses the button, and plays nothing
    group.get_by_role("button", name="Erase for good").click()
    done = group.get_by_role("button", name="Done")
    expect(done).to_be_visible()
    if leave == "Done":
        done.click()
    else:
        page.keyboard.press(leave)
    expect(page.locator("#player")).to_be_hidden()
    expect(visit.hits).to_have_count(before - 1)


@pytest.mark.long
def test_a_case_is_erased_with_what_belongs_to_it(visit: Visit) -> None:
    page = visit.page
    visit.open()
    page.get_by_role("button", name="Cases").click()
    page.get_by_role("button", name="New case").click()
    page.get_by_role("form", name="New case").get_by_label("Title").fill("Wrong person")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Erase this case with its photos").click()
    group = page.get_by_role("group", name="Erase this case with its photos")
    expect(group).to_contain_text("This would go for good: 1 case.")
    group.get_by_role("button", name="Erase", exact=True).click()
    group.get_by_role("button", name="Erase for good").click()
    group.get_by_role("button", name="Done").click()
    expect(page.get_by_role("button", name="New case")).to_be_visible()
    expect(page.get_by_role("button", name="Wrong person")).to_have_count(0)


def test_each_part_is_for_those_who_may_see_it(visit: Visit) -> None:
    gallery, page = visit.site.gallery, visit.page
    small = [
        gallery.keys.create("searcher", scopes=[Scope.SEARCH, Scope.VIEW])[1],
        gallery.keys.create("limited", groups=["Main building"])[1],
    ]
    for key in small:
        visit.open(f"#key={key}")
        expect(page.locator("#holdings")).to_contain_text("recording")
        visit.until("document.querySelector('#open-admin').hidden")
        page.goto("about:blank")
    visit.open(f"#key={gallery.keys.create('auditor', scopes=[Scope.AUDIT, Scope.VIEW])[1]}")
    page.locator("#open-admin").click()
    expect(page.locator("#admin-parts button")).to_have_text(["Audit trail", "Retention and holds", "System"])
    held = panel(page, "Retention and holds")
    expect(held.get_by_role("button", name="Set a hold")).to_have_count(0)
    expect(panel(page, "System")).to_contain_text("Searches are answered.")


@pytest.mark.long
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_nothing_of_it_is_cut_off_or_faint(visit: Visit, width: int, scheme: str) -> None:
    page = visit.page
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    visit.open()
    expect(page.locator("#holdings")).to_contain_text("recording")
    for part in PARTS:
        shown = panel(page, part)
        if part == "Keys":
            shown.get_by_role("button", name="Make a key").click()
        if part == "Audit trail":
            shown.locator(".event summary").first.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, part
        admin = "document.querySelector('#admin')"
        assert page.evaluate(f"{admin}.scrollWidth <= {admin}.clientWidth"), part
        assert page.evaluate(FAINT) == [], part
