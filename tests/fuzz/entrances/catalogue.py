"""All entrances that foreign bytes have; a new one is a class and a line here."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tests.fuzz.entrances.base import Entrance
from tests.fuzz.entrances.cards import Calibrations, Listings
from tests.fuzz.entrances.networks import Checkpoints, OnnxFiles, OnnxNetworks
from tests.fuzz.entrances.packages import BackupManifests, Packages, Restores, Segments
from tests.fuzz.entrances.pictures import CropFolders, Crops, PhotoMetadata, Photos, PhotoUploads
from tests.fuzz.entrances.rest import Rest
from tests.fuzz.entrances.texts import Addresses, Boxes, Cursors, Paths
from tests.fuzz.entrances.tokens import BearerTokens, PublishedKeys
from tests.fuzz.entrances.trails import Anchors, Trails
from tests.fuzz.entrances.videos import Clips, DecoderAnswers, VideoProcesses, Videos

ENTRANCES: Final[Mapping[str, type[Entrance]]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Photos,
            PhotoMetadata,
            PhotoUploads,
            Crops,
            CropFolders,
            Videos,
            VideoProcesses,
            Clips,
            DecoderAnswers,
            Boxes,
            Paths,
            Checkpoints,
            OnnxFiles,
            OnnxNetworks,
            Calibrations,
            Listings,
            Packages,
            BackupManifests,
            Restores,
            Segments,
            Anchors,
            Trails,
            Cursors,
            BearerTokens,
            PublishedKeys,
            Addresses,
            Rest,
        )
    }
)
