"""A world: cameras at places of their own, people, and who passes which camera when.

Cameras do not overlap. A person goes from camera to camera along a tour with travelling times in between,
so the same people appear on several cameras at plausible times. Everything is drawn from the seed; floats
that reach the ground truth are computed without BLAS products: threads and libraries do not change it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulation.camera import Camera
from simulation.closet import Wardrobe
from simulation.errors import BadRequest
from simulation.identity import Identity, draw_identity
from simulation.place import Place, draw_place
from simulation.scene import Sensor
from simulation.sensors import draw_camera, draw_sensor, draw_unlike_camera, draw_unlike_sensor
from simulation.surroundings import draw_surroundings
from simulation.view import STATURE, view_quality
from simulation.walking import HALF_STRIP, Pass

MOST_CAMERAS = 32
MOST_PEOPLE = 10_000
DAY = 86_400.0  # seconds
PLACES, CAMERAS_A_PLACE = 6, 12  # tried before the best is taken
TALL = (90.0, 230.0)  # pixels
INDOORS = 0.35  # share of unlike cameras beyond the first two that hang under a roof


@dataclass(frozen=True)
class Station:
    """One camera of a world with its place and its response."""

    name: str
    place: Place
    camera: Camera
    sensor: Sensor


@dataclass(frozen=True)
class World:
    """Stations, people and their passes; times in seconds since the world's start."""

    seed: int
    seconds: float
    stations: tuple[Station, ...]
    people: tuple[Identity, ...]
    passes: tuple[Pass, ...]


def draw_station(seed: int, number: int, *, width: int, height: int) -> Station:
    """Camera `number` of the world of a seed."""

    def camera_of(rng: np.random.Generator, _: Place) -> Camera:
        return draw_camera(rng, width=width, height=height)

    place, camera = best_view(seed, number, draw_place, camera_of)
    sensor = draw_sensor(np.random.default_rng([seed, 9, number]), night=place.night)
    return Station(f"camera-{number + 1}", place, camera, sensor)


def draw_unlike_station(seed: int, number: int, *, width: int, height: int) -> Station:
    """Like `draw_station`, of cameras that disagree: the first hangs indoors, the second outdoors.

    Its resolution is what shows people on the strip TALL pixels high, but no more than asked for.
    """
    indoor = number == 0 or (number > 1 and np.random.default_rng([seed, 12, number]).random() < INDOORS)

    def place_of(rng: np.random.Generator) -> Place:
        return draw_surroundings(rng, indoor=indoor)

    def camera_of(rng: np.random.Generator, place: Place) -> Camera:
        return draw_unlike_camera(rng, room=place.walk_width / 2 + 1.2, width=width, height=height)

    place, camera = best_view(seed, number, place_of, camera_of)
    tall = float(np.exp(np.random.default_rng([seed, 13, number]).uniform(*np.log(TALL))))
    camera = camera.scaled(min(tall / stature_on(camera), 1.0))
    sensor = draw_unlike_sensor(np.random.default_rng([seed, 9, number]), night=place.night)
    return Station(f"camera-{number + 1}", place, camera, sensor)


def stature_on(camera: Camera) -> float:
    """Height in pixels of a person in the middle of the strip."""
    feet, top = camera.project(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, STATURE]]))
    return float(np.hypot(*(top - feet)[:2]))


def best_view(
    seed: int,
    number: int,
    place_of: Callable[[np.random.Generator], Place],
    camera_of: Callable[[np.random.Generator, Place], Camera],
) -> tuple[Place, Camera]:
    """The first place with a camera that sees people well, or else the best of all that were tried."""
    best: tuple[float, Place, Camera] | None = None
    for attempt in range(PLACES):
        rng = np.random.default_rng([seed, 2, number, attempt])
        place = place_of(rng)
        for _ in range(CAMERAS_A_PLACE):
            camera = camera_of(rng, place)
            quality = view_quality(camera, place.solids, place.walk_width)
            if best is None or quality > best[0]:
                best = quality, place, camera
            if quality >= 1.0:
                return place, camera
    assert best is not None
    return best[1:]


def draw_passes(
    rng: np.random.Generator,
    person: int,
    identity: Identity,
    *,
    cameras: int,
    seconds: float,
    widths: list[float],
) -> list[Pass]:
    """The tour of one person: two or more cameras, travelling in between, as far as the time goes."""
    order = rng.permutation(cameras)[: rng.integers(min(2, cameras), cameras + 1)]
    time = rng.uniform(-4.0, seconds * 0.45)
    tour = []
    for camera in order:
        room = widths[camera] / 2 - 0.4
        pause = float(rng.uniform(1.5, 5.0)) if rng.random() < 0.15 else 0.0
        walk = Pass(
            person,
            int(camera),
            float(time),
            int(rng.choice([-1, 1])),
            float(rng.uniform(-room, room)),
            float(rng.uniform(-room, room)),
            float(rng.uniform(0.3, 0.7) * 2 * HALF_STRIP),
            pause,
            float(rng.random()),
            float(rng.uniform(0.92, 1.08)),
        )
        if walk.start > seconds - 4.0:
            break
        tour.append(walk)
        time = walk.end(identity) + rng.uniform(2.0, 12.0)
    return tour


def check_world(seed: int, *, cameras: int, people: int, seconds: float, width: int, height: int) -> None:
    """Refuse a world that cannot be simulated. Raises BadRequest."""
    counts = seed >= 0 and 1 <= cameras <= MOST_CAMERAS and 1 <= people <= MOST_PEOPLE
    if not counts or not 0 < seconds <= DAY or not all(64 <= side <= 4096 for side in (width, height)):
        raise BadRequest(
            f"a world of {cameras} cameras, {people} people, {seconds} s, {width}x{height}, seed {seed}"
        )


def draw_world(
    seed: int,
    *,
    cameras: int,
    people: int,
    seconds: float,
    width: int = 1280,
    height: int = 720,
    wardrobe: Wardrobe | None = None,
) -> World:
    """The world of a seed. Raises BadRequest."""
    check_world(seed, cameras=cameras, people=people, seconds=seconds, width=width, height=height)
    stations = tuple(draw_station(seed, number, width=width, height=height) for number in range(cameras))
    crowd = tuple(draw_identity(seed * 100_000 + number, wardrobe) for number in range(people))
    rng = np.random.default_rng([seed, 3])
    widths = [station.place.walk_width for station in stations]
    passes = [
        walk
        for number, identity in enumerate(crowd)
        for walk in draw_passes(rng, number, identity, cameras=cameras, seconds=seconds, widths=widths)
    ]
    return World(
        seed, seconds, stations, crowd, tuple(sorted(passes, key=lambda p: (p.camera, p.start, p.person)))
    )
