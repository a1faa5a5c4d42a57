"""Two renderers live in one process: each draws its own."""

import os

import numpy as np

from simulation.identity import draw_identity
from simulation.preview import studio_station
from simulation.renderer import Renderer
from simulation.studio import Actor, Studio
from simulation.walking import Moment
from tests.simulation.drawing import made_or_skipped

STANDING = Moment(0.0, 0.0, 0.4, 0.1, 1.0)


def test_a_second_renderer_does_not_disturb_the_first() -> None:
    first = made_or_skipped(Renderer, os.environ)
    studio, actor = Studio(first, studio_station()), Actor(first, draw_identity(1))
    before, (seen,) = studio.shoot([(0, actor, STANDING)], shot=1)

    second = Renderer()
    other, somebody = Studio(second, studio_station()), Actor(second, draw_identity(2))
    other.shoot([(0, somebody, STANDING)], shot=1)
    again, (seen_again,) = studio.shoot([(0, actor, STANDING)], shot=1)
    somebody.release()
    last, _ = studio.shoot([(0, actor, STANDING)], shot=1)

    assert seen.visible > 0.5
    assert seen == seen_again
    assert np.array_equal(before.pixels, again.pixels)
    assert np.array_equal(before.pixels, last.pixels)
