"""Lets torchvision be imported beside a torch whose build its compiled operators do not match.

torchvision publishes one wheel, compiled against the CUDA build of torch. Beside a CPU build its library
cannot be loaded, and then `import torchvision` itself fails, although nothing used here needs the library
except nms. `ensure` declares the missing operators and gives nms a body; where the library loads, it changes
nothing.

Call `ensure()` before any import of torchvision.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

import torch
from torch import Tensor

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


@cache
def in_force() -> bool:
    """Return whether the remedy is needed: torchvision is installed and its own operators do not load."""
    return not _operators_load()


def ensure() -> None:
    """Make torchvision importable. Does nothing where its operators load; calling again does nothing."""
    with _LOCK:
        if _LIBRARY or not in_force():
            return
        _LIBRARY.append(torch.library.Library("torchvision", "FRAGMENT"))  # type: ignore[no-untyped-call]
        for schema in SCHEMAS:
            _LIBRARY[0].define(schema)  # type: ignore[no-untyped-call]
        _LIBRARY[0].impl("nms", nms, "CPU")  # type: ignore[no-untyped-call]
        import torchvision.ops.boxes

        # Its nms asks for the compiled library before it calls the operator, which now exists without one.
        torchvision.ops.boxes._assert_has_ops = lambda: None


_LOCK = Lock()
# A torch.library.Library takes its operators back when it is garbage-collected.
_LIBRARY: list[torch.library.Library] = []


def _operators_load() -> bool:
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        return False
    for path in Path(spec.origin).parent.glob("_C*"):
        try:
            torch.ops.load_library(str(path))  # type: ignore[no-untyped-call]
        except OSError:
            continue
        return True
    return False


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Non-maximum suppression as torchvision.ops.nms defines it.

    Args:
        boxes: (N, 4) x1, y1, x2, y2.
        scores: (N,).
        iou_threshold: boxes that a better one overlaps by more than this go.

    Returns:
        (K,) int64, indices of the boxes that stay, best first.
    """
    order = scores.argsort(descending=True, stable=True)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        corners = torch.maximum(boxes[best, :2], boxes[order, :2])
        sides = (torch.minimum(boxes[best, 2:], boxes[order, 2:]) - corners).clamp(min=0)
        overlap = sides.prod(dim=1)
        order = order[overlap <= iou_threshold * (areas[best] + areas[order] - overlap)]
    return torch.stack(kept) if kept else torch.empty(0, dtype=torch.int64)
