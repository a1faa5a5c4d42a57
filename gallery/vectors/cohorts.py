"""The cohort of each camera of a snapshot: which tracklets are looked at, and when to look again."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.vectors.block import Block
from gallery.vectors.index import Halves, Integers
from gallery.vectors.levels import Cohort, evenly
from gallery.vectors.plausible import check_vectors

_LIVE_DTYPE = np.dtype(
    [("camera_id", "<i8"), ("id", "S32"), ("count", "<i8"), ("block", "<i8"), ("first", "<i8")]
)


@dataclass(frozen=True, slots=True)
class KnownCohort:
    """A cohort, and a digest of the videos that it was made of."""

    digest: bytes
    cohort: Cohort


def cohorts_of(blocks: Sequence[Block], known: Mapping[int, KnownCohort]) -> dict[int, KnownCohort]:
    """Sum up the tracklets of each camera; those of cameras that did not change are taken from `known`.

    A cohort follows from the videos alone, not from how they are spread over segments: the same gallery ranks
    the same before and after compaction.
    """
    found = {}
    for videos in _by_camera(blocks):
        camera_id = int(videos["camera_id"][0])
        parts = videos["id"].tobytes() + videos["count"].tobytes()
        digest = hashlib.blake2b(parts, digest_size=16).digest()
        old = known.get(camera_id)
        if old is None or old.digest != digest:
            cohort = Cohort.of(_sample(blocks, videos), int(videos["count"].sum()))
            old = KnownCohort(digest, cohort)
        found[camera_id] = old
    return found


def _by_camera(blocks: Sequence[Block]) -> Iterator[NDArray[np.void]]:
    """The videos of each camera that are not erased, in the order of their ids: (V,) of _LIVE_DTYPE.

    They count the tracklets that are left of each.
    """
    parts = []
    for number, block in enumerate(blocks):
        kept = block.rows.videos[~block.erased]
        part = np.zeros(len(kept), _LIVE_DTYPE)
        part["block"] = number
        for name in ("camera_id", "id", "first"):
            part[name] = kept[name]
        part["count"] = block.live_counts[~block.erased]
        parts.append(part[part["count"] > 0])
    if not parts:
        return
    live = np.concatenate(parts)
    live = live[np.lexsort((live["id"], live["camera_id"]))]
    cuts = np.flatnonzero(np.diff(live["camera_id"])) + 1
    yield from (part for part in np.split(live, cuts) if len(part))


def _sample(blocks: Sequence[Block], videos: NDArray[np.void]) -> Halves:
    """Vectors of a camera, evenly spaced over its tracklets: (N, D)."""
    ends = np.cumsum(videos["count"])
    places = evenly(int(ends[-1]))
    ordinals = np.searchsorted(ends, places, side="right")
    inside: Integers = places - (ends - videos["count"])[ordinals]
    dimension = blocks[0].rows.vectors.dimension
    vectors = np.empty((len(places), dimension), np.float16)
    of_block = videos["block"][ordinals]
    for number in np.unique(of_block).tolist():
        here, block = of_block == number, blocks[number]
        rows = block.live_rows(videos["first"][ordinals[here]], inside[here])
        vectors[here] = block.rows.vectors.take(rows)
        check_vectors(block.rows, vectors[here], rows)
    return vectors
