"""Recordings that a GPU is to decode: where it does not, they are decoded all the same, and it is said."""

import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from indexer import decode
from indexer.decode import open_recording
from indexer.sandbox import open_sandboxed
from indexer.settings import IndexSettings
from tests.indexer.footage import encode, read
from tests.indexer.test_sandbox import decoder_of

SETTINGS = IndexSettings(decode_device="cuda:0")
ON_CPU = "decoded on the CPU: cuda:0"


@pytest.mark.skipif(torch.cuda.is_available(), reason="here the GPU decodes")
def test_without_a_gpu_the_cpu_decodes(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4")
    usual, _ = read(path)

    with open_sandboxed(path, SETTINGS) as recorded:
        limit = resource.prlimit(decoder_of(recorded), resource.RLIMIT_DATA)
        frames = [(frame.time_us, frame.image.copy()) for frame in recorded.frames()]

    assert limit == (SETTINGS.decode_memory_mib << 20,) * 2, "a driver's addresses are not counted"
    assert [warning for warning in recorded.statistics.warnings if warning.startswith(ON_CPU)]
    assert [time for time, _ in frames] == [frame.time_us for frame in usual]
    assert all(np.array_equal(image, one.image) for (_, image), one in zip(frames, usual, strict=True))


def test_what_a_gpu_cannot_decode_the_cpu_decodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []

    def container(source: Path, hwaccel: Any = None) -> Any:
        opened.append(hwaccel)
        return whole(source)

    whole = decode._container
    monkeypatch.setattr(decode, "_container", container)
    with open_recording(encode(tmp_path / "a.mp4"), device="cuda:1") as recorded:
        frames = list(recorded.frames())

    assert opened[0] is None
    assert opened[1].allow_software_fallback
    assert recorded.statistics.warnings == ["decoded on the CPU: cuda:1 has no decoder for h264"]
    assert len(frames) == 50


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_decodes_the_same_pictures(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4")
    usual, _ = read(path)

    with open_recording(path, device="cuda:0") as recorded:
        frames = list(recorded.frames())

    assert recorded.statistics.warnings == []
    assert [frame.time_us for frame in frames] == [frame.time_us for frame in usual]
    for frame, one in zip(frames, usual, strict=True):
        assert np.abs(frame.image.astype(int) - one.image).max() <= 2, "colours are made from another layout"
