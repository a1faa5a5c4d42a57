"""Vectors in Milvus: the answers of FAISS, nothing that SQL does not know, and what happens without it."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from gallery.disk.files import move_durably
from gallery.disk.locks import Staging
from gallery.errors import AlreadyIndexed, InvalidInput, VectorsUnavailable
from gallery.gallery import Gallery
from gallery.records.erasure import ErasureKind, ErasureTarget
from gallery.records.searching import Filters, RankBy, Ranking
from gallery.settings import GallerySettings
from gallery.vectors import milvus, remote
from gallery.vectors.builder import SegmentContent
from gallery.vectors.milvus import Milvus, collection_of
from gallery.vectors.segment import MILVUS_NOTE
from gallery.vectors.segments import BUILT
from tests.gallery.making import MODEL, START, content_hash, make_tracklets, make_video, store, unit
from tests.waiting import until

CAMERAS = 5
QUERY = unit(np.arange(1.0, 17.0))


@pytest.fixture
def gallery(milvus_settings: GallerySettings) -> Iterator[Gallery]:
    """An empty open gallery with its vectors in Milvus."""
    with Gallery.open(milvus_settings) as opened:
        yield opened


@pytest.fixture
def server(milvus_uri: str) -> Milvus:
    """A connection of our own."""
    return Milvus(milvus_uri)


def fill(gallery: Gallery) -> list[str]:
    """Twelve recordings of five cameras, one merged segment of two of them, one with a lost tracklet."""
    cameras = [gallery.catalogue.get_or_add_camera(f"camera {number}") for number in range(CAMERAS)]
    videos = [
        store(
            gallery,
            number,
            make_tracklets(number, 3 + number),
            camera=cameras[number % CAMERAS],
            start=START + timedelta(minutes=number),
        ).id
        for number in range(12)
    ]
    gallery.compact(max_tracklets=25)
    gallery.erase_video(videos[5])
    gone = ErasureTarget(kind=ErasureKind.TRACKLETS, ids=[f"{videos[11]}-3", f"{videos[11]}-8"])
    gallery.erasures.erase(gone)
    videos.append(store(gallery, "later", make_tracklets(99, 9), camera=cameras[0]).id)
    return videos


def answers(gallery: Gallery, videos: list[str]) -> list[Ranking]:
    """What queries find under every kind of filter, seen whole and through two cameras."""
    filters = [
        Filters(),
        Filters(camera_ids=frozenset({2, 4})),
        Filters(video_ids=frozenset({videos[1], videos[7], videos[11], "0" * 32})),
        Filters(start=START + timedelta(minutes=3, seconds=20), end=START + timedelta(minutes=9, seconds=45)),
        Filters(camera_ids=frozenset({1}), start=START + timedelta(seconds=35)),
    ]
    random = np.random.default_rng(7)
    return [
        seen.snapshot(MODEL.id).search(unit(random.standard_normal(16)), limit=limit, filters=one, by=by)
        for seen in (gallery, gallery.limited_to(frozenset({1, 3})))
        for one in filters
        for limit, by in ((7, RankBy.STANDARD_SCORE), (500, RankBy.COSINE))
    ]


def same(found: list[Ranking], expected: list[Ranking]) -> bool:
    """Compare answers: the same tracklets in the same order, and scores within the rounding of floats."""
    for one, other in zip(found, expected, strict=True):
        assert [hit.tracklet_id for hit in one.hits] == [hit.tracklet_id for hit in other.hits]
        assert (one.compared, one.damaged) == (other.compared, other.damaged)
        for hit, like in zip(one.hits, other.hits, strict=True):
            assert hit.clip_number == like.clip_number
            assert hit.score == pytest.approx(like.score, abs=1e-6)
            assert hit.standard_score == pytest.approx(like.standard_score, abs=1e-4)
            assert hit.clip_score == pytest.approx(like.clip_score, abs=1e-6)
    return True


def keys(gallery: Gallery) -> list[str]:
    """Under which keys the gallery's segments, and what waits to be removed, are in Milvus."""
    notes = [
        *gallery.data_dir.glob(f"segments/*/{MILVUS_NOTE}"),
        *gallery.data_dir.glob(f"staging/**/{MILVUS_NOTE}"),
    ]
    return [json.loads(note.read_bytes())["key"] for note in notes]


def held(server: Milvus, some: list[str]) -> int:
    return sum(
        server.count(collection_of(MODEL.id, kind), key) for key in some for kind in ("tracklets", "clips")
    )


