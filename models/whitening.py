"""A projection to fewer numbers in which no few directions drown the rest: attenuated PCA whitening.

What many people share, such as dark winter clothes, fills a few directions of a feature and decides cosines;
what tells those people apart lies in the others. PCA whitening evens directions out; attenuated, it does so
half-way, which leaves noise where it is. It is computed, not trained, and costs one matrix product.

Jegou and Chum, "Negative Evidences and Co-occurences in Image Retrieval: The Benefit of PCA and Whitening",
ECCV 2012; the attenuation: Mukundan, Tolias, Bursuc, Jegou, Chum, "Understanding and Improving Kernel Local
Descriptors", IJCV 2019. The shrinkage of the spectrum towards its mean is Ledoit and Wolf's form.
"""

import copy
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.checkpoint import LoadedModel, describe
from models.datasets.frames import read_frame
from models.datasets.records import DISTRACTOR, JUNK, Tracklet
from models.datasets.sampler import by_identity
from models.embedder import CPU_FRAMES
from models.errors import BadCheckpoint
from models.inference import optimise
from models.networks.network import NeckedNetwork, Network
from models.preprocessing import prepare

DIMENSION: Final = 512
ATTENUATION: Final = 0.5
SHRINKAGE: Final = 1.0

_MEASURED: Final = {"figures", "calibration"}
"""Facts of a card that hold for the features as they were."""


def whiten(
    model: LoadedModel,
    crops: Sequence[Path],
    name: str,
    facts: Mapping[str, Any],
    *,
    dimension: int = DIMENSION,
    attenuation: float = ATTENUATION,
    shrinkage: float = SHRINKAGE,
    advance: Callable[[int, int], object] | None = None,
) -> tuple[Network, dict[str, Any]]:
    """The network with a projection computed from these crops, and its card.

    Args:
        model: of a kind that can have a projection; one that it has is replaced. It is not changed.
        crops: image files of many people, at least `dimension` of them; their features are those of photos.
        name: of the result, for its card.
        facts: what the card says of the crops.
        dimension: of the result's features.
        attenuation: from 0, which only cuts dimensions off, to 1, which whitens.
        shrinkage: how many times the mean variance of a direction is added to each; at least 0.
        advance: told how many crops are embedded, of how many.

    Raises:
        BadCheckpoint: the network cannot have this projection, too few crops, or features without variance.
        BadDataset: a crop cannot be read.
    """
    network = copy.deepcopy(model.network)
    if not isinstance(network, NeckedNetwork):
        raise BadCheckpoint(f"a network of the kind {network.kind} cannot have a projection")
    network.drop_projection()
    if not 1 <= dimension <= network.width:
        raise BadCheckpoint(f"a projection has 1 to {network.width} numbers, not {dimension}")
    if len(crops) < dimension:
        raise BadCheckpoint(f"{len(crops)} crops are too few for {dimension} numbers")
    features = _embed(network, model, crops, advance)
    network.projection = projection(
        features, dimension=dimension, attenuation=attenuation, shrinkage=shrinkage
    )
    said = {
        "model": {"name": model.name, "id": model.id},
        "dimension": dimension,
        "attenuation": attenuation,
        "shrinkage": shrinkage,
        "crops": len(crops),
        **facts,
    }
    kept = {key: value for key, value in model.card.items() if key not in _MEASURED}
    card = describe(network, name, model.preprocessing, {"whitening": said})
    return network.eval().requires_grad_(False), {**kept, **card}


def projection(features: NDArray[Any], *, dimension: int, attenuation: float, shrinkage: float) -> nn.Linear:
    """The layer that centres features and evens their directions out.

    It maps x to (L + s m)^(-a/2) U' (x - mean), with the largest eigenvalues L of the features' covariance,
    their mean m over all directions, eigenvectors U, attenuation a and shrinkage s.

    Args:
        features: (N, width), N at least 2.
        dimension: how many of the largest eigenvalues are kept.
        attenuation: a, from 0 to 1.
        shrinkage: s, at least 0.

    Raises:
        BadCheckpoint: the features do not differ, or not in so many directions without shrinkage.
    """
    wide = np.asarray(features, np.float64)
    mean = wide.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(wide, rowvar=False))
    rounding = len(values) * np.finfo(np.float64).eps * values[-1]  # it differs from processor to processor
    values[values <= rounding] = 0
    largest = values[::-1][:dimension] + shrinkage * values.mean()
    if not largest.min() > 0:
        raise BadCheckpoint("the features of these crops do not differ in as many directions")
    weight = (vectors[:, ::-1][:, :dimension] * largest ** (-attenuation / 2)).T
    weight /= np.linalg.norm(weight, axis=1).mean()  # only directions matter; keep half precision's range
    layer = nn.Linear(wide.shape[1], dimension)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
        layer.bias.copy_(torch.from_numpy(-weight @ mean))
    return layer


def choose_crops(tracklets: Sequence[Tracklet], *, people: int, each: int, seed: int = 0) -> list[Path]:
    """The same number of crops of each of many people, from as many of their tracklets as there are.

    Args:
        tracklets: to choose from.
        people: at most so many, by chance.
        each: crops of a person, fewer where there are fewer.
        seed: of the choice.
    """
    chance = random.Random(seed)  # noqa: S311
    of = by_identity(tracklets)
    known = sorted(of.keys() - {DISTRACTOR, JUNK})
    chosen = []
    for person in chance.sample(known, min(people, len(known))):
        shots = [tracklets[index].frames for index in of[person]]
        queues = [chance.sample(frames, len(frames)) for frames in shots]
        chance.shuffle(queues)
        in_turn = [queue[turn] for turn in range(each) for queue in queues if turn < len(queue)]
        chosen += in_turn[:each]
    return chosen


@torch.inference_mode()
def _embed(
    network: NeckedNetwork,
    model: LoadedModel,
    crops: Sequence[Path],
    advance: Callable[[int, int], object] | None,
) -> NDArray[np.float32]:
    """Features of crops as the network embeds photos, of their own lengths: (N, width)."""
    still, found = optimise(network), []
    for start in range(0, len(crops), CPU_FRAMES):
        batch = [read_frame(crop) for crop in crops[start : start + CPU_FRAMES]]
        pictures = prepare(batch, model.preprocessing)
        features = still.embed_images(pictures)
        if model.preprocessing.mirror:
            features = (features + still.embed_images(pictures.flip(-1))) / 2
        found.append(features)
        if advance is not None:
            advance(start + len(batch), len(crops))
    array: NDArray[np.float32] = torch.cat(found).numpy()
    return array
