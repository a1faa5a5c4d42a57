"""Where the operator requires a reason, the page asks for it once and sends it with everything."""

from pathlib import Path

from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import watched
from tests.browser.library import photo
from tests.browser.running import running_site
from tests.browser.scenes import RED_COAT


def test_the_page_asks_why_once_and_sends_it(context: BrowserContext, tmp_path: Path) -> None:
    with (
        running_site(tmp_path, None, require_purpose=True, require_case_number=True) as site,
        watched(context.new_page(), site) as visit,
    ):
        page = visit.page
        visit.forgive("428", "401")
        visit.open()
        visit.choose_photo(photo(RED_COAT))
        expect(page.locator("#reason")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#reason")).to_be_visible()
        page.locator("#reason-purpose").fill("Vermisstes Kind, 門 100 %")
        page.keyboard.press("Enter")
        expect(page.locator("#reason-error")).to_contain_text("X-Case-Number")
        page.locator("#reason-case").fill("2026/7")
        page.get_by_role("button", name="Go on").click()
        visit.wait_for_answer()
        expect(page.locator("#reason")).to_be_hidden()

        page.reload()
        visit.wait_for_answer()
        expect(page.locator("#reason")).to_be_hidden()
        looks = {"probe", "search", "tracklet", "thumbnail"}
        events = [event for event in site.gallery.audit.events() if event.action.partition(".")[0] in looks]
        assert {"search", "search.read"} <= {event.action for event in events}
        said = {"purpose": "Vermisstes Kind, 門 100 %", "case_number": "2026/7"}
        assert all(event.detail["reason"] == said for event in events)
        page.get_by_role("button", name="Sign out").click()
        expect(page.locator("#signin")).to_be_visible()
        assert page.evaluate("sessionStorage.length") == 0
