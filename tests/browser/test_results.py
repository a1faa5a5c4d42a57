"""The hits in other orders, by camera, from a probability on; and that the address keeps it."""

import json
import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Visit
from tests.browser.library import photo
from tests.browser.scenes import RED_COAT
from tests.browser.test_layout import FAINT

LINE = 0.5
PROBABILITIES = {1: 0.93, 2: 0.55, 3: 0.71}  # by rank; of all others less than the line


def calibrate(visit: Visit) -> None:
    """Let answers have probabilities that do not fall with the rank, as those of real models do."""

    def answer(route: Route) -> None:
        response = route.fetch()
        if "hits" in (said := response.json()):
            for hit in said["hits"]:
                hit["probability"] = PROBABILITIES.get(hit["rank"], 0.4 / hit["rank"])
            said["calibration"] |= {
                "calibrated": True,
                "learnt_from": "drawn figures",
                "line": LINE,
                "credible": 3,
                "wrong_expected": 0.8,
            }
        route.fulfill(response=response, json=said)

    visit.page.route(re.compile(r"/v1/searches(/\w+)?(\?|$)"), answer)


def ranks(visit: Visit) -> list[int]:
    """The ranks on the cards, as they stand."""
    return [int(text.split()[-1]) for text in visit.page.locator("#hits .rank").all_text_contents()]


def test_the_probable_come_first_and_a_line_ends_the_credible(visit: Visit) -> None:
    calibrate(visit)
    visit.open()
    visit.search(RED_COAT)
    page, rows = visit.page, visit.page.locator("#hits [role=listitem]")
    assert ranks(visit)[:5] == [1, 3, 2, 4, 5]
    expect(page.locator("#hits .score").first).to_have_text("Probability 93 %")
    said = page.locator("#hits .how").all_text_contents()[:4]
    assert said == ["very likely", "likely", "likely", "very unlikely"]
    expect(rows.nth(3)).to_have_text("Below this line: less than 50 %")
    expect(page.locator("#hits .line")).to_have_count(1)
    page.get_by_label("Order").select_option("rank")
    assert ranks(visit) == list(range(1, 37))
    expect(page.locator("#hits .line")).to_have_count(0)

    # The player goes through the list as it stands.
    page.get_by_label("Order").select_option("probability")
    page.locator("#hits .hit").first.click()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#player-title .rank")).to_have_text("3")
    expect(page).to_have_url(re.compile("sort=probability&hit=3$"))
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("sort=probability$"))
    expect(page.locator("#hits .hit").nth(1)).to_be_focused()

    page.get_by_label("Least probability").select_option("50")
    assert ranks(visit) == [1, 3, 2]
    expect(page.locator("#progress")).to_have_text("3 of 36 hits")
    page.get_by_label("Least probability").select_option("25")
    expect(page.locator("#tokens .token")).to_have_text(["Probability 25 % or more"])
    page.get_by_role("button", name="By camera").click()
    expect(page.locator("#hits .group h3")).to_have_count(3)
    assert page.evaluate(FAINT) == []

    page.reload()
    visit.wait_for_answer()
    expect(page.get_by_label("Order")).to_have_value("probability")
    expect(page.get_by_label("Least probability")).to_have_value("25")
    expect(page.locator("#hits .group h3")).to_have_count(3)
    assert sorted(ranks(visit)) == [1, 2, 3]
    page.locator("#tokens .token").press("Enter")
    expect(page.locator("#tokens")).to_be_hidden()
    expect(page.locator("#results")).to_be_focused()
    assert sorted(ranks(visit)) == list(range(1, 37))
    cameras = page.locator("#hits .hit .camera").all_text_contents()
    assert [name for n, name in enumerate(cameras) if n == 0 or cameras[n - 1] != name] == list(
        dict.fromkeys(cameras)
    )


