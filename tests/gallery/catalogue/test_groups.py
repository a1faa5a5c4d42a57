"""Camera groups, keys that are limited to them, and a gallery seen through a few cameras."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gallery.catalogue.keys import Keys
from gallery.errors import Conflict, InvalidInput, NotFound, OutOfSight
from gallery.gallery import Gallery
from gallery.jobs.reading import ELSEWHERE
from gallery.records.access import GroupInfo
from gallery.records.cases import ItemKind
from gallery.records.jobs import JobKind, ReindexOptions
from gallery.records.marks import Verdict
from gallery.records.searches import RecordedHit, SearchInfo
from gallery.records.searching import Filters
from gallery.records.videos import VideoInfo
from tests.gallery.investigation.test_searches import SEARCH
from tests.gallery.jobs.recordings import recording
from tests.gallery.making import MODEL, make_tracklets, store


def cameras(gallery: Gallery, *names: str) -> list[int]:
    return [gallery.catalogue.add_camera(name).id for name in names]


def test_groups_are_filled_emptied_and_on_record(gallery: Gallery) -> None:
    gate, yard, _ = cameras(gallery, "gate", "yard", "Tür 2")
    groups = gallery.groups
    assert groups.add("north", ["yard", "gate", "yard"], key_id="k") == GroupInfo("north", ("gate", "yard"))
    assert groups.add("north", ["Tu\u0308r 2"]).cameras == ("Tür 2", "gate", "yard"), "one spelling of a name"
    assert groups.remove("north", ["Tür 2", "gate"]).cameras == ("yard",)
    assert groups.put("north", ["gate"]).cameras == ("gate",)
    assert groups.put("empty", []) == groups.get("empty") == GroupInfo("empty", ())
    assert [group.name for group in groups.list()] == ["empty", "north"]
    assert groups.cameras_of(["north", "empty", "gone"]) == {gate}
    gallery.catalogue.update_camera(gate, name="main gate")
    assert groups.get("north").cameras == ("main gate",)
    gallery.catalogue.remove_camera(gate)
    assert groups.get("north").cameras == ()
    groups.add("north", ["yard"])
    assert groups.cameras_of(["north"]) == {yard}, "an id that is given again is no member"
    made = [(e.key_id, e.detail) for e in gallery.audit.events(subject="north") if e.action == "group.edit"]
    assert made[-1] == ("k", {"joined": ["gate", "yard"], "left": []})
    assert made[1] == (None, {"joined": ["gate"], "left": ["yard"]})
    assert [e.action for e in gallery.audit.events(subject="empty")] == ["group.add"]


def test_what_cannot_be_changes_nothing(gallery: Gallery) -> None:
    cameras(gallery, "gate")
    gallery.groups.add("north", ["gate"])
    events = len(gallery.audit.events())
    for name in ("", "a/b", " x", "a\0", ".."):
        with pytest.raises(InvalidInput):
            gallery.groups.put(name, [])
        for missing in (gallery.groups.get, gallery.groups.delete):
            with pytest.raises(NotFound):
                missing(name)
    for wrong in (["gate", "nowhere"], ["a/b"], ["\0"]):
        with pytest.raises(NotFound):
            gallery.groups.put("south", wrong)
        with pytest.raises(NotFound):
            gallery.groups.remove("north", wrong)
    with pytest.raises(NotFound):
        gallery.groups.remove("south", ["gate"])
    for groups, error in (([], InvalidInput), (["north", "nowhere"], NotFound), (["\0"], NotFound)):
        with pytest.raises(error):
            gallery.keys.create("team", groups=groups)
    assert gallery.groups.list() == [GroupInfo("north", ("gate",))]
    assert (len(gallery.audit.events()), gallery.keys.list()) == (events, [])


def test_a_group_outlives_its_last_valid_key_only(gallery: Gallery) -> None:
    cameras(gallery, "gate")
    gallery.groups.add("north", ["gate"])
    key, _ = gallery.keys.create("team", groups=["north", "north"])
    _, other = gallery.keys.create("everybody")
    assert key.camera_groups == ["north"]
    found = gallery.keys.verify(other)
    assert found is not None
    assert found.camera_groups is None
    with pytest.raises(Conflict, match="team; revoke them first"):
        gallery.groups.delete("north")
    gallery.keys.revoke(key.id)
    gallery.groups.delete("north")
    assert gallery.groups.list() == []
    (created,) = gallery.audit.events(action="key.create", subject=key.id)
    assert created.detail["groups"] == ["north"]


def test_the_last_use_of_a_key_is_noted_to_the_minute(gallery: Gallery) -> None:
    key, secret = gallery.keys.create("team")
    assert key.last_used_at is None
    times = [datetime.now(UTC) + timedelta(seconds=seconds) for seconds in (0, 59, 60, 61)]
    seen = []
    for now in times:
        keys = Keys(gallery._database, clock=lambda now=now: now)  # type: ignore[misc]
        assert keys.verify(secret) is not None
        seen.append(keys.list()[0].last_used_at)
    assert seen == [times[0], times[0], times[2], times[2]]
    assert gallery.keys.verify("sl_" + "a" * 43) is None


def search_of(gallery: Gallery, seen: list[int] | None, *videos: VideoInfo) -> SearchInfo:
    """A search of a key that saw these cameras, and whose hits are the first tracklets of the videos."""
    hits = [RecordedHit(f"{video.id}-0", 0.5, 0) for video in videos]
    change = gallery.snapshot(MODEL.id).change
    asked = replace(SEARCH, model_id=MODEL.id, hits=hits, change=change, cameras=seen)
    return gallery.searches.add(asked)


def test_rooms_hold_what_is_seen_and_no_more(gallery: Gallery) -> None:
    gate, yard, roof = cameras(gallery, "gate", "yard", "roof")
    mine, theirs = (
        store(gallery, name, make_tracklets(seed, 3), camera=gallery.catalogue.camera(camera))
        for seed, (name, camera) in enumerate([("mine", gate), ("theirs", yard)])
    )
    limited = gallery.limited_to(frozenset({gate, roof}))
    nobody = gallery.limited_to(frozenset())
    catalogue = limited.catalogue
    assert [camera.name for camera in catalogue.cameras()] == ["gate", "roof"]
    assert (nobody.catalogue.cameras(), nobody.catalogue.videos()) == ([], [])
    assert [video.id for video in catalogue.videos()] == [mine.id]
    assert [one.name for one in catalogue.coverage(Filters(), MODEL.id).cameras] == ["gate", "roof"]
    within = Filters(camera_ids=frozenset({gate, yard}))
    assert [one.name for one in catalogue.coverage(within, MODEL.id).cameras] == ["gate"]
    assert catalogue.tracklets([f"{mine.id}-0", f"{theirs.id}-0"]).keys() == {f"{mine.id}-0"}
    assert (limited.models.all()[0].videos, limited.models.all()[0].tracklets) == (1, 3)
    assert catalogue.find_video(theirs.content_hash) is None
    assert catalogue.is_indexed(theirs.content_hash, MODEL.id) is None
    for look in (
        lambda: catalogue.camera(yard),
        lambda: catalogue.camera_named("yard"),
        lambda: catalogue.update_camera(yard, site="x"),
        lambda: catalogue.remove_camera(yard),
        lambda: catalogue.videos(camera_id=yard),
        lambda: catalogue.video(theirs.id),
        lambda: catalogue.tracklet(f"{theirs.id}-0"),
        lambda: catalogue.tracklets_of(theirs.id),
        lambda: catalogue.thumbnail_path(f"{theirs.id}-0"),
        lambda: limited.erase_video(theirs.id),
        lambda: limited.correct_video(theirs.id, file_name="x"),
    ):
        with pytest.raises(OutOfSight, match=r"^no "):
            look()
    with pytest.raises(OutOfSight):
        limited.correct_video(mine.id, camera_id=yard)
    with pytest.raises(NotFound):
        limited.snapshot(MODEL.id).vector(f"{theirs.id}-0")
    assert gallery.catalogue.video(theirs.id) == theirs


def test_what_happens_elsewhere_moves_no_change(gallery: Gallery) -> None:
    gate, yard = cameras(gallery, "gate", "yard")
    store(gallery, "mine", make_tracklets(1, 3), camera=gallery.catalogue.camera(gate))
    limited = gallery.limited_to(frozenset({gate}))
    before = limited.snapshot(MODEL.id).change
    theirs = store(gallery, "theirs", make_tracklets(2, 3), camera=gallery.catalogue.camera(yard))
    gallery.erase_video(theirs.id)
    assert limited.snapshot(MODEL.id).change == before < gallery.snapshot(MODEL.id).change
    assert gallery.limited_to(frozenset({yard})).snapshot(MODEL.id).change == 0


def test_searches_marks_and_cases_without_what_is_out_of_sight(gallery: Gallery) -> None:
    gate, yard = cameras(gallery, "gate", "yard")
    mine, theirs, moved = (
        store(gallery, name, make_tracklets(seed, 2), camera=gallery.catalogue.camera(camera))
        for seed, (name, camera) in enumerate([("mine", gate), ("theirs", yard), ("moved", gate)])
    )
    limited = gallery.limited_to(frozenset({gate}))
    narrow = search_of(limited, [gate], mine, moved)
    wide = search_of(gallery, [gate, yard], mine, theirs)
    everything = search_of(gallery, None, mine)
    gone = search_of(gallery, [gate, 12345], mine)
    key = SEARCH.key_id
    assert [s.id for s in limited.searches.page(key, limit=9)] == [gone.id, narrow.id]
    assert [s.id for s in limited.searches.page(key, limit=1)] == [gone.id], "hidden ones take no place"
    assert [s.id for s in limited.searches.page(key, before=gone.id, limit=9)] == [narrow.id]
    assert [s.id for s in limited.searches.recent(9)] == [gone.id, narrow.id]
    case = gallery.cases.add("one", key_id=key)
    for search in (narrow, wide):
        for hit in search.hits:
            gallery.marks.set(search.id, hit.tracklet_id, Verdict.MATCH)
        gallery.cases.put(case.id, ItemKind.SEARCH, search.id)
    assert limited.cases.get(case.id).of(ItemKind.SEARCH) == [narrow.id]
    for hidden in (wide, everything):
        for look in (
            lambda h=hidden: limited.searches.get(h.id),
            lambda h=hidden: limited.searches.page(key, before=h.id, limit=9),
            lambda h=hidden: limited.marks.of(h.id),
            lambda h=hidden: limited.marks.history(h.id),
            lambda h=hidden: limited.marks.undo(h.id),
            lambda h=hidden: limited.marks.set(h.id, f"{mine.id}-0", Verdict.NOT),
            lambda h=hidden: limited.marks.remove(h.id, f"{mine.id}-0"),
            lambda h=hidden: limited.cases.put(case.id, ItemKind.SEARCH, h.id),
            lambda h=hidden: limited.cases.take(case.id, h.id),
        ):
            with pytest.raises(NotFound, match=r"^(no search|case \w+ has no item)"):
                look()
    gallery.correct_video(moved.id, camera_id=yard)
    assert [mark.tracklet_id for mark in limited.marks.of(narrow.id)] == [f"{mine.id}-0"]
    assert [change.tracklet_id for change in limited.marks.history(narrow.id)] == [f"{mine.id}-0"]
    with pytest.raises(NotFound):
        limited.marks.set(narrow.id, f"{moved.id}-0", Verdict.NOT)
    assert limited.searched_videos(narrow) == {mine.id}
    assert limited.still_there(narrow, [f"{moved.id}-0"]).tracklets == {}
    gallery.erase_video(theirs.id)
    assert "1 marked hit" in gallery.cases.get(case.id).notes[0].text
    assert limited.cases.get(case.id).notes == []


def test_jobs_of_cameras_that_are_seen(gallery: Gallery) -> None:
    gate, yard = cameras(gallery, "gate", "yard")
    theirs = store(gallery, "theirs", make_tracklets(1, 1), camera=gallery.catalogue.camera(yard))
    limited = gallery.limited_to(frozenset({gate}))
    mine = limited.jobs.file([recording(gate, "/m/1.mp4")], key_id="k", idempotency_key="i")
    mixed = gallery.jobs.file([recording(gate, "/m/2.mp4"), recording(yard, "/m/3.mp4")])
    other = gallery.jobs.file_reindex(ReindexOptions("m", "b" * 64))
    assert [job.id for job in limited.jobs.list()] == [mine.id]
    assert [job.id for job in gallery.jobs.list()] == [other.id, mixed.id, mine.id]
    assert limited.jobs.file([recording(gate, "/m/1.mp4")], key_id="k", idempotency_key="i").id == mine.id
    with pytest.raises(NotFound, match=f"no camera with id {yard}"):
        limited.jobs.file([recording(yard)])
    for hidden in (mixed, other):
        for look in (limited.jobs.get, limited.jobs.cancel):
            with pytest.raises(OutOfSight, match="no job"):
                look(hidden.id)
    assert not gallery.jobs.get(mixed.id).cancel_requested
    claim = gallery.jobs.claim("w", lease_seconds=60, kinds=[JobKind.INDEX])
    assert claim is not None
    said = f"{theirs.file_name} is indexed already, as video {theirs.id}"
    gallery.jobs.finish(claim, state="skipped", reason=said, video_id=theirs.id, counters={"clips": 3})
    (known,) = gallery.jobs.get(mine.id).recordings
    (told,) = limited.jobs.get(mine.id).recordings
    assert (known.video_id, known.reason) == (theirs.id, said)
    assert (told.video_id, told.reason, told.counters, told.state) == (None, ELSEWHERE, {}, "skipped")
    assert limited.catalogue.coverage(Filters(), MODEL.id).cameras[0].unindexed[0].file_name == "2.mp4"


def test_calibrations_of_all_cameras_are_not_those_of_a_few(gallery: Gallery) -> None:
    (gate,) = cameras(gallery, "gate")
    store(gallery, "mine", make_tracklets(1, 1), camera=gallery.catalogue.camera(gate))
    gallery.calibrations.add(MODEL.id, {"fitted_on": {}})
    limited = gallery.limited_to(frozenset({gate}))
    assert gallery.calibrations.current(MODEL.id) is not None
    assert (limited.calibrations.current(MODEL.id), limited.calibrations.all(MODEL.id)) == (None, [])
