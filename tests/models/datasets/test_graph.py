"""Batches of people who look alike."""

from pathlib import Path

import numpy as np
import torch

from models.datasets.graph import ROWS, graph_batches, nearest
from models.datasets.records import Tracklet


def test_the_nearest_are_those_of_greatest_cosine() -> None:
    features = torch.randn(ROWS + 7, 5, generator=torch.Generator().manual_seed(0))
    found = nearest(features, 4)
    unit = features / features.norm(dim=1, keepdim=True)
    for row in (0, 3, ROWS - 1, ROWS, ROWS + 6):
        similar = unit @ unit[row]
        similar[row] = -2
        assert found[row].tolist() == similar.argsort(descending=True)[:4].tolist()


def test_few_people_have_few_neighbours() -> None:
    assert nearest(torch.eye(3), 15).shape == (3, 2)


def test_each_batch_is_a_person_with_the_nearest() -> None:
    tracklets = [Tracklet(10 * person, camera, (Path("f"),)) for person in range(6) for camera in (1, 2, 3)]
    neighbours = torch.tensor([[(n + 1) % 6, (n + 2) % 6, (n + 3) % 6] for n in range(6)])
    batches = graph_batches(tracklets, 3, 2, np.random.default_rng(1), neighbours=neighbours)
    assert len(batches) == 6
    anchors = []
    for batch in batches:
        people = [tracklets[i].identity // 10 for i in batch]
        anchor = people[0]
        anchors.append(anchor)
        assert people == [n for offset in range(3) for n in 2 * [(anchor + offset) % 6]]
        assert len(set(batch)) == 6  # different tracklets, as there are enough
    assert sorted(anchors) == list(range(6))
    assert anchors != sorted(anchors)
