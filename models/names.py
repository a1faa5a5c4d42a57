"""Names of models and detectors, checked without loading torch or any weights."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from models.errors import DetectorError, UnknownModel

IMAGENET: Final = "imagenet-"  # begins the names of networks that were not trained
CARD: Final = "card.json"
ZOO: Final = Path(__file__).parent / "zoo"
SHIPPED: Final = tuple(sorted(card.parent.name for card in ZOO.glob(f"*/{CARD}")))
MODELS: Final = (*SHIPPED, *(IMAGENET + backbone for backbone in ("efficientnet-lite0", "resnet50")))
DEFAULT: Final = "images-efficientnet-lite0"
DETECTORS: Final = ("nanodet", "onnx:PATH", "openvino:PATH", "torchvision:NAME")


@cache
def shipped_ids() -> Mapping[str, str]:
    """The ids of the models that come with the program by their names, the default first."""
    names = [DEFAULT, *(name for name in SHIPPED if name != DEFAULT)]
    return {name: json.loads((ZOO / name / CARD).read_text(encoding="utf-8"))["id"] for name in names}


def check_model(name_or_path: str) -> None:
    """Raise UnknownModel for what is neither the name of a model nor an existing path."""
    if name_or_path not in MODELS and not Path(name_or_path).exists():
        raise UnknownModel(f"no model and no checkpoint {name_or_path!r}; models: {', '.join(MODELS)}")


def check_detector(spec: str) -> None:
    """Raise UnknownModel for a detector of no known kind, DetectorError for a file that is missing."""
    kind, _, rest = spec.partition(":")
    if spec != "nanodet" and (kind not in {"onnx", "openvino", "torchvision"} or not rest):
        raise UnknownModel(f"no detector {spec!r}; there are {', '.join(DETECTORS)}")
    if kind in {"onnx", "openvino"} and not Path(rest).is_file():
        raise DetectorError(f"no file {rest}")
