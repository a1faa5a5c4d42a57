"""Every time on the page tells UTC when pointed at, and beside every field for a time stands its zone."""

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.scenes import RED_COAT

# Names of files, places in files, and the server's own words are no times of the page's.
UNTOLD = r"""() => {
  const exempt = "time, code, input, option, .file, #fact-video, #fact-offset, .name, .gap li, video";
  const zone = /[A-Z]\w+\/\w+|UTC/;
  const seen = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility());
  const tells = ({ dateTime, title }) => Date.parse(dateTime) > 0 && /UTC: .*\d\d:\d\d/.test(title);
  const zoneOf = (field) => [
    field.querySelector(".zone").textContent,
    field.closest("fieldset")?.querySelector(".zone-holder")?.textContent,
  ].join(" ");
  const untold = seen("time").filter((one) => one.textContent.trim() && !tells(one));
  const zoneless = seen(".moment").filter((field) => !zone.test(zoneOf(field)));
  const bare = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { data, parentElement: parent } = walker.currentNode;
    const clock = /\b\d{1,2}:\d\d\b/.test(data);
    if (clock && parent.checkVisibility() && !parent.closest(exempt)) bare.push(data.trim().slice(0, 80));
  }
  return [...[...untold, ...zoneless].map((one) => one.outerHTML.slice(0, 120)), ...bare];
}"""


def unfold(visit: Visit, place: str) -> None:
    """Open everything that is folded there."""
    visit.page.evaluate(
        "(place) => document.querySelectorAll(`${place} details`).forEach((one) => (one.open = true))", place
    )


def test_times_tell_utc_on_hovering_in_every_state(visit: Visit) -> None:
    page = visit.page
    told = 0

    def check(where: str) -> None:
        nonlocal told
        assert page.evaluate(UNTOLD) == [], where
        told += page.locator("time:visible").count()

    visit.open()
    expect(page.locator("#holdings time")).to_have_count(2)
    check("start")
    visit.search(RED_COAT)
    unfold(visit, ".desk")
    check("answer")
    page.get_by_role("button", name="The person: hit 1", exact=True).click()
    page.get_by_role("button", name="The person: hit 2", exact=True).click()
    expect(page.locator("#hits [aria-pressed=true]")).to_have_count(2)
    visit.hits.first.click()
    expect(page.locator("#player-clock")).to_contain_text("UTC+1")
    check("player")
    page.keyboard.press("Escape")
    for panel in ("review", "history", "jobs", "library", "cases"):
        page.locator(f"#open-{panel}").click()
        expect(page.locator("dialog[open] .waiting:visible")).to_have_count(0)
        if panel == "library":
            page.locator(".camera-item > summary").first.click()
            page.get_by_role("button", name="Correct").first.click()
            expect(page.locator("#library .moment")).to_be_visible()
        if panel == "cases":
            page.get_by_role("button", name="New case").click()
            page.get_by_label("Title").fill("Hovering")
            page.locator("#cases-body").get_by_role("button", name="Save").click()
            page.get_by_role("button", name="Add the search on the page").click()
            expect(page.locator(".sightings > li")).to_have_count(2)
            page.evaluate(
                "for (const one of document.querySelectorAll('#cases-body details')) one.open = true"
            )
        check(panel)
        page.keyboard.press("Escape")
    page.locator("#open-admin").click()
    for part in page.locator("#admin-parts [data-part]").all():
        part.click()
        expect(page.locator("#admin-body .waiting")).to_have_count(0)
        check(f"administration, {part.inner_text()}")
    assert told > 100
