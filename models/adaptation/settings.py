"""What an adaptation does: every number and every switch."""

from typing import Final

from pydantic import Field

from models.training.plan import Augmentation, Positive, Section, Share

MOST_CROPS: Final = 8
"""Crops of a tracklet that are kept."""


class Neighbourhood(Section):
    """Who counts as near whom, and which of them become a cluster.

    Zhong et al., CVPR 2017 (k-reciprocal neighbours); Ge et al., "Self-paced Contrastive Learning", NeurIPS
    2020 (clusters that a small change of the radius would change are left out).
    """

    k1: Positive = 15
    k2: Positive = 4
    camera_means: bool = Field(True, description="take each camera's mean off before tracklets are compared")
    radius: float = Field(0.4, gt=0, lt=1, description="Jaccard distance that joins, in the first round")
    last_radius: float = Field(0.5, gt=0, lt=1, description="the same in the last round; linear between")
    change: float = Field(
        0.02, ge=0, lt=0.5, description="of the radius, that a cluster has to stand; 0: any"
    )
    stability: Share = Field(0.6, description="share of a cluster that is the same after that change")
    cannot_links: bool = Field(True, description="keep apart who was seen side by side")


class Contrast(Section):
    """What is learnt from clusters.

    Dai et al., "Cluster Contrast", 2021 (a memory per cluster); Wang et al., "Camera-aware Proxies", AAAI
    2021 (a memory per cluster and camera).
    """

    camera_memory: bool = Field(True, description="a memory per cluster and camera; else per cluster")
    temperature: float = Field(0.05, gt=0)
    momentum: Share = Field(0.1, description="share of the old in a memory after a new crop")
    across: float = Field(0.5, ge=0, description="weight of the terms across cameras")
    hardest: Positive = Field(50, description="proxies of others that such a term tells apart")
    single: Share = Field(
        0.25, description="share of a batch that is tracklets in no cluster; 0 leaves them out"
    )


class Learning(Section):
    """How weights move."""

    clusters: int = Field(16, ge=2, description="in a batch")
    tracklets: int = Field(4, ge=2, description="of each")
    rate: float = Field(3.5e-4, gt=0)
    decay: float = Field(5e-4, ge=0)
    warm_up: int = Field(10, ge=0, description="steps of each round")
    ema: float = Field(
        0.99, gt=0, lt=1, description="decay of the averaged network, which clusters and is kept"
    )
    frozen_blocks: int = Field(5, ge=0, description="first blocks of the backbone that stay as they are")
    bf16: bool | None = Field(None, description="as in recipes; None: where that is faster")
    norm_batches: int = Field(20, ge=0, description="that give the averaged network's norms their statistics")
    simulated: Share = Field(
        0.25, description="share of a batch that is simulated people, where there are some"
    )


class Gate(Section):
    """What has to hold before the new model may take the place of its parent.

    A negative allowance asks for a gain.
    """

    held_out: Share = Field(0.15, description="share of the tracklets that nothing is learnt from")
    most: int = Field(1000, ge=10, description="tracklets held out at most")
    least: int = Field(40, ge=10, description="tracklets held out at least")
    accepted: Share = Field(0.95, description="share of halves that the threshold accepts")
    halves_loss: float = Field(0.01, description="mAP of half against half that may be lost")
    negatives_gain: float = Field(0.01, description="more sure negatives that may be accepted")
    returns_loss: float = Field(0.02, description="of there-and-back across cameras that may be lost")
    simulated_loss: float = Field(0.03, description="mAP on simulated people that may be lost")


class AdaptationSettings(Section):
    """An adaptation except for the tracklets and the machine.

    `hours` ends a run after the last round that fits into them.
    """

    rounds: int = Field(6, ge=1, le=1000)
    steps: int = Field(200, ge=1, le=10**6, description="of a round")
    hours: float | None = Field(None, gt=0)
    tracklets: int = Field(20_000, ge=100, description="that are learnt from at most")
    least: int = Field(100, ge=2, description="tracklets with crops that are worth beginning with")
    cut: Share = Field(
        0.75, description="a tracklet is cut where its parts are less alike than this share of strangers"
    )
    seed: int = Field(1, ge=0)
    save_every: Positive = Field(25, description="steps after which the state is kept")
    neighbourhood: Neighbourhood = Neighbourhood()
    contrast: Contrast = Contrast()
    learning: Learning = Learning()
    gate: Gate = Gate()
    augmentation: Augmentation = Augmentation(
        flip=0.5, shift=0.5, colour=0.5, brightness=0.2, contrast=0.2, saturation=0.2, hue=0.02, erase=0.3
    )
