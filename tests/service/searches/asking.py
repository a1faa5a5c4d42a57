"""Searching over HTTP, as tests do it."""

from typing import Any

from starlette.testclient import TestClient

Json = dict[str, Any]


def search(client: TestClient, probe: Json, expect: int = 201, **query: Any) -> Json:
    """Search for a probe; `query` is the rest of the body."""
    body = {"probes": [{"probe_id": probe["id"]}], **query}
    answer = client.post("/v1/searches", json=body)
    assert answer.status_code == expect, answer.text
    found: Json = answer.json()
    return found


def ids(answer: Json) -> list[str]:
    """The tracklets of the hits, in their order."""
    return [hit["tracklet_id"] for hit in answer["hits"]]


def gaps(answer: Json) -> set[tuple[str, str]]:
    """What was not searched, and why."""
    return {(gap["what"], gap["reason"]) for gap in answer["coverage"]["not_searched"]}
