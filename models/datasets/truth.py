"""Body part and surface position of each pixel of a crop, in files beside the crops.

<root>/bbox_train/0001/0001C1T0001F001.jpg   a crop
<root>/truth/0001/0001C1T0001F001.png        its truth: red is the body part (0 = none), green u, blue v

`sightline simulate tracklets --truth` writes what is so. For real crops an estimator of DensePose's kind
writes what seems so (Güler et al., CVPR 2018); the 24 parts and their order are DensePose's. Its tools write
through OpenCV, which puts the part into the blue channel: such files must be turned round.
"""

from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from models.datasets.frames import read_frame
from models.errors import BadDataset

FOLDER: Final = "truth"
PARTS: Final = 24

# Where the parts 0 to 24 go in a mirror: hands, feet, legs, arms and halves of the head change sides.
MIRRORED: Final = torch.tensor(
    [0, 1, 2, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15, 18, 17, 20, 19, 22, 21, 24, 23],
    dtype=torch.uint8,
)
# Charts of torso and head go round the person from one side to the other: a mirror turns them round. Those of
# the limbs are mirror images of each other already.
TURNED: Final = torch.tensor([part in {1, 2, 23, 24} for part in range(PARTS + 1)])


def truth_file(root: Path, frame: Path) -> Path:
    """The file with the truth of a frame: its path below the first folder in `root`, as a PNG.

    Raises:
        BadDataset: the frame does not lie in a folder in `root`.
    """
    if not frame.is_relative_to(root) or len(within := frame.relative_to(root).parts) < 2:
        raise BadDataset(f"{frame} is in no folder in {root}, so its body parts have no place there")
    return root.joinpath(FOLDER, *within[1:]).with_suffix(".png")


def read_truth(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Read a truth file.

    Args:
        path: of the file.
        size: height and width of the crop it belongs to.

    Returns:
        (h, w, 3) uint8: part, u, v.

    Raises:
        BadDataset: missing, not an image in RGB, of another size, or with parts that there are not.
    """
    if not path.is_file():
        raise BadDataset(f"no body parts at {path}: see docs/datasets.md for who writes them")
    try:
        with Image.open(path) as image:
            mode = image.mode
    except OSError:
        mode = "RGB"  # the reader says better what is wrong
    if mode != "RGB":
        raise BadDataset(f"{path}: body part, u and v are three channels of a byte, not of type {mode}")
    truth = read_frame(path)
    if truth.shape[:2] != size:
        found, wanted = (f"{width} x {height}" for height, width in (truth.shape[:2], size))
        raise BadDataset(f"{path} is {found} pixels, its crop {wanted}")
    if (most := truth[..., 0].max(initial=0)) > PARTS:
        hint = (
            "; blue has parts: are the channels the wrong way round?" if truth[..., 2].max() <= PARTS else ""
        )
        raise BadDataset(f"{path} has a body part {most} in its red channel, of 0 to {PARTS}{hint}")
    return truth


def resize_truth(truth: NDArray[np.uint8], height: int, width: int) -> Tensor:
    """Take the nearest pixels, as parts have no mean: (h, w, 3) -> (3, height, width) uint8."""
    channels = torch.from_numpy(truth.copy()).permute(2, 0, 1)
    return F.interpolate(channels[None], (height, width), mode="nearest-exact")[0]


def mirror(truth: Tensor) -> Tensor:
    """Truth of mirrored crops, as it would have been told from them: (..., 3, H, W) uint8 -> the same.

    Exact for the simulation's charts. Interpretation: DensePose has a table for its own, which belongs to its
    data and is not here; its charts are taken to mirror as ours do.
    """
    part, u, v = truth.flip(-1).unbind(dim=-3)
    index = part.long()
    turned = TURNED.to(truth.device)[index]
    return torch.stack([MIRRORED.to(truth.device)[index], torch.where(turned, 255 - u, u), v], dim=-3)