@pytest.mark.long
def test_orders_say_what_they_are_of_until_all_hits_are_there(visit: Visit) -> None:
    visit.open()
    page = visit.page
    page.locator("#filters summary").click()
    page.locator("#limit").select_option("25")
    visit.search(RED_COAT)
    expect(page.get_by_label("Order").locator("option")).to_have_text(
        ["Most similar first", "Newest first", "Oldest first"]
    )
    expect(page.get_by_label("Least probability")).to_have_count(0)
    expect(page.locator("#so-far")).to_be_empty()
    page.get_by_label("Order").focus()
    word = page.locator("#hits .rank .unseen").first
    width = "(one) => one.getBoundingClientRect().width"
    assert word.evaluate(width) <= 1
    page.get_by_label("Order").select_option("newest")
    assert word.evaluate(width) > 20, "a bare number would be taken for the place in the list"
    expect(page.get_by_label("Order")).to_be_focused()
    expect(page.locator("#so-far")).to_contain_text("Only the first 25 hits of the answer are loaded")
    page.locator("#so-far").get_by_role("button", name="Load all").click()
    expect(visit.hits).to_have_count(36)
    expect(page.locator("#so-far")).to_be_empty()
    times = page.locator("#hits .when time").evaluate_all("(all) => all.map((one) => one.dateTime)")
    assert times == sorted(times, reverse=True)
    assert len(times) == 36
    page.reload()
    visit.wait_for_answer()
    expect(visit.hits).to_have_count(36)
    expect(page.get_by_label("Order")).to_have_value("newest")


