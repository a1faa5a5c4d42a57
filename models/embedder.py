"""From crops to features: what the indexer and the service use of a model."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.errors import DeviceUnavailable
from models.preprocessing import Crop, resize, standardise
from models.zoo import LoadedModel

Features = NDArray[np.float32]


class Embedder:
    """A model on a device.

    Args:
        model: what to embed with.
        device: "auto" (the first GPU if there is one, else the CPU), "cpu" or "cuda:N".
        precision: "auto" or "fp32".
        batch_size: frames that pass the network together.
        threads: CPU threads of the whole process's tensor arithmetic; None leaves them as they are.

    Raises:
        DeviceUnavailable: the device or precision is not available here.
    """

    def __init__(
        self,
        model: LoadedModel,
        *,
        device: str = "auto",
        precision: str = "auto",
        batch_size: int = 32,
        threads: int | None = None,
    ) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        if device == "auto":
            device = "cuda:0" if torch.cuda.is_available() else "cpu"
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise DeviceUnavailable(f"no device {device} on this machine")
        self.device = device
        self.precision = "fp32" if precision == "auto" else precision
        self.batch_size = batch_size
        self.id = model.id
        self.name = model.name
        self.dimension = model.dimension
        self.card: Mapping[str, Any] = model.card
        self.warning: str | None = model.card.get("warning")
        self._preprocessing = model.preprocessing
        self._network = model.network.to(device)

    @torch.inference_mode()
    def embed_images(self, crops: Sequence[Crop]) -> Features:
        """Embed probe photos with the image network: (N, D), L2-normalised. Raises BadImage."""
        features = [
            self._network.embed_images(self._prepare(crops[start : start + self.batch_size]))
            for start in range(0, len(crops), self.batch_size)
        ]
        return normalise(self._collect(features))

    @torch.inference_mode()
    def embed_clips(self, clips: Sequence[Sequence[Crop]]) -> Features:
        """Embed clips of 1..32 frames each with the video network: (N, D), raw. Raises BadImage."""
        features = [
            self._network.embed_frames(
                self._prepare([c for clip in batch for c in clip]), [len(clip) for clip in batch]
            )
            for batch in self._batches(clips)
        ]
        return self._collect(features)

    def _batches(self, clips: Sequence[Sequence[Crop]]) -> Iterator[list[Sequence[Crop]]]:
        batch: list[Sequence[Crop]] = []
        frames = 0
        for clip in clips:
            if batch and frames + len(clip) > self.batch_size:
                yield batch
                batch, frames = [], 0
            batch.append(clip)
            frames += len(clip)
        if batch:
            yield batch

    def _prepare(self, crops: Sequence[Crop]) -> Tensor:
        return standardise(resize(crops, self._preprocessing).to(self.device), self._preprocessing)

    def _collect(self, features: list[Tensor]) -> Features:
        if not features:
            return np.zeros((0, self.dimension), dtype=np.float32)
        array: Features = torch.cat(features).float().cpu().numpy()
        return array


def normalise(features: Features) -> Features:
    """Scale each row to length 1; a row of zeros stays zero."""
    lengths = np.linalg.norm(features, axis=-1, keepdims=True)
    return (features / np.maximum(lengths, 1e-12)).astype(np.float32)


def tracklet_feature(clip_features: Features, frame_counts: Sequence[int]) -> Features:
    """Feature of a tracklet: the mean over all its frames, as the papers compute it, L2-normalised.

    Args:
        clip_features: (N, D) raw, each the mean over its clip's frames.
        frame_counts: (N,) frames of each clip.

    Returns:
        (D,) of length 1.
    """
    weights = np.asarray(frame_counts, dtype=np.float64)
    return normalise((weights @ clip_features.astype(np.float64) / weights.sum()).astype(np.float32))
