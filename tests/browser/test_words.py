"""What the page says, and that it says it from one file."""

import re
from typing import get_args

from playwright.sync_api import Browser, Route, expect

from gallery.records.notices import NoticeCode
from service import problems
from service.answer_schemas import Cause
from service.cases.journey import Flag
from service.routes.health import CheckCode
from service.routes.page import WEB
from tests.browser.conftest import Visit, watched
from tests.browser.running import Site
from tests.browser.scenes import BLUE_JACKET, RED_COAT
from tests.browser.untold import UNTOLD as UNTOLD_TIMES

# A language of which only the length is known: every letter of every word is an x.
OTHER_LANGUAGE = """
const hidden = (text) => text.replace(/\\p{L}/gu, "x");
const translated = (value) => {
  if (typeof value === "string") return hidden(value);
  if (typeof value === "function") return (...words) => hidden(value(...words));
  if (Array.isArray(value)) return value.map(translated);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, translated(one)]));
};
for (const name of Object.keys(say)) if (name !== "locale") say[name] = translated(say[name]);
"""
# Words on the screen and in labels that are neither the language's nor data: of cameras, of the API, of code.
OTHER_WORDS = """() => {
  const names = "code, time, td, option, .camera, .site, .of-site, .name, .brand";
  const data = `${names}, .zone, .person, .caution, .notice, .gap, .when`;
  const found = [];
  const look = (text, element) => {
    if (!element.checkVisibility() || element.closest(data)) return;
    if (/[a-wyzA-WYZ]{3}/.test(text)) found.push(text.trim());
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) look(walker.currentNode.data, walker.currentNode.parentElement);
  for (const element of document.querySelectorAll("[aria-label], [title], [alt]")) {
    if (element.matches("time")) continue;
    for (const name of ["aria-label", "title", "alt"]) look(element.getAttribute(name) ?? "", element);
  }
  return found;
}"""


def test_all_words_are_in_one_file(visit: Visit) -> None:
    strings = (WEB / "js" / "strings.js").read_text(encoding="utf-8")

    def translate(route: Route) -> None:
        route.fulfill(body=strings + OTHER_LANGUAGE, content_type="text/javascript")

    page = visit.page
    page.route("**/web/js/strings.js", translate)
    visit.open()
    expect(page.locator("#holdings")).to_contain_text("3 xxxxxxxxxx xxxx 3 xxxxxxx")
    known = re.compile(r"photo\.jpg|Europe/Berlin|Lobby|North street|hh:mm:ss|\.mp4|Main building|Station")

    def others() -> list[str]:
        return [text for text in page.evaluate(OTHER_WORDS) if not known.search(text)]

    assert others() == []
    visit.search(RED_COAT)
    page.locator("#coverage summary").first.click()
    assert others() == []
    visit.hits.first.click()
    visit.until("document.querySelector('#player video').readyState >= 2")
    assert others() == []
    page.keyboard.press("Escape")
    page.locator("#open-jobs").click()
    assert others() == []
    page.keyboard.press("Escape")
    page.locator("#open-admin").click()
    for part in page.locator("#admin-parts [data-part]").all():
        part.click()
        expect(page.locator("#admin-body .waiting")).to_have_count(0)
        assert others() == []


def test_one_is_not_many(visit: Visit) -> None:
    visit.page.route(
        "**/v1/videos?**",
        lambda route: route.fulfill(
            json={**(answer := route.fetch().json()), "items": answer["items"][:1], "next_cursor": None}
        ),
    )
    visit.open()
    expect(visit.page.locator("#holdings")).to_have_text(re.compile("^1 recording from 3 cameras, 13 s: "))


TOLD = [
    *({"what": f"Door {n}", "reason": "left out by the filter"} for n in range(1, 7)),
    {"what": "Yard", "reason": "indexed with another model only"},
    {"what": "a.mkv", "reason": "waiting to be indexed"},
]
FILED = {"start": "2026-03-12T09:00:00Z", "end": "2026-03-12T09:10:00Z", "exact": True, "reason": None}
EMPTY: dict[str, object] = {
    "site": None,
    "tracklets": 0,
    "more_intervals": 0,
    "more_missing": 0,
    "unindexed": [],
    "more_unindexed": 0,
    "seconds": 0.0,
}
NOON = {"start": "2026-03-12T12:00:00Z", "end": "2026-03-12T12:14:08Z"}
SEARCHED = [{"start": "2026-03-12T13:00:00Z", "end": "2026-03-12T14:00:00Z"}]