def test_answers_are_those_of_faiss_and_both_ways_lead_back(
    gallery: Gallery, server: Milvus, sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "gallery.sqlite3").write_bytes(sqlite_template.read_bytes())
    with Gallery.open(GallerySettings(data_dir=tmp_path / "files", database_url=None)) as files:
        videos = fill(files)
        expected = answers(files, videos)
        assert sum(len(one.hits) for one in expected) > 300

        assert fill(gallery) == videos
        assert same(answers(gallery, videos), expected)
        assert gallery.verify().problems == ()
        with monkeypatch.context() as patched:
            patched.setattr(remote, "MOST_FOUND", 2)  # more than Milvus returns of a search is ranked here
            assert same(answers(gallery, videos)[:6], expected[:6])

        # Out of Milvus, file by file; killed in the middle, both kinds are searched.
        segments, before = gallery.segment_count(), keys(gallery)
        with pytest.raises(KeyboardInterrupt):
            gallery.migrate_vectors(into_milvus=False, progress=interrupt_at(3))
        assert 0 < len(keys(gallery)) < segments
        assert same(answers(gallery, videos), expected)
        moved = gallery.migrate_vectors(into_milvus=False)
        assert (moved.there, moved.damaged) == (3, ())
        assert moved.segments == segments - 3
        assert keys(gallery) == []
        assert held(server, before) == 0
        assert same(answers(gallery, videos), expected)
        again = gallery.migrate_vectors(into_milvus=False)
        assert (again.segments, again.vectors, again.there) == (0, 0, segments)

        # And into it again.
        moved = gallery.migrate_vectors(into_milvus=True)
        assert moved.segments == segments
        assert held(server, keys(gallery)) == moved.vectors
        assert same(answers(gallery, videos), expected)
        assert gallery.verify().problems == ()


def interrupt_at(count: int) -> Callable[[int, int], None]:
    def progress(done: int, _all: int) -> None:
        if done == count:
            raise KeyboardInterrupt

    return progress


