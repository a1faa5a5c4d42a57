"""Probabilities corrected by the marks of the gallery, over HTTP."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from gallery import Verdict
from models.calibration.calibrator import calibrator_of
from models.calibration.strangers import Strangers
from service import calibrating
from service.auth import Caller
from tests.service.conftest import Archive, upload
from tests.service.fakes import ColourEmbedder
from tests.service.searches.asking import search
from tests.service.searches.test_credibility import calibrated
from tests.service.searches.test_refining import ask, post
from tests.service.videos import BLUE, GREEN, RED, scene

Json = dict[str, Any]
URL = "/v1/calibrations"
SEARCHES = 6


@pytest.fixture(autouse=True)
def _bold(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that is sure of every hit."""
    monkeypatch.setattr(ColourEmbedder, "card", calibrated(intercept=6.0).card)


def asked(client: TestClient, number: int) -> Json:
    """Search for the one in red: each number is another picture, with more of the background."""
    probe = upload(client, scene((RED, 100, 60)))
    return ask(client, {"probe_id": probe["id"], "box": [100 - 5 * number, 60, 40 + 5 * number, 100]})


@pytest.fixture
def judged(client: TestClient, archive: Archive) -> list[Json]:
    """Searches by as many pictures of the one in red, who is at the yard only: all hits are judged."""
    answers = [asked(client, number) for number in range(SEARCHES)]
    for answer in answers:
        for (camera, colour), tracklet in archive.tracklets.items():
            verdict = Verdict.MATCH if (camera, colour) == ("yard", RED) else Verdict.NOT
            archive.gallery.marks.set(answer["id"], tracklet, verdict)
    return answers


def probabilities(answer: Json) -> list[float]:
    return [hit["probability"] for hit in answer["hits"]]


def test_marks_correct_the_probabilities_of_the_next_search(
    client: TestClient, archive: Archive, judged: list[Json], probe: Json
) -> None:
    before = search(client, probe)
    assert before["calibration"]["number"] is None
    tried = post(client, URL, 200, dry_run=True)
    assert tried["changed"] is False
    assert tried["calibration"] is None
    assert "Nothing was changed" in tried["reason"]
    assert probabilities(search(client, probe)) == probabilities(before)

    made = post(client, URL, 200)
    assert made["changed"] is True
    assert (made["marks"], made["matches"], made["left_out"]) == (24, 6, {})
    assert made["expected"] > 12
    assert abs(made["expected_now"] - 6) < 3
    assert made["loss_now"] < made["loss"]
    assert {**tried, "changed": True, "calibration": made["calibration"], "reason": ""} == {
        **made,
        "reason": "",
    }

    after = search(client, probe)
    assert sum(probabilities(after)) < sum(probabilities(before)) - 1
    assert [hit["tracklet_id"] for hit in after["hits"]] == [hit["tracklet_id"] for hit in before["hits"]]
    values = probabilities(after)
    assert values == sorted(values, reverse=True)
    number = made["calibration"]["number"]
    assert after["calibration"]["number"] == number
    assert "corrected by 24 marks on 6 searches of this gallery" in after["calibration"]["learnt_from"]
    again = client.get(f"/v1/searches/{before['id']}").json()
    assert again["calibration"] == before["calibration"], "what was answered stays what was answered"

    (key,) = (one.id for one in archive.gallery.keys.list())
    listed = client.get(URL).json()
    assert listed["current"] == listed["items"][0] == made["calibration"]
    assert (listed["current"]["key_id"], listed["learnt_from"]) == (key, "unknown people of unknown data")


def test_it_begins_with_the_models_own_each_time_and_goes_back_to_it(
    client: TestClient, judged: list[Json], probe: Json
) -> None:
    before = search(client, probe)
    first, second = post(client, URL, 200), post(client, URL, 200)
    assert (second["scale"], second["shift"]) == (first["scale"], first["shift"])
    assert second["calibration"]["number"] > first["calibration"]["number"]

    assert client.delete(URL).status_code == 204
    assert probabilities(search(client, probe)) == probabilities(before)
    listed = client.get(URL).json()
    assert listed["current"] is None
    assert all(one["undone_at"] and one["undone_by"] for one in listed["items"])
    assert client.delete(URL).status_code == 409


def test_too_few_marks_or_one_kind_change_nothing(client: TestClient, archive: Archive, probe: Json) -> None:
    none = post(client, URL, 200)
    assert (none["changed"], none["marks"], none["expected"]) == (False, 0, None)
    assert "20 marks are the least" in none["reason"]
    for number in range(SEARCHES):
        answer = asked(client, number)
        for tracklet in archive.tracklets.values():
            archive.gallery.marks.set(answer["id"], tracklet, Verdict.MATCH)
    one_kind = post(client, URL, 200)
    assert (one_kind["changed"], one_kind["marks"], one_kind["matches"]) == (False, 24, 24)
    assert "24 marks of the person and 0 of others" in one_kind["reason"]
    assert client.get(URL).json()["items"] == []


