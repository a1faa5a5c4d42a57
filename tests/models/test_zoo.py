import json
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from models import names, zoo
from models.checkpoint import weights_id
from models.errors import MissingWeights, UnknownModel
from models.networks.tkp import ARCHITECTURES
from models.zoo import LoadedModel
from tests.models.cards import looks_like_a_path, runs, texts

# Changes only when the network, its initialisation or the ImageNet package changes: then training begins
# elsewhere, and this line is where one notices.
UNTRAINED_ID = "7a8623d2cf783c2d2014b3ffc4dfe92eedc02b0aeab117d7857200da5fb0afea"


def test_training_begins_the_same_on_every_run(untrained_model: LoadedModel) -> None:
    torch.manual_seed(1234)
    np.random.seed(99)
    before = torch.get_rng_state()
    again = zoo.untrained("efficientnet-lite0")
    assert torch.equal(torch.get_rng_state(), before)
    assert again.id == untrained_model.id == UNTRAINED_ID
    assert weights_id(again.network.state_dict()) == again.id


def test_the_card_says_what_the_model_is_not(untrained_model: LoadedModel) -> None:
    card = untrained_model.card
    assert "ImageNet initialisation only" in card["warning"]
    assert card["id"] == untrained_model.id
    assert card["name"] == untrained_model.name == "imagenet-efficientnet-lite0"
    assert card["intended_use"]
    assert card["limits"]
    assert json.loads(json.dumps(card)) == card


def test_networks_are_ready_for_use(untrained_model: LoadedModel) -> None:
    assert not untrained_model.network.training
    assert not any(parameter.requires_grad for parameter in untrained_model.network.parameters())
    assert untrained_model.dimension == 1280
    assert (untrained_model.preprocessing.height, untrained_model.preprocessing.width) == (256, 128)


@pytest.mark.parametrize("name", zoo.SHIPPED)
def test_a_shipped_model_was_trained_and_says_how(name: str) -> None:
    model = zoo.load(name)
    assert model.name == name
    assert model.card.get("warning") is None
    for run in runs(model.card["training"]):
        assert run["steps"] > 0
        assert run["data_sha256"]
        assert run["recipe"]["run"]["seed"] >= 0
    assert model.card["figures"]
    assert model.card["limits"]


@pytest.mark.parametrize("name", zoo.SHIPPED)
def test_a_shipped_card_holds_no_path_of_the_machine_that_trained(name: str) -> None:
    assert not [text for text in texts(dict(zoo.load(name).card)) if looks_like_a_path(text)]


@pytest.mark.parametrize("name", zoo.SHIPPED)
def test_a_shipped_model_is_small_enough_for_git(name: str) -> None:
    folder = Path(zoo.__file__).parent / name
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "weights.safetensors"]
    assert (folder / "weights.safetensors").stat().st_size < 16e6


def test_all_shipped_models_together_are_small_enough_for_git() -> None:
    weights = Path(zoo.__file__).parent.glob("*/weights.safetensors")
    assert sum(file.stat().st_size for file in weights) < 100e6


def test_the_default_is_shipped() -> None:
    assert zoo.DEFAULT in zoo.SHIPPED
    assert zoo.load().name == zoo.DEFAULT


def test_two_loads_share_nothing(untrained_model: LoadedModel) -> None:
    first, second = zoo.load(), zoo.load()
    ours = {p.data_ptr() for p in first.network.parameters()}
    assert not ours & {p.data_ptr() for p in second.network.parameters()}


def test_unknown_names_list_the_known(tmp_path: Path) -> None:
    with pytest.raises(
        UnknownModel, match="vkd-efficientnet-lite0, imagenet-efficientnet-lite0, imagenet-resnet50"
    ):
        zoo.load("tkp-efficientnet-b7")
    with pytest.raises(UnknownModel):
        zoo.load(str(tmp_path / "nothing"))


def test_a_name_is_not_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / zoo.DEFAULT).mkdir()
    monkeypatch.chdir(tmp_path)
    assert zoo.load(zoo.DEFAULT).name == zoo.DEFAULT


def test_resnet_without_weights_says_where_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(MissingWeights, match=r"download\.pytorch\.org"):
        zoo.load("imagenet-resnet50")


def test_loading_is_quick() -> None:
    zoo.load()
    start = time.process_time()
    zoo.load()
    assert time.process_time() - start < 2


def test_names_are_known_without_loading_networks() -> None:
    untrained = {name.removeprefix(names.IMAGENET) for name in set(names.MODELS) - set(names.SHIPPED)}
    assert untrained == set(ARCHITECTURES)
