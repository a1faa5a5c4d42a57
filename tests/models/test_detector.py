"""Detectors by name, and what all of them share."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.detector import create_detector
from models.detectors.base import Detections, finish, in_batches, nms
from models.errors import DetectorError, UnknownModel
from models.preprocessing import Crop

FRAME = np.zeros((100, 200, 3), np.uint8)


def boxes(*rows: tuple[float, float, float, float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(rows, dtype=np.float32).reshape(-1, 4)


def test_the_default_comes_with_the_project() -> None:
    detector = create_detector(threads=1)
    assert detector.name == "nanodet-g-416"
    assert detector.device in {"cpu", "cuda:0"}
    assert create_detector("nanodet", input_size=640, device="cpu", threads=1).name == "nanodet-g-640"


@pytest.mark.parametrize("spec", ["", "yolo", "onnx", "onnx:", "openvino:", "torchvision:", "nanodet:x", ":"])
def test_unknown_names_list_the_known(spec: str) -> None:
    with pytest.raises(UnknownModel, match="there are nanodet, onnx:PATH, openvino:PATH, torchvision:NAME"):
        create_detector(spec)


@pytest.mark.parametrize(
    ("size", "threshold"),
    [(0, 0.5), (-32, 0.5), (100_000, 0.5), (416, 1.0), (416, -0.1), (416, float("nan"))],
)
def test_impossible_settings_are_refused(size: int, threshold: float) -> None:
    with pytest.raises(DetectorError, match="input size"):
        create_detector(input_size=size, threshold=threshold)


@pytest.mark.parametrize("kind", ["onnx", "openvino"])
def test_files_that_are_not_there_are_named(kind: str, tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match=f"no file {tmp_path}/x"):
        create_detector(f"{kind}:{tmp_path}/x")


def test_boxes_return_to_the_frame_they_came_from() -> None:
    """Each axis by its own ratio, then clipped; what lies outside altogether is gone."""
    found = finish(
        boxes((10, 20, 30, 40), (-5, -5, 4, 4), (90, 90, 300, 300), (-20, 0, -10, 10)),
        np.array([0.5, 0.9, 0.8, 0.7], np.float32),
        FRAME,
        (2.0, 0.5),
        nms_iou=None,
    )
    assert found.boxes.tolist() == [[0, 0, 8, 2], [180, 45, 200, 100], [20, 10, 60, 20]]
    assert found.scores.tolist() == pytest.approx([0.9, 0.8, 0.5])


def test_doubles_go_before_boxes_are_scaled() -> None:
    """IoU 0.6 in the input; clipping or uneven scaling must not change who is a double of whom."""
    pair = boxes((0, 0, 10, 10), (0, 2.5, 10, 12.5))
    found = finish(pair, np.array([0.6, 0.8], np.float32), FRAME, (1.0, 1.0), nms_iou=0.5)
    assert found.boxes.tolist() == [[0, 2.5, 10, 12.5]]
    assert len(finish(pair, np.array([0.6, 0.8], np.float32), FRAME, (1.0, 1.0), nms_iou=0.61).boxes) == 2


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_an_error(bad: float) -> None:
    with pytest.raises(DetectorError, match="not finite"):
        finish(boxes((0, 0, bad, 1)), np.array([0.5], np.float32), FRAME, (1, 1), nms_iou=0.5)
    with pytest.raises(DetectorError, match="not finite"):
        finish(boxes((0, 0, 1, 1)), np.array([bad], np.float32), FRAME, (1, 1), nms_iou=None)


@given(st.integers(0, 25), st.floats(0.1, 0.9), st.integers(0, 10_000))
def test_nms_equals_its_definition(count: int, threshold: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 20, (count, 2))
    rows = np.concatenate([corners, corners + rng.uniform(1, 16, (count, 2))], axis=1).astype(np.float32)
    scores = rng.uniform(0, 1, count).round(1).astype(np.float32)  # with ties
    kept: list[int] = []
    for index in sorted(range(count), key=lambda i: (-scores[i], i)):
        if all(overlap(rows[index], rows[other]) <= threshold for other in kept):
            kept.append(index)
    assert nms(rows, scores, threshold).tolist() == kept


def overlap(a: np.ndarray[tuple[int, ...], np.dtype[np.float32]], b: object) -> float:
    other = np.asarray(b, dtype=np.float32)
    sides = np.maximum(0, np.minimum(a[2:], other[2:]) - np.maximum(a[:2], other[:2]))
    shared = sides[0] * sides[1]
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, other)]
    return float(shared / (areas[0] + areas[1] - shared))


def test_batches_keep_the_order_of_frames() -> None:
    sizes = [(2, 2), (3, 3), (2, 2), (2, 2), (3, 3), (2, 2)]
    frames = [np.full((*size, 3), index, np.uint8) for index, size in enumerate(sizes)]
    runs: list[list[int]] = []

    def run(part: list[Crop], shape: tuple[int, int]) -> list[Detections]:
        assert {frame.shape[:2] for frame in part} == {shape}
        runs.append([int(frame[0, 0, 0]) for frame in part])
        return [Detections(boxes(), np.array([frame[0, 0, 0]], np.float32)) for frame in part]

    found = in_batches(frames, lambda frame: (frame.shape[0], frame.shape[1]), run, 3)
    assert [int(result.scores[0]) for result in found] == [0, 1, 2, 3, 4, 5]
    assert runs == [[0, 2, 3], [5], [1, 4]]
