"""How fast does a training step go, and how fast are crops embedded, against the bare networks?

    python benchmarks/training.py [--recipe NAME] [--model NAME] [--threads 1] [--device auto] [--rounds 5]

A step is one batch of the recipe on pixels that are ready: augmentation, losses, backward pass, optimiser.
Bare is forward and backward pass of the same two networks with the sum of their features for a loss. Crops
(256 x 128, clips of 32) go through the embedder; bare is the network's pass over ready tensors. Each pair
takes turns; figures are medians.
"""

import argparse
import time
from collections.abc import Callable
from itertools import product, repeat

import numpy as np
import torch
from embedding import CLIP, median_seconds, synchronised  # type: ignore[import-not-found]  # beside this file

from models import zoo
from models.datasets.clips import Clips
from models.devices import autocast, resolve_device
from models.embedder import Embedder
from models.networks.tkp import TKP
from models.preprocessing import prepare, standardise
from models.training.begin import begin
from models.training.objectives import People
from models.training.processes import Place
from models.training.recipe import Recipe, read_recipe
from models.training.train import learn
from models.training.train import prepare as begin_state

Run = Callable[[], object]


def training(recipe: Recipe, device: str) -> tuple[Run, Run]:
    """A step, and the bare passes of the same networks."""
    begun = begin(recipe)
    place = Place(0, 1, device)
    shape = recipe.batches
    count = shape.identities * shape.clips
    state = begin_state(recipe, begun, People(torch.zeros(shape.identities, dtype=torch.int64)), place)
    state.objective.train()
    random = torch.Generator().manual_seed(0)
    size = (count, shape.frames, 3, recipe.input.height, recipe.input.width)
    pixels = torch.randint(256, size, dtype=torch.uint8, generator=random)
    labels = torch.arange(shape.identities).repeat_interleave(shape.clips)
    truth = (
        torch.randint(25, size, dtype=torch.uint8, generator=random) if state.objective.needs_truth else None
    )
    plan = repeat((0, Clips(pixels, labels, torch.zeros(count, dtype=torch.int64), truth)))
    ready = standardise(pixels.flatten(0, 1).to(device), begun.preprocessing)
    ready = ready.contiguous(memory_format=torch.channels_last)
    network = state.objective.network
    assert isinstance(network, TKP)

    def step() -> None:
        learn(state.objective, plan, recipe, begun.preprocessing, place)
        state.optimiser.step()
        state.optimiser.zero_grad()

    def bare() -> None:
        with autocast(recipe.run.bf16, ready.device):
            images, videos = network.embed_images(ready), network.raw_frames(ready, [shape.frames] * count)
            features = images.sum() + videos.sum()
        torch.autograd.backward(features)
        state.optimiser.zero_grad()

    return step, bare


def embedding(name: str, precision: str, *, compiled: bool, device: str) -> tuple[Run, Run]:
    """Two clips through the embedder, and through the bare network, compiled or not."""
    model = zoo.load(name)
    crops = list(np.random.default_rng(0).integers(0, 256, (2 * CLIP, 256, 128, 3), dtype=np.uint8))
    embedder = Embedder(model, device=device, precision=precision)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    network = model.network.to(device=device, dtype=dtype)
    for module in network.precise():
        module.float()
    if compiled:
        for part in network.children():
            part.compile()
    ready = prepare(crops, model.preprocessing).to(device=device, dtype=dtype)
    return (
        lambda: embedder.embed_clips([crops[:CLIP], crops[CLIP:]]),
        torch.inference_mode()(lambda: network.embed_frames(ready, [CLIP, CLIP])),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", default="tkp-efficientnet-lite0-cpu")
    parser.add_argument("--model", default=zoo.DEFAULT, help="what embeds")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--precisions", nargs="+", choices=("fp32", "bf16"), default=("fp32", "bf16"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = resolve_device(options.device)
    print(f"{options.recipe} and {options.model} on {device}")
    print(f"{options.threads} threads, wall time, torch {torch.__version__}")
    print("| precision | compiled | steps/s | bare passes/s | ratio | crops/s | bare crops/s | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for precision, compiled in product(options.precisions, (False, True)):
        flags = [f"run.bf16={str(precision == 'bf16').lower()}", f"run.compile={str(compiled).lower()}"]
        recipe = read_recipe(options.recipe, [*flags, "batches.accumulate=1"])
        rates = []
        for pair, size in (
            (training(recipe, device), 1),
            (embedding(options.model, precision, compiled=compiled, device=device), 2 * CLIP),
        ):
            runs = [synchronised(run, device) for run in pair]
            rates.append([size / s for s in median_seconds(runs, options.rounds, time.perf_counter)])
        (steps, bare), (crops, bare_crops) = rates
        print(
            f"| {precision} | {'yes' if compiled else 'no'} | {steps:.2f} | {bare:.2f} | {steps / bare:.2f} "
            f"| {crops:.0f} | {bare_crops:.0f} | {crops / bare_crops:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
