"""Person detectors by name: frames in, boxes out. Used on recordings and on probe photos."""

from pathlib import Path

from models.detectors.base import ConsecutiveDetector, Detections, Detector
from models.errors import DetectorError, UnknownModel
from models.names import check_detector

__all__ = ["ConsecutiveDetector", "Detections", "Detector", "create_detector", "weights_of"]


def create_detector(
    spec: str = "nanodet",
    *,
    input_size: int = 416,
    threshold: float = 0.45,
    device: str = "auto",
    threads: int | None = None,
) -> Detector:
    """Make a detector.

    Args:
        spec: "nanodet", which comes with the project; "onnx:PATH", a YOLOX file; "openvino:PATH", an
            SSD-style network of the Open Model Zoo; "torchvision:NAME", a COCO detector whose weights are in
            torch's cache.
        input_size: long side of the network's input in pixels, for networks that leave it open.
        threshold: least score of a person, 0..1.
        device: "auto", "cpu" or "cuda:N"; the detector's `device` says what it came to.
        threads: threads of one run; None for the library's own choice.

    Raises:
        UnknownModel: no detector of that name.
        MissingWeights: its weights are not on this machine.
        DetectorError: an impossible size or threshold, or the file named is not such a network.
        BadCheckpoint: the weights are damaged.
        DeviceUnavailable: the device is not available.
    """
    if not 32 <= input_size <= 4096 or not 0 <= threshold < 1:
        raise DetectorError(f"no detector has input size {input_size} and threshold {threshold}")
    check_detector(spec)
    kind, _, rest = spec.partition(":")
    if spec == "nanodet":
        from models.detectors.nanodet import NanoDet

        return NanoDet(input_size=input_size, threshold=threshold, device=device, threads=threads)
    if kind == "onnx":
        from models.detectors.yolox import Yolox

        return Yolox(Path(rest), input_size=input_size, threshold=threshold, device=device, threads=threads)
    if kind == "openvino":
        from models.detectors.openvino import OpenVino

        return OpenVino(Path(rest), threshold=threshold, device=device, threads=threads)
    from models.detectors.torchvision import TorchvisionDetector

    return TorchvisionDetector(rest, threshold=threshold, device=device, threads=threads)


def weights_of(spec: str) -> tuple[Path, ...]:
    """The files that make a detector what it is; whether they are there is not looked at.

    Raises:
        UnknownModel: no detector of that name.
        DetectorError: no such file.
    """
    check_detector(spec)
    kind, _, rest = spec.partition(":")
    if kind == "torchvision":
        from models.detectors.torchvision import weights_file

        try:
            return (weights_file(rest),)
        except ValueError as error:
            raise UnknownModel(f"torchvision has no detector {rest!r}") from error
    if kind == "openvino":
        return Path(rest), Path(rest).with_suffix(".bin")
    if kind == "onnx":
        return (Path(rest),)
    from models.detectors.nanodet import WEIGHTS

    return (WEIGHTS,)
