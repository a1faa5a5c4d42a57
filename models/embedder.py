"""From crops to features: what the indexer and the service use of a model."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.devices import make_exact, resolve_precision
from models.errors import BadClip
from models.exported.choosing import ONNX, choose
from models.exported.network import ExportedNetwork
from models.inference import device_for, ready
from models.mirroring import both_ways, joined
from models.networks.network import Network
from models.preprocessing import Crop, resize, standardise
from models.zoo import LoadedModel

Features = NDArray[np.float32]
C = TypeVar("C")

MAX_CLIP_FRAMES: Final = 32

# Frames that pass the 2-D layers together on a CPU. With more, layers outgrow the cache, and the size above
# which the C library returns memory to the system after each one: 32 at once take 1.4 times as long a frame.
CPU_FRAMES: Final = 4


class Embedder:
    """A model on a device. Safe to use from several threads.

    Args:
        model: what to embed with; it is copied, not changed.
        device: "auto" (the first GPU if there is one, else the CPU), "cpu" or "cuda:N". A GPU is set to exact
            and repeatable convolutions, in the whole process.
        precision: "fp32", "bf16", or "auto", which is fp32 everywhere: the features of one gallery must agree
            whichever machine computed them. bf16 is faster where the hardware has it and moves features by a
            cosine of about 0.002.
        batch_size: frames in memory together; a longer clip still goes as one.
        threads: threads of torch's CPU arithmetic, in the whole process; None leaves them as they are.
        runtime: "torch"; "onnx", ONNX Runtime, with as many threads; or "auto", which is "onnx" on a CPU in
            fp32 if the model's exported networks are in `exported`, and else "torch". Features of both agree
            to float32 rounding, a millionth of their length. An imported network has a runtime of its own.
        exported: folder of exported networks (`models.exported.cache`); "onnx" puts there what is missing.

    Attributes:
        id: SHA-256 of the model's weights.
        name: the model's.
        dimension: D of the features.
        card: the model's, plain JSON.
        preprocessing: what the model makes of a crop: nothing finer than its size reaches the network.
        warning: what every answer from this model must say, or None.
        device: "cpu" or "cuda:N", as it is used.
        precision: "fp32" or "bf16", as it is used.
        runtime: "torch", "onnx" or "openvino", as it is used.

    Raises:
        DeviceUnavailable: the device or precision is not available, or nothing for this runtime.
        CannotExport: "onnx" was asked for, and the networks can be neither found nor exported.
    """

    def __init__(
        self,
        model: LoadedModel,
        *,
        device: str = "auto",
        precision: str = "auto",
        batch_size: int = 32,
        threads: int | None = None,
        runtime: str = "torch",
        exported: Path | None = None,
    ) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self.id = model.id
        self.name = model.name
        self.dimension = model.dimension
        self.card: Mapping[str, Any] = model.card
        self.warning: str | None = model.card.get("warning")
        self.device = device_for(model.network, device)
        self.precision = resolve_precision(precision, self.device)
        self._batch_size = batch_size
        self._at_once = CPU_FRAMES if self.device == "cpu" else None
        self.preprocessing = model.preprocessing
        self._dtype = torch.bfloat16 if self.precision == "bf16" else torch.float32
        if self.device != "cpu":
            make_exact()
        on_cpu = self.device == "cpu" and self._dtype is torch.float32
        files = choose(model, runtime, exported, on_cpu=on_cpu)
        make = partial(ready, model.network, self.device, self._dtype)
        self.runtime = model.network.runtime if files is None else ONNX
        self._network: Network | ExportedNetwork = (
            make() if files is None else ExportedNetwork(files, torch.get_num_threads(), make)
        )

    @torch.inference_mode()
    def embed_images(self, crops: Sequence[Crop]) -> Features:
        """Embed probe photos with the image network.

        Args:
            crops: N crops (h, w, 3) uint8 RGB of any sizes.

        Returns:
            (N, D), each row of length 1.

        Raises:
            BadImage: a crop is not (h, w, 3) uint8 with pixels.
        """
        size = self._at_once or self._batch_size
        batches = (self._prepare(crops[start : start + size]) for start in range(0, len(crops), size))
        return normalise(self._collect([self._embed_photos(batch) for batch in batches]))

    def _embed_photos(self, photos: Tensor) -> Tensor:
        features = self._network.embed_images(photos)
        if self.preprocessing.mirror:
            features = (features + self._network.embed_images(photos.flip(-1))) / 2
        return features

    @torch.inference_mode()
    def embed_clips(self, clips: Sequence[Sequence[Crop]]) -> Features:
        """Embed clips with the video network.

        Args:
            clips: N clips of 1 to 32 frames, lengths may differ; frames as in `embed_images`.

        Returns:
            (N, D), raw: the mean over each clip's frames, for `tracklet_feature` and `normalise`.

        Raises:
            BadImage: a frame is not (h, w, 3) uint8 with pixels.
            BadClip: a clip has no frames, or more than 32.
        """
        for index, clip in enumerate(clips):
            if not 1 <= len(clip) <= MAX_CLIP_FRAMES:
                raise BadClip(f"clip {index} has {len(clip)} frames; a clip has 1 to {MAX_CLIP_FRAMES}")
        features = []
        for batch in in_batches(clips, len, self._batch_size):
            frames = self._prepare([frame for clip in batch for frame in clip])
            features.append(self._embed_frames(frames, [len(clip) for clip in batch]))
        return self._collect(features)

    def _embed_frames(self, frames: Tensor, lengths: list[int]) -> Tensor:
        if not self.preprocessing.mirror:
            return self._network.embed_frames(frames, lengths, self._at_once)
        frames, lengths = both_ways(frames, lengths)
        return joined(self._network.embed_frames(frames, lengths, self._at_once), lengths)

    def _prepare(self, crops: Sequence[Crop]) -> Tensor:
        pixels = resize(crops, self.preprocessing).to(self.device)
        return standardise(pixels, self.preprocessing).to(self._dtype)

    def _collect(self, features: list[Tensor]) -> Features:
        if not features:
            return np.zeros((0, self.dimension), dtype=np.float32)
        array: Features = torch.cat(features).cpu().numpy()
        return array


def in_batches(clips: Iterable[C], length: Callable[[C], int], frames: int) -> Iterator[list[C]]:
    """Whole clips in their order, at most `frames` frames a batch unless one clip has more.

    Args:
        clips: anything that stands for clips.
        length: frames of one.
        frames: of a batch.
    """
    batch: list[C] = []
    held = 0
    for clip in clips:
        if batch and held + length(clip) > frames:
            yield batch
            batch, held = [], 0
        batch.append(clip)
        held += length(clip)
    if batch:
        yield batch


def normalise(features: Features) -> Features:
    """Scale each row to length 1; a row of zeros stays zero."""
    lengths = np.linalg.norm(features, axis=-1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, 1e-12), dtype=np.float32)


def tracklet_feature(clip_features: Features, frame_counts: Sequence[int] | NDArray[np.integer]) -> Features:
    """Feature of a tracklet: the mean over all its frames (Gu et al. 2019, test code), of length 1.

    Args:
        clip_features: (N, D) raw, each the mean over its clip's frames.
        frame_counts: (N,) frames of each clip.

    Returns:
        (D,), L2-normalised.
    """
    weights = np.asarray(frame_counts, dtype=np.float64)
    return normalise(np.asarray(weights @ clip_features.astype(np.float64) / weights.sum(), dtype=np.float32))
