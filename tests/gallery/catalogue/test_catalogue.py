"""The catalogue: cameras, videos, tracklets, and how much of the time they cover."""

from dataclasses import fields, replace
from typing import Any

import pytest

from gallery.catalogue.cameras import CAMERA_DEFAULTS
from gallery.errors import Conflict, InvalidInput, NotFound
from gallery.gallery import Gallery
from gallery.records.cameras import CameraChanges, CameraInfo
from gallery.records.jobs import NewRecording
from gallery.sql.tables import Camera, Model
from tests.gallery.making import MODEL, START, make_tracklets, store

OTHER_MODEL = "f" * 64


def test_cameras_by_id_and_by_name(gallery: Gallery) -> None:
    catalogue = gallery.catalogue
    made = catalogue.add_camera(
        "Tor 2 (süd)",
        site="Hof",
        time_zone="Europe/Berlin",
        latitude=52.5,
        longitude=-13.4,
        detector_input=640,
        pixel_aspect=16 / 15,
    )
    assert catalogue.camera(made.id) == catalogue.camera_named("Tor 2 (süd)") == made
    assert (made.latitude, made.longitude, made.detector_input) == (52.5, -13.4, 640)
    assert made.pixel_aspect == 16 / 15
    assert catalogue.get_or_add_camera("Tor 2 (süd)", site="ignored") == made
    gate = catalogue.get_or_add_camera("Eingang")
    assert (gate.site, gate.time_zone) == (None, "UTC")
    assert [camera.name for camera in catalogue.cameras()] == ["Eingang", "Tor 2 (süd)"]
    with pytest.raises(Conflict):
        catalogue.add_camera("Eingang")
    for missing in (0, -1, 99, 2**40):
        with pytest.raises(NotFound):
            catalogue.camera(missing)
    for missing_name in ("nobody", "", "\0", "a" * 1000):
        with pytest.raises(NotFound):
            catalogue.camera_named(missing_name)


def test_what_is_said_of_a_camera_is_its_columns_and_its_record() -> None:
    said = set(CameraChanges.__annotations__)
    assert said | {"id", "created_at"} == {field.name for field in fields(CameraInfo)}
    assert {field.name for field in fields(CameraInfo)} == set(Camera.__table__.columns.keys())
    assert set(CAMERA_DEFAULTS) == said - {"name"}


def test_a_camera_goes_when_it_has_no_videos(gallery: Gallery) -> None:
    video = store(gallery, "video", make_tracklets(0, 1))
    with pytest.raises(Conflict, match=r"has recordings \(1\)"):
        gallery.catalogue.remove_camera(video.camera_id)
    assert gallery.catalogue.camera(video.camera_id)

    gallery.erase_video(video.id)
    gallery.catalogue.remove_camera(video.camera_id)

    assert gallery.catalogue.cameras() == []
    with pytest.raises(NotFound):
        gallery.catalogue.remove_camera(video.camera_id)


def test_a_camera_is_edited(gallery: Gallery) -> None:
    camera = gallery.catalogue.add_camera("gate", site="north", time_zone="Europe/Berlin")
    gallery.catalogue.add_camera("yard")
    edited = gallery.catalogue.update_camera(
        camera.id, name="north gate", site=None, pixel_aspect=1.5, key_id="k"
    )
    assert edited == gallery.catalogue.camera_named("north gate")
    assert edited == replace(camera, name="north gate", site=None, pixel_aspect=1.5)
    (event,) = gallery.audit.events(action="camera.edit")
    assert (event.key_id, event.subject) == ("k", "north gate")
    assert event.detail == {
        "name": ["gate", "north gate"],
        "site": ["north", None],
        "pixel_aspect": [None, 1.5],
    }
    assert gallery.catalogue.update_camera(camera.id) == edited
    assert len(gallery.audit.events(action="camera.edit")) == 1
    with pytest.raises(Conflict, match="'yard' already"):
        gallery.catalogue.update_camera(camera.id, name="yard")
    with pytest.raises(InvalidInput, match="latitude and longitude"):
        gallery.catalogue.update_camera(camera.id, latitude=1.0)
    with pytest.raises(NotFound):
        gallery.catalogue.update_camera(99, name="x")
    assert gallery.catalogue.camera(camera.id) == edited


