"""How many crops a second does the embedder do, against the bare forward pass of the same network?

    python benchmarks/embedding.py [--threads 1] [--clock cpu|wall] [--device auto] [--with-attention]

Bare: the network as it was loaded, on tensors that are ready. Embedder: uint8 crops of 160 x 60 in, features
out. Both take turns, so that whatever else the machine does hits both; figures are medians over the rounds.
With --clock cpu a second is one of CPU time, which other load on the machine disturbs less.
"""

import argparse
import time
from collections.abc import Callable
from copy import deepcopy
from itertools import product

import numpy as np
import torch

from models import zoo
from models.embedder import Embedder
from models.networks.tkp import TKP
from models.preprocessing import prepare
from models.zoo import LoadedModel

CLIP = 32


def median_seconds(runs: list[Callable[[], object]], rounds: int, clock: Callable[[], float]) -> list[float]:
    """Seconds of each run, taken in turns after one round to warm up."""
    seconds: list[list[float]] = [[] for _ in runs]
    for index, (number, run) in product(range(rounds + 1), enumerate(runs)):
        start = clock()
        run()
        if index:
            seconds[number].append(clock() - start)
    return [float(np.median(s)) for s in seconds]


def synchronised(run: Callable[[], object], device: str) -> Callable[[], object]:
    def wait() -> None:
        run()
        if device != "cpu":
            torch.cuda.synchronize()

    return wait


@torch.inference_mode()
def measure(
    model: LoadedModel, precision: str, batch: int, *, device: str, rounds: int, clock: Callable[[], float]
) -> str:
    """One row: crops a second through image network and video network, bare and by the embedder."""
    embedder = Embedder(model, device=device, precision=precision)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    network = deepcopy(model.network).to(device=embedder.device, dtype=dtype)
    crops = list(np.random.default_rng(0).integers(0, 256, (batch, 160, 60, 3), dtype=np.uint8))
    images = prepare(crops, model.preprocessing).to(device=embedder.device, dtype=dtype)
    clips = [crops[start : start + CLIP] for start in range(0, batch, CLIP)]
    lengths = [len(clip) for clip in clips]
    runs: list[Callable[[], object]] = [
        lambda: network.embed_images(images),
        lambda: embedder.embed_images(crops),
        lambda: network.embed_frames(images, lengths),
        lambda: embedder.embed_clips(clips),
    ]
    seconds = median_seconds([synchronised(run, embedder.device) for run in runs], rounds, clock)
    rates = [batch / s for s in seconds]
    return (
        f"| {precision} | {batch} | {rates[0]:.0f} | {rates[1]:.0f} | {rates[1] / rates[0]:.2f} "
        f"| {rates[2]:.0f} | {rates[3]:.0f} | {rates[3] / rates[2]:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default=zoo.DEFAULT)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--clock", choices=("cpu", "wall"), default="wall")
    parser.add_argument("--with-attention", action="store_true", help="give idle non-local blocks a gain")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = zoo.load(options.model)
    if options.with_attention:
        assert isinstance(model.network, TKP)
        for block in model.network.non_local_blocks():
            torch.nn.init.constant_(block.norm.weight, 0.1)
    clock = time.process_time if options.clock == "cpu" else time.perf_counter
    print(f"{model.name}, {options.threads} threads, {options.clock} time, torch {torch.__version__}")
    print("| precision | batch | bare images/s | photos/s | ratio | bare frames/s | clip frames/s | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for precision, batch in product(("fp32", "bf16"), (1, 8, 32)):
        row = measure(model, precision, batch, device=options.device, rounds=options.rounds, clock=clock)
        print(row, flush=True)


if __name__ == "__main__":
    main()
