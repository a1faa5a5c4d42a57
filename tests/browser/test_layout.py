"""Keyboard, focus, width and contrast."""

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Visit
from tests.browser.library import photo
from tests.browser.scenes import BLUE_JACKET, RED_COAT
from tests.waiting import until

# Text that is too faint against what it stands on (WCAG 2.2, 1.4.3: 4.5 : 1), apart from text on pictures.
FAINT = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const linear = (v) => (v <= 10 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    const [x, y, z] = [r, g, b].map(linear);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = rgba(getComputedStyle(e).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return rgba("canvas");
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const exempt = element.closest("#stage, .drop-veil, .unseen, :disabled, .skip");
    const gone = exempt || !element.checkVisibility();
    if (!walker.currentNode.data.trim() || gone) continue;
    const [a, b] = [light(rgba(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)} ${walker.currentNode.data.trim().slice(0, 40)}`);
  }
  return faint;
}"""


def focus_is_visible(visit: Visit) -> bool:
    """Whether what has the focus is outlined: itself, or what stands for it on the page."""
    style = """() => {
      const focused = document.activeElement;
      const shown = [focused, focused.nextElementSibling, focused.closest("label")].filter(Boolean);
      const outlined = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
      return shown.some((element) => outlined(getComputedStyle(element)));
    }"""
    return bool(visit.page.evaluate(style))


def tab_to(visit: Visit, selector: str, limit: int = 40) -> None:
    """Press Tab until `selector` has the focus; everything on the way must show that it has it."""
    for _ in range(limit):
        visit.page.keyboard.press("Tab")
        assert focus_is_visible(visit), visit.page.evaluate("document.activeElement.outerHTML")
        if visit.page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"{selector} is not reached with Tab")


def test_everything_is_done_with_the_keyboard(visit: Visit) -> None:
    page = visit.page
    # Before the page opens: the browser must know that choosers are wanted by the time a key asks for one.
    page.on("filechooser", lambda chooser: None)
    visit.open()
    tab_to(visit, "#file")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    data = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo(RED_COAT, BLUE_JACKET)}
    visit.answer_after(lambda: chooser.value.set_files(data))  # type: ignore[arg-type]
    tab_to(visit, "#stage input[name=person]")
    visit.answer_after(lambda: page.keyboard.press("ArrowRight"))
    expect(page.locator(".person.picked .number")).to_have_text("2")
    tab_to(visit, "#cameras [data-camera='Lobby']")
    visit.answer_after(lambda: page.keyboard.press(" "))
    tab_to(visit, ".hit")
    page.keyboard.press("Enter")
    expect(page.locator("#player")).to_be_visible()
    visit.until("document.querySelector('#player video').readyState >= 2")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#player-title .rank")).to_have_text("2")
    page.keyboard.press("Escape")
    expect(visit.hits.nth(1)).to_be_focused()


@pytest.mark.parametrize(
    ("width", "height", "scheme"),
    [
        (390, 844, "light"),
        pytest.param(1280, 800, "dark", marks=pytest.mark.long),
        pytest.param(1280, 800, "light", marks=pytest.mark.long),
        pytest.param(390, 844, "dark", marks=pytest.mark.long),
    ],
)
def test_nothing_is_cut_off_or_faint(visit: Visit, width: int, height: int, scheme: str) -> None:
    page = visit.page
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]

    def check(where: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width, where
        assert page.evaluate(FAINT) == [], where

    visit.open()
    expect(page.locator("#holdings")).to_contain_text("3 recordings")
    check("start")
    visit.search(RED_COAT, BLUE_JACKET)
    page.locator("#coverage summary").first.click()
    check("answer")
    visit.hits.first.click()
    visit.until("document.querySelector('#player video').readyState >= 2")
    check("player")
    player = page.locator("#player").bounding_box()
    assert player is not None
    assert player["x"] >= 0
    assert player["x"] + player["width"] <= width
    screen, about = page.locator(".screen").bounding_box(), page.locator(".about").bounding_box()
    assert screen is not None
    assert about is not None
    beside, below = screen["x"] + screen["width"] <= about["x"], screen["y"] + screen["height"] <= about["y"]
    assert beside or below
    page.keyboard.press("Escape")
    page.locator("#open-jobs").click()
    check("videos")


LEFT_OUT = [{"what": f"Camera {n}", "reason": "left out by the filter", "cause": "filter"} for n in range(20)]


def leave_out_much(visit: Visit) -> None:
    """Let answers say that much was not searched, which takes room above the hits."""

    def answer(route: Route) -> None:
        response = route.fetch()
        said = response.json()
        said["coverage"]["not_searched"] = LEFT_OUT
        route.fulfill(response=response, json=said)

    visit.page.route("**/v1/searches", answer)


def look_closely(page: Page, strip: Locator, share: float) -> None:
    """Point at a strip until its crops are shown: scrolling that is not over yet puts them away."""

    def shown() -> bool:
        area = strip.bounding_box()
        assert area is not None
        for down in (20, 21):
            page.mouse.move(area["x"] + share * area["width"], area["y"] + down)
        return page.locator("#loupe").is_visible()

    until(shown, pause=0.2)


@pytest.mark.long
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (800, 900), (390, 844)])
def test_nothing_jumps_while_the_page_fills_and_is_gone_through(
    visit: Visit, width: int, height: int
) -> None:
    """Cumulative layout shift; up to 0.1 counts as good."""
    page = visit.page
    page.set_viewport_size({"width": width, "height": height})
    page.add_init_script(
        """window.shift = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) shift += entry.value;
        }).observe({ type: "layout-shift", buffered: true });"""
    )
    leave_out_much(visit)
    visit.open()
    expect(page.locator("#holdings")).to_contain_text("3 recordings")
    assert page.evaluate("shift") < 0.02
    visit.search(RED_COAT, BLUE_JACKET)
    expect(visit.hits.first.locator("img")).not_to_have_class("waiting")
    assert page.evaluate("shift") < 0.1
    for number in range(0, 36, 7):
        strip = visit.hits.nth(number).locator(".strip")
        strip.scroll_into_view_if_needed()
        expect(strip.locator("img")).not_to_have_class("waiting")
        for share in (0.1, 0.9):
            look_closely(page, strip, share)
    assert page.evaluate("shift") < 0.1
    page.evaluate("scrollTo(0, 0)")
    page.reload()
    expect(visit.hits.first.locator("img")).not_to_have_class("waiting")
    assert page.evaluate("shift") < 0.1


@pytest.mark.long
def test_the_bar_for_marks_stays_where_it_is_to_the_end_of_the_list(visit: Visit) -> None:
    page, bar, more = visit.page, visit.page.locator("#feedback"), visit.page.locator("#more")
    visit.open()
    page.locator("#limit").evaluate("(one) => { one.closest('details').open = true; }")
    page.locator("#limit").select_option("25")
    visit.search(RED_COAT)

    def looks() -> tuple[float, float]:
        bottom, height = (
            float(element.evaluate(f"(one) => one.getBoundingClientRect().{side}"))
            for element, side in ((bar, "bottom"), (more, "height"))
        )
        return bottom, height

    expect(visit.hits).to_have_count(25)
    before = looks()
    assert before[0] == 800
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    assert looks() == before
    page.get_by_role("button", name="Load all").click()
    expect(visit.hits).to_have_count(36)
    expect(more).to_contain_text("The list ends here")
    assert looks() == before
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    assert looks() == before
