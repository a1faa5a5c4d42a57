"""Earlier searches: the link of each is on the page, a reload keeps all of it, and it can be asked again."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.scenes import BLUE_JACKET, RED_COAT


@pytest.fixture
def searched(visit: Visit) -> Visit:
    """A visit with one answer of two pages, both shown."""
    visit.open()
    visit.page.evaluate("document.querySelector('#limit').value = '25'")
    visit.page.locator("#limit").dispatch_event("change")
    visit.search(RED_COAT, BLUE_JACKET)
    expect(visit.hits).to_have_count(25)
    visit.page.get_by_role("button", name="Show 25 more").click()
    expect(visit.hits).to_have_count(36)
    return visit


@pytest.mark.long
def test_link_and_reload_keep_what_is_shown(searched: Visit) -> None:
    page = searched.page
    link = page.get_by_label("Link to this answer")
    expect(link).to_have_value(re.compile(r"#search=[0-9a-f]{32}(&hits=\d+)?$"))
    assert searched.site.key not in link.input_value()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == link.input_value()
    names = page.locator(".hit .when").all_text_contents()
    for _ in range(2):
        page.reload()
        expect(searched.hits).to_have_count(36)
        assert page.locator(".hit .when").all_text_contents() == names
        expect(page.locator("#stage img")).to_be_visible()


def test_the_history_opens_and_asks_again(searched: Visit) -> None:
    page = searched.page
    searched.answer_after(page.locator(".person").nth(1).click)
    second = page.url
    page.get_by_role("button", name="Searches").click()
    rows = page.locator("#history .asked")
    expect(rows.first).to_contain_text("1 photo")
    expect(rows.first).to_contain_text("all cameras")
    searched.until("document.querySelector('#history .asked .thumb img')?.naturalWidth > 0")
    rows.nth(1).get_by_role("button", name="Open").click()
    expect(page.locator("#history")).to_be_hidden()
    expect(page.locator(".person.picked .number")).to_have_text("1")
    assert page.url != second
    page.get_by_role("button", name="Searches").click()
    rows.first.get_by_role("button", name="Ask again as it was").click()
    expect(page.locator(".compared")).to_have_text("Asked again as it was: the ranking is the same.")
    expect(page.locator(".person.picked .number")).to_have_text("2")
    page.locator("#recorded").get_by_role("button", name="What is new since?").click()
    expect(page.locator(".compared")).to_have_text("Asked again now: nothing new was found.")
    page.reload()
    expect(page.locator(".compared")).to_have_text("Asked again now: nothing new was found.")


@pytest.mark.long
def test_an_answer_outlives_its_photo(searched: Visit) -> None:
    page = searched.page
    probe = page.evaluate(
        """async () => {
          const headers = { "X-CSRF-Token": document.cookie.split("=")[1] };
          const search = new URLSearchParams(location.hash.slice(1)).get("search");
          const { probe } = await (await fetch(`/v1/searches/${search}`, { headers })).json();
          return (await fetch(`/v1/probes/${probe.id}`, { method: "DELETE", headers })).status;
        }"""
    )
    assert probe == 204
    searched.forgive("404", "410")
    page.reload()
    expect(searched.hits).to_have_count(36)
    expect(page.locator("#photo-error")).to_contain_text("The photo is not kept any more")
    page.get_by_role("button", name="Searches").click()
    expect(page.locator("#history .asked").first).to_contain_text("Its photo is not kept any more.")
