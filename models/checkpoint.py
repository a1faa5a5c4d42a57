"""Models on disk: a directory with weights.safetensors and card.json, and nothing that can run code.

The card says what the model is; the weights are loaded strictly into the network the card names: every tensor
there, none more, shapes and types as they must be, all values finite. The model's id is computed from the
tensors, so it does not depend on the loader, on half or single precision, or on the file name.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as pack_tensors
from torch import Tensor

from models import names
from models.errors import BadCheckpoint, UnknownModel
from models.imported import loading as imported
from models.imported.digests import network_id
from models.imported.network import ImportedNetwork
from models.networks.catalogue import build
from models.networks.network import Network
from models.preprocessing import Preprocessing

FORMAT: Final = 1
CARD: Final = names.CARD
WEIGHTS: Final = "weights.safetensors"
MAX_CARD_BYTES: Final = 1 << 20
MAX_WEIGHTS_BYTES: Final = 2 << 30


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A network in evaluation mode with all that is needed to use it.

    `id` is the SHA-256 of the weights (see `weights_id`); `card` is plain JSON, with a "warning" when answers
    of this model must carry one.
    """

    network: Network
    card: Mapping[str, Any]
    preprocessing: Preprocessing
    id: str
    name: str
    dimension: int


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)


_Channels = Annotated[list[float], Field(min_length=3, max_length=3)]
_Deviations = Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=3, max_length=3)]


class _PreprocessingCard(_Strict):
    height: int = Field(ge=32, le=1024)
    width: int = Field(ge=32, le=1024)
    mean: _Channels
    std: _Deviations
    resize: Literal["bicubic"]
    mirror: bool = False


class _ArchitectureCard(_Strict, extra="allow"):
    """The kind of network; all other keys are arguments of its constructor."""

    network: str


class _Card(_Strict):
    """The part of a card that loading depends on; a card may say more."""

    format: int
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    id: str = Field(pattern=r"^[0-9a-f]{64}$")
    dimension: int
    architecture: _ArchitectureCard
    preprocessing: _PreprocessingCard
    warning: str | None = None


