"""Probes over HTTP."""

import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.responses import FileResponse
from starlette.testclient import TestClient

from service import images
from service.probes.notices import NOBODY
from tests.service.conftest import Archive, upload
from tests.service.videos import BLUE, GREEN, RED, encoded, scene
from tests.waiting import PATIENCE, until


def test_says_who_is_on_the_photo(shared_client: TestClient) -> None:
    answer = shared_client.post("/v1/probes", files={"file": encoded(scene((RED, 20, 60), (GREEN, 200, 60)))})
    assert answer.status_code == 201
    probe = answer.json()
    assert answer.headers["location"] == f"/v1/probes/{probe['id']}"
    assert (probe["width"], probe["height"], probe["warnings"]) == (320, 240, [])
    boxes = sorted(person["box"] for person in probe["persons"])
    assert np.allclose(boxes, [[20, 60, 40, 100], [200, 60, 40, 100]], atol=2)
    assert [person["index"] for person in probe["persons"]] == [0, 1]
    assert shared_client.get(answer.headers["location"]).json() == probe


def test_costly_photos_of_one_key_do_not_hold_up_those_of_another(
    client: TestClient, other: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    costly, cheap = encoded(scene((RED, 20, 60))), encoded(scene((GREEN, 20, 60)))
    decode, begun, go_on = images.read, [], threading.Event()

    def read(data: bytes, *, max_pixels: int) -> images.Photo:
        if data == costly:
            begun.append(data)
            assert go_on.wait(PATIENCE)
        return decode(data, max_pixels=max_pixels)

    monkeypatch.setattr(images, "read", read)
    with ThreadPoolExecutor(4) as pool:
        flood = [pool.submit(client.post, "/v1/probes", files={"file": costly}) for _ in range(4)]
        until(lambda: begun)
        try:
            assert other.post("/v1/probes", files={"file": cheap}).status_code == 201
            asked = other.post("/v1/searches", files={"file": cheap})
            assert asked.status_code in {200, 201}
            assert len(begun) == 1, "the others wait, though there is room"
        finally:
            go_on.set()
        assert [answer.result().status_code for answer in flood] == [201] * 4


def test_stores_the_photo_upright_without_metadata(shared_client: TestClient) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "my garden"
    turned = np.rot90(scene((RED, 100, 60)))
    answer = shared_client.post("/v1/probes", files={"file": encoded(turned, "JPEG", exif=exif)})
    photo = shared_client.get(answer.json()["image_url"])
    assert photo.headers["content-type"] == "image/png"
    assert b"my garden" not in photo.content
    assert Image.open(io.BytesIO(photo.content)).size == (320, 240)
    (person,) = answer.json()["persons"]
    assert np.allclose(person["box"], [100, 60, 40, 100], atol=3)


def test_says_that_nobody_was_found(shared_client: TestClient) -> None:
    probe = upload(shared_client, scene())
    assert probe["persons"] == []
    assert probe["warnings"] == [NOBODY]


def test_belongs_to_the_key_that_sent_it(
    client: TestClient, other: TestClient, probe: dict[str, str]
) -> None:
    path = f"/v1/probes/{probe['id']}"
    for answer in (other.get(path), other.get(path + "/image"), other.delete(path)):
        assert answer.status_code == 404
    search = other.post("/v1/searches", json={"probes": [{"probe_id": probe["id"]}]})
    assert search.status_code == 404
    assert client.get(path).status_code == 200


def test_writes_down_who_looked_at_the_photo(
    client: TestClient, other: TestClient, archive: Archive, probe: dict[str, str]
) -> None:
    path = f"/v1/probes/{probe['id']}/image"
    assert client.get(path).status_code == 200
    assert other.get(path).status_code == 404
    (event,) = archive.gallery.audit.events(action="probe.view")
    assert event.subject == probe["id"]


def test_is_deleted_with_its_photo(client: TestClient, archive: Archive, probe: dict[str, str]) -> None:
    path = f"/v1/probes/{probe['id']}"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == client.get(path + "/image").status_code == 404
    assert client.delete(path).status_code == 404
    assert not [file for file in (archive.gallery.data_dir / "probes").iterdir() if file.is_file()]
    actions = [event.action for event in archive.gallery.audit.events()]
    assert actions[:2] == ["probe.delete", "probe.add"]


@pytest.mark.parametrize(
    ("file", "status"),
    [
        (b"", 422),
        (b"not a photo", 415),
        (b"\0\0\0\x18ftypheic" + bytes(50), 415),
        (encoded(scene(), "JPEG")[:500], 422),
        (encoded(np.zeros((1100, 1100, 3), np.uint8)), 413),
    ],
    ids=["empty", "text", "HEIC", "truncated", "too many pixels"],
)
def test_refuses_what_is_no_photo(
    make_app: Callable[..., FastAPI], secret: str, file: bytes, status: int
) -> None:
    app = make_app(max_pixels=1_000_000)
    with TestClient(app, headers={"X-API-Key": secret}) as client:
        answer = client.post("/v1/probes", files={"file": ("photo.jpg", file, "image/jpeg")})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


def test_counts_what_is_sent_whatever_is_announced(make_app: Callable[..., FastAPI], secret: str) -> None:
    app = make_app(max_image_bytes=100_000)
    boundary = "xyz"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'.encode()
    headers = {"X-API-Key": secret, "Content-Type": f"multipart/form-data; boundary={boundary}"}
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        yield head
        for _ in range(100):
            sent += 100_000
            yield bytes(100_000)

    with TestClient(app) as client:
        answer = client.post("/v1/probes", content=body(), headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (413, 413)
        assert "bytes accepted" in answer.json()["detail"]
        lying = client.post("/v1/probes", content=body(), headers={**headers, "Content-Length": "100"})
        assert lying.status_code == 413


def test_blue_is_not_red(shared_client: TestClient) -> None:
    """The fakes tell colours apart, or every other test here would prove little."""
    probe = upload(shared_client, scene((BLUE, 100, 60)))
    hits = shared_client.post("/v1/searches", json={"probes": [{"probe_id": probe["id"]}]}).json()["hits"]
    assert hits[0]["camera"]["name"] == "yard"
    assert hits[0]["score"] > hits[1]["score"] + 0.1


def test_a_key_has_so_many_probes_and_no_more(make_app: Callable[..., FastAPI], secret: str) -> None:
    with TestClient(make_app(max_key_probes=2), headers={"X-API-Key": secret}) as client:
        first = upload(client, scene((RED, 100, 60)))
        upload(client, scene((RED, 10, 60)))
        refused = client.post("/v1/probes", files={"file": encoded(scene())})
        assert refused.status_code == 507
        assert refused.json()["type"] == "urn:sightline:problem:quota-exceeded"
        client.delete(f"/v1/probes/{first['id']}")
        upload(client, scene((RED, 200, 60)))


def test_a_photo_that_is_deleted_while_it_is_read_is_whole_or_404(
    client: TestClient, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the moment: before it is opened, before the look is recorded, before the first byte."""
    steps: list[tuple[Any, str]] = [
        (type(archive.gallery.probes), "get"),
        (type(archive.gallery.audit), "record"),
        (FileResponse, "_handle_simple"),
    ]
    statuses = []
    for owner, name in steps:
        made = upload(client, scene((RED, 100, 60)))
        whole = client.get(f"/v1/probes/{made['id']}/image").content
        real = getattr(owner, name)
        inside: list[int] = []

        def after(*values: Any, real: Any = real, made: Any = made, inside: Any = inside, **more: Any) -> Any:
            found = real(*values, **more)
            if not inside:
                inside.append(1)
                archive.gallery.probes.delete(made["id"])
            return found

        with monkeypatch.context() as patch:
            patch.setattr(owner, name, after)
            answer = client.get(f"/v1/probes/{made['id']}/image")
        statuses.append(answer.status_code)
        assert answer.status_code == 404 or answer.content == whole, name
        assert client.get(f"/v1/probes/{made['id']}/image").status_code == 404
    assert statuses == [404, 200, 200]


def test_probes_go_after_their_time(
    make_app: Callable[..., FastAPI], archive: Archive, client: TestClient, probe: dict[str, Any]
) -> None:
    with TestClient(make_app(probe_retention_days=1e-9)):
        until(lambda: client.get(f"/v1/probes/{probe['id']}").status_code == 404)
    assert archive.gallery.audit.events(action="probe.expire")[0].subject == probe["id"]
    assert list((archive.gallery.data_dir / "probes").iterdir()) == []
