"""A box drawn on the photo: with the mouse, with a finger, with the keyboard."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, FloatRect, expect

from tests.browser.conftest import Visit, watched
from tests.browser.scenes import BLUE_JACKET, RED_COAT
from tests.waiting import PATIENCE

HELPERS = """async () => {
  const { h } = await import("/web/js/dom.js");
  const image = h("img", { draggable: false, alt: "", "aria-hidden": false, hidden: false });
  const input = h("input", { value: "", tabIndex: 0, maxLength: 0, spellcheck: false, "data-none": false });
  return {
    draggable: image.draggable, outerHTML: image.outerHTML,
    tabIndex: input.tabIndex, maxLength: input.maxLength,
    spellcheck: input.spellcheck, none: input.hasAttribute("data-none"),
  };
}"""


def area(visit: Visit, selector: str) -> FloatRect:
    """Where an element is on the screen."""
    found = visit.page.locator(selector).bounding_box()
    assert found is not None
    return found


def drawn(visit: Visit) -> list[float]:
    """The drawn box as shares of the photo: left, top, width, height."""
    box, stage = area(visit, ".drawn"), area(visit, "#stage")
    return [
        (box["x"] - stage["x"]) / stage["width"],
        (box["y"] - stage["y"]) / stage["height"],
        box["width"] / stage["width"],
        box["height"] / stage["height"],
    ]


def beside_everyone(visit: Visit) -> tuple[float, float]:
    """A point of the bare photo, left above everybody on it."""
    stage = area(visit, "#stage")
    x, y = stage["x"] + 0.02 * stage["width"], stage["y"] + 0.04 * stage["height"]
    under = visit.page.evaluate("([x, y]) => document.elementFromPoint(x, y).tagName", [x, y])
    assert under == "IMG"
    return x, y


def test_attributes_may_be_false_nought_or_empty(visit: Visit) -> None:
    visit.open()
    made = visit.page.evaluate(HELPERS)
    assert made == {
        "draggable": False,
        "outerHTML": '<img draggable="false" alt="" aria-hidden="false">',
        "tabIndex": 0,
        "maxLength": 0,
        "spellcheck": False,
        "none": False,
    }


def test_a_box_is_drawn_on_the_bare_photo(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT, BLUE_JACKET)
    page, stage = visit.page, area(visit, "#stage")
    x, y = beside_everyone(visit)

    def draw() -> None:
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 0.5 * stage["width"], y + 0.8 * stage["height"], steps=8)
        expect(page.locator("#drop-veil")).to_be_hidden()
        page.mouse.up()

    with page.expect_request("**/v1/searches") as asked:
        visit.answer_after(draw)
    assert drawn(visit) == pytest.approx([0.02, 0.04, 0.5, 0.8], abs=0.01)
    body = asked.value.post_data_json
    assert body is not None
    assert body["probes"][0]["box"] == pytest.approx([9.6, 12.8, 240, 256], abs=2)
    expect(page.locator("#own-box")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".person.picked")).to_have_count(0)


@pytest.fixture
def by_touch(browser: Browser, visit: Visit) -> Iterator[Visit]:
    """A visitor with a phone."""
    made: BrowserContext = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, locale="en-US"
    )
    made.set_default_timeout(PATIENCE * 1000)
    with watched(made.new_page(), visit.site) as touching:
        yield touching
    made.close()


def swipe(visit: Visit, start: tuple[float, float], stop: tuple[float, float]) -> None:
    """Drag one finger over the screen."""
    session = visit.page.context.new_cdp_session(visit.page)
    (x0, y0), (x1, y1) = start, stop
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x0, "y": y0}]})
    for i in range(1, 9):
        point = {"x": x0 + (x1 - x0) * i / 8, "y": y0 + (y1 - y0) * i / 8}
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@pytest.mark.long
def test_a_finger_draws_once_asked_to_and_scrolls_before(by_touch: Visit) -> None:
    visit = by_touch
    visit.forgive("Ignored attempt to cancel a touchstart")  # the driver's tap, while the page still glides
    visit.open()
    visit.search(RED_COAT, BLUE_JACKET)
    stage = area(visit, "#stage")
    x, y = beside_everyone(visit)
    swipe(visit, (x, y + 0.8 * stage["height"]), (x + 40, y))
    expect(visit.page.locator(".drawn")).to_have_count(0)
    visit.page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    visit.answer_after(visit.page.locator("#own-box").tap)
    visit.page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    x, y = beside_everyone(visit)
    visit.answer_after(lambda: swipe(visit, (x, y), (x + 0.4 * stage["width"], y + 0.7 * stage["height"])))
    assert drawn(visit) == pytest.approx([0.02, 0.04, 0.4, 0.7], abs=0.02)
    assert visit.page.evaluate("scrollY") == 0


@pytest.mark.long
def test_a_box_is_made_moved_and_resized_with_the_keyboard(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT, BLUE_JACKET)
    page = visit.page
    page.locator("#own-box").focus()
    visit.answer_after(lambda: page.keyboard.press("Enter"))
    expect(page.locator(".drawn")).to_be_focused()
    left, top, width, height = drawn(visit)
    visit.answer_after(lambda: page.keyboard.press("ArrowLeft"))
    visit.answer_after(lambda: page.keyboard.press("ArrowUp"))
    moved = drawn(visit)
    assert moved[0] < left
    assert moved[1] < top
    assert moved[2:] == pytest.approx([width, height], abs=0.01)
    visit.answer_after(lambda: page.keyboard.press("Shift+ArrowDown"))
    assert drawn(visit)[3] > height
