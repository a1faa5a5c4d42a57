"""Keys: from hit to hit, and the list of all keys."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.scenes import RED_COAT


@pytest.mark.long
def test_arrows_go_from_hit_to_hit(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    page, hits = visit.page, visit.hits
    tops = hits.evaluate_all("(hits) => hits.map((hit) => hit.getBoundingClientRect().top)")
    columns = tops.count(tops[0])
    assert columns > 1
    hits.first.focus()
    for key, index in (
        ("ArrowLeft", 0),
        ("ArrowRight", 1),
        ("ArrowDown", 1 + columns),
        ("ArrowLeft", columns),
        ("ArrowUp", 0),
        ("ArrowUp", 0),
        ("End", 35),
        ("ArrowRight", 35),
        ("Home", 0),
    ):
        page.keyboard.press(key)
        expect(hits.nth(index)).to_be_focused()
    page.keyboard.press("End")
    expect(hits.nth(35)).to_be_in_viewport()
    page.keyboard.press(" ")
    expect(page.locator("#player-title .rank")).to_have_text("36")
    visit.until("document.querySelector('#player video').readyState >= 2")
    visit.until("!document.querySelector('#player video').paused")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    expect(page.locator("#player")).to_be_visible()
    page.keyboard.press("Escape")
    expect(hits.nth(34)).to_be_focused()


@pytest.mark.long
def test_a_question_mark_tells_all_keys(visit: Visit) -> None:
    visit.open()
    page = visit.page
    page.keyboard.press("?")
    expect(page.locator("#help")).to_contain_text("go from hit to hit")
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    page.get_by_role("button", name="Keyboard and language (?)").click()
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("#filters summary").click()
    page.get_by_label("From, time (24 hours)").press("?")
    expect(page.locator("#help")).to_be_hidden()


@pytest.mark.long
def test_the_first_hits_come_before_the_fold(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    for width, height in ((800, 900), (800, 600), (1280, 720)):
        visit.page.set_viewport_size({"width": width, "height": height})
        visit.page.reload()
        visit.wait_for_answer()
        box = visit.hits.first.locator(".strip").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= height, (width, height)
