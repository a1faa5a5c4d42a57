"""What traces tell of requests: routes, stages, statuses, and nobody."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient

from gallery import tracing
from tests.service.conftest import Archive
from tests.service.videos import RED, encoded, scene

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    tracing.begin_with(exporter, "tests")
    yield exporter
    tracing.end()


def spans(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    tracing.end()  # sends them all
    return list(exporter.get_finished_spans())


def test_a_search_is_a_span_with_its_stages(client: TestClient, exporter: InMemorySpanExporter) -> None:
    photo = {"file": ("photo.png", encoded(scene((RED, 100, 60))))}
    assert client.post("/v1/searches/by-photo", files=photo, headers={"traceparent": CALLER}).is_success
    found = {span.name: span for span in spans(exporter)}
    request = found["POST /v1/searches/by-photo"]
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/searches/by-photo",
        "http.response.status_code": 201,
    }
    assert f"{request.context.trace_id:032x}" in CALLER
    for stage in ("photo", "detect", "embed", "search", "rank", "record"):
        one = found[f"search.{stage}"]
        assert one.parent is not None
        assert one.parent.span_id == request.context.span_id
        assert one.status.is_ok or one.status.is_unset


def test_no_span_names_anybody(
    client: TestClient, archive: Archive, secret: str, exporter: InMemorySpanExporter
) -> None:
    photo = {"file": ("Jane.png", encoded(scene((RED, 100, 60))))}
    why = {
        "X-Purpose": "find Jane Doe",
        "X-Case-Number": "Jane-7",
        "baggage": "who=Jane",
        "tracestate": "a=Jane",
    }
    answer = client.post("/v1/searches/by-photo", files=photo, headers=why).json()
    hit = answer["hits"][0]
    for path in (hit["thumbnail_url"], hit["clip_url"], hit["tracklet_url"], f"/v1/searches/{answer['id']}"):
        assert client.get(path).is_success
    for path in ("/v1/Jane", "/v1/videos/Jane", f"/{secret}", "/v1/cameras/gate?name=Jane"):
        client.get(path, headers={"X-Request-ID": "Jane-Doe-1"})
    client.request("JANE", "/livez")
    client.get("/v1/videos", headers={"X-API-Key": "sl_Jane"})
    found = spans(exporter)
    assert {"clip.cut", "GET /v1/tracklets/{tracklet_id}/thumbnail", "GET none"} <= {
        one.name for one in found
    }
    ids = {hit["tracklet_id"], hit["video_id"], answer["id"], answer["probe"]["id"], secret, "Jane", "gate"}
    ids |= {key.id for key in archive.gallery.keys.list()}
    for one in found:
        assert set(one.attributes or {}) <= tracing.ATTRIBUTES
        assert [name for name in ids if name in one.to_json()] == []
