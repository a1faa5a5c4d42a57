"""Import of MARS-style folders of crops: tracklets without a video.

What such a folder does not say is not made up. All tracklets of a camera begin at the start time that the
user gives, for when they were recorded is unknown; frames follow each other at the given rate; boxes have the
crops' sizes and lie at 0, 0. There is nothing to play: the video's path is the folder, and its report says
"crops".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from gallery import BOX_DTYPE, Gallery, NewTracklet, NewVideo, VideoReport
from indexer.clips import Sample, Stretch, cut
from indexer.embedding import ClipEmbedder, Settled, embed_in, new_tracklet
from indexer.errors import MalformedImport
from indexer.estimate import UNFINISHED
from indexer.flow import Flow, Pipe
from indexer.importers.crops import CropTracklet, LeftOut, digest_of, read_crop, scan, size_of
from indexer.names import shown
from indexer.pipeline import IndexReport, already_indexed, model_info
from indexer.progress import Progress, Silent
from indexer.sampling import whole
from indexer.settings import IndexSettings
from indexer.stages import POLL_SECONDS
from models.preprocessing import Preprocessing

MARS_FPS = 25.0


@dataclass(frozen=True, slots=True)
class CropFolder:
    """A folder to import: crops below `root`, camera n of which becomes the camera `camera_prefix` + n.

    With a `salt` the crops count as new, even if the gallery has the same ones.
    """

    root: Path
    camera_prefix: str
    start_time: datetime
    fps: float = MARS_FPS
    salt: str = ""


def import_crops(
    gallery: Gallery,
    embedder: ClipEmbedder,
    folder: CropFolder,
    settings: IndexSettings,
    *,
    progress: Progress | None = None,
) -> list[IndexReport]:
    """Import a folder of crops: one video a camera, tracklets numbered by person and tracklet number.

    Every crop is embedded, whatever `settings.embed_fps` says. A camera whose crops are in the gallery
    already is left alone, so an interrupted import goes on where it stopped.

    A crop that cannot be read, or whose name is not in the scheme, is left out; the reports say so.

    Raises:
        MalformedImport: there are no crops, or none of a camera can be read; cameras before it are kept,
            nothing of its own camera is.
        Cancelled: `progress` asked for it; likewise.
        GalleryError: the gallery refused or could not be reached; likewise.
    """
    found = scan(folder.root)
    return [
        _import_camera(
            gallery,
            embedder,
            folder,
            settings,
            _Source(number, found.cameras[number], found.notes, LeftOut()),
            progress=progress or Silent(),
        )
        for number in sorted(found.cameras)
    ]


def import_tracklets(
    gallery: Gallery,
    embedder: ClipEmbedder,
    folder: CropFolder,
    cameras: Mapping[int, Sequence[CropTracklet]],
    settings: IndexSettings,
    *,
    progress: Progress | None = None,
) -> list[IndexReport]:
    """Import tracklets by camera, whatever the file names of their crops, as `import_crops` does.

    Tracklets are numbered from 0 within each camera's video, in their order. Raises like `import_crops`, and
    MalformedImport for any crop that cannot be read.
    """
    return [
        _import_camera(
            gallery,
            embedder,
            folder,
            settings,
            _Source(number, cameras[number]),
            progress=progress or Silent(),
        )
        for number in sorted(cameras)
    ]


@dataclass(slots=True)
class _Source:
    """One camera's tracklets, and what has been read of them so far.

    `notes` say what was left out of the folder; `left_out` takes crops that cannot be read, None raises.
    """

    number: int
    tracklets: Sequence[CropTracklet]
    notes: Sequence[str] = ()
    left_out: LeftOut | None = None
    frames: int = 0
    bad: int = 0
    kept: int = 0
    width: int = 1
    height: int = 1
    duration_us: int = 0
    clips: int = 0

    @property
    def fraction(self) -> float:
        """Part of the crops that has been read."""
        return (self.frames + self.bad) / sum(len(tracklet.paths) for tracklet in self.tracklets)

    def numbers(self) -> dict[str, int]:
        """Counters as those of a recording."""
        return {
            "frames_decoded": self.frames,
            "frames_bad": self.bad,
            "tracklets": self.kept,
            "clips": self.clips,
        }


def _import_camera(
    gallery: Gallery,
    embedder: ClipEmbedder,
    folder: CropFolder,
    settings: IndexSettings,
    source: _Source,
    *,
    progress: Progress,
) -> IndexReport:
    progress.update("hash", 0.0, {})
    digest = digest_of(source.tracklets, folder.salt)
    known = gallery.catalogue.is_indexed(digest, embedder.id)
    if known is not None:
        return already_indexed(known)
    flow = Flow()
    with gallery.writer(digest, model_info(embedder)) as writer:
        with flow:
            for done in _embedded(flow, source, folder.fps, embedder, settings):
                progress.update("index", UNFINISHED * source.fraction, source.numbers())
                for tracklet in done.tracklets if done is not None else ():
                    with flow.clock("store"):
                        writer.add(tracklet)
        if not source.kept:
            raise MalformedImport(f"{shown(folder.root)}: no crop of camera {source.number} can be read")
        progress.update("commit", UNFINISHED, source.numbers())
        camera = gallery.catalogue.get_or_add_camera(f"{folder.camera_prefix}{source.number}")
        with flow.clock("store"):
            info = writer.commit(_video(folder, source, camera.id, digest))
    return IndexReport(info, False, info.report.warnings, source.numbers(), dict(flow.seconds))


def _embedded(
    flow: Flow, source: _Source, fps: float, embedder: ClipEmbedder, settings: IndexSettings
) -> Iterator[Settled[NewTracklet] | None]:
    """Read in one thread, embed in another."""
    read: Pipe[Settled[Stretch]] = flow.pipe(settings.queue_tracks)
    embedded: Pipe[Settled[NewTracklet]] = flow.pipe(settings.queue_tracks)

    def read_all() -> None:
        for tracklet in source.tracklets:
            made = _read(tracklet, source, fps, embedder.preprocessing)
            if not made.samples:
                continue
            source.kept += 1
            source.clips += -(-len(made.samples) // settings.clip_frames)
            read.put(Settled([made], 0))

    def embed_all() -> None:
        for done in embed_in(
            flow,
            read,
            embedder,
            settings,
            clips_of=lambda stretch: cut(stretch.samples, settings.clip_frames),
            made_of=new_tracklet,
        ):
            embedded.put(done)

    flow.stage("decode", read_all, out=read)
    flow.stage("embed", embed_all, out=embedded)
    return embedded.poll(POLL_SECONDS)


def _read(tracklet: CropTracklet, source: _Source, fps: float, preprocessing: Preprocessing) -> Stretch:
    """Read the crops of a tracklet; its first frame is at time 0."""
    rows: list[tuple[int, int, float, float, float, float, float]] = []
    samples: list[Sample] = []
    for frame, path in zip(tracklet.frames, tracklet.paths, strict=True):
        try:
            crop = read_crop(path)
        except MalformedImport:
            if source.left_out is None:
                raise
            source.left_out.add(path, "that cannot be read")
            source.bad += 1
            continue
        height, width = crop.shape[:2]
        time_us = round((frame - tracklet.frames[0]) / fps * 1e6)
        samples.append(whole(crop, time_us, len(rows), preprocessing))
        rows.append((time_us, frame - 1, 0.0, 0.0, width, height, 1.0))
        source.frames += 1
        source.width, source.height = max(source.width, width), max(source.height, height)
        source.duration_us = max(source.duration_us, time_us + round(1e6 / fps))
    return Stretch(np.array(rows, dtype=BOX_DTYPE), samples, 1e6 / fps)


def _video(folder: CropFolder, source: _Source, camera_id: int, digest: str) -> NewVideo:
    return NewVideo(
        content_hash=digest,
        camera_id=camera_id,
        file_name=f"{folder.root.name}, camera {source.number}",
        path=str(folder.root.absolute()),
        owned=False,
        size_bytes=size_of(source.tracklets),
        start_time=folder.start_time,
        duration_us=source.duration_us,
        width=source.width,
        height=source.height,
        frames_decoded=source.frames,
        frames_bad=source.bad,
        report=VideoReport(
            detector="crops",
            clips=source.clips,
            warnings=[
                "imported crops: times are not those of the recording, and there is no video to play",
                *source.notes,
                *(source.left_out.notes() if source.left_out is not None else ()),
            ],
        ),
    )
