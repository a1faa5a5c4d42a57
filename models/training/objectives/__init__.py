"""What each kind of network is trained for, by its name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from models.networks.alignment import CrossModalityAlignment
from models.networks.captioner import Captioner
from models.networks.crf import CRF
from models.networks.cross_modal import CrossModal
from models.networks.saa import SAA
from models.networks.tkp import TKP
from models.networks.vkd import VKD
from models.training.objectives.alignment import AlignmentObjective
from models.training.objectives.base import Objective, People
from models.training.objectives.captioner import CaptionerObjective
from models.training.objectives.crf import CRFObjective
from models.training.objectives.cross_modal import CrossModalObjective
from models.training.objectives.saa import SAAObjective
from models.training.objectives.tkp import TKPObjective
from models.training.objectives.vkd import VKDObjective

__all__ = ["OBJECTIVES", "Objective", "People"]

OBJECTIVES: Final[Mapping[str, type[Objective]]] = MappingProxyType(
    {
        TKP.kind: TKPObjective,
        SAA.kind: SAAObjective,
        CRF.kind: CRFObjective,
        CrossModal.kind: CrossModalObjective,
        Captioner.kind: CaptionerObjective,
        VKD.kind: VKDObjective,
        CrossModalityAlignment.kind: AlignmentObjective,
    }
)
