"""What an erasure takes is what was listed, is out of every answer at once, and is certified."""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from gallery import GallerySettings
from gallery.erasure.certificates import digest_of
from gallery.erasure.readable import certificate_text
from gallery.errors import Conflict, Held, InvalidInput, NotFound
from gallery.gallery import Gallery
from gallery.records.cases import ItemKind
from gallery.records.erasure import ErasureKind, ErasureTarget, HoldKind
from gallery.records.marks import Verdict
from gallery.records.searches import (
    NewSearch,
    QueriedFilters,
    QueriedProbe,
    RecordedHit,
    SearchCalibration,
    SearchInfo,
    SearchQuery,
)
from gallery.records.searching import Filters, RankBy
from gallery.records.videos import VideoInfo
from gallery.sql.changes import current_change
from gallery.upkeep.rows import last_counted
from gallery.writing import erase as erase_module
from tests.gallery.making import JPEG, MODEL, START, make_tracklets, store


def visible(gallery: Gallery) -> set[str]:
    return set(gallery.snapshot(MODEL.id).tracklet_ids())


def tracklets(*ids: str) -> ErasureTarget:
    return ErasureTarget(kind=ErasureKind.TRACKLETS, ids=ids)


def recordings(*videos: VideoInfo) -> ErasureTarget:
    return ErasureTarget(kind=ErasureKind.RECORDINGS, ids=[video.id for video in videos])


def stretch(start: float, end: float, camera_id: int | None = None) -> ErasureTarget:
    """Seconds after the start of all recordings."""
    begin, stop = START + timedelta(seconds=start), START + timedelta(seconds=end)
    return ErasureTarget(kind=ErasureKind.STRETCH, camera_id=camera_id, start=begin, end=stop)


def erase(gallery: Gallery, target: ErasureTarget, **options: Any) -> dict[str, Any]:
    """List, then erase what was listed; returns the certificate."""
    done = gallery.erasures.erase(target, digest=gallery.erasures.plan(target).digest, **options)
    assert done.proof is not None
    assert done.proof.holds
    return dict(done.certificate)


def searched(gallery: Gallery, hits: Sequence[str], *, photo: bool = True) -> SearchInfo:
    """A recorded search for a photo, with these hits."""
    probe = gallery.probes.add(JPEG, "image/jpeg", 10, 10, []) if photo else None
    target = QueriedProbe(None if probe is None else probe.id, 0, None, None if photo else hits[0])
    query = SearchQuery(target, QueriedFilters(None, None, None, None), 50)
    return gallery.searches.add(
        NewSearch(
            key_id=None,
            query=query,
            model_id=MODEL.id,
            model_name=MODEL.name,
            model_warning=None,
            change=gallery.snapshot(MODEL.id).change,
            coverage={},
            calibration=SearchCalibration(),
            warnings=[],
            hits=[RecordedHit(one, 0.9, 0) for one in hits],
        )
    )


