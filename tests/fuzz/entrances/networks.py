"""Entrances for models: checkpoints, networks in ONNX, calibrations on cards, lists of data sets."""

import hashlib
import json
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from models import checkpoint
from models.errors import BadCheckpoint
from models.imported.external import external_files
from models.imported.importing import _copy
from models.imported.normalising import LAYER, written_out
from models.imported.trial import Wanted, attempt
from models.networks.catalogue import NETWORKS
from models.preprocessing import Preprocessing
from tests.fuzz.entrances.base import Entrance, change_one, must, pack, unpack, written
from tests.fuzz.mutate import Shake
from tests.models.imported.networks import node, weights, write, write_reid
from tests.models.onnx_files import block, tensor, value_info

SMALLEST = "crf"


class Checkpoints(Entrance):
    """Checkpoints: a network of finite weights with the id on its card, or BadCheckpoint.

    Most cards have the id of the weights that were changed.
    """

    name = "checkpoints"
    watched = (
        "models.checkpoint",
        "models.networks",
        "models.imported.loading",
        "models.imported.architecture",
    )
    tokens = (
        b"F16",
        b"F32",
        b"I64",
        b"BF16",
        b"data_offsets",
        b"shape",
        b"__metadata__",
        b"onnx",
        *(kind.encode() for kind in NETWORKS),
    )
    seconds = 10.0
    memory_mib = 2048
    share = 5
    chunk = 500
    few = 15

    @classmethod
    def prepare(cls) -> None:
        _checkpoints()

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        torch.set_num_threads(1)

    def seeds(self) -> list[bytes]:
        return list(_checkpoints())

    def change(self, shake: Shake, data: bytes, other: bytes) -> bytes:
        parts = unpack(data)
        if shake.random.random() < 0.4:
            parts["card.json"] = shake.json(parts["card.json"])
            return pack(parts)
        weights_ = parts["weights.safetensors"]
        length = int.from_bytes(weights_[:8], "little")
        head = weights_[8 : 8 + length]
        chance = shake.random.random()
        if chance < 0.5:
            head = shake.json(head)
        changed = len(head).to_bytes(8, "little") + head + weights_[8 + length :]
        if shake.random.random() < 0.3:
            changed = changed[:-64] + shake.random.choice((b"\x00", b"\x7c", b"\xff")) * 64
        parts["weights.safetensors"] = shake.havoc(changed) if chance > 0.4 else changed
        if shake.random.random() < 0.8:
            _as_if_written(parts)
        return pack(parts)

    def check(self, data: bytes) -> str:
        parts = {name: content for name, content in unpack(data).items() if "/" not in name}
        with written(self.folder, parts) as folder:
            try:
                model = checkpoint.load(folder)
            except BadCheckpoint as error:
                must(len(str(error)) < 20_000, "an endless reason")
                return "refused"
        json.dumps(model.card, allow_nan=False)
        must(model.network.dimension == model.dimension, "another dimension")
        must(all(bool(one.isfinite().all()) for one in model.network.state_dict().values()), "not finite")
        return "loaded"


class OnnxFiles(Entrance):
    """What is read of ONNX files without ONNX Runtime: names beside the file, a layer to write out."""

    name = "onnx-files"
    watched = ("models.imported",)
    tokens = (
        LAYER.encode(),
        b"location",
        b"../w",
        b"w.bin",
        b"\x3a",
        b"\x0a",
        b"\x80\x80\x80\x80\x01",
        b"ai.onnx",
    )
    share = 90
    chunk = 5000
    few = 75

    @classmethod
    def prepare(cls) -> None:
        _networks()

    def seeds(self) -> list[bytes]:
        return list(_networks())

    def check(self, data: bytes) -> str:
        try:
            names = external_files(data)
            changed = written_out(data)
        except BadCheckpoint:
            return "refused"
        must(
            not any("/" in name or "\0" in name or name in {"", ".", ".."} for name in names),
            "a name that leads away",
        )
        if changed is not None:
            must(external_files(changed) == names, "other files after a layer was written out")
        return "read" if changed is None else "written out"


