"""Which frames of a tracklet are embedded, by which network, and how often."""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.datasets.frames import MAX_SIDE, read_frame
from models.datasets.records import Tracklet
from models.embedder import Embedder, normalise, tracklet_feature
from models.errors import BadDataset
from models.evaluation.protocols import (
    BATCH_FRAMES,
    EvaluationProtocol,
    TrackletFeatures,
    cosine_distances,
    labels,
)
from models.zoo import LoadedModel
from tests.models.pictures import ColourNetworks, make_tracklet

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def test_protocols_say_which_network_sees_what() -> None:
    found = {one.value: (one.query_is_video, one.gallery_is_video) for one in EvaluationProtocol}
    assert found == {"i2v": (False, True), "v2v": (True, True), "i2i": (False, False)}


def test_a_photo_is_the_first_frame_and_a_video_all_of_them(tmp_path: Path) -> None:
    tracklet = make_tracklet(tmp_path, 1, 1, [RED, GREEN, GREEN])
    features = TrackletFeatures(ColourNetworks())
    assert features.of([tracklet], video=False) == pytest.approx(np.array([[1, 0, 0]]))
    assert features.of([tracklet], video=True) == pytest.approx(np.array([[1, 2, 0]]) / np.sqrt(5))


def test_clips_have_32_frames_and_the_rest_and_weigh_by_their_frames(tmp_path: Path) -> None:
    """33 frames: the mean over frames is 32 red to 1 green, that over clips would be 1 to 1."""
    tracklet = make_tracklet(tmp_path, 1, 1, [RED] * 32 + [GREEN])
    networks = ColourNetworks()
    feature = TrackletFeatures(networks).of([tracklet], video=True)[0]
    assert networks.batches == [[32, 1]]
    assert feature == pytest.approx(np.array([32, 1, 0]) / np.hypot(32, 1), abs=1e-6)


def test_a_tracklet_longer_than_a_batch_is_one_feature(tmp_path: Path) -> None:
    frame = make_tracklet(tmp_path, 1, 1, [RED]).frames
    other = make_tracklet(tmp_path, 2, 1, [GREEN]).frames
    long = Tracklet(1, 1, frame * 200 + other * 100)
    networks = ColourNetworks()
    found = TrackletFeatures(networks).of([Tracklet(2, 2, other), long, Tracklet(2, 1, other)], video=True)
    assert [sum(batch) for batch in networks.batches] == [1 + 3 * 32, 4 * 32, 2 * 32 + 12 + 1]
    assert max(sum(batch) for batch in networks.batches) <= BATCH_FRAMES
    expected = np.array([[0, 1, 0], [2 / np.sqrt(5), 1 / np.sqrt(5), 0], [0, 1, 0]])
    assert found == pytest.approx(expected, abs=1e-6)


def test_each_tracklet_is_embedded_once_for_each_network(tmp_path: Path) -> None:
    first, second = (make_tracklet(tmp_path, i, 1, [RED, BLUE]) for i in (1, 2))
    networks = ColourNetworks()
    features = TrackletFeatures(networks)
    features.embed([first, first], video=True)
    again = Tracklet(first.identity, first.camera, first.frames)
    assert features.of([second, again, first], video=True).shape == (3, 3)
    features.of([first], video=True)
    assert networks.batches == [[2], [2]]
    features.of([first], video=False)
    assert networks.batches == [[2], [2], [0]]


def test_rows_come_in_the_order_asked_for(tmp_path: Path) -> None:
    tracklets = [make_tracklet(tmp_path, i, 1, [value]) for i, value in enumerate([RED, GREEN, BLUE])]
    features = TrackletFeatures(ColourNetworks())
    features.embed(tracklets, video=True)
    order = [tracklets[2], tracklets[0], tracklets[1], tracklets[2]]
    assert features.of(order, video=True).argmax(axis=1).tolist() == [2, 0, 1, 2]


def test_many_tracklets_stay_apart(tmp_path: Path) -> None:
    """More batches than are read ahead, of lengths that share no factor with them."""
    rng = np.random.default_rng(0)
    frames = [make_tracklet(tmp_path, i, 1, [tuple(rng.integers(0, 256, 3))]).frames[0] for i in range(40)]
    chosen = [tuple(frames[i] for i in rng.integers(0, 40, size)) for size in rng.integers(1, 70, 50)]
    tracklets = [Tracklet(1, camera, those) for camera, those in enumerate(chosen)]
    networks = ColourNetworks()
    found = TrackletFeatures(networks).of(tracklets, video=True)
    assert len(networks.batches) > 10
    for feature, tracklet in zip(found, tracklets, strict=True):
        mean = np.mean([read_frame(path)[0, 0] for path in tracklet.frames], axis=0)
        assert feature == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)