def test_single_tracklets_leave_every_answer_and_the_others_keep_their_ids(gallery: Gallery) -> None:
    one, other = (store(gallery, name, make_tracklets(name, 4)) for name in (1, 2))
    snapshot = gallery.snapshot(MODEL.id)
    vectors = {name: snapshot.vector(name) for name in snapshot.tracklet_ids()}
    search = searched(gallery, sorted(vectors))
    gallery.marks.set(search.id, f"{one.id}-1", Verdict.MATCH)
    gone = {f"{one.id}-1", f"{one.id}-3", f"{other.id}-0"}

    certificate = erase(gallery, tracklets(*gone))

    counted = {name: count for name, count in certificate["counts"].items() if count}
    assert counted == {"tracklets": 3, "marks": 1, "vectors": counted["vectors"]}
    assert certificate["erased"]["tracklets"] == sorted(gone)
    assert gallery.catalogue.tracklets(sorted(vectors)).keys() == vectors.keys() - gone
    assert gallery.catalogue.tracklet_numbers(one.id) == [0, 2]
    assert gallery.catalogue.video(one.id).tracklet_count == 2
    for name in gone:
        with pytest.raises(NotFound):
            gallery.catalogue.thumbnail_path(name)
        with pytest.raises(NotFound):
            gallery.snapshot(MODEL.id).vector(name)
    before: dict[str, list[tuple[str, float]]] = {}
    for merged in (False, True):
        if merged:
            assert gallery.compact().tracklets_removed == 3
        now = gallery.snapshot(MODEL.id)
        assert set(now.tracklet_ids()) == vectors.keys() - gone
        assert now.tracklet_count == 5
        for name in vectors.keys() - gone:
            assert np.array_equal(now.vector(name), vectors[name])
            best = now.search(vectors[name], limit=9, by=RankBy.COSINE)
            assert (best.hits[0].tracklet_id, best.compared) == (name, 5)
            ranks = [(hit.tracklet_id, hit.standard_score) for hit in now.search(vectors[name], limit=9).hits]
            assert before.setdefault(name, ranks) == ranks  # compaction changes no rank and no score
    only = Filters(start=START + timedelta(seconds=9), end=START + timedelta(seconds=12))
    found = gallery.snapshot(MODEL.id).search(vectors[f"{other.id}-1"], limit=9, filters=only)
    assert [hit.tracklet_id for hit in found.hits] == [f"{other.id}-1"]
    assert gallery.verify().problems == ()
    corrected = gallery.correct_video(one.id, start_time=START + timedelta(hours=1))
    assert corrected.tracklet_count == 2
    assert visible(gallery) == vectors.keys() - gone
    with pytest.raises(Conflict, match="would come back"):
        store(gallery, 1, make_tracklets(1, 4), replace=True)


def test_a_stretch_takes_what_was_seen_in_it_and_coverage_says_so(gallery: Gallery) -> None:
    yard = gallery.catalogue.add_camera("yard")
    whole = store(gallery, "whole", make_tracklets(1, 2), camera=yard, start=START + timedelta(seconds=20))
    cut = store(gallery, "cut", make_tracklets(2, 6), camera=yard)
    elsewhere = store(gallery, "elsewhere", make_tracklets(3, 3))

    plan = gallery.erasures.plan(stretch(15, 90, yard.id))
    assert ([one.id for one in plan.recordings], len(plan.tracklets)) == ([whole.id], 4)
    assert [(one.recording_id, one.start) for one in plan.stretches] == [
        (cut.id, START + timedelta(seconds=15))
    ]
    assert visible(gallery) >= {f"{cut.id}-5", f"{whole.id}-0"}  # nothing has changed
    erase(gallery, stretch(15, 90, yard.id))

    assert visible(gallery) == {f"{cut.id}-0", f"{cut.id}-1", *(f"{elsewhere.id}-{n}" for n in range(3))}
    (covered,) = gallery.catalogue.coverage(Filters(camera_ids=frozenset({yard.id})), MODEL.id).cameras
    assert covered.seconds_indexed == pytest.approx(15)
    erase(gallery, ErasureTarget(kind=ErasureKind.CAMERA, camera_id=yard.id))
    assert {name.partition("-")[0] for name in visible(gallery)} == {elsewhere.id}
    with pytest.raises(NotFound, match="nothing to erase"):
        erase(gallery, ErasureTarget(kind=ErasureKind.CAMERA, camera_id=yard.id))
    for wrong in (ErasureTarget(kind=ErasureKind.STRETCH), stretch(9, 9)):
        with pytest.raises(InvalidInput):
            gallery.erasures.plan(wrong)


