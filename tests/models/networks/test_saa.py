"""At test time 3D-SAA + CMIL is TKP's pair, under its own name."""

from pathlib import Path

import torch

from models import checkpoint, zoo
from models.networks.catalogue import NETWORKS, build
from models.networks.pooling import pool
from models.networks.saa import SAA
from models.networks.tkp import TKP
from models.preprocessing import Preprocessing
from models.zoo import LoadedModel
from tests.models.conftest import pair_of


def test_it_holds_the_weights_of_the_pair_and_no_more() -> None:
    assert NETWORKS["3d-saa-cmil"] is SAA
    with torch.device("meta"):
        pair, network = TKP("resnet50"), build("3d-saa-cmil", {"backbone": "resnet50", "neck": False})
    shapes = ({name: t.shape for name, t in n.state_dict().items()} for n in (pair, network))
    assert next(shapes) == next(shapes)


def test_it_embeds_as_the_pair_does_also_from_a_checkpoint(
    tmp_path: Path, attentive_model: LoadedModel
) -> None:
    network = SAA(**attentive_model.network.architecture)
    network.load_state_dict(attentive_model.network.state_dict())
    card = checkpoint.describe(network.eval(), "saa", Preprocessing(64, 32), {})
    checkpoint.save(tmp_path / "saa", network, card)
    loaded = checkpoint.load(tmp_path / "saa").network
    assert type(loaded) is SAA
    x = torch.randn(5, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        for embed in ("embed_images", "embed_clips"):
            given = x if embed == "embed_images" else x[None]
            assert getattr(loaded, embed)(given).equal(getattr(attentive_model.network, embed)(given))
        assert loaded.embed_frames(x, [2, 3]).equal(attentive_model.network.embed_frames(x, [2, 3]))


def test_it_begins_from_imagenet_like_the_pair(untrained_model: LoadedModel) -> None:
    begun = zoo.untrained("efficientnet-lite0", "3d-saa-cmil").network.state_dict()
    for name, tensor in pair_of(untrained_model).image.state_dict().items():
        assert begun[f"image.{name}"].equal(tensor)


def test_maps_of_the_video_network_are_its_features_before_the_pooling(attentive_model: LoadedModel) -> None:
    x = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    network = pair_of(attentive_model)
    with torch.inference_mode():
        maps = network.video(x, [3, 1])
        assert maps.shape == (4, 1280, 2, 2)
        assert pool(maps).equal(network.raw_frames(x, [3, 1]))
