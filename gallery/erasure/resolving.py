"""From what somebody wants to be gone to rows: recordings, single tracklets, stretches, photos, cases."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from gallery.catalogue.camera_rows import camera_row
from gallery.errors import InvalidInput, NotFound
from gallery.investigation.cases import photos_of
from gallery.records.cases import ItemKind
from gallery.records.erasure import ErasureKind, ErasureTarget
from gallery.sql.case_tables import CaseFile, CaseItem
from gallery.sql.database import batches
from gallery.sql.tables import Probe, Search, Tracklet, Video
from gallery.times import microseconds
from gallery.validation import is_tracklet_id, known_id, moment

MOST_RECORDINGS: Final = 10_000
MOST_TRACKLETS: Final = 50_000

Seen = tuple[str, int, int, int]  # id, number, start and end in µs since the video's first frame


@dataclass(slots=True)
class Resolved:
    """What a target names, as it is in the database now.

    Attributes:
        videos: that go whole.
        parts: tracklets of videos that stay, by video.
        cuts: stretches of videos that stay, in µs since their first frame.
        stay: the videos that stay.
        probes, searches, cases: by id.
    """

    videos: dict[str, Video] = field(default_factory=dict)
    parts: dict[str, list[Seen]] = field(default_factory=dict)
    cuts: dict[str, tuple[int, int]] = field(default_factory=dict)
    stay: dict[str, Video] = field(default_factory=dict)
    probes: dict[str, Probe] = field(default_factory=dict)
    searches: dict[str, Search] = field(default_factory=dict)
    cases: dict[str, CaseFile] = field(default_factory=dict)


def resolve(session: Session, target: ErasureTarget) -> Resolved:
    """Find what a target names.

    Raises:
        NotFound: something that it names by id is not there.
        InvalidInput: it names nothing, or more than one erasure may take.
    """
    found = Resolved()
    if target.kind == ErasureKind.RECORDINGS:
        _add_videos(session, found, target.ids)
    elif target.kind in {ErasureKind.CAMERA, ErasureKind.STRETCH}:
        _add_stretch(session, found, target)
    elif target.kind == ErasureKind.TRACKLETS:
        _add_tracklets(session, found, target.ids)
    elif target.kind == ErasureKind.CASES:
        for case_id in dict.fromkeys(target.ids):
            _add_case(session, found, case_id)
    elif target.kind == ErasureKind.PERSON:
        _add_tracklets(session, found, target.ids)
        _add_probes_of(session, found, target.search_id)
    else:
        raise InvalidInput(f"no erasure by {target.kind}")
    return found


def _add_videos(session: Session, found: Resolved, ids: Sequence[str]) -> None:
    wanted = [known_id(one, "video") for one in dict.fromkeys(ids)]
    _limit(len(wanted), MOST_RECORDINGS, "recordings")
    for some in batches(wanted):
        found.videos |= {row.id: row for row in session.scalars(select(Video).where(Video.id.in_(some)))}
    if missing := [one for one in wanted if one not in found.videos]:
        raise NotFound(f"no video {missing[0]}")


def _add_stretch(session: Session, found: Resolved, target: ErasureTarget) -> None:
    """What lies wholly inside goes whole; of what the ends cut, the tracklets that were seen inside."""
    start = None if target.start is None else moment(target.start, "start")
    end = None if target.end is None else moment(target.end, "end")
    if start is not None and end is not None and start >= end:
        raise InvalidInput(f"the stretch from {start} to {end} is empty")
    if target.camera_id is None and start is None and end is None:
        raise InvalidInput("a stretch of all cameras has a start or an end")
    query = select(Video).order_by(Video.id).limit(MOST_RECORDINGS + 1)
    if target.camera_id is not None:
        query = query.where(Video.camera_id == camera_row(session, target.camera_id).id)
    if start is not None:
        query = query.where(Video.end_time >= start)
    if end is not None:
        query = query.where(Video.start_time < end)
    rows = session.scalars(query).all()
    _limit(len(rows), MOST_RECORDINGS, "recordings")
    for row in rows:
        inside = (start is None or row.start_time >= start) and (end is None or row.end_time <= end)
        if inside:
            found.videos[row.id] = row
        else:
            origin = microseconds(row.start_time)
            first = 0 if start is None else max(0, microseconds(start) - origin)
            last = row.duration_us if end is None else min(row.duration_us, microseconds(end) - origin)
            cut(session, found, row, first, last)


def cut(session: Session, found: Resolved, video: Video, first: int, last: int) -> None:
    """Add a stretch of a video that stays, in µs since its first frame, and the tracklets seen in it."""
    if first >= last:
        return
    found.stay[video.id] = video
    found.cuts[video.id] = (first, last)
    columns = (Tracklet.id, Tracklet.number, Tracklet.start_us, Tracklet.end_us)
    query = select(*columns).where(
        Tracklet.video_id == video.id, Tracklet.end_us >= first, Tracklet.start_us < last
    )
    rows: list[Seen] = [
        (one, number, begin, stop)
        for one, number, begin, stop in session.execute(query.order_by(Tracklet.number))
    ]
    if rows:
        found.parts[video.id] = rows
    _limit(sum(map(len, found.parts.values())), MOST_TRACKLETS, "single tracklets")


def _add_tracklets(session: Session, found: Resolved, ids: Sequence[str]) -> None:
    wanted = sorted(set(ids))
    _limit(len(wanted), MOST_TRACKLETS, "single tracklets")
    if wrong := [one for one in wanted if not is_tracklet_id(one)]:
        raise NotFound(f"no tracklet {wrong[0]!r}"[:200])
    there = add_parts(session, found, wanted)
    if missing := [one for one in wanted if one not in there]:
        raise NotFound(f"no tracklet {missing[0]}")


def add_parts(session: Session, found: Resolved, wanted: Sequence[str]) -> set[str]:
    """Add single tracklets, by id, of videos that stay; returns those that are there."""
    columns = (Tracklet.video_id, Tracklet.id, Tracklet.number, Tracklet.start_us, Tracklet.end_us)
    there: set[str] = set()
    for some in batches(wanted):
        query = select(*columns).where(Tracklet.id.in_(some)).order_by(Tracklet.video_id, Tracklet.number)
        for video_id, one, number, begin, stop in session.execute(query):
            found.parts.setdefault(video_id, []).append((one, number, begin, stop))
            there.add(one)
    for some in batches(sorted(found.parts)):
        found.stay |= {row.id: row for row in session.scalars(select(Video).where(Video.id.in_(some)))}
    return there


def _add_case(session: Session, found: Resolved, case_id: str) -> None:
    row = session.get(CaseFile, known_id(case_id, "case"))
    if row is None:
        raise NotFound(f"no case {case_id}")
    found.cases[row.id] = row
    items = session.scalars(select(CaseItem).where(CaseItem.case_id == row.id)).all()
    searches = [one.subject_id for one in items if one.kind == ItemKind.SEARCH]
    photos = [one.subject_id for one in items if one.kind == ItemKind.PHOTO]
    for search in session.scalars(select(Search).where(Search.id.in_(searches))):
        found.searches[search.id] = search
        photos += photos_of(search.query)
    found.probes |= {row.id: row for row in session.scalars(select(Probe).where(Probe.id.in_(photos)))}


def _add_probes_of(session: Session, found: Resolved, search_id: str | None) -> None:
    if search_id is None:
        return
    search = session.get(Search, known_id(search_id, "search"))
    if search is None:
        raise NotFound(f"no search {search_id}")
    rows = session.scalars(select(Probe).where(Probe.id.in_(photos_of(search.query))))
    found.probes |= {row.id: row for row in rows}


def _limit(count: int, most: int, what: str) -> None:
    if count > most:
        raise InvalidInput(f"one erasure takes at most {most} {what}: erase a shorter stretch first")