def test_progress_is_told_frames_of_videos_and_photos(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    frame = make_tracklet(tmp_path, 1, 1, [RED]).frames
    tracklets = [Tracklet(1, camera, frame * 100) for camera in range(3)]
    features = TrackletFeatures(ColourNetworks(), lambda *told: seen.append(told))
    features.embed(tracklets, video=True)
    features.embed(tracklets, video=False)
    features.embed(tracklets, video=False)
    assert seen == [("videos", 100, 300), ("videos", 200, 300), ("videos", 300, 300), ("images", 3, 3)]


def test_the_embedder_gives_the_features_of_the_gallery(untrained_model: LoadedModel, tmp_path: Path) -> None:
    """What the indexer stores and the service asks with, computed here from pictures on disk."""
    tracklet = make_tracklet(tmp_path, 1, 1, [RED, GREEN, BLUE])
    embedder = Embedder(untrained_model, device="cpu")
    crops = [read_frame(path) for path in tracklet.frames]
    features = TrackletFeatures(embedder)
    video = tracklet_feature(embedder.embed_clips([crops]), [3])
    assert features.of([tracklet], video=True)[0] == pytest.approx(video, abs=1e-6)
    assert features.of([tracklet], video=False)[0] == pytest.approx(
        embedder.embed_images(crops[:1])[0], abs=1e-6
    )
    assert (features.model, features.model_id) == (embedder.name, embedder.id)


def test_distances_are_1_less_the_cosine() -> None:
    rng = np.random.default_rng(0)
    query, gallery = (normalise(rng.normal(size=(n, 8)).astype(np.float32)) for n in (3, 5))
    expected = [[1 - sum(a * b for a, b in zip(q, g, strict=True)) for g in gallery] for q in query]
    assert cosine_distances(query, gallery) == pytest.approx(np.array(expected), abs=1e-6)
    assert cosine_distances(query, gallery).dtype == np.float32


def test_labels_are_those_of_the_tracklets() -> None:
    found = labels([Tracklet(7, 2, (Path("a"),)), Tracklet(0, 1, (Path("b"),))])
    assert (found.identities.tolist(), found.cameras.tolist()) == ([7, 0], [2, 1])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("not a picture")


def _cut(path: Path) -> None:
    Image.effect_noise((64, 128), 90).save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:500])


def _folder(path: Path) -> None:
    path.mkdir()


def _missing(path: Path) -> None:
    assert not path.exists()


def _huge(path: Path) -> None:
    Image.new("1", (MAX_SIDE + 1, 1)).save(path, "PNG")


def _bomb(path: Path) -> None:
    Image.new("1", (20000, 20000)).save(path, "PNG")


@pytest.mark.parametrize("spoil", [_empty, _text, _cut, _folder, _missing, _huge, _bomb])
@pytest.mark.parametrize("video", [True, False])
def test_a_picture_that_cannot_be_read_is_named(spoil: object, video: bool, tmp_path: Path) -> None:
    assert callable(spoil)
    good = make_tracklet(tmp_path, 1, 1, [RED])
    bad = tmp_path / "spoiled.jpg"
    spoil(bad)
    tracklets = [good, Tracklet(2, 1, (bad, *good.frames))]
    with pytest.raises(BadDataset, match=r"spoiled\.jpg"):
        TrackletFeatures(ColourNetworks()).of(tracklets, video=video)
    assert [thread.name for thread in threading.enumerate() if "read-frames" in thread.name] == []


class _Failing(ColourNetworks):
    def embed_clips(self, clips: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
        raise RuntimeError("out of memory")


def test_when_the_network_fails_nobody_goes_on_reading(tmp_path: Path) -> None:
    frame = make_tracklet(tmp_path, 1, 1, [RED]).frames
    tracklets = [Tracklet(1, camera, frame * 32) for camera in range(60)]
    with pytest.raises(RuntimeError, match="out of memory"):
        TrackletFeatures(_Failing()).of(tracklets, video=True)
    assert [thread.name for thread in threading.enumerate() if "read-frames" in thread.name] == []
