"""Probabilities of hits, and what is said of all of them."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gallery import Hit
from service.searches.credibility import Look, Seen, believe
from tests.models.calibration.pairs import calibrator
from tests.service.conftest import Archive, upload
from tests.service.fakes import ColourEmbedder
from tests.service.searches.asking import search
from tests.service.videos import RED, scene

Json = dict[str, Any]


def calibrated(**changed: Any) -> ColourEmbedder:
    """A model whose scores mean something: each deviation makes the same person e^3 times as likely."""
    embedder = ColourEmbedder()
    values = {"model_id": embedder.id, "intercept": -3.0, "weights": (3.0, 0.0, 0.0, 0.0), **changed}
    embedder.card = {"calibration": calibrator(**values).model_dump(mode="json")}
    return embedder


def hits(*scores: float) -> list[Hit]:
    return [Hit(f"{n:032x}", score / 10, score, 0, score / 10) for n, score in enumerate(scores)]


LOOK = Look(height=200.0, sharpness=0.3)


def test_each_hit_has_a_probability_that_falls_with_its_rank() -> None:
    found, known = believe(calibrated(), LOOK, hits(5.0, 4.0, 1.0), 1000, 0.5)
    values = [hit.probability for hit in found]
    assert None not in values
    assert values == sorted(values, reverse=True)  # type: ignore[type-var]
    assert known.credible == sum(value >= 0.5 for value in values if value is not None) >= 1
    assert known.wrong_expected == pytest.approx(
        sum(1 - value for value in values if value is not None and value >= 0.5), abs=1e-3
    )
    assert (known.calibrated, known.reason, known.line) == (True, None, 0.5)
    assert known.learnt_from == "unknown people of unknown data"


def test_several_photos_say_what_they_say_on_average() -> None:
    embedder, found = calibrated(), hits(4.0, 3.0)

    def told(*photos: tuple[float, list[float]]) -> list[float]:
        seen = [Seen(LOOK, weight, np.array(scores), np.zeros(2)) for weight, scores in photos]
        answer, known = believe(embedder, LOOK, found, 1000, 0.5, several=seen)
        assert known.calibrated
        return [hit.probability for hit in answer if hit.probability is not None]

    alone, _ = believe(embedder, LOOK, found, 1000, 0.5)
    assert told((0.3, [4.0, 3.0]), (1.0, [4.0, 3.0])) == [hit.probability for hit in alone]
    apart = told((1.0, [4.2, 2.8]), (1.0, [3.8, 3.2]))
    assert apart == pytest.approx(told((1.0, [4.0, 3.0])), abs=1e-5)
    strong, weak = [4.2, 2.8], [3.0, 3.2]
    assert told((1.0, strong), (0.1, weak))[0] > told((0.1, strong), (1.0, weak))[0]


def test_among_more_people_the_same_score_says_less() -> None:
    few, many = (believe(calibrated(), LOOK, hits(3.0), compared, 0.5)[0] for compared in (10, 100_000))
    assert few[0].probability is not None
    assert many[0].probability is not None
    assert few[0].probability > 2 * many[0].probability


def test_nobody_who_looks_like_the_person_is_no_credible_match() -> None:
    found, known = believe(calibrated(), LOOK, hits(1.5, 1.4, 1.2), 1000, 0.5)
    assert (known.credible, known.wrong_expected) == (0, 0)
    assert all(hit.probability is not None and hit.probability < 0.5 for hit in found)


@pytest.mark.parametrize(
    ("embedder", "look", "reason"),
    [(ColourEmbedder(), LOOK, "of this model"), (calibrated(), None, "for photos")],
)
def test_what_was_not_measured_is_not_claimed(
    embedder: ColourEmbedder, look: Look | None, reason: str
) -> None:
    found, known = believe(embedder, look, hits(5.0), 1000, 0.5)
    assert found[0].probability is None
    assert (known.calibrated, known.credible, known.wrong_expected) == (False, None, None)
    assert reason in (known.reason or "")


def test_an_answer_without_hits_is_calibrated_all_the_same() -> None:
    found, known = believe(calibrated(), LOOK, [], 0, 0.5)
    assert (found, known.calibrated, known.credible) == ([], True, 0)


def test_the_quality_of_a_probe_is_that_of_its_crop() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (120, 60, 3), dtype=np.uint8)
    look = Look.of(crop)
    assert look.height == 120
    assert look.sharpness > 0


@pytest.fixture
def client(
    make_app: Callable[..., FastAPI], secret: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    monkeypatch.setattr(ColourEmbedder, "card", calibrated(intercept=0.0).card)
    with TestClient(make_app(credible=0.2), headers={"X-API-Key": secret}) as client:
        yield client


def test_an_answer_says_how_many_hits_are_credible_and_remembers_it(client: TestClient) -> None:
    answer = search(client, upload(client, scene((RED, 100, 60))))
    known = answer["calibration"]
    values = [hit["probability"] for hit in answer["hits"]]
    assert known["calibrated"] is True
    assert known["line"] == 0.2
    assert known["credible"] == sum(value >= 0.2 for value in values)
    again = client.get(f"/v1/searches/{answer['id']}").json()
    assert (again["calibration"], again["hits"]) == (known, answer["hits"])


def test_a_search_for_a_tracklet_has_no_probabilities(client: TestClient, archive: Archive) -> None:
    body = {"probes": [{"tracklet_id": archive.tracklets["gate", RED]}]}
    answer = client.post("/v1/searches", json=body).json()
    assert answer["calibration"]["calibrated"] is False
    assert {hit["probability"] for hit in answer["hits"]} == {None}


def test_searches_of_before_say_that_they_knew_none(client: TestClient, archive: Archive) -> None:
    answer = search(client, upload(client, scene((RED, 100, 60))))
    with closing(sqlite3.connect(archive.gallery.data_dir / "gallery.sqlite3")) as database, database:
        database.execute("UPDATE search SET calibration = NULL")
    again = client.get(f"/v1/searches/{answer['id']}").json()["calibration"]
    assert again["calibrated"] is False
    assert "knew no probabilities" in again["reason"]