def test_a_case_goes_with_its_searches_and_photos_and_a_person_with_theirs(gallery: Gallery) -> None:
    video = store(gallery, "v", make_tracklets(1, 3))
    first, second = (searched(gallery, [f"{video.id}-0", f"{video.id}-1"]) for _ in range(2))
    case = gallery.cases.add("Theft")
    gallery.cases.put(case.id, ItemKind.SEARCH, first.id)
    other = gallery.cases.add("Other")
    gallery.cases.put(other.id, ItemKind.SEARCH, second.id)
    gallery.audit.record("evidence.package", subject=case.id, detail={"package_id": "p" * 32})

    certificate = erase(gallery, ErasureTarget(kind=ErasureKind.CASES, ids=[case.id]))

    assert certificate["erased"]["searches"] == [first.id]
    assert [one["id"] for one in certificate["erased"]["photos"]] == [first.query.probe.id]
    packages = [one for one in certificate["remains"] if one["what"] == "evidence packages"]
    assert packages[0]["ids"] == ["p" * 32]
    for find, name in ((gallery.cases.get, case.id), (gallery.searches.get, first.id)):
        with pytest.raises(NotFound):
            find(name)
    person = ErasureTarget(kind=ErasureKind.PERSON, ids=[f"{video.id}-1"], search_id=second.id)
    erase(gallery, person)
    assert list((gallery.data_dir / "probes").iterdir()) == []
    assert visible(gallery) == {f"{video.id}-0", f"{video.id}-2"}
    (note,) = gallery.cases.get(other.id).notes
    assert "was erased" in note.text
    assert gallery.searches.get(second.id).hits == second.hits  # what was answered stays on record


