"""3D-SAA + CMIL: an image and a video network that learnt from an appearance stream and from each other.

Shi et al. 2021, "3D semantic appearance alignment" (3D-SAA) and "cross-modal interactive learning" (CMIL), on
the baseline of TKP (Gu et al., ICCV 2019). Both additions serve training alone: the appearance stream is
dropped, and the interaction needs photo and clip of the same tracklet, which no search has. What remains at
test time is TKP's pair, at TKP's cost; models.training.objectives.saa has the rest.
"""

from typing import ClassVar

from models.networks.tkp import TKP


class SAA(TKP):
    """The pair of TKP under a name of its own, so that cards and recipes say what taught it."""

    kind: ClassVar[str] = "3d-saa-cmil"
