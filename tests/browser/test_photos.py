"""Several photos of one person: chosen, dropped, pasted, added, taken out, searched for together."""

import base64

import pytest
from playwright.sync_api import FilePayload, expect

from tests.browser.conftest import Visit
from tests.browser.library import photo
from tests.browser.scenes import BLUE_JACKET, PURPLE_DRESS, RED_COAT, WHITE_SHIRT
from tests.browser.test_layout import FAINT

GIVE_FILES = """([kind, target, files]) => {
  const transfer = new DataTransfer();
  for (const [name, data] of files) {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
  }
  const element = document.querySelector(target);
  if (kind === "paste") {
    element.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
  } else {
    for (const type of ["dragover", "drop"]) {
      element.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }
  }
}"""


def given(name: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": data}


def give(visit: Visit, kind: str, target: str, *photos: bytes) -> None:
    """Drop or paste photos onto an element."""
    files = [[f"{kind}{n}.jpg", base64.b64encode(data).decode()] for n, data in enumerate(photos)]
    visit.page.evaluate(GIVE_FILES, [kind, target, files])


@pytest.mark.long
def test_several_photos_are_one_question(visit: Visit) -> None:
    visit.open()
    page = visit.page
    row, picked = page.locator("#photos li"), page.locator(".person.picked .number")
    several = [
        given("a.jpg", photo(RED_COAT, BLUE_JACKET)),
        given("b.jpg", photo(WHITE_SHIRT, RED_COAT, BLUE_JACKET)),
    ]
    with page.expect_request("**/v1/searches") as asked:
        visit.answer_after(lambda: page.set_input_files("#file", several))
    assert asked.value.post_data_json is not None
    assert [set(probe) for probe in asked.value.post_data_json["probes"]] == [{"probe_id"}, {"probe_id"}]
    expect(row).to_have_count(2)
    expect(page.locator("#photo-title")).to_have_text("2 photos, one person")
    expect(row.first.locator(".sight")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#marked")).to_have_text("2 photos together.")
    assert set(page.locator("#hits .pulled").all_text_contents()) <= {
        "most like photo 1",
        "most like photo 2",
    }
    assert page.evaluate(FAINT) == []

    # On the second photo somebody else is meant; a digit says who.
    row.nth(1).locator(".sight").click()
    expect(page.locator(".person")).to_have_count(3)
    with page.expect_request("**/v1/searches") as asked:
        visit.answer_after(lambda: page.keyboard.press("2"))
    assert asked.value.post_data_json is not None
    assert asked.value.post_data_json["probes"][1]["person"] == 1
    expect(picked).to_have_text("2")
    page.keyboard.press("9")
    expect(picked).to_have_text("2")

    page.reload()
    visit.wait_for_answer()
    expect(row).to_have_count(2)
    row.nth(1).locator(".sight").click()
    expect(picked).to_have_text("2")
    page.locator("#hits .hit", has_text="most like photo 2").first.click()
    expect(page.locator("#player-about figcaption").first).to_have_text("Your photo 2")
    page.keyboard.press("Escape")

    page.locator("#stage input").first.focus()
    page.keyboard.press("Shift+Tab")
    expect(page.locator("#photos .out").last).to_be_focused()
    visit.answer_after(lambda: page.keyboard.press("Enter"))
    expect(page.locator("#photos")).to_be_hidden()
    expect(page.locator(".person")).to_have_count(2)
    expect(page.locator("#marked")).to_be_empty()
    page.go_back()
    expect(row).to_have_count(2)


@pytest.mark.long
def test_photos_are_dropped_pasted_and_added(visit: Visit) -> None:
    visit.forgive("415")
    visit.open()
    page, row = visit.page, visit.page.locator("#photos li")
    expect(page.locator("#holdings")).to_contain_text("3 recordings")
    visit.answer_after(lambda: give(visit, "drop", "body", photo(PURPLE_DRESS), photo(RED_COAT)))
    expect(page.locator("#drop-veil")).to_be_hidden()
    expect(row).to_have_count(2)
    over = "new DragEvent('dragover', { bubbles: true, cancelable: true, dataTransfer: data })"
    file = "data.items.add(new File(['x'], 'x.jpg', { type: 'image/jpeg' }))"
    page.evaluate(
        f"() => {{ const data = new DataTransfer(); {file}; document.body.dispatchEvent({over}); }}"
    )
    expect(page.locator("#drop-instead")).to_have_text("Search for this person instead")
    page.evaluate("document.body.dispatchEvent(new DragEvent('dragleave', { bubbles: true }))")
    # Pasted anywhere it is a new question; where photos are added, it is one of them.
    visit.answer_after(lambda: give(visit, "paste", "body", photo(BLUE_JACKET)))
    expect(page.locator("#stage img")).to_have_attribute("alt", "Photo: paste0.jpg")
    expect(row).to_have_count(0)
    visit.answer_after(lambda: give(visit, "paste", "#add-photo-button", photo(BLUE_JACKET)))
    expect(row).to_have_count(2)
    visit.answer_after(lambda: give(visit, "drop", "#drop-add", photo(BLUE_JACKET)))
    expect(row).to_have_count(3)
    # One that is none is named; the others are searched for.
    both = [given("notes.jpg", b"none"), given("c.jpg", photo(BLUE_JACKET))]
    visit.answer_after(lambda: page.set_input_files("#add-photo", both))
    expect(page.locator("#photo-error .alert")).to_contain_text("notes.jpg: Unsupported image type")
    expect(row).to_have_count(4)
    # More than a search takes are counted.
    many = [given(f"{n}.jpg", b"none") for n in range(18)]
    page.set_input_files("#add-photo", many)
    expect(page.locator("#photo-error .alert").first).to_contain_text(
        "20 photos at most: 2 photos were left out"
    )
    expect(row).to_have_count(4)


@pytest.mark.long
def test_a_photo_joins_a_tracklet_that_is_searched_for(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    page = visit.page
    visit.hits.first.click()
    visit.answer_after(page.get_by_role("button", name="Search for this person").click)
    visit.answer_after(lambda: page.set_input_files("#add-photo", given("more.jpg", photo(RED_COAT))))
    row = page.locator("#photos .sight")
    expect(row).to_have_count(2)
    expect(row.first).to_have_attribute("aria-label", "Sighting 1, counts 100 % by its quality")
    row.first.click()
    expect(page.locator("#seed")).to_contain_text("Searching with a sighting from")
    expect(page.locator("#stage")).to_be_hidden()
    page.reload()
    visit.wait_for_answer()
    expect(row).to_have_count(2)
    expect(page.locator("#seed img")).to_be_visible()
