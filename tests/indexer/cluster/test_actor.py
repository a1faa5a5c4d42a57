"""What an actor refuses before it works, and files that only look like the right ones."""

from pathlib import Path

import pytest

from indexer.cluster.actor import Actor
from indexer.cluster.build import GLANCED, build, differences, glance
from indexer.cluster.messages import ModelName
from indexer.cluster.networks import Networks, digest_of
from indexer.errors import NodeRefused
from models.detector import weights_of
from models.errors import DetectorError, ModelError, UnknownModel
from models.names import DEFAULT, shipped_ids
from tests.indexer.cluster.conftest import SETTINGS
from tests.indexer.cluster.fakes import DETECTOR, MODEL, FakeNetworks


def test_an_actor_is_ready_only_with_the_versions_and_weights_of_the_driver() -> None:
    actor = Actor(SETTINGS.model_dump_json(), FakeNetworks(), 1)
    other = {**build(), "torch": "1.0", "its code": "0" * 64}
    with pytest.raises(
        NodeRefused, match=r"node .* \(10.0.0.9\) has its code \w{16} instead of 0{16}, torch"
    ):
        actor.ready(other, DETECTOR, MODEL, "10.0.0.9")
    with pytest.raises(NodeRefused, match="has other weights of detector nanodet"):
        actor.ready(build(), "0" * 64, MODEL, "10.0.0.9")
    about = Actor(SETTINGS.model_dump_json(), FakeNetworks(), 1).ready(build(), DETECTOR, MODEL, "10.0.0.9")
    assert (about.device, "(10.0.0.9)" in about.where) == ("cpu", True)


def test_differences_name_what_differs() -> None:
    assert differences({"a": "1", "b": "2"}, {"a": "1", "b": "2", "c": "3"}) == ""
    assert differences({"a": "1", "b": "2"}, {"a": "2"}) == "a 2 instead of 1, b unknown instead of 2"


@pytest.mark.long
def test_a_node_has_the_model_by_its_hash(tmp_path: Path) -> None:
    networks = Networks(tmp_path / "not shared")
    right = ModelName(DEFAULT, shipped_ids()[DEFAULT])
    quick = SETTINGS.model_copy(update={"runtime": "torch"})
    assert networks.embedder(quick, right).id == right.id
    with pytest.raises(
        ModelError, match=f"model {DEFAULT} is another one here: {right.id[:16]} instead of f"
    ):
        networks.embedder(quick, ModelName(DEFAULT, "f" * 64))
    with pytest.raises(UnknownModel):
        networks.embedder(quick, ModelName(str(tmp_path / "none"), right.id))
    (weights,) = weights_of("nanodet")
    assert networks.detector_digest("nanodet") == digest_of([weights])
    one = tmp_path / "a.xml"
    one.write_text("x")
    assert weights_of(f"openvino:{one}") == (one, tmp_path / "a.bin")
    assert weights_of("torchvision:fasterrcnn_resnet50_fpn_v2")[0].suffix == ".pth"
    with pytest.raises(ModelError, match=r"a\.bin: No such file"):
        networks.detector_digest(f"openvino:{one}")
    for wrong in ("torchvision:none", "none"):
        with pytest.raises(UnknownModel):
            weights_of(wrong)
    with pytest.raises(DetectorError):
        weights_of("onnx:none.onnx")


def test_a_glance_sees_beginning_middle_and_end(tmp_path: Path) -> None:
    file = tmp_path / "a"
    content = bytearray(8 * GLANCED)
    seen = set()
    for place in (0, len(content) // 2, len(content) - 1):
        content[place] = 1
        file.write_bytes(content)
        seen.add(glance(file))
    assert len(seen) == 3
    file.write_bytes(b"")
    glance(file)
