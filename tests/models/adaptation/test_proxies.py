"""Memories against loops over the papers' equations."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.adaptation.clusters import SINGLE
from models.adaptation.proxies import OUT, Proxies
from models.adaptation.settings import Contrast
from models.evaluation.reranking import Features, Ints

LABELS = np.array([0, 0, 0, 1, 1, SINGLE, SINGLE], dtype=np.int64)
CAMERAS = np.array([0, 0, 1, 0, 1, 0, 1], dtype=np.int64)


def features(count: int = 7, dimension: int = 5) -> Features:
    x = np.random.default_rng(0).normal(size=(count, dimension))
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True), dtype=np.float32)


def proxies(labels: Ints = LABELS, **settings: object) -> Proxies:
    return Proxies(
        features(len(labels)), labels, CAMERAS[: len(labels)], Contrast.model_validate(settings), "cpu"
    )


def test_one_of_each_cluster_on_each_camera_and_of_each_single_tracklet() -> None:
    made = proxies()
    x = torch.from_numpy(features())

    assert len(made.vectors) == 6
    assert made.of[0] == made.of[1] != made.of[2]
    assert len({int(made.of[i]) for i in (0, 2, 3, 4, 5, 6)}) == 6
    assert torch.allclose(made.vectors[made.of[0]], F.normalize(x[0] + x[1], dim=0), atol=1e-6)
    assert torch.allclose(made.vectors[made.of[5]], x[5], atol=1e-6)


def test_without_cameras_one_of_each_cluster() -> None:
    made = proxies(camera_memory=False)

    assert len(made.vectors) == 4
    assert made.of[0] == made.of[2]


def test_single_tracklets_may_be_left_out() -> None:
    made = proxies(single=0)

    assert len(made.vectors) == 4
    assert made.of[5:].tolist() == [OUT, OUT]


def test_cluster_contrast_is_cross_entropy_over_all_memories() -> None:
    made = proxies(camera_memory=False, temperature=0.1)
    x = torch.from_numpy(features(3))

    loss = made.loss(x, torch.tensor([0, 3, 5]))

    expected = 0.0
    for row, tracklet in zip(x, (0, 3, 5), strict=True):
        scores = [math.exp(float(row @ vector) / 0.1) for vector in made.vectors]
        expected -= math.log(scores[int(made.of[tracklet])] / sum(scores)) / 3
    assert float(loss) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("hardest", [1, 2, 50])
def test_camera_aware_terms_are_those_of_the_paper(hardest: int) -> None:
    made = proxies(temperature=0.2, across=0.5, hardest=hardest)
    x = torch.from_numpy(features(3))
    members = [0, 4, 6]  # the last one is single: nothing across cameras

    loss = made.loss(x, torch.tensor(members))

    cluster = {int(made.of[i]): int(LABELS[i]) for i in range(7)}
    camera = {int(made.of[i]): int(CAMERAS[i]) for i in range(7)}
    within, across = [], []
    for row, member in zip(x, members, strict=True):
        score = [math.exp(float(row @ vector) / 0.2) for vector in made.vectors]
        own = int(made.of[member])
        total = sum(score[p] for p in cluster if camera[p] == camera[own])
        within.append(-math.log(score[own] / total))
        if cluster[own] == SINGLE:
            continue
        same = [p for p in cluster if cluster[p] == cluster[own]]
        others = sorted((score[p] for p in cluster if cluster[p] not in {cluster[own], SINGLE}), reverse=True)
        total = sum(score[p] for p in same) + sum(others[:hardest])
        across.append(-sum(math.log(score[p] / total) for p in same) / len(same))
    expected = sum(within) / 3 + 0.5 * sum(across) / len(across)
    assert float(loss) == pytest.approx(expected, rel=1e-4)


def test_across_cameras_nothing_is_learnt_from_single_tracklets_alone() -> None:
    labels = np.full(4, SINGLE, dtype=np.int64)
    made = proxies(labels, across=1)
    x = torch.from_numpy(features(2)).requires_grad_()

    loss = made.loss(x, torch.tensor([0, 1]))
    torch.autograd.backward(loss)

    assert math.isfinite(float(loss.detach()))
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_memories_move_towards_what_is_seen_one_after_another() -> None:
    made = proxies(momentum=0.25)
    before = made.vectors[made.of[0]].clone()
    others = made.vectors[made.of[4]].clone()
    x = torch.from_numpy(features(2))

    made.update(x, torch.tensor([0, 1]))

    once = F.normalize(0.25 * before + 0.75 * x[0], dim=0)
    twice = F.normalize(0.25 * once + 0.75 * x[1], dim=0)
    assert torch.allclose(made.vectors[made.of[0]], twice, atol=1e-6)
    assert torch.equal(made.vectors[made.of[4]], others)


def test_memories_that_were_kept_go_on() -> None:
    made = proxies()
    made.update(torch.from_numpy(features(1)), torch.tensor([3]))

    again = Proxies.resumed(made.vectors, LABELS, CAMERAS, Contrast(), "cpu")

    x, members = torch.from_numpy(features(3)), torch.tensor([0, 3, 5])
    assert torch.equal(again.loss(x, members), made.loss(x, members))
