"""Where somebody may be seen next: by distance and speed, and by neither where positions are not known."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from gallery import Scope
from tests.service.conftest import Archive

GATE = (52.5200, 13.4050)
KILOMETRE = 1 / 111.195  # degrees north


def placed(archive: Archive) -> None:
    """Gate and yard 500 m apart, a dock 3 km on; the roof is anywhere."""
    catalogue = archive.gallery.catalogue
    catalogue.add_camera("dock")
    for name, north in (("gate", 0.0), ("yard", 0.5), ("dock", 3.0)):
        camera = catalogue.camera_named(name)
        catalogue.update_camera(camera.id, latitude=GATE[0] + north * KILOMETRE, longitude=GATE[1])


def test_the_nearest_come_first_and_who_is_too_far_is_named(client: TestClient, archive: Archive) -> None:
    placed(archive)
    found = client.get("/v1/onwards", params={"camera": "gate"}).json()
    assert (found["speed"], found["seconds"], found["slack"], found["known"]) == (2, 900, 60, True)
    assert [(one["camera"], one["within"]) for one in found["items"]] == [
        ("yard", True),
        ("dock", False),
        ("roof", True),
    ]
    yard, dock, roof = found["items"]
    assert yard["metres"] == pytest.approx(500, abs=1)
    assert yard["seconds"] == pytest.approx((yard["metres"] - 2 * found["reach"]) / 2)
    assert (roof["metres"], roof["seconds"]) == (None, None)
    faster = client.get("/v1/onwards", params={"camera": "gate", "speed": 8}).json()["items"]
    assert [one["within"] for one in faster] == [True, True, True]
    longer = client.get("/v1/onwards", params={"camera": "gate", "seconds": dock["seconds"] - 59}).json()
    assert longer["items"][1]["within"], "with the slack it is just in time"
    shorter = client.get("/v1/onwards", params={"camera": "gate", "seconds": dock["seconds"] - 61}).json()
    assert not shorter["items"][1]["within"]


def test_without_positions_nothing_is_left_out(client: TestClient) -> None:
    found = client.get("/v1/onwards", params={"camera": "gate"}).json()
    assert (found["known"], [one["camera"] for one in found["items"]]) == (False, ["roof", "yard"])
    assert all(one["within"] and one["metres"] is None for one in found["items"])


def test_what_is_not_seen_is_not_there_and_bad_numbers_are_refused(
    client: TestClient, archive: Archive
) -> None:
    placed(archive)
    archive.gallery.groups.add("two", ["gate", "yard"])
    _, limited = archive.gallery.keys.create("two", groups=["two"], scopes=[Scope.SEARCH])
    seen = client.get("/v1/onwards", params={"camera": "gate"}, headers={"X-API-Key": limited}).json()
    assert [one["camera"] for one in seen["items"]] == ["yard"]
    hidden = client.get("/v1/onwards", params={"camera": "dock"}, headers={"X-API-Key": limited})
    assert hidden.status_code == client.get("/v1/onwards", params={"camera": "none"}).status_code == 404
    bad: list[dict[str, Any]] = [
        {"speed": 0},
        {"speed": -1},
        {"speed": "nan"},
        {"speed": "inf"},
        {"speed": 101},
        {"seconds": 0},
    ]
    for one in [*bad, {"seconds": "nan"}, {"seconds": 1e9}, {"seconds": "x"}]:
        assert client.get("/v1/onwards", params={"camera": "gate", **one}).status_code == 422, one
    assert client.get("/v1/onwards").status_code == 422