def _covered(camera: str, *reasons: str, zone: str = "Europe/Berlin", **more: object) -> dict[str, object]:
    missing = [NOON | {"reason": reason, "at_most": False} for reason in reasons]
    return EMPTY | {"camera": camera, "time_zone": zone, "intervals": SEARCHED, "missing": missing} | more


COVERED = [
    _covered("Lobby", "not_recorded"),
    _covered("<b>Yard</b>", "not_recorded"),
    _covered("Gate", "not_recorded", zone="Asia/Kolkata"),
    _covered("Roof", "damaged", "damaged", "damaged", "damaged", more_missing=1200),
    _covered("Cellar", intervals=[]),
    _covered("Attic", "other_model", intervals=[]),
    _covered(
        "Hall",
        unindexed=[
            FILED | {"file_name": "a.mkv", "state": "waiting", "exact": False},
            FILED | {"file_name": "b.mkv", "state": "being_indexed", "end": None},
            *(
                FILED | {"file_name": f"{n}.mkv", "state": "failed", "reason": "no picture"}
                for n in range(20)
            ),
        ],
        more_unindexed=3,
    ),
]


def answer_with(visit: Visit, cameras: list[dict[str, object]], told: list[dict[str, str]]) -> None:
    """Let answers say that this was not searched."""

    def answer(route: Route) -> None:
        said = route.fetch().json()
        said["coverage"] |= {"cameras": cameras or said["coverage"]["cameras"], "not_searched": told}
        route.fulfill(status=201, json=said)

    visit.page.unroute("**/v1/searches")
    visit.page.route("**/v1/searches", answer)


def test_every_reason_why_something_was_not_searched_is_shown(visit: Visit) -> None:
    answer_with(visit, [], TOLD)  # as in answers of before there were codes
    visit.open()
    visit.search(RED_COAT)
    lines = visit.page.locator("#coverage .gap li")
    expect(lines).to_have_text(
        [
            "Door 1, Door 2, Door 3, Door 4, Door 5 and Door 6: left out by the filter",
            "Yard: indexed with another model only",
            "a.mkv: waiting to be indexed",
        ]
    )
    left_out = {"what": "23 cameras", "reason": "left out by the filter", "cause": "filter"}
    server = {"what": "14 min of Lobby", "reason": "no recording is indexed", "cause": "no_recording"}
    answer_with(visit, COVERED, [server, left_out])
    visit.search(BLUE_JACKET)
    day, dash = "Thu, 12 Mar 2026", "\N{EN DASH}"
    hall = f"(Hall), {day}, 10:00:00 {dash} 10:10:00 UTC+1"
    expect(lines).to_have_text(
        [
            f"Lobby and <b>Yard</b>: no recording is indexed, 14 min: {day}, 13:00:00 {dash} 13:14:08 UTC+1",
            f"Gate: no recording is indexed, 14 min: {day}, 17:30:00 {dash} 17:44:08 UTC+5:30",
            "Roof: its index is damaged, sightline repair makes it anew, 57 min in 4 parts",
            "Cellar: nothing is indexed for this time",
            "Attic: indexed with another model only",
            "Roof: 1,200 more stretches of time",
            f"a.mkv {hall} (at most: how long the recording is, is not known): waiting to be indexed",
            f"b.mkv (Hall), from {day}, 10:00:00 UTC+1: being indexed",
            *(f"{n}.mkv {hall}: indexing failed: no picture" for n in range(18)),
            "5 more recordings: not indexed",
            "23 cameras: left out by the filter",
        ]
    )
    assert visit.page.evaluate(UNTOLD_TIMES) == []


