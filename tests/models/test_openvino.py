"""OpenVINO files. The library is optional: a stand-in with its interface answers what a test wants."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from models.detector import create_detector
from models.errors import BadImage, DetectorError, DeviceUnavailable

Rows = list[list[float]]


class Network:
    """A compiled network that remembers what it was given and answers fixed rows."""

    def __init__(self, rows: Rows, shape: list[int]) -> None:
        self.rows = rows
        self.inputs = [SimpleNamespace(shape=shape)]
        self.given: Any = None

    def input(self, index: int) -> SimpleNamespace:
        return self.inputs[index]

    def infer_new_request(self, batch: Any) -> list[Any]:
        self.given = batch
        return [np.array(self.rows, dtype=np.float32)[None, None]]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[str, Network]]:
    """Put a stand-in for openvino in place; returns the detector's spec and the network it will be."""

    def make(rows: Rows, shape: tuple[int, ...] = (1, 3, 32, 64)) -> tuple[str, Network]:
        network = Network(rows, list(shape))
        core = SimpleNamespace(compile_model=lambda path, device, properties: network)
        monkeypatch.setitem(sys.modules, "openvino", SimpleNamespace(Core=lambda: core))
        (tmp_path / "person.xml").touch()
        return f"openvino:{tmp_path}/person.xml", network

    return make


def test_boxes_are_fractions_of_the_frame(install: Callable[..., tuple[str, Network]]) -> None:
    spec, network = install(
        [
            [0, 1, 0.6, 0.1, 0.2, 0.3, 0.4],
            [0, 1, 0.9, 0.5, 0.5, 1.2, 1.1],
            [0, 2, 0.9, 0.0, 0.0, 0.5, 0.5],  # not a person
            [0, 1, 0.3, 0.0, 0.0, 0.5, 0.5],  # below the threshold
            [-1, 1, 0.9, 0.0, 0.0, 0.5, 0.5],  # an empty row
        ]
    )
    detector = create_detector(spec)
    frame = np.zeros((100, 200, 3), np.uint8)
    frame[:] = (10, 20, 30)
    (found,) = detector.detect([frame])
    assert detector.name == "openvino:person.xml"
    assert found.boxes == pytest.approx(np.array([[100, 50, 200, 100], [20, 20, 60, 40]]), abs=1e-3)
    assert found.scores.tolist() == pytest.approx([0.9, 0.6])
    assert network.given.shape == (1, 3, 32, 64)
    assert network.given.dtype == np.float32
    assert network.given[0, :, 0, 0].tolist() == [30, 20, 10]  # blue first, not normalised


def test_a_network_that_answers_something_else_is_an_error(
    install: Callable[..., tuple[str, Network]],
) -> None:
    spec, _ = install([[0, 1, 0.9, 0, 0, 1]])
    with pytest.raises(DetectorError, match=r"answered \(1, 1, 1, 6\)"):
        create_detector(spec).detect([np.zeros((10, 10, 3), np.uint8)])
    spec, _ = install([], shape=(1, 1000))
    with pytest.raises(DetectorError, match="not a person detector"):
        create_detector(spec)


def test_what_is_no_picture_is_refused(install: Callable[..., tuple[str, Network]]) -> None:
    spec, _ = install([])
    with pytest.raises(BadImage):
        create_detector(spec).detect([np.zeros((10, 10), np.uint8)])


def test_only_the_cpu_is_offered(install: Callable[..., tuple[str, Network]]) -> None:
    spec, _ = install([])
    with pytest.raises(DeviceUnavailable, match="run on the CPU here, not on 'cuda:0'"):
        create_detector(spec, device="cuda:0")


def test_without_the_library_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    (tmp_path / "person.xml").touch()
    with pytest.raises(DetectorError, match="openvino is not installed: pip install openvino"):
        create_detector(f"openvino:{tmp_path}/person.xml")