def test_only_what_was_listed_goes(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = gallery.catalogue.add_camera("gate")
    store(gallery, 1, make_tracklets(1, 2))
    target = ErasureTarget(kind=ErasureKind.CAMERA, camera_id=camera.id)
    listed = gallery.erasures.plan(target).digest
    store(gallery, 2, make_tracklets(2, 2))
    with pytest.raises(Conflict, match="list it again"):
        gallery.erasures.erase(target, digest=listed)
    note = erase_module.note_files

    def come_meanwhile(*arguments: Any) -> None:
        monkeypatch.setattr("gallery.erasure.erasing.note_files", note)
        store(gallery, "third", make_tracklets(3, 2))
        note(*arguments)

    monkeypatch.setattr("gallery.erasure.erasing.note_files", come_meanwhile)
    with pytest.raises(Conflict, match="not what was listed"):
        gallery.erasures.erase(target)
    assert len(visible(gallery)) == 6
    assert gallery.erasures.certificates.list() == []
    for ids in (["0" * 32 + "-0"], ["../../etc"], [f"{'0' * 32}-0'; DROP TABLE video"]):
        with pytest.raises(NotFound):
            gallery.erasures.plan(tracklets(*ids))


def test_a_hold_wins_until_it_is_lifted(gallery: Gallery) -> None:
    held, free = (store(gallery, name, make_tracklets(name, 3)) for name in (1, 2))
    hold = gallery.holds.put(HoldKind.RECORDING, video_id=held.id, reason="court order 7")
    for target in (recordings(held), recordings(held, free), tracklets(f"{held.id}-0"), stretch(0, 30)):
        assert {one.hold_id for one in gallery.erasures.plan(target).held} == {hold.id}
        with pytest.raises(Held, match=f"{hold.id}: court order 7"):
            gallery.erasures.erase(target)
    with pytest.raises(Held):
        gallery.erase_video(held.id)
    with pytest.raises(Held):  # other tracklets in the place of those that are held
        store(gallery, 1, make_tracklets(9, 2), replace=True)
    assert len(visible(gallery)) == 6
    certificate = erase(gallery, recordings(held, free), skip_held=True)
    assert [one["id"] for one in certificate["held"]] == [held.id]
    assert {name.partition("-")[0] for name in visible(gallery)} == {held.id}
    gallery.holds.lift(hold.id, reason="case closed")
    with pytest.raises(Conflict, match="already"):
        gallery.holds.lift(hold.id, reason="again")
    erase(gallery, recordings(held))
    assert [event.action for event in gallery.audit.events(subject=hold.id)] == ["hold.lift", "hold.put"]


def test_holds_of_cameras_and_cases_cannot_be_got_round(gallery: Gallery) -> None:
    video = store(gallery, 1, make_tracklets(1, 4))
    yard = gallery.catalogue.add_camera("yard")
    of_camera = gallery.holds.put(
        HoldKind.CAMERA,
        camera_id=video.camera_id,
        start=START + timedelta(seconds=8),
        end=START + timedelta(seconds=15),
        reason="r",
    )
    for way_out in ({"camera_id": yard.id}, {"start_time": START + timedelta(days=1)}):
        with pytest.raises(Held):
            gallery.correct_video(video.id, **way_out)
    with pytest.raises(Held):
        gallery.catalogue.remove_camera(video.camera_id)
    erase(gallery, tracklets(f"{video.id}-3"))  # outside the stretch
    with pytest.raises(Held):
        gallery.erasures.erase(tracklets(f"{video.id}-1"))
    gallery.holds.lift(of_camera.id, reason="r")

    search = searched(gallery, [f"{video.id}-0", f"{video.id}-1"])
    case = gallery.cases.add("Theft")
    gallery.cases.put(case.id, ItemKind.SEARCH, search.id)
    gallery.marks.set(search.id, f"{video.id}-0", Verdict.MATCH)
    hold = gallery.holds.put(HoldKind.CASE, case_id=case.id, reason="r")
    gallery.marks.undo(search.id)
    photo = str(search.query.probe.id)
    ways: list[Callable[[], object]] = [
        lambda: gallery.cases.remove(case.id),
        lambda: gallery.cases.take(case.id, search.id),
        lambda: gallery.probes.delete(photo),
        lambda: gallery.erasures.erase(ErasureTarget(kind=ErasureKind.CASES, ids=[case.id])),
        lambda: gallery.erasures.erase(tracklets(f"{video.id}-0")),
        lambda: gallery.erase_video(video.id),
    ]
    for way in ways:
        with pytest.raises(Held, match=hold.id):
            way()
    told = {event.action for event in gallery.audit.events(limit=len(ways))}
    assert not told & {"probe.delete", "case.delete", "erasure"}, "what was refused is not told as done"
    assert gallery.probes.expire(START + timedelta(days=36500)) == 0
    erase(gallery, tracklets(f"{video.id}-2"))
    for wrong in ({"video_id": video.id, "case_id": case.id}, {"camera_id": yard.id}, {}):
        with pytest.raises(InvalidInput):
            gallery.holds.put(HoldKind.CASE, reason="r", **wrong)
    with pytest.raises(InvalidInput):
        gallery.holds.put(HoldKind.CASE, case_id=case.id, reason="  ")
    with pytest.raises(NotFound):
        gallery.holds.put(HoldKind.CAMERA, camera_id=2**40, reason="r")


def test_the_certificate_stands_in_the_chain_and_reads(gallery: Gallery) -> None:
    video = store(gallery, 1, make_tracklets(1, 3))
    keeper = store(gallery, 2, make_tracklets(2, 2))
    gallery.compact()
    done = gallery.erasures.erase(recordings(video), key_id="k" * 32)
    assert digest_of(done.certificate) == done.certificate_sha256
    assert done.certificate["by"] == {"key_id": "k" * 32}
    (event,) = gallery.audit.events(action="erasure")
    assert (event.id, event.digest) == (done.event_id, done.event_digest)
    assert event.detail["certificate_sha256"] == done.certificate_sha256
    assert gallery.audit.verify().broken_at is None
    assert done.proof is not None
    assert done.proof.vectors == (3, 3)
    text = certificate_text(done)
    assert all(
        word in text for word in (done.id, video.id, str(done.event_digest), "nothing of it was found")
    )
    assert "compaction removes them" in text
    assert done.settled_at is None
    assert gallery.compact().settled == 1
    (settled,) = gallery.erasures.certificates.list()
    assert "had left the gallery's folder" in certificate_text(settled)
    assert settled.certificate == done.certificate
    assert json.loads(json.dumps(settled.certificate)) == settled.certificate
    assert {name.partition("-")[0] for name in visible(gallery)} == {keeper.id}


def test_a_running_server_shows_nothing_that_another_process_erased(
    gallery: Gallery, gallery_settings: GallerySettings
) -> None:
    video = store(gallery, 1, make_tracklets(1, 4))
    snapshot = gallery.snapshot(MODEL.id)
    vector = snapshot.vector(f"{video.id}-2")
    with Gallery.open(gallery_settings) as elsewhere:
        erase(elsewhere, tracklets(f"{video.id}-2"))
    hits = gallery.snapshot(MODEL.id).search(vector, limit=9).hits
    assert f"{video.id}-2" not in {hit.tracklet_id for hit in hits}


def test_nothing_of_it_is_in_the_folder_after_compaction(sqlite_gallery: Gallery, tmp_path: Path) -> None:
    """Vectors, strips, boxes and file names, in segments, pictures, database and log, free pages included."""
    gallery = sqlite_gallery
    upload = tmp_path / "gallery" / "uploads" / "film.mp4"
    upload.parent.mkdir()
    upload.write_bytes(b"THE FILM " * 1000)
    camera = gallery.catalogue.add_camera("gate")
    rows = [make_tracklets(seed, 40) for seed in range(3)]
    whole, part, _ = (
        store(
            gallery,
            f"n{seed}",
            own,
            camera=camera,
            path=str(upload) if seed == 0 else "/x.mp4",
            owned=seed == 0,
        )
        for seed, own in enumerate(rows)
    )
    search = searched(gallery, [f"{part.id}-0"])
    gallery.compact()
    erased = [*rows[0], *rows[1][:20]]
    secrets = [one.feature.astype(np.float16).tobytes() for one in erased]
    secrets += [clip.feature.astype(np.float16).tobytes() for one in erased for clip in one.clips]
    secrets += [one.thumbnail for one in erased] + [b"THE FILM"]
    with gallery._database.engine.connect() as connection:
        boxes = connection.exec_driver_sql("SELECT id, boxes, quality FROM tracklet").all()
    gone = {f"{whole.id}-{n}" for n in range(40)} | {f"{part.id}-{n}" for n in range(20)}
    stay = b"".join(value for name, value, _ in boxes if name not in gone)
    secrets += [value for name, value, _ in boxes if name in gone and value not in stay]
    secrets += [str(json.loads(quality)["sharpness"]).encode() for name, _, quality in boxes if name in gone]
    assert all(found(gallery.data_dir, secrets[:5] + secrets[-5:]))

    erase(gallery, recordings(whole))
    person = ErasureTarget(
        kind=ErasureKind.PERSON, ids=[f"{part.id}-{n}" for n in range(20)], search_id=search.id
    )
    erase(gallery, person)
    assert gallery.compact().settled == 2

    assert [
        secret for secret, there in zip(secrets, found(gallery.data_dir, secrets), strict=True) if there
    ] == []
    assert gallery.verify().problems == ()


def found(folder: Path, secrets: Sequence[bytes]) -> list[bool]:
    """Whether each is in some file of a folder."""
    contents = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return [any(secret in content for content in contents) for secret in secrets]


def test_a_change_that_only_took_tracklets_out_is_counted_too(gallery: Gallery) -> None:
    """Otherwise a sequence that was put back behind it would look right, and be given again."""
    video = store(gallery, "a", make_tracklets(1, 3))
    erase(gallery, tracklets(f"{video.id}-1"))
    with gallery._database.write() as session:
        assert last_counted(session) == current_change(session)
        session.execute(text("UPDATE gallery_state SET change = change - 1"))
    report = gallery.verify()
    assert [fault.what for fault in report.faults] == ["the change sequence is behind what it has counted"]
    gallery.mend(report)
    assert not gallery.verify().problems