def test_work_is_never_said_to_be_done_before_it_is(visit: Visit) -> None:
    said = {
        (0.5, 95.0): "running, 50 %, about 1 min 35 s left",
        (0.999, 0.0): "running, finishing",
        (1.0, 0.0): "running, finishing",
        (0.994, 0.2): "running, 99 %",
        (0.0, None): "running, 0 %",
    }
    recording = {
        "file_name": "a.mkv",
        "camera": "Lobby",
        "start": "2026-03-13T08:00:00Z",
        "state": "running",
        "stage": "index",
        "reason": None,
    }
    jobs = [
        {
            "id": f"j{number}",
            "state": "running",
            "progress": progress,
            "eta_seconds": left,
            "cancel_requested": False,
            "created_at": "2026-03-13T09:00:00Z",
            "recordings": [{**recording, "progress": progress}],
        }
        for number, (progress, left) in enumerate(said)
    ]
    visit.page.route(
        "**/v1/index-jobs", lambda route: route.fulfill(json={"items": jobs, "next_cursor": None})
    )
    visit.open()
    visit.page.get_by_role("button", name="Add recordings").click()
    expect(visit.page.locator(".job-head .state")).to_have_text(list(said.values()))


# The paths and kinds of all words of a language, of functions with how many words they take.
SHAPE = """async (file) => {
  const { english, german } = await import(file);
  const shape = (value, path) => {
    if (typeof value === "function") return [`${path}(${value.length})`];
    if (Array.isArray(value)) return value.flatMap((one, i) => shape(one, `${path}[${i}]`));
    if (typeof value === "string") return [`${path}${value === "" ? ", empty" : ""}`];
    return Object.entries(value).flatMap(([name, one]) => shape(one, `${path}.${name}`));
  };
  return shape(english ?? german, "").sort();
}"""


# Of the codes of one kind, those that German leaves in the server's own words.
UNTOLD = """async ([kind, codes]) => {
  const { german } = await import("/web/js/strings.de.js");
  return codes.filter((code) => german.told[kind](code, "?") === "?");
}"""
TITLES = """async (file) => {
  const { english, german } = await import(file);
  return [(english ?? german).told.problems, (english ?? german).system.found].map(Object.keys);
}"""


def test_german_has_every_word_that_english_has(visit: Visit) -> None:
    visit.open()
    english, german = (visit.page.evaluate(SHAPE, f"/web/js/{name}.js") for name in ("strings", "strings.de"))
    assert len(english) > 300
    assert sorted({*german} ^ {*english}) == []
    # What the server says is known by its code.
    for name in ("strings", "strings.de"):
        titles, checks = visit.page.evaluate(TITLES, f"/web/js/{name}.js")
        assert set(titles) == problems.slugs()
        assert set(checks) == set(get_args(CheckCode))
    told = {"notice": list(NoticeCode), "cause": get_args(Cause), "flag": get_args(Flag)}
    for kind, codes in told.items():
        assert visit.page.evaluate(UNTOLD, [kind, list(codes)]) == [], kind


def test_the_page_speaks_the_language_of_the_browser_or_the_one_chosen(browser: Browser, site: Site) -> None:
    context = browser.new_context(locale="de-DE", timezone_id="America/New_York")
    with watched(context.new_page(), site) as visit:
        page = visit.page
        visit.open()
        expect(page.locator("html")).to_have_attribute("lang", "de")
        expect(page.locator("#photo-title")).to_have_text("Eine Person anhand eines Fotos finden")
        visit.forgive("415")
        visit.choose_photo(b"this is no photo", "notes.jpg")
        expect(page.locator("#photo-error")).to_contain_text("Diese Art von Bild wird nicht unterstützt")
        visit.search(RED_COAT)
        expect(page.locator("#coverage")).to_contain_text("Durchsucht: 36 Sichtungen von 3 Kameras")
        expect(visit.hits.first).to_contain_text(re.compile(r"\+\d,\d\d"))
        answer_with(visit, COVERED, TOLD)
        visit.search(BLUE_JACKET)
        lines = page.locator("#coverage .gap li:not(.told)")
        expect(lines.first).to_have_text(
            re.compile(
                r"^Lobby und <b>Yard</b>: keine Aufnahme ist indexiert, 14 min: Do., 12. März 2026, 13:00:00"
            )
        )
        german = " ".join(lines.all_inner_texts()).replace("no picture", "")
        assert not re.search(r"\b(the|is|of|to|indexing|by)\b", german)
        page.keyboard.press("?")
        page.locator("#language").select_option("en")
        expect(page.locator("html")).to_have_attribute("lang", "en")
        page.reload()
        expect(page.locator("html")).to_have_attribute("lang", "en")
    context.close()
