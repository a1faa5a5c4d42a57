"""What each kind of network is trained for, by its name.

A new system is two files, the network's and the objective's with its settings, and a line in each of two
registers: models.networks.catalogue and here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Union

from models.training.objectives.alignment import AlignmentObjective
from models.training.objectives.base import Objective, People
from models.training.objectives.captioner import CaptionerObjective
from models.training.objectives.crf import CRFObjective
from models.training.objectives.cross_modal import CrossModalObjective
from models.training.objectives.saa import SAAObjective
from models.training.objectives.tkp import TKPObjective
from models.training.objectives.vkd import VKDObjective
from models.training.plan import Settings

__all__ = ["OBJECTIVES", "AnySettings", "Objective", "People"]

OBJECTIVES: Final[Mapping[str, type[Objective]]] = MappingProxyType(
    {
        objective.settings_type.model_fields["network"].default: objective
        for objective in (
            TKPObjective,
            SAAObjective,
            CRFObjective,
            CrossModalObjective,
            CaptionerObjective,
            VKDObjective,
            AlignmentObjective,
        )
    }
)

if TYPE_CHECKING:
    AnySettings = Settings
else:
    # What a recipe says of its system is read by the type that has the network's name.
    AnySettings = Union[tuple(objective.settings_type for objective in OBJECTIVES.values())]  # noqa: UP007
