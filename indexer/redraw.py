"""Thumbnail strips drawn again, from the recording and the boxes that the gallery keeps."""

from dataclasses import dataclass

from gallery import Gallery, VideoInfo
from indexer.clips import Stretch
from indexer.errors import UnreadableRecording
from indexer.kept import Asked
from indexer.recrop import read_kept
from indexer.settings import IndexSettings
from indexer.settle import thumbnail
from models.preprocessing import Preprocessing


@dataclass(frozen=True, slots=True)
class Redrawn:
    """What became of the strips of a video that were not what was written.

    Attributes:
        same: drawn, or found again, to the byte as they were.
        other: drawn, and other pictures than before: of another size, or by other versions of libraries.
        lost: marked as lost.
        reason: why any were lost.
    """

    same: int
    other: int
    lost: int
    reason: str = ""


def redraw(
    gallery: Gallery, video: VideoInfo, preprocessing: Preprocessing, settings: IndexSettings
) -> Redrawn:
    """Draw the strips of a video that are missing, changed or lost; nothing else of it changes.

    Args:
        gallery: which has the video.
        video: as recorded.
        preprocessing: of the model in use: crops have its size.
        settings: limits of the decoder.
    """
    same, other = gallery.strips.tidy(video.id), 0
    left = gallery.strips.wrong(video.id)
    if not left:
        return Redrawn(same, other, 0)
    reason = "no picture of them is in the recording"
    try:
        for kept in read_kept(gallery, video, settings, Asked(preprocessing, wanted=left)):
            if kept.tracklet.id not in left or not kept.samples or kept.tracklet.boxes is None:
                continue
            drawn = thumbnail(Stretch(kept.tracklet.boxes, kept.samples, 0.0))
            was = gallery.strips.put(kept.tracklet.id, drawn)
            same, other, left = same + was, other + (not was), left - {kept.tracklet.id}
    except UnreadableRecording as error:
        reason = str(error)
    for tracklet_id in left:
        gallery.strips.lose(tracklet_id)
    return Redrawn(same, other, len(left), reason if left else "")
