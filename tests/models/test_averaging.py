"""The mean of models: of all weights and statistics, by shares, of one kind only."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models import checkpoint, zoo
from models.averaging import average
from models.checkpoint import LoadedModel
from models.errors import BadCheckpoint
from models.imported.importing import Usage, import_network
from tests.models.imported.networks import write_reid
from tests.models.narrow import narrow_lite0


def shifted(by: float) -> LoadedModel:
    model = zoo.untrained("efficientnet-lite0")
    with torch.no_grad():
        for tensor in model.network.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(by)
    return replace(model, name=f"by-{by}", id="ab" * 32)


def test_every_weight_is_the_mean_by_shares(tmp_path: Path) -> None:
    with narrow_lite0():
        is_the_mean(tmp_path)


def is_the_mean(tmp_path: Path) -> None:
    network, card = average([shifted(0.0), shifted(1.0), shifted(4.0)], [1, 2, 1], "mean")
    plain = shifted(0.0).network.state_dict()
    for key, value in network.state_dict().items():
        expected = plain[key] + 1.5 if value.is_floating_point() else plain[key]
        torch.testing.assert_close(value, expected, msg=key)
    parts = card["training"]["average_of"]
    assert [(part["name"], part["share"]) for part in parts] == [
        ("by-0.0", 0.25),
        ("by-1.0", 0.5),
        ("by-4.0", 0.25),
    ]
    made = checkpoint.save(tmp_path / "mean", network, card)
    assert checkpoint.load(tmp_path / "mean").id == made
    assert "calibration" not in card


def test_models_of_other_kinds_have_no_mean(tmp_path: Path) -> None:
    one = shifted(0.0)
    import_network(write_reid(tmp_path / "net.onnx"), "theirs", Usage(64, 32), tmp_path / "theirs")
    theirs = zoo.load(str(tmp_path / "theirs"))
    larger = replace(one, preprocessing=replace(one.preprocessing, height=128, width=64))
    for models, shares, said in [
        ([one], [1.0], "two models or more"),
        ([one, one], [1.0], "a positive share for each"),
        ([one, one], [1.0, 0.0], "a positive share for each"),
        ([one, one], [1.0, float("nan")], "a positive share for each"),
        ([one, larger], [1.0, 1.0], "another architecture or preprocessing"),
        ([one, zoo.load("vkd-efficientnet-lite0")], [1.0, 1.0], "another architecture or preprocessing"),
        ([theirs, theirs], [1.0, 1.0], "imported networks cannot be averaged"),
    ]:
        with pytest.raises(BadCheckpoint, match=said):
            average(models, shares, "mean")
