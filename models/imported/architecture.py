"""How an imported network is opened and fed. Without torch, which the process that tries it need not load."""

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

Floats = NDArray[np.float32]


class Architecture(BaseModel):
    """What a card says of an imported network, next to its kind.

    Attributes:
        network: which runtime opens it.
        file: name of the one to open.
        files: SHA-256 by name of all files beside the card.
        input: name of the one input.
        output: name of the output with the features.
        layout: order of the input's axes, channels before or after the pixels.
        channels: order of the channels.
        batch: pictures of each run; None for any number.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    network: Literal["onnx", "openvino"]
    file: str
    files: dict[str, str]
    input: str
    output: str
    layout: Literal["nchw", "nhwc"] = "nchw"
    channels: Literal["rgb", "bgr"] = "rgb"
    batch: int | None = Field(default=None, ge=1, le=1)

    @model_validator(mode="after")
    def _among_files(self) -> "Architecture":
        if self.file not in self.files:
            raise ValueError(f"files lack {self.file!r}")
        return self


class Runner(Protocol):
    """An opened network."""

    def run(self, pictures: Floats) -> Floats:
        """Features of pictures as the network wants them; may be called from several threads."""


def arrange(pictures: Floats, architecture: Architecture) -> Floats:
    """Pictures (N, 3, H, W), red first, as the network wants channels and axes."""
    if architecture.channels == "bgr":
        pictures = pictures[:, ::-1]
    if architecture.layout == "nhwc":
        pictures = pictures.transpose(0, 2, 3, 1)  # (N, 3, H, W) -> (N, H, W, 3)
    return np.ascontiguousarray(pictures)
