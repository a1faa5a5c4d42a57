"""From a photo to ranked tracklets, as a visitor does it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.fakes import WARNING
from tests.browser.library import photo, plain_photo
from tests.browser.scenes import BLUE_JACKET, PURPLE_DRESS, RED_COAT, WHITE_SHIRT


def strip_colour(visit: Visit, index: int) -> tuple[float, float, float]:
    """The colour of the chest on the first picture of a hit's strip."""
    image = visit.hits.nth(index).locator("img")
    image.scroll_into_view_if_needed()
    expect(image).not_to_have_class("waiting")
    red, green, blue = image.evaluate(
        """(image) => {
          const { naturalWidth: width, naturalHeight: height } = image;
          const context = new OffscreenCanvas(1, 1).getContext("2d");
          context.imageSmoothingQuality = "high";
          context.drawImage(image, 0.1 * width, 0.25 * height, 0.05 * width, 0.15 * height, 0, 0, 1, 1);
          return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
        }"""
    )
    return red, green, blue


def test_the_first_answer_comes_by_itself(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT, BLUE_JACKET, WHITE_SHIRT)
    page = visit.page
    expect(page.locator(".person")).to_have_count(3)
    expect(page.locator(".person.picked .number")).to_have_text("1")
    expect(page.locator("#pick-line")).to_contain_text("Person 1 of 3, 207 px tall")
    expect(visit.hits).to_have_count(36)
    assert "36" in page.locator("#progress").inner_text()
    for index in range(6):  # twice on each of three cameras
        red, green, blue = strip_colour(visit, index)
        assert red > 2 * max(green, blue)


