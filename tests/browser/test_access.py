"""The key, and what the page says when something goes wrong."""

import pytest
from playwright.sync_api import Cookie, Route, expect

from tests.browser.conftest import Visit
from tests.browser.library import photo
from tests.browser.scenes import RED_COAT


def test_the_key_leaves_the_address_bar(visit: Visit) -> None:
    visit.open()
    expect(visit.page.locator("#holdings")).to_contain_text("3 recordings from 3 cameras")
    assert "#" not in visit.page.url
    assert visit.site.key not in visit.page.evaluate(
        "JSON.stringify(history.state) + document.documentElement.outerHTML"
    )
    assert visit.page.evaluate("localStorage.length + sessionStorage.length") == 0
    visit.page.reload()
    expect(visit.page.locator("#holdings")).to_contain_text("3 recordings from 3 cameras")


def cookies(visit: Visit) -> dict[str, Cookie]:
    """The cookies of the browser, as it got them."""
    return {cookie["name"]: cookie for cookie in visit.page.context.cookies()}


@pytest.mark.long
def test_a_session_is_shared_by_tabs_and_ended_in_all(visit: Visit) -> None:
    visit.forgive("401")
    visit.open()
    expect(visit.page.locator("#holdings")).to_contain_text("3 recordings")
    session, csrf = (cookies(visit)[name] for name in ("sightline-session", "sightline-csrf"))
    assert (session["httpOnly"], csrf["httpOnly"]) == (True, False)
    assert session["sameSite"] == csrf["sameSite"] == "Strict"
    assert session["expires"] == csrf["expires"] == -1, "they go with the browser"
    assert visit.page.evaluate("document.cookie") == f"sightline-csrf={csrf['value']}"
    with visit.page.context.expect_page() as opened:
        visit.page.evaluate("window.open(location.href, '_blank', 'noopener')")
    other = opened.value
    expect(other.locator("#holdings")).to_contain_text("3 recordings")
    other.set_input_files("#file", {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": photo(RED_COAT)})
    expect(other.locator("#hits .hit:not(.empty)")).to_have_count(36)
    other.locator("#hits .hit").first.locator("img").wait_for()
    other.get_by_role("button", name="Sign out").click()
    expect(other.locator("#signin")).to_be_visible()
    assert cookies(visit) == {}
    visit.page.locator("#open-history").click()
    expect(visit.page.locator("#signin")).to_be_visible()
    # Signing in over there is enough for here, once somebody looks here again.
    other.locator("#signin-key").fill(visit.site.key)
    other.keyboard.press("Enter")
    expect(other.locator("#signin")).to_be_hidden()
    visit.page.evaluate("dispatchEvent(new Event('focus'))")
    expect(visit.page.locator("#signin")).to_be_hidden()
    expect(visit.page.locator("#history")).to_contain_text("36 hits")


def test_without_a_key_the_page_asks_and_goes_on(visit: Visit) -> None:
    visit.forgive("401", "ERR_FAILED")
    visit.open("")
    page = visit.page
    expect(page.locator("#signin")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#signin")).to_be_visible()
    page.locator("#signin-key").fill("sl_wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#signin-error")).to_have_text("The API key is unknown, expired or revoked.")
    page.locator("#signin-key").fill(visit.site.key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#signin")).to_be_hidden()
    expect(page.locator("#holdings")).to_contain_text("3 recordings from 3 cameras")
    visit.search(RED_COAT)
    expect(visit.hits).to_have_count(36)
    page.route("**/v1/session", lambda route: route.abort())
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#photo-error")).to_contain_text("The server did not answer")
    page.unroute("**/v1/session")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#signin")).to_be_visible()


@pytest.mark.long
def test_for_a_key_without_cameras_the_page_is_that_of_an_empty_gallery(visit: Visit) -> None:
    gallery = visit.site.gallery
    gallery.groups.add("nobody", [])
    _, key = gallery.keys.create("nobody", groups=["nobody"])
    visit.open(f"#key={key}")
    expect(visit.page.locator("#holdings")).to_contain_text("Nothing is indexed yet")
    visit.search(RED_COAT)
    expect(visit.hits).to_have_count(0)
    expect(visit.page.locator(".nothing")).to_contain_text("Nothing is indexed yet")


@pytest.mark.long
def test_a_session_that_ends_in_the_middle_is_asked_for_again_and_nothing_is_lost(visit: Visit) -> None:
    visit.forgive("401")
    visit.open()
    expect(visit.page.locator("#holdings")).to_contain_text("3 recordings")
    for session in visit.site.gallery.sessions.list():
        visit.site.gallery.sessions.close(session.id)
    visit.choose_photo(photo(RED_COAT))
    expect(visit.page.locator("#signin-error")).to_have_text("The session has ended. Sign in again.")
    expect(visit.page.locator("#stage img")).to_be_visible()
    visit.page.locator("#signin-key").fill(visit.site.key)
    visit.page.keyboard.press("Enter")
    visit.wait_for_answer()
    expect(visit.hits).to_have_count(36)


def test_a_refused_photo_is_explained_in_the_servers_words(visit: Visit) -> None:
    visit.forgive("415")
    visit.open()
    visit.choose_photo(b"this is not a photo", "notes.jpg")
    alert = visit.page.locator("#photo-error .alert")
    expect(alert).to_contain_text("Unsupported image type")
    expect(alert).to_contain_text("image/jpeg")
    visit.search(RED_COAT)
    expect(alert).to_have_count(0)


@pytest.mark.long
def test_a_server_that_is_away_can_be_tried_again(visit: Visit) -> None:
    visit.forgive("ERR_FAILED")
    visit.open()
    expect(visit.page.locator("#holdings")).to_contain_text("3 recordings")
    visit.page.route("**/v1/searches", lambda route: route.abort())
    visit.choose_photo(photo(RED_COAT))
    alert = visit.page.locator("#answer-error .alert")
    expect(alert).to_contain_text("The server did not answer")
    visit.page.unroute("**/v1/searches")
    visit.answer_after(alert.get_by_role("button", name="Try again").click)
    expect(alert).to_have_count(0)
    expect(visit.hits).to_have_count(36)


def hold_searches(visit: Visit) -> list[Route]:
    """Answer no search until it is let go."""
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    visit.page.route("**/v1/searches", hold)
    return waiting


@pytest.mark.long
def test_a_slow_server_shows_that_work_goes_on(visit: Visit) -> None:
    visit.open()
    waiting = hold_searches(visit)
    visit.choose_photo(photo(RED_COAT))
    expect(visit.page.locator("#progress")).to_have_text("Searching…")
    expect(visit.page.locator("#hits-to-come .hit.empty")).to_have_count(6)
    expect(visit.page.locator("#hits")).to_have_attribute("aria-busy", "true")
    waiting[0].continue_()
    visit.wait_for_answer()
    expect(visit.hits).to_have_count(36)


def test_the_newest_question_wins(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    hold_searches(visit)
    with visit.page.expect_request("**/v1/searches"):
        visit.page.locator("#whole").click()
    visit.page.unroute("**/v1/searches")
    visit.answer_after(visit.page.locator(".person").first.click)
    expect(visit.page.locator(".person.picked")).to_have_count(1)
    expect(visit.hits).to_have_count(36)


@pytest.mark.long
def test_links_to_other_hosts_are_not_followed_with_the_key(visit: Visit) -> None:
    visit.open()

    def answer_elsewhere(route: Route) -> None:
        answer = route.fetch().json()
        answer["hits"] = answer["hits"][:1]
        answer["hits"][0]["thumbnail_url"] = "http://127.0.0.2:9/steal"
        answer["hits"][0]["camera"]["name"] = "<img src=x onerror=alert(1)>"
        route.fulfill(status=201, json=answer)

    visit.page.route("**/v1/searches", answer_elsewhere)
    visit.search(RED_COAT)
    expect(visit.hits.first).to_contain_text("No picture")
    expect(visit.hits.first.locator(".camera")).to_have_text("<img src=x onerror=alert(1)>")


def test_a_recorded_search_opens_from_its_link(visit: Visit) -> None:
    visit.open()
    with visit.page.expect_response("**/v1/searches") as answered:
        visit.choose_photo(photo(RED_COAT))
    search_id = answered.value.json()["id"]
    visit.page.goto("about:blank")
    visit.open(f"#key={visit.site.key}&search={search_id}")
    visit.wait_for_answer()
    expect(visit.hits).to_have_count(36)
    expect(visit.page.locator(".person.picked")).to_have_count(1)
    assert "key" not in visit.page.url


@pytest.mark.long
def test_a_key_from_another_sites_link_is_asked_about(visit: Visit) -> None:
    """It may be of somebody who wants to read what is searched for under it."""
    page = visit.page
    visit.forgive("http://elsewhere.test/")
    link = f'<a href="{visit.site.url}/#key={visit.site.key}">Results</a>'
    page.route("http://elsewhere.test/", lambda route: route.fulfill(body=link, content_type="text/html"))
    page.goto("http://elsewhere.test/")
    page.get_by_text("Results").click()
    expect(page.locator("#signin-error")).to_contain_text("A link on another site brought this key")
    assert cookies(visit) == {}
    expect(page.locator("#signin-key")).to_have_value(visit.site.key)
    page.locator("#signin button.primary").click()
    expect(page.locator("#holdings")).to_contain_text("3 recordings from 3 cameras")
    page.goto("http://elsewhere.test/")
    page.get_by_text("Results").click()
    expect(page.locator("#signin")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#signin")).to_be_hidden()
    expect(page.locator("#holdings")).to_contain_text("3 recordings from 3 cameras")
