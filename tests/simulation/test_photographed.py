"""Photographed people in pictures: their colours show, and the truth knows their parts."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from simulation.avatars import People
from simulation.errors import BadRequest
from simulation.identity import Identity, draw_identity
from simulation.pieces import Slot
from simulation.portrait import draw_portrait
from simulation.presets import PRESETS
from simulation.studio import Actor, Studio
from simulation.tracklets import simulate_tracklets
from simulation.walking import Moment
from tests.simulation.drawing import linear, silhouette
from tests.simulation.figures import SHIRT, write_figure, write_people

FRONT = -np.pi / 2
TORSO_FRONT = 2
HEAD = (23, 24)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> list[Identity]:
    figures = People(write_people(tmp_path_factory.mktemp("people")))
    return [draw_portrait(seed, figures) for seed in range(12)]


def shot(studio: Studio, *people: Identity) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pixels (H, W, 3) and truth (2H, 2W, 4) of people side by side."""
    actors = [Actor(studio.renderer, person) for person in people]
    cast = [(n, actor, Moment(0.42 * n, 0, FRONT, 0.1, 0.0)) for n, actor in enumerate(actors)]
    picture, _ = studio.shoot(cast, shot=1, truth=True)
    for actor in actors:
        actor.release()
    assert picture.truth is not None
    return picture.pixels, picture.truth


def chest(studio: Studio, person: Identity) -> NDArray[np.float64]:
    """Mean share (3,) of the colours of light from somebody's chest."""
    pixels, truth = shot(studio, person)
    light = linear(pixels[silhouette(truth[..., 1], TORSO_FRONT)])
    return np.asarray(light.mean(0) / light.mean(0).sum())


def test_every_part_of_the_body_is_in_the_truth(plain: Studio, crowd: list[Identity]) -> None:
    _, truth = shot(plain, crowd[4])
    parts = set(np.unique(truth[..., 1]).tolist())

    assert {TORSO_FRONT, *HEAD, 5, 6, 9, 10, 13, 14} <= parts
    rows = {part: np.flatnonzero((truth[..., 1] == part).any(1)).mean() for part in (23, 2, 9, 13, 5)}
    assert sorted(rows.values()) == list(rows.values())  # from head to feet


def test_a_dye_is_seen_in_its_colour(plain: Studio, crowd: list[Identity]) -> None:
    person = next(p for p in crowd if p.attributes.top_pattern == "plain" and p.attributes.bag is None)
    photograph = person.photograph
    assert photograph is not None
    photograph = photograph.copy()
    photograph[photograph[..., 4] == Slot.TOP, :4] = (186, 186, 186, 255)  # dyed, without folds
    seen = []
    for colour in ((0.4, 0.02, 0.02), (0.02, 0.02, 0.4)):
        materials = person.materials.copy()
        materials[Slot.TOP, 0, :3] = colour
        materials[Slot.TOP, 5, 0] = 0.0  # no print
        seen.append(chest(plain, replace(person, photograph=photograph, materials=materials)))

    assert seen[0][0] > 0.7
    assert seen[1][2] > 0.7


def test_a_garment_that_is_not_dyed_shows_its_photograph(plain: Studio, crowd: list[Identity]) -> None:
    person = next(p for p in crowd if p.attributes.bag is None)
    photograph = person.photograph
    assert photograph is not None
    photograph = photograph.copy()
    photograph[photograph[..., 4] == Slot.TOP, :4] = (*SHIRT, 0)
    materials = person.materials.copy()
    materials[Slot.TOP, 0, :3] = (0.0, 0.5, 0.0)
    wanted = linear(np.array(SHIRT, np.uint8))

    found = chest(plain, replace(person, photograph=photograph, materials=materials))
    np.testing.assert_allclose(found, wanted / wanted.sum(), atol=0.06)


def test_others_are_drawn_beside_them_as_without_them(plain: Studio, crowd: list[Identity]) -> None:
    other = draw_identity(3)
    alone, _ = shot(plain, other)
    together, truth = shot(plain, other, crowd[4])
    theirs = silhouette(truth[..., 0], 1)

    assert set(np.unique(truth[..., 0]).tolist()) == {0, 1, 2}
    assert (np.abs(alone.astype(int) - together)[theirs].max(-1) <= 2).mean() > 0.9


def test_a_data_set_is_made_of_them_and_no_other_figures_are_mixed_in(tmp_path: Path) -> None:
    preset = replace(PRESETS["tiny"], identities=2, test_identities=1, people=2, cameras=1, photographed=1.0)
    figures = write_people(tmp_path / "people")
    out = tmp_path / "out"
    lines = simulate_tracklets(out, preset, people=figures, processes=1).read_text().splitlines()

    assert lines
    for line in map(json.loads, lines):
        assert line["attributes"]["top"] in line["caption"]
        folder = f"{line['identity']:04d}"
        name = f"{line['tracklet']}F001"
        with Image.open(out / "truth" / folder / f"{name}.png") as truth:
            assert len(np.unique(np.asarray(truth)[..., 0])) > 8
        with Image.open(out / line["split"] / folder / f"{name}.jpg") as crop:
            assert np.asarray(crop).std() > 5
    write_figure(figures, "dan", sleeves=False)
    with pytest.raises(BadRequest, match="other people"):
        simulate_tracklets(out, preset, people=figures, processes=1)