@pytest.mark.long
def test_the_player_is_a_step_to_go_back_from(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    page, player = visit.page, visit.page.locator("#player")
    answer = page.url
    visit.hits.nth(4).click()
    expect(page).to_have_url(f"{answer}&hit=5")
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(f"{answer}&hit=6")
    page.go_back()
    expect(player).to_be_hidden()
    assert page.url == answer
    page.go_forward()
    expect(page.locator("#player-title .rank")).to_have_text("6")
    page.reload()
    expect(page.locator("#player-title .rank")).to_have_text("6")
    page.keyboard.press("Escape")
    expect(player).to_be_hidden()
    expect(page).to_have_url(answer)
    # A link to a hit opens it, for somebody who has just come, too; one to none opens the answer.
    for rank, opened in ((7, True), (999, False)):
        page.goto("about:blank")
        page.goto(f"{answer}&hit={rank}&sort=oldest&least=abc")
        visit.wait_for_answer()
        expect(visit.hits).to_have_count(36)
        expect(player).to_be_visible() if opened else expect(player).to_be_hidden()
    expect(page.get_by_label("Order")).to_have_value("oldest")
    expect(page).to_have_url(f"{answer}&hits=999&sort=oldest")


def test_filters_are_tokens(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    page, tokens = visit.page, visit.page.locator("#tokens .token")
    expect(page.locator("#tokens")).to_be_hidden()
    visit.answer_after(page.get_by_role("checkbox", name="Station").uncheck)
    expect(tokens).to_have_text(["Main building: 2 cameras"])
    visit.answer_after(page.get_by_role("checkbox", name="Lobby").uncheck)
    expect(tokens).to_have_text(["North street"])
    # Nothing was recorded today; the last recording ends 13 seconds after 16:00 in Berlin.
    expect(page.get_by_role("button", name="Today")).to_be_disabled()
    with page.expect_request("**/v1/searches") as asked:
        visit.answer_after(page.get_by_role("button", name="Last recorded hour").click)
    assert asked.value.post_data_json is not None
    assert asked.value.post_data_json["start"] == "2026-03-12T14:00:13.000Z"
    assert asked.value.post_data_json["end"] == "2026-03-12T15:00:13.000Z"
    expect(page.locator(".nothing")).to_be_visible()
    expect(tokens.nth(1)).to_have_text("Thu, 12 Mar 2026, 15:00:13 \N{EN DASH} 16:00:13 UTC+1 Europe/Berlin")
    expect(tokens.nth(1).locator("time")).to_have_attribute(
        "title", re.compile("UTC: Thu, 12 Mar 2026, 14:00:13")
    )
    expect(page.get_by_label("From, time (24 hours)")).to_have_value("15:00:13")
    tokens.first.focus()
    page.keyboard.press("Tab")
    visit.answer_after(lambda: page.keyboard.press("Enter"))
    expect(tokens).to_have_count(1)
    expect(tokens.first).to_be_focused()
    expect(visit.hits).to_have_count(12)
    with page.expect_request("**/v1/searches") as asked:
        visit.answer_after(page.get_by_role("button", name="Last recorded day").click)
    assert asked.value.post_data_json is not None
    assert asked.value.post_data_json["start"] == "2026-03-11T23:00:00.000Z"
    assert asked.value.post_data_json["end"] == "2026-03-12T23:00:00.000Z"
    visit.answer_after(lambda: visit.choose_photo(photo(RED_COAT)))
    expect(tokens).to_have_count(2)


@pytest.mark.long
def test_a_hit_is_looked_at_closely_from_the_list(visit: Visit) -> None:
    visit.open()
    visit.search(RED_COAT)
    page, loupe = visit.page, visit.page.locator("#loupe")
    strip = visit.hits.nth(1).locator(".strip")
    expect(strip.locator("img")).not_to_have_class("waiting")
    area = strip.bounding_box()
    assert area is not None
    for share, said in ((0.4, "This hit, 2 of 4"), (0.9, "This hit, 4 of 4")):
        page.mouse.move(area["x"] + share * area["width"], area["y"] + 20)
        expect(loupe.locator("figcaption")).to_have_text(["Searched for", said])
    sizes = loupe.locator(".crop").evaluate_all("(all) => all.map((one) => one.clientHeight)")
    assert sizes[0] == sizes[1] > area["height"]
    page.mouse.move(area["x"], 5)
    expect(loupe).to_be_hidden()
    visit.hits.first.focus()
    page.keyboard.press("c")
    page.keyboard.press(".")
    expect(loupe.locator("figcaption").last).to_have_text("This hit, 2 of 4")
    page.keyboard.press("ArrowRight")
    expect(loupe.locator("figcaption").last).to_have_text("This hit, 1 of 4")
    page.keyboard.press("Escape")
    expect(loupe).to_be_hidden()
    expect(visit.hits.nth(1)).to_be_focused()


# The ranks of cards that were taken out of the list, or moved in it.
MOVED = """
  window.moved = [];
  new MutationObserver((changes) => {
    for (const { removedNodes } of changes) {
      for (const node of removedNodes) moved.push(node.querySelector(".rank")?.textContent);
    }
  }).observe(document.querySelector("#hits"), { childList: true, subtree: true });
"""


def many_hits(visit: Visit, asked: list[int]) -> None:
    """Let searches find 216 hits, or as many again on a second page where they are to go deeper."""

    def answer(route: Route) -> None:
        request = route.request
        further = request.method == "GET"
        response = visit.page.request.get(request.url.split("?")[0]) if further else route.fetch()
        said = response.json()
        said["hits"] = [dict(hit) for _ in range(6) for hit in said["hits"]]
        for number, hit in enumerate(said["hits"]):
            hit["rank"] = number + (217 if further else 1)
        said["coverage"]["tracklets_compared"] = 9000
        if not further:
            asked.append(json.loads(request.post_data or "")["keep"])
        said["next_cursor"] = "next" if not further and asked[-1] > 200 else None
        route.fulfill(response=response, json=said)

    visit.page.route(re.compile(r"/v1/searches(/\w+\?cursor=.*)?$"), answer)


@pytest.mark.long
def test_a_longer_list_is_searched_for_and_goes_on_while_one_scrolls(visit: Visit) -> None:
    asked: list[int] = []
    many_hits(visit, asked)
    visit.open()
    visit.search(RED_COAT)
    page = visit.page
    expect(visit.hits).to_have_count(216)
    visit.answer_after(page.get_by_role("button", name="Search for the best 5,000").click)
    assert asked == [200, 5000]
    expect(visit.hits).to_have_count(216)
    expect(page.locator("#hits .part")).to_have_count(2)
    page.evaluate(MOVED)
    page.get_by_role("button", name="Show 50 more").scroll_into_view_if_needed()
    expect(visit.hits).to_have_count(432)
    assert ranks(visit) == list(range(1, 433))
    # In parts, and those that were there stay where they are.
    expect(page.locator("#hits .part")).to_have_count(4)
    assert page.evaluate("moved") == []
    expect(page.locator("#more")).to_contain_text("The list ends here: 432 of 9,000 sightings compared.")
    # Another photo is another question.
    visit.answer_after(lambda: visit.choose_photo(photo(RED_COAT)))
    assert asked == [200, 5000, 200]
