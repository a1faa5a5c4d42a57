"""Writes one video: all of it becomes visible in one transaction, or nothing ever was there.

While tracklets are added, everything goes into a staging directory of our own. The commit then

1. waits until every file is on the disk;
2. locks the video, so that of several writers of the same recording one goes on and the others give up;
3. renames the segment and the thumbnails to their places, where nobody looks yet;
4. inserts all rows and advances the change sequence in one transaction.

Whatever dies before the end of step 4 leaves files that no row names; `sweep` removes them.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from types import TracebackType
from typing import Self

from sqlalchemy.orm import Session

from gallery.catalogue.infos import report_column, video_info
from gallery.disk.files import discard_tree, move_durably
from gallery.disk.locks import Staging, staging_root, video_lock
from gallery.disk.media import pending_thumbnails, thumbnails_directory
from gallery.errors import InvalidInput
from gallery.jobs.ending import complete
from gallery.records.jobs import Completion
from gallery.records.tracklets import NewTracklet
from gallery.records.videos import ModelInfo, NewVideo, VideoInfo
from gallery.sql.database import Database
from gallery.times import microseconds
from gallery.validation import json_object, moment, text
from gallery.vectors.builder import SegmentContent
from gallery.vectors.segment import Manifest
from gallery.vectors.segments import BUILT, Segments
from gallery.writing import rows as writer_rows
from gallery.writing.leaving import leave_segments
from gallery.writing.spool import Spool
from gallery.writing.thumbnails import settle_thumbnails

ID_LENGTH = 32
MAX_DIMENSION = 65536


class VideoWriter:
    """Takes the tracklets of one video. Use as a context manager: leaving it without a commit discards
    everything.

    Not to be shared between threads. Memory does not grow with the length of the video.
    """

    def __init__(self, database: Database, segments: Segments, content_hash: str, model: ModelInfo) -> None:
        self._content_hash = checked_content_hash(content_hash)
        self._model = checked_model(model)
        self._database = database
        self._segments = segments
        self._data_dir = segments.data_dir
        self.video_id = content_hash[:ID_LENGTH]
        self._staging: Staging | None = None
        self._spool: Spool | None = None

    def __enter__(self) -> Self:
        self._segments.check()  # before anything is embedded in vain
        self._staging = Staging(self._data_dir)
        try:
            builder = self._segments.builder(self._staging, self._model.id, self._model.dimension)
            self._spool = Spool(self._staging.directory, builder, self._model.dimension)
        except BaseException:
            self._segments.end(self._staging)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def add(self, tracklet: NewTracklet) -> str:
        """Take a tracklet and return its id; numbers run from 0 in the order of adding.

        Raises:
            InvalidInput: something of it cannot be stored; nothing was taken.
        """
        return f"{self.video_id}-{self._open_spool().add(tracklet)}"

    def commit(
        self, video: NewVideo, completion: Completion | None = None, *, replace: bool = False
    ) -> VideoInfo:
        """Make the video visible, with all its tracklets.

        A video that is in the gallery under another model gets this model's embeddings besides, provided that
        its tracklets are the same.

        Args:
            video: the recording, now that all of it is known.
            completion: the recording of a job that this video is; it ends if and only if the video is there.
            replace: put the video in the place of what the gallery has of it, in the same transaction. Other
                models' embeddings go if the tracklets, the start or the camera are others.

        Raises:
            AlreadyIndexed: the gallery has the video under this model; what was added is discarded.
            Conflict: the gallery has the video under another model, with other tracklets.
            LeaseLost: the recording to complete was handed over, ended or cancelled.
            InvalidInput: something of it cannot be stored.
            NotFound: no such camera.
            VectorsUnavailable: Milvus does not take the vectors; nothing was written.
        """
        spool = self._open_spool()
        checked = self._checked(video)
        origin = microseconds(checked.start_time)
        spool.close()
        manifest = spool.builder.finish(
            [SegmentContent(self.video_id, checked.camera_id, spool.count, origin)]
        )
        spool.sync_thumbnails()
        with video_lock(self._data_dir, self.video_id):
            return self._publish(checked, spool, manifest, completion, replace=replace)

    def _publish(
        self,
        video: NewVideo,
        spool: Spool,
        manifest: Manifest,
        completion: Completion | None,
        *,
        replace: bool,
    ) -> VideoInfo:
        assert self._staging is not None
        staging = staging_root(self._data_dir)
        with self._database.read() as session:
            known = writer_rows.is_known(session, self.video_id, self._model.id, replace=replace)
        segment = self._segments.directory(self._staging.id)
        # What replaces thumbnails waits beside them until the transaction has decided.
        place = pending_thumbnails if known else thumbnails_directory
        thumbnails = place(self._data_dir, self.video_id)
        lone: list[str] = []
        at_commit = False
        try:
            move_durably(self._staging.directory / BUILT, segment)
            if replace or not known:
                # Without a row and under the lock, what may be there was left by somebody who died.
                discard_tree(thumbnails, staging)
                move_durably(spool.thumbnails, thumbnails)
            with self._database.write() as session:
                if completion is not None:
                    complete(session, completion, self.video_id)
                info, lone = self._insert(session, video, spool, manifest, known=known, replace=replace)
                at_commit = True
        finally:
            # A commit that was interrupted may have succeeded all the same: then the sweep finds out.
            if not at_commit:
                self._segments.discard(self._staging.id)
                if replace or not known:
                    discard_tree(thumbnails, staging)
        if known and replace:
            settle_thumbnails(self._database, self._data_dir, self.video_id)
        for segment_id in lone:
            self._segments.discard(segment_id)
        self._close()
        return info

    def _insert(
        self,
        session: Session,
        video: NewVideo,
        spool: Spool,
        manifest: Manifest,
        *,
        known: bool,
        replace: bool,
    ) -> tuple[VideoInfo, list[str]]:
        """Write all rows; returns the video, and the segments that hold nothing any more."""
        assert self._staging is not None
        writer_rows.insert_model(session, self._model)
        left: list[str] = []
        since: int | None = None
        if known and replace:
            replaced = writer_rows.replace_video(session, video, spool, self._model.id)
            row, left, since = replaced.row, replaced.left, replaced.change
        elif known:
            row = writer_rows.compare_video(session, video, spool)
            since = row.tracklets_change
        else:
            row = writer_rows.insert_video(session, video, spool)
        change = writer_rows.insert_segment(session, row.id, self._staging.id, manifest)
        row.tracklets_change = change if since is None else since
        return video_info(row), leave_segments(session, row.id, left, change)

    def _checked(self, video: NewVideo) -> NewVideo:
        if video.content_hash != self._content_hash:
            raise InvalidInput("the content hash is not the one the writer was made for")
        counts = (video.frames_decoded, video.frames_bad, video.width - 1, video.height - 1)
        large = (video.size_bytes, video.duration_us)
        if min(*counts, *large) < 0 or max(counts) >= 2**31 or max(large) >= 2**62:
            raise InvalidInput(f"a video cannot have such sizes and counts: {video}"[:1000])
        start = moment(video.start_time, "the start of a video")
        try:
            moment(start + timedelta(microseconds=video.duration_us), "the end of a video")
        except OverflowError as error:
            raise InvalidInput(f"a video of {video.duration_us} µs") from error
        report_column(video.report)
        return replace(
            video,
            file_name=text(video.file_name, "the file name of a video"),
            path=text(video.path, "the path of a video", longest=4096),
            start_time=start,
            intervals=_checked_intervals(video),
        )

    def _open_spool(self) -> Spool:
        if self._spool is None:
            raise InvalidInput("the writer is not open: use it in a with statement, and commit once")
        return self._spool

    def _close(self) -> None:
        if self._spool is not None:
            self._spool.close()
            self._spool = None
        if self._staging is not None:
            self._segments.end(self._staging)


def _checked_intervals(video: NewVideo) -> Sequence[tuple[int, int]]:
    """Return when a video has pictures: ascending, apart, not empty, within the video."""
    if video.intervals is None:
        return [(0, video.duration_us)] if video.duration_us else []
    ends = [0]
    for start, end in video.intervals:
        if not ends[-1] <= start < end <= video.duration_us or (start == ends[-1] and len(ends) > 1):
            raise InvalidInput(f"the intervals of a video must ascend within it: {start} to {end} µs")
        ends.append(end)
    return [(int(start), int(end)) for start, end in video.intervals]


def checked_content_hash(content_hash: str) -> str:
    """Return a SHA-256 in lower-case hex, or raise InvalidInput."""
    if re.fullmatch("[0-9a-f]{64}", content_hash) is None:
        raise InvalidInput(f"a content hash is 64 hex digits, not {content_hash!r}"[:200])
    return content_hash


def checked_model(model: ModelInfo) -> ModelInfo:
    """Return a model that can be recorded, or raise InvalidInput."""
    if not 1 <= model.dimension <= MAX_DIMENSION:
        raise InvalidInput(f"a model with {model.dimension} dimensions")
    return replace(
        model,
        id=text(model.id, "the id of a model", longest=64),
        name=text(model.name, "the name of a model"),
        card=json_object(model.card, "the card of a model"),
    )