def test_a_camera_goes_with_the_jobs_that_ended(gallery: Gallery) -> None:
    gate, yard = (gallery.catalogue.add_camera(name) for name in ("gate", "yard"))
    mixed = gallery.jobs.file([filed(gate.id, "/a"), filed(yard.id, "/b")])
    lone = gallery.jobs.file([filed(gate.id, "/c")])
    with pytest.raises(Conflict, match="2 recordings to index"):
        gallery.catalogue.remove_camera(gate.id)
    gallery.jobs.cancel(mixed.id)
    gallery.jobs.cancel(lone.id)

    gallery.catalogue.remove_camera(gate.id, key_id="k")

    assert [camera.name for camera in gallery.catalogue.cameras()] == ["yard"]
    assert [recording.path for recording in gallery.jobs.get(mixed.id).recordings] == ["/b"]
    with pytest.raises(NotFound):
        gallery.jobs.get(lone.id)
    assert [(event.key_id, event.subject) for event in gallery.audit.events(action="camera.delete")] == [
        ("k", "gate")
    ]


def filed(camera_id: int, path: str) -> NewRecording:
    return NewRecording(camera_id, path, "x.mp4", owned=False, start_time=START)


def test_a_name_has_one_spelling(gallery: Gallery) -> None:
    composed, decomposed = "Tür", "Tu\u0308r"
    made = gallery.catalogue.add_camera(decomposed)
    assert gallery.catalogue.camera_named(composed) == gallery.catalogue.camera_named(decomposed) == made
    with pytest.raises(Conflict):
        gallery.catalogue.add_camera(composed)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " gate",
        "gate ",
        "\tgate",
        "a/b",
        ".",
        "..",
        "a\nb",
        "a\0b",
        "a\u200bb",
        "a\u202eb",
        "\ud800",
        "x" * 101,
    ],
)
def test_bad_names_are_refused(sqlite_gallery: Gallery, name: str) -> None:
    catalogue = sqlite_gallery.catalogue
    for add in (catalogue.add_camera, catalogue.get_or_add_camera):
        with pytest.raises(InvalidInput):
            add(name)
        with pytest.raises(InvalidInput):
            add("good", site=name)
    assert catalogue.cameras() == []


