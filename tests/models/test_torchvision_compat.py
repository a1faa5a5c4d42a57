import subprocess
import sys

import torch
from hypothesis import given
from hypothesis import strategies as st

from models import torchvision_compat


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter: what is declared to torch cannot be taken back in this one."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False, timeout=120
    )


def test_ensure_gives_what_is_missing_and_nothing_else() -> None:
    """In one process, as importing torch takes seconds: as if the operators loaded, then as it is."""
    done = python(
        "from models import torchvision_compat as c\n"
        "import sys\n"
        "needed, c.in_force = c.in_force, lambda: False\n"
        "c.ensure()\n"
        "assert not c._LIBRARY\n"
        "assert 'torchvision' not in sys.modules\n"
        "c.in_force = needed; c.ensure(); c.ensure()\n"
        "import torch, torchvision\n"
        "from torchvision.ops import batched_nms, nms, roi_pool\n"
        "boxes = torch.tensor([[0., 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]])\n"
        "scores = torch.tensor([.8, .9, .7])\n"
        "assert nms(boxes, scores, .5).tolist() == [1, 2]\n"
        "assert batched_nms(boxes, scores, torch.tensor([0, 1, 0]), .5).tolist() == [1, 0, 2]\n"
        "assert nms(boxes[:0], scores[:0], .5).shape == (0,)\n"
        "print('all well')\n"
        "roi_pool(torch.zeros(1, 1, 4, 4), torch.zeros(1, 5), 2)\n"
    )
    assert done.stdout == "all well\n", done.stderr
    if torchvision_compat.in_force():
        assert "Couldn't load custom C++ ops" in done.stderr


def test_in_force_says_whether_import_needs_it() -> None:
    """Where the remedy is not in force torchvision must import without it, and the other way round."""
    alone = python("import torchvision").returncode == 0
    assert alone is not torchvision_compat.in_force()


@given(st.integers(0, 25), st.floats(0.1, 0.9), st.integers(0, 10_000))
def test_nms_equals_its_definition(count: int, threshold: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 2, generator=generator) * 20
    boxes = torch.cat([corners, corners + torch.rand(count, 2, generator=generator) * 15 + 1], dim=1)
    scores = torch.rand(count, generator=generator)
    kept: list[int] = []
    for index in scores.argsort(descending=True).tolist():
        if all(overlap(boxes[index], boxes[other]) <= threshold for other in kept):
            kept.append(index)
    assert torchvision_compat.nms(boxes, scores, threshold).tolist() == kept


def overlap(a: torch.Tensor, b: torch.Tensor) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(float(width), 0.0) * max(float(height), 0.0)
    area_a, area_b = (float((x[2] - x[0]) * (x[3] - x[1])) for x in (a, b))
    return shared / (area_a + area_b - shared)
