"""Recipes of older versions in today's form."""

import json
from pathlib import Path
from typing import Any

import pytest

from models import zoo
from models.training.objectives.saa import SAASettings
from models.training.objectives.tkp import TKPSettings
from models.training.objectives.vkd import VKDSettings
from models.training.recipe import check_recipe
from models.training.upgrade import upgrade
from tests.models.cards import runs


def recipes(training: dict[str, Any]) -> list[dict[str, Any]]:
    """The recipes of a card."""
    return [run["recipe"] for run in runs(training)]


def card(name: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((Path(zoo.__file__).parent / name / "card.json").read_text())
    return values


@pytest.mark.parametrize("name", zoo.SHIPPED)
def test_recipes_of_shipped_cards_can_be_read(name: str) -> None:
    found = [check_recipe(values) for values in recipes(card(name)["training"])]
    assert found[0].name == name
    for recipe in found:  # what was read is today's form, and is left as it is
        values = recipe.model_dump(mode="json")
        assert upgrade(values) == values


def test_nothing_of_a_shipped_recipe_is_lost() -> None:
    old = card("vkd-efficientnet-lite0")["training"]["recipe"]
    vkd = check_recipe(old).system
    assert isinstance(vkd, VKDSettings)
    assert (vkd.cross_entropy, vkd.contrastive, vkd.triplet, vkd.margin) == (1.0, 1.0, 0.1, None)
    assert (vkd.label_smoothing, vkd.within_world, vkd.neck) == (0.1, False, "bn")
    assert (vkd.temperature, vkd.distillation_temperature) == (0.1, old["vkd"]["temperature"])
    assert (vkd.teacher, vkd.fresh_stage) == (old["vkd"]["teacher"], False)
    old = card("3d-saa-cmil-efficientnet-lite0")["training"]["recipe"]
    saa = check_recipe(old).system
    assert isinstance(saa, SAASettings)
    assert saa.model_dump(include=old["saa"].keys()) == old["saa"]
    assert (saa.image.contrastive, saa.video.triplet) == (1.0, old["losses"]["video_to_video"])
    images = recipes(card("tkp-efficientnet-lite0")["training"])[-1]
    tkp = check_recipe(images).system
    assert isinstance(tkp, TKPSettings)
    assert (tkp.branches, tkp.video_from_image) == (("image",), True)


@pytest.mark.parametrize(
    ("old", "system"),
    [
        ({"losses": {"margin": None, "image_to_image": 0}}, {"margin": None, "image": {"triplet": 0}}),
        (
            {"branches": ["image"], "mix_style": {"after": [2]}},
            {"branches": ["image"], "mix_style": {"after": [2]}},
        ),
        ({"network": "crf", "losses": {"margin": 9}, "crf": {"margin": 3}}, {"network": "crf", "margin": 3}),
        ({"network": "captioner", "losses": {"neck": "none"}}, {"network": "captioner"}),
        ({"augmentation": {"flip": 1, "clean_video": True}, "network": "tkp"}, {"clean_video": True}),
    ],
)
def test_each_system_gets_what_it_had(old: dict[str, Any], system: dict[str, Any]) -> None:
    assert upgrade({"name": "x", **old})["system"] == {"network": "tkp", **system}


def test_todays_form_is_left_alone() -> None:
    for values in ({"name": "x", "system": {"network": "tkp"}}, {"name": "x", "schedule": {"steps": 3}}):
        assert upgrade(values) == values
