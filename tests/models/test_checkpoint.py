"""Round trips, and everything a checkpoint from somebody else could be."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from models import checkpoint, zoo
from models.checkpoint import CARD, WEIGHTS, LoadedModel
from models.errors import BadCheckpoint, UnknownModel

Change = Callable[[dict[str, Tensor]], object]


@pytest.fixture(scope="session")
def saved(untrained_model: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good checkpoint; to be copied, never changed."""
    folder = tmp_path_factory.mktemp("checkpoint") / "good"
    checkpoint.save(folder, untrained_model.network, untrained_model.card)
    return folder


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    """The good checkpoint with a card of its own and, until replaced, the same weights by hard link."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / CARD).write_bytes((saved / CARD).read_bytes())
    os.link(saved / WEIGHTS, folder / WEIGHTS)
    return folder


def change_card(folder: Path, **fields: Any) -> None:
    card = json.loads((folder / CARD).read_text()) | fields
    (folder / CARD).write_text(json.dumps(card))


def replace_weights(folder: Path, data: bytes) -> None:
    (folder / WEIGHTS).unlink()
    (folder / WEIGHTS).write_bytes(data)


def change_weights(folder: Path, change: Change) -> None:
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    (folder / WEIGHTS).unlink()
    save_file(tensors, folder / WEIGHTS)


def test_what_is_saved_is_loaded(saved: Path, untrained_model: LoadedModel) -> None:
    loaded = zoo.load(str(saved))
    assert loaded.id == untrained_model.id
    assert loaded.card == untrained_model.card
    assert loaded.name == untrained_model.name
    assert loaded.preprocessing == untrained_model.preprocessing
    assert not loaded.network.training
    assert not any(parameter.requires_grad for parameter in loaded.network.parameters())
    for name, tensor in untrained_model.network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], tensor)


def test_saving_again_gives_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    loaded = checkpoint.load(saved)
    checkpoint.save(tmp_path / "again", loaded.network, loaded.card)
    assert (tmp_path / "again" / WEIGHTS).read_bytes() == (saved / WEIGHTS).read_bytes()
    assert (tmp_path / "again" / CARD).read_bytes() == (saved / CARD).read_bytes()
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == [CARD, WEIGHTS]


def test_half_precision_takes_half_the_bytes(
    untrained_model: LoadedModel, saved: Path, tmp_path: Path
) -> None:
    identity = checkpoint.save(tmp_path, untrained_model.network, untrained_model.card, half=True)
    loaded = checkpoint.load(tmp_path)
    assert loaded.id == identity != untrained_model.id
    assert (tmp_path / WEIGHTS).stat().st_size < 0.51 * (saved / WEIGHTS).stat().st_size
    first = next(loaded.network.parameters())
    assert first.dtype == torch.float32
    # The id is that of the values, however they are stored.
    assert checkpoint.save(tmp_path / "full", loaded.network, loaded.card) == identity


def test_values_that_half_precision_cannot_hold_are_not_saved(tmp_path: Path) -> None:
    model = zoo.untrained("efficientnet-lite0")
    next(model.network.parameters())[0] = 1e6
    with pytest.raises(BadCheckpoint, match="not finite"):
        checkpoint.save(tmp_path, model.network, model.card, half=True)
    assert not list(tmp_path.iterdir())


def test_every_bit_of_the_weights_is_in_the_id(untrained_model: LoadedModel) -> None:
    state = {name: tensor.clone() for name, tensor in untrained_model.network.state_dict().items()}
    name = "video.non_local.11.out.weight"
    state[name].view(torch.int32).view(-1)[-1] ^= 1
    assert checkpoint.weights_id(state) != untrained_model.id


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: t.pop("image.blocks.0.conv.weight"), r"lacks 1 tensors, the first 'image\.blocks\.0"),
        (lambda t: t.update(extra=torch.zeros(1)), "1 unexpected tensors, the first 'extra'"),
        (lambda t: t.update({"image.blocks.0.norm.bias": torch.zeros(31)}), r"is \[31\], not \[32\]"),
        (lambda t: t.update({"image.blocks.0.norm.bias": torch.zeros(32, 1)}), r"is \[32, 1\], not \[32\]"),
        (lambda t: t.update({"image.blocks.0.norm.bias": torch.zeros(32).double()}), "float64, not"),
        (lambda t: t.update({"image.blocks.0.norm.bias": torch.zeros(32).int()}), "int32, not"),
        (lambda t: t["image.blocks.0.norm.bias"].fill_(float("nan")), "not finite"),
        (lambda t: t["image.blocks.0.norm.bias"].fill_(float("-inf")), "not finite"),
        (lambda t: t["image.blocks.0.norm.bias"].add_(1e-3), "id differs"),
    ],
)
def test_weights_that_do_not_fit_are_refused(copy: Path, change: Change, reason: str) -> None:
    change_weights(copy, change)
    with pytest.raises(BadCheckpoint, match=reason):
        checkpoint.load(copy)


@pytest.mark.parametrize("share", [0.0, 0.00001, 0.3, 0.99999])
def test_truncated_weights_are_refused(copy: Path, share: float) -> None:
    data = (copy / WEIGHTS).read_bytes()
    replace_weights(copy, data[: int(len(data) * share)])
    with pytest.raises(BadCheckpoint, match="damaged or not safetensors"):
        checkpoint.load(copy)


@pytest.mark.parametrize(
    "data",
    [b"\xff" * 64, b"\x00" * 64, (1 << 62).to_bytes(8, "little") + b"{}", b"\x02" + b"\x00" * 7 + b"[]"],
)
def test_headers_that_lie_are_refused(copy: Path, data: bytes) -> None:
    replace_weights(copy, data)
    with pytest.raises(BadCheckpoint, match="damaged or not safetensors"):
        checkpoint.load(copy)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (os.environ["SIGHTLINE_TEST_BOMB"],)


@pytest.mark.parametrize("zipped", [True, False])
def test_pickles_are_refused_unopened(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zipped: bool
) -> None:
    monkeypatch.setenv("SIGHTLINE_TEST_BOMB", str(tmp_path / "exploded"))
    torch.save({"a": Bomb()}, tmp_path / "bomb.pth", _use_new_zipfile_serialization=zipped)
    replace_weights(copy, (tmp_path / "bomb.pth").read_bytes() if zipped else pickle.dumps(Bomb()))
    with pytest.raises(BadCheckpoint, match="is a pickle, which could run code"):
        checkpoint.load(copy)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"format": 2}, "format 2, this version reads up to 1: update Sightline"),
        ({"format": "1"}, "format: "),
        ({"name": "../../etc/passwd"}, "name: "),
        ({"name": ""}, "name: "),
        ({"id": "0" * 64}, "id differs"),
        ({"id": "abc"}, "id: "),
        ({"dimension": 512}, "dimension is 1280, not 512"),
        ({"architecture": {"network": "tkp", "backbone": "os.system"}}, "no backbone 'os.system'; known: "),
        (
            {"architecture": {"network": "pickle"}},
            "architecture: no network 'pickle'; known: tkp",
        ),
        ({"architecture": {"network": "tkp", "backbone": ["resnet50"]}}, "architecture: "),
        ({"architecture": {"network": "tkp", "neck": "yes"}}, "neck is true or false"),
        ({"architecture": {"network": "tkp", "self": 1}}, "architecture: "),
        ({"architecture": {"network": "tkp", "depth": 3}}, "unexpected keyword argument 'depth'"),
        ({"architecture": {"backbone": "resnet50"}}, r"architecture\.network"),
        ({"architecture": {"network": "tkp", "backbone": "resnet50"}}, "lacks"),
        ({"preprocessing": {"height": 256}}, r"preprocessing\.width"),
        ({"warning": 5}, "warning: "),
    ],
)
def test_cards_that_do_not_fit_are_refused(copy: Path, fields: dict[str, Any], reason: str) -> None:
    change_card(copy, **fields)
    with pytest.raises(BadCheckpoint, match=reason):
        checkpoint.load(copy)


def test_a_card_that_says_nothing_of_mirror_images_wants_none(copy: Path) -> None:
    preprocessing = json.loads((copy / CARD).read_text())["preprocessing"]
    del preprocessing["mirror"]
    change_card(copy, preprocessing=preprocessing)
    assert not checkpoint.load(copy).preprocessing.mirror
    change_card(copy, preprocessing=preprocessing | {"mirror": True})
    assert checkpoint.load(copy).preprocessing.mirror


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("height", 0),
        ("width", 10**9),
        ("std", [1.0, 0.0, 1.0]),
        ("mean", [0.5]),
        ("resize", "nearest"),
        ("mirror", "yes"),
    ],
)
def test_impossible_preprocessing_is_refused(copy: Path, field: str, value: Any) -> None:
    card = json.loads((copy / CARD).read_text())
    change_card(copy, preprocessing=card["preprocessing"] | {field: value})
    with pytest.raises(BadCheckpoint, match=rf"preprocessing\.{field}"):
        checkpoint.load(copy)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"format": NaN}', "[" * 100_000, '{"format": 1}', "\ud800"]
)
def test_cards_that_are_no_cards_are_refused(copy: Path, text: str) -> None:
    (copy / CARD).write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(BadCheckpoint, match=CARD.replace(".", r"\.")):
        checkpoint.load(copy)


def test_a_card_may_say_more_than_loading_needs(copy: Path) -> None:
    change_card(copy, trained_on="simulated people", figures={"rank-1": 0.5})
    assert checkpoint.load(copy).card["figures"] == {"rank-1": 0.5}


def test_a_giant_card_is_not_read(copy: Path) -> None:
    (copy / CARD).write_bytes(b" " * (checkpoint.MAX_CARD_BYTES + 1))
    with pytest.raises(BadCheckpoint, match="more than the"):
        checkpoint.load(copy)


@pytest.mark.parametrize("name", [CARD, WEIGHTS])
def test_links_are_not_followed(copy: Path, saved: Path, name: str) -> None:
    (copy / name).unlink()
    (copy / name).symlink_to(saved / name)
    with pytest.raises(BadCheckpoint, match="links are not followed"):
        checkpoint.load(copy)


@pytest.mark.parametrize("name", [CARD, WEIGHTS])
def test_pipes_and_folders_in_place_of_files_are_refused(copy: Path, name: str) -> None:
    (copy / name).unlink()
    os.mkfifo(copy / name)
    with pytest.raises(BadCheckpoint, match="not a regular file"):
        checkpoint.load(copy)
    (copy / name).unlink()
    (copy / name).mkdir()
    with pytest.raises(BadCheckpoint, match="not a regular file"):
        checkpoint.load(copy)


@pytest.mark.parametrize("name", [CARD, WEIGHTS])
def test_missing_files_are_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(BadCheckpoint, match=f"cannot read .*{name}: No such file"):
        checkpoint.load(copy)


def test_a_file_is_not_a_checkpoint(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match="a checkpoint is a directory"):
        zoo.load(str(saved / WEIGHTS))
    with pytest.raises(UnknownModel):
        checkpoint.load(tmp_path / "nothing")
