"""The networks that ship: the same bits whatever runs beside them."""

from pathlib import Path

import numpy as np
import pytest

from gallery import Gallery, GallerySettings
from indexer.networks import make_detector, make_embedder
from indexer.pipeline import index_video
from indexer.settings import IndexSettings
from indexer.types import Recording
from tests.indexer.conftest import START
from tests.indexer.contents import contents
from tests.indexer.fakes import ColourDetector
from tests.indexer.videos import make_video

SETTINGS = IndexSettings(device="cpu", embed_fps=2.0)


@pytest.mark.long
def test_the_real_network_gives_the_same_bytes_alone_and_side_by_side(
    crowd_video: Path, tmp_path: Path
) -> None:
    embedder = make_embedder(SETTINGS)
    found = []
    for workers in (1, 2, 3):
        settings = SETTINGS.model_copy(update={"workers": workers})
        where = GallerySettings(data_dir=tmp_path / str(workers), database_url=None)
        with Gallery.open(where, create=True) as gallery:
            camera = gallery.catalogue.get_or_add_camera("gate")
            recording = Recording(crowd_video, camera.id, START, crowd_video.name)
            report = index_video(gallery, embedder, ColourDetector(), recording, settings)
            assert report.video.tracklet_count == 3
            assert not report.warnings
            found.append(contents(gallery))
    assert found[0] == found[1] == found[2]


@pytest.mark.long
def test_a_gallery_of_either_runtime_is_searched_by_the_other(
    crowd_video: Path, tmp_path: Path, exported_networks: Path
) -> None:
    """One model, one gallery: whichever embedded a recording or a photo, the answer is the same."""
    answers = []
    for runtime in ("torch", "auto"):
        settings = SETTINGS.model_copy(update={"runtime": runtime})
        embedder = make_embedder(settings, exported_networks)
        with Gallery.open(
            GallerySettings(data_dir=tmp_path / runtime, database_url=None), create=True
        ) as gallery:
            camera = gallery.catalogue.get_or_add_camera("gate")
            recording = Recording(crowd_video, camera.id, START, crowd_video.name)
            index_video(gallery, embedder, ColourDetector(), recording, settings)
            snapshot = gallery.snapshot(embedder.id)
            for asked in ("torch", "onnx"):
                other = make_embedder(SETTINGS.model_copy(update={"runtime": asked}), exported_networks)
                assert (other.id, other.runtime) == (embedder.id, asked)
                probe = other.embed_images([np.full((90, 40, 3), (200, 30, 30), np.uint8)])[0]
                hits = snapshot.search(probe, limit=10).hits
                order = [gallery.catalogue.tracklet(hit.tracklet_id).number for hit in hits]
                answers.append((order, [(hit.score, hit.standard_score) for hit in hits]))
    assert len(answers) == 4
    for order, scores in answers[1:]:
        assert order == answers[0][0]
        np.testing.assert_allclose(scores, answers[0][1], atol=1e-3)  # vectors are kept in half precision


def test_the_real_detector_takes_no_drawing_for_a_person(sqlite_gallery: Gallery, tmp_path: Path) -> None:
    video = make_video(tmp_path / "wall.mp4", [], frames=12)
    camera = sqlite_gallery.catalogue.get_or_add_camera("gate")
    recording = Recording(video, camera.id, START, video.name)
    detector = make_detector(SETTINGS, 320)
    report = index_video(sqlite_gallery, make_embedder(SETTINGS), detector, recording, SETTINGS)
    assert report.video.tracklet_count == 0
    assert report.video.report.detector == "nanodet-g-320, changes"
    whole = SETTINGS.model_copy(update={"detect_changes": False})
    other = Recording(make_video(tmp_path / "door.mp4", [], frames=13), camera.id, START, "door.mp4")
    report = index_video(sqlite_gallery, make_embedder(SETTINGS), detector, other, whole)
    assert report.video.report.detector == detector.name == "nanodet-g-320"
