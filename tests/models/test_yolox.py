"""YOLOX files: decoding by hand from constant networks, and files that are something else."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from models.detector import create_detector
from models.detectors.yolox import Yolox, grid, letterbox
from models.errors import BadImage, DetectorError
from tests.models.onnx_files import write_constant_network

CELLS = 64 + 16 + 4  # of a 64 x 64 input


def network(path: Path, rows: dict[int, Sequence[float]], *, batch: int = 1, cells: int = CELLS) -> Path:
    """A file that answers these rows (x, y, log w, log h, objectness, person, car) and zeros elsewhere."""
    output = np.zeros((batch, cells, 7), np.float32)
    for cell, values in rows.items():
        output[:, cell] = values
    return write_constant_network(path, output, input_shape=(batch, 3, 64, 64))


def test_boxes_by_hand(tmp_path: Path) -> None:
    """Stride 8: cell 9 is column 1, row 1. Stride 32: the last cell is column 1, row 1."""
    path = network(
        tmp_path / "yolox.onnx",
        {9: [0.5, 0.25, np.log(2), np.log(4), 0.9, 0.8, 0.1], CELLS - 1: [0, 0, 0, 0, 0.95, 0.6, 0.99]},
    )
    detector = create_detector(f"onnx:{path}", threads=1)
    assert detector.name == "onnx:yolox.onnx"
    frame = np.zeros((128, 64, 3), np.uint8)  # half as large in the input
    (found,) = detector.detect([frame])
    assert found.scores.tolist() == pytest.approx([0.72, 0.57])
    # Centre (1.5, 1.25) * 8 = (12, 10), size (16, 32); twice that on the frame, cut at its edges.
    assert found.boxes[0].tolist() == pytest.approx([8, 0, 40, 52], abs=1e-4)
    # Centre (32, 32), size (32, 32); the frame ends at x = 64.
    assert found.boxes[1].tolist() == pytest.approx([32, 32, 64, 96], abs=1e-4)


def test_doubles_are_suppressed_and_other_classes_ignored(tmp_path: Path) -> None:
    size = [np.log(4), np.log(4)]
    rows: dict[int, Sequence[float]] = {
        9: [0, 0, *size, 0.9, 0.9, 0],
        10: [-0.9, 0, *size, 0.9, 0.8, 0],
        40: [0, 0, *size, 0.9, 0.1, 0.9],
    }
    (found,) = Yolox(network(tmp_path / "x.onnx", rows)).detect([np.zeros((64, 64, 3), np.uint8)])
    assert found.scores.tolist() == pytest.approx([0.81])


def test_the_threshold_is_on_objectness_times_person(tmp_path: Path) -> None:
    path = network(tmp_path / "x.onnx", {9: [0, 0, 0, 0, 0.7, 0.6, 0]})  # 0.42
    frame = np.zeros((64, 64, 3), np.uint8)
    assert len(Yolox(path, threshold=0.43).detect([frame])[0].boxes) == 0
    assert len(Yolox(path, threshold=0.41).detect([frame])[0].boxes) == 1


def test_frames_go_to_the_top_left_on_grey_with_blue_first() -> None:
    frame = np.zeros((20, 40, 3), np.uint8)
    frame[:] = (10, 20, 30)
    target = np.full((3, 64, 64), 114, np.float32)
    assert letterbox(frame, target) == pytest.approx(1.6)
    assert (target[:, :32, :64] == np.array([30, 20, 10])[:, None, None]).all()
    assert (target[:, 32:] == 114).all()


def test_cells_are_ordered_by_stride_row_and_column() -> None:
    cells, strides = grid(32, 64)
    assert len(cells) == 32 + 8 + 2
    assert cells[8 + 3].tolist() == [3, 1]
    assert strides[[0, 31, 32, 39, 40, 41]].tolist() == [8, 8, 16, 16, 32, 32]


def test_fixed_batches_are_filled_up(tmp_path: Path) -> None:
    path = network(tmp_path / "x.onnx", {9: [0, 0, 0, 0, 0.9, 0.9, 0]}, batch=2)
    frames = [np.zeros((64, 64, 3), np.uint8)] * 3
    assert [len(found.boxes) for found in Yolox(path).detect(frames)] == [1, 1, 1]


def test_open_sizes_take_the_input_size(tmp_path: Path) -> None:
    output = np.zeros((1, CELLS, 7), np.float32)
    path = write_constant_network(tmp_path / "x.onnx", output, input_shape=("N", 3, "H", "W"))
    (found,) = Yolox(path, input_size=64).detect([np.zeros((100, 50, 3), np.uint8)])
    assert len(found.boxes) == 0
    with pytest.raises(DetectorError, match="not a multiple of 32"):
        Yolox(path, input_size=100)


@pytest.mark.parametrize("cells", [CELLS - 1, CELLS + 1])
def test_an_answer_of_another_shape_is_an_error(tmp_path: Path, cells: int) -> None:
    path = network(tmp_path / "x.onnx", {}, cells=cells)
    with pytest.raises(DetectorError, match=rf"answered \(1, {cells}, 7\)"):
        Yolox(path).detect([np.zeros((64, 64, 3), np.uint8)])


def test_not_a_number_is_an_error(tmp_path: Path) -> None:
    path = network(tmp_path / "x.onnx", {9: [0, 0, 0, 0, np.nan, 0.9, 0]})
    with pytest.raises(DetectorError, match="not finite"):
        Yolox(path).detect([np.zeros((64, 64, 3), np.uint8)])


def test_other_networks_are_refused(tmp_path: Path) -> None:
    rows = np.zeros((1, CELLS, 7), np.float32)
    for name, shape, inputs in (
        ("flat", (1, 3), ("images",)),
        ("grey", (1, 1, 64, 64), ("images",)),
        ("two", (1, 3, 64, 64), ("images", "more")),
    ):
        path = write_constant_network(tmp_path / f"{name}.onnx", rows, input_shape=shape, inputs=inputs)
        with pytest.raises(DetectorError, match="not a YOLOX network"):
            Yolox(path)


@pytest.mark.parametrize("data", [b"", b"not onnx", b"\x08\x08", b"\xff" * 100])
def test_files_that_are_no_networks_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.onnx").write_bytes(data)
    with pytest.raises(DetectorError, match="ONNX Runtime cannot run"):
        Yolox(tmp_path / "x.onnx")


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadImage):
        Yolox(network(tmp_path / "x.onnx", {})).detect([np.zeros((64, 64), np.uint8)])