def test_a_hit_says_where_when_how_long_and_how_near(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    card = visit.page.locator(".hit", has_text="Platform 2").first  # begins 15:00 UTC
    expect(card.locator(".site")).to_have_text("Station")
    expect(card.locator(".when")).to_have_text(re.compile(r"16:00:0\d Thu, 12 Mar 2026 UTC\+1"))
    expect(card.locator(".when time")).to_have_attribute(
        "title", re.compile(r"Europe/Berlin \(UTC\+1\)\nUTC: Thu, 12 Mar 2026, 15:00:0\d")
    )
    expect(card.locator(".score")).to_have_text(re.compile(r"\+\d\.\d\d"))
    expect(card.locator(".how")).to_have_text("stands out")
    expect(card.locator(".length")).to_have_text(re.compile(r"\d\.\d s"))


@pytest.mark.long
def test_the_answer_says_what_it_covers(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    coverage = visit.page.locator("#coverage")
    expect(coverage).to_contain_text(
        "Searched 36 sightings from 3 cameras (Lobby, North street and Platform 2)"
    )
    expect(coverage.locator(".caution")).to_have_text([WARNING])
    coverage.locator("summary").first.click()
    expect(coverage).to_contain_text("it is not a probability")
    expect(coverage).to_contain_text("even when the person is in no recording")
    expect(coverage.locator(".scroll").first.locator("tbody tr")).to_have_count(3)
    lobby = coverage.locator(".stretches").first
    lobby.locator("summary").click()
    expect(lobby.locator("tr.searched")).to_have_count(1)
    expect(lobby.locator("tr.searched")).to_contain_text("searched")
    clocks = re.compile(r"\d\d:\d\d:\d\d \u2013 \d\d:\d\d:\d\d UTC")
    expect(lobby.locator("tr.searched time")).to_have_text(clocks)


def test_another_person_is_searched_for_when_picked(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT, BLUE_JACKET)
    visit.answer_after(visit.page.locator(".person").nth(1).click)
    expect(visit.page.locator(".person.picked .number")).to_have_text("2")
    red, _, blue = strip_colour(visit, 0)
    assert blue > red + 60


@pytest.mark.long
def test_an_own_box_is_drawn_with_the_mouse_and_moved_with_keys(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT, BLUE_JACKET)
    page = visit.page
    area = page.locator("#stage").bounding_box()
    target = page.locator(".person").nth(1).bounding_box()
    assert area is not None
    assert target is not None

    def draw() -> None:
        page.mouse.move(target["x"] + 2, target["y"] + 2)
        page.mouse.down()
        page.mouse.move(target["x"] + target["width"] - 2, target["y"] + target["height"] - 2, steps=5)
        page.mouse.up()

    visit.answer_after(draw)
    expect(page.locator("#own-box")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#stage input:checked")).to_have_count(0)
    red, _, blue = strip_colour(visit, 0)
    assert blue > red + 60
    before = page.locator(".drawn").bounding_box()
    page.locator("#own-box").click()
    visit.answer_after(lambda: page.keyboard.press("ArrowLeft"))
    after = page.locator(".drawn").bounding_box()
    assert before is not None
    assert after is not None
    assert after["x"] < before["x"]
    visit.answer_after(lambda: page.keyboard.press("Shift+ArrowDown"))
    visit.answer_after(page.locator(".person").first.click)
    expect(page.locator(".drawn")).to_have_count(0)


@pytest.mark.long
def test_without_persons_the_whole_photo_is_searched(visit: Visit) -> None:
    visit.open()
    visit.choose_photo(plain_photo())
    visit.wait_for_answer()
    expect(visit.page.locator("#pick-line")).to_contain_text(
        "No person found: searching with the whole photo."
    )
    expect(visit.page.locator("#whole")).to_have_attribute("aria-pressed", "true")
    expect(visit.hits).to_have_count(36)


@pytest.mark.long
def test_what_is_to_be_known_of_the_photo_stands_below_it(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT, BLUE_JACKET, WHITE_SHIRT)
    page = visit.page
    several = page.locator("#notices li", has_text="3 people were found.")
    expect(several).to_have_class("caution")
    expect(several).to_contain_text("who is seen largest and most clearly")
    expect(page.locator("#coverage")).not_to_contain_text("3 people were found.")
    visit.answer_after(page.locator(".person").nth(1).click)
    expect(several).to_have_class("notice")
    expect(several).to_contain_text("chosen by hand")


@pytest.mark.long
def test_hits_of_other_days_than_the_photo_are_marked(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    page = visit.page
    expect(page.locator(".hit .far")).to_have_count(0)
    page.locator("#taken-holder summary").click()
    page.locator("#taken input[type=date]").fill("2026-03-20")
    page.locator("#taken input.clock").fill("12:00")
    visit.answer_after(lambda: page.locator("#taken input.clock").press("Tab"))
    expect(page.locator(".hit .far")).to_have_count(36)
    expect(
        page.locator("#coverage .caution", has_text="36 of the hits were recorded more than 1 d")
    ).to_be_visible()
    page.reload()
    expect(page.locator(".hit .far")).to_have_count(36)
    expect(page.locator("#taken input[type=date]")).to_have_value("2026-03-20")


def test_the_next_page_continues_the_ranks(visit: Visit) -> None:
    visit.open()
    visit.page.locator("#filters summary").click()
    visit.page.locator("#limit").select_option("25")
    visit.search(RED_COAT)
    expect(visit.hits).to_have_count(25)
    visit.page.get_by_role("button", name="Show 25 more").click()
    expect(visit.hits).to_have_count(36)
    ranks = visit.page.locator(".hit .rank").all_text_contents()
    assert [int(text.split()[-1]) for text in ranks] == list(range(1, 37))
    expect(visit.page.locator("#more")).to_have_text("The list ends here: 36 of 36 sightings compared.")


def test_a_hit_becomes_the_question(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    visit.hits.first.click()
    visit.answer_after(visit.page.get_by_role("button", name="Search for this person").click)
    expect(visit.page.locator("#seed")).to_contain_text("Searching with a sighting from")
    expect(visit.page.locator("#stage")).to_be_hidden()
    expect(visit.hits).to_have_count(35)  # without itself
    visit.answer_after(visit.page.get_by_role("button", name="Back to the photo").click)
    expect(visit.page.locator("#stage")).to_be_visible()
    expect(visit.hits).to_have_count(36)


@pytest.mark.long
def test_object_urls_do_not_pile_up(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    for figure in (BLUE_JACKET, PURPLE_DRESS, RED_COAT):
        visit.answer_after(lambda figure=figure: visit.choose_photo(photo(figure)))  # type: ignore[misc]
    visit.until("document.querySelectorAll('.hit img.waiting').length < 36")
    visit.until("liveUrls.size <= 1 + 36")  # the photo and the strips on the page


def test_cards_show_what_orders_them(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    shown = [
        float(text.replace("\N{MINUS SIGN}", "-"))
        for text in visit.page.locator(".score").all_text_contents()
    ]
    assert len(shown) == 36
    assert shown == sorted(shown, reverse=True)
