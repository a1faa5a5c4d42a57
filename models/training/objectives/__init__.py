"""What each kind of network is trained for, by its name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from models.networks.alignment import CrossModalityAlignment
from models.networks.crf import CRF
from models.networks.tkp import TKP
from models.networks.vkd import VKD
from models.training.objectives.alignment import AlignmentObjective
from models.training.objectives.base import Objective, People
from models.training.objectives.crf import CRFObjective
from models.training.objectives.tkp import TKPObjective
from models.training.objectives.vkd import VKDObjective

__all__ = ["OBJECTIVES", "Objective", "People"]

OBJECTIVES: Final[Mapping[str, type[Objective]]] = MappingProxyType(
    {
        TKP.kind: TKPObjective,
        VKD.kind: VKDObjective,
        CRF.kind: CRFObjective,
        CrossModalityAlignment.kind: AlignmentObjective,
    }
)
