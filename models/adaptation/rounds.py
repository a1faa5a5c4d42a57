"""The rounds of a run: embed, cluster, learn; and again, with the network that is better by then."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch

from models.adaptation.batches import Batch, plan_round
from models.adaptation.clusters import SINGLE, stable_clusters, without_camera_means
from models.adaptation.jaccard import near_pairs
from models.adaptation.learner import Learner, norms_of_their_own
from models.adaptation.material import Material
from models.adaptation.pieces import Embedding
from models.adaptation.proxies import Proxies
from models.adaptation.result import Round
from models.adaptation.settings import AdaptationSettings
from models.adaptation.state import State, save_state
from models.errors import TrainingError
from models.evaluation.reranking import Features, Ints
from models.losses import supervised_contrastive
from models.networks.network import Network
from models.training.optimisation.norms import estimate_norms
from models.training.optimisation.optimiser import rate
from models.training.plan import Schedule

Tell = Callable[[str, int, int], None]
"""Is told the stage, what of it is done, and of how much; raises Cancelled to stop."""

LEAST_RATE: Final = 0.1  # of the learning rate, at the end of each round


def run_rounds(material: Material, state: State, folder: Path, tell: Tell) -> None:
    """Take all rounds that are left, keeping the state after each and between steps.

    Raises:
        TrainingError: the loss is not finite.
        Cancelled: by `tell`.
    """
    settings = material.settings
    while len(state.rounds) < settings.rounds and not _out_of_time(settings, state):
        if state.labels is None:
            began = time.monotonic()
            state.began = state.seconds
            _begin_round(material, state, tell)
            state.seconds += time.monotonic() - began
            save_state(folder, state)
        _learn(material, state, folder, tell)
        state.rounds.append(_summary(material, state))
        state.learnt = state.labels
        state.step, state.loss, state.labels, state.proxies = 0, 0.0, None, None
        save_state(folder, state)


def make_optimiser(learner: Learner, settings: AdaptationSettings) -> torch.optim.Optimizer:
    """AdamW over all that learns; what has one dimension does not decay."""
    learning = [parameter for parameter in learner.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in learning if p.ndim > 1], "weight_decay": settings.learning.decay},
        {"params": [p for p in learning if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning.rate)


def settled_network(material: Material, state: State) -> Network:
    """A copy of the averaged network, whose norms have the statistics of crops of all pieces alike."""
    learner = deepcopy(state.learner)
    learner.network.load_state_dict(state.average.module.state_dict())
    learner.train()

    def passes() -> Iterator[Callable[[], object]]:
        for number, batch in enumerate(_any_batches(material, len(state.rounds))):
            yield lambda batch=batch, number=number: learner(material.see(batch, number))  # type: ignore[misc]

    estimate_norms(learner.network, passes())
    return learner.network.eval()


def find_clusters(material: Material, features: Features, radius: float) -> Ints:
    """(N,) clusters of the pieces, from their features (N, D)."""
    near = material.settings.neighbourhood
    if near.camera_means:
        features = without_camera_means(features, material.cameras)
    pairs = near_pairs(features, k1=near.k1, k2=near.k2, limit=min(radius + near.change, 0.999))
    return stable_clusters(pairs, len(features), radius, near, material.apart, together=material.together)


def _stage(name: str, material: Material, state: State) -> str:
    return f"{name} {len(state.rounds) + 1}/{material.settings.rounds}"


def _out_of_time(settings: AdaptationSettings, state: State) -> bool:
    """Whether another round would take longer than there is time for; the first one is always taken."""
    if settings.hours is None or not state.rounds or state.labels is not None:
        return False
    return state.seconds + max(one.seconds for one in state.rounds) > 3600 * settings.hours


def _begin_round(material: Material, state: State, tell: Tell) -> None:
    """Embed with the averaged network, cluster, and set up memories and optimiser."""
    # Before the first round it is the parent, whose norms are its own.
    network = settled_network(material, state) if state.rounds else state.learner.network
    embedding = Embedding(network, material.preprocessing, material.store, material.device)
    features = embedding.means(material.pieces, partial(tell, _stage("embedding", material, state)))
    tell(_stage("clustering", material, state), 0, 1)
    state.radius = _radius(material.settings, len(state.rounds))
    labels = find_clusters(material, features, state.radius)
    tell(_stage("clustering", material, state), 1, 1)
    state.labels = torch.from_numpy(labels)
    proxies = Proxies(features, labels, material.cameras, material.settings.contrast, material.device)
    state.proxies = proxies.vectors
    # What an optimiser remembers of other clusters would be carried on by inertia.
    state.optimiser = make_optimiser(state.learner, material.settings)


def _radius(settings: AdaptationSettings, number: int) -> float:
    near = settings.neighbourhood
    share = number / max(1, settings.rounds - 1)
    return near.radius + share * (near.last_radius - near.radius)


def _any_batches(material: Material, number: int) -> Sequence[Batch]:
    """Batches in which each piece is as likely as any other."""
    settings = material.settings
    everybody = np.full(len(material.pieces), SINGLE, dtype=np.int64)
    alike = settings.contrast.model_copy(update={"single": 1.0})
    few = settings.model_copy(update={"steps": settings.learning.norm_batches, "contrast": alike})
    return plan_round(
        material.pieces, everybody, material.cameras, few, number=settings.rounds + number, simulated=False
    )


def _learn(material: Material, state: State, folder: Path, tell: Tell) -> None:
    """Take the steps of a round that are left."""
    assert state.labels is not None
    assert state.proxies is not None
    settings, labels, number = material.settings, state.labels.numpy(), len(state.rounds)
    simulated = material.rehearsal is not None
    plan = plan_round(material.pieces, labels, material.cameras, settings, number=number, simulated=simulated)
    proxies = Proxies.resumed(state.proxies, labels, material.cameras, settings.contrast, material.device)
    warm_up = min(settings.learning.warm_up, settings.steps)
    schedule = Schedule(kind="cosine", steps=settings.steps, warm_up=warm_up, least=LEAST_RATE)
    state.learner.train()
    while state.step < settings.steps:
        began = time.monotonic()
        for group in state.optimiser.param_groups:
            group["lr"] = settings.learning.rate * rate(schedule, state.step, settings.steps)
        loss = _step(material, state, plan[state.step], proxies)
        if not math.isfinite(loss):
            where = f"round {number + 1}, step {state.step + 1}"
            raise TrainingError(f"the loss is {loss} in {where}: lower the learning rate")
        state.loss += loss
        state.step += 1
        state.proxies = proxies.vectors
        state.seconds += time.monotonic() - began
        if state.step % settings.save_every == 0:
            save_state(folder, state)
        tell(_stage("learning", material, state), state.step, settings.steps)


def _step(material: Material, state: State, batch: Batch, proxies: Proxies) -> float:
    """Move the weights once; returns the loss."""
    number = len(state.rounds) * material.settings.steps + state.step
    members = torch.tensor([draw.piece for draw in batch], device=material.device)
    bf16 = bool(material.settings.learning.bf16)
    features = state.learner(material.see(batch, number), bf16=bf16)
    loss = proxies.loss(features, members)
    if material.rehearsal is not None:
        pixels, identities = material.rehearsal.batch(number)
        with norms_of_their_own(state.learner):
            known = state.learner(material.ready(pixels, number), bf16=bf16)
        loss = loss + supervised_contrastive(known, identities.to(material.device))
    state.optimiser.zero_grad()
    torch.autograd.backward(loss)
    state.optimiser.step()
    state.average.update_parameters(state.learner.network)
    proxies.update(features.detach(), members)
    return float(loss.detach())


def _summary(material: Material, state: State) -> Round:
    assert state.labels is not None
    labels = state.labels.numpy()
    grouped = labels != SINGLE
    sizes = np.bincount(labels[grouped], minlength=1)
    pairs = np.unique(np.stack([labels, material.cameras], axis=1)[grouped], axis=0)
    return Round(
        clusters=int((sizes > 0).sum()),
        clustered=int(grouped.sum()),
        single=int((~grouped).sum()),
        across=int((np.bincount(pairs[:, 0], minlength=1) > 1).sum()),
        largest=int(sizes.max()),
        radius=state.radius,
        loss=state.loss / material.settings.steps,
        seconds=state.seconds - state.began,
    )
