"""A renderer for the tests that draw, and an evenly lit studio."""

import importlib.util
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.simulation.drawing import give_up, made_or_skipped

if TYPE_CHECKING:
    from simulation.renderer import Renderer
    from simulation.studio import Studio

DRAWING = [
    "test_appearance.py",
    "test_crops.py",
    "test_occlusion.py",
    "test_place.py",
    "test_photographed.py",
    "test_recordings.py",
    "test_renderer.py",
    "test_studio.py",
    "test_tracklets.py",
    "test_truth.py",
    "test_two_renderers.py",
]
# Without the extra the modules cannot even be read; in continuous integration that is an error.
if importlib.util.find_spec("moderngl") is None and os.environ.get("CI") != "true":
    collect_ignore = DRAWING


@pytest.fixture(scope="module")
def renderer() -> "Iterator[Renderer]":
    """A renderer, or a reason to skip."""
    if importlib.util.find_spec("moderngl") is None:
        give_up("the extra [simulation] is not installed", os.environ)
    from simulation.renderer import Renderer

    made = made_or_skipped(Renderer, os.environ)
    yield made
    made.context.release()


@pytest.fixture(scope="module")
def plain(renderer: "Renderer") -> "Studio":
    """A studio of the contact sheet: an empty place under an even sky, a camera that changes no colour."""
    from simulation.preview import studio_station
    from simulation.studio import Studio

    studio = Studio(renderer, studio_station())
    studio.sensor = studio.station.sensor
    return studio
