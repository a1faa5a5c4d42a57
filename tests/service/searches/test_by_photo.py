"""Searches with their photo, in one request."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from service import children, images
from tests.service.conftest import Archive
from tests.service.searches.asking import Json, ids, search
from tests.service.videos import BLUE, RED, encoded, scene


def test_takes_a_photo_along(client: TestClient, archive: Archive) -> None:
    files = {"file": ("photo.png", encoded(scene((BLUE, 100, 60))), "image/png")}
    query = {"query": json.dumps({"limit": 2, "cameras": ["yard"]})}
    answer = client.post("/v1/searches/by-photo", files=files, data=query)
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert ids(found)[0] == archive.tracklets["yard", BLUE]
    assert found["filters"]["cameras"] == ["yard"]
    assert client.get(f"/v1/probes/{found['probe']['id']}").status_code == 200
    assert answer.headers["location"] == f"/v1/searches/{found['id']}"
    same = search(client, {"id": found["probe"]["id"]}, cameras=["yard"])
    assert same["hits"] == found["hits"]
    as_before = client.post("/v1/searches", files=files, data=query)
    assert as_before.json()["hits"] == found["hits"]


@pytest.mark.parametrize(
    ("files", "data", "status"),
    [
        ({}, {"query": "{}"}, 422),
        ({"file": b"no photo"}, {}, 415),
        ({"file": b""}, {}, 422),
        ({"file": encoded(scene())}, {"query": "{"}, 422),
        ({"file": encoded(scene())}, {"query": '{"cameras": ["cellar"]}'}, 422),
        ({"file": encoded(scene())}, {"query": '{"probes": []}'}, 422),
        ({"file": encoded(scene())}, {"query": '{"person": 3}'}, 422),
        ({"file": encoded(scene())}, {"query": "{}", "more": "fields"}, 400),
        ({"file": encoded(scene())}, {"query": '{"cameras": ["' + "x" * 300_000 + '"]}'}, 400),
        ({"file": encoded(scene()), "second": b"x"}, {}, 400),
    ],
)
def test_refuses_bad_forms(shared_client: TestClient, files: Json, data: Json, status: int) -> None:
    for path in ("/v1/searches/by-photo", "/v1/searches"):
        answer = shared_client.post(path, files=files or {"other": b"x"}, data=data)
        assert answer.status_code == status, answer.text
        assert answer.json()["status"] == status
        if status == 400:
            assert "one field, `query`" in answer.json()["detail"]


def test_takes_json_and_forms_only(shared_client: TestClient) -> None:
    form = {"Content-Type": "multipart/form-data"}
    for path in ("/v1/searches", "/v1/searches/by-photo"):
        answer = shared_client.post(path, content=b"{}", headers={"Content-Type": "text/plain"})
        assert answer.status_code == 422
        assert shared_client.post(path, content=b"x", headers=form).status_code == 400
    assert shared_client.post("/v1/searches/by-photo", json={"probes": []}).status_code == 422
    assert shared_client.get("/v1/searches/by-photo").status_code == 404


def test_a_photo_without_a_file_name_is_asked_for_as_a_file(shared_client: TestClient) -> None:
    photo = encoded(scene())
    for content in (photo, photo + bytes(300_000)):
        parts = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + content + b"\r\n--x--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = shared_client.post("/v1/searches/by-photo", content=parts, headers=headers)
        assert answer.status_code in {400, 422}
        assert "with a file name" in answer.json()["detail"]


def test_a_form_search_decodes_its_photo_once_and_asks_once_for_cameras(
    client: TestClient, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def count(owner: object, name: str) -> None:
        real = getattr(owner, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            calls.append(name)
            return real(*args, **kwargs)

        monkeypatch.setattr(owner, name, counted)

    count(children, "run")
    count(images, "decode_stored")
    count(archive.gallery.catalogue, "cameras")
    photo = scene((RED, 700, 60), width=1600, height=900)
    client.post("/v1/searches", files={"file": encoded(photo)}).raise_for_status()
    # The process that decodes the photo as sent gives what it stores, too, as it will be read again.
    assert sorted(calls) == ["cameras", "run"]
