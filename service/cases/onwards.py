"""Where somebody may be seen next, or was seen before: the other cameras, by the way there."""

from collections.abc import Sequence
from dataclasses import dataclass

from gallery import CameraInfo
from service.cases.journey import metres_between, way_between


@dataclass(frozen=True, slots=True)
class Onward:
    """Another camera.

    Attributes:
        camera: its name.
        metres: between the two; None where a position is not known.
        seconds: that the way takes at least, less what the cameras see; None likewise.
        within: whether somebody can be there in time; true where nobody knows.
    """

    camera: str
    metres: float | None
    seconds: float | None
    within: bool


def onwards(
    seen_by: CameraInfo, others: Sequence[CameraInfo], *, speed: float, seconds: float, reach: float
) -> list[Onward]:
    """The other cameras, the nearest first, those of unknown distance last, each by name.

    Args:
        seen_by: the camera that saw somebody.
        others: all cameras, it among them or not.
        speed: metres a second that the person goes at most.
        seconds: that are allowed for the way.
        reach: metres around a camera that it may see, as in journeys.
    """
    here = _position(seen_by)
    found = []
    for other in others:
        if other.id == seen_by.id:
            continue
        there = _position(other)
        if here is None or there is None:
            found.append(Onward(other.name, None, None, within=True))
            continue
        needed = way_between(here, there, reach) / speed
        found.append(Onward(other.name, metres_between(here, there), needed, within=needed <= seconds))
    return sorted(found, key=lambda one: (one.metres is None, one.metres or 0.0, one.camera))


def _position(camera: CameraInfo) -> tuple[float, float] | None:
    if camera.latitude is None or camera.longitude is None:
        return None
    return camera.latitude, camera.longitude
