"""Who looks like whom to the network that learns, for the graph sampler."""

from collections.abc import Sequence

import torch
from torch import Tensor

from models.datasets.clips import ClipDataset, Draw, collate, part_frames
from models.datasets.graph import nearest
from models.datasets.records import Tracklet
from models.datasets.sampler import by_identity
from models.devices import autocast
from models.networks.network import Network
from models.preprocessing import Preprocessing, standardise
from models.training.loading import seeded
from models.training.plan import Plan

CROPS = 64  # embedded at once


@torch.no_grad()
def look_alikes(
    network: Network,
    recipe: Plan,
    tracklets: Sequence[Tracklet],
    preprocessing: Preprocessing,
    *,
    step: int,
    device: str,
) -> Tensor:
    """The nearest of each identity, by one crop each, to the network as it is.

    The crop is a function of seed and step, so a run that is resumed finds the same.

    Args:
        network: left in the mode that it is in.
        recipe: how many are wanted: one less than the identities of a batch.
        tracklets: to choose crops from.
        preprocessing: of the network.
        step: number of the step that comes next.
        device: of the network.

    Returns:
        (C, batches.identities - 1) of the identities in ascending order.

    Raises:
        BadDataset: a crop cannot be read.
    """
    dataset = ClipDataset(tracklets, preprocessing, frames=1, stride=1, choice=part_frames)
    rng = seeded(recipe.run.seed, step)
    people = by_identity(tracklets)
    draws = [
        Draw(int(rng.choice(people[name])), (recipe.run.seed, step, slot))
        for slot, name in enumerate(sorted(people))
    ]
    loader = torch.utils.data.DataLoader(
        dataset,
        batch_sampler=[draws[start : start + CROPS] for start in range(0, len(draws), CROPS)],
        num_workers=recipe.batches.workers,
        collate_fn=collate,
    )
    training = {name: module.training for name, module in network.named_modules()}
    network.eval()
    features = []
    for clips in loader:
        pixels = standardise(clips.pixels[:, 0].to(device), preprocessing)  # (N, 1, ...) -> (N, ...)
        x = pixels.contiguous(memory_format=torch.channels_last)
        with autocast(recipe.run.bf16, x.device):
            features.append(network.embed_images(x).float())
    for name, module in network.named_modules():
        module.training = training[name]
    return nearest(torch.cat(features), recipe.batches.identities - 1)
