"""Photos of people from the gallery, each against tracklets of people who were seen beside them."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from gallery import Gallery, Snapshot
from indexer.gallery_source import GallerySource, Range
from indexer.settings import IndexSettings
from models.adaptation.choosing import spread_sample
from models.adaptation.links import seen_together
from models.calibration.calibrator import Evidence
from models.embedder import Embedder
from models.preprocessing import Crop
from models.quality import sharpness

MOST: Final = 500  # tracklets that photos are taken of
SEED: Final = 1


def evidence_of_strangers(
    gallery: Gallery,
    embedder: Embedder,
    settings: IndexSettings,
    *,
    seen: Callable[[int], None] = lambda _: None,
) -> list[Evidence]:
    """What a model says of pairs of people who surely are two, by photo.

    Args:
        gallery: whose recordings are read again, for the photos.
        embedder: of the model.
        settings: limits of the decoder.
        seen: called while recordings are read; what it raises ends the reading.
    """
    source = GallerySource(gallery, settings, Range(), embedder.preprocessing, seen=seen)
    sightings = source.sightings()
    beside: dict[str, list[str]] = defaultdict(list)
    for one, other in seen_together(sightings).apart:
        beside[sightings[one].id].append(sightings[other].id)
        beside[sightings[other].id].append(sightings[one].id)
    asked = [sighting for sighting in sightings if sighting.id in beside]
    chosen = [asked[place].id for place in spread_sample(asked, MOST, SEED)]
    snapshot = gallery.snapshot(embedder.id)
    photos = ((crops.id, crops.images[0]) for crops in source.crops(chosen) if crops.images)
    return list(_evidence(embedder, snapshot, photos, beside))


def _evidence(
    embedder: Embedder,
    snapshot: Snapshot,
    photos: Iterator[tuple[str, Crop]],
    beside: dict[str, list[str]],
) -> Iterator[Evidence]:
    for tracklet_id, photo in photos:
        stored = snapshot.stored(sorted(beside[tracklet_id]))
        if not stored.ids:
            continue
        vector = embedder.embed_images([photo])[0]
        yield Evidence(
            scores=snapshot.standing(vector, stored),
            cosines=(stored.vectors @ vector).astype(np.float64),
            height=np.array(float(photo.shape[0])),
            sharpness=np.array(sharpness(photo)),
        )
