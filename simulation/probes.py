"""Probe photos: hand-held photos of people of the world."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from simulation.camera import Camera
from simulation.renderer import Renderer
from simulation.scene import Picture
from simulation.sensors import draw_sensor
from simulation.studio import Actor, Studio
from simulation.walking import Pass, moment
from simulation.world import World

SIZE = (480, 640)
LEAST_VISIBLE = 0.8
DISTANCE = 3.6  # metres, in the direction of travel: the strip is free of things


def take_probes(out: Path, world: World, count: int) -> list[dict[str, object]]:
    """Write up to `count` photos, one a person; returns what they show."""
    folder = out / "probes"
    taken: list[dict[str, object]] = []
    renderer = Renderer() if count else None
    for person in by_cameras(world.passes):
        if renderer is None or len(taken) == count:
            break
        walk = min((p for p in world.passes if p.person == person), key=lambda p: p.start)
        photo = photograph(renderer, world, walk)
        if photo is None:
            continue
        folder.mkdir(exist_ok=True)
        path = folder / f"person-{person + 1}.jpg"
        Image.fromarray(photo.pixels).save(path, quality=90)
        place = world.stations[walk.camera].name
        taken.append({"identity": person + 1, "place": place, "file": f"{folder.name}/{path.name}"})
    if renderer is not None:
        renderer.context.release()
    return taken


def by_cameras(passes: Sequence[Pass]) -> list[int]:
    """Everybody who passes a camera, those who pass several first."""
    cameras: dict[int, set[int]] = {}
    for walk in passes:
        cameras.setdefault(walk.person, set()).add(walk.camera)
    return sorted(cameras, key=lambda person: (len(cameras[person]) < 2, person))


def photograph(renderer: Renderer, world: World, walk: Pass) -> Picture | None:
    """A person half-way along a pass, seen from ahead; None when too much of it is hidden or outside."""
    rng = np.random.default_rng([world.seed, 6, walk.person])
    identity = world.people[walk.person]
    at = moment(walk, identity, (walk.start + walk.end(identity)) / 2)
    if at is None:
        return None
    ahead = np.array([np.cos(at.heading), np.sin(at.heading)]) * DISTANCE
    aside = rng.uniform(-0.5, 0.5)
    eye = np.array([at.x + ahead[0], at.y + ahead[1] + aside, rng.uniform(1.35, 1.65)])
    target = np.array([at.x, at.y, 0.52 * identity.shape.stature])
    camera = Camera.looking_at(eye, target, field=np.deg2rad(42), width=SIZE[0], height=SIZE[1])
    station = world.stations[walk.camera]
    studio = Studio(
        renderer, replace(station, camera=camera, sensor=draw_sensor(rng, night=station.place.night))
    )
    actor = Actor(renderer, identity)
    picture, sightings = studio.shoot([(walk.person, actor, at)], shot=walk.person)
    actor.release()
    studio.release()
    return picture if sightings and sightings[0].visible >= LEAST_VISIBLE else None
