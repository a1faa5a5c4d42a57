"""Crops are made of people of whom enough shows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulation.crops import TrackletMaker
from simulation.detector import Aim
from simulation.identity import draw_identity
from simulation.presets import PRESETS
from simulation.recorder import LEAST_HEIGHT, plain_recorder
from simulation.studio import Actor, Studio
from simulation.walking import Moment

FACING = -np.pi / 2
EXACT = Aim(np.zeros(4))


def maker_of(studio: Studio, folder: Path) -> TrackletMaker:
    rng = np.random.default_rng(1)
    recorder = plain_recorder(rng)
    return TrackletMaker(folder, PRESETS["tiny"], rng, studio=studio, camera=1, recorder=recorder)


@pytest.fixture(scope="module")
def pair(plain: Studio) -> list[Actor]:
    return [Actor(plain.renderer, draw_identity(seed)) for seed in (1, 2)]


@pytest.mark.parametrize("aside", [None, 0.7, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0])
def test_a_crop_is_made_only_of_people_of_whom_enough_shows(
    plain: Studio, pair: list[Actor], tmp_path: Path, aside: float | None
) -> None:
    maker = maker_of(plain, tmp_path)
    cast = [(0, pair[0], Moment(0, 0, FACING, 0.1, 1.0))]
    if aside is not None:
        cast.append((1, pair[1], Moment(aside, -0.9, FACING, 0.1, 1.0)))
    _, sightings = plain.shoot(cast, shot=1)
    placed = [
        (n, actor, actor.puppet.stand(plain.body, [at], plain.station.camera)[0]) for n, actor, at in cast
    ]

    crop = maker.crop(placed, EXACT)

    visible = sightings[0].visible
    assert (crop is not None) == (visible >= PRESETS["tiny"].least_visible)
    assert visible > 0.85 or aside is not None
    assert aside != 0.0 or crop is None
    assert crop is None or crop[2].visible == pytest.approx(visible, abs=0.02)


def test_somebody_too_small_too_near_or_outside_gives_no_crop(
    plain: Studio, pair: list[Actor], tmp_path: Path
) -> None:
    camera = plain.station.camera
    far = replace(camera, focal=camera.focal * LEAST_HEIGHT / 320)
    near = float(camera.position[1]) + 0.8

    def crop(of: Studio, x: float, y: float) -> object:
        at = pair[0].puppet.stand(of.body, [Moment(x, y, FACING, 0.1, 1.0)], of.station.camera)[0]
        return maker_of(of, tmp_path).crop([(0, pair[0], at)], EXACT)

    small = Studio(plain.renderer, replace(plain.station, camera=far))
    assert crop(plain, 0.0, 0.0) is not None
    assert crop(small, 0.0, 0.0) is None
    assert crop(plain, 0.0, near) is None
    assert crop(plain, 9.0, 0.0) is None
