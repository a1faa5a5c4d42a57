"""Where and when."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Request, expect

from tests.browser.conftest import Visit
from tests.browser.scenes import RED_COAT


def box(visit: Visit, name: str) -> Locator:
    """The checkbox of a camera or a site."""
    return visit.page.locator("#cameras").get_by_role("checkbox", name=name, exact=True)


def cameras_of(visit: Visit) -> set[str]:
    """The cameras in the answer."""
    return set(visit.page.locator(".hit .camera").all_text_contents())


def where(request: Request) -> tuple[Any, Any]:
    """The cameras and the sites that a search asks for."""
    asked = json.loads(request.post_data or "{}")
    return asked["cameras"], asked["sites"]


def test_cameras_are_chosen_singly_and_by_site(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    assert cameras_of(visit) == {"Lobby", "North street", "Platform 2"}
    visit.answer_after(box(visit, "Main building").uncheck)
    assert cameras_of(visit) == {"Platform 2"}
    expect(visit.page.locator("#filter-summary")).to_have_text("· 1 of 3 cameras")
    expect(visit.page.locator("#coverage")).to_contain_text(
        re.compile("Not searched:.*Lobby.*left out by the filter", re.S)
    )
    visit.answer_after(box(visit, "Lobby").check)
    assert cameras_of(visit) == {"Lobby", "Platform 2"}
    assert box(visit, "Main building").evaluate("(box) => box.indeterminate")
    visit.answer_after(visit.page.locator("#reset").click)
    assert cameras_of(visit) == {"Lobby", "North street", "Platform 2"}
    expect(visit.page.locator("#reset")).to_be_hidden()


@pytest.mark.long
def test_a_whole_site_is_one_filter(visit: Visit) -> None:
    page, token = visit.page, visit.page.locator("#tokens .token")
    visit.open(f"#key={visit.site.key}&site=Main+building")
    expect(token).to_have_text("Main building: 2 cameras")
    expect(page).to_have_url(re.compile(r"#site=Main\+building$"))
    with page.expect_request("**/v1/searches") as asked:
        visit.search(RED_COAT)
    assert where(asked.value) == (None, ["Main building"])
    assert cameras_of(visit) == {"Lobby", "North street"}
    page.reload()
    visit.wait_for_answer()
    expect(token).to_have_text("Main building: 2 cameras")
    assert cameras_of(visit) == {"Lobby", "North street"}
    visit.answer_after(token.click)
    assert cameras_of(visit) == {"Lobby", "North street", "Platform 2"}
    page.go_back()
    expect(token).to_have_text("Main building: 2 cameras")
    with page.expect_request("**/v1/searches") as asked:
        visit.answer_after(box(visit, "North street").uncheck)
    assert where(asked.value) == (["Lobby"], None)
    expect(token).to_have_text("Lobby")


@pytest.mark.long
def test_times_are_those_of_the_cameras(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    page = visit.page
    expect(page.locator("#zone-holder")).to_have_text("Times are those of Europe/Berlin.")
    visit.answer_after(lambda: visit.enter_time("From", "2026-03-12", "14:10"))
    visit.answer_after(lambda: visit.enter_time("To", "2026-03-12", "14:30"))
    assert cameras_of(visit) == {"North street"}  # begins 13:20 UTC
    expect(page.locator("#moments .zone").first).to_have_text("UTC+1")
    expect(page.locator("#coverage")).to_contain_text("Thu, 12 Mar 2026, 14:10:00 \N{EN DASH} 14:30:00 UTC+1")


@pytest.mark.long
def test_a_backward_time_range_is_refused_before_it_is_sent(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    page = visit.page
    visit.answer_after(lambda: visit.enter_time("From", "2026-03-12", "14:10"))
    visit.enter_time("To", "2026-03-12", "14:00")
    expect(page.locator("#time-error")).to_have_text("“From” must be before “To”.")


def test_an_empty_answer_says_why_and_offers_the_way_back(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    visit.answer_after(lambda: visit.enter_time("From", "2027-01-01", "00:00"))
    expect(visit.page.locator(".nothing")).to_contain_text("Nothing to search with these filters")
    expect(visit.hits).to_have_count(0)
    visit.answer_after(visit.page.locator(".nothing button").click)
    expect(visit.hits).to_have_count(36)


@pytest.mark.long
def test_re_ranking_is_off_until_it_is_asked_for(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    page = visit.page
    box = page.get_by_role("checkbox", name="re-ranking")
    expect(box).not_to_be_checked()
    expect(box).to_have_accessible_description(re.compile("seldom helps"))
    expect(page.locator("#results")).not_to_contain_text("(re-ranking)")
    visit.answer_after(box.check)
    expect(page.locator("#results")).to_contain_text("(re-ranking)")
    page.reload()
    visit.wait_for_answer()
    expect(box).to_be_checked()
    visit.answer_after(box.uncheck)
    expect(page.locator("#results")).not_to_contain_text("(re-ranking)")
