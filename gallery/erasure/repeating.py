"""What certificates of a lost gallery name, as it is in the one that was restored from its backup.

Ids of recordings come from their content, and tracklets are numbered within them, so both outlive a restore;
what the backup does not have is passed over. Numbers mean other people where a recording was indexed anew
between backup and erasure: then its tracklets are not those that the certificate counted, nobody can say
which of them is meant, and the recording goes whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from gallery.catalogue.digests import tracklets_digest
from gallery.erasure.kept import Erased, Stretch
from gallery.erasure.resolving import Resolved, add_parts, cut
from gallery.sql.case_tables import CaseFile
from gallery.sql.database import batches
from gallery.sql.tables import Probe, Search, Video
from gallery.times import microseconds
from gallery.validation import is_tracklet_id


@dataclass(frozen=True, slots=True)
class Repeated:
    """What became of certificates.

    Attributes:
        erased: ids of the erasures that were repeated, as they are called now.
        known: certificates that the gallery has: the backup was taken after them.
        absent: certificates of which the gallery has nothing.
        held: certificates of which legal holds put on since keep a part.
    """

    erased: Sequence[str]
    known: int
    absent: int
    held: Sequence[str]


def resolve_again(session: Session, erased: Erased) -> Resolved:
    """Find what is there of what went."""
    found = Resolved()
    whole = [one.id for one in erased.recordings]
    stretches = {one.recording: one for one in erased.stretches}
    numbered: dict[str, list[str]] = {}
    for one in filter(is_tracklet_id, erased.tracklets):
        numbered.setdefault(one.rpartition("-")[0], []).append(one)
    for video_id in numbered.keys() - stretches.keys():  # the others are found by their time
        if session.get(Video, video_id) is None:
            continue
        if tracklets_digest(session, video_id) == erased.tracklets_sha256.get(video_id):
            add_parts(session, found, numbered[video_id])
        else:
            whole.append(video_id)
    for some in batches(whole):
        found.videos |= {row.id: row for row in session.scalars(select(Video).where(Video.id.in_(some)))}
    for video_id, stretch in stretches.items():
        row = session.get(Video, video_id)
        if row is not None and video_id not in found.videos:
            cut(session, found, row, *_inside(row, stretch))
    for some in batches([one.id for one in erased.photos]):
        found.probes |= {row.id: row for row in session.scalars(select(Probe).where(Probe.id.in_(some)))}
    for some in batches(erased.searches):
        found.searches |= {row.id: row for row in session.scalars(select(Search).where(Search.id.in_(some)))}
    for some in batches(erased.cases):
        found.cases |= {row.id: row for row in session.scalars(select(CaseFile).where(CaseFile.id.in_(some)))}
    return found


def _inside(video: Video, stretch: Stretch) -> tuple[int, int]:
    """A stretch in µs since the first frame, whatever start the recording has now."""
    if stretch.from_us is not None and stretch.to_us is not None:
        return max(0, stretch.from_us), min(video.duration_us, stretch.to_us)
    origin = microseconds(video.start_time)
    first, last = microseconds(stretch.start) - origin, microseconds(stretch.end) - origin
    return max(0, first), min(video.duration_us, last)
