"""Once with the networks that ship: nothing of the service depends on the small ones of the other tests."""

import numpy as np
import pytest
from starlette.testclient import TestClient

from gallery import Gallery
from service.app import create_app
from service.settings import ServiceSettings
from tests.service.conftest import upload
from tests.service.videos import RED, person, scene
from tests.waiting import until


@pytest.fixture
def real_client(sqlite_gallery: Gallery) -> TestClient:
    settings = ServiceSettings(data_dir=sqlite_gallery.data_dir, threads=1)
    headers = {"X-API-Key": sqlite_gallery.keys.create("real")[1]}
    return TestClient(create_app(settings), headers=headers)


def test_becomes_ready_and_answers(real_client: TestClient) -> None:
    with real_client as client:
        until(lambda: client.get("/readyz").status_code == 200, pause=0.1)
        checks = client.get("/readyz").json()["checks"]
        assert checks["model"]["detail"].startswith("images-efficientnet-lite0 (")
        assert checks["detector"]["detail"].startswith("nanodet")
        probe = upload(client, scene((RED, 100, 60)))
        box = [100, 60, 40, 100]
        answer = client.post("/v1/searches", json={"probes": [{"probe_id": probe["id"], "box": box}]})
        assert answer.status_code == 201
        assert answer.json()["hits"] == []
        assert len(answer.json()["model"]["id"]) == 64
        tight = upload(client, person(RED, 64, 128))
        assert np.isfinite([p["score"] for p in tight["persons"]]).all()
