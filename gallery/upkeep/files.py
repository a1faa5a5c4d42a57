"""Files of videos, probes and models, and the rows of videos, against their checksums."""

import hashlib
from pathlib import Path

from sqlalchemy import select

from gallery.catalogue.digests import rows_digest
from gallery.disk.media import model_directory, thumbnails_directory
from gallery.investigation.probes import probe_file
from gallery.sql.database import Database
from gallery.sql.tables import Model, Probe, Segment, SegmentVideo, Tracklet, Video
from gallery.upkeep.faults import Part, Remedy
from gallery.upkeep.findings import Findings

_LOST = "lost:"


def check_video(database: Database, data_dir: Path, video_id: str, found: Findings) -> None:
    """Compare the strips and the rows of a video with their checksums."""
    with database.read() as session:
        video = session.get(Video, video_id)
        if video is None:
            return  # erased meanwhile
        query = select(Tracklet.number, Tracklet.thumbnail_sha256).where(Tracklet.video_id == video_id)
        strips = dict(session.execute(query).all())
        altered = video.rows_sha256 is not None and rows_digest(session, video_id) != video.rows_sha256
        held = select(SegmentVideo.model_id).where(SegmentVideo.video_id == video_id)
        models = list(session.scalars(held.order_by(SegmentVideo.model_id)))
    found.unsealed += video.rows_sha256 is None
    lost_here = sum(map(is_lost, strips.values()))
    found.lost += lost_here
    if lost_here:
        found.strips.add(video_id)
    wrong = wrong_strips(thumbnails_directory(data_dir, video_id), strips)
    if wrong and is_there(database, Video, video_id):
        what = f"video {video_id}: {len(wrong)} thumbnails are not what was written: {wrong[0]}"
        found.add(Part.FILES, what, Remedy.DRAW)
        found.strips.add(video_id)
    if altered and is_there(database, Video, video_id):
        what = f"video {video_id}: its rows are not what was written"
        found.remake(Part.ROWS, what, [video_id], models[0] if models else "")
    if not models:
        what = f"video {video_id}: no model's vectors of it are here"
        found.add(Part.ROWS, what, advice="run `sightline reindex`")


def wrong_strips(directory: Path, strips: dict[int, str | None]) -> list[str]:
    """Name the files of strips that are missing, changed or too many, but those of strips marked as lost."""
    names = {f"{number}.jpg": digest for number, digest in strips.items()}
    there = {path.name for path in directory.glob("*.jpg")}
    names = {name: digest for name, digest in names.items() if not is_lost(digest)}
    there -= {f"{number}.jpg" for number, digest in strips.items() if is_lost(digest)}
    wrong = there ^ names.keys()
    changed = {
        name for name in there & names.keys() if names[name] not in {None, sha256_of(directory / name)}
    }
    return sorted(wrong | changed)


def lost(digest: str | None) -> str:
    """Return what takes the place of a strip's checksum when it is gone and cannot be drawn anew.

    Most of the checksum stays in it (a column holds 64 characters): the picture may be found again.
    """
    return _LOST + (digest or "")[: 64 - len(_LOST)]


def is_lost(digest: str | None) -> bool:
    """Tell whether a strip is marked as lost."""
    return digest is not None and digest.startswith(_LOST)


def is_found(digest: str | None, found: str | None) -> bool:
    """Tell whether a file's checksum is that of a strip which is marked as lost."""
    return is_lost(digest) and found is not None and digest != _LOST and lost(found) == digest


def check_probe(database: Database, data_dir: Path, probe_id: str, found: Findings) -> None:
    """Compare a probe's photo with its checksum."""
    with database.read() as session:
        probe = session.get(Probe, probe_id)
    if probe is None:
        return
    file = probe_file(data_dir, probe.id, probe.media_type)
    if sha256_of(file) != probe.image_hash and is_there(database, Probe, probe.id):
        what = f"the photo of probe {probe.id} is not what was uploaded"
        found.add(Part.FILES, what, advice="erase the probe, and upload the photo again")


def check_model(database: Database, data_dir: Path, model_id: str, found: Findings) -> None:
    """Compare the files of a model with their checksums."""
    with database.read() as session:
        model = session.get(Model, model_id)
    if model is None or model.files is None:
        return
    folder = model_directory(data_dir, model.id)
    wrong = [name for name, digest in model.files.items() if sha256_of(folder / name) != digest]
    if wrong and is_there(database, Model, model.id):
        what = f"{wrong[0]} of model {model.name} is not what was added"
        found.add(Part.FILES, what, advice=f"put {wrong[0]} back from a backup: its vectors still search")


def sha256_of(file: Path) -> str | None:
    """Hash a file, (hex); None where it cannot be read."""
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError:
        return None


def is_there(database: Database, table: type[Model | Probe | Segment | Video], row_id: str) -> bool:
    """Tell whether a row is there: what was removed meanwhile is no fault."""
    with database.read() as session:
        return session.get(table, row_id) is not None
