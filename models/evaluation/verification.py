"""Re-ranking the head of a list by the probability that crop and clip show one person.

Xie et al., "Cross-modal embeddings via text" (2020), score every pair so. That no index can do; but of a list
that is sorted by distance only the head is looked at.
"""

from typing import Final

import numpy as np
import torch

from models.embedder import Features
from models.networks.cross_modal import CrossModal

HEAD: Final = 200  # entries of a list that are scored


@torch.inference_mode()
def by_verification(network: CrossModal, query: Features, gallery: Features, *, head: int = HEAD) -> Features:
    """Distances by which each query's nearest entries come in the order of verification, before all others.

    Args:
        network: in evaluation mode.
        query: (Q, D) unit vectors of crops.
        gallery: (G, D) unit vectors of clips or tracklets.
        head: entries of each query that are scored.

    Returns:
        (Q, G): 1 - probability of "same" in the head, from 0 to 1; 2 - cosine behind it.
    """
    distances: Features = np.maximum(2 - query @ gallery.T, 1).astype(np.float32)
    device = network.verification.weight.device
    for row, crop in zip(distances, query, strict=True):
        nearest = np.argsort(row, kind="stable")[:head]
        clips = torch.from_numpy(gallery[nearest]).to(device)
        row[nearest] = 1 - network.verify(torch.from_numpy(crop).to(device), clips).cpu().numpy()
    return distances