def test_marks_that_say_nothing_of_probabilities_are_counted_and_left_out(
    client: TestClient, archive: Archive, judged: list[Json]
) -> None:
    seen = archive.tracklets["gate", GREEN]
    marks = archive.gallery.marks
    by_tracklet = ask(client, {"tracklet_id": archive.tracklets["yard", BLUE]})
    marks.set(by_tracklet["id"], seen, Verdict.NOT)
    refined = post(client, f"/v1/searches/{judged[0]['id']}/refine")
    marks.set(refined["id"], seen, Verdict.MATCH)
    same_photo = asked(client, 1)
    marks.set(same_photo["id"], seen, Verdict.NOT)
    gone = search(client, upload(client, scene((GREEN, 100, 60))))
    marks.set(gone["id"], seen, Verdict.MATCH)
    client.delete(f"/v1/probes/{gone['probe']['id']}").raise_for_status()

    found = post(client, URL, 200, dry_run=True)
    assert found["marks"] == 24
    assert found["left_out"] == {
        calibrating.OF_TRACKLETS: 1,
        calibrating.REFINED: 1,
        calibrating.NO_PHOTO: 1,
        calibrating.REPEATED: 1,
    }


ALIKE = Strangers(photos=40, pairs=400, mean_ratio=2.0, shift=-0.7)


def test_who_surely_is_two_people_corrects_too_and_is_kept(
    client: TestClient, archive: Archive, probe: Json
) -> None:
    state = client.app.state.sightline  # type: ignore[attr-defined]
    before = search(client, probe)
    tried = calibrating.calibrate(state, Caller(None), strangers=ALIKE, dry_run=True)
    assert (tried.changed, tried.calibration) == (False, None)
    made = calibrating.calibrate(state, Caller(None), strangers=ALIKE)
    assert made.changed
    assert "2.00 on average, where 1 is right" in made.reason
    assert "20 marks are the least" in made.reason
    after = search(client, probe)
    assert sum(probabilities(after)) < sum(probabilities(before))
    assert "corrected by 400 pairs of people seen side by side" in after["calibration"]["learnt_from"]
    right = Strangers(photos=40, pairs=400, mean_ratio=0.9, shift=0.0)
    assert not calibrating.calibrate(state, Caller(None), strangers=right).changed

    for number in range(SEARCHES):
        answer = asked(client, number)
        for (camera, colour), tracklet in archive.tracklets.items():
            verdict = Verdict.MATCH if (camera, colour) == ("yard", RED) else Verdict.NOT
            archive.gallery.marks.set(answer["id"], tracklet, verdict)
    both = post(client, URL, 200)
    assert both["changed"] is True
    said = both["calibration"]["learnt_from"]
    assert "24 marks on 6 searches and 400 pairs of people seen side by side of this gallery" in said
    client.delete(URL).raise_for_status()
    assert "side by side" not in post(client, URL, 200)["calibration"]["learnt_from"]


def test_erased_recordings_take_their_marks_along(
    client: TestClient, archive: Archive, judged: list[Json]
) -> None:
    archive.gallery.erase_video(archive.videos["yard"].id)
    found = post(client, URL, 200)
    assert (found["changed"], found["marks"], found["matches"]) == (False, 12, 0)


def test_a_model_without_a_calibration_is_said_to_have_none(
    client: TestClient, judged: list[Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ColourEmbedder, "card", {})
    found = post(client, URL, 200)
    assert (found["changed"], found["marks"]) == (False, 0)
    assert "none to correct" in found["reason"]
    assert client.get(URL).json()["learnt_from"] is None


def test_a_damaged_one_takes_no_search_along(
    client: TestClient, archive: Archive, judged: list[Json], probe: Json
) -> None:
    damaged = archive.gallery.calibrations.add(ColourEmbedder.id, {"fitted_on": {}, "scale": "x"})
    answer = search(client, probe)
    assert answer["calibration"]["calibrated"] is False
    assert f"({damaged.id}) cannot be read" in answer["calibration"]["reason"]
    assert set(probabilities(answer)) == {None}
    assert client.get(URL).json()["current"]["number"] == damaged.id
    assert post(client, URL, 200)["changed"] is True
    assert None not in probabilities(search(client, probe))


def test_it_keeps_a_whole_calibrator_of_the_model(
    client: TestClient, archive: Archive, judged: list[Json]
) -> None:
    post(client, URL, 200)
    info = archive.gallery.calibrations.current(ColourEmbedder.id)
    assert info is not None
    kept = calibrator_of({"calibration": info.calibrator}, ColourEmbedder.id)
    assert kept is not None
    assert kept.fitted_on["corrected_by"]["marks"] == 24
    assert kept.measured == (), "the model's figures are not those of the corrected one"


@pytest.mark.parametrize(
    "body", [{"dry_run": "perhaps"}, {"dry_run": None}, {"marks": []}, [], "x", None, {"dry_run": [True]}]
)
def test_requests_that_mean_nothing_are_refused(client: TestClient, archive: Archive, body: object) -> None:
    assert client.post(URL, json=body).status_code == 422
    assert archive.gallery.calibrations.all(ColourEmbedder.id) == []
    without = TestClient(client.app, raise_server_exceptions=False)
    for method in ("GET", "POST", "DELETE"):
        assert without.request(method, URL, json={}).status_code == 401
