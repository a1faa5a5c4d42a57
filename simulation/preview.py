"""A contact sheet: people from the front and from behind, to be looked at before a long run."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from simulation.camera import Camera
from simulation.identity import Identity
from simulation.place import Place
from simulation.renderer import Renderer
from simulation.scene import Ground, Light, Sensor
from simulation.studio import Actor, Studio
from simulation.view import Solids
from simulation.walking import Moment
from simulation.world import Station

CELL = (160, 320)  # pixels of one view
A_ROW = 6  # people
MOST = 24
VIEWS = (-np.pi / 2 + 0.5, np.pi / 2 + 0.7)  # headings: front and back, both turned a little


def contact_sheet(identities: Sequence[Identity], path: Path) -> None:
    """Draw up to MOST people into a picture file.

    Raises:
        NoRenderer: this machine cannot draw.
    """
    renderer = Renderer()
    studio = Studio(renderer, studio_station())
    studio.sensor = studio.station.sensor  # not metered: every sheet is lit the same
    cells = [cell for identity in identities[:MOST] for cell in views(studio, identity)]
    blank = np.zeros_like(cells[0])
    across = 2 * A_ROW
    cells += [blank] * (-len(cells) % across)
    rows = [np.concatenate(cells[start : start + across], 1) for start in range(0, len(cells), across)]
    Image.fromarray(np.concatenate(rows)).save(path)
    studio.release()
    renderer.context.release()


def views(studio: Studio, identity: Identity) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    """One person in each of the VIEWS, mid-step."""
    actor = Actor(studio.renderer, identity)
    pictures = [
        studio.shoot([(0, actor, Moment(0.0, 0.0, heading, phase, 1.0))], shot=1)[0].pixels
        for heading, phase in zip(VIEWS, (0.05, 0.55), strict=True)
    ]
    actor.release()
    return pictures


def studio_station() -> Station:
    """A camera at chest height in an empty place under an even sky."""
    grey = np.full(3, 0.25, np.float32)
    light = Light(
        direction=np.array([0.35, -0.75, 0.56], np.float32),
        sun=np.full(3, 0.9, np.float32),
        sky=np.full(3, 0.55, np.float32),
        bounce=np.full(3, 0.25, np.float32),
        haze_colour=np.zeros(3, np.float32),
        haze=0.0,
        dapple=0.0,
        dapple_scale=1.0,
    )
    # The renderer wants something to stand in the place: a triangle far behind the camera.
    place = Place(
        vertices=np.array([[0, -90, 0], [1, -90, 0], [0, -90, 1]], np.float32),
        normals=np.array([[0, 1, 0]] * 3, np.float32),
        kinds=np.zeros(3, np.float32),
        faces=np.array([[0, 1, 2]], np.int32),
        surfaces=np.zeros((1, 4, 4), np.float32),
        light=light,
        ground=Ground(paving=0, a=grey, b=grey, scale=1.0, seed=0.0, indoor=False),
        walk_width=4.0,
        night=False,
        solids=Solids(np.zeros((0, 7)), np.zeros((0, 4))),
    )
    camera = Camera.looking_at(
        np.array([0.0, -6.0, 1.5]),
        np.array([0.0, 0.0, 0.93]),
        field=0.37,
        width=CELL[0],
        height=CELL[1],
    )
    sensor = Sensor(
        crosstalk=np.eye(3, dtype=np.float32),
        exposure=0.62,
        blur=0.0,
        sharpen=0.0,
        vignette=0.0,
        noise_level=0.0,
        gamma=2.2,
        saturation=1.0,
        contrast=1.0,
        lift=0.0,
    )
    return Station("preview", place, camera, sensor)
