"""What a number of cameras needs: arithmetic from costs that were measured on one machine.

Every cost is CPU time of one core or bytes, so that a number of cores follows by division. docs/sizing.md
says how each was measured and how far it carries.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

Resolution = Literal["540p", "720p", "1080p", "2160p"]

# One core of an AMD EPYC with AVX2, 2026-11-29, the default model and detector. By resolution: a frame of
# H.264 decoded; one that the detector sees made RGB; the same resized and compared with the one before.
DECODE_MS: Final[dict[Resolution, float]] = {"540p": 0.8, "720p": 1.5, "1080p": 3.7, "2160p": 14.2}
CONVERT_MS: Final[dict[Resolution, float]] = {"540p": 1.5, "720p": 1.5, "1080p": 1.9, "2160p": 6.3}
COMPARE_MS: Final[dict[Resolution, float]] = {"540p": 2.6, "720p": 2.6, "1080p": 3.6, "2160p": 4.4}
LOOK_MS: Final = 36.0  # the detector on a whole frame
LOOKED_AT: Final = (
    (0.0, 0.05),
    (1.5, 0.3),
    (8.0, 0.6),
)  # people in view, share of each frame the detector sees
CROP_MS: Final = 7.0  # the network on one crop
TRACK_MS: Final = 1.0  # a frame and person: association, crops, thumbnails
OVERHEAD: Final = 1.2  # what whole recordings took, over the sum of the above
DETECT_FPS: Final = 10.0
CROPS_A_SECOND: Final = 5.0
CROPS_A_CLIP: Final = 32
DIMENSION: Final = 512
SEARCH_MS: Final = 40.0  # a million tracklets of that dimension, nothing filtered
PHOTO_MS: Final = 150.0  # decoding, detector and network, before the search

VECTOR_BYTES: Final = 2 * DIMENSION  # half precision
COLUMN_BYTES: Final = 32
ROW_BYTES: Final = 4100  # of a tracklet in SQL, with its boxes
CLIP_ROW_BYTES: Final = 300
STRIP_BYTES: Final = 13_400  # of thumbnails a tracklet

BUSY: Final = 0.8  # of the cores' time: the rest is for searches, backups and bad days
PROCESS_BYTES: Final = 3 << 29  # of a server or worker with its networks
PATIENCE_SECONDS: Final = 1.0  # beyond which an investigator's search counts as slow


@dataclass(frozen=True, slots=True)
class Site:
    """What is recorded and for how long it is kept.

    Args:
        cameras: how many.
        days: for how many recordings and what was found on them are kept.
        people_per_hour: who walk past one camera, in the mean over the hours recorded.
        seconds_in_view: of one of them.
        tracklets_per_person: into how many a walk past falls.
        hours_a_day: that each camera records.
        resolution: of the recordings.
        fps: frames a second of the recordings.
        megabits: a second of the recordings, one camera.
    """

    cameras: int
    days: float
    people_per_hour: float
    seconds_in_view: float = 15.0
    tracklets_per_person: float = 1.25
    hours_a_day: float = 24.0
    resolution: Resolution = "1080p"
    fps: float = 25.0
    megabits: float = 4.0


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is, per machine; None for what is not known."""

    cores: int | None = None
    memory_bytes: float | None = None


@dataclass(frozen=True, slots=True)
class Needs:
    """What a site needs; bytes, CPU seconds of one core.

    `index_seconds` are those of one hour of one camera, by stage; `cores` for all of them to keep up, and
    `machines` with as many cores as was named, None where none was. `too_little`: what one machine of that
    size comes to the end of, the worst first.
    """

    tracklets: int
    clips: int
    index_seconds: dict[str, float]
    times_real_time: float
    cores: float
    media_bytes: float
    gallery_bytes: float
    memory_bytes: float
    search_seconds: float
    searches_a_second: float
    machines: int | None
    too_little: list[str]


def looked_at(people: float) -> float:
    """The share of a frame that the detector sees with so many people in view."""
    for (fewer, less), (more, most) in pairwise(LOOKED_AT):
        share = less + (most - less) * (people - fewer) / (more - fewer)
        if people <= more:
            break
    return min(1.0, share)


def index_seconds(site: Site) -> dict[str, float]:
    """CPU seconds of one core for an hour of one camera, by stage."""
    people = site.people_per_hour * site.seconds_in_view / 3600  # in view, in the mean
    looks = min(DETECT_FPS, site.fps) * 3600
    milliseconds = {
        "decode": site.fps * 3600 * DECODE_MS[site.resolution],
        "convert and compare": looks * (CONVERT_MS[site.resolution] + COMPARE_MS[site.resolution]),
        "detect": looks * LOOK_MS * looked_at(people),
        "track": looks * TRACK_MS * people,
        "embed": people * 3600 * CROPS_A_SECOND * CROP_MS,
    }
    return {stage: OVERHEAD * value / 1000 for stage, value in milliseconds.items()}


def needs_of(site: Site, machine: Machine) -> Needs:
    """Return what a site needs, and what a machine of that size comes to the end of first."""
    hours = site.cameras * site.days * site.hours_a_day
    tracklets = hours * site.people_per_hour * site.tracklets_per_person
    seconds_a_tracklet = site.seconds_in_view / site.tracklets_per_person
    clips = tracklets * max(1.0, seconds_a_tracklet * CROPS_A_SECOND / CROPS_A_CLIP)
    stages = index_seconds(site)
    an_hour = sum(stages.values())
    cores = site.cameras * site.hours_a_day / 24 * an_hour / 3600 / BUSY
    memory = tracklets * (VECTOR_BYTES + COLUMN_BYTES) + 2 * PROCESS_BYTES
    search = PHOTO_MS / 1000 + tracklets / 1e6 * SEARCH_MS / 1000
    share = {
        "cores for indexing": cores / machine.cores if machine.cores else 0.0,
        "memory for vectors": memory / machine.memory_bytes if machine.memory_bytes else 0.0,
        "time for a search": search / PATIENCE_SECONDS,
    }
    return Needs(
        tracklets=round(tracklets),
        clips=round(clips),
        index_seconds=stages,
        times_real_time=3600 / an_hour,
        cores=cores,
        media_bytes=hours * 3600 * site.megabits * 1e6 / 8,
        gallery_bytes=tracklets * (VECTOR_BYTES + COLUMN_BYTES + ROW_BYTES + STRIP_BYTES)
        + clips * (VECTOR_BYTES + CLIP_ROW_BYTES),
        memory_bytes=memory,
        search_seconds=search,
        searches_a_second=1 / search,
        machines=math.ceil(share["cores for indexing"]) if machine.cores else None,
        too_little=sorted((what for what in share if share[what] > 1), key=share.__getitem__, reverse=True),
    )
