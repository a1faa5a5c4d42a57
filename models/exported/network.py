"""The networks of a model by ONNX Runtime: two to three times as fast on a CPU as torch."""

import threading
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

from models.exported.cache import Exported
from models.exported.writing import INPUT, OUTPUT, Floats
from models.imported.runners import OnnxRunner
from models.networks.network import Network, check_lengths

AT_ONCE: Final = 4  # frames of a clip: with more, a frame takes up to 1.4 times as long


class ExportedNetwork:
    """Embeds as the network that was exported does, to float32 rounding. Safe to use from several threads.

    What it needs is opened when it is first used.

    Args:
        exported: its files.
        threads: of each run.
        rest: makes the network in torch, for clips that were not exported.
    """

    def __init__(self, exported: Exported, threads: int, rest: Callable[[], Network]) -> None:
        self._exported, self._threads, self._rest = exported, threads, rest
        self._opening = threading.Lock()
        self._image: OnnxRunner | None = None
        self._video: OnnxRunner | Network | None = None

    def embed_images(self, images: Tensor) -> Tensor:
        """Features of single crops, of any length: (B, 3, H, W) -> (B, D). Raises BadCheckpoint."""
        with self._opening:
            image = self._image = self._image or self._open_image()
        return torch.from_numpy(image.run(_plain(images)))

    def embed_frames(self, frames: Tensor, lengths: Sequence[int], at_once: int | None = None) -> Tensor:
        """Features of clips, as `Network.embed_frames`: (F, 3, H, W) -> (len(lengths), D).

        Raises:
            ValueError: the lengths do not add up to the frames, or one is below 1.
            BadCheckpoint: the file has gone.
        """
        check_lengths(frames, lengths)
        with self._opening:
            video = self._video = self._video or self._open_video()
        if isinstance(video, Network):
            return video.embed_frames(frames, lengths, at_once)
        clips = np.split(_plain(frames), np.cumsum(lengths)[:-1])
        return torch.from_numpy(np.stack([_clip(video, clip) for clip in clips]))

    def _open_image(self) -> OnnxRunner:
        return OnnxRunner(self._exported.image, INPUT, OUTPUT, self._threads)

    def _open_video(self) -> OnnxRunner | Network:
        if self._exported.video is None:
            return self._rest()
        return OnnxRunner(self._exported.video, INPUT, OUTPUT, self._threads)


def _clip(runner: OnnxRunner, frames: Floats) -> Floats:
    """The mean over parts of a clip, weighted by their frames: (T, 3, H, W) -> (D,)."""
    parts = [frames[start : start + AT_ONCE] for start in range(0, len(frames), AT_ONCE)]
    total = sum(len(part) * runner.run(part)[0] for part in parts)
    return np.asarray(total / np.float32(len(frames)), dtype=np.float32)


def _plain(pictures: Tensor) -> Floats:
    """As ONNX Runtime wants them: channels before rows."""
    array: Floats = pictures.contiguous().numpy()
    return array
