"""What a key may not do is not offered: a second person's confirmation, and every other control."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from gallery import Scope
from service.scopes import NEEDED, operations_of
from tests.browser.conftest import Visit, watched
from tests.browser.running import Site
from tests.browser.scenes import RED_COAT
from tests.browser.test_layout import FAINT

PLAIN = (
    # Controls that only change the page, or ask for what any key may: each by what it is.
    "#open-library, #open-help, #leave, #open-admin, .panel-head button, .player-head button, [data-part]",
    ".screen *, .transport :not([data-needs]), #help *, #view *, #tokens *, .recorded .link *, .skip",
    "#hits .hit, #more *, #so-far *, #signin *, #reason *, details > summary",
)
UNDECLARED = """(plain) => [...document.querySelectorAll("button, a[href], input, select, summary")]
  .filter((one) => one.checkVisibility() && !one.closest("[data-needs]") && !one.matches(plain))
  .map((one) => one.outerHTML.slice(0, 160))"""
OFFERED = """() => [...document.querySelectorAll("[data-needs]")].filter((one) => one.checkVisibility())
  .map((one) => one.dataset.needs)"""
ALL_NAMED = """() => [...document.querySelectorAll("[data-needs], [data-lacks]")]
  .map((one) => one.dataset.needs ?? one.dataset.lacks)"""


def panels(page: Page) -> list[str]:
    """The panels of the header that are offered."""
    return [
        str(button.get_attribute("id"))
        for button in page.locator("header.top button[id^=open-]").all()
        if button.is_visible()
    ]


@pytest.mark.parametrize(
    ("scopes", "offered"),
    [
        pytest.param({Scope.SEARCH}, ["open-library", "open-history", "open-help"], marks=pytest.mark.long),
        (
            {Scope.SEARCH, Scope.VIEW, Scope.REVIEW},
            ["open-library", "open-history", "open-cases", "open-help"],
        ),
        pytest.param({Scope.INDEX}, ["open-library", "open-jobs", "open-help"], marks=pytest.mark.long),
        pytest.param({Scope.AUDIT}, ["open-library", "open-admin", "open-help"], marks=pytest.mark.long),
    ],
)
def test_a_key_is_offered_what_it_may_do_and_nothing_is_refused(
    visit: Visit, scopes: set[Scope], offered: list[str]
) -> None:
    """A refusal would stand in the console, and end the visit with a complaint."""
    page = visit.page
    _, key = visit.site.gallery.keys.create("some", scopes=sorted(scopes))
    allowed = operations_of(frozenset(scopes), all_cameras=True)
    visit.open(f"#key={key}")
    expect(page.locator("#holdings")).to_contain_text("3 cameras")

    def check(where: str) -> None:
        assert page.evaluate(UNDECLARED, ", ".join(PLAIN)) == [], where
        assert set(page.evaluate(OFFERED)) <= set(allowed), where
        assert set(page.evaluate(ALL_NAMED)) <= NEEDED.keys(), where

    check("start")
    assert panels(page) == offered
    expect(page.locator(".no-search")).to_be_visible(visible=Scope.SEARCH not in scopes)
    for name in offered:
        page.locator(f"#{name}").click()
        expect(page.locator("dialog[open] .waiting:visible")).to_have_count(0)
        check(name)
        page.keyboard.press("Escape")
    if Scope.SEARCH in scopes:
        visit.search(RED_COAT)
        expect(visit.hits.first.locator("img:not(.waiting), .failed")).to_have_count(1)
        expect(page.locator("#hits .marks").first).to_be_visible(visible=Scope.REVIEW in scopes)
        check("answer")
        visit.hits.first.focus()
        page.keyboard.press("m")
        expect(page.locator("#hits [aria-pressed=true]")).to_have_count(int(Scope.REVIEW in scopes))
        visit.hits.first.click()
        note = "" if Scope.VIEW in scopes else "Your key may not watch clips."
        expect(page.locator("#player-note")).to_have_text(note)
        check("player")


@pytest.mark.long
def test_a_second_person_confirms_disputes_and_takes_back(visit: Visit, browser: Browser, site: Site) -> None:
    visit.open()
    visit.search(RED_COAT)
    page = visit.page
    expect(page.locator("#open-review")).to_be_disabled()
    page.get_by_role("button", name="The person: hit 1", exact=True).click()
    page.get_by_role("button", name="Someone else: hit 9", exact=True).click()
    page.locator("#open-review").click()
    own = page.locator(".reviewed")
    expect(own).to_have_count(2)
    expect(own.first).to_contain_text("Marked by you")
    expect(own.first.get_by_role("button")).to_have_text(["Play"])
    link = page.get_by_label("For a second person").input_value()
    assert site.key not in link
    page.keyboard.press("Escape")
    key, secret = site.gallery.keys.create("second", scopes=[Scope.REVIEW, Scope.VIEW])
    context = browser.new_context(color_scheme="dark")
    with watched(context.new_page(), site) as second:
        second.open(f"#key={secret}&{link.split('#')[1]}")
        rows = second.page.locator(".reviewed")
        expect(rows).to_have_count(2)
        second.until("document.querySelector('.looked-for img').naturalWidth > 0")
        rows.first.get_by_role("button", name="Play").click()
        second.until("document.querySelector('.reviewed video')?.readyState >= 2")
        rows.first.get_by_role("button", name="Confirm").click()
        expect(rows.first).to_contain_text("Confirmed by you")
        rows.nth(1).get_by_role("button", name="Dispute").click()
        expect(rows.nth(1)).to_contain_text("Disputed by you")
        assert second.page.evaluate(FAINT) == []
        page.reload()
        words = page.locator("#hits .second:not(:empty)")
        expect(words).to_have_text([re.compile("^Confirmed by second, "), re.compile("^Disputed by")])
        expect(words.first.get_by_text("second", exact=True)).to_have_attribute("title", key.id)
        rows.nth(1).get_by_role("button", name="Take back").click()
        expect(rows.nth(1)).to_contain_text("Nobody has confirmed it.")
        second.page.keyboard.press("Escape")
        second.until("!location.href.includes('review')")
    context.close()
    # The word is on this mark: with another one it is gone.
    page.get_by_role("button", name="Someone else: hit 1", exact=True).click()
    expect(words).to_have_count(1)
