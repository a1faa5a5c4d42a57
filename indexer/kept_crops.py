"""Crops of imported tracklets, read again from their folder as they are."""

from collections.abc import Iterator
from pathlib import Path

from gallery import Catalogue, VideoInfo
from indexer.clips import Sample
from indexer.errors import MalformedImport, UnreadableRecording
from indexer.importers.crops import CropTracklet, digest_of, read_crop, scan, size_of
from indexer.kept import Asked, Kept, tracklets_of
from indexer.names import shown
from indexer.sampling import whole
from models.preprocessing import Preprocessing


def read_folder(catalogue: Catalogue, video: VideoInfo, asked: Asked) -> Iterator[Kept]:
    """Yield the tracklets of a folder of crops; see `indexer.kept.read_kept`.

    Raises:
        UnreadableRecording: the folder is gone, or its crops are not those that were imported.
    """
    sources = iter(_camera_of(video))
    for tracklet in tracklets_of(catalogue, video.id):
        samples = _first_readable(sources, asked.preprocessing)
        asked.seen(tracklet.end_us)
        if asked.wanted is not None and tracklet.id not in asked.wanted:
            continue
        collector = asked.collect(tracklet)
        for taken in samples:
            collector.add(taken)
        yield Kept(tracklet, collector.samples())


def _camera_of(video: VideoInfo) -> list[CropTracklet]:
    """The tracklets of the one camera of the folder whose crops are the video."""
    name = shown(video.file_name)
    try:
        cameras = scan(Path(video.path)).cameras.values()
        for tracklets in cameras:
            if size_of(tracklets) == video.size_bytes and digest_of(tracklets) == video.content_hash:
                return list(tracklets)
    except MalformedImport as error:
        raise UnreadableRecording(f"{name}: the imported crops are gone ({error})") from error
    raise UnreadableRecording(f"{name}: the crops have changed since they were imported")


def _first_readable(sources: Iterator[CropTracklet], preprocessing: Preprocessing) -> list[Sample]:
    """The crops of the next tracklet that has any that can be read: others were left out of the import."""
    for source in sources:
        samples: list[Sample] = []
        for path in source.paths:
            try:
                crop = read_crop(path)
            except MalformedImport:
                continue
            samples.append(whole(crop, 0, len(samples), preprocessing))
        if samples:
            return samples
    return []