def describe(
    network: Network, name: str, preprocessing: Preprocessing, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Write the card of a network: what loading needs, then `facts` (warning, limits, recipe)."""
    return {
        "format": FORMAT,
        "name": name,
        "id": weights_id(network.state_dict()),
        "dimension": network.dimension,
        "architecture": {"network": network.kind, **network.architecture},
        "preprocessing": {
            "height": preprocessing.height,
            "width": preprocessing.width,
            "mean": list(preprocessing.mean),
            "std": list(preprocessing.std),
            "mirror": preprocessing.mirror,
            "resize": "bicubic",
        },
        **facts,
    }


def weights_id(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and values of a network's tensors in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.numpy().data)
    return digest.hexdigest()


def data_learnt(card: Mapping[str, Any]) -> Iterator[str]:
    """Names of the data sets that a model learnt from, and the models that it came from, as its card says."""
    todo = [card.get("training")]
    while todo:
        match todo.pop():
            case dict() as facts:
                names = [facts.get("dataset"), *(facts.get("learnt_before") or ())]
                yield from (name for name in names if isinstance(name, str))
                todo += facts.values()
            case list() as values:
                todo += values


def save(directory: Path, network: Network, card: Mapping[str, Any], *, half: bool = False) -> str:
    """Write a checkpoint that `load` accepts.

    Args:
        directory: made if it is not there; weights and card in it are replaced.
        network: what to write, on the CPU.
        card: as `describe` writes it; the id is computed anew from the weights as they are stored.
        half: store float16, half the bytes.

    Returns:
        The model's id.

    Raises:
        BadCheckpoint: the card lacks something, or the weights are not finite (or not in half precision).
    """
    state = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    stored = {n: t.half() if half and t.is_floating_point() else t for n, t in state.items()}
    fitted = _fit(stored, state, directory / WEIGHTS)
    text = (
        json.dumps({**card, "id": weights_id(fitted)}, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    )
    parsed = _parse_card(json.loads(text), directory / CARD)
    directory.mkdir(parents=True, exist_ok=True)
    _write(directory / WEIGHTS, pack_tensors(stored, metadata={"format": "pt"}))
    _write(directory / CARD, text.encode())
    return parsed.id


def load(path: Path) -> LoadedModel:
    """Load a checkpoint directory.

    Raises:
        UnknownModel: there is no such directory.
        BadCheckpoint: what is there cannot be trusted or used; the message says why.
    """
    if not path.is_dir():
        if path.is_file():
            raise BadCheckpoint(f"{path} is a file; a checkpoint is a directory with {WEIGHTS} and {CARD}")
        raise UnknownModel(f"no checkpoint at {path}")
    text = _read(path / CARD, MAX_CARD_BYTES)
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadCheckpoint(f"{path / CARD} is not JSON: {error}") from error
    card = _parse_card(values, path / CARD)
    p = card.preprocessing
    preprocessing = Preprocessing(p.height, p.width, _triple(p.mean), _triple(p.std), p.mirror)
    if card.architecture.network in imported.KINDS:
        return LoadedModel(
            _load_imported(path, card), values, preprocessing, card.id, card.name, card.dimension
        )
    stored = _parse_weights(_read(path / WEIGHTS, MAX_WEIGHTS_BYTES), path / WEIGHTS)
    try:
        with torch.device("meta"):
            network = build(card.architecture.network, card.architecture.model_extra or {})
    except ValueError as error:
        raise BadCheckpoint(f"{path / CARD}: architecture: {error}") from error
    tensors = _fit(stored, network.state_dict(), path / WEIGHTS)
    if card.dimension != network.dimension:
        raise BadCheckpoint(f"{path / CARD}: dimension is {network.dimension}, not {card.dimension}")
    if card.id != weights_id(tensors):
        raise BadCheckpoint(f"{path}: the weights are not those the card was written for (id differs)")
    network.load_state_dict(tensors, assign=True)
    network.eval().requires_grad_(False)
    return LoadedModel(network, values, preprocessing, card.id, card.name, card.dimension)


def amend(directory: Path, facts: Mapping[str, Any]) -> None:
    """Add facts to the card of a checkpoint, or replace them; its id stays, as the weights do.

    Raises:
        UnknownModel, BadCheckpoint: as `load`.
        OSError: the card cannot be written.
    """
    card = {**load(directory).card, **facts}
    text = json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    _parse_card(json.loads(text), directory / CARD)
    _write(directory / CARD, text.encode())


def _load_imported(path: Path, card: _Card) -> ImportedNetwork:
    network = imported.load(path, card.architecture.model_dump(), card.dimension)
    if card.id != network_id(network.described, card.preprocessing.model_dump()):
        raise BadCheckpoint(f"{path}: the files are not used as the card was written for (id differs)")
    return network


def _parse_card(values: Any, where: Path) -> _Card:
    if isinstance(values, dict) and isinstance(values.get("format"), int) and values["format"] > FORMAT:
        raise BadCheckpoint(
            f"{where} has format {values['format']}, this version reads up to {FORMAT}: update Sightline"
        )
    try:
        card = _Card.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "card"
        raise BadCheckpoint(f"{where}: {field}: {first['msg']}") from error
    return card


def _parse_weights(data: bytes, where: Path) -> dict[str, Tensor]:
    # What torch.save writes, now a zip file, formerly bare: its pickle could run code when loaded.
    if data.startswith((b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        raise BadCheckpoint(f"{where} is a pickle, which could run code; only safetensors is read")
    try:
        return parse_tensors(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise BadCheckpoint(f"{where} is damaged or not safetensors: {error}") from error


def _fit(stored: Mapping[str, Tensor], wanted: Mapping[str, Tensor], where: Path) -> dict[str, Tensor]:
    """The stored tensors in the types of the network's, or BadCheckpoint."""
    if missing := sorted(wanted.keys() - stored.keys()):
        raise BadCheckpoint(f"{where} lacks {len(missing)} tensors, the first {missing[0]!r}")
    if unexpected := sorted(stored.keys() - wanted.keys()):
        raise BadCheckpoint(f"{where} has {len(unexpected)} unexpected tensors, the first {unexpected[0]!r}")
    fitted = {}
    for name, target in wanted.items():
        tensor = stored[name]
        if tensor.shape != target.shape:
            raise BadCheckpoint(f"{where}: {name!r} is {list(tensor.shape)}, not {list(target.shape)}")
        if tensor.dtype not in {target.dtype, torch.float16 if target.is_floating_point() else target.dtype}:
            raise BadCheckpoint(f"{where}: {name!r} is {tensor.dtype}, not {target.dtype}")
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise BadCheckpoint(f"{where}: {name!r} has values that are not finite")
        fitted[name] = tensor.to(target.dtype)
    return fitted


def _read(path: Path, limit: int) -> bytes:
    """The bytes of a regular file; a link could lead anywhere, a pipe or device could block or never end."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise BadCheckpoint(f"cannot read {path}: {error.strerror} (links are not followed)") from error
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise BadCheckpoint(f"{path} is not a regular file")
        if facts.st_size > limit:
            raise BadCheckpoint(f"{path} has {facts.st_size} bytes, more than the {limit} allowed")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def _write(path: Path, data: bytes) -> None:
    """Replace a file as a whole, so that a reader never sees half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")


def _triple(values: list[float]) -> tuple[float, float, float]:
    red, green, blue = values
    return red, green, blue