class OnnxNetworks(Entrance):
    """Networks in ONNX, tried as in the process that does it: what they are, or BadCheckpoint."""

    name = "onnx-networks"
    watched = ("models.imported",)
    tokens = OnnxFiles.tokens
    seconds = 10.0
    memory_mib = 4096
    share = 5
    chunk = 500
    few = 15

    @classmethod
    def prepare(cls) -> None:
        _networks()

    def seeds(self) -> list[bytes]:
        return [pack({"net.onnx": one}) for one in _networks()[:3]] + [_external()]

    def change(self, shake: Shake, data: bytes, other: bytes) -> bytes:
        return change_one(shake, data, other)

    def check(self, data: bytes) -> str:
        parts = {name: content for name, content in unpack(data).items() if "/" not in name}
        with written(self.folder, parts) as folder:
            copy = self.folder / "copy"
            copy.mkdir()
            try:
                _copy(folder / "net.onnx", copy)
                changed = written_out((copy / "net.onnx").read_bytes())
                if changed is not None:
                    (copy / "net.onnx").write_bytes(changed)
                found = attempt(_wanted(copy / "net.onnx"))
            except BadCheckpoint:
                return "refused"
            except MemoryError:
                return "too costly"
            finally:
                for one in copy.iterdir():
                    one.unlink()
                copy.rmdir()
        must(2 <= found.dimension <= 16384, "a dimension that is none")
        return "accepted"


def _as_if_written(parts: dict[str, bytes]) -> None:
    """Let the card have the id of the weights that are there."""
    with suppress(SafetensorError, ValueError, TypeError, RuntimeError, KeyError):
        tensors = {name: one.float() for name, one in load(parts["weights.safetensors"]).items()}
        card = {**json.loads(parts["card.json"]), "id": checkpoint.weights_id(tensors)}
        parts["card.json"] = json.dumps(card).encode()


def _wanted(file: Path) -> Wanted:
    size: Any = {"height": 64, "width": 32, "layout": "nchw", "channels": "rgb"}
    return Wanted(path=str(file), network="onnx", mean=[0.4] * 3, std=[0.2] * 3, output=None, **size)


@cache
def _networks() -> tuple[bytes, ...]:
    """Small networks as ONNX files; the last have the layer that is written out, and weights elsewhere."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "net.onnx")
        ports = [
            block(11, value_info("images", ("N", 3, 64, 32))),
            block(12, value_info("features", ("N", 3))),
        ]
        layer = [node(LAYER, ["images"], "even"), node("ReduceMean", ["even"], "features")]
        return (
            write_reid(file).read_bytes(),
            write_reid(file, batch=1).read_bytes(),
            write(file, layer, [tensor("w", weights(2))], ports).read_bytes(),
            write_reid(file, external="w.bin").read_bytes(),
        )


def _external() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = write_reid(Path(folder, "net.onnx"), external="w.bin")
        return pack({"net.onnx": file.read_bytes(), "w.bin": Path(folder, "w.bin").read_bytes()})


@cache
def _checkpoints() -> tuple[bytes, ...]:
    """The smallest network, its weights all alike so that they pack well."""
    with tempfile.TemporaryDirectory() as folder:
        network = NETWORKS[SMALLEST]()
        with torch.no_grad():
            for one in network.state_dict().values():
                one.fill_(1)
        card = checkpoint.describe(network.eval(), "made-up", Preprocessing(64, 32), {"limits": ["none"]})
        checkpoint.save(Path(folder), network, card, half=True)
        parts = {name: Path(folder, name).read_bytes() for name in ("card.json", "weights.safetensors")}
        onnx = {"net.onnx": _networks()[0]}
        digest = hashlib.sha256(onnx["net.onnx"]).hexdigest()
        described = {
            "network": "onnx",
            "file": "net.onnx",
            "files": {"net.onnx": digest},
            "input": "images",
            "output": "features",
            "layout": "nchw",
            "channels": "rgb",
            "batch": None,
        }
        imported = json.dumps({**json.loads(parts["card.json"]), "architecture": described, "dimension": 8})
        return pack(parts), pack({**onnx, "card.json": imported.encode(), "weights.safetensors": b""})
