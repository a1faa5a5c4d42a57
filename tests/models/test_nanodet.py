"""NanoDet-g: each step by hand, then the whole against a literal form that shares no code with it."""

import itertools
import json
from collections.abc import Callable
from hashlib import sha256

import av
import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.detectors import nanodet
from models.detectors.base import FloatArray
from models.detectors.nanodet import (
    BINS,
    STRIDES,
    WEIGHTS,
    NanoDet,
    decode,
    expectation,
    input_shape,
    prepare,
)
from models.errors import BadImage, DeviceUnavailable
from models.preprocessing import Crop

MakeCrop = Callable[..., Crop]


@pytest.fixture(scope="module")
def detector() -> NanoDet:
    """At a threshold low enough that drawn pictures give boxes."""
    return NanoDet(input_size=320, threshold=0.02, threads=1)


def sharp(bins: list[int]) -> FloatArray:
    """The logits of one cell whose four distances are certain."""
    logits = np.full((4, BINS), -50, dtype=np.float32)
    logits[range(4), bins] = 50
    return logits.reshape(44)


def heads(width: int, height: int) -> tuple[list[FloatArray], list[FloatArray]]:
    """Outputs of a network that sees nothing on an input of this size."""
    cells = [(width // s) * (height // s) for s in STRIDES]
    return [np.zeros(n, np.float32) for n in cells], [np.zeros((n, 44), np.float32) for n in cells]


def test_a_box_is_measured_from_the_centre_of_its_cell() -> None:
    """Column 2, row 1 of stride 16: the centre is at (2.5, 1.5) cells, not at its corner."""
    scores, distances = heads(width=96, height=64)
    scores[1][1 * 6 + 2] = 0.9
    distances[1][1 * 6 + 2] = sharp([1, 0, 2, 3])  # left, top, right, bottom, in strides
    boxes, kept = decode(scores, distances, 96, 0.5)
    assert kept.tolist() == pytest.approx([0.9])
    assert boxes[0].tolist() == pytest.approx([40 - 16, 24 - 0, 40 + 32, 24 + 48])


@pytest.mark.parametrize("level", [0, 1, 2])
def test_rows_of_cells_are_as_long_as_the_input_is_wide(level: int) -> None:
    stride = STRIDES[level]
    scores, distances = heads(width=160, height=64)
    column, row = 160 // stride - 1, 64 // stride - 1  # the last cell
    scores[level][-1] = 0.7
    distances[level][-1] = sharp([0, 0, 0, 0])
    boxes, _ = decode(scores, distances, 160, 0.5)
    centre = [(column + 0.5) * stride, (row + 0.5) * stride]
    assert boxes[0].tolist() == pytest.approx(centre * 2)


def test_sides_are_expectations_over_bins() -> None:
    logits = np.zeros((1, BINS), np.float32)
    assert expectation(logits)[0] == pytest.approx(5.0)  # uniform over 0..10
    logits[0, [3, 8]] = 1000  # no overflow, half each
    assert expectation(logits)[0] == pytest.approx(5.5)


def test_only_cells_above_the_threshold_are_decoded() -> None:
    scores, distances = heads(width=64, height=64)
    scores[0][:] = 0.45
    scores[0][5] = 0.4501
    for level in distances:
        level[:] = np.nan  # would spread if it were looked at
    distances[0][5] = sharp([1, 1, 1, 1])
    boxes, kept = decode(scores, distances, 64, 0.45)
    assert len(kept) == 1
    assert np.isfinite(boxes).all()


def test_blue_comes_first() -> None:
    """AP hardly sees a wrong order of channels; a pure red frame does."""
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 255
    batch = prepare([red], (64, 64))
    assert batch.shape == (1, 3, 64, 64)
    assert np.allclose(batch[0, 0], (0 - 103.53) / 57.375, atol=1e-5)
    assert np.allclose(batch[0, 1], (0 - 116.28) / 57.12, atol=1e-5)
    assert np.allclose(batch[0, 2], (255 - 123.675) / 58.395, atol=1e-5)


@pytest.mark.parametrize(
    ("frame", "size", "expected"),
    [
        ((576, 768), 416, (320, 416)),  # 312 goes up to 320
        ((480, 640), 320, (256, 320)),
        ((480, 640), 640, (480, 640)),
        ((1080, 1920), 416, (256, 416)),  # 234
        ((1920, 1080), 416, (416, 256)),
        ((1, 1), 416, (416, 416)),
        ((4000, 10), 416, (416, 32)),  # 1.04 goes up to 32
        ((10, 4000), 320, (32, 320)),
        ((100, 100), 400, (416, 416)),  # a size that is no multiple of 32 goes up too
    ],
)
def test_both_sides_go_up_to_a_multiple_of_32(
    frame: tuple[int, int], size: int, expected: tuple[int, int]
) -> None:
    assert input_shape(np.zeros((*frame, 3), np.uint8), size) == expected


@given(st.integers(1, 3000), st.integers(1, 3000), st.sampled_from([320, 416, 640]))
def test_inputs_always_fit_the_network(height: int, width: int, size: int) -> None:
    shape = input_shape(np.broadcast_to(np.uint8(0), (height, width, 3)), size)
    assert all(side % 32 == 0 and 32 <= side <= size for side in shape)
    assert max(shape) == size


def literal(frame: Crop, size: int, threshold: float) -> list[tuple[float, list[float]]]:
    """The detector as its contract reads, cell by cell: scores and boxes, best first."""
    height, width = frame.shape[:2]
    in_h, in_w = input_shape(frame, size)
    x = prepare([frame], (in_h, in_w))
    session = ort.InferenceSession(str(WEIGHTS), providers=["CPUExecutionProvider"])
    names = {8: ("Identity:0", "Identity_3:0"), 16: ("Identity_1:0", "Identity_4:0")}
    names[32] = ("Identity_2:0", "Identity_5:0")
    candidates = []
    for stride, (scores_name, distances_name) in names.items():
        scores, distances = session.run([scores_name, distances_name], {"input_1:0": x})
        for row in range(in_h // stride):
            for column in range(in_w // stride):
                cell = row * (in_w // stride) + column
                if scores[0, cell, 0] > threshold:
                    candidates.append(
                        (float(scores[0, cell, 0]), sides(distances[0, cell], column, row, stride))
                    )
    kept: list[tuple[float, list[float]]] = []
    for score, box in sorted(candidates, key=lambda candidate: -candidate[0]):
        if all(iou(box, other) <= 0.5 for _, other in kept):
            kept.append((score, box))
    ratio = [width / in_w, height / in_h] * 2
    limits = [width, height] * 2
    return [
        (score, [min(max(v * r, 0), limit) for v, r, limit in zip(box, ratio, limits, strict=True)])
        for score, box in kept
    ]


def sides(logits: NDArray[np.float32], column: int, row: int, stride: int) -> list[float]:
    distances = []
    for side in range(4):
        weights = np.exp(logits[side * 11 : side * 11 + 11].astype(np.float64))
        distances.append(float((weights * range(11)).sum() / weights.sum() * stride))
    x, y = (column + 0.5) * stride, (row + 0.5) * stride
    return [x - distances[0], y - distances[1], x + distances[2], y + distances[3]]


def iou(a: list[float], b: list[float]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def scene(make_crop: MakeCrop) -> Crop:
    """Figures of head, trunk and legs before a wall."""
    picture = make_crop(240, 300) // 4 + 150
    for x in (40, 130, 220):
        picture[40:66, x + 10 : x + 32] = (200, 160, 130)
        picture[66:130, x : x + 42] = (40, 60, 140)
        picture[130:215, x + 2 : x + 18] = (30, 30, 40)
        picture[130:215, x + 24 : x + 40] = (30, 30, 40)
    return np.asarray(picture, dtype=np.uint8)


def test_the_whole_equals_the_literal_form(detector: NanoDet, make_crop: MakeCrop) -> None:
    frame = scene(make_crop)
    (found,) = detector.detect([frame])
    expected = literal(frame, 320, 0.02)
    assert len(expected) > 2
    assert found.scores.tolist() == pytest.approx([score for score, _ in expected], abs=1e-4)
    assert np.allclose(found.boxes, [box for _, box in expected], atol=0.05)


def test_frames_of_all_sizes_go_together(detector: NanoDet, make_crop: MakeCrop) -> None:
    frames = [scene(make_crop), make_crop(300, 200), scene(make_crop)[:, 20:], *[scene(make_crop)] * 5]
    together = detector.detect(frames)
    for frame, found in zip(frames, together, strict=True):
        (alone,) = detector.detect([frame])
        assert found.scores.tolist() == pytest.approx(alone.scores.tolist(), abs=1e-4)
        assert np.allclose(found.boxes, alone.boxes, atol=0.05)
    again = detector.detect(frames)
    for found, repeated in zip(together, again, strict=True):
        assert np.array_equal(found.boxes, repeated.boxes)
        assert np.array_equal(found.scores, repeated.scores)


def test_boxes_stay_inside_the_frame(make_crop: MakeCrop) -> None:
    anything = NanoDet(input_size=320, threshold=0.001, threads=1)
    frame = scene(make_crop)[:, 25:]
    (found,) = anything.detect([frame])
    assert len(found.boxes) > 3
    assert (found.boxes >= 0).all()
    assert (found.boxes[:, [0, 2]] <= frame.shape[1]).all()
    assert (found.boxes[:, [1, 3]] <= frame.shape[0]).all()
    assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
    assert (np.diff(found.scores) <= 0).all()
    assert found.boxes.dtype == found.scores.dtype == np.float32


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (33, 31)])
def test_odd_frames_are_answered(detector: NanoDet, shape: tuple[int, int]) -> None:
    (found,) = detector.detect([np.zeros((*shape, 3), np.uint8)])
    assert found.boxes.shape[1] == 4
    assert (found.boxes[:, [0, 2]] <= shape[1]).all()


def test_an_empty_room_is_empty() -> None:
    detector = NanoDet(threads=1)
    (found,) = detector.detect([np.full((240, 320, 3), 128, np.uint8)])
    assert found.boxes.shape == (0, 4)
    assert found.scores.shape == (0,)
    assert detector.detect([]) == []


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((40, 40), np.uint8),
        np.zeros((40, 40, 1), np.uint8),
        np.zeros((40, 40, 4), np.uint8),
        np.zeros((40, 40, 3), np.float32),
        np.zeros((0, 40, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(detector: NanoDet, frame: Crop) -> None:
    with pytest.raises(BadImage):
        detector.detect([frame])


def test_a_missing_gpu_is_an_error() -> None:
    if "CUDAExecutionProvider" in ort.get_available_providers():
        pytest.skip("this ONNX Runtime can use a GPU")
    for device in ("cuda", "cuda:0", "tpu"):
        with pytest.raises(DeviceUnavailable, match="this ONNX Runtime has only the CPU"):
            NanoDet(device=device)
    assert NanoDet(device="auto", threads=1).device == "cpu"


def test_the_weights_are_those_of_their_card() -> None:
    card = json.loads(WEIGHTS.with_suffix(".json").read_text())
    digest = sha256(WEIGHTS.read_bytes()).hexdigest()
    assert card["sha256"] == digest
    notice = (WEIGHTS.parent / "NOTICE.md").read_text()
    for said in (digest, "LICENSE-nanodet.txt", "LICENSE-human-models.txt", "Changed", "ONNX"):
        assert said in notice
    assert "Copyright 2020-2021 RangiLyu" in (WEIGHTS.parent / "LICENSE-nanodet.txt").read_text()
    assert "Copyright (c) 2021 Vladimir Mandic" in (WEIGHTS.parent / "LICENSE-human-models.txt").read_text()


def sample_frames(count: int) -> list[Crop]:
    """Ten frames a second of a sample recording with people who walk."""
    with av.open("samples/camera-1.mp4") as container:
        frames = itertools.islice(container.decode(video=0), 420, 420 + 3 * count, 3)
        return [np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8) for frame in frames]


class Counting(NanoDet):
    """Counts the pixels that its network has seen."""

    pixels = 0

    def _persons(self, batch: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
        self.pixels += batch[:, 0].size
        return super()._persons(batch)


def test_consecutive_frames_cost_less_and_show_the_same_people() -> None:
    frames = sample_frames(20)
    detector = Counting(threads=1)
    whole = [detector.detect([frame])[0] for frame in frames]
    seen, detector.pixels = detector.pixels, 0
    found = detector.detect_consecutive(frames)
    assert detector.pixels < 0.7 * seen
    np.testing.assert_array_equal(found[0].boxes, whole[0].boxes)
    people = sum(len(one.boxes) for one in whole)
    again = sum(
        any(iou(box, candidate) > 0.7 for candidate in other.boxes.tolist())
        for one, other in zip(whole, found, strict=True)
        for box in one.boxes.tolist()
    )
    assert people > 20
    assert again >= 0.97 * people
    assert sum(len(one.boxes) for one in found) <= 1.1 * people


def test_of_a_still_picture_one_look_is_enough() -> None:
    frame = sample_frames(1)[0]
    detector = Counting(threads=1)
    once = detector.detect_consecutive([frame])[0]
    cost, detector.pixels = detector.pixels, 0
    found = detector.detect_consecutive([frame] * 9)
    assert detector.pixels == cost
    assert all(np.array_equal(one.boxes, once.boxes) for one in found)
    assert detector.detect_consecutive([]) == []


def test_who_reaches_over_the_edge_of_a_part_is_looked_for_in_the_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, *_, last = sample_frames(12)
    detector = Counting(threads=1)
    expected = detector.detect([last])[0]
    monkeypatch.setattr(nanodet, "is_cut", lambda boxes, part, whole: True)
    found = detector.detect_consecutive([first, last])[1]
    np.testing.assert_array_equal(found.boxes, expected.boxes)
