"""Writes another model's features of a video that the gallery has; its tracklets stay as they are.

Like `gallery.writing.writer`, with nothing but vectors: a segment in a staging directory, renamed, then made
visible by one transaction. Whatever dies before its end leaves files that no row names; `sweep` removes them.
"""

from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from gallery.catalogue.infos import video_info
from gallery.disk.files import move_durably
from gallery.disk.locks import Staging, video_lock
from gallery.errors import AlreadyIndexed, Conflict, InvalidInput, NotFound
from gallery.jobs.ending import complete
from gallery.records.jobs import Completion
from gallery.records.tracklets import FloatArray, TrackletInfo
from gallery.records.videos import ModelInfo, VideoInfo
from gallery.sql.database import Database
from gallery.sql.tables import SegmentVideo, Video
from gallery.times import microseconds
from gallery.vectors.builder import SegmentBuilder, SegmentContent
from gallery.vectors.embedding import checked_vector
from gallery.vectors.segments import BUILT, Segments
from gallery.writing import rows as writer_rows
from gallery.writing.writer import checked_model


class FeatureWriter:
    """Takes one model's features of the tracklets of one video, as the caller has read them.

    Use as a context manager: leaving it without a commit discards everything. Not to be shared between
    threads.
    """

    def __init__(self, database: Database, segments: Segments, video: VideoInfo, model: ModelInfo) -> None:
        self._database = database
        self._segments = segments
        self._data_dir = segments.data_dir
        self._video = video
        self._model = checked_model(model)
        self._staging: Staging | None = None
        self._builder: SegmentBuilder | None = None
        self._count, self._last = 0, -1

    def __enter__(self) -> Self:
        self._segments.check()  # before anything is embedded in vain
        self._staging = Staging(self._data_dir)
        try:
            self._builder = self._segments.builder(self._staging, self._model.id, self._model.dimension)
        except BaseException:
            self._segments.end(self._staging)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def add(self, tracklet: TrackletInfo, feature: FloatArray, clips: NDArray[np.float32]) -> None:
        """Take the features of the next tracklet; they come in the order of their numbers.

        Args:
            tracklet: as recorded, with its clips.
            feature: (D,), L2-normalised.
            clips: (number of clips, D), rows L2-normalised.

        Raises:
            InvalidInput: a later tracklet came before, or a feature cannot be stored; nothing was taken.
        """
        builder = self._open_builder()
        if tracklet.video_id != self._video.id or tracklet.number <= self._last:
            raise InvalidInput(f"tracklet {tracklet.id} after number {self._last} of video {self._video.id}")
        if len(clips) != len(tracklet.clips):
            raise InvalidInput(
                f"{len(clips)} clips of tracklet {tracklet.id}, which has {len(tracklet.clips)}"
            )
        dimension = self._model.dimension
        whole = checked_vector(feature, dimension, "the feature of a tracklet")
        parts = np.stack([checked_vector(clip, dimension, "the feature of a clip") for clip in clips])
        builder.add(
            whole[np.newaxis].astype(np.float16),
            np.array([[tracklet.start_us], [tracklet.end_us]], np.int64),
            [len(parts)],
            parts.astype(np.float16),
            np.array([tracklet.number], np.int64),
        )
        self._count, self._last = self._count + 1, tracklet.number

    def commit(self, completion: Completion | None = None) -> VideoInfo:
        """Make the features visible.

        Args:
            completion: the recording of a job that this is; it ends if and only if the features are there.

        Raises:
            AlreadyIndexed: the gallery has the video under this model.
            Conflict: its tracklets were replaced since the caller read them, or some are missing.
            NotFound: the video was erased meanwhile.
            LeaseLost: the recording to complete was handed over, ended or cancelled.
            VectorsUnavailable: Milvus does not take the vectors; nothing was written.
        """
        builder = self._open_builder()
        assert self._staging is not None
        segment = self._segments.directory(self._staging.id)
        visible = False
        with video_lock(self._data_dir, self._video.id):  # nobody corrects or replaces the video meanwhile
            with self._database.read() as session:
                row = self._unchanged(session)
            manifest = builder.finish(
                [SegmentContent(row.id, row.camera_id, self._count, microseconds(row.start_time))]
            )
            try:
                move_durably(self._staging.directory / BUILT, segment)
                with self._database.write() as session:
                    row = self._unchanged(session)
                    if completion is not None:
                        complete(session, completion, row.id)
                    writer_rows.insert_model(session, self._model)
                    writer_rows.insert_segment(session, row.id, self._staging.id, manifest)
                    visible = True
            finally:
                # A commit that was interrupted may have succeeded all the same: then the sweep finds out.
                if not visible:
                    self._segments.discard(self._staging.id)
        self._close()
        return video_info(row)

    def _unchanged(self, session: Session) -> Video:
        """The video's row, if its tracklets are those that were read and it needs these features."""
        row = session.get(Video, self._video.id)
        if row is None:
            raise NotFound(f"no video {self._video.id}")
        if session.get(SegmentVideo, (row.id, self._model.id)) is not None:
            raise AlreadyIndexed(f"video {row.id} has features of this model already", row.id)
        if row.indexed_at != self._video.indexed_at:
            raise Conflict(f"video {row.id} was indexed anew meanwhile")
        if self._count != row.tracklet_count:
            raise Conflict(
                f"features of {self._count} of the {row.tracklet_count} tracklets of video {row.id}"
            )
        return row

    def _open_builder(self) -> SegmentBuilder:
        if self._builder is None:
            raise InvalidInput("the writer is not open: use it in a with statement, and commit once")
        return self._builder

    def _close(self) -> None:
        if self._builder is not None:
            self._builder.close()
            self._builder = None
        if self._staging is not None:
            self._segments.end(self._staging)
