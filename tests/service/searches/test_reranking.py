"""Re-ranking the head of an answer, against k-reciprocal neighbours of the whole head."""

from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from models.evaluation.reranking import k_reciprocal
from service.searches import reranking
from tests.service.conftest import Archive
from tests.service.fakes import ColourEmbedder
from tests.service.videos import RED, person

Json = dict[str, Any]


def search(client: TestClient, probe: Json, **query: Any) -> Json:
    answer = client.post("/v1/searches", json={"probes": [{"probe_id": probe["id"]}], **query})
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def ids(answer: Json) -> list[str]:
    return [hit["tracklet_id"] for hit in answer["hits"]]


@pytest.mark.parametrize("head", [1, 3, 200])
def test_the_head_is_in_the_order_of_its_neighbours(
    client: TestClient, archive: Archive, probe: Json, monkeypatch: pytest.MonkeyPatch, head: int
) -> None:
    monkeypatch.setattr(reranking, "HEAD", head)
    plain, changed = search(client, probe), search(client, probe, rerank=True)
    snapshot = archive.gallery.snapshot(ColourEmbedder.id)
    vectors = np.stack([snapshot.vector(one) for one in ids(plain)[:head]])
    vector = ColourEmbedder().embed_images([person(RED)])
    distances = k_reciprocal(vector, vectors, k1=reranking.NEIGHBOURS, k2=reranking.AVERAGED)[0]
    order = np.argsort(distances, kind="stable")

    assert ids(changed) == [*(ids(plain)[at] for at in order), *ids(plain)[head:]]
    told = [hit["neighbour_distance"] for hit in changed["hits"][:head]]
    assert told == pytest.approx(distances[order].tolist(), abs=2e-3)
    assert (plain["reranked"], changed["reranked"]) == (0, min(head, 4))
    assert {hit["neighbour_distance"] for hit in plain["hits"]} == {None}


def test_scores_stay_and_the_answer_says_so(client: TestClient, probe: Json) -> None:
    plain, changed = search(client, probe), search(client, probe, rerank=True)
    scores = [
        {hit["tracklet_id"]: (hit["score"], hit["probability"]) for hit in one["hits"]}
        for one in (plain, changed)
    ]
    assert scores[0] == scores[1]
    assert [text for text in changed["warnings"] if "re-ranking" in text]
    assert [one["code"] for one in changed["notices"]] == ["reranked"]
    assert not [text for text in plain["warnings"] if "re-ranking" in text]
    again = client.get(f"/v1/searches/{changed['id']}").json()
    assert (again["reranked"], again["hits"]) == (changed["reranked"], changed["hits"])


def test_nothing_to_rank_is_no_error(client: TestClient, probe: Json) -> None:
    answer = search(client, probe, rerank=True, cameras=["roof"])
    assert (answer["hits"], answer["reranked"]) == ([], 0)
