"""A setting that a system has not is refused by its type, its default included."""

import pytest

from models.errors import BadRecipe
from models.training.recipe import read_recipe


@pytest.mark.parametrize(
    ("name", "override"),
    [
        ("tiny", "system.tile=32"),
        ("tiny", "system.reuse=none"),
        ("tiny-3d-saa-cmil", "system.branches=[image, video]"),
        ("tiny-crf", "system.feature_propagation=0.5"),
        ("tiny-crf", "system.neck=none"),
        ("tiny-crf", "system.branches=[video]"),
        ("tiny-cross-modal", "system.temperature=0.1"),
        ("tiny-cross-modal", "system.frozen_branches=[image]"),
        ("tiny-captioner", "system.label_smoothing=0.0"),
        ("tiny-vkd", "system.image_to_video=1.0"),
        ("tiny-vkd", "system.clean_video=false"),
        ("tiny-cross-modality-alignment", "system.video.triplet=0"),
    ],
)
def test_what_a_system_does_not_have_is_refused(name: str, override: str) -> None:
    with pytest.raises(BadRecipe, match=f"unknown key '{override.partition('=')[0]}'"):
        read_recipe(name, [override])
