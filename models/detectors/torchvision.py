"""torchvision's COCO detectors, from weights that are already on this machine."""

from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Final
from urllib.parse import urlsplit

import torch

from models import torchvision_compat
from models.detectors.base import Detections, finish
from models.devices import resolve_device
from models.errors import BadCheckpoint, MissingWeights, UnknownModel
from models.preprocessing import Crop, check_image, resample

PERSON: Final = 1


def weights_file(name: str) -> Path:
    """Where the weights of a network of torchvision lie once they were downloaded."""
    torchvision_compat.ensure()
    from torchvision.models import get_model_weights

    url = get_model_weights(name).DEFAULT.url
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlsplit(url).path).name


class TorchvisionDetector:
    """A detector of torchvision.models.detection with its COCO weights.

    Args:
        name: as torchvision.models.list_models gives it, such as "fasterrcnn_resnet50_fpn_v2".
        threshold: least score of a person.
        device: "auto", "cpu" or "cuda:N".
        threads: threads of torch's CPU arithmetic, in the whole process; None leaves them as they are.

    Raises:
        UnknownModel: torchvision has no such detector, or none with persons among its classes.
        MissingWeights: its weights are not in torch's download cache; the message names place and address.
        BadCheckpoint: the file there is not its weights.
        DeviceUnavailable: the device is not available.
    """

    def __init__(
        self, name: str, *, threshold: float = 0.45, device: str = "auto", threads: int | None = None
    ) -> None:
        torchvision_compat.ensure()
        from torchvision.models import detection, get_model, get_model_weights, list_models

        if name not in (names := list_models(module=detection)):
            raise UnknownModel(f"torchvision has no detector {name!r}; it has {', '.join(names)}")
        if threads is not None:
            torch.set_num_threads(threads)
        self.name = f"torchvision:{name}"
        self.device = resolve_device(device)
        self._threshold = threshold
        weights, path = get_model_weights(name).DEFAULT, weights_file(name)
        if not path.is_file():
            raise MissingWeights(f"no {path}; get it from {weights.url}")
        network = get_model(
            name, weights=None, weights_backbone=None, num_classes=len(weights.meta["categories"])
        )
        try:
            network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        except (RuntimeError, EOFError, OSError, ValueError, UnpicklingError) as error:
            raise BadCheckpoint(f"{path} does not hold the weights of {name}: {error}") from error
        self._network = network.eval().requires_grad_(False).to(self.device)

    @torch.inference_mode()
    def detect(self, frames: Sequence[Crop]) -> list[Detections]:
        """Find the persons on each frame, as Detector.detect says."""
        return [self._detect_one(frame) for frame in frames]

    def _detect_one(self, frame: Crop) -> Detections:
        check_image(frame)
        pixels = resample(frame, *frame.shape[:2], mode="bilinear").to(self.device).float() / 255
        (found,) = self._network([pixels])
        kept = (found["labels"] == PERSON) & (found["scores"] > self._threshold)
        boxes, scores = found["boxes"][kept].cpu().numpy(), found["scores"][kept].cpu().numpy()
        return finish(boxes, scores, frame, (1.0, 1.0), nms_iou=None)
