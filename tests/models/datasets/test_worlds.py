"""Who can be told apart by the background alone, and that training does not ask for it."""

from collections import defaultdict

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.datasets.records import Tracklet
from models.datasets.sampler import world_batches
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


def test_a_batch_is_of_one_world_and_an_epoch_of_all() -> None:
    tracklets = [
        tracklet
        for world in range(3)
        for identity in range(10)
        for tracklet in seen(10 * world + identity + 1, 2 * world, 2 * world + 1)
    ]
    batches = world_batches(tracklets, 4, 2, np.random.default_rng(0))

    counts: defaultdict[int, int] = defaultdict(int)
    for batch in batches:
        (world,) = {tracklets[i].camera // 2 for i in batch}
        assert len({tracklets[i].identity for i in batch}) == 4
        counts[world] += 1
    assert counts == {0: 2, 1: 2, 2: 2}  # of ten identities each, two batches of four


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
