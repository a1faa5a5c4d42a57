"""Memories of the clusters, and what crops learn from them.

A proxy is the mean of the tracklets of a cluster on one camera, moved along as crops are seen. Crops are told
apart from the other proxies of their own camera, where nothing but the person differs; and are drawn to their
cluster's proxies on other cameras, away from the hardest of other clusters (Wang et al., "Camera-aware
Proxies", AAAI 2021, equations 4 to 7). With one proxy a cluster it is Cluster Contrast (Dai et al., 2021).
A tracklet in no cluster is a proxy of its own on its camera (Ge et al., NeurIPS 2020). Across cameras nothing
is learnt from it, as somebody in another cluster may be the same person.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from models.adaptation.clusters import SINGLE
from models.adaptation.settings import Contrast
from models.evaluation.reranking import Features, Ints

OUT = -1
"""Proxy of a tracklet that takes no part."""


class Proxies:
    """The memories.

    Args:
        features: (N, D) unit vectors of the tracklets.
        labels: (N,) their clusters.
        cameras: (N,) from 0.
        settings: what is learnt.
        device: of the network.

    Attributes:
        vectors: (P, D) unit vectors, moved by `update`.
        of: (N,) the proxy of each tracklet, or OUT.
    """

    def __init__(
        self, features: Features, labels: Ints, cameras: Ints, settings: Contrast, device: str
    ) -> None:
        self._settings = settings
        single = labels == SINGLE
        classes = np.where(single, labels.max(initial=SINGLE) + 1 + np.arange(len(labels)), labels)
        part = np.flatnonzero(~single | (settings.single > 0))
        of_camera = cameras if settings.camera_memory else np.zeros_like(cameras)
        keys = np.stack([classes, of_camera], axis=1)[part]
        groups, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        of = np.full(len(labels), OUT, dtype=np.int64)
        of[part] = inverse.reshape(-1)
        self.of = torch.from_numpy(of).to(device)
        members = torch.from_numpy(part).to(device)
        sums = torch.zeros(len(groups), features.shape[1], device=device)
        sums.index_add_(0, self.of[members], torch.from_numpy(features).to(device)[members])
        self.vectors = F.normalize(sums, dim=1)
        self._cluster, self._camera = (torch.from_numpy(column.copy()).to(device) for column in groups.T)
        self._single = torch.from_numpy(single[part][first]).to(device)

    @classmethod
    def resumed(
        cls, vectors: Tensor, labels: Ints, cameras: Ints, settings: Contrast, device: str
    ) -> "Proxies":
        """The memories of these clusters as they were kept: (P, D)."""
        proxies = cls(np.zeros((len(labels), 1), dtype=np.float32), labels, cameras, settings, device)
        proxies.vectors = vectors.to(device)
        return proxies

    def loss(self, features: Tensor, tracklets: Tensor) -> Tensor:
        """What crops are to learn: unit vectors (B, D) of crops of tracklets (B,) that have a proxy."""
        target = self.of[tracklets]
        logits = features @ self.vectors.T / self._settings.temperature  # (B, P)
        if not self._settings.camera_memory:
            return F.cross_entropy(logits, target)
        elsewhere = self._camera[target][:, None] != self._camera
        within = F.cross_entropy(logits.masked_fill(elsewhere, -torch.inf), target)
        return within + self._settings.across * self._across(logits, target)

    def _across(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross entropy of finding all proxies of the own cluster; zero where no crop has one."""
        clustered = ~self._single[target]
        if not clustered.any():
            return logits.sum() * 0
        logits, target = logits[clustered], target[clustered]
        positive = self._cluster[target][:, None] == self._cluster  # (B, P)
        others = logits.masked_fill(positive | self._single, -torch.inf)
        hardest = others.topk(min(self._settings.hardest, others.shape[1]), dim=1).values
        own = logits.masked_fill(~positive, -torch.inf)
        total = torch.cat([own, hardest], dim=1).logsumexp(dim=1, keepdim=True)
        shares = (logits - total).masked_fill(~positive, 0.0).sum(dim=1)
        return -(shares / positive.sum(dim=1)).mean()

    @torch.no_grad()
    def update(self, features: Tensor, tracklets: Tensor) -> None:
        """Move the proxies towards crops that were seen, one after another."""
        momentum = self._settings.momentum
        for feature, proxy in zip(features, self.of[tracklets].tolist(), strict=True):
            moved = momentum * self.vectors[proxy] + (1 - momentum) * feature
            self.vectors[proxy] = F.normalize(moved, dim=0)
