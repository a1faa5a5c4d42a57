"""Which runtime embeds: torch, or ONNX Runtime with exported networks."""

from pathlib import Path
from typing import Final

from models.checkpoint import LoadedModel
from models.errors import CannotExport, DeviceUnavailable
from models.exported.cache import Exported, find, provide

AUTO: Final = "auto"
TORCH: Final = "torch"
ONNX: Final = "onnx"
RUNTIMES: Final = (AUTO, TORCH, ONNX)


def choose(model: LoadedModel, runtime: str, root: Path | None, *, on_cpu: bool) -> Exported | None:
    """The exported networks that a model is to be embedded by; None for those that it has.

    Args:
        model: any.
        runtime: one of RUNTIMES.
        root: where exported networks are; None for nowhere.
        on_cpu: whether it computes on a CPU in float32, as ONNX Runtime does here.

    Raises:
        DeviceUnavailable: no such runtime, or not for this device and precision.
        CannotExport: "onnx" was asked for, and the networks are not there and cannot be made.
    """
    if runtime not in RUNTIMES:
        raise DeviceUnavailable(f"no runtime {runtime!r}; there are {', '.join(RUNTIMES)}")
    if runtime == TORCH or not model.network.in_torch:
        return None
    if runtime == AUTO:
        return find(root, model.id) if on_cpu and root is not None else None
    if not on_cpu:
        raise DeviceUnavailable(
            "ONNX Runtime embeds on the CPU in fp32 only: choose these, or another runtime"
        )
    if root is None:
        raise CannotExport("no folder was named for exported networks")
    return provide(root, model)
