"""The kinds of networks there are, by the names that cards and recipes use."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from models.networks.alignment import CrossModalityAlignment
from models.networks.captioner import Captioner
from models.networks.crf import CRF
from models.networks.cross_modal import CrossModal
from models.networks.network import Network
from models.networks.saa import SAA
from models.networks.tkp import TKP
from models.networks.vkd import VKD

NETWORKS: Final[Mapping[str, type[Network]]] = MappingProxyType(
    {
        network.kind: network
        for network in (
            TKP,
            VKD,
            SAA,
            CRF,
            CrossModal,
            Captioner,
            CrossModalityAlignment,
        )
    }
)


def build(kind: str, architecture: Mapping[str, Any]) -> Network:
    """Build a network with weights that mean nothing yet.

    Raises:
        ValueError: no such kind, or it cannot be built so.
    """
    if kind not in NETWORKS:
        raise ValueError(f"no network {kind!r}; known: {', '.join(NETWORKS)}")
    try:
        return NETWORKS[kind](**architecture)
    except TypeError as error:
        raise ValueError(f"{kind}: {error}") from error
