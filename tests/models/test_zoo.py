import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from models import zoo
from models.checkpoint import weights_id
from models.errors import MissingWeights, UnknownModel
from models.zoo import LoadedModel

# Changes only when the network, its initialisation or the ImageNet package changes: then galleries must be
# indexed again, and this line is where one notices.
DEFAULT_ID = "7a8623d2cf783c2d2014b3ffc4dfe92eedc02b0aeab117d7857200da5fb0afea"


def test_the_default_is_the_same_on_every_run(default_model: LoadedModel) -> None:
    torch.manual_seed(1234)
    np.random.seed(99)
    before = torch.get_rng_state()
    again = zoo.load()
    assert torch.equal(torch.get_rng_state(), before)
    assert again.id == default_model.id == DEFAULT_ID
    assert weights_id(again.network.state_dict()) == again.id


def test_another_process_gets_the_same_id_quickly() -> None:
    code = (
        "import json, time, torch; from models import zoo; torch.set_num_threads(1); t = time.perf_counter();"
        "m = zoo.load(); print(json.dumps([m.id, time.perf_counter() - t]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    identity, seconds = json.loads(done.stdout)
    assert identity == DEFAULT_ID
    assert seconds < 20  # about 1 on an idle machine; tests share theirs


def test_the_card_says_what_the_model_is_not(default_model: LoadedModel) -> None:
    card = default_model.card
    assert "ImageNet initialisation only" in card["warning"]
    assert card["id"] == default_model.id
    assert card["name"] == default_model.name == zoo.DEFAULT
    assert card["intended_use"]
    assert card["limits"]
    assert json.loads(json.dumps(card)) == card


def test_networks_are_ready_for_use(default_model: LoadedModel) -> None:
    assert not default_model.network.training
    assert not any(parameter.requires_grad for parameter in default_model.network.parameters())
    assert default_model.dimension == 1280
    assert (default_model.preprocessing.height, default_model.preprocessing.width) == (256, 128)


def test_two_loads_share_nothing(default_model: LoadedModel) -> None:
    ours = {p.data_ptr() for p in zoo.load().network.parameters()}
    assert not ours & {p.data_ptr() for p in default_model.network.parameters()}


def test_unknown_names_list_the_known(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="tkp-efficientnet-lite0, tkp-resnet50"):
        zoo.load("tkp-efficientnet-b7")
    with pytest.raises(UnknownModel):
        zoo.load(str(tmp_path / "nothing"))


def test_a_name_is_not_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / zoo.DEFAULT).mkdir()
    monkeypatch.chdir(tmp_path)
    assert zoo.load(zoo.DEFAULT).id == DEFAULT_ID


def test_resnet_without_weights_says_where_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(MissingWeights, match=r"download\.pytorch\.org"):
        zoo.load("tkp-resnet50")


def test_loading_is_quick() -> None:
    zoo.load()
    start = time.process_time()
    zoo.load()
    assert time.process_time() - start < 2