def test_a_copy_that_differs_is_not_put_in_its_place(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(gallery, "v", make_tracklets(1, 4))
    before = gallery.snapshot(MODEL.id).search(QUERY, limit=9).hits
    fetch = Milvus.fetch
    monkeypatch.setattr(
        Milvus,
        "fetch",
        lambda *arguments: -fetch(*arguments) if len(arguments[2]) == 4 else fetch(*arguments),
    )
    moved = gallery.migrate_vectors(into_milvus=False)
    assert (moved.segments, len(moved.damaged)) == (0, 1)
    monkeypatch.undo()
    assert gallery.snapshot(MODEL.id).search(QUERY, limit=9).hits == before


def test_what_a_death_leaves_in_milvus_is_swept(gallery: Gallery, server: Milvus) -> None:
    """Vectors are sent before their segment has its place, and before a row names it."""
    store(gallery, "kept", make_tracklets(1, 3))
    kept = keys(gallery)
    for placed in (False, True):
        staging = Staging(gallery.data_dir)
        builder = gallery._segments.builder(staging, MODEL.id, MODEL.dimension)
        vectors = unit(np.eye(4, MODEL.dimension)).astype(np.float16)
        builder.add(vectors, np.zeros((2, 4), np.int64), [1] * 4, vectors)
        builder.finish([SegmentContent("0" * 32, 1, 4)])
        if placed:
            move_durably(staging.directory / BUILT, gallery._segments.directory(staging.id))
        staging.release(keep=True)  # what a death does: nobody tidies up, and the kernel lets go of the lock
    left = sorted(set(keys(gallery)) - set(kept))
    assert (len(left), held(server, left)) == (2, 16)
    assert gallery.snapshot(MODEL.id).search(QUERY, limit=99).compared == 3
    said = gallery.verify()
    assert sorted(problem.partition(": ")[2] for problem in said.problems) == [
        "no row names it",
        "unfinished writing",
        "unfinished writing",
    ], "what `doctor --deep` says of it"
    gallery.mend(said)  # what `repair` does
    assert held(server, left) == 0
    assert keys(gallery) == kept
    assert gallery.verify().problems == ()


def test_a_writer_that_gives_up_takes_its_vectors_back(gallery: Gallery, server: Milvus) -> None:
    camera = gallery.catalogue.add_camera("gate")
    hash_ = content_hash("v")
    sent: list[str] = []
    with gallery.writer(hash_, MODEL) as writer:
        writer.add(make_tracklets(1, 1)[0])
        store(gallery, "v", make_tracklets(1, 1), camera=camera)
        with pytest.raises(AlreadyIndexed):
            writer.commit(make_video(hash_, camera.id))
        sent = keys(gallery)
        assert len(sent) == 2
    (left,) = keys(gallery)
    assert held(server, sent) == held(server, [left]) > 0


def test_a_backup_brings_the_vectors_back_into_either_store(
    gallery: Gallery, milvus_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of segments that are merged or lost a tracklet, beside one of files."""
    first, second, third = (store(gallery, number, make_tracklets(number, 3)).id for number in range(3))
    gallery.compact()
    gallery.erasures.erase(ErasureTarget(kind=ErasureKind.TRACKLETS, ids=[f"{second}-1"]))
    gallery.compact()
    gallery.erase_video(third)
    gallery._segments = gallery._segments.towards(into_milvus=False)
    in_files = store(gallery, "in files", make_tracklets(55, 2)).id
    asked = [gallery.snapshot(MODEL.id).search(QUERY, limit=99, by=by) for by in RankBy]
    assert {hit.tracklet_id[:32] for hit in asked[0].hits} == {first, second, in_files}
    made = gallery.back_up(tmp_path / "backup")
    assert (made.videos, made.missing) == (3, ())
    assert not list((tmp_path / "backup").rglob(MILVUS_NOTE))
    files = GallerySettings(data_dir=tmp_path / "files", database_url=None)
    either = files.model_copy(
        update={"data_dir": tmp_path / "milvus", "vectors": "milvus", "milvus_uri": milvus_uri}
    )
    away = either.model_copy(update={"milvus_uri": "http://127.0.0.1:1"})
    with monkeypatch.context() as patched:
        patched.setattr(milvus, "_SECONDS", 0.5)
        with pytest.raises(VectorsUnavailable):
            Gallery.restore(away, tmp_path / "backup")
    assert not (tmp_path / "milvus").exists(), "nothing is begun that cannot be ended"
    for settings in (files, either):
        assert Gallery.restore(settings, tmp_path / "backup") == made
        with Gallery.open(settings) as restored:
            assert same([restored.snapshot(MODEL.id).search(QUERY, limit=99, by=by) for by in RankBy], asked)
            assert restored.verify().problems == ()
            assert bool(keys(restored)) == (settings is either)
            assert not set(keys(restored)) & set(keys(gallery)), "both may go on with one server"


@pytest.mark.long
def test_a_backup_says_what_milvus_has_lost_and_fails_where_it_is_away(
    gallery: Gallery, server: Milvus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound, broken = (store(gallery, name, make_tracklets(number, 3)) for number, name in enumerate("ab"))
    (directory,) = (
        one.parent
        for one in gallery.data_dir.glob(f"segments/*/{MILVUS_NOTE}")
        if broken.id.encode() in (one.parent / "videos.npy").read_bytes()
    )
    server.delete(keys_of(directory))
    made = gallery.back_up(tmp_path / "backup")
    assert {Path(name).parent.name for name in made.missing} == {directory.name}
    settings = GallerySettings(data_dir=tmp_path / "restored", database_url=None)
    Gallery.restore(settings, tmp_path / "backup")
    with Gallery.open(settings) as restored:
        found = restored.snapshot(MODEL.id).search(QUERY, limit=9)
        assert {hit.tracklet_id.partition("-")[0] for hit in found.hits} == {sound.id}
        assert [one.segment_id for one in found.damaged] == [directory.name]
        assert [one.video_id for one in restored.verify().damaged] == [broken.id], "repair makes it anew"

    def gone(*_: object) -> None:
        raise VectorsUnavailable("Milvus is away")

    monkeypatch.setattr(Milvus, "fetch", gone)
    with pytest.raises(VectorsUnavailable):
        gallery.back_up(tmp_path / "second")
    assert list((tmp_path / "second").iterdir()) == []


def test_lost_vectors_are_said_to_be(gallery: Gallery, server: Milvus) -> None:
    videos = [store(gallery, number, make_tracklets(number, 3)) for number in range(3)]
    warm = gallery.snapshot(MODEL.id)
    assert warm.search(QUERY, limit=9).compared == 9
    (lost,) = [path for path in (gallery.data_dir / "segments").iterdir() if videos[1].id in videos_in(path)]
    server.delete(keys_of(lost))
    for snapshot in (
        warm,
        Gallery(gallery._database, gallery.data_dir, segments=gallery._segments).snapshot(MODEL.id),
    ):
        ranking = snapshot.search(QUERY, limit=9)
        assert {hit.tracklet_id[:32] for hit in ranking.hits} == {videos[0].id, videos[2].id}
        assert [(one.segment_id, one.video_ids) for one in ranking.damaged] == [(lost.name, [videos[1].id])]
    assert "Milvus has 0 of its 3 vectors" in gallery.verify().problems[0]
    server.insert(collection_of(MODEL.id, "tracklets"), keys_of(lost), 0, np.eye(3, 16, dtype=np.float16))
    assert any("not what was written" in problem for problem in gallery.verify().problems)


@pytest.mark.parametrize(
    "note", ["", "{", "[]", "null", '{"key": 3}', '{"key": "" or true or ""}', '{"key": "' + "A" * 32 + '"}']
)
def test_a_note_without_sense_is_found(gallery: Gallery, note: str) -> None:
    store(gallery, "v", make_tracklets(1, 3))
    (directory,) = (gallery.data_dir / "segments").iterdir()
    (directory / MILVUS_NOTE).write_text(note)
    (damaged,) = gallery.snapshot(MODEL.id).damaged
    assert MILVUS_NOTE in damaged.reason
    assert len(gallery.verify().problems) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"vectors": "milvus"},
        {"vectors": "pinecone"},
        {"milvus_uri": "ftp://milvus"},
        {"milvus_uri": "/data/milvus"},
        {"vectors": "milvus", "milvus_uri": ""},
    ],
)
def test_settings_that_lead_nowhere_are_refused(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        GallerySettings(**values)  # type: ignore[arg-type]


def test_what_is_in_milvus_is_not_searched_without_it(
    gallery: Gallery, sqlite_settings: GallerySettings
) -> None:
    store(gallery, "v", make_tracklets(1, 3))
    with Gallery.open(sqlite_settings) as without:
        with pytest.raises(VectorsUnavailable, match="SIGHTLINE_MILVUS_URI"):
            without.snapshot(MODEL.id)
        with pytest.raises(InvalidInput, match="SIGHTLINE_MILVUS_URI"):
            without.migrate_vectors(into_milvus=True)
        assert without.sweep().segments == 0
    assert gallery.snapshot(MODEL.id).tracklet_count == 3


def test_while_milvus_is_away(
    sqlite_settings: GallerySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, milvus_uri: str
) -> None:
    """Nothing is lost: what is erased is gone at once, and leaves Milvus when that is back."""
    from milvus_lite.adapter.grpc.server import start_server_in_thread

    folder = str(tmp_path / "milvus")
    running, db, port = start_server_in_thread(folder)
    values = {"vectors": "milvus", "milvus_uri": f"http://127.0.0.1:{port}"}
    settings = sqlite_settings.model_copy(update=values)
    with Gallery.open(settings, create=True) as gallery:
        videos = [store(gallery, number, make_tracklets(number, 3)) for number in range(2)]
        before = gallery.snapshot(MODEL.id).search(QUERY, limit=9)
        running.stop(None).wait()
        db.close()
        monkeypatch.setattr(milvus, "_SECONDS", 0.5)

        away: list[Callable[[], object]] = [
            lambda: gallery.snapshot(MODEL.id).search(QUERY, limit=9),
            lambda: gallery.writer(content_hash("new"), MODEL).__enter__(),
            lambda: Gallery.open(settings, create=True),
            gallery.check_vectors,
        ]
        for ask in away:
            with pytest.raises(VectorsUnavailable, match=r"127\.0\.0\.1") as raised:
                ask()
            assert "\n" not in str(raised.value)
        gallery.erase_video(videos[0].id)
        assert gallery.catalogue.find_video(videos[0].content_hash) is None
        assert gallery.compact().settled == 0
        assert len(keys(gallery)) == 2  # what is left of the one in staging stands for its vectors

        monkeypatch.setattr(milvus, "_SECONDS", 10.0)
        running, db, _ = start_server_in_thread(folder, port=port)
        until(lambda: is_there(gallery))
        assert gallery.compact().settled == 1
        assert len(keys(gallery)) == 1
        after = gallery.snapshot(MODEL.id).search(QUERY, limit=9)
        assert [hit.tracklet_id for hit in after.hits] == [
            hit.tracklet_id for hit in before.hits if hit.tracklet_id.startswith(videos[1].id)
        ]
        assert gallery.verify().problems == ()
    running.stop(None).wait()
    db.close()


def test_a_request_that_takes_too_long_is_an_outage(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(gallery, "v", make_tracklets(1, 3))
    snapshot = gallery.snapshot(MODEL.id)
    monkeypatch.setattr(milvus, "_SECONDS", 1e-6)
    with pytest.raises(VectorsUnavailable) as raised:
        snapshot.search(QUERY, limit=9)
    assert "\n" not in str(raised.value)


def is_there(gallery: Gallery) -> bool:
    try:
        return gallery.check_vectors() is not None
    except VectorsUnavailable:
        return False


def videos_in(directory: Path) -> set[str]:
    found: set[str] = {name.decode() for name in np.load(directory / "videos.npy")["id"].tolist()}
    return found


def keys_of(directory: Path) -> str:
    return str(json.loads((directory / MILVUS_NOTE).read_bytes())["key"])
