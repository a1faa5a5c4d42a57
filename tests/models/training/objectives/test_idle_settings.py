"""A setting that would have no effect is refused, not ignored."""

import pytest

from models.errors import BadRecipe
from models.training.objectives import OBJECTIVES
from models.training.recipe import CONFIGS, read_recipe


@pytest.mark.parametrize("name", sorted(path.stem for path in CONFIGS.glob("*.yaml")))
def test_shipped_recipes_have_no_idle_settings(name: str) -> None:
    recipe = read_recipe(name)
    OBJECTIVES[recipe.network].refuse_idle(recipe)


@pytest.mark.parametrize(
    ("name", "override", "complaint"),
    [
        (
            "tiny-crf",
            "losses.feature_propagation=0.5",
            "losses.feature_propagation: the network crf has no such",
        ),
        ("tiny-crf", "losses.video_contrastive=1", "losses.video_contrastive"),
        ("tiny-crf", "branches=[video]", "branches: the network crf has no branches"),
        ("tiny-cross-modal", "losses.margin=0.5", "losses.margin"),
        ("tiny-cross-modal", "frozen_branches=[image]", "frozen_branches"),
        ("tiny-captioner", "losses.label_smoothing=0.1", "losses.label_smoothing"),
        ("tiny-vkd", "losses.image_to_video=0.5", "losses.image_to_video"),
        ("tiny-cross-modality-alignment", "losses.video_to_video=0", "losses.video_to_video"),
    ],
)
def test_what_a_network_does_not_have_is_refused(name: str, override: str, complaint: str) -> None:
    recipe = read_recipe(name, [override])
    with pytest.raises(BadRecipe, match=complaint):
        OBJECTIVES[recipe.network].refuse_idle(recipe)
