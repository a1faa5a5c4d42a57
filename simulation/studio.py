"""One camera with its renderer: pictures of any moment with exact boxes and visibility."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.body import Array, load_body
from simulation.camera import Window
from simulation.figure import Figure, Scenery
from simulation.identity import Identity
from simulation.renderer import Renderer
from simulation.scene import SUPERSAMPLE, Picture, Sensor, Stance
from simulation.sensors import metered
from simulation.walking import Moment, Puppet, Standing
from simulation.world import Station

LEAST_DEPTH = 0.6  # metres in front of the camera


@dataclass(frozen=True)
class Sighting:
    """One person in one picture: left, top, width, height in pixels (may reach outside), visible share."""

    person: int
    box: tuple[float, float, float, float]
    depth: float
    visible: float


def arm_joints() -> Array:
    """Canonical shoulder, elbow, wrist of the left and the right arm, (6, 3)."""
    body = load_body()
    names = [f"{bone}.{side}" for side in "LR" for bone in ("upperarm01", "lowerarm01", "wrist")]
    return np.array([body.template_heads[body.bone(name)] for name in names], np.float32)


class Studio:
    """Draws what a station's camera sees; people are added as they are needed."""

    def __init__(self, renderer: Renderer, station: Station) -> None:
        self.renderer, self.station = renderer, station
        place = station.place
        renderer.take_over()
        self.scenery = Scenery(
            renderer.context,
            renderer.programs.place,
            renderer.programs.place_shadow,
            vertices=place.vertices,
            normals=place.normals,
            kinds=place.kinds,
            faces=place.faces,
            surfaces=place.surfaces,
        )
        self.backdrop = renderer.backdrop(station.camera, place.light, place.ground, self.scenery)
        self.sensor = metered(station.sensor, self.backdrop)
        self.body = load_body()
        self.joints = arm_joints()

    def shoot(
        self,
        cast: Sequence[tuple[int, "Actor", Moment]],
        *,
        shot: int,
        window: Window | None = None,
        truth: bool = False,
    ) -> tuple[Picture, list[Sighting]]:
        """Draw the cast (person number, actor, moment) and say where everybody is."""
        camera = self.station.camera
        placed = [
            (person, actor, actor.puppet.stand(self.body, [at], camera)[0]) for person, actor, at in cast
        ]
        taken = self.shoot_placed(placed, shot=shot, window=window or Window.whole(camera), truth=truth)
        assert taken is not None  # nothing was asked of it
        return taken

    def shoot_placed(
        self,
        cast: Sequence[tuple[int, "Actor", Standing]],
        *,
        shot: int,
        window: Window,
        truth: bool = False,
        least: tuple[int, float] | None = None,
        sensor: Sensor | None = None,
        shaded: int = 2,
    ) -> tuple[Picture, list[Sighting]] | None:
        """Like `shoot`, of people already posed.

        With `least` = (person, visible share), None where less of that person shows. `sensor` takes the place
        of the camera's own; `shaded` as in `Renderer.draw`.
        """
        drawn = [(person, actor, at) for person, actor, at in cast if shows(at.stance, window)]
        focus, reach = around([at.stance for _, _, at in drawn])

        sightings: list[Sighting] = []

        def enough(people: NDArray[np.uint8]) -> bool:
            sightings.extend(
                sighting(number, person, at, people, window)
                for number, (person, _, at) in enumerate(drawn, 1)
            )
            return least is None or any(s.person == least[0] and s.visible >= least[1] for s in sightings)

        self.renderer.take_over()
        picture = self.renderer.draw(
            self.backdrop,
            window,
            [(actor.figure, at.stance) for _, actor, at in drawn],
            sensor or self.sensor,
            shot=shot,
            focus=focus,
            reach=reach,
            arm_joints=self.joints,
            truth=truth,
            shaded=shaded,
            wanted=enough,
        )
        return None if picture is None else (picture, sightings)

    def release(self) -> None:
        """Free the GPU memory."""
        self.renderer.take_over()
        self.backdrop.release()
        self.scenery.release()


class Actor:
    """An identity on the GPU."""

    def __init__(self, renderer: Renderer, identity: Identity) -> None:
        self.identity, self._renderer = identity, renderer
        renderer.take_over()
        self.puppet = Puppet.of(identity)
        photographed = identity.photograph is not None
        self.figure = Figure(
            renderer.context,
            renderer.programs.photographed if photographed else renderer.programs.geometry,
            renderer.programs.person_shadow,
            pieces=identity.pieces,
            materials=identity.materials,
            prints=identity.prints,
            photograph=identity.photograph,
        )

    def release(self) -> None:
        """Free the GPU memory."""
        self._renderer.take_over()
        self.figure.release()


def shows(stance: Stance, window: Window) -> bool:
    """Whether a person or its shadow may be in a window: nearer than its own size."""
    left, top, right, bottom = stance.bounds
    if right <= left or bottom <= top:
        return False
    reach = bottom - top
    return (
        left < window.x0 + window.width + reach
        and right > window.x0 - reach
        and top < window.y0 + window.height
        and bottom > window.y0
    )


def around(stances: Sequence[Stance]) -> tuple[tuple[float, float], float]:
    """A circle around everybody: centre and radius in metres, for the shadow map."""
    if not stances:
        return (0.0, 0.0), 6.0
    places = np.array([[stance.x, stance.y] for stance in stances])
    centre = (places.min(0) + places.max(0)) / 2
    return (float(centre[0]), float(centre[1])), float(np.linalg.norm(places - centre, axis=1).max() + 2.0)


def sighting(number: int, person: int, at: Standing, people: NDArray[np.uint8], window: Window) -> Sighting:
    """Box and visible share of a person, from its projected truth points and who is seen (2H, 2W)."""
    seen = at.points
    depth = float(seen[:, 2].min())
    if depth < LEAST_DEPTH:
        return Sighting(person, (0.0, 0.0, 0.0, 0.0), depth, 0.0)
    left, top = float(seen[:, 0].min()), float(seen[:, 1].min())
    right, bottom = float(seen[:, 0].max()), float(seen[:, 1].max())
    column = np.floor((seen[: at.spread, 0] - window.x0) * SUPERSAMPLE).astype(int)
    row = np.floor((seen[: at.spread, 1] - window.y0) * SUPERSAMPLE).astype(int)
    inside = (column >= 0) & (row >= 0) & (column < people.shape[1]) & (row < people.shape[0])
    hit = people[row[inside], column[inside]] == number
    return Sighting(
        person,
        (round(left, 2), round(top, 2), round(right - left, 2), round(bottom - top, 2)),
        round(depth, 3),
        round(float(hit.sum()) / at.spread, 3),
    )
