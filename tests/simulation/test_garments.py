"""Which texel and which face of a figure is which garment, and what becomes of it in an exchange."""

from dataclasses import replace

import numpy as np
import pytest

from simulation.avatars import HAIR, TEXTURE, Avatar, People, Region, sample
from simulation.garments import (
    TRUNK_BEGINS,
    column,
    cut_of,
    displacement,
    exchanged,
    extended,
    hemline,
    skin_colour,
    smooth_rows,
    welded,
    worn_by,
)
from simulation.pieces import Slot
from tests.simulation.figures import SHIRT, SKIN, TROUSERS, write_people


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Avatar]:
    people = People(write_people(tmp_path_factory.mktemp("people")))
    return {entry.name: people.load(entry) for entries in people.groups.values() for entry in entries}


SLOTS = {
    Region.HEAD: {Slot.SKIN},
    Region.HAIR: {Slot.HAIR},
    Region.TORSO: {Slot.TOP},
    Region.UPPER_ARM: {Slot.TOP},
    Region.HIP: {Slot.TOP},
    Region.HAND: {Slot.SKIN},
    Region.THIGH: {Slot.BOTTOM},
    Region.SHIN: {Slot.BOTTOM},
    Region.FOOT: {Slot.SHOES},
}


def test_faces_belong_to_the_garment_over_their_bones(figures: dict[str, Avatar]) -> None:
    ann = figures["ann"]
    slots, region = cut_of(ann).slots, ann.region[ann.faces[:, 0]]

    for part, expected in SLOTS.items():
        assert set(slots[region == part].tolist()) == expected, part
    assert (slots[ann.material == HAIR] == Slot.HAIR).all()
    assert not cut_of(ann).whole
    assert not cut_of(ann).skirted


def test_texels_belong_to_the_garment_of_the_faces_drawn_with_them(figures: dict[str, Avatar]) -> None:
    ann = figures["ann"]
    dress = worn_by(ann)

    for region, slot in ((Region.TORSO, Slot.TOP), (Region.SHIN, Slot.BOTTOM), (Region.FOOT, Slot.SHOES)):
        found = sample(dress.garment, ann.uv[ann.region == region])
        assert (found == slot).mean() > 0.95, region
    assert not sample(dress.garment, ann.uv[ann.region == Region.HAND]).any()
    drawn = cut_of(ann).garment > 0
    assert not any((dress.texels(slot) & drawn & ~ann.clothes).any() for slot in Slot)


def test_a_hem_is_where_the_colours_change() -> None:
    begins, low, high = column(TRUNK_BEGINS), column(0.64), column(0.80)
    texture = np.full((TEXTURE, TEXTURE, 3), TROUSERS, np.uint8)
    expected = column(0.70) + (8 * np.sin(np.arange(TEXTURE) / 40)).astype(int)
    for row, at in enumerate(expected):
        texture[row, at:] = SHIRT
    noise = np.random.default_rng(1).integers(0, 40, texture.shape[:2])[..., None]
    noisy = np.clip(texture.astype(int) + noise, 0, 255).astype(np.uint8)

    found = hemline(noisy, np.ones((TEXTURE, TEXTURE), bool), low, high)

    assert found is not None
    assert np.abs(found - expected[begins:]).max() <= 3


def test_garments_of_one_colour_show_no_hem() -> None:
    texture = np.full((TEXTURE, TEXTURE, 3), SHIRT, np.uint8)

    assert hemline(texture, np.ones((TEXTURE, TEXTURE), bool), column(0.64), column(0.80)) is None


def test_rows_are_smoothed_with_those_around() -> None:
    values = np.zeros((7, 2))
    values[3] = 3.0

    np.testing.assert_allclose(smooth_rows(values, 1)[:, 0], [0, 0, 1, 1, 1, 0, 0])


def test_patches_grow_into_empty_texels_only() -> None:
    garment = np.zeros((12, 12), np.uint8)
    garment[5, 5], garment[5, 6] = Slot.TOP, Slot.BOTTOM
    grown = extended(garment)

    assert grown[5, 5] == Slot.TOP
    assert grown[5, 6] == Slot.BOTTOM
    assert grown[5, 2] == Slot.TOP
    assert grown[5, 9] == Slot.BOTTOM
    assert grown[0, 0] == 0


def test_an_exchanged_shirt_keeps_its_sleeves_and_the_wearers_skin(figures: dict[str, Avatar]) -> None:
    wearer, other = worn_by(figures["dan"]), worn_by(figures["carl"])
    arms = figures["dan"].uv[figures["dan"].region == Region.FOREARM]
    mixed = exchanged(wearer, other, Slot.TOP)

    assert sample(wearer.clothes, arms).mean() > 0.9
    assert sample(mixed.clothes, arms).mean() < 0.1
    assert np.abs(np.median(sample(mixed.texture, arms), 0) - skin_colour(wearer.texture)).max() < 12
    legs = figures["dan"].uv[figures["dan"].region == Region.SHIN]
    assert np.array_equal(sample(mixed.texture, legs), sample(wearer.texture, legs))
    assert np.abs(skin_colour(mixed.texture) - SKIN).max() < 12


def test_clothes_stand_off_evenly_and_skin_not_at_all(figures: dict[str, Avatar]) -> None:
    bea = figures["bea"]
    off = displacement(bea, worn_by(bea), {Slot.TOP: 0.03, Slot.BOTTOM: 0.01})
    label = welded(bea.vertices)

    assert off[bea.region == Region.TORSO].max() == pytest.approx(0.03, abs=0.002)
    assert off[bea.region == Region.SHIN].max() == pytest.approx(0.01, abs=0.002)
    assert off[bea.region == Region.HAND].max() < 1e-6
    for place in np.unique(label)[::50]:
        assert np.ptp(off[label == place]) < 1e-6


def test_a_hem_that_shares_texels_with_trousers_is_the_tops(figures: dict[str, Avatar]) -> None:
    dan = figures["dan"]
    uv = dan.uv.copy()
    legs = np.isin(dan.region, (Region.THIGH, Region.SHIN))
    uv[legs, 0] += 0.06  # the legs' patch reaches into the trunk's
    cut = cut_of(replace(dan, uv=uv))
    shared = cut.several

    assert shared.any()
    assert (cut.garment[shared] == Slot.TOP).all()
    assert not cut_of(dan).several.any()


def test_patches_go_on_beyond_their_edges_as_they_end(figures: dict[str, Avatar]) -> None:
    dan = figures["dan"]
    drawn = cut_of(dan).garment
    dress = worn_by(replace(dan, clothes=dan.clothes & (drawn > 0)))
    beyond = dress.clothes & (drawn == 0)

    assert beyond.sum() > 500
    assert not (dress.clothes & (drawn > 0) & ~dan.clothes).any()
    assert (dress.garment[beyond] > 0).all()
