"""The projection that evens directions out: what it computes, what keeps it, and who goes without."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from models import checkpoint, zoo
from models.adaptation.learner import Learner
from models.averaging import average
from models.datasets.frames import read_frame
from models.datasets.records import DISTRACTOR, JUNK, Tracklet
from models.embedder import Embedder, normalise
from models.errors import BadCheckpoint, BadRecipe
from models.imported.importing import Usage, import_network
from models.networks.vkd import VKD
from models.training.begin import begin
from models.training.recipe import read_recipe
from models.whitening import choose_crops, projection, whiten
from models.zoo import LoadedModel
from tests.models.imported.networks import write_reid
from tests.models.people import draw_tracklets

RNG = np.random.default_rng(3)
FEATURES = RNG.normal(size=(400, 12)) @ RNG.normal(size=(12, 12)) + RNG.normal(size=12)


def applied(layer: nn.Linear) -> NDArray[np.float64]:
    with torch.no_grad():
        found: NDArray[np.float64] = layer(torch.from_numpy(FEATURES).float()).double().numpy()
    return found


def test_all_directions_have_one_variance_when_it_whitens_wholly() -> None:
    found = applied(projection(FEATURES, dimension=8, attenuation=1.0, shrinkage=0.0))
    spread = np.cov(found, rowvar=False)
    np.testing.assert_allclose(spread / spread[0, 0], np.eye(8), atol=1e-4)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-4)


@pytest.mark.parametrize("shrinkage", [0.0, 2.0])
def test_half_way_variances_are_the_roots_of_what_they_were(shrinkage: float) -> None:
    before = np.linalg.eigvalsh(np.cov(FEATURES, rowvar=False))[::-1]
    found = applied(projection(FEATURES, dimension=12, attenuation=0.5, shrinkage=shrinkage))
    expected = before / np.sqrt(before + shrinkage * before.mean())
    variances = found.var(axis=0, ddof=1)
    np.testing.assert_allclose(variances / variances[0], expected / expected[0], rtol=1e-3)


def test_without_attenuation_only_small_directions_are_lost() -> None:
    whole = applied(projection(FEATURES, dimension=12, attenuation=0.0, shrinkage=1.0))
    centred = FEATURES - FEATURES.mean(axis=0)
    ratio = np.linalg.norm(whole, axis=1) / np.linalg.norm(centred, axis=1)
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-4)
    cut = applied(projection(FEATURES, dimension=5, attenuation=0.0, shrinkage=1.0))
    np.testing.assert_allclose(cut, whole[:, :5], rtol=1e-4, atol=1e-4)


def test_features_without_difference_have_no_projection() -> None:
    for features in (np.ones((50, 6)), np.outer(np.arange(50.0), np.ones(6))):
        with pytest.raises(BadCheckpoint, match="do not differ in as many directions"):
            projection(features, dimension=3, attenuation=0.5, shrinkage=0.0)


@pytest.fixture(scope="module")
def whitened(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """The vkd network that ships, whitened by drawn people: the folder of it, and its crops."""
    folder = tmp_path_factory.mktemp("whitened")
    crops = choose_crops(draw_tracklets(folder / "people", identities=8), people=8, each=4)
    network, card = whiten(vkd(), crops, "white", {"dataset": "drawn"}, dimension=16)
    checkpoint.save(folder / "model", network, card, half=True)
    return folder / "model", crops


def vkd() -> LoadedModel:
    return zoo.load("vkd-efficientnet-lite0")


def test_photos_and_clips_pass_it_and_the_card_says_so(whitened: tuple[Path, list[Path]]) -> None:
    folder, crops = whitened
    loaded = zoo.load(str(folder))
    assert (loaded.dimension, loaded.card["architecture"]["projection"]) == (16, 16)
    said = loaded.card["whitening"]
    assert said["model"] == {"name": vkd().name, "id": vkd().id}
    assert (said["crops"], said["dataset"]) == (32, "drawn")
    assert loaded.card["training"] == vkd().card["training"]
    assert not {"figures", "calibration"} & set(loaded.card), "they were measured before"

    frames = [read_frame(crop) for crop in crops[:3]]
    embedder = Embedder(loaded)
    clip = embedder.embed_clips([frames])
    network = loaded.network
    assert isinstance(network, VKD)
    plain = Embedder(vkd()).embed_clips([frames])
    with torch.no_grad():
        by_hand = network.projection(torch.from_numpy(plain))
    np.testing.assert_allclose(normalise(clip), normalise(by_hand.numpy()), atol=2e-3)  # half precision
    assert embedder.embed_images(frames).shape == (3, 16)


def test_a_second_time_replaces_the_first(whitened: tuple[Path, list[Path]]) -> None:
    folder, crops = whitened
    again, card = whiten(zoo.load(str(folder)), crops, "white", {}, dimension=16)
    first = zoo.load(str(folder)).network
    assert isinstance(again, VKD)
    assert isinstance(first, VKD)
    torch.testing.assert_close(again.projection.weight, first.projection.weight, rtol=1e-2, atol=1e-2)
    assert card["dimension"] == 16


def test_what_cannot_be_whitened_is_refused(whitened: tuple[Path, list[Path]], tmp_path: Path) -> None:
    _, crops = whitened
    import_network(write_reid(tmp_path / "net.onnx"), "theirs", Usage(64, 32), tmp_path / "theirs")
    for model, taken, dimension, said in [
        (zoo.load(str(tmp_path / "theirs")), crops, 4, "cannot have a projection"),
        (vkd(), crops, 2000, "a projection has 1 to 1280 numbers, not 2000"),
        (vkd(), crops[:5], 16, "5 crops are too few for 16 numbers"),
    ]:
        with pytest.raises(BadCheckpoint, match=said):
            whiten(model, taken, "white", {}, dimension=dimension)


def test_means_and_training_go_without_it(whitened: tuple[Path, list[Path]]) -> None:
    folder, _ = whitened
    loaded = zoo.load(str(folder))
    mean, card = average([loaded, vkd()], [1, 1], "mean")
    assert (mean.dimension, card["architecture"]["projection"]) == (1280, None)
    plain = vkd().network.state_dict()
    for key, value in mean.state_dict().items():
        torch.testing.assert_close(value, plain[key], msg=key)

    recipe = read_recipe("vkd-efficientnet-lite0-cpu-student", [f"initialise={folder}", "system.neck=bn"])
    assert begin(recipe).network.dimension == 1280
    with pytest.raises(BadRecipe, match=r"projection is not trained: `sightline models whiten`"):
        read_recipe("vkd-efficientnet-lite0-cpu-student", ["architecture.projection=16"])


def test_adaptation_learns_before_it_and_leaves_it_as_it_is(whitened: tuple[Path, list[Path]]) -> None:
    network = zoo.load(str(whitened[0])).network
    assert isinstance(network, VKD)
    learner = Learner(network, frozen_blocks=0)
    assert learner(torch.zeros(2, 3, 128, 64)).shape == (2, 16)
    assert not any(parameter.requires_grad for parameter in network.projection.parameters())
    assert any(parameter.requires_grad for parameter in network.backbone.parameters())


def test_crops_are_of_many_people_and_of_all_their_tracklets() -> None:
    tracklets = [
        Tracklet(person, camera, tuple(Path(f"{person}-{camera}-{frame}") for frame in range(3)))
        for person in (JUNK, DISTRACTOR, 1, 2, 3, 4)
        for camera in (1, 2)
    ]
    chosen = choose_crops(tracklets, people=3, each=4)
    people = {name.split("-")[0] for name in map(str, chosen)}
    assert len(people) == 3
    assert people <= {"1", "2", "3", "4"}
    assert len(set(chosen)) == 12
    for person in people:
        cameras = [str(crop).split("-")[1] for crop in chosen if str(crop).startswith(f"{person}-")]
        assert sorted(cameras) == ["1", "1", "2", "2"]
    assert choose_crops(tracklets, people=3, each=4) == chosen
    assert len(choose_crops(tracklets, people=9, each=99)) == 24
