"""Who can be told apart by the background alone, and that training does not ask for it."""

from collections import Counter

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.datasets.records import Tracklet
from models.datasets.sampler import NEIGHBOURS, world_batches
from models.datasets.worlds import worlds_of
from models.losses import cross_entropy


def seen(identity: int, *cameras: int) -> list[Tracklet]:
    return [Tracklet(identity, camera, ()) for camera in cameras]


def test_a_chain_of_shared_cameras_makes_one_world() -> None:
    tracklets = [*seen(5, 1), *seen(2, 1, 2), *seen(7, 2), *seen(9, 3), *seen(8, 3, 4)]

    assert worlds_of(tracklets) == {2: 0, 5: 0, 7: 0, 8: 1, 9: 1}


def test_one_place_is_one_world() -> None:
    tracklets = [tracklet for identity in range(1, 6) for tracklet in seen(identity, 1, 2)]

    assert set(worlds_of(tracklets).values()) == {0}


def three_worlds() -> list[Tracklet]:
    return [
        tracklet
        for world in range(3)
        for identity in range(10)
        for tracklet in seen(10 * world + identity + 1, 2 * world, 2 * world + 1)
    ]


def worlds_in(batch: list[int], tracklets: list[Tracklet]) -> Counter[int]:
    return Counter(world for world, _ in {(tracklets[i].camera // 2, tracklets[i].identity) for i in batch})


def test_a_small_batch_is_of_one_world_and_an_epoch_of_all() -> None:
    tracklets = three_worlds()
    counts: Counter[int] = Counter()
    for batch in world_batches(tracklets, 3, 2, np.random.default_rng(0)):
        ((world, people),) = worlds_in(batch, tracklets).items()
        assert people == 3
        counts[world] += 1
    assert counts == {0: 3, 1: 3, 2: 3}  # of ten identities each, three batches of three


def test_a_large_batch_has_neighbours_of_several_worlds() -> None:
    tracklets = three_worlds()
    batches = world_batches(tracklets, 8, 2, np.random.default_rng(0))

    assert len(batches) == 3  # two neighbourhoods of four in each world, two in a batch
    for batch in batches:
        assert len({tracklets[i].identity for i in batch}) == 8
        assert set(worlds_in(batch, tracklets).values()) <= {NEIGHBOURS, 2 * NEIGHBOURS}


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_with_all_classes_allowed_it_is_the_usual_loss(smoothing: float) -> None:
    logits = torch.randn(6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    labels = torch.tensor([0, 1, 2, 3, 4, 0])
    usual = F.cross_entropy(logits, labels, label_smoothing=smoothing)

    ours = cross_entropy(logits, labels, torch.ones(6, 5, dtype=torch.bool), smoothing=smoothing)

    torch.testing.assert_close(ours, usual)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_classes_that_are_not_allowed_might_as_well_not_be_there(smoothing: float) -> None:
    logits = torch.randn(2, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    logits.requires_grad_(True)
    allowed = torch.tensor([[True, True, False, False]] * 2)
    labels = torch.tensor([0, 1])
    alone = F.cross_entropy(logits[:, :2], labels, label_smoothing=smoothing)

    ours = cross_entropy(logits, labels, allowed, smoothing=smoothing)
    (gradient,) = torch.autograd.grad(ours, logits)

    torch.testing.assert_close(ours, alone)
    assert not gradient[:, 2:].any()
    assert gradient.isfinite().all()