@pytest.mark.parametrize(
    "options",
    [
        {"time_zone": "Mars/Olympus"},
        {"time_zone": ""},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": "/etc/localtime"},
        {"time_zone": "Europe"},
        {"time_zone": "UTC\0"},
        {"latitude": 1.0},
        {"longitude": 1.0},
        {"latitude": 91.0, "longitude": 0.0},
        {"latitude": float("nan"), "longitude": 0.0},
        {"latitude": 0.0, "longitude": 180.5},
        {"detector_input": 0},
        {"pixel_aspect": 0.0},
        {"pixel_aspect": float("nan")},
        {"detector_input": 10**6},
    ],
)
def test_impossible_cameras_are_refused(sqlite_gallery: Gallery, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        sqlite_gallery.catalogue.add_camera("gate", **options)
    assert sqlite_gallery.catalogue.cameras() == []


def test_videos_in_pages(gallery: Gallery) -> None:
    cameras = [gallery.catalogue.add_camera(name) for name in ("a", "b")]
    made = [store(gallery, n, make_tracklets(n, 1), camera=cameras[n % 2]) for n in range(5)]
    assert gallery.catalogue.videos() == sorted(made, key=lambda video: video.id)
    first = gallery.catalogue.videos(limit=2)
    second = gallery.catalogue.videos(limit=2, after=first[-1].id)
    assert first + second == sorted(made, key=lambda video: video.id)[:4]
    assert {video.id for video in gallery.catalogue.videos(camera_id=cameras[1].id)} == {
        made[1].id,
        made[3].id,
    }
    with pytest.raises(NotFound):
        gallery.catalogue.videos(camera_id=99)
    with pytest.raises(NotFound):
        gallery.catalogue.videos(after="x")
    for limit in (0, 1002):
        with pytest.raises(InvalidInput):
            gallery.catalogue.videos(limit=limit)
    for missing in ("", "0" * 32, "../" + made[0].id, made[0].id.upper() + "\n"):
        with pytest.raises(NotFound):
            gallery.catalogue.video(missing)


def test_videos_by_content(gallery: Gallery) -> None:
    video = store(gallery, "v", make_tracklets(1, 1))
    assert gallery.catalogue.find_video(video.content_hash) == video
    assert gallery.catalogue.is_indexed(video.content_hash, MODEL.id) == video
    assert gallery.catalogue.is_indexed(video.content_hash, OTHER_MODEL) is None
    assert gallery.catalogue.find_video("0" * 64) is None


def test_tracklets_in_pages_and_by_id(gallery: Gallery) -> None:
    videos = [store(gallery, n, make_tracklets(n, 4)) for n in range(2)]
    catalogue = gallery.catalogue
    page = catalogue.tracklets_of(videos[0].id, limit=3)
    assert [t.number for t in page] == [0, 1, 2]
    assert [t.number for t in catalogue.tracklets_of(videos[0].id, after=page[-1].number)] == [3]
    wanted = [f"{video.id}-{n}" for video in videos for n in (3, 1, 1)]
    found = catalogue.tracklets([*wanted, "x", f"{videos[0].id}-99", f"{videos[0].id}-01", "\0"])
    assert set(found) == set(wanted)
    assert all(info.clips and info.boxes is None for info in found.values())
    assert catalogue.tracklets([]) == {}
    with pytest.raises(NotFound):
        catalogue.tracklets_of("0" * 32)


@pytest.mark.parametrize(
    "tracklet_id",
    [
        "",
        "-",
        "..",
        "../../etc/passwd",
        "/etc/passwd",
        "{video}-4",
        "{video}-01",
        "{video}-0/../1",
        "{video}-0\n",
        "{video}",
    ],
)
def test_ids_that_are_none_lead_nowhere(sqlite_gallery: Gallery, tracklet_id: str) -> None:
    video = store(sqlite_gallery, "v", make_tracklets(1, 4))
    for look in (sqlite_gallery.catalogue.thumbnail_path, sqlite_gallery.catalogue.tracklet):
        with pytest.raises(NotFound):
            look(tracklet_id.replace("{video}", video.id))


def test_a_thumbnail_that_is_lost_is_not_found(sqlite_gallery: Gallery) -> None:
    video = store(sqlite_gallery, "v", make_tracklets(1, 1))
    sqlite_gallery.catalogue.thumbnail_path(f"{video.id}-0").unlink()
    with pytest.raises(NotFound):
        sqlite_gallery.catalogue.thumbnail_path(f"{video.id}-0")


def test_a_card_is_shown_in_its_own_order(gallery: Gallery) -> None:
    card = {key: number for number, key in enumerate(["recipe", "adaptation", "data", "a", "seed", "name"])}
    with gallery._database.write() as session:
        session.add(Model(id=OTHER_MODEL, name="m", card=card, dimension=2, created_at=START))
    order = {
        limited: list(seen.catalogue.models()[0].card)
        for limited, seen in {False: gallery, True: gallery.limited_to(frozenset())}.items()
    }
    stored = list(card) if not gallery._database.is_postgresql else order[False]  # JSONB has its own
    assert order == {False: stored, True: [key for key in stored if key != "adaptation"]}
