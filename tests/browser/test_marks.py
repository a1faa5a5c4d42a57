"""Marks on the page: by mouse and keyboard, undone, and searched with again."""

import re

import pytest
from playwright.sync_api import Response, expect

from tests.browser.conftest import Visit
from tests.browser.scenes import RED_COAT
from tests.browser.test_layout import FAINT


def refining(response: Response) -> bool:
    return response.url.endswith("/refine")


def test_hits_are_marked_undone_and_searched_with_again(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    page, marked = visit.page, visit.page.locator("#marked")
    again = page.get_by_role("button", name="Search again with marks")
    expect(again).to_be_disabled()
    first = page.locator("#hits .card").first
    first.get_by_role("button", name="The person: hit 1").click()
    expect(first.locator("[data-verdict=match]")).to_have_attribute("aria-pressed", "true")
    visit.hits.nth(7).focus()
    page.keyboard.press("n")
    expect(marked).to_have_text("Marked: 1 the person, 1 someone else.")
    expect(visit.hits.nth(7)).to_be_focused()
    page.keyboard.press("m")
    expect(marked).to_have_text("Marked: 2 the person, 0 someone else.")
    page.keyboard.press("u")
    expect(marked).to_have_text("Marked: 1 the person, 1 someone else.")
    assert page.evaluate(FAINT) == []
    before = page.url
    with page.expect_response(refining) as answered:
        page.keyboard.press("r")
    assert answered.value.json()["refined"]["method"] == "rocchio"
    visit.wait_for_answer()
    expect(marked).to_contain_text("This answer follows your marks")
    expect(page.locator("#hits [data-verdict=match][aria-pressed=true]")).to_have_count(1)
    expect(visit.hits.first).to_be_focused()  # arrows, M and N go on from there
    assert page.url != before
    page.reload()
    visit.wait_for_answer()
    expect(marked).to_contain_text("Marked: 1 the person, 1 someone else.")
    page.locator("#hits [data-verdict=match][aria-pressed=true]").click()
    expect(marked).to_contain_text("Marked: 0 the person, 1 someone else.")


@pytest.mark.long
def test_what_to_judge_is_asked_and_answered_by_keyboard(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    page = visit.page
    page.get_by_role("button", name="Please judge these").press("Enter")
    asked = page.locator("#judge li")
    expect(asked).to_have_count(5)
    expect(asked.first.get_by_role("button").first).to_be_focused()
    assert len(set(page.locator("#judge .camera").all_inner_texts())) == 3
    page.keyboard.press("Space")
    expect(page.locator("#judge [aria-pressed=true]")).to_have_count(1)
    expect(page.locator("#hits [data-verdict=match][aria-pressed=true]")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#marked")).to_have_text("Marked: 0 the person, 1 someone else.")
    assert page.evaluate(FAINT) == []
    judge = page.locator("#judge")
    height = judge.evaluate("one => one.getBoundingClientRect().height")
    assert height < 250, "one row: the hits stay in sight"
    judge.get_by_role("button", name="Put these away").press("Enter")
    expect(judge).to_be_empty()
    expect(page.get_by_role("button", name="Please judge these")).to_be_focused()


def test_a_refused_mark_is_explained(visit: Visit) -> None:
    visit.forgive("409")
    visit.open()
    visit.search(RED_COAT)
    undo = visit.page.get_by_role("button", name="Undo")
    expect(undo).to_be_disabled()
    visit.page.locator("#hits button.mark").first.click()
    undo.click()
    expect(visit.page.locator("#hits .mark[aria-pressed=true]")).to_have_count(0)
    undo.click()
    alert = visit.page.locator("#feedback-error .alert")
    expect(alert).to_contain_text(re.compile("no change of a mark"))
    visit.page.locator("#hits button.mark").first.click()
    expect(alert).to_have_count(0)
