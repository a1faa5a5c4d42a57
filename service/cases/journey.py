"""A journey: sightings in the order of time, and whether one person can have made all of them.

What is impossible is flagged and never left out: people decide which sighting is wrong.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations, pairwise
from typing import Final, Literal

from gallery import Confirmation
from service.cases.tracks import Track, apart

_EARTH_METRES: Final = 6_371_008.8  # mean radius (IUGG)
Flag = Literal["overlap", "too_fast", "twice_in_view"]


@dataclass(frozen=True, slots=True)
class Place:
    """A camera: where it stands, if that is known, and the zone of its clock."""

    name: str
    site: str | None
    time_zone: str
    position: tuple[float, float] | None  # degrees north and east


@dataclass(frozen=True, slots=True)
class Sighting:
    """A tracklet that somebody marked as showing the person.

    `change` of the gallery made the tracklet. `searches` are those on whose hits it was marked so, `doubted`
    those on whose hits it was marked as somebody else; `confirmations` are what second persons said of the
    former; `probability` is the highest that any of them gave it.
    `track` is where in the picture the person was, known where another sighting of the video is at the time.
    """

    tracklet_id: str
    video_id: str
    place: Place
    start: datetime
    end: datetime
    change: int = 0
    searches: Sequence[str] = ()
    doubted: Sequence[str] = ()
    confirmations: Sequence[Confirmation] = ()
    probability: float | None = None
    track: Track | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a person can do.

    Attributes:
        speed: metres a second.
        reach: metres from a camera at which it may see somebody: people need not walk from pole to pole.
    """

    speed: float
    reach: float


@dataclass(frozen=True, slots=True)
class Transition:
    """From one sighting to another, by their numbers in the journey.

    Attributes:
        seconds: from the end of the one to the start of the other; negative where they overlap.
        metres: between the cameras; None where a position is not known.
        speed: metres a second that the way takes, less what the cameras see; None where nobody knows.
        flag: why one person cannot have made both, or None.
        reason: the same for people.
    """

    before: int
    after: int
    seconds: float
    metres: float | None
    speed: float | None
    flag: Flag | None
    reason: str | None


def ordered(sightings: Sequence[Sighting]) -> list[Sighting]:
    """Sightings in the order in which they began."""
    return sorted(sightings, key=lambda one: (one.start, one.end, one.tracklet_id))


def steps(sightings: Sequence[Sighting], limits: Limits) -> list[Transition]:
    """The transitions from each of the ordered sightings to the next."""
    return [_judged(number, sightings, number + 1, limits) for number, _ in enumerate(pairwise(sightings))]


def conflicts(sightings: Sequence[Sighting], limits: Limits) -> list[Transition]:
    """Every pair of the ordered sightings, next to each other or not, that one person cannot have made."""
    pairs = combinations(range(len(sightings)), 2)
    judged = (_judged(before, sightings, after, limits) for before, after in pairs)
    return [one for one in judged if one.flag is not None]


def metres_between(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The shortest way over the earth between two places in degrees, by the haversine formula."""
    (north, east), (other_north, other_east) = (tuple(map(math.radians, place)) for place in (one, other))
    across = math.sin((other_north - north) / 2) ** 2
    across += math.cos(north) * math.cos(other_north) * math.sin((other_east - east) / 2) ** 2
    return 2 * _EARTH_METRES * math.asin(min(1.0, math.sqrt(across)))


def way_between(one: tuple[float, float], other: tuple[float, float], reach: float) -> float:
    """Metres at least from what one camera sees to what another does; places in degrees."""
    return max(0.0, metres_between(one, other) - 2 * reach)


def _judged(before: int, sightings: Sequence[Sighting], after: int, limits: Limits) -> Transition:
    one, other = sightings[before], sightings[after]
    seconds = (other.start - one.end).total_seconds()
    if one.place.name == other.place.name:
        flag, reason = _at_one_camera(one, other, seconds)
        return Transition(before, after, seconds, 0.0, None, flag, reason)
    positions = (one.place.position, other.place.position)
    if positions[0] is None or positions[1] is None:
        reason = "at two cameras at once; where they stand is not known" if seconds < 0 else None
        return Transition(before, after, seconds, None, None, "overlap" if reason else None, reason)
    metres = metres_between(positions[0], positions[1])
    way = way_between(positions[0], positions[1], limits.reach)
    speed = way / seconds if seconds > 0 else None
    flag, reason = _on_the_way(way, seconds, speed, limits)
    return Transition(before, after, seconds, metres, speed, flag, reason)


def _at_one_camera(one: Sighting, other: Sighting, seconds: float) -> tuple[Flag | None, str | None]:
    """Two people in one picture cannot be one; two videos of a camera may show the same picture."""
    if seconds >= 0 or one.video_id != other.video_id or one.track is None or other.track is None:
        return None, None
    if not apart(one.track, other.track):
        return None, None
    return "twice_in_view", "twice in one picture: at most one of the two is the person"


def _on_the_way(
    way: float, seconds: float, speed: float | None, limits: Limits
) -> tuple[Flag | None, str | None]:
    if way == 0:
        return None, None  # both may see the same place
    if speed is None:
        return "overlap", f"at once at two cameras, with at least {way:.0f} m between what they see"
    if speed > limits.speed:
        return (
            "too_fast",
            f"at least {way:.0f} m in {seconds:.1f} s: {speed:.1f} m/s, over {limits.speed:g} m/s",
        )
    return None, None
