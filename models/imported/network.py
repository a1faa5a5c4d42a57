"""A network that others exported: pixels in, features out, by a runtime of its own on the CPU.

One network embeds photos and clips; a clip's feature is the mean over its frames.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from models.imported.architecture import Architecture, Runner, arrange
from models.networks.network import Network, check_lengths, clip_means

Open = Callable[[int | None], Runner]
"""Opens a network whose runs take so many threads; None for one a core."""


class ImportedNetwork(Network):
    """Runs a network that has no weights in torch. It cannot be trained, nor adapted.

    Args:
        architecture: what its card says.
        dimension: D of its features.
        open_: opens it; called when it is first used, or made ready for a number of threads.

    Attributes:
        described: what its card says.
    """

    kind: ClassVar[str] = "imported"
    in_torch: ClassVar[bool] = False

    def __init__(self, architecture: Architecture, dimension: int, open_: Open) -> None:
        super().__init__()
        self.described = architecture
        self._dimension = dimension
        self._open = open_
        self._runner: Runner | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> "ImportedNetwork":
        """A copy shares nothing that changes: it opens the network anew."""
        return ImportedNetwork(self.described, self._dimension, self._open)

    def opened(self, threads: int | None) -> "ImportedNetwork":
        """A copy whose runs take so many threads."""
        copy = ImportedNetwork(self.described, self._dimension, self._open)
        copy._runner = self._open(threads)
        return copy

    @property
    def architecture(self) -> dict[str, Any]:
        """What its card says."""
        return self.described.model_dump()

    @property
    def dimension(self) -> int:
        """D of every feature."""
        return self._dimension

    @property
    def runtime(self) -> str:
        """What opens it: "onnx" or "openvino"."""
        return self.described.network

    def embed_images(self, images: Tensor) -> Tensor:
        """Features of single crops, of any length: (B, 3, H, W) -> (B, D)."""
        return self._features(images, len(images))

    def embed_frames(self, frames: Tensor, lengths: Sequence[int], at_once: int | None = None) -> Tensor:
        """Features of clips of any lengths, each the mean over its frames: (F, 3, H, W) -> (B, D).

        Raises ValueError if the lengths do not add up to the frames, or one is below 1.
        """
        check_lengths(frames, lengths)
        return clip_means(self._features(frames, at_once or len(frames)), lengths)

    def initialise(self, backbone: Mapping[str, Tensor], generator: torch.Generator) -> None:  # noqa: ARG002
        """It has no weights to begin with. Raises ValueError."""
        raise ValueError("an imported network cannot be trained: it has no weights in torch")

    def _features(self, pictures: Tensor, at_once: int) -> Tensor:
        if self._runner is None:
            self._runner = self._open(None)
        arranged = arrange(pictures.float().cpu().numpy(), self.described)
        step = self.described.batch or max(1, at_once)
        parts = [self._runner.run(arranged[start : start + step]) for start in range(0, len(arranged), step)]
        features = np.concatenate(parts) if parts else np.zeros((0, self._dimension), np.float32)
        return torch.from_numpy(features.astype(np.float32, copy=False))
