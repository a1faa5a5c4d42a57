"""The address says what the page shows: reload, back, and a link passed on."""

import re

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import Visit, watched
from tests.browser.library import photo
from tests.browser.scenes import BLUE_JACKET, RED_COAT
from tests.waiting import PATIENCE


def cameras_of(visit: Visit) -> set[str]:
    """The cameras in the answer."""
    return set(visit.page.locator(".hit .camera").all_text_contents())


def search_and_narrow(visit: Visit) -> str:
    """Search for the second person at one camera from a time on; the address of that."""
    visit.open()
    visit.search(RED_COAT, BLUE_JACKET)
    visit.answer_after(visit.page.locator(".person").nth(1).click)
    visit.answer_after(lambda: visit.enter_time("From", "2026-03-12", "14:10"))
    visit.answer_after(visit.page.get_by_role("checkbox", name="Main building").uncheck)
    expect(visit.hits).to_have_count(12)
    return visit.page.url


def expect_narrowed(visit: Visit) -> None:
    """The page shows what `search_and_narrow` asked for."""
    expect(visit.hits).to_have_count(12)
    assert cameras_of(visit) == {"Platform 2"}
    expect(visit.page.locator(".person.picked .number")).to_have_text("2")
    expect(visit.page.get_by_label("From, date")).to_have_value("2026-03-12")
    expect(visit.page.get_by_label("From, time (24 hours)")).to_have_value("14:10:00")
    expect(visit.page.locator("#filter-summary")).to_have_text("· 1 of 3 cameras, limited time")


def test_reload_shows_the_same(visit: Visit) -> None:
    address = search_and_narrow(visit)
    visit.page.reload()
    expect_narrowed(visit)
    assert visit.page.url == address


@pytest.mark.long
def test_a_link_passed_on_shows_the_same(visit: Visit, browser: Browser) -> None:
    address = search_and_narrow(visit)
    assert visit.site.key not in address
    context = browser.new_context(timezone_id="Asia/Tokyo", viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE * 1000)
    with watched(context.new_page(), visit.site) as other:
        other.page.goto(f"{address}&key={visit.site.key}")
        expect_narrowed(other)
        assert other.page.url == address
    context.close()


@pytest.mark.long
def test_back_and_forward_go_through_the_answers(visit: Visit) -> None:
    search_and_narrow(visit)
    page = visit.page
    page.go_back()
    expect(visit.hits).to_have_count(24)
    assert cameras_of(visit) == {"North street", "Platform 2"}
    expect(page.locator("#filter-summary")).to_have_text("· limited time")
    page.go_back()
    expect(visit.hits).to_have_count(36)
    expect(page.get_by_label("From, date")).to_have_value("")
    expect(page.locator(".person.picked .number")).to_have_text("2")
    page.go_back()
    expect(page.locator(".person.picked .number")).to_have_text("1")
    page.go_back()
    expect(page.locator("#drop")).to_be_visible()
    expect(page.locator("#photo-title")).to_have_text("Find a person from one photo")
    expect(page.locator("#results")).to_be_hidden()
    page.go_forward()
    expect(visit.hits).to_have_count(36)
    expect(page.locator(".person.picked .number")).to_have_text("1")
    page.go_forward()
    page.go_forward()
    page.go_forward()
    expect_narrowed(visit)


@pytest.mark.long
def test_a_hit_that_was_searched_from_comes_back(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    visit.hits.first.click()
    visit.answer_after(visit.page.get_by_role("button", name="Search for this person").click)
    visit.page.reload()
    expect(visit.page.locator("#seed")).to_contain_text("Searching with a sighting from")
    expect(visit.hits).to_have_count(35)
    visit.page.go_back()
    expect(visit.page.locator("#stage img")).to_be_visible()
    expect(visit.hits).to_have_count(36)


@pytest.mark.long
def test_filters_without_a_photo_are_kept_too(visit: Visit) -> None:
    visit.open()
    page = visit.page
    page.locator("#filters summary").click()
    page.get_by_role("checkbox", name="Station").uncheck()
    visit.enter_time("To", "2026-03-12", "14:10")
    expect(page).to_have_url(re.compile(r"#site=Main\+building&to=2026-03-12T13%3A10"))
    page.reload()
    expect(page.locator("#filter-summary")).to_have_text("· 2 of 3 cameras, limited time")
    with page.expect_request("**/v1/searches") as asked:
        visit.choose_photo(photo(RED_COAT))
    body = asked.value.post_data_json
    assert body is not None
    assert (body["cameras"], body["sites"]) == (None, ["Main building"])
    assert body["end"] == "2026-03-12T13:10:00.000Z"
    visit.wait_for_answer()


@pytest.mark.long
def test_a_site_that_is_not_seen_is_asked_for_and_searches_nowhere_else(visit: Visit) -> None:
    visit.forgive("422")
    visit.open(f"#key={visit.site.key}&site=Depot&camera=Lobby")
    page = visit.page
    expect(page.locator("#holdings")).to_contain_text("3 cameras")
    with page.expect_request("**/v1/searches") as asked:
        visit.choose_photo(photo(RED_COAT))
    body = asked.value.post_data_json
    assert body is not None
    assert (body["cameras"], body["sites"]) == (["Lobby"], ["Depot"])
    expect(page.locator("#answer-error .alert")).to_contain_text("There is no site 'Depot'")
    page.reload()  # the address keeps it
    expect(page.locator("#filter-summary")).to_have_text("· 1 of 3 cameras")
    assert "site=Depot" in page.url
    # Other cameras take its place.
    visit.choose_photo(photo(RED_COAT))
    expect(page.locator("#answer-error .alert")).to_be_visible()
    visit.answer_after(page.get_by_role("checkbox", name="North street").check)
    assert cameras_of(visit) == {"Lobby", "North street"}


@pytest.mark.long
def test_a_photo_that_comes_before_the_cameras_waits_for_those_of_the_site(visit: Visit) -> None:
    held: list[Route] = []
    page = visit.page

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/cameras*", hold)
    visit.open(f"#key={visit.site.key}&site=Main+building&camera=Lobby")
    visit.wait_for(lambda: bool(held), "the cameras are asked for")
    visit.choose_photo(photo(RED_COAT))
    expect(page.locator("#hits")).to_have_attribute("aria-busy", "true")
    with page.expect_request("**/v1/searches") as asked:
        for route in held:
            route.continue_()
    body = asked.value.post_data_json
    assert body is not None
    assert (body["cameras"], body["sites"]) == (None, ["Main building"]), "Lobby is one of its cameras"
    visit.wait_for_answer()


@pytest.mark.long
def test_the_skip_link_leaves_the_answer_alone(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    address = visit.page.url
    visit.page.locator(".skip").focus()
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("#results")).to_be_focused()
    assert visit.page.url == address
    expect(visit.hits).to_have_count(36)


def test_a_search_that_is_not_there_is_said_to_be(visit: Visit) -> None:
    visit.forgive("404")
    visit.open(f"#key={visit.site.key}&search=nowhere")
    expect(visit.page.locator("#photo-error .alert")).to_be_visible()
    expect(visit.page.locator("#drop")).to_be_visible()
    visit.search(RED_COAT)
    expect(visit.page.locator("#photo-error .alert")).to_have_count(0)
    expect(visit.hits).to_have_count(36)


@pytest.mark.long
def test_signing_out_leaves_no_address_behind(visit: Visit) -> None:
    visit.forgive("401")
    visit.open()
    visit.search(RED_COAT)
    visit.page.get_by_role("button", name="Sign out").click()
    expect(visit.page.locator("#signin")).to_be_visible()
    assert "#" not in visit.page.url
