"""Re-ranking by the square layer."""

import numpy as np
import pytest
import torch

from models.embedder import normalise
from models.evaluation.verification import by_verification
from models.networks.cross_modal import CrossModal


@pytest.fixture(scope="module")
def network() -> CrossModal:
    network = CrossModal(embedding=4, hidden=4)
    torch.nn.init.normal_(network.verification.weight, generator=torch.Generator().manual_seed(0))
    return network.eval()


def test_the_head_comes_in_the_order_of_verification(network: CrossModal, rng: np.random.Generator) -> None:
    query, gallery = (normalise(rng.normal(size=(n, 4)).astype(np.float32)) for n in (3, 7))
    distances = by_verification(network, query, gallery, head=4)
    with torch.no_grad():
        same = network.verify(torch.from_numpy(query)[:, None], torch.from_numpy(gallery)[None]).numpy()
    cosines = query @ gallery.T
    for row, probabilities, likeness in zip(distances, same, cosines, strict=True):
        by_distance = np.argsort(-likeness)
        best = sorted(by_distance[:4], key=lambda entry: -probabilities[entry])
        assert np.argsort(row).tolist() == [*best, *by_distance[4:]]
    assert distances.shape == (3, 7)
    assert distances.dtype == np.float32


def test_a_short_gallery_is_scored_whole(network: CrossModal) -> None:
    one = np.eye(4, dtype=np.float32)
    distances = by_verification(network, one[:1], one[:2])
    with torch.no_grad():
        expected = 1 - network.verify(torch.eye(4)[:1], torch.eye(4)[:2])
    assert distances[0] == pytest.approx(expected.numpy(), abs=1e-6)
    assert by_verification(network, one[:2], one[:0]).shape == (2, 0)
