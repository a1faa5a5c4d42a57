"""What captioners learn from, and what is refused."""

import pytest
import torch

from models import zoo
from models.datasets.clips import Clips
from models.errors import BadDataset
from models.training.objectives import People
from models.training.objectives.captioner import CaptionerObjective, caption_loss
from models.training.recipe import read_recipe
from tests.models.training.objectives.make import make

LABELS = torch.tensor([0, 1, 1])
BATCH = Clips(torch.empty(0), LABELS, torch.zeros(3))
CAPTIONS = ("A red man.", "A blue woman, with shoes.")


def objective_of(*overrides: str, captions: tuple[str, ...] | None = CAPTIONS) -> CaptionerObjective:
    recipe = read_recipe("tiny-captioner", overrides)
    network = zoo.untrained("efficientnet-lite0", "captioner", embedding=8).network.requires_grad_(True)
    people = People(torch.zeros(2, dtype=torch.int64), captions)
    return make(CaptionerObjective, recipe, network, people)


def clips() -> torch.Tensor:
    return torch.randn(3, 2, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def test_the_terms_are_those_of_the_networks_features() -> None:
    objective = objective_of().eval()
    network = objective.network
    assert network.architecture["vocabulary"] == [
        ".",
        "a",
        ",",
        "blue",
        "man",
        "red",
        "shoes",
        "with",
        "woman",
    ]
    with torch.no_grad():
        terms = objective(clips(), BATCH)
        image, video = network.embed_images(clips().flatten(0, 1)), network.embed_clips(clips())
        words = torch.tensor([[1, 5, 9, 8, 4, 2, 0, 0, 0], [1, 5, 7, 12, 6, 11, 10, 4, 2]])
        expected = {
            "image_caption": caption_loss(network.image_decoder, image, words[[0, 0, 1, 1, 1, 1]]),
            "video_caption": caption_loss(network.video_decoder, video, words[[0, 1, 1]]),
        }
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        assert terms[name].item() == pytest.approx(value.item(), rel=1e-5)


@pytest.mark.parametrize("frozen", [0, 18])
def test_exactly_what_may_learn_gets_a_gradient(frozen: int) -> None:
    objective = objective_of(f"optimiser.frozen_blocks={frozen}").train()
    torch.autograd.backward(torch.stack(list(objective(clips(), BATCH).values())).sum())
    promised = {name for name, parameter in objective.named_parameters() if parameter.requires_grad}
    given = {name for name, parameter in objective.named_parameters() if parameter.grad is not None}
    assert given == promised
    parts = [p for part in objective.parts().values() for p in part if p.requires_grad]
    assert len({id(p) for p in parts}) == len(parts) == len(promised)
    assert any("cnn" in name for name in promised) == (frozen == 0)


def test_a_vocabulary_that_is_there_is_kept() -> None:
    objective = objective_of()
    people = People(torch.zeros(2, dtype=torch.int64), ("A green man.", ""))
    again = make(CaptionerObjective, read_recipe("tiny-captioner"), objective.network, people)
    assert again.words.tolist() == [[1, 5, 3, 8, 4, 2], [1, 2, 0, 0, 0, 0]]


def test_people_without_captions_are_refused() -> None:
    with pytest.raises(BadDataset, match="learns from captions"):
        objective_of(captions=None)
