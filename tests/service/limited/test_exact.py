"""A limited key's answers are those of a gallery that holds its cameras and no others, number for number."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gallery import Gallery, GallerySettings
from tests.service.conftest import NOON, Archive, index, upload
from tests.service.fakes import ColourEmbedder
from tests.service.limited.team import service
from tests.service.searches.asking import Json
from tests.service.searches.test_credibility import calibrated
from tests.service.videos import BLUE, GREEN, RED, scene

SEEN = ("gate", "yard")
_WHEN = {"id", "key_id", "created_at", "change", "search_id", "parent", "next_cursor"}


@pytest.fixture(scope="module")
def both(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[TestClient, TestClient, Archive]]:
    """A limited key's client in a large gallery, an unlimited key's in one with the same cameras only."""
    root = tmp_path_factory.mktemp("exact")
    archives = []
    for name in ("large", "small"):
        (root / name).mkdir()
        shutil.copyfile(sqlite_template, root / name / "gallery.sqlite3")
        archives.append(Archive(Gallery.open(GallerySettings(data_dir=root / name)), root / f"{name}-media"))
    large, small = archives
    for archive in archives:
        archive.media.mkdir()
    fill(large, ("dock", "gate", "attic", "yard"))
    fill(small, SEEN)
    large.gallery.groups.add("team", SEEN)
    keys = (large.gallery.keys.create("team", groups=["team"]), small.gallery.keys.create("all"))
    with (
        large.gallery,
        small.gallery,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(ColourEmbedder, "card", calibrated(intercept=0.0).card)
        clients = [
            TestClient(service(archive), headers={"X-API-Key": secret})
            for archive, (_, secret) in zip(archives, keys, strict=True)
        ]
        with clients[0], clients[1]:
            yield clients[0], clients[1], large


def fill(archive: Archive, cameras: tuple[str, ...]) -> None:
    """Cameras with a recording each; which people they saw depends on the camera alone."""
    people = {"dock": [RED, BLUE], "gate": [RED, GREEN], "attic": [BLUE, RED, GREEN], "yard": [GREEN, RED]}
    for number, name in enumerate(people):
        if name in cameras:
            archive.gallery.catalogue.add_camera(name, site="south" if name in {"dock", "yard"} else "north")
            index(archive, name, NOON + timedelta(hours=number), people[name], seconds=3 + number)


def bare(value: Any, key: str = "") -> Any:
    """An answer without ids and times that differ with every question, and without numbers of changes."""
    if isinstance(value, dict):
        return {name: bare(one, name) for name, one in value.items() if name not in _WHEN}
    if isinstance(value, list):
        return [bare(one, key) for one in value]
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-6, abs=1e-6)
    return value.partition("change=")[0] if key.endswith("_url") else value


QUESTIONS: list[Json] = [
    {},
    {"limit": 1},
    {"rank_by": "cosine", "rerank": True},
    {"cameras": ["yard"]},
    {"sites": ["south"]},
    {"start": (NOON + timedelta(hours=2)).isoformat()},
]


@pytest.mark.parametrize("wanted", QUESTIONS)
def test_searches_are_those_of_the_small_gallery(
    both: tuple[TestClient, TestClient, Archive], wanted: Json
) -> None:
    limited, small, large = both
    pictures = [scene((RED, 100, 60)), scene((GREEN, 100, 60))]
    found = []
    for client in (limited, small):
        probes = [{"probe_id": upload(client, picture)["id"]} for picture in pictures]
        for some in (probes[:1], probes, [*probes[:1], {"tracklet_id": large.tracklets["gate", GREEN]}]):
            answer = client.post("/v1/searches", json={"probes": some, **wanted})
            assert answer.status_code == 201, answer.text
            first = answer.json()
            found += [bare(first), first["next_cursor"] is None]
            for path, body in follow_ups(client, first):
                told = client.post(f"/v1/searches/{first['id']}/{path}", json=body)
                assert told.status_code == 201, told.text
                found.append(bare(told.json()))
            found.append(bare(client.get(f"/v1/searches/{first['id']}/judge").json()))
    half = len(found) // 2
    assert found[:half] == found[half:]
    assert found[0]["calibration"]["calibrated"]
    assert found[0]["hits"], "an empty answer proves nothing"


def follow_ups(client: TestClient, first: Json) -> Iterator[tuple[str, Json]]:
    """Ask again and refine, with the first hit marked."""
    yield "again", {"on": "snapshot"}
    yield "again", {"on": "now"}
    if first["hits"]:
        mark = f"/v1/searches/{first['id']}/marks/{first['hits'][0]['tracklet_id']}"
        assert client.put(mark, json={"verdict": "match"}).status_code == 200
        yield "refine", {}


def test_lists_are_those_of_the_small_gallery(both: tuple[TestClient, TestClient, Archive]) -> None:
    limited, small, _ = both
    for path in ("cameras", "videos", "models", "calibrations", "index-jobs"):
        told = [bare(client.get(f"/v1/{path}").json()) for client in (limited, small)]
        for one in told:
            for item in one["items"]:
                item.pop("indexed_at", None)
        assert told[0] == told[1], path


def test_what_happens_on_other_cameras_moves_nothing(both: tuple[TestClient, TestClient, Archive]) -> None:
    limited, _, large = both
    asked = {"probes": [{"probe_id": upload(limited, scene((RED, 100, 60)))["id"]}]}
    before = limited.post("/v1/searches", json=asked).json()
    large.gallery.catalogue.add_camera("cellar", site="west")
    index(large, "cellar", NOON, [RED, GREEN, BLUE], seconds=6)
    large.gallery.erase_video(large.videos["attic"].id)
    large.gallery.compact()
    after = limited.post("/v1/searches", json=asked).json()
    for answer in (before, after):
        del answer["id"], answer["created_at"]
    assert after == before, "not even the number of the change"
